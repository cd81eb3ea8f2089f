//! The ladder: client on the left, server on the right, an arrow for each segment of the close.

use crate::close::states::{Opened, Step, Timeline, timeline};
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
    for Step { event, states, .. } in &timeline.steps {
        match rungs.last_mut() {
            Some(last) if last.frame == event.frame => last.join(event, *states),
            _ => rungs.push(Rung::of(event, *states)),
        }
    }
    rungs
}

impl Rung {
    fn of(event: &CloseEvent, states: PerSide<State>) -> Self {
        Self {
            frame: event.frame,
            time: event.time,
            from: event.from,
            events: vec![event.event],
            flags: flags(event),
            seq: event.seq,
            ack: event.ack,
            len: event.len,
            states,
        }
    }

    fn join(&mut self, event: &CloseEvent, states: PerSide<State>) {
        self.events.push(event.event);
        self.states = states;
        let more = flags(event).into_iter();
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
}

/// An arrow with its label, as wide as the space between the rails.
fn arrow(from: Side, label: &str) -> String {
    let room = BETWEEN.saturating_sub(label.chars().count() + 4);
    let (left, right) = (room / 2, room - room / 2);
    let (left, right) = ("─".repeat(left), "─".repeat(right));
    match from {
        Side::Client => format!("{left}─ {label} {right}▶"),
        Side::Server => format!("◀{left} {label} ─{right}"),
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
pub(in crate::report) struct Row {
    /// The segment's frame.
    pub(in crate::report) frame: Option<u64>,
    /// When that was.
    pub(in crate::report) time: Option<Time>,
    /// The segment's sender; `None` of what is told between arrows.
    pub(in crate::report) from: Option<Side>,
    /// What stands on the arrow, or between arrows.
    pub(in crate::report) label: String,
    /// How that is shown.
    pub(in crate::report) style: Style,
    /// The states then.
    pub(in crate::report) states: PerSide<State>,
}

impl From<&Rung> for Row {
    fn from(rung: &Rung) -> Self {
        Self {
            frame: Some(rung.frame),
            time: rung.time,
            from: Some(rung.from),
            label: rung.label(),
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
            from: None,
            label: text.to_owned(),
            style: FAINT,
            states,
        }
    }
}

/// The lines from before the first event to the end of the capture.
pub(in crate::report) fn rows(verdict: &Verdict) -> Vec<Row> {
    let timeline = timeline(verdict);
    let mut rows = vec![Row::note(None, "", timeline.before)];
    for rung in rungs(&timeline) {
        if timeline
            .opened
            .is_some_and(|opened| opened.before == Some(rung.frame))
        {
            rows.extend(timeline.opened.map(opened_row));
        }
        rows.push(Row::from(&rung));
    }
    if timeline
        .opened
        .is_some_and(|opened| opened.before.is_none())
    {
        rows.extend(timeline.opened.map(opened_row));
    }
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
    let mut running: Vec<_> = running
        .into_iter()
        .filter(|wait| wait.end.is_some())
        .collect();
    running.sort_by_key(|wait| wait.end);
    for wait in running {
        let states = rows.last().map_or(timeline.end, |row| row.states);
        rows.push(Row::note(
            wait.end,
            &end_text(wait),
            closed(states, wait.owner),
        ));
    }
    rows
}

fn opened_row(opened: Opened) -> Row {
    Row::note(None, "the handshake is completed", opened.states)
}

fn begin(rows: &mut Vec<Row>, wait: &TimeWait) {
    let text = format!("{}'s TIME-WAIT begins", wait.owner);
    insert(rows, wait.start, |time, states| {
        Row::note(time, &text, states)
    });
}

fn end(rows: &mut Vec<Row>, wait: &TimeWait) {
    let text = end_text(wait);
    let row = |time, states| Row::note(time, &text, closed(states, wait.owner));
    insert(rows, wait.end, row);
}

fn end_text(wait: &TimeWait) -> String {
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
    format!("{}'s TIME-WAIT {verb}{length}{how}", wait.owner)
}

fn closed(states: PerSide<State>, side: Side) -> PerSide<State> {
    match side {
        Side::Client => PerSide {
            client: State::Closed,
            ..states
        },
        Side::Server => PerSide {
            server: State::Closed,
            ..states
        },
    }
}

/// Puts a row where its time belongs, with the states of that time.
fn insert(
    rows: &mut Vec<Row>,
    time: Option<Time>,
    row: impl FnOnce(Option<Time>, PerSide<State>) -> Row,
) {
    let Some(at) = time else {
        return;
    };
    let before = rows
        .iter()
        .rposition(|row| row.time.is_some_and(|other| other <= at));
    let Some((index, states)) = before.and_then(|i| Some((i, rows.get(i)?.states))) else {
        return;
    };
    rows.insert(index + 1, row(time, states));
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
        let between = match row.from {
            Some(from) => arrow(from, &row.label),
            None => format!("{:^BETWEEN$}", row.label),
        };
        let line = format!(
            "{frame:>7} {:>11} {:>12} │{}│ {}",
            time.unwrap_or_default(),
            state(Side::Client),
            look.paint(row.style, &between),
            state(Side::Server)
        );
        writeln!(out, "{}", line.trim_end())?;
        shown = Some(row.states);
    }
    Ok(())
}
