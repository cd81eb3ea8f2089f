//! What several test binaries share: captures as lists of packets, hand-made cases, the kernel's
//! truth, and verdicts made comparable.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "each test binary uses its own part"
)]
#![allow(
    clippy::cast_sign_loss,
    reason = "times and lengths of test data are small and known"
)]

pub mod capgen;
pub mod case;
pub mod essence;
pub mod packet;
pub mod transform;
pub mod truth;
pub mod tunnel;
pub mod wrap;

use std::fs;
use std::path::{Path, PathBuf};
use whoclosed::close::Context;
use whoclosed::close::verdict::Verdict;
use whoclosed::stamp::{SECOND, Stamp};
use whoclosed::{Options, analyze};

/// The verdicts on a capture, by number of flow.
pub fn verdicts(bytes: &[u8]) -> Vec<Verdict> {
    let analysis = analyze(bytes, &Options::default()).expect("a capture");
    let mut all: Vec<Verdict> = analysis.collect();
    all.sort_by_key(|v| v.flow);
    all
}

/// What is known of a whole capture that ends at `end`.
pub const fn context(end: Stamp) -> Context {
    Context {
        time_wait: 60 * SECOND,
        close_wait: 5 * SECOND,
        states: true,
        reasons: true,
        server: None,
        errors: None,
        end,
        cut: false,
        evicted: false,
        clocks_differ: false,
        torn: None,
        off_clock: None,
    }
}

/// A path below `testdata/`.
pub fn testdata(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(below)
}

/// The files of a directory whose names end so, sorted.
pub fn files(below: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(testdata(below))
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| endings.iter().any(|end| file_name(path).ends_with(end)))
        .collect();
    found.sort();
    found
}

/// Its last component.
pub fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .expect("a name")
}

/// Every capture the laws are tried on: the lab's, the seeds, the hand-made cases.
pub fn everything() -> Vec<Subject> {
    let lab = files("captures", &[".pcap", ".pcapng"]);
    let seeds = files("seeds", &[".pcap"]);
    let stored = lab.iter().chain(&seeds).map(|path| Subject::read(path));
    let cases = case::all().into_iter().filter(|case| !case.as_is);
    let cases = cases.map(|case| Subject {
        name: case.name.clone(),
        packets: case.packets,
    });
    stored.chain(cases).collect()
}

/// A capture by its name, container and link taken off.
#[derive(Clone, Debug)]
pub struct Subject {
    pub name: String,
    pub packets: Vec<wrap::Packet>,
}

impl Subject {
    pub fn read(path: &Path) -> Self {
        Self {
            name: file_name(path).to_owned(),
            packets: wrap::read(&fs::read(path).expect("readable")),
        }
    }
}

/// Runs `work` over `items` on two threads and gives the results in order of the items.
pub fn on_two_threads<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(item) = items.get(at) else {
                return done;
            };
            done.push((at, work(item)));
        }
    };
    let mut results = std::thread::scope(|scope| {
        let other = scope.spawn(worker);
        let mut mine = worker();
        mine.extend(other.join().expect("the other thread"));
        mine
    });
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Panics with all the lines between rulers, if there are any; at most 200 are printed.
#[track_caller]
pub fn report(what: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let shown: Vec<&str> = lines.iter().take(200).map(String::as_str).collect();
    panic!("{what}: {}\n~~~\n{}\n~~~\n", lines.len(), shown.join("\n"));
}
