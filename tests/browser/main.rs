//! The HTML report as a browser shows it: what stands on the page is what the other reports say.

#[path = "../common/container.rs"]
mod container;
mod devtools;
#[path = "../support/mod.rs"]
mod support;

mod charts;
mod evil;
mod flows;
mod layout;

use devtools::Browser;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program writes with these arguments, which end in captures.
fn whoclosed(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let command = command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().expect("runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).expect("text")
}

/// The lines of a JSON report, of one type.
fn lines(args: &[&str], kind: &str) -> Vec<Value> {
    let text = whoclosed(&[&["--format", "json"], args].concat());
    of_kind(&text, kind)
}

fn of_kind(text: &str, kind: &str) -> Vec<Value> {
    let lines = text.lines();
    let lines = lines.map(|line| serde_json::from_str(line).expect("JSON"));
    lines.filter(|line: &Value| line["type"] == kind).collect()
}

/// A page that is gone at the end.
struct Page(PathBuf);

impl Page {
    /// The report with these arguments.
    fn of(name: &str, args: &[&str]) -> Self {
        let page = Self::new(name);
        let path = page.0.to_str().expect("text");
        whoclosed(&[&["--format", "html", "-o", path], args].concat());
        page
    }

    fn new(name: &str) -> Self {
        let file = format!("whoclosed-page-{name}-{}.html", std::process::id());
        Self(std::env::temp_dir().join(file))
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Another test's failure is not hidden by this one.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A browser that shows the page; it has nothing to complain of.
fn shown(name: &str, page: &Path) -> Option<Browser> {
    let mut browser = Browser::start(name)?;
    browser.open(page);
    quiet(&mut browser);
    Some(browser)
}

#[track_caller]
fn quiet(browser: &mut Browser) {
    let complaints = browser.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

/// The many captures between client and server, as one.
fn many() -> Vec<String> {
    let paths = support::files("questions", &[".mid.pcap"]);
    assert!(paths.len() > 40);
    let text = |path: &PathBuf| path.to_str().expect("text").to_owned();
    paths.iter().map(text).collect()
}

#[test]
fn a_page_that_complains_or_loads_something_would_be_noticed() {
    let page = Page::new("complains");
    let html = "<!DOCTYPE html><title>x</title><img src='x.png'><script>console.error('e')</script>\
                <script>nothing.at.all</script>";
    std::fs::write(&page.0, html).expect("written");
    let Some(mut browser) = Browser::start("complains") else {
        return;
    };
    browser.open(&page.0);
    let complaints = browser.complaints();
    for method in [
        "Network.requestWillBeSent",
        "Runtime.consoleAPICalled",
        "Runtime.exceptionThrown",
    ] {
        let found = complaints.iter().any(|event| event["method"] == method);
        assert!(found, "{method}: {complaints:#?}");
    }
}
