//! The books on TIME-WAIT and ports, with their charts.

use super::chart::{Chart, Series};
use crate::close::verdict::State;
use crate::ledger::{Books, Curves, Entry, KEPT, Ledger, PortUse, Stay};
use crate::report::ledger::hosts::{COLUMNS, STATES, notes};
use crate::report::ledger::{ports, remarks, waits};
use crate::report::{Clock, TimeStyle};
use crate::stamp::Time;
use maud::{Markup, html};
use std::cmp::Reverse;

/// Hosts in a table, for each state.
const HOSTS: usize = 6;
/// Services and servers in a list.
const LISTED: usize = 20;
/// Clients' ports with a chart of their own.
const CHARTS: usize = 4;

/// What the page tells of the books.
#[derive(Debug)]
pub(super) struct Held {
    books: Books,
    curves: Curves,
    /// Ports in use over time, of those most in use.
    ports: Vec<Vec<u64>>,
}

impl Held {
    /// The books of a capture that began and ended then.
    pub(super) fn of(ledger: &Ledger, (start, end): (Time, Time)) -> Self {
        let books = ledger.books(start, end, None);
        let curves = ledger.curves(&books);
        let ports = charted(&books.ports).iter();
        let ports = ports.map(|ports| ledger.port_curve(ports, &curves.bounds));
        Self {
            ports: ports.collect(),
            books,
            curves,
        }
    }

    /// The sections; nothing where no socket was kept account of.
    pub(super) fn sections(&self) -> Markup {
        let all = &self.books.all;
        let waits = STATES.iter().any(|(_, of)| of(all).created > 0);
        html! {
            @if waits { (self.states()) }
            @if !self.books.ports.is_empty() { (self.ports()) }
            @if !self.books.binds.is_empty() { (self.binds()) }
        }
    }

    fn period(&self) -> (Time, Time) {
        (self.books.start, self.books.end)
    }

    fn clock(&self) -> Clock {
        Clock::new(TimeStyle::Relative, Some(self.books.start))
    }

    fn states(&self) -> Markup {
        html! {
            h2 { "TIME-WAIT and other states that wait, over time" }
            p { (waits(&self.books)) @for remark in remarks(&self.books) { "; " (remark) } "." }
            p.faint {
                "Sockets of all hosts together; where several are held within one column of a chart it shows \
                 the most at once. Times are seconds since the capture began."
            }
            div.charts {
                @for ((name, of), values) in STATES.iter().zip(&self.curves.states) {
                    @if of(&self.books.all).created > 0 { (self.state(name, of(&self.books.all), values)) }
                }
                @if self.curves.owners.len() > 1 { (self.owners()) }
            }
            (self.hosts())
            @for note in notes(&self.books) { p.faint { (note) } }
        }
    }

    fn state(&self, name: &str, stay: &Stay, values: &[u64]) -> Markup {
        let series = Series {
            name: name.to_owned(),
            class: format!("state-{name}"),
            values,
        };
        let at = self.clock().show(stay.peak_time, 3);
        let most = format!("most {} at {at} s, {} at the end", stay.peak, stay.at_end);
        let whose = match self.curves.owners.as_slice() {
            [(owner, _)] if name == State::TimeWait.name() => format!("of {owner} alone"),
            _ => "all hosts".to_owned(),
        };
        Chart {
            title: html! { strong { (name) } " " span.faint { (whose) ": " (most) } },
            label: format!("{name} over time: {most}"),
            series: vec![series],
            limit: None,
            period: self.period(),
        }
        .draw()
    }

    fn owners(&self) -> Markup {
        let Curves { owners, others, .. } = &self.curves;
        let owners = owners.iter().enumerate();
        let mut series: Vec<Series> = owners
            .map(|(at, (host, values))| Series {
                name: host.to_string(),
                class: format!("host-{at}"),
                values,
            })
            .collect();
        if others.iter().any(|count| *count > 0) {
            series.push(Series {
                name: "other hosts".to_owned(),
                class: "host-other".to_owned(),
                values: others,
            });
        }
        let title = html! {
            strong { "TIME-WAIT by owner" }
            @for series in &series { " " span.key { span class={ "swatch " (series.class) } {} (series.name) } }
        };
        Chart {
            title,
            label: "TIME-WAIT by owner over time, stacked".to_owned(),
            series,
            limit: None,
            period: self.period(),
        }
        .draw()
    }

    /// Who held how many: of each state the hosts with most at once first.
    fn hosts(&self) -> Markup {
        let held = |of: fn(&Entry) -> &Stay| {
            let held = self
                .books
                .hosts
                .iter()
                .filter(move |host| of(host).created > 0);
            let mut held: Vec<&Entry> = held.collect();
            held.sort_by_key(|host| Reverse((of(host).peak, of(host).created)));
            held
        };
        let more = STATES
            .iter()
            .map(|(_, of)| held(*of).len().saturating_sub(HOSTS));
        let more: usize = more.sum();
        let listed = STATES.iter().flat_map(|(name, of)| {
            let held = held(*of).into_iter().take(HOSTS);
            held.map(move |host| (*name, host.owner, of(host)))
        });
        html! {
            div.wide { table.figures {
                thead { tr {
                    th { "state" } th { "host" }
                    @for column in &COLUMNS { th.number.spare[!column.always] { (column.name) } }
                } }
                tbody { @for (name, owner, stay) in listed { tr {
                    td { span class={ "swatch state-" (name) } {} (name) }
                    td { @if let Some(owner) = owner { (owner) } }
                    @for column in &COLUMNS {
                        td.number.spare[!column.always] { ((column.cell)(stay, self.clock())) }
                    }
                } } }
            } }
            @if more > 0 { p.faint { "and " (more) " more: see whoclosed timewait --format json" } }
        }
    }

    fn ports(&self) -> Markup {
        let books = &self.books;
        let charted = charted(&books.ports);
        let rest = books.ports.get(charted.len()..).unwrap_or_default();
        let more = rest.len().saturating_sub(LISTED);
        html! {
            @if let Some(first) = books.ports.first() {
                h2 { (ports::title(first)) }
                p.faint { (ports::remark(books, first)) "." }
            }
            div.charts {
                @for (ports, curve) in charted.iter().zip(&self.ports) { (self.one(ports, curve)) }
            }
            @if !rest.is_empty() { div.wide { table.figures {
                thead { tr {
                    th { "client" } th { "server" } th.number { "connections" } th.number { "most ports" }
                    th.number { "at end" } th.number { "from other ports" }
                } }
                tbody { @for ports in rest.iter().take(LISTED) { tr {
                    td { (ports.client) } td { (ports.server) } td.number { (ports.connections) }
                    td.number { (ports.peak) } td.number { (ports.at_end) } td.number { (ports.outside) }
                } } }
            } } }
            @if more > 0 { p.faint { "and " (more) " more: see whoclosed timewait --format json" } }
        }
    }

    fn one(&self, ports: &PortUse, curve: &[u64]) -> Markup {
        let name = ports::names(ports);
        let chart = Chart {
            title: html! { span.faint { "ports in use over time, of " (ports.ports) } },
            label: format!("ports in use over time, {name}"),
            series: vec![Series {
                name: "ports in use".to_owned(),
                class: "ports".to_owned(),
                values: curve,
            }],
            limit: Some(ports.ports),
            period: self.period(),
        };
        let warning = ports::warning(ports, self.clock());
        html! {
            div.ports {
                h3 { (name) }
                svg.meter viewBox="0 0 100 1" preserveAspectRatio="none" role="img"
                    aria-label={ (ports.peak_percent) " % of the ports" } {
                    rect.ground width="100" height="1" {}
                    rect.part width=(ports.peak_percent) height="1" {}
                }
                p { (ports::told(ports, self.clock())) "." }
                @if let Some((style, text)) = warning { p class=(super::class(style)) { (text) } }
                (chart.draw())
            }
        }
    }

    /// What the books warn of, as a part of the diagnosis.
    pub(super) fn warnings(&self) -> Markup {
        let warned = self.books.ports.iter().filter_map(|ports| {
            let (style, text) = ports::warning(ports, self.clock())?;
            Some((super::class(style), ports::names(ports), text))
        });
        html! { @for (class, names, text) in warned.take(CHARTS) {
            div.told.(if class == "bad" { "warning" } else { "notice" }) {
                p { strong { "ephemeral-ports" } " " (names) ": " (text) }
            }
        } }
    }

    fn binds(&self) -> Markup {
        let binds = &self.books.binds;
        let more = binds.len().saturating_sub(LISTED);
        html! {
            h2 { "Servers that need SO_REUSEADDR to be started again" }
            ul { @for bind in binds.iter().take(LISTED) {
                li { (ports::conflict(bind, self.clock(), &self.books)) }
            } }
            @if more > 0 { p.faint { "and " (more) " more: see whoclosed timewait --format json" } }
        }
    }
}

/// Those in use of which a chart shows something.
fn charted(ports: &[PortUse]) -> &[PortUse] {
    let flat = ports.iter().position(|ports| ports.peak < 2);
    let count = flat.unwrap_or(ports.len()).min(CHARTS);
    ports.get(..count).unwrap_or_default()
}

/// Every state that the books keep has a chart.
const _: () = assert!(KEPT.len() == STATES.len());
