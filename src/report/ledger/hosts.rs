//! Which host held how many sockets in which state.

use super::{LISTED, and_more, bar};
use crate::ledger::{Books, Entry, Stay};
use crate::report::look::{FAINT, HEADING};
use crate::report::{Clock, Look};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

/// Columns of a bar.
const BAR: usize = 20;
/// Columns of the table without names and bars.
const TABLE: usize = 62;

/// A state, by name and figures.
type State = (&'static str, fn(&Entry) -> &Stay);

/// The states in turn.
const STATES: [State; 4] = [
    ("TIME-WAIT", |entry| &entry.time_wait),
    ("CLOSE-WAIT", |entry| &entry.close_wait),
    ("FIN-WAIT-2", |entry| &entry.fin_wait_2),
    ("LAST-ACK", |entry| &entry.last_ack),
];

/// Writes a section for each state, by host; then TIME-WAITs by service.
pub(super) fn write(
    out: &mut impl Write,
    look: Look,
    clock: Clock,
    books: &Books,
) -> io::Result<()> {
    for (name, of) in STATES {
        let title = format!("{name} by host");
        section(out, (look, clock), (&title, &books.hosts), of)?;
    }
    let services = ("TIME-WAIT by service", books.services.as_slice());
    section(out, (look, clock), services, STATES[0].1)?;
    notes(out, look, books)
}

fn section(
    out: &mut impl Write,
    (look, clock): (Look, Clock),
    (title, entries): (&str, &[Entry]),
    of: fn(&Entry) -> &Stay,
) -> io::Result<()> {
    let mut held: Vec<&Entry> = entries.iter().filter(|e| of(e).created > 0).collect();
    // Stable: among equals the order is that of the books.
    held.sort_by_key(|entry| std::cmp::Reverse((of(entry).peak, of(entry).created)));
    let names = held.iter().take(LISTED).map(|entry| name(entry));
    let names: Vec<String> = names.collect();
    let Some(width) = names.iter().map(String::len).max() else {
        return Ok(());
    };
    let width = width.max(title.len());
    let columns = format!(
        "{:>8}  {:>8}  {:>7}  {:>9}  {:>8}  {:>8}",
        "entered", "a second", "most", "at", "mean", "at end"
    );
    let title = look.paint(HEADING, format!("{title:width$}"));
    writeln!(out, "\n{title}    {}", look.paint(FAINT, columns))?;
    let most = held.iter().map(|entry| of(entry).peak).max().unwrap_or(0);
    for (entry, name) in held.iter().zip(names) {
        let stay = of(entry);
        let room = look
            .width
            .map_or(0, |all| all.saturating_sub(width + TABLE));
        let bar = bar(stay.peak, most, room.min(BAR));
        let bar = if room > 0 {
            format!("  {bar}")
        } else {
            String::new()
        };
        writeln!(out, "  {name:width$}  {}{bar}", figures(stay, clock))?;
    }
    and_more(out, look, held.len())
}

fn figures(stay: &Stay, clock: Clock) -> String {
    let figure = |figure: Option<f64>| figure.map_or("-".to_owned(), |f| format!("{f:.1}"));
    format!(
        "{:>8}  {:>8}  {:>7}  {:>9}  {:>8}  {:>8}",
        stay.created,
        figure(stay.per_second),
        stay.peak,
        clock.show(stay.peak_time, 3),
        figure(stay.mean),
        stay.at_end
    )
}

/// Whose the sockets are: of a service with the port on the side it is on.
fn name(entry: &Entry) -> String {
    let Some(owner) = entry.owner else {
        return "all".to_owned();
    };
    let (Some(peer), Some(port)) = (entry.peer, entry.port) else {
        return owner.to_string();
    };
    if entry.as_server > entry.as_client {
        return format!("{} with {peer}", end(owner, port));
    }
    format!("{owner} to {}", end(peer, port))
}

/// An address with a port.
pub(super) fn end(addr: IpAddr, port: u16) -> String {
    SocketAddr::new(addr, port).to_string()
}

/// What the numbers mean, where they may be feared.
fn notes(out: &mut impl Write, look: Look, books: &Books) -> io::Result<()> {
    let all = &books.all;
    let mut notes = Vec::new();
    if all.time_wait.peak > 0 {
        notes.push(format!(
            "{} TIME-WAITs at once take about {} of kernel memory: 256 bytes each (slab tw_sock_TCP, \
             Linux 6.18 on x86-64)",
            all.time_wait.peak,
            bytes(all.time_wait_bytes)
        ));
    }
    if all.as_server > 0 {
        notes.push(format!(
            "{} of {} TIME-WAITs are a server's: they use no ephemeral port, only memory",
            all.as_server, all.time_wait.created
        ));
    }
    if !notes.is_empty() {
        writeln!(out)?;
    }
    for note in notes {
        super::ports::paragraph(out, look, &note)?;
    }
    Ok(())
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..10_485_760 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}
