//! A list of sockets, explained: for people and as JSON Lines.

use crate::close::verdict::{Confidence, Endpoint, State};
use crate::report::explain::wrap;
use crate::report::json;
use crate::report::look::{BAD, FAINT, GOOD, HEADING, UNUSUAL};
use crate::report::text::mark;
use crate::report::time::{span, utc};
use crate::report::{Look, counted, printable};
use crate::sockets::{ClosedBy, Explained, Joined, Missing, TakenFrom};
use crate::stamp::Time;
use anstyle::Style;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Columns of the sentences at most.
const WIDTH: usize = 100;
/// Missing sockets shown of each state.
const MISSING: usize = 20;
/// Decimals of times.
const DECIMALS: usize = 3;

/// Writes a line for each socket of the list, for each that is missing, and one for the whole.
pub fn json(out: &mut impl Write, joined: &Joined) -> io::Result<()> {
    for socket in &joined.sockets {
        json::line(out, "socket", socket)?;
    }
    for missing in &joined.absent {
        json::line(out, "missing_socket", missing)?;
    }
    json::line(out, "sockets", joined)?;
    out.flush()
}

/// Writes the sockets as a table, then what is missing and what should be known.
pub fn text(out: &mut impl Write, look: Look, joined: &Joined) -> io::Result<()> {
    heading(out, look, joined)?;
    let mut sockets: Vec<&Explained> = joined.sockets.iter().filter(|s| is_told(s)).collect();
    sockets.sort_by_key(|socket| place(socket.state));
    let day = joined.taken.at.map(|at| day(at).0);
    table(out, look, day.as_deref(), &sockets)?;
    let untold = joined.sockets.len() - sockets.len();
    if untold > 0 {
        let untold = counted(untold as u64, "open socket");
        let text = format!("{untold} of flows that the capture shows open (--format json has all)");
        writeln!(out, "\n{}", look.paint(FAINT, text))?;
    }
    missing(out, look, &joined.absent)?;
    if !joined.notes.is_empty() {
        writeln!(out, "\n{}", look.paint(HEADING, "To be known"))?;
        for note in &joined.notes {
            bullet(out, look, note)?;
        }
    }
    writeln!(out, "\n{}", totals(joined))?;
    out.flush()
}

/// Open connections of which nothing is to be said are counted only.
fn is_told(socket: &Explained) -> bool {
    let open = matches!(socket.state, State::Established);
    !open || socket.agrees != Some(true) || !socket.readings.is_empty()
}

/// What somebody should look at stands first.
const fn place(state: State) -> u8 {
    match state {
        State::CloseWait => 0,
        State::LastAck => 1,
        State::FinWait1 => 2,
        State::FinWait2 => 3,
        State::Closing => 4,
        State::SynReceived | State::SynSent => 5,
        State::TimeWait => 6,
        _ => 7,
    }
}

fn heading(out: &mut impl Write, look: Look, joined: &Joined) -> io::Result<()> {
    let states = joined.by_state.iter();
    let states: Vec<String> = states.map(|(state, n)| format!("{n} {state}")).collect();
    let mut title = counted(joined.listed, "TCP socket");
    if !states.is_empty() {
        let _ = write!(title, ": {}", states.join(", "));
    }
    writeln!(out, "{}", look.paint(HEADING, title))?;
    let taken = &joined.taken;
    let when = taken
        .at
        .map_or_else(|| "at an unknown time".to_owned(), time);
    let how = match taken.from {
        TakenFrom::User => "as you say".to_owned(),
        TakenFrom::Timers => format!(
            "by {} of {} TIME-WAIT timers whose start the capture shows; within {}",
            taken.agreeing,
            taken.timers,
            span(taken.within_ns)
        ),
        TakenFrom::CaptureEnd => {
            "the end of the capture, for want of anything better; --taken TIME sets it".to_owned()
        }
    };
    let text = format!("  taken {when} ({how})");
    writeln!(out, "{}", look.paint(FAINT, text))?;
    if let Some(end) = joined.capture_end {
        let text = format!("  the capture ends {}", time(end));
        writeln!(out, "{}", look.paint(FAINT, text))?;
    }
    Ok(())
}

fn time(time: Time) -> String {
    utc(time, DECIMALS)
}

/// The day of a time, and the time of that day.
fn day(at: Time) -> (String, String) {
    let text = time(at);
    let (day, clock) = text.split_once('T').unwrap_or_default();
    (day.to_owned(), clock.to_owned())
}

/// Columns before the sentence.
const COLUMNS: usize = 6;
const TITLES: [&str; COLUMNS] = [
    "state",
    "this host",
    "peer",
    "flow",
    "closed first",
    "since",
];

fn table(
    out: &mut impl Write,
    look: Look,
    day: Option<&str>,
    sockets: &[&Explained],
) -> io::Result<()> {
    if sockets.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = sockets.iter().map(|socket| cells(socket, day)).collect();
    let widths = widths(&rows);
    let titles = TITLES.map(str::to_owned);
    writeln!(
        out,
        "\n{}",
        look.paint(HEADING, line(&titles, widths).trim_end())
    )?;
    for (socket, row) in sockets.iter().zip(&rows) {
        let style = style(socket);
        let message = look.paint(style, &socket.message);
        writeln!(out, "{}  {message}", line(row, widths))?;
        for reading in &socket.readings {
            bullet(out, look, reading)?;
        }
    }
    Ok(())
}

fn cells(socket: &Explained, today: Option<&str>) -> [String; COLUMNS] {
    let closed = match socket.closed_by {
        ClosedBy::Local => "this host",
        ClosedBy::Peer => "peer",
        ClosedBy::Both => "both",
        _ => "-",
    };
    let since = socket.since.map(|since| match day(since) {
        (day, clock) if Some(day.as_str()) == today => clock,
        _ => time(since),
    });
    [
        socket.state.to_string(),
        printable(&socket.local.to_string()).into_owned(),
        printable(&socket.peer.to_string()).into_owned(),
        flow(socket),
        closed.to_owned(),
        since.unwrap_or_else(|| "-".to_owned()),
    ]
}

/// `7`, `7?`, `3,9?? ..`, `-`.
fn flow(socket: &Explained) -> String {
    let sure = mark(socket.confidence.unwrap_or(Confidence::Possible));
    if let Some(flow) = socket.flow {
        return format!("{flow}{sure}");
    }
    let named = socket.candidates.iter().take(2).map(u64::to_string);
    let named: Vec<String> = named.collect();
    match socket.candidate_count {
        0 => "-".to_owned(),
        1..=2 => format!("{}{sure}", named.join(",")),
        _ => format!("{}..{sure}", named.join(",")),
    }
}

const fn style(socket: &Explained) -> Style {
    match (socket.agrees, socket.state) {
        (Some(false), _) => BAD,
        (None, _) => UNUSUAL,
        (_, State::TimeWait | State::Established) => GOOD,
        _ => UNUSUAL,
    }
}

fn widths(rows: &[[String; COLUMNS]]) -> [usize; COLUMNS] {
    let mut widths = TITLES.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

fn line(cells: &[String; COLUMNS], widths: [usize; COLUMNS]) -> String {
    let cells = cells.iter().zip(widths);
    let cells: Vec<String> = cells
        .map(|(cell, width)| format!("{cell:width$}"))
        .collect();
    cells.join("  ")
}

fn bullet(out: &mut impl Write, look: Look, text: &str) -> io::Result<()> {
    let width = look.width.map_or(WIDTH, |width| width.clamp(40, WIDTH));
    let mut before = "  - ";
    for line in wrap(text, width.saturating_sub(4)) {
        writeln!(out, "{before}{line}")?;
        before = "    ";
    }
    Ok(())
}

/// What is not in the list, by state.
fn missing(out: &mut impl Write, look: Look, absent: &[Missing]) -> io::Result<()> {
    if absent.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{}",
        look.paint(HEADING, "Not in the list, by the capture")
    )?;
    for group in absent.chunk_by(|a, b| a.state == b.state) {
        for missing in group.iter().take(MISSING) {
            writeln!(out, "{}", absence(missing))?;
        }
        if let Some(more) = group.len().checked_sub(MISSING + 1) {
            let state = group
                .first()
                .map_or(State::Unknown, |missing| missing.state);
            writeln!(out, "  and {} {state} more", more + 1)?;
        }
        if let Some(missing) = group.first() {
            bullet(out, look, &missing.message)?;
        }
    }
    Ok(())
}

fn absence(missing: &Missing) -> String {
    let (state, sure) = (missing.state, mark(missing.confidence));
    let end = |end: &Endpoint| end.to_string();
    let (local, peer) = (end(&missing.local), end(&missing.peer));
    let since = missing
        .since
        .map(|since| format!(", since {}", time(since)));
    let until = missing
        .until
        .map(|until| format!(", until {}", time(until)));
    format!(
        "  {state}{sure}  {local} > {peer}, flow {}{}{}",
        missing.flow,
        since.unwrap_or_default(),
        until.unwrap_or_default()
    )
}

fn totals(joined: &Joined) -> String {
    format!(
        "{} explained, {} in another state, {} one of several flows, {} not in the capture; {} not in \
         the list\n  ? likely, ?? possible, without a mark certain",
        joined.explained, joined.disagreeing, joined.ambiguous, joined.unexplained, joined.missing
    )
}
