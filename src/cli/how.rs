//! How captures are read and judged: what the subcommands that read any have in common.

use super::duration;
use super::keys::Keys;
use super::live;
use whoclosed::Options;
use whoclosed::flow::Limits;

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

    /// Stop at the first damage of a capture instead of going on behind it
    #[arg(long)]
    strict: bool,

    #[command(flatten)]
    keys: Keys,

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
    pub(crate) fn options(&self) -> Options {
        let mut options = Options::default();
        options.time_wait = self.time_wait.unwrap_or(options.time_wait);
        options.limits = Limits {
            flows: self.max_flows,
            half_open: self.max_half_open,
        };
        options.strict = self.strict;
        options.interrupt = live::interrupt();
        self.keys.apply(&mut options);
        options
    }
}

fn count(text: &str) -> Result<usize, String> {
    let count: Option<u32> = text.parse().ok().filter(|&count| count > 0);
    count
        .map(|count| count as usize)
        .ok_or_else(|| "expected a number from 1 to 4294967295".to_owned())
}
