//! The books on TIME-WAIT and ports, for people and as JSON Lines.

mod chart;
pub(super) mod hosts;
pub(super) mod ports;
mod sockets;

use crate::close::verdict::EndedBy;
use crate::ledger::{Books, Entry, Socket};
use crate::report::json::line;
use crate::report::look::{FAINT, HEADING};
use crate::report::time::span;
use crate::report::{Clock, Look, counted};
use std::io::{self, Write};

pub use sockets::listing;

/// Lines of a section at most; the JSON report has them all.
const LISTED: usize = 10;

/// Writes a `ledger` line for all hosts together, one for each host and one for each service, then a
/// `port_use` for each of the port spaces and a `bind_conflict` for each server that has some.
pub fn json(out: &mut impl Write, books: &Books) -> io::Result<()> {
    let entries = [&books.all].into_iter().chain(&books.hosts);
    for entry in entries.chain(&books.services) {
        line(out, "ledger", entry)?;
    }
    for ports in &books.ports {
        line(out, "port_use", ports)?;
    }
    for bind in &books.binds {
        line(out, "bind_conflict", bind)?;
    }
    Ok(())
}

/// Writes a `socket_at` line for each socket of a moment.
pub fn json_sockets(out: &mut impl Write, sockets: &[Socket]) -> io::Result<()> {
    for socket in sockets {
        line(out, "socket_at", socket)?;
    }
    Ok(())
}

/// Writes the books for people.
pub fn text(out: &mut impl Write, look: Look, clock: Clock, books: &Books) -> io::Result<()> {
    headline(out, look, books)?;
    chart::write(out, look, clock, books)?;
    hosts::write(out, look, clock, books)?;
    ports::write(out, look, clock, books)?;
    ports::binds(out, look, clock, books)
}

fn headline(out: &mut impl Write, look: Look, books: &Books) -> io::Result<()> {
    writeln!(out, "{}", look.paint(HEADING, waits(books)))?;
    for text in remarks(books) {
        writeln!(out, "  {}", look.paint(FAINT, text))?;
    }
    Ok(())
}

/// How many TIME-WAITs there were.
pub(super) fn waits(books: &Books) -> String {
    let waits = &books.all.time_wait;
    format!(
        "{} in {}, {} held when it ends",
        counted(waits.created, "TIME-WAIT"),
        span(books.end.since(books.start)),
        waits.at_end
    )
}

/// How the numbers are meant, and what they leave out.
pub(super) fn remarks(books: &Books) -> Vec<String> {
    let wait = span(books.time_wait);
    let mut remarks = vec![format!(
        "each lasts {wait} from its owner's last ACK, by the rules of TCP (--time-wait)"
    )];
    remarks.extend(lives(books));
    let first = |entries: &[Entry]| entries.first().map_or(1, |entry| entry.resolution_ns);
    for (whose, unit) in [
        ("all hosts together", books.all.resolution_ns),
        ("each host", first(&books.hosts)),
        ("each service", first(&books.services)),
    ] {
        if unit > 1 {
            let unit = span(unit);
            remarks.push(format!(
                "numbers of {whose} are exact at every {unit}; between, more may have been held"
            ));
        }
    }
    if books.beyond > 0 {
        remarks.push(format!(
            "there were more hosts or services than are told apart: {} are only part of the whole",
            counted(books.beyond, "entry").replace("entrys", "entries")
        ));
    }
    remarks
}

/// How TIME-WAITs came about, and how they ended.
fn lives(books: &Books) -> Vec<String> {
    let all = &books.all;
    let listed = |counts: &[(u64, &str)]| {
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, what)| format!("{count} {what}"));
        counts.collect::<Vec<_>>().join(", ")
    };
    let begun = listed(&[
        (all.active, "by an active close"),
        (all.simultaneous, "by FINs that crossed"),
        (all.restarts, "anew by a repeated FIN"),
    ]);
    let ends = EndedBy::ALL.iter().map(|end| {
        let count = all.ended_by.get(end.name()).copied().unwrap_or(0);
        (count, ended(*end))
    });
    let ended = listed(&ends.collect::<Vec<_>>());
    let lines = [("begun", begun), ("ended", ended)];
    let told = lines.into_iter().filter(|(_, text)| !text.is_empty());
    told.map(|(what, text)| format!("{what}: {text}")).collect()
}

/// How a TIME-WAIT ended, after how many did.
const fn ended(end: EndedBy) -> &'static str {
    match end {
        EndedBy::Expiry => "ran out",
        EndedBy::Reused => "by a new connection on the same ports",
        EndedBy::Reset => "by a RST",
        EndedBy::Gone => "gone when the FIN came again",
        EndedBy::CaptureEnd => "still held when the capture ends",
    }
}

/// How many are left out of a list.
fn and_more(out: &mut impl Write, look: Look, all: usize) -> io::Result<()> {
    let more = all.saturating_sub(LISTED);
    if more == 0 {
        return Ok(());
    }
    let text = format!("  and {more} more: see --format json");
    writeln!(out, "{}", look.paint(FAINT, text))
}

/// So many of `most` as a bar of so many columns, in eighths of one.
fn bar(count: u64, most: u64, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = u128::from(count) * columns as u128 * 8 / u128::from(most.max(1));
    let eighths = usize::try_from(eighths).unwrap_or(0).min(columns * 8);
    let part = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    let bar = "█".repeat(eighths / 8) + part;
    // What there is shows.
    if bar.is_empty() && count > 0 && columns > 0 {
        "▏".to_owned()
    } else {
        bar
    }
}
