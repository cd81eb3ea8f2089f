//! Who runs on which capture, in turn.

use self::Who::{Json1, Json2, Summary1, Summary2, Tcpdump, Tcptrace, Tshark, Unpack, Walk};
use crate::Failure;
use crate::captures::Made;
use crate::measure::{Sample, run, run_self_timed};
use crate::programs::Programs;
use crate::verify;
use serde::Serialize;

/// A program with what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// whoclosed with a line for every flow, on one thread or two.
    Json1,
    Json2,
    /// whoclosed with the summary alone.
    Summary1,
    Summary2,
    Tcptrace,
    Tshark,
    Tcpdump,
    /// Reading the file and walking its record headers.
    Walk,
    /// Decompressing the file.
    Unpack,
}

impl Who {
    /// What whoclosed is told, if it is that, and on how many threads.
    pub const fn mode(self) -> Option<(&'static [&'static str], u32)> {
        match self {
            Self::Json1 => Some((&["--format", "json"], 1)),
            Self::Json2 => Some((&["--format", "json"], 2)),
            Self::Summary1 => Some((&["--summary"], 1)),
            Self::Summary2 => Some((&["--summary"], 2)),
            _ => None,
        }
    }

    /// What whoclosed is told, in a word or two.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Json1 => "JSON, one thread",
            Self::Json2 => "JSON, two threads",
            Self::Summary1 => "summary, one thread",
            Self::Summary2 => "summary, two threads",
            _ => "-",
        }
    }

    /// A task of our own.
    pub const fn is_limit(self) -> bool {
        matches!(self, Self::Walk | Self::Unpack)
    }

    /// Its name.
    pub const fn task(self) -> &'static str {
        match self {
            Self::Unpack => "unpack",
            _ => "walk",
        }
    }
}

/// Programs that are compared on a capture of that name.
pub struct Bout {
    pub name: &'static str,
    /// Takes gigabytes and minutes.
    pub is_large: bool,
    who: &'static [Who],
    /// All of them on this capture as well, to compare the captures.
    beside: Option<&'static str>,
    /// What whoclosed is told besides.
    more: &'static [&'static str],
}

pub const BOUTS: &[Bout] = &[
    bout(
        "short",
        &[
            Json1, Json2, Summary1, Summary2, Tcptrace, Tshark, Tcpdump, Walk,
        ],
    ),
    bout(
        "pcapng",
        &[Json1, Json2, Summary1, Summary2, Tshark, Tcpdump, Walk],
    ),
    bout(
        "v6vlan",
        &[Json1, Json2, Summary1, Summary2, Tshark, Tcpdump, Walk],
    ),
    bout(
        "bulk",
        &[Json1, Json2, Summary1, Summary2, Tcptrace, Tcpdump, Walk],
    ),
    bout(
        "longlived",
        &[Json1, Json2, Summary1, Summary2, Tcptrace, Tcpdump, Walk],
    ),
    bout(
        "scan",
        &[Json1, Json2, Summary1, Summary2, Tcptrace, Tcpdump, Walk],
    ),
    bout("gz", &[Json1, Json2, Unpack]),
    bout("zst", &[Json1, Json2, Unpack]),
    Bout {
        is_large: true,
        ..bout(
            "short10m",
            &[Json1, Json2, Summary1, Summary2, Tcpdump, Walk],
        )
    },
    Bout {
        is_large: true,
        beside: Some("short10m"),
        // A million are half-open at first, and none is to be evicted.
        more: &["--max-half-open", "2000000"],
        ..bout("longlived10m", &[Summary1])
    },
];

const fn bout(name: &'static str, who: &'static [Who]) -> Bout {
    Bout {
        name,
        is_large: false,
        who,
        beside: None,
        more: &[],
    }
}

impl Bout {
    /// The captures it needs, first its own.
    pub fn captures(&self) -> impl Iterator<Item = &'static str> {
        [self.name].into_iter().chain(self.beside)
    }
}

/// One who took part.
#[derive(Serialize)]
pub struct Line {
    pub who: Who,
    pub on: &'static str,
    /// As it is typed, without the name of the file.
    pub program: String,
    pub packets: u64,
    /// Bytes of the capture, before it was compressed.
    pub bytes: u64,
    /// One a round.
    pub samples: Vec<Sample>,
}

/// One who did not, and why.
#[derive(Serialize)]
pub struct Absent {
    pub who: Who,
    pub why: String,
}

/// A contest that was held.
#[derive(Serialize)]
pub struct Held {
    pub name: &'static str,
    pub packets: u64,
    pub flows: u64,
    /// Bytes of the file.
    pub size: u64,
    pub rounds: u32,
    pub lines: Vec<Line>,
    pub absent: Vec<Absent>,
}

/// First compares all verdicts with the truth; then all run in turn, and again, and again.
pub fn hold(bout: &Bout, made: &[Made], programs: &Programs, rounds: u32) -> Result<Held, Failure> {
    let main = made.first().ok_or("a contest without a capture")?;
    let mut held = Held {
        name: bout.name,
        packets: main.packets,
        flows: main.flows,
        size: main.size,
        rounds,
        lines: Vec::new(),
        absent: Vec::new(),
    };
    let mut running = Vec::new();
    for (capture, &who) in made
        .iter()
        .flat_map(|made| bout.who.iter().map(move |who| (made, who)))
    {
        match programs.words(who, bout.more) {
            Ok(words) => {
                held.lines.push(Line {
                    who,
                    on: capture.name,
                    program: typed(who, &words),
                    packets: capture.packets,
                    bytes: capture.unpacked,
                    samples: Vec::new(),
                });
                running.push((words, capture));
            }
            Err(why) => held.absent.push(Absent { who, why }),
        }
    }
    for (line, (words, capture)) in held.lines.iter().zip(&running) {
        if line.who.mode().is_some() {
            eprintln!("{}: comparing {} with the truth", bout.name, line.program);
            let command = programs.command(line.who, words, &capture.file)?;
            verify::refuse(&command, &capture.truth)?;
        }
    }
    for round in 0..=rounds {
        eprintln!("{}: round {round} of {rounds}", bout.name);
        for (line, (words, capture)) in held.lines.iter_mut().zip(&running) {
            let mut command = programs.command(line.who, words, &capture.file)?;
            let sample = if line.who.is_limit() {
                run_self_timed(&mut command)?
            } else {
                run(&mut command)?
            };
            // The first is not counted: the file may not have been in the page cache.
            if round > 0 {
                line.samples.push(sample);
            }
        }
    }
    Ok(held)
}

/// A command line without the file, for people.
fn typed(who: Who, words: &[String]) -> String {
    match who {
        Who::Walk => return "reading, walking record headers".to_owned(),
        Who::Unpack => return "decompressing".to_owned(),
        _ => {}
    }
    let shown = words.iter().filter(|word| *word != "{}").map(|word| {
        if word.contains(' ') {
            format!("'{word}'")
        } else {
            word.clone()
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

impl Held {
    /// Of whom that is, on that capture.
    pub fn line(&self, who: Who, on: &str) -> Option<&Line> {
        self.lines
            .iter()
            .find(|line| line.who == who && line.on == on)
    }
}

impl Line {
    /// The median of what is asked of every round.
    pub fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.iter().map(of).collect())
    }

    /// The median of how many times as long as `other` it took, round by round.
    pub fn times(&self, other: &Self) -> f64 {
        let pairs = self.samples.iter().zip(&other.samples);
        median(pairs.map(|(a, b)| a.wall / b.wall).collect())
    }

    /// Bytes resident at most in any round.
    pub fn peak(&self) -> u64 {
        let peaks = self.samples.iter().map(|sample| sample.peak);
        peaks.max().unwrap_or_default()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.get(middle) {
        None => f64::NAN,
        Some(upper) if values.len() % 2 == 1 => *upper,
        Some(upper) => f64::midpoint(values[middle - 1], *upper),
    }
}

#[cfg(test)]
pub mod tests {
    use super::{Line, Who, median};
    use crate::measure::Sample;

    /// A line of somebody who took so many seconds in each round, and a megabyte.
    pub fn line(who: Who, on: &'static str, walls: &[f64]) -> Line {
        let samples = walls.iter().map(|&wall| Sample {
            wall,
            cpu: wall,
            peak: 1_000_000,
        });
        Line {
            who,
            on,
            program: format!("{who:?}"),
            packets: 1000,
            bytes: 100_000,
            samples: samples.collect(),
        }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // A machine that was slow in the second round, for both.
        let ours = line(Who::Json1, "short", &[1.0, 10.0, 1.0]);
        let theirs = line(Who::Tcptrace, "short", &[20.0, 200.0, 30.0]);
        assert!((theirs.times(&ours) - 20.0).abs() < 1e-9);
        assert!((ours.median(|s| s.wall) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(Vec::new()).is_nan());
    }
}
