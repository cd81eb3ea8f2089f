//! Ephemeral ports in use, and ports on which a server could not be started again.

use super::hosts::end;
use super::{LISTED, and_more};
use crate::ledger::{BindConflict, Books, PortUse};
use crate::report::explain::wrap;
use crate::report::look::{BAD, FAINT, HEADING, UNUSUAL};
use crate::report::time::span;
use crate::report::{Clock, Look, counted};
use anstyle::Style;
use std::io::{self, Write};

/// Columns of a line where the output is no terminal, and the least.
const COLUMNS: usize = 100;
const LEAST: usize = 40;

/// Writes the section on ports; nothing without clients.
pub(super) fn write(
    out: &mut impl Write,
    look: Look,
    clock: Clock,
    books: &Books,
) -> io::Result<()> {
    let Some(first) = books.ports.first() else {
        return Ok(());
    };
    writeln!(out, "\n{}", look.paint(HEADING, title(first)))?;
    paragraph(out, look, &remark(books, first))?;
    for ports in books.ports.iter().take(LISTED) {
        one(out, look, clock, ports)?;
    }
    and_more(out, look, books.ports.len())
}

/// The section's heading.
pub(in crate::report) fn title(ports: &PortUse) -> String {
    format!("Ephemeral ports {}-{}", ports.range.first, ports.range.last)
}

/// For what the range is enough.
pub(in crate::report) fn remark(books: &Books, ports: &PortUse) -> String {
    format!(
        "{} for each client, server and server port; with a TIME-WAIT of {} of the client after each \
         connection they are enough for {:.1} connections a second. Another address or port of a \
         server is another space",
        counted(ports.ports, "port"),
        span(books.time_wait),
        ports.sustainable_per_second
    )
}

fn one(out: &mut impl Write, look: Look, clock: Clock, ports: &PortUse) -> io::Result<()> {
    let text = format!("{}: {}", names(ports), told(ports, clock));
    sentence(out, look, ("  ", Style::new()), &text)?;
    if let Some((style, text)) = warning(ports, clock) {
        sentence(out, look, ("    ", style), &text)?;
    }
    Ok(())
}

/// Whose ports, and where they lead.
pub(in crate::report) fn names(ports: &PortUse) -> String {
    format!("{} to {}", ports.client, ports.server)
}

/// How many there were.
pub(in crate::report) fn told(ports: &PortUse, clock: Clock) -> String {
    let rate = ports.per_second;
    let rate = rate.map_or(String::new(), |rate| format!(", {rate:.1} a second"));
    let mut told = vec![format!(
        "{}{rate}",
        counted(ports.connections, "connection")
    )];
    if ports.connections > 0 {
        told.push(format!(
            "at most {} in use at once at {} ({:.1} %; {} even, {} odd), {} when the capture ends",
            counted(ports.peak, "port"),
            clock.show(ports.peak_time, 3),
            ports.peak_percent,
            ports.peak_even,
            ports.peak_odd,
            ports.at_end
        ));
    }
    if ports.outside > 0 {
        let outside = ports.outside;
        told.push(format!(
            "{outside} from ports outside of the range (--port-range)"
        ));
    }
    told.join("; ")
}

/// What to fear, and what to do.
pub(in crate::report) fn warning(ports: &PortUse, clock: Clock) -> Option<(Style, String)> {
    let reuse = match ports.reuse_helps {
        _ if ports.time_waits_reused > 0 => "",
        Some(true) => "; tcp_tw_reuse=1 on the client helps: both sides use timestamps",
        Some(false) => "; tcp_tw_reuse cannot help: it needs timestamps on both sides",
        None => "",
    };
    let advice =
        format!("Keep connections open, or use more addresses or ports of the server{reuse}.");
    if ports.exhausted {
        let still = match ports.at_end {
            at_end if at_end < ports.ports => "",
            _ => ", and are when the capture ends",
        };
        let full = format!(
            "all {} were in use from {} on, for {:.3} s{still}",
            ports.ports,
            clock.show(ports.exhausted_since, 3),
            ports.exhausted_seconds
        );
        let last = clock.show(ports.last_opened, 3);
        if ports.time_waits_reused > 0 {
            let text = format!(
                "The ports run short: {full}. The client took {} again before they ran out, as \
                 tcp_tw_reuse lets it after a second: connect() fails with EADDRNOTAVAIL only while all \
                 are open or in TIME-WAIT for less. The last connection began at {last}. {advice}",
                counted(ports.time_waits_reused, "port in TIME-WAIT")
                    .replace("port in TIME-WAITs", "ports in TIME-WAIT"),
            );
            return Some((UNUSUAL, text));
        }
        let text = format!(
            "The ports have run out: {full}; connect() fails with EADDRNOTAVAIL meanwhile. The last \
             connection began at {last}, and {} of all came from a port used before. {advice}",
            ports.reused,
        );
        return Some((BAD, text));
    }
    let at = ports.runs_out?;
    let text = format!(
        "At this rate the ports run out at {}: more connections begin than the range is enough for. \
         {advice}",
        clock.show(Some(at), 1)
    );
    Some((UNUSUAL, text))
}

/// Writes the section on servers that could not be started again.
pub(super) fn binds(
    out: &mut impl Write,
    look: Look,
    clock: Clock,
    books: &Books,
) -> io::Result<()> {
    if books.binds.is_empty() {
        return Ok(());
    }
    let title = "Servers that need SO_REUSEADDR to be started again";
    writeln!(out, "\n{}", look.paint(HEADING, title))?;
    for bind in books.binds.iter().take(LISTED) {
        let text = conflict(bind, clock, books);
        sentence(out, look, ("  ", Style::new()), &text)?;
    }
    and_more(out, look, books.binds.len())
}

pub(in crate::report) fn conflict(bind: &BindConflict, clock: Clock, books: &Books) -> String {
    let left = bind.until.map(|until| until.since(books.end));
    let left = left.filter(|&left| left > 0 && bind.at_end > 0);
    let left = left.map(|left| format!(", {} after the capture ends", span(left)));
    format!(
        "{}: {} on its listening port; without it bind() fails with EADDRINUSE until {}{}",
        end(bind.server.addr, bind.server.port),
        counted(bind.time_waits, "TIME-WAIT"),
        clock.show(bind.until, 3),
        left.unwrap_or_default()
    )
}

/// Writes what stands in the background.
pub(super) fn paragraph(out: &mut impl Write, look: Look, text: &str) -> io::Result<()> {
    sentence(out, look, ("  ", FAINT), text)
}

fn sentence(
    out: &mut impl Write,
    look: Look,
    (indent, style): (&str, Style),
    text: &str,
) -> io::Result<()> {
    let columns = look
        .width
        .unwrap_or(COLUMNS)
        .saturating_sub(indent.len() + 2);
    let mut before = indent.to_owned();
    for line in wrap(text, columns.max(LEAST)) {
        writeln!(out, "{before}{}", look.paint(style, line))?;
        before = format!("{indent}  ");
    }
    Ok(())
}
