//! Texts of a capture that would like to be markup.

use super::{Page, container, quiet, shown};
use container::{Order, PcapNg};

const TEXT: &str =
    "<script>window.evil = 1</script><img src=x onerror=\"window.evil = 2\">'\"&amp;";
/// The same without what no name of a file holds, and short.
const NAME: &str =
    "<script>window.evil = 3<script><img src=x onerror='window.evil = 4'>\"&amp;.pcapng";
/// So much of a path is kept.
const PATH: &str = "/<script>window.evil=5</script><img/src=x/onerror=\"evil=6\">'";
const RAW_IP: u16 = 101;

/// A segment between two hosts, by its flags, numbers and payload.
fn segment(client: bool, flags: u8, (seq, ack): (u32, u32), payload: &[u8]) -> Vec<u8> {
    let ends = [([10, 0, 0, 1], 40_000_u16), ([10, 0, 0, 2], 80)];
    let [from, to] = if client { ends } else { [ends[1], ends[0]] };
    let mut ip = vec![0x45, 0];
    ip.extend((40 + payload.len() as u16).to_be_bytes());
    ip.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
    ip.extend(from.0);
    ip.extend(to.0);
    ip.extend(from.1.to_be_bytes());
    ip.extend(to.1.to_be_bytes());
    ip.extend(seq.to_be_bytes());
    ip.extend(ack.to_be_bytes());
    ip.extend([0x50, flags, 1, 0, 0, 0, 0, 0]);
    ip.extend(payload);
    ip
}

fn capture() -> Vec<u8> {
    const IF_NAME: u16 = 2;
    const SYN: u8 = 2;
    const ACK: u8 = 16;
    const RST: u8 = 4;
    let request = format!("GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n");
    let end = 101 + request.len() as u32;
    let segments = [
        segment(true, SYN, (100, 0), b""),
        segment(false, SYN | ACK, (500, 101), b""),
        segment(true, ACK, (101, 501), b""),
        segment(true, ACK, (101, 501), request.as_bytes()),
        segment(false, ACK, (501, end), b""),
        segment(false, RST | ACK, (501, end), b""),
    ];
    let pcap = PcapNg::new(Order::Little);
    let pcap = pcap.interface(RAW_IP, 0, &[(IF_NAME, TEXT.as_bytes())]);
    let all = (0..).zip(segments);
    let pcap = all.fold(pcap, |pcap, (at, segment)| {
        pcap.enhanced(0, 1_790_000_000_000_000 + at * 1000, &segment, &[])
    });
    pcap.bytes
}

#[test]
fn text_stays_text() {
    let folder = std::env::temp_dir().join(format!("whoclosed-evil-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("made");
    let path = folder.join(NAME);
    std::fs::write(&path, capture()).expect("written");
    let page = Page::of("evil", &[path.to_str().expect("text")]);
    std::fs::remove_dir_all(&folder).expect("removed");
    let Some(mut browser) = shown("evil", &page.0) else {
        return;
    };
    browser.run("document.querySelector('tr.flow').click()");
    let text = browser.run("document.body.innerText");
    let text = text.as_str().expect("text");
    for expected in [TEXT, NAME, PATH] {
        assert!(text.contains(expected), "{expected} is not in:\n{text}");
    }
    let title = browser.run("document.title");
    assert!(
        title.as_str().is_some_and(|title| title.contains(NAME)),
        "{title}"
    );
    assert_eq!(browser.run("typeof window.evil"), "undefined");
    // The page's own: its script, and the data of its flows.
    assert_eq!(browser.run("document.querySelectorAll('script').length"), 2);
    assert_eq!(browser.run("document.querySelectorAll('img').length"), 0);
    quiet(&mut browser);
}
