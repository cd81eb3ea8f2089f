//! Files that people keep and edit: a saved report, a file of expectations. Whatever they hold, reading
//! ends, and what was read is written as it was read.

use whoclosed::check::diff::{ALPHA, Sample, compare};
use whoclosed::check::expect::Expectations;
use whoclosed::check::{Line, SavedReport};

pub(crate) fn texts(input: &[u8]) {
    report(input);
    expectations(input);
}

fn report(input: &[u8]) {
    let mut sample = Sample::default();
    let mut lines = SavedReport::new(input);
    for line in lines.by_ref() {
        match line {
            Ok(Line::Flow(verdict)) => sample.see(&verdict),
            Ok(Line::Summary(summary)) => sample.end(&summary),
            Ok(_) => {}
            Err(error) => assert!(error.to_string().starts_with("line ")),
        }
    }
    assert!(lines.next().is_none());
    let same = compare(("a", &sample), ("b", &sample), ALPHA);
    assert!(same.worse.is_empty() && same.changed.is_empty(), "{same:?}");
}

fn expectations(input: &[u8]) {
    let Ok(read) = Expectations::parse(input) else {
        return;
    };
    let mut text = Vec::new();
    read.write(&mut text).expect("written");
    let again = Expectations::parse(&text).expect("what was written is read");
    let mut twice = Vec::new();
    again.write(&mut twice).expect("written");
    assert_eq!(text, twice);
}
