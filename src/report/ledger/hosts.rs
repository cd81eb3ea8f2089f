//! Which host held how many sockets in which state.

use super::{LISTED, and_more, bar};
use crate::ledger::{Books, Entry, Stay};
use crate::report::look::{FAINT, HEADING};
use crate::report::{Clock, Look, counted};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

/// Columns of a bar.
const BAR: usize = 20;

/// A state, by name and figures.
pub(in crate::report) type State = (&'static str, fn(&Entry) -> &Stay);

/// The states in turn.
pub(in crate::report) const STATES: [State; 4] = [
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
    let notes = notes(books);
    if !notes.is_empty() {
        writeln!(out)?;
    }
    for note in notes {
        super::ports::paragraph(out, look, &note)?;
    }
    Ok(())
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
    let stays: Vec<&Stay> = held.iter().map(|entry| of(entry)).collect();
    let widths = COLUMNS.map(|column| column.width(&stays, clock));
    let room = look.width.unwrap_or(usize::MAX).saturating_sub(width + 2);
    let table: usize = widths.iter().map(|width| width + 2).sum();
    let line = |cell: &dyn Fn(&Column) -> String| -> String {
        let columns = COLUMNS.iter().zip(widths);
        let columns = columns.filter(|(column, _)| room >= table || column.always);
        let cells = columns.map(|(column, width)| format!("  {:>width$}", cell(column)));
        cells.collect()
    };
    let header = line(&|column| column.name.to_owned());
    let title = look.paint(HEADING, format!("{title:width$}"));
    writeln!(out, "\n{title}  {}", look.paint(FAINT, header))?;
    let most = held.iter().map(|entry| of(entry).peak).max().unwrap_or(0);
    // Where there is no terminal there is no bar.
    let room = look
        .width
        .map_or(0, |_| room.saturating_sub(table + 2).min(BAR));
    for (entry, name) in held.iter().zip(names) {
        let stay = of(entry);
        let cells = line(&|column| (column.cell)(stay, clock));
        let text = format!("  {name:width$}{cells}  {}", bar(stay.peak, most, room));
        writeln!(out, "{}", text.trim_end())?;
    }
    and_more(out, look, held.len())
}

/// A column of figures.
#[derive(Clone, Copy)]
pub(in crate::report) struct Column {
    /// Its heading.
    pub(in crate::report) name: &'static str,
    /// On a narrow terminal too.
    pub(in crate::report) always: bool,
    /// Its figure.
    pub(in crate::report) cell: fn(&Stay, Clock) -> String,
}

impl Column {
    fn width(&self, stays: &[&Stay], clock: Clock) -> usize {
        let cells = stays.iter().map(|stay| (self.cell)(stay, clock).len());
        cells.fold(self.name.len(), usize::max)
    }
}

pub(in crate::report) const COLUMNS: [Column; 6] = [
    Column {
        name: "entered",
        always: true,
        cell: |stay, _| stay.created.to_string(),
    },
    Column {
        name: "a second",
        always: false,
        cell: |stay, _| figure(stay.per_second),
    },
    Column {
        name: "most",
        always: true,
        cell: |stay, _| stay.peak.to_string(),
    },
    Column {
        name: "at",
        always: true,
        cell: |stay, clock| clock.show(stay.peak_time, 3),
    },
    Column {
        name: "mean",
        always: false,
        cell: |stay, _| figure(stay.mean),
    },
    Column {
        name: "at end",
        always: true,
        cell: |stay, _| stay.at_end.to_string(),
    },
];

fn figure(figure: Option<f64>) -> String {
    figure.map_or("-".to_owned(), |figure| format!("{figure:.1}"))
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
pub(in crate::report) fn notes(books: &Books) -> Vec<String> {
    let all = &books.all;
    let mut notes = Vec::new();
    if all.time_wait.peak > 0 {
        notes.push(format!(
            "{} at once: about {} of kernel memory, 256 bytes each (slab tw_sock_TCP, Linux 6.18 on \
             x86-64)",
            counted(all.time_wait.peak, "TIME-WAIT"),
            bytes(all.time_wait_bytes)
        ));
    }
    if all.as_server > 0 {
        notes.push(format!(
            "{} of {}: a server's, which uses no ephemeral port, only memory",
            all.as_server,
            counted(all.time_wait.created, "TIME-WAIT")
        ));
    }
    notes
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..10_485_760 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}
