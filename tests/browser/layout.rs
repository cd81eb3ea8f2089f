//! The page on a telephone, by night and on paper, and with many flows.

use super::{Page, container, lines, many, quiet, shown};
use container::{MICROSECONDS, Order, Pcap};
use serde_json::json;
use std::path::PathBuf;

const RAW_IP: u32 = 101;

#[test]
fn it_fits_a_telephone_the_night_and_paper() {
    let captures = many();
    let captures: Vec<&str> = captures.iter().map(String::as_str).collect();
    let page = Page::of("layout", &captures);
    let Some(mut browser) = shown("layout", &page.0) else {
        return;
    };
    for row in 0..30 {
        browser.run(&format!(
            "document.querySelectorAll('tr.flow')[{row}].click()"
        ));
    }
    for width in [320, 390, 800, 1280] {
        let screen = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": true});
        browser.call("Emulation.setDeviceMetricsOverride", &screen);
        let wide = browser.run("document.documentElement.scrollWidth");
        assert_eq!(wide, width, "it has to be moved sideways");
        let cut = browser.run(
            "[...document.querySelectorAll('.ladder > div, .plot, .share, .told, tr.flow > td')]
               .filter(part => part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0)
               .slice(0, 3).map(part => part.outerHTML)",
        );
        assert_eq!(cut, json!([]), "at {width} it runs over");
        let broken = browser.run(
            "[...document.querySelectorAll('.figures td, .figures th')].filter(cell => cell.clientHeight > 40).length",
        );
        assert_eq!(broken, 0, "at {width} words are broken");
    }
    let mut paper = |scheme: &str| {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        browser.call(
            "Emulation.setEmulatedMedia",
            &json!({"media": "", "features": features}),
        );
        browser.run("getComputedStyle(document.body).backgroundColor")
    };
    assert_eq!(paper("light"), "rgb(255, 255, 255)");
    assert_eq!(paper("dark"), "rgb(20, 24, 31)");
    browser.call("Emulation.setEmulatedMedia", &json!({"media": "print"}));
    let tools = browser.run("getComputedStyle(document.querySelector('.tools')).display");
    assert_eq!(tools, "none");
    quiet(&mut browser);
}

/// SYNs of so many connections, each refused.
fn refusals(name: &str, count: u32) -> PathBuf {
    let mut pcap = Pcap::new(MICROSECONDS, Order::Little, RAW_IP);
    for at in 0..count {
        let (port, host) = (32_768 + (at % 28_000) as u16, (at / 28_000) as u8);
        for (flags, client) in [(2, true), (20, false)] {
            let ends = [([10, 0, host, 1], port), ([10, 0, 0, 200], 80)];
            let [from, to] = if client { ends } else { [ends[1], ends[0]] };
            let mut ip = vec![0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0];
            ip.extend(from.0);
            ip.extend(to.0);
            ip.extend(from.1.to_be_bytes());
            ip.extend(to.1.to_be_bytes());
            ip.extend(if client { [0, 0, 0, 1] } else { [0; 4] });
            ip.extend(if client { [0; 4] } else { [0, 0, 0, 2] });
            ip.extend([0x50, flags, 1, 0, 0, 0, 0, 0]);
            let time = (
                1_790_000_000 + at / 1000,
                at % 1000 * 1000 + u32::from(!client),
            );
            pcap = pcap.record(time, &ip, 40);
        }
    }
    let path = std::env::temp_dir().join(format!("whoclosed-{name}-{}.pcap", std::process::id()));
    std::fs::write(&path, &pcap.bytes).expect("written");
    path
}

/// A filter and a sort; gives the milliseconds of each until the page is drawn again.
const WORK: &str = "(async () => {
  const input = document.querySelector('.find'), times = [];
  const drawn = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  const timed = async work => { const from = performance.now(); work(); await drawn(); times.push(performance.now() - from); };
  await timed(() => { input.value = 'refused 10.0.0.1:4'; input.dispatchEvent(new Event('input')); });
  await timed(() => { input.value = ''; input.dispatchEvent(new Event('input')); });
  await timed(() => document.querySelector('th[data-column=client] button').click());
  await timed(() => document.querySelector('.on').click());
  return times;
})()";

#[test]
fn ten_thousand_flows_stay_fluid_and_more_are_sampled() {
    let path = refusals("ten", 10_000);
    let page = Page::of("ten", &[path.to_str().expect("text")]);
    std::fs::remove_file(&path).expect("removed");
    let Some(mut browser) = shown("ten", &page.0) else {
        return;
    };
    let shown_flows = "document.querySelector('.pages .shown').dataset.shown";
    assert_eq!(browser.run(shown_flows), "10000");
    let times = browser.run(WORK);
    // Some tens in truth; a busy machine has more to do.
    for time in times.as_array().expect("a list") {
        assert!(time.as_f64().is_some_and(|time| time < 500.0), "{times}");
    }
    let rows = browser.run("document.querySelectorAll('tr.flow').length");
    assert!(rows.as_u64().is_some_and(|rows| rows <= 100), "{rows}");

    let path = refusals("more", 25_000);
    let text = path.to_str().expect("text");
    let page = Page::of("more", &[text]);
    let flows = lines(&["--summary", text], "summary")[0]["flows"].clone();
    std::fs::remove_file(&path).expect("removed");
    browser.open(&page.0);
    assert_eq!(flows, 25_000);
    assert_eq!(browser.run(shown_flows), "6250");
    let text = browser.run("document.body.innerText");
    let said = "There are 25000 flows; the table holds one of 4, 6250 in all.";
    assert!(
        text.as_str().is_some_and(|text| text.contains(said)),
        "{text}"
    );
    quiet(&mut browser);
}
