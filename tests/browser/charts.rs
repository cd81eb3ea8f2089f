//! The charts, against the ledger and against a count of our own.

use super::{Page, lines, many, of_kind, shown, whoclosed};
use crate::support;
use chrono::DateTime;
use serde_json::{Value, json};

const SLOTS: i64 = 160;

/// Each chart: its title, its numbers by name, and those that its areas are drawn by.
const CHARTS: &str = "[...document.querySelectorAll('figure.chart')].map(figure => {
  const [, , slots, top] = figure.querySelector('svg').getAttribute('viewBox').split(' ').map(Number);
  // Each area: its upper edge and, backwards, its lower one.
  const areas = [...figure.querySelectorAll('path')].map(path => {
    const heights = path.getAttribute('d').match(/[ V]\\d+/g).map(y => top - Number(y.slice(1)));
    return [heights.slice(0, slots), heights.slice(slots).reverse()];
  });
  return { title: figure.querySelector('figcaption').textContent.trim(), length: Number(figure.dataset.length),
    series: JSON.parse(figure.dataset.values), areas, limit: figure.querySelector('.limit') !== null };
})";

/// The rows of the table of hosts: state, host, and figures.
const HOSTS: &str = "[...document.querySelector('table.figures').tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent.trim()))";

fn numbers(list: &Value) -> Vec<u64> {
    let list = list.as_array().expect("a list").iter();
    list.map(|number| number.as_u64().expect("a number"))
        .collect()
}

fn most(list: &Value) -> u64 {
    numbers(list).into_iter().max().expect("slots")
}

fn named<'a>(charts: &'a Value, title: &str) -> &'a Value {
    let mut charts = charts.as_array().expect("a list").iter();
    let found = charts.find(|chart| {
        chart["title"]
            .as_str()
            .is_some_and(|t| t.starts_with(title))
    });
    found.unwrap_or_else(|| panic!("no chart {title}"))
}

fn nanos(time: &Value) -> i64 {
    let time = DateTime::parse_from_rfc3339(time.as_str().expect("a time")).expect("a time");
    time.timestamp_nanos_opt().expect("of this age")
}

#[test]
fn they_show_what_the_ledger_holds() {
    let captures = many();
    let captures: Vec<&str> = captures.iter().map(String::as_str).collect();
    let page = Page::of("charts", &captures);
    let Some(mut browser) = shown("charts", &page.0) else {
        return;
    };
    let charts = browser.run(CHARTS);
    let books = whoclosed(&[&["timewait", "--format", "json"], &captures[..]].concat());
    let ledger = of_kind(&books, "ledger");
    let all = &ledger[0];
    for (title, field) in [
        ("TIME-WAIT all hosts", "time_wait"),
        ("CLOSE-WAIT", "close_wait"),
        ("FIN-WAIT-2", "fin_wait_2"),
        ("LAST-ACK", "last_ack"),
    ] {
        let chart = named(&charts, title);
        assert_eq!(
            most(&chart["series"][0][1]),
            all[field]["peak"].as_u64().expect("a number")
        );
        // What is drawn is what is told.
        assert_eq!(chart["areas"][0][0], chart["series"][0][1], "{title}");
    }
    let waits = &named(&charts, "TIME-WAIT all hosts")["series"][0][1];
    let owners = named(&charts, "TIME-WAIT by owner");
    let mut sum = vec![0; numbers(waits).len()];
    for (series, area) in { owners["series"].as_array().expect("a list").iter() }
        .zip(owners["areas"].as_array().expect("a list"))
    {
        assert_eq!(numbers(&area[1]), sum, "it stands on the one below");
        for (sum, count) in sum.iter_mut().zip(numbers(&series[1])) {
            *sum += count;
        }
        assert_eq!(numbers(&area[0]), sum);
        let host = ledger
            .iter()
            .find(|line| line["owner"] == series[0] && line["peer"].is_null());
        let peak = &host.expect("a host")["time_wait"]["peak"];
        assert!(most(&series[1]) <= peak.as_u64().expect("a number"));
    }
    assert_eq!(sum, numbers(waits), "the owners together are all");

    let rows = browser.run(HOSTS);
    let rows = rows.as_array().expect("a list");
    for (state, field) in [("TIME-WAIT", "time_wait"), ("CLOSE-WAIT", "close_wait")] {
        for host in ledger
            .iter()
            .filter(|line| !line["owner"].is_null() && line["peer"].is_null())
        {
            let figures = &host[field];
            if figures["created"] == 0 {
                continue;
            }
            let row = rows
                .iter()
                .find(|row| row[0] == state && row[1] == host["owner"]);
            let row = row.expect("a row of each host");
            assert_eq!(row[2], figures["created"].to_string());
            assert_eq!(row[4], figures["peak"].to_string());
            assert_eq!(row[7], figures["at_end"].to_string());
        }
    }
}

/// The most TIME-WAITs at once in each slot, counted from the flows of the JSON.
fn counted(flows: &[Value], (start, end): (i64, i64)) -> Vec<u64> {
    let waits = flows
        .iter()
        .flat_map(|flow| flow["time_wait"].as_array().expect("a list"));
    let spans: Vec<(i64, i64)> = waits
        .map(|wait| (nanos(&wait["start"]), nanos(&wait["end"])))
        .collect();
    let at = |time: i64| {
        spans
            .iter()
            .filter(|span| span.0 <= time && time < span.1)
            .count() as u64
    };
    let bound =
        |slot: i64| start + (i128::from(end - start) * i128::from(slot) / i128::from(SLOTS)) as i64;
    let slot = |slot: i64| {
        let (from, to) = (bound(slot), bound(slot + 1) + i64::from(slot + 1 == SLOTS));
        let begun = spans
            .iter()
            .map(|span| span.0)
            .filter(|time| (from..to).contains(time));
        begun.chain([from]).map(at).max().expect("an instant")
    };
    (0..SLOTS).map(slot).collect()
}

#[test]
fn every_column_is_a_count_of_the_flows() {
    for (name, wait) in [
        ("questions/time-wait-pile.mid.pcap", "1s"),
        ("questions/time-wait-pile.mid.pcap", "60s"),
        ("questions/regression-300.mid.pcap", "250ms"),
    ] {
        let path = support::testdata(name);
        let args = ["--time-wait", wait, path.to_str().expect("text")];
        let page = Page::of("columns", &args);
        let Some(mut browser) = shown("columns", &page.0) else {
            return;
        };
        let charts = browser.run(CHARTS);
        let chart = named(&charts, "TIME-WAIT");
        let source = &lines(&args, "summary")[0]["sources"][0];
        let period = (nanos(&source["start"]), nanos(&source["end"]));
        assert_eq!(chart["length"], period.1 - period.0);
        let expected = counted(&lines(&args, "flow"), period);
        assert!(expected.iter().any(|count| *count > 4));
        assert_eq!(numbers(&chart["series"][0][1]), expected, "{name} {wait}");
        assert_eq!(numbers(&chart["areas"][0][0]), expected, "{name} {wait}");
    }
}

#[test]
fn ports_stand_against_their_range() {
    let path = support::testdata("questions/port-exhaustion.mid.pcap");
    let args = ["--port-range", "40000-40019", path.to_str().expect("text")];
    let page = Page::of("ports", &args);
    let Some(mut browser) = shown("ports", &page.0) else {
        return;
    };
    let books = whoclosed(&[&["timewait", "--format", "json"], &args[..]].concat());
    let used = &of_kind(&books, "port_use")[0];
    let charts = browser.run(CHARTS);
    let chart = named(&charts, "ports in use");
    assert_eq!(json!(most(&chart["series"][0][1])), used["peak"]);
    assert_eq!(chart["areas"][0][0], chart["series"][0][1]);
    assert_eq!(chart["limit"], true);
    let width = browser.run("Number(document.querySelector('.meter .part').getAttribute('width'))");
    assert_eq!(width.as_f64(), used["peak_percent"].as_f64());
    let warned = browser.run("document.querySelector('.told.warning').textContent");
    assert!(
        warned.as_str().expect("text").contains("EADDRNOTAVAIL"),
        "{warned}"
    );
    // Each flow is in order, but nobody is told that all is well.
    let all = browser.run("[...document.querySelectorAll('.told strong')].map(e => e.textContent)");
    let all: Vec<&Value> = all.as_array().expect("a list").iter().collect();
    assert!(
        all.len() > 1 && !all.contains(&&json!("healthy")),
        "{all:?}"
    );
}

#[test]
fn a_chart_tells_the_numbers_under_the_pointer() {
    let path = support::testdata("questions/time-wait-pile.mid.pcap");
    let page = Page::of("pointer", &[path.to_str().expect("text")]);
    let Some(mut browser) = shown("pointer", &page.0) else {
        return;
    };
    let told = browser.run(
        "(() => { const figure = document.querySelector('figure.chart'), svg = figure.querySelector('svg');
           const box = svg.getBoundingClientRect();
           svg.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + box.width * 0.505, clientY: box.top + 5 }));
           return [figure.querySelector('.readout').textContent, JSON.parse(figure.dataset.values)[0][1][80]]; })()",
    );
    let text = told[0].as_str().expect("text");
    assert!(text.ends_with(&format!("s: at most {}", told[1])), "{text}");
    assert!(text.starts_with("1.5"), "{text}");
}
