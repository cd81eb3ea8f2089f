//! Silences before closes, clustered: which idle timeout is it?

use crate::close::finding::Severity;
use crate::close::known::{self, Known};
use crate::close::verdict::{Confidence, Endpoint, Side, Silence, SilenceEnd, Verdict};
use crate::close::words::patterns::Pattern;
use crate::patterns::diagnosis::{Diagnosis, Example};
use crate::patterns::figure::{as_seconds, connections, in_words};
use crate::patterns::services::Services;
use crate::stamp::SECOND;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::num::NonZeroU64;

/// Closers and services kept; what is beyond is counted only.
const CLUSTERS: usize = 512;
/// Different lengths of silence kept of each.
const LENGTHS: usize = 64;
/// There is room for so many more of them at a time.
const MORE: usize = 8;
/// So many equal silences are no chance.
const ENOUGH: u64 = 3;
/// What looks for idle connections once a second closes up to so much late.
const COARSE: i64 = 11 * SECOND / 10;

/// Who closed connections to which service, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Closer {
    service: Endpoint,
    by: Side,
    how: SilenceEnd,
}

/// Silences of about one length.
#[derive(Clone, Debug)]
struct Length {
    count: u64,
    /// The first of them, and by how much all others together were longer.
    first: i64,
    longer: i64,
    least: i64,
    most: i64,
    /// The first one's flow, its last payload's frame, if it had any, and that of its end.
    flow: u64,
    frames: [Option<NonZeroU64>; 2],
}

impl Length {
    /// Of a first silence, which is not yet counted.
    fn new(verdict: &Verdict, silence: &Silence) -> Self {
        let first = silence.nanos();
        Self {
            count: 0,
            first,
            longer: 0,
            least: first,
            most: first,
            flow: verdict.flow,
            frames: [
                silence.payload_frame.and_then(NonZeroU64::new),
                NonZeroU64::new(silence.frame),
            ],
        }
    }

    fn add(&mut self, nanos: i64) {
        self.count += 1;
        self.longer = self.longer.saturating_add(nanos - self.first);
        self.least = self.least.min(nanos);
        self.most = self.most.max(nanos);
    }

    fn mean(&self) -> i64 {
        self.first + self.longer.div_euclid(self.count.max(1).cast_signed())
    }

    fn example(&self) -> Example {
        let frames = self.frames.iter().flatten();
        Example::new(self.flow, frames.map(|frame| frame.get()).collect())
    }
}

/// Silences of one closer, by their length: a length is one in a hundred longer than the one before.
#[derive(Clone, Debug, Default)]
struct Lengths {
    /// In order, each with its place.
    by_length: Vec<(i32, Length)>,
    beyond: u64,
}

/// The silences seen.
#[derive(Debug, Default)]
pub(super) struct Silences {
    closers: HashMap<Closer, Lengths, RandomState>,
    beyond: u64,
}

impl Silences {
    /// Takes in the silence before a close.
    pub(super) fn see(&mut self, verdict: &Verdict, silence: &Silence) {
        if silence.at_least {
            return;
        }
        let closer = Closer {
            service: verdict.server,
            by: silence.by,
            how: silence.how,
        };
        if self.closers.len() >= CLUSTERS && !self.closers.contains_key(&closer) {
            self.beyond += 1;
            return;
        }
        self.closers
            .entry(closer)
            .or_default()
            .add(verdict, silence);
    }

    /// How many silences belong to closers that are not kept.
    pub(super) const fn beyond(&self) -> u64 {
        self.beyond
    }

    pub(super) fn diagnoses(&self, services: &Services) -> Vec<Diagnosis> {
        let mut closers: Vec<(&Closer, &Lengths)> = self.closers.iter().collect();
        let order = |c: &Closer| (c.service.addr, c.service.port, c.by, c.how);
        closers.sort_unstable_by_key(|(closer, _)| order(closer));
        let told = |(closer, lengths): (&Closer, &Lengths)| match closer.how {
            SilenceEnd::Forgotten | SilenceEnd::Unanswered => {
                forgotten(*closer, lengths, services).into_iter().collect()
            }
            _ => lengths.timeouts(*closer),
        };
        closers.into_iter().flat_map(told).collect()
    }
}

impl Lengths {
    fn add(&mut self, verdict: &Verdict, silence: &Silence) {
        let nanos = silence.nanos();
        let place = place(nanos);
        let all = &mut self.by_length;
        let at = match all.binary_search_by_key(&place, |(place, _)| *place) {
            Ok(at) => at,
            Err(_) if all.len() >= LENGTHS => {
                self.beyond += 1;
                return;
            }
            Err(at) => {
                if all.len() == all.capacity() {
                    all.reserve_exact(MORE);
                }
                all.insert(at, (place, Length::new(verdict, silence)));
                at
            }
        };
        if let Some((_, length)) = all.get_mut(at) {
            length.add(nanos);
        }
    }

    fn values(&self) -> impl Iterator<Item = &Length> + Clone {
        self.by_length.iter().map(|(_, length)| length)
    }

    /// The runs of lengths side by side that hold enough silences; without any, all of a server's
    /// together if they may be those of a coarse timer.
    fn timeouts(&self, closer: Closer) -> Vec<Diagnosis> {
        let runs: Vec<Run> = self.runs().into_iter().filter(Run::is_enough).collect();
        if !runs.is_empty() {
            return runs.iter().map(|run| run.diagnosis(closer)).collect();
        }
        let all = Run::of(self.values());
        let coarse = |run: &Run| run.most - run.least <= COARSE && run.is_enough();
        let is_server = closer.by == Side::Server;
        let run = all.filter(|run| is_server && coarse(run));
        run.map(|run| run.coarse(closer)).into_iter().collect()
    }

    fn runs(&self) -> Vec<Run<'_>> {
        let mut groups: Vec<Vec<&Length>> = Vec::new();
        let mut last = None;
        for &(place, ref length) in &self.by_length {
            match groups.last_mut().filter(|_| last == Some(place - 1)) {
                Some(group) => group.push(length),
                None => groups.push(vec![length]),
            }
            last = Some(place);
        }
        let runs = groups.into_iter().map(IntoIterator::into_iter);
        runs.filter_map(Run::of).collect()
    }
}

/// Silences of lengths side by side.
struct Run<'a> {
    count: u64,
    median: i64,
    least: i64,
    most: i64,
    example: &'a Length,
}

impl<'a> Run<'a> {
    fn of(lengths: impl Iterator<Item = &'a Length> + Clone) -> Option<Self> {
        let count: u64 = lengths.clone().map(|length| length.count).sum();
        let mut before = 0;
        let middle = lengths.clone().find(|length| {
            before += length.count;
            2 * before >= count
        })?;
        Some(Self {
            count,
            median: middle.mean(),
            least: lengths.clone().map(|length| length.least).min()?,
            most: lengths.map(|length| length.most).max()?,
            example: middle,
        })
    }

    const fn is_enough(&self) -> bool {
        self.count >= ENOUGH
    }

    fn diagnosis(&self, closer: Closer) -> Diagnosis {
        let known: Vec<&Known> = known::closing(closer.by, self.median).collect();
        let spread = (self.most - self.median).max(self.median - self.least);
        let name = known::names(&known).map_or_else(
            || "no well-known timeout".to_owned(),
            |names| format!("the default of {names}"),
        );
        let message = format!(
            "{} {} {} after {} ± {} of silence: {name}",
            closer.name(),
            closer.did(),
            connections(self.count),
            in_words(self.median),
            in_words(spread),
        );
        self.about(closer, message, &known)
            .with("spread_seconds", as_seconds(spread))
    }

    /// Silences that differ by no more than the grain of a timer.
    fn coarse(&self, closer: Closer) -> Diagnosis {
        let message = format!(
            "{} {} {} after {} to {} of silence: a timeout of {} at most, looked at now and then",
            closer.name(),
            closer.did(),
            connections(self.count),
            in_words(self.least),
            in_words(self.most),
            in_words(self.least),
        );
        self.about(closer, message, &[])
    }

    fn about(&self, closer: Closer, message: String, known: &[&Known]) -> Diagnosis {
        Diagnosis::of(Pattern::IdleTimeout, self.count, message)
            .shown_by(&self.example.example())
            .with("addr", closer.service.addr.to_string())
            .with("port", closer.service.port)
            .with("closer", closer.by.name())
            .with("how", closer.how.name())
            .with("median_seconds", as_seconds(self.median))
            .with("least_seconds", as_seconds(self.least))
            .with("most_seconds", as_seconds(self.most))
            .with("known_timeouts", known::list(known))
    }
}

impl Closer {
    fn name(&self) -> String {
        match self.by {
            Side::Server => format!("server {}", self.service),
            Side::Client => format!("clients of {}", self.service),
        }
    }

    const fn did(&self) -> &'static str {
        match self.how {
            SilenceEnd::Rst => "aborted",
            _ => "closed",
        }
    }
}

/// Connections that were forgotten: the timeout lies between the silences that were survived and
/// those that were not.
fn forgotten(closer: Closer, lengths: &Lengths, services: &Services) -> Option<Diagnosis> {
    let run = Run::of(lengths.values())?;
    let shortest = lengths.values().next()?;
    let survived = services.at(closer.service).and_then(|s| s.survived);
    let survived = survived.filter(|&survived| survived < run.least);
    let known: Vec<&Known> = known::forgetting(survived, run.least).collect();
    let bound = survived.map_or_else(String::new, |survived| {
        format!(" (silences up to {} were survived)", in_words(survived))
    });
    let name = known::names(&known).map_or_else(String::new, |names| format!(": {names}"));
    let fate = if closer.how == SilenceEnd::Unanswered {
        "no answer"
    } else {
        "a RST"
    };
    let message = format!(
        "{} to {} were forgotten after silences of {} and more{bound}: the {}'s next segment met \
         {fate}, so the {}'s host or a device before it had dropped them{name}",
        connections(run.count),
        closer.service,
        in_words(run.least),
        closer.by.peer(),
        closer.by,
    );
    let told = Diagnosis::of(Pattern::ForgottenWhileIdle, run.count, message)
        .rated(Severity::Warning, Confidence::Likely)
        .shown_by(&shortest.example())
        .with("addr", closer.service.addr.to_string())
        .with("port", closer.service.port)
        .with("side", closer.by.name())
        .with("how", closer.how.name())
        .with("least_seconds", as_seconds(run.least))
        .with("most_seconds", as_seconds(run.most))
        .with("known_timeouts", known::list(&known));
    Some(match survived {
        Some(survived) => told.with("survived_seconds", as_seconds(survived)),
        None => told,
    })
}

/// The number of a length: a silence's seconds on a scale of steps of one in a hundred.
fn place(nanos: i64) -> i32 {
    let seconds = crate::patterns::figure::seconds(nanos.max(1));
    (seconds.ln() / 1.01_f64.ln()).floor() as i32
}
