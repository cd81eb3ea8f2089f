//! Any bytes decode to a segment or to a reason; what a snaplen or a VLAN tag changes is known.

use whoclosed::capture::Reader;
use whoclosed::packet::{Mptcp, NotDecoded, Said, Segment, decode, quoted_by_icmp};

/// The link types that are decoded, and one that is not.
const LINKS: [u16; 18] = [
    1, 276, 113, 101, 12, 14, 228, 229, 0, 108, 9, 50, 51, 104, 219, 239, 1, 105,
];
const ETHERNET: u16 = 1;
/// Ethernet's addresses and type, and IPv4's header up to its length.
const TYPE: usize = 12;
const TOTAL: usize = 16;

/// The records of a capture; else a link type, how much longer the packet was on the wire, and the
/// packet.
pub(crate) fn decoders(input: &[u8]) {
    if let Ok(mut reader) = Reader::new(input) {
        let mut left = 1000;
        while let Some(record) = reader.next().filter(|_| left > 0) {
            left -= 1;
            packet(record.link, record.data, record.original_len);
        }
        return;
    }
    if let Some((&[link, more], data)) = input.split_first_chunk() {
        let link = LINKS[usize::from(link) % LINKS.len()];
        let more = match more {
            0x80.. => u32::from(more - 0x7f) * 640,
            0x40.. => 0,
            more => u32::from(more),
        };
        packet(link, data, data.len() as u32 + more);
        payload(data, data.len() as u32 + more);
    }
}

/// What an application says: the same each time, in what was there, and printable.
fn payload(data: &[u8], len: u32) {
    let said = Said::read(data, len);
    assert_eq!(said, Said::read(data, len), "twice");
    match said {
        Some(Said::Requests(requests)) => {
            let path = requests.last.path.to_string();
            assert!(
                path.bytes().all(|byte| (0x21..0x7f).contains(&byte)),
                "{path}"
            );
            assert!(requests.last.begin as usize <= data.len() && requests.count > 0);
        }
        Some(Said::Responses(responses)) => {
            let at = responses.last.body_at.map_or(0, |at| at as usize);
            assert!(at <= data.len() && responses.last.status < 1000);
        }
        _ => {}
    }
}

fn packet(link: u16, data: &[u8], original_len: u32) {
    let whole = decode(link, data, original_len);
    assert_eq!(whole, decode(link, data, original_len), "twice");
    let quoted = quoted_by_icmp(link, data, original_len);
    assert!(
        quoted.is_err() || whole == Err(NotDecoded::Icmp),
        "an error is no segment"
    );
    let Ok(segment) = whole else { return };
    bounded(&segment, original_len);
    if link == ETHERNET {
        tagged(&segment, data, original_len);
    }
    let cut = usize::from(segment.seq.0 as u16) % (data.len() + 1);
    if let Ok(less) = decode(link, &data[..cut], original_len) {
        assert_eq!(essence(&less), essence(&segment), "cut to {cut} bytes");
    }
}

/// Its length is that of a header (16 bits, a jumbogram's 32) or of the record.
fn bounded(segment: &Segment, original_len: u32) {
    let most = original_len.max(0xffff);
    assert!(
        segment.len <= most || segment.ip_id.is_none(),
        "{segment:?}"
    );
    assert!(segment.window_scale.is_none_or(|scale| scale <= 14));
    assert!(!segment.window_cut || segment.window == 0);
}

/// A VLAN tag takes the frame off the way of the usual one: layer by layer it is the same.
fn tagged(segment: &Segment, data: &[u8], original_len: u32) {
    let (Some(head), Some(rest)) = (data.get(..TYPE), data.get(TYPE..)) else {
        return;
    };
    // Without a total length the frame's counts, in which a tag hides the padding.
    let is_v4 = rest.starts_with(&[8, 0]);
    if !is_v4 || data.get(TOTAL..TOTAL + 2) == Some(&[0, 0]) || original_len > u32::MAX - 4 {
        return;
    }
    let frame = [head, &[0x81, 0, 0, 42], rest].concat();
    assert_eq!(decode(ETHERNET, &frame, original_len + 4), Ok(*segment));
}

/// What a snaplen leaves as it is.
fn essence(segment: &Segment) -> Segment {
    Segment {
        window: 0,
        window_cut: false,
        options_cut: false,
        timestamps: None,
        window_scale: None,
        mptcp: Mptcp::default(),
        ..*segment
    }
}
