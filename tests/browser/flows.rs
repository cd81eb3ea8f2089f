//! The table of flows and their ladders, against the JSON.

use super::devtools::Browser;
use super::{Page, lines, many, of_kind, quiet, shown, whoclosed};
use crate::support;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// All rows, page after page of the table: number, outcome, closer and findings of each.
const ROWS: &str = "(() => {
  const rows = [];
  for (;;) {
    for (const row of document.querySelectorAll('tr.flow')) {
      const cell = name => row.cells[[...document.querySelectorAll('th[data-column]')]
        .findIndex(head => head.dataset.column === name)].textContent;
      rows.push({ flow: Number(row.dataset.flow), outcome: cell('outcome').replace(/\\?+$/, ''),
        closer: cell('closer'), client: cell('client'), start: cell('start'), findings: cell('findings') });
    }
    const on = document.querySelector('.on');
    if (on.hidden) return rows;
    on.click();
  }
})()";

fn rows(browser: &mut Browser) -> Vec<Value> {
    let Value::Array(rows) = browser.run(ROWS) else {
        panic!("a list");
    };
    rows
}

/// What the page shows of these flows of the JSON.
fn expected(flows: &[&Value]) -> BTreeSet<String> {
    let all = flows.iter().map(|flow| {
        let codes = flow["findings"].as_array().expect("a list").iter();
        let codes: Vec<&str> = codes.filter_map(|f| f["code"].as_str()).collect();
        let closer = flow["active_closer"].as_str().filter(|closer| *closer != "none");
        let client = &flow["client"];
        let client = format!("{}:{}", client["addr"].as_str().expect("text"), client["port"]);
        told(&json!({"flow": flow["flow"], "outcome": flow["outcome"], "closer": closer.unwrap_or(""),
            "client": client, "findings": codes.join(", ")}))
    });
    all.collect()
}

fn told(row: &Value) -> String {
    let parts = ["flow", "outcome", "closer", "client", "findings"];
    parts.map(|part| row[part].to_string()).join(" ")
}

#[track_caller]
fn same(browser: &mut Browser, flows: &[&Value]) {
    let rows = rows(browser);
    let shown: BTreeSet<String> = rows.iter().map(told).collect();
    let expected = expected(flows);
    let differing: Vec<&String> = shown.symmetric_difference(&expected).take(4).collect();
    assert!(differing.is_empty(), "{differing:#?}");
    assert_eq!(rows.len(), flows.len());
    let said = browser.run("document.querySelector('.pages .shown').dataset.shown");
    assert_eq!(said, flows.len().to_string());
}

/// Chooses a value as a user does.
fn pick(browser: &mut Browser, field: &str, value: &str) {
    browser.run(&format!(
        "(() => {{ const select = document.querySelector('select[data-field={field}]');
          select.value = '{value}'; select.dispatchEvent(new Event('change')); }})()"
    ));
}

fn find(browser: &mut Browser, words: &str) {
    browser.run(&format!(
        "(() => {{ const input = document.querySelector('.find');
          input.value = '{words}'; input.dispatchEvent(new Event('input')); }})()"
    ));
}

#[test]
fn the_rows_are_the_flows_of_the_json_whatever_is_chosen() {
    let captures = many();
    let captures: Vec<&str> = captures.iter().map(String::as_str).collect();
    let page = Page::of("rows", &captures);
    let Some(mut browser) = shown("rows", &page.0) else {
        return;
    };
    let flows = lines(&captures, "flow");
    let chosen = |keep: &dyn Fn(&Value) -> bool| -> Vec<&Value> {
        let kept: Vec<&Value> = flows.iter().filter(|flow| keep(flow)).collect();
        assert!(!kept.is_empty() && kept.len() < flows.len());
        kept
    };
    let all: Vec<&Value> = flows.iter().collect();
    assert!(all.len() > 1000);
    same(&mut browser, &all);

    pick(&mut browser, "outcome", "aborted");
    let aborted = chosen(&|flow| flow["outcome"] == "aborted");
    same(&mut browser, &aborted);
    pick(&mut browser, "closer", "none");
    let both = |flow: &Value| flow["outcome"] == "aborted" && flow["active_closer"] == "none";
    same(&mut browser, &chosen(&both));
    browser.run("document.querySelector('.clear').click()");
    same(&mut browser, &all);

    pick(&mut browser, "cause", "unread-data");
    same(
        &mut browser,
        &chosen(&|flow| flow["abort_cause"] == "unread-data"),
    );
    browser.run("document.querySelector('.clear').click()");
    let share = "document.querySelector('.share[data-field=finding][data-value=close-wait-leak]')";
    browser.run(&format!("{share}.click()"));
    let leaks = |flow: &Value| {
        let findings = flow["findings"].as_array().expect("a list");
        findings
            .iter()
            .any(|finding| finding["code"] == "close-wait-leak")
    };
    same(&mut browser, &chosen(&leaks));
    let pressed = browser.run(&format!("{share}.getAttribute('aria-pressed')"));
    assert_eq!(pressed, "true");
    browser.run(&format!("{share}.click()"));

    find(&mut browser, "198.51.100.10:45001 AFTER-fin");
    let worded = |flow: &Value| {
        flow["client"] == json!({"addr": "198.51.100.10", "port": 45001})
            && flow["outcome"] == "aborted-after-fin"
    };
    same(&mut browser, &chosen(&worded));
    find(&mut browser, "nothing of that kind");
    same(&mut browser, &[]);
    find(&mut browser, "");

    browser.run("document.querySelector('th[data-column=start] button').click()");
    let times = |browser: &mut Browser| -> Vec<f64> {
        let rows = rows(browser);
        let times = rows.iter().map(|row| row["start"].as_str().expect("text"));
        times.map(|time| time.parse().expect("a number")).collect()
    };
    assert!(times(&mut browser).is_sorted());
    browser.run("document.querySelector('th[data-column=start] button').click()");
    assert!(times(&mut browser).is_sorted_by(|a, b| a >= b));
    quiet(&mut browser);
}

/// The ladder of the flow that is open, and the states' words.
const LADDER: &str = "(() => {
  const cells = [...document.querySelectorAll('.ladder > div')], rows = [];
  const state = cell => [...cell.classList].find(name => name.startsWith('state-')).slice(6);
  for (let at = 5; at < cells.length; at += 5) {
    const [frame, time, client, between, server] = cells.slice(at, at + 5);
    rows.push({ frame: frame.textContent, label: between.textContent, arrow: between.classList.contains('arrow'),
      from: ['client', 'server'].find(side => between.classList.contains(side)) ?? null,
      client: state(client), server: state(server) });
  }
  return { rows, bars: [...document.querySelectorAll('.side svg')].map(svg => [...svg.children].map(state)),
    widths: [...document.querySelectorAll('.side svg')].map(svg => [...svg.children].map(bar => Number(bar.getAttribute('width')))),
    words: [...document.querySelectorAll('.dwells')].map(side => side.textContent.trim()) };
})()";

#[test]
fn a_click_shows_the_ladder_and_the_states() {
    for name in [
        "captures/write-to-closed.mid.pcap",
        "captures/close-server-first-4seg.mid.pcap",
        "captures/final-ack-lost-after-mid.mid.pcapng",
    ] {
        let path = support::testdata(name);
        let path = path.to_str().expect("text");
        let page = Page::of("ladder", &[path]);
        let Some(mut browser) = shown("ladder", &page.0) else {
            return;
        };
        let flow = &lines(&[path], "flow")[0];
        let explained = whoclosed(&["explain", "--format", "json", "--flow", "0", path]);
        let explained = &of_kind(&explained, "explanation")[0];
        browser.run("document.querySelector('tr.flow[data-flow=\"0\"]').click()");
        let ladder = browser.run(LADDER);
        let rows = ladder["rows"].as_array().expect("a list");
        let arrows: Vec<&Value> = rows.iter().filter(|row| row["arrow"] == true).collect();
        let steps = explained["steps"].as_array().expect("a list");
        assert_eq!(arrows.len(), steps.len(), "{name}");
        for (arrow, step) in arrows.iter().zip(steps) {
            assert_eq!(arrow["frame"], step["frame"].to_string(), "{name}");
            assert_eq!(arrow["from"], step["from"], "{name}");
            let label = arrow["label"].as_str().expect("text");
            assert!(
                label.contains(&format!("seq {}", step["seq"])),
                "{name}: {label}"
            );
            for side in ["client", "server"] {
                assert_eq!(arrow[side], step["states"][side], "{name}");
            }
        }
        for (at, side) in ["client", "server"].into_iter().enumerate() {
            let dwells = flow["states"][side].as_array().expect("a list");
            let words = ladder["words"][at].as_str().expect("text");
            for dwell in dwells {
                assert!(
                    words.contains(dwell["state"].as_str().expect("text")),
                    "{words}"
                );
            }
            let bars = ladder["bars"][at].as_array().expect("a list");
            assert!(!bars.is_empty() && bars.len() <= dwells.len(), "{name}");
            let widths = ladder["widths"][at].as_array().expect("a list");
            let sum: f64 = widths.iter().filter_map(Value::as_f64).sum();
            assert!(0.0 < sum && sum < 1000.5, "{sum}");
        }
        browser.run("document.querySelector('tr.flow[data-flow=\"0\"]').click()");
        assert_eq!(
            browser.run("document.querySelector('.ladder')"),
            Value::Null
        );
        quiet(&mut browser);
    }
}

#[test]
fn the_example_of_a_diagnosis_opens() {
    let captures = many();
    let captures: Vec<&str> = captures.iter().map(String::as_str).collect();
    let page = Page::of("example", &captures);
    let Some(mut browser) = shown("example", &page.0) else {
        return;
    };
    let told = lines(&captures, "diagnosis");
    let number = &told.last().expect("a diagnosis")["example"]["flow"];
    find(&mut browser, "hides the flow");
    browser.run(&format!(
        "[...document.querySelectorAll('[data-example=\"{number}\"]')].at(-1).click()"
    ));
    let open =
        browser.run("[...document.querySelectorAll('tr.open')].map(row => row.dataset.flow)");
    assert_eq!(open, json!([number.to_string()]));
}

#[test]
fn several_captures_have_a_section_each() {
    let names = ["healthy-300.mid.pcap", "regression-300.mid.pcap"];
    let paths = names.map(|name| support::testdata(&format!("questions/{name}")));
    let [one, other] = paths.each_ref().map(|path| path.to_str().expect("text"));
    let page = Page::of("several", &["--separate", one, other]);
    let Some(mut browser) = shown("several", &page.0) else {
        return;
    };
    let script = "[...document.querySelectorAll('section.capture')].map(section =>
      [section.querySelector('h1').textContent, Number(section.querySelector('.pages .shown').dataset.shown)])";
    let sections = browser.run(script);
    let expected = [one, other].into_iter().enumerate().map(|(at, path)| {
        let count = lines(&[path], "flow").len();
        json!([format!("Capture {} of 2: {path}", at + 1), count])
    });
    assert_eq!(sections, expected.collect::<Value>());
    let links = browser.run("[...document.querySelectorAll('nav a')].map(link => document.querySelector(link.getAttribute('href')) !== null)");
    assert_eq!(links, json!([true, true]));
    // What is chosen in one does not touch the other.
    find(&mut browser, "nothing of that kind");
    let counts = browser
        .run("[...document.querySelectorAll('.pages .shown')].map(count => count.dataset.shown)");
    assert_eq!(counts[0], "0");
    assert_ne!(counts[1], "0");
}
