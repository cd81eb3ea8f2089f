//! How a row of a taxonomy explains itself, and the register of all rows.
//!
//! `whoclosed terms`, the JSON Schema and the reference are made from [`all`]; nothing is explained
//! in two places.

use crate::close::cause::CAUSES;
use crate::close::finding::{FINDINGS, Severity};
use crate::close::myths::{MYTHS, Myth};
use crate::close::outcome::OUTCOMES;
use crate::close::verdict::names;
use crate::close::words::{Word, claims, ending, patterns, resets, state};
use serde::{Deserialize, Serialize};

/// The explanation of one name: what `whoclosed terms NAME` prints and what the documents hold.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// The name in reports.
    pub name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// How it is recognised in a capture.
    pub recognised: &'static str,
    /// What it means for the user.
    pub meaning: &'static str,
    /// What to do about it, and what not to do.
    pub advice: &'static str,
    /// RFC sections it rests on.
    pub rfc: &'static [&'static str],
    /// Linux's counter or reset reason to confirm it on the host; empty if there is none.
    pub linux: &'static str,
    /// Zeek's name for it; empty if there is none.
    pub zeek: &'static str,
}

impl Term {
    /// A term of which nothing is said.
    pub(super) const BLANK: Self = Self {
        name: "",
        summary: "",
        recognised: "",
        meaning: "",
        advice: "",
        rfc: &[],
        linux: "",
        zeek: "",
    };
}

names! {
    /// A taxonomy: the names that one field of the report can hold.
    Group {
        /// How a flow ended.
        Outcome = "outcome",
        /// Why a flow was aborted.
        Cause = "cause",
        /// What else is worth knowing.
        Finding = "finding",
        /// The states of RFC 9293.
        State = "state",
        /// Who closed first.
        ActiveCloser = "active-closer",
        /// Who sent the RST that ended the flow.
        AbortedBy = "aborted-by",
        /// What became of the last ACK.
        FinalAck = "final-ack",
        /// How sure a statement is.
        Confidence = "confidence",
        /// How TIME-WAIT ended.
        EndedBy = "ended-by",
        /// On what a TIME-WAIT rests.
        Basis = "basis",
        /// The segments that mattered to the close.
        Event = "event",
        /// The form of a RST.
        RstForm = "rst-form",
        /// Where a RST's SEQ lies.
        RstFit = "rst-fit",
        /// What a RST did.
        RstFate = "rst-fate",
        /// The two ends of a connection.
        Side = "side",
        /// What tells the client from the server.
        RolesFrom = "roles-from",
        /// What many flows show together.
        Pattern = "pattern",
        /// Where the capture was taken.
        Vantage = "vantage",
        /// What ended a silence.
        SilenceEnd = "silence-end",
        /// How urgent a finding is.
        Severity = "severity",
        /// What is often believed and is not so.
        Myth = "myth",
    }
}

impl Group {
    /// What its names tell, as a heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Outcome => "How a flow ended",
            Self::Cause => "Why a flow was aborted",
            Self::Finding => "What else is worth knowing",
            Self::State => "States of RFC 9293",
            Self::ActiveCloser => "Who closed first",
            Self::AbortedBy => "Who sent the RST that ended it",
            Self::FinalAck => "What became of the last ACK",
            Self::Confidence => "How sure a statement is",
            Self::EndedBy => "How TIME-WAIT ended",
            Self::Basis => "On what a TIME-WAIT rests",
            Self::Event => "Segments that mattered to the close",
            Self::RstForm => "The form of a RST",
            Self::RstFit => "Where a RST's SEQ lies",
            Self::RstFate => "What a RST did",
            Self::Side => "The two ends of a connection",
            Self::RolesFrom => "What tells the client from the server",
            Self::Pattern => "What many flows show together",
            Self::Vantage => "Where the capture was taken",
            Self::SilenceEnd => "What ended a silence",
            Self::Severity => "How urgent a finding is",
            Self::Myth => "What is often believed, and what is true",
        }
    }

    /// The field of the report that holds its names.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Outcome => "outcome",
            Self::Cause => "abort_cause",
            Self::Finding => "findings[].code",
            Self::State => "final_states",
            Self::ActiveCloser => "active_closer",
            Self::AbortedBy => "aborted_by",
            Self::FinalAck => "final_ack",
            Self::Confidence => "confidence",
            Self::EndedBy => "time_wait[].ended_by",
            Self::Basis => "time_wait[].basis",
            Self::Event => "close[].event",
            Self::RstForm => "resets[].form",
            Self::RstFit => "resets[].fit",
            Self::RstFate => "resets[].fate",
            Self::Side => "close[].from",
            Self::RolesFrom => "roles_from",
            Self::Pattern => "diagnosis code",
            Self::Vantage => "vantage.point",
            Self::SilenceEnd => "silence.how",
            Self::Severity => "findings[].severity",
            Self::Myth => "myths[].name",
        }
    }

    /// Its entries, in the order of its table.
    pub fn entries(self) -> Vec<Entry> {
        match self {
            Self::Outcome => self.of(OUTCOMES.iter().map(|row| &row.term)),
            Self::Cause => self.of(CAUSES.iter().map(|row| &row.term)),
            Self::Finding => findings(),
            Self::State => self.words(state::STATES),
            Self::ActiveCloser => self.words(claims::ACTIVE_CLOSERS),
            Self::AbortedBy => self.words(claims::ABORTED_BY),
            Self::FinalAck => self.words(ending::FINAL_ACKS),
            Self::Confidence => self.words(claims::CONFIDENCES),
            Self::EndedBy => self.words(ending::ENDINGS),
            Self::Basis => self.words(ending::BASES),
            Self::Event => self.words(ending::EVENTS),
            Self::RstForm => self.words(resets::FORMS),
            Self::RstFit => self.words(resets::FITS),
            Self::RstFate => self.words(resets::FATES),
            Self::Side => self.words(claims::SIDES),
            Self::RolesFrom => self.words(claims::ROLES),
            Self::Pattern => self.words(patterns::PATTERNS),
            Self::Vantage => self.words(claims::POINTS),
            Self::SilenceEnd => self.words(ending::SILENCE_ENDS),
            Self::Severity => self.words(claims::SEVERITIES),
            Self::Myth => myths(),
        }
    }

    fn words<T>(self, words: &'static [Word<T>]) -> Vec<Entry> {
        self.of(words.iter().map(|word| &word.term))
    }

    fn of(self, terms: impl Iterator<Item = &'static Term>) -> Vec<Entry> {
        let entry = |term| Entry {
            group: self,
            term,
            severity: None,
            belief: None,
        };
        terms.map(entry).collect()
    }
}

/// One name of the report: where it belongs and what it means.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Its taxonomy.
    pub group: Group,
    /// Its explanation.
    pub term: &'static Term,
    /// How urgent it is, if it is a finding.
    pub severity: Option<Severity>,
    /// What is believed instead, if it is a myth.
    pub belief: Option<&'static str>,
}

/// Every name of the report, group by group.
pub fn all() -> impl Iterator<Item = Entry> {
    Group::ALL.iter().flat_map(|group| group.entries())
}

/// The entries of a name in any case, in every group that has it.
pub fn find(name: &str) -> Vec<Entry> {
    all()
        .filter(|entry| entry.term.name.eq_ignore_ascii_case(name))
        .collect()
}

fn findings() -> Vec<Entry> {
    let entry = |row: &'static crate::close::finding::Row| Entry {
        group: Group::Finding,
        term: &row.term,
        severity: Some(row.severity),
        belief: None,
    };
    FINDINGS.iter().map(entry).collect()
}

fn myths() -> Vec<Entry> {
    let entry = |row: &'static Myth| Entry {
        group: Group::Myth,
        term: &row.term,
        severity: None,
        belief: Some(row.belief),
    };
    MYTHS.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::{Entry, Group, all, find};
    use crate::close::cause::CAUSES;
    use crate::close::finding::{Code, FINDINGS, Severity};
    use crate::close::outcome::OUTCOMES;
    use crate::close::vantage::Point;
    use crate::close::verdict::{
        AbortCause, AbortedBy, ActiveCloser, Basis, Confidence, EndedBy, Event, FinalAck, Outcome,
        RolesFrom, RstFate, RstFit, RstForm, Side, SilenceEnd, State,
    };
    use crate::close::words::patterns::Pattern;
    use crate::close::words::{Word, claims, ending, patterns, resets, state};

    fn same<T: Copy + PartialEq + std::fmt::Debug>(
        all: &[T],
        name: fn(T) -> &'static str,
        rows: &[(T, &str)],
    ) {
        let expected: Vec<_> = all.iter().map(|&value| (value, name(value))).collect();
        assert_eq!(rows, expected);
    }

    fn words<T: Copy>(words: &[Word<T>]) -> Vec<(T, &'static str)> {
        words
            .iter()
            .map(|word| (word.value, word.term.name))
            .collect()
    }

    #[test]
    fn every_value_has_one_row_in_order() {
        let rows: Vec<_> = OUTCOMES.iter().map(|r| (r.value, r.term.name)).collect();
        same(Outcome::ALL, Outcome::name, &rows);
        let rows: Vec<_> = CAUSES.iter().map(|r| (r.value, r.term.name)).collect();
        same(AbortCause::ALL, AbortCause::name, &rows);
        let rows: Vec<_> = FINDINGS.iter().map(|r| (r.value, r.term.name)).collect();
        same(Code::ALL, Code::name, &rows);
        same(State::ALL, State::name, &words(state::STATES));
        same(
            ActiveCloser::ALL,
            ActiveCloser::name,
            &words(claims::ACTIVE_CLOSERS),
        );
        same(AbortedBy::ALL, AbortedBy::name, &words(claims::ABORTED_BY));
        same(FinalAck::ALL, FinalAck::name, &words(ending::FINAL_ACKS));
        same(
            Confidence::ALL,
            Confidence::name,
            &words(claims::CONFIDENCES),
        );
        same(EndedBy::ALL, EndedBy::name, &words(ending::ENDINGS));
        same(Basis::ALL, Basis::name, &words(ending::BASES));
        same(Event::ALL, Event::name, &words(ending::EVENTS));
        same(RstForm::ALL, RstForm::name, &words(resets::FORMS));
        same(RstFit::ALL, RstFit::name, &words(resets::FITS));
        same(RstFate::ALL, RstFate::name, &words(resets::FATES));
        same(Side::ALL, Side::name, &words(claims::SIDES));
        same(RolesFrom::ALL, RolesFrom::name, &words(claims::ROLES));
        same(Pattern::ALL, Pattern::name, &words(patterns::PATTERNS));
        same(Point::ALL, Point::name, &words(claims::POINTS));
        same(
            SilenceEnd::ALL,
            SilenceEnd::name,
            &words(ending::SILENCE_ENDS),
        );
        same(Severity::ALL, Severity::name, &words(claims::SEVERITIES));
    }

    fn texts(entry: &Entry) -> Vec<&'static str> {
        let t = entry.term;
        let mut texts = vec![
            t.name,
            t.summary,
            t.recognised,
            t.meaning,
            t.advice,
            t.linux,
            t.zeek,
        ];
        texts.extend(t.rfc);
        texts
    }

    #[test]
    fn what_is_required_is_there() {
        for entry in all() {
            let (group, t) = (entry.group, entry.term);
            let at = format!("{group} {}", t.name);
            assert!(!t.summary.is_empty() && !t.meaning.is_empty(), "{at}");
            assert!(!t.recognised.is_empty() || group == Group::Severity, "{at}");
            let judged = matches!(group, Group::Outcome | Group::Cause | Group::Finding);
            let judged = judged || group == Group::Myth;
            assert!(!t.advice.is_empty() || !judged, "{at}");
            assert_eq!(entry.belief.is_some(), group == Group::Myth, "{at}");
            assert_eq!(entry.severity.is_some(), group == Group::Finding, "{at}");
        }
    }

    #[test]
    fn texts_are_tidy() {
        for entry in all() {
            for text in texts(&entry) {
                assert_eq!(text, text.trim(), "{}", entry.term.name);
                assert!(!text.contains("  ") && !text.contains('\n'), "{text}");
            }
            let t = entry.term;
            for sentence in [t.recognised, t.meaning, t.advice] {
                let ends = sentence.is_empty() || sentence.ends_with(['.', ')']);
                assert!(ends, "{}: {sentence}", t.name);
            }
            assert!(
                t.rfc.iter().all(|rfc| rfc.starts_with("RFC ")),
                "{}",
                t.name
            );
        }
    }

    #[test]
    fn groups_follow_their_enum() {
        let mut groups: Vec<Group> = all().map(|entry| entry.group).collect();
        groups.dedup();
        assert_eq!(groups, Group::ALL);
    }

    #[test]
    fn a_name_is_found_in_every_group_and_any_case() {
        let groups = |name| find(name).iter().map(|e| e.group).collect::<Vec<_>>();
        assert_eq!(groups("refused"), [Group::Outcome, Group::Cause]);
        assert_eq!(groups("time-wait"), [Group::State]);
        assert_eq!(groups("TIME-WAIT"), [Group::State]);
        assert_eq!(groups("Graceful"), [Group::Outcome]);
        assert!(groups("graceful close").is_empty());
    }
}
