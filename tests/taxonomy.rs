//! Every row of the tables of outcomes, causes and findings is reached by a capture or a case.

mod support;

use std::collections::BTreeSet;
use std::fs;
use support::wrap::{self, PLAIN};
use whoclosed::close::cause::CAUSES;
use whoclosed::close::finding::FINDINGS;
use whoclosed::close::outcome::OUTCOMES;
use whoclosed::close::verdict::Verdict;
use whoclosed::{Options, analyze};

#[test]
fn every_row_is_reached() {
    let verdicts = all_verdicts();
    let outcomes: BTreeSet<&str> = verdicts.iter().map(|v| v.outcome.name()).collect();
    let causes = verdicts.iter().filter_map(|v| v.abort_cause);
    let causes: BTreeSet<&str> = causes
        .map(whoclosed::close::verdict::AbortCause::name)
        .collect();
    let findings = verdicts.iter().flat_map(|v| &v.findings);
    let findings: BTreeSet<&str> = findings.map(|f| f.code.name()).collect();
    let mut missing = Vec::new();
    let rows = OUTCOMES
        .iter()
        .map(|row| ("outcome", row.term.name, &outcomes));
    let rows = rows.chain(CAUSES.iter().map(|row| ("cause", row.term.name, &causes)));
    let rows = rows.chain(
        FINDINGS
            .iter()
            .map(|row| ("finding", row.term.name, &findings)),
    );
    for (table, name, reached) in rows {
        if !reached.contains(name) {
            missing.push(format!("{table} {name}"));
        }
    }
    support::report("rows that nothing reaches", &missing);
}

#[test]
fn every_value_has_its_row() {
    for v in all_verdicts() {
        assert!(OUTCOMES.iter().any(|row| row.value == v.outcome));
        let cause = |cause| CAUSES.iter().any(|row| row.value == cause);
        assert!(v.abort_cause.is_none_or(cause));
        for finding in &v.findings {
            let row = FINDINGS.iter().find(|row| row.value == finding.code);
            assert_eq!(row.map(|row| row.severity), Some(finding.severity));
        }
    }
}

/// Those on the stored captures (the lab's, seeds, peers, questions), on the cases, and a capture whose
/// last record is cut or whose third one cannot be read.
fn all_verdicts() -> Vec<Verdict> {
    let lab = support::files("captures", &[".pcap", ".pcapng"]);
    let seeds = support::files("seeds", &[".pcap"]);
    let peers = support::files("peers", &[".pcap"]);
    let questions = support::files("questions", &[".pcap"]);
    let stored = lab.iter().chain(&seeds).chain(&peers).chain(&questions);
    let mut files: Vec<Vec<u8>> = stored
        .map(|path| fs::read(path).expect("readable"))
        .collect();
    let cases = support::case::all();
    files.extend(cases.iter().map(|case| wrap::write(&case.packets, PLAIN)));
    let mut cut = wrap::write(&cases[0].packets, PLAIN);
    cut.truncate(cut.len() - 3);
    files.push(cut);
    let mut damaged = wrap::write(&cases[0].packets, PLAIN);
    let size = |at: usize| 16 + u32::from_le_bytes(damaged[at + 8..at + 12].try_into().unwrap());
    let second = 24 + size(24) as usize;
    let third = second + size(second) as usize;
    damaged[third + 8..third + 12].fill(0xff);
    files.push(damaged);
    let mut verdicts = support::on_two_threads(&files, |file| support::verdicts(file)).concat();
    // A case of two connections, of which one at a time is kept.
    let mut options = Options::default();
    options.limits.flows = 1;
    let two = cases
        .iter()
        .find(|case| case.name.contains("keeps its number"));
    let two = wrap::write(&two.expect("such a case").packets, PLAIN);
    verdicts.extend(analyze(&two[..], &options).expect("a capture"));
    verdicts
}
