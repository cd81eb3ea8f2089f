//! How captures are read and judged: what the subcommands that read any have in common.

use super::duration;
use super::failure::{Failure, note};
use super::keys::Keys;
use super::{live, moment};
use std::num::NonZero;
use std::thread;
use whoclosed::flow::Limits;
use whoclosed::packet::FilterError;
use whoclosed::rewrite::Choice;
use whoclosed::{Filter, Moment, Options};

const LIMITS: Limits = Limits::DEFAULT;

/// How captures are read and judged.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct How {
    /// How long TIME-WAIT lasts: 60s, 250ms, 4m, 1h [default: 60s]
    ///
    /// Linux: 60 s, compiled in; its setting for FIN timeouts does not change that. RFC 9293 asks
    /// for 2 MSL, 4 minutes. Windows and BSD have settings of their own.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    time_wait: Option<i64>,

    /// How long a side may stay in CLOSE-WAIT: 5s, 250ms, 4m, 1h [default: 5s]
    ///
    /// From there on a side that received a FIN and has not closed by the end of the capture is
    /// told as a leak, and one that closed so late as slow.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    close_wait_threshold: Option<i64>,

    /// Stop at the first damage of a capture instead of going on behind it
    #[arg(long)]
    strict: bool,

    /// Use at most so many threads [default: one for each processor]
    ///
    /// A large capture has work for three while it is read: one decompresses, one reads, one keeps the
    /// connections; and for all at its end, to judge what is left. A small one has work for one.
    /// Several files are looked at side by side. What is said does not depend on it.
    #[arg(long, value_name = "N", value_parser = count)]
    threads: Option<usize>,

    #[command(flatten)]
    keys: Keys,

    /// Read only the TCP segments that match, in the language of tcpdump: 'host a or b and port 443'
    ///
    /// Understood are host ADDRESS, net ADDRESS/LEN, port NUMBER and portrange FIRST-LAST, each with
    /// src or dst before it; ip, ip6 and tcp; and (&&), or (||), not (!) and parentheses. As with
    /// tcpdump, `and` and `or` bind equally and group from the left, and a value without keyword
    /// takes that of the test before: the example means (host a or host b) and port 443. Of tunnels
    /// the inner addresses count. Give both directions: with src or dst alone, connections are
    /// judged by what one side sent.
    #[arg(long, value_name = "EXPR", value_parser = filter)]
    filter: Option<Filter>,

    /// Read only records from this time on
    ///
    /// TIME is RFC 3339 (2026-11-21T02:00:00.5Z; without a zone it is UTC), seconds since 1970
    /// (1795226400.5), or with + the time since the first record (+30s, +250ms, +1.5m, +2h).
    /// Frames keep their numbers.
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    since: Option<Moment>,

    /// Read only records before this time, which is written as that of --since
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    until: Option<Moment>,

    /// Do not look at payloads
    ///
    /// Else the head of each is looked at for what ended the connection: HTTP/1 request and status
    /// lines with their Connection field, GOAWAY of HTTP/2, TLS alerts. Kept are method, status and
    /// the first 64 bytes of the path.
    #[arg(long)]
    no_payload: bool,

    /// How many flows are kept at once; what is beyond is judged early and marked as evicted
    ///
    /// SYNs without an answer go first, then flows of which nothing was seen for longest.
    #[arg(long, value_name = "N", default_value_t = LIMITS.flows, value_parser = count)]
    max_flows: usize,

    /// How many of them may be SYNs without an answer
    #[arg(long, value_name = "N", default_value_t = LIMITS.half_open, value_parser = count)]
    max_half_open: usize,
}

impl How {
    /// Refuses what contradicts itself, and says what may not be meant.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let is_empty = match (self.since, self.until) {
            (Some(Moment::At(since)), Some(Moment::At(until))) => since >= until,
            (Some(Moment::After(since)), Some(Moment::After(until))) => since >= until,
            _ => false,
        };
        if is_empty {
            let text = "--until must be later than --since";
            return Err(Failure::Usage(text.to_owned()));
        }
        if self.filter.as_ref().is_some_and(Filter::splits_connections) {
            note(
                "the filter lets only one direction of some connections pass (src, dst); they are \
                 judged by what one side sent",
            );
        }
        Ok(())
    }

    /// How many threads work on captures at most.
    pub(crate) fn threads(&self) -> usize {
        let processors = || thread::available_parallelism().map_or(1, NonZero::get);
        self.threads.unwrap_or_else(processors)
    }

    /// Only part of a capture is read.
    pub(crate) const fn chooses(&self) -> bool {
        self.filter.is_some() || self.since.is_some() || self.until.is_some()
    }

    /// Reading stops at the first damage.
    pub(crate) const fn is_strict(&self) -> bool {
        self.strict
    }

    /// No flows of a capture that is judged so.
    pub(crate) fn choice(&self) -> Choice {
        let Options {
            filter,
            key_vlan,
            key_tunnel,
            ..
        } = self.options();
        Choice::new(filter, key_vlan, key_tunnel)
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options::default();
        options.time_wait = self.time_wait.unwrap_or(options.time_wait);
        options.close_wait = self.close_wait_threshold.unwrap_or(options.close_wait);
        options.states = false;
        options.limits = Limits {
            flows: self.max_flows,
            half_open: self.max_half_open,
        };
        options.strict = self.strict;
        options.no_payload = self.no_payload;
        options.interrupt = live::interrupt();
        options.filter.clone_from(&self.filter);
        options.since = self.since;
        options.until = self.until;
        self.keys.apply(&mut options);
        options
    }
}

/// The place in a filter is marked on lines of their own.
fn filter(text: &str) -> Result<Filter, String> {
    Filter::parse(text).map_err(|error: FilterError| error.to_string())
}

fn count(text: &str) -> Result<usize, String> {
    let count: Option<u32> = text.parse().ok().filter(|&count| count > 0);
    count
        .map(|count| count as usize)
        .ok_or_else(|| "expected a number from 1 to 4294967295".to_owned())
}
