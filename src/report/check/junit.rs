//! A check as `JUnit` XML: a test suite per capture, a test case per rule.

use crate::check::result::{Capture, Checked, Item, Status};
use crate::report::check::{place, told};
use crate::report::printable;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use std::io::{self, Write};

const DISABLED: &str = " disabled=\"0\"";

pub(super) fn write(out: &mut dyn Write, checked: &Checked) -> io::Result<()> {
    let mut report = Report::new("whoclosed check");
    report.add_test_suites(checked.captures.iter().map(suite));
    let text = report.to_string().map_err(io::Error::other)?;
    for line in text.lines() {
        // The schema of Jenkins has no place for the number of disabled tests, which is always told.
        let is_suite = line.starts_with("    <testsuite ");
        let line = if is_suite {
            line.replace(DISABLED, "")
        } else {
            line.to_owned()
        };
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn suite(capture: &Capture) -> TestSuite {
    let source = printable(&capture.source);
    let source = source.as_ref();
    let mut suite = TestSuite::new(source);
    let mut read = TestCase::new("the capture is read", TestCaseStatus::success());
    if let Some(first) = capture.problems.first() {
        let all = capture.problems.join("\n");
        read.status = failed(NonSuccessKind::Error, first, "not-judged", &all);
    }
    read.set_classname(source);
    suite.add_test_case(read);
    suite.add_test_cases(capture.items.iter().map(case));
    suite
}

fn case(item: &Item) -> TestCase {
    let text = || format!("{}\n{}", place(item), told(item).join("\n"));
    let status = match item.status {
        Status::Holds => TestCaseStatus::success(),
        Status::Broken => failed(NonSuccessKind::Failure, &item.found, &item.kind, &text()),
        Status::NotJudged => failed(NonSuccessKind::Error, &item.found, &item.kind, &text()),
    };
    let mut case = TestCase::new(format!("{}: {}", item.rule, item.asks), status);
    case.set_classname(printable(&item.source).as_ref());
    case
}

fn failed(kind: NonSuccessKind, message: &str, class: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message);
    status.set_type(class);
    status.set_description(text);
    status
}
