//! The ladder: client on the left, server on the right, an arrow for each segment of the close.

use crate::close::states::{Step, Timeline, timeline};
use crate::close::verdict::{
    CloseEntry, CloseEvent, EndedBy, Event, PerSide, Side, State, TimeWait, Verdict,
};
use crate::report::Look;
use crate::report::look::{BAD, FAINT, HEADING, UNUSUAL};
use crate::report::time::{seconds, span};
use crate::stamp::Time;
use anstyle::Style;
use serde::Serialize;
use std::io::{self, Write};

/// Columns between the two rails.
const BETWEEN: usize = 52;

/// One segment and the states after it.
#[derive(Debug, Serialize)]
pub(super) struct Rung {
    frame: u64,
    time: Option<Time>,
    from: Side,
    /// What the segment is to the close; one segment may be several things.
    events: Vec<Event>,
    flags: Vec<&'static str>,
    seq: u32,
    ack: Option<u32>,
    len: u32,
    states: PerSide<State>,
}

/// The steps, those of the same segment taken together.
pub(super) fn rungs(timeline: &Timeline) -> Vec<Rung> {
    let mut rungs: Vec<Rung> = Vec::new();
    for step in &timeline.steps {
        match rungs.last_mut() {
            Some(last) if last.frame == step.event.frame => last.join(step),
            _ => rungs.push(Rung::of(step)),
        }
    }
    rungs
}

impl Rung {
    fn of(step: &Step) -> Self {
        let event = step.event;
        Self {
            frame: event.frame,
            time: event.time,
            from: event.from,
            events: vec![event.event],
            flags: flags(event),
            seq: event.seq,
            ack: event.ack,
            len: event.len,
            states: step.states,
        }
    }

    fn join(&mut self, step: &Step) {
        self.events.push(step.event.event);
        self.states = step.states;
        let more = flags(step.event).into_iter();
        let more: Vec<_> = more.filter(|flag| !self.flags.contains(flag)).collect();
        // FIN and RST read before ACK.
        self.flags.splice(0..0, more);
    }

    /// What stands on the arrow.
    fn label(&self) -> String {
        let what = if self.events.contains(&Event::FinAgain) {
            " again"
        } else if self.events.contains(&Event::KeepaliveProbe) {
            " probe"
        } else {
            ""
        };
        let ack = self.ack.map(|ack| format!(" ack {ack}"));
        format!(
            "{}{what}, seq {}{} len {}",
            self.flags.join(" "),
            self.seq,
            ack.unwrap_or_default(),
            self.len
        )
    }

    fn style(&self) -> Style {
        if self.events.contains(&Event::Rst) {
            return BAD;
        }
        if self.events.contains(&Event::FinAgain) {
            return UNUSUAL;
        }
        Style::new()
    }

    /// The arrow with its label, as wide as the space between the rails.
    fn arrow(&self) -> String {
        let label = self.label();
        let room = BETWEEN.saturating_sub(label.chars().count() + 4);
        let (left, right) = (room / 2, room - room / 2);
        let (left, right) = ("─".repeat(left), "─".repeat(right));
        match self.from {
            Side::Client => format!("{left}─ {label} {right}▶"),
            Side::Server => format!("◀{left} {label} ─{right}"),
        }
    }
}

/// The control bits that the event implies.
fn flags(event: &CloseEvent) -> Vec<&'static str> {
    let mut flags = match event.event {
        Event::Syn | Event::SynAck => vec!["SYN"],
        Event::Fin | Event::FinAgain => vec!["FIN"],
        Event::Rst => vec!["RST"],
        _ => Vec::new(),
    };
    if event.ack.is_some() {
        flags.push("ACK");
    }
    flags
}

/// One line of the ladder: an arrow, or what is told between the arrows.
struct Row {
    frame: Option<u64>,
    time: Option<Time>,
    between: String,
    style: Style,
    states: PerSide<State>,
}

impl From<&Rung> for Row {
    fn from(rung: &Rung) -> Self {
        Self {
            frame: Some(rung.frame),
            time: rung.time,
            between: rung.arrow(),
            style: rung.style(),
            states: rung.states,
        }
    }
}

impl Row {
    fn note(time: Option<Time>, text: &str, states: PerSide<State>) -> Self {
        Self {
            frame: None,
            time,
            between: format!("{text:^BETWEEN$}"),
            style: FAINT,
            states,
        }
    }
}

/// The lines from before the first event to the end of the capture.
fn rows(verdict: &Verdict) -> Vec<Row> {
    let timeline = timeline(verdict);
    let mut rows = vec![Row::note(None, "", timeline.before)];
    rows.extend(rungs(&timeline).iter().map(Row::from));
    if let Some(CloseEntry::More { more }) = verdict.close.last() {
        let states = rows.last().map_or(timeline.before, |row| row.states);
        rows.push(Row::note(None, &format!("{more} more events"), states));
    }
    let runs = |wait: &&TimeWait| *timeline.end.of(wait.owner) == State::TimeWait;
    let (running, ended): (Vec<_>, Vec<_>) = verdict.time_wait.iter().partition(runs);
    for wait in &verdict.time_wait {
        begin(&mut rows, wait);
    }
    for wait in ended {
        end(&mut rows, wait);
    }
    rows.push(Row::note(None, "the capture ends", timeline.end));
    for wait in running {
        end(&mut rows, wait);
    }
    rows
}

fn begin(rows: &mut Vec<Row>, wait: &TimeWait) {
    let text = format!("the {}'s TIME-WAIT begins", wait.owner);
    insert(rows, wait.start, &text, None);
}

fn end(rows: &mut Vec<Row>, wait: &TimeWait) {
    let length = wait.start.zip(wait.end);
    let length = length.map_or_else(String::new, |(start, end)| {
        format!(" after {}", span(end.since(start)))
    });
    let (verb, how) = match wait.ended_by {
        EndedBy::Expiry => ("ends", " (computed)"),
        EndedBy::CaptureEnd => ("would end", " (computed)"),
        EndedBy::Reused => ("ends", ": reused"),
        EndedBy::Reset => ("ends", ": reset"),
        EndedBy::Gone => ("ends", ": gone"),
    };
    let text = format!("the {}'s TIME-WAIT {verb}{length}{how}", wait.owner);
    insert(rows, wait.end, &text, Some(wait.owner));
}

/// Puts a note where its time belongs; the side that `closed` has no state any more.
fn insert(rows: &mut Vec<Row>, time: Option<Time>, text: &str, closed: Option<Side>) {
    let Some(time) = time else {
        return;
    };
    let before = rows
        .iter()
        .rposition(|row| row.time.is_some_and(|other| other <= time));
    let at = before.map_or(rows.len(), |before| before + 1);
    let mut states = match at.checked_sub(1).and_then(|before| rows.get(before)) {
        Some(row) => row.states,
        None => return,
    };
    match closed {
        Some(Side::Client) => states.client = State::Closed,
        Some(Side::Server) => states.server = State::Closed,
        None => {}
    }
    rows.insert(at, Row::note(Some(time), text, states));
}

/// Writes the ladder of the close: states stand where they change.
pub(super) fn write(out: &mut impl Write, look: Look, verdict: &Verdict) -> io::Result<()> {
    let title = format!(
        "{:>7} {:>11} {:>12} │{:BETWEEN$}│ {}",
        "frame", "seconds", "client", "", "server"
    );
    writeln!(out, "\n{}", look.paint(HEADING, title))?;
    let mut shown: Option<PerSide<State>> = None;
    for row in rows(verdict) {
        let changed = |side| shown.is_none_or(|shown| shown.of(side) != row.states.of(side));
        let state = |side| {
            if changed(side) {
                row.states.of(side).name()
            } else {
                ""
            }
        };
        let frame = row.frame.map(|frame| frame.to_string()).unwrap_or_default();
        let time = row.time.zip(verdict.start);
        let time = time.map(|(time, start)| seconds(time.since(start), 6));
        let line = format!(
            "{frame:>7} {:>11} {:>12} │{}│ {}",
            time.unwrap_or_default(),
            state(Side::Client),
            look.paint(row.style, &row.between),
            state(Side::Server)
        );
        writeln!(out, "{}", line.trim_end())?;
        shown = Some(row.states);
    }
    Ok(())
}
