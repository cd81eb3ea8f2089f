//! The programs that are compared: where they are, and what they are told.

use crate::Failure;
use crate::arguments::Arguments;
use crate::contest::Who;
use serde::{Deserialize, Serialize};
use std::env;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Of this repository.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What people use.
struct Peer {
    who: Who,
    name: &'static str,
    /// How it tells its version.
    version: &'static str,
    /// What it is told; `{}` is the file.
    arguments: &'static [&'static str],
}

const PEERS: [Peer; 3] = [
    Peer {
        who: Who::Tcptrace,
        name: "tcptrace",
        version: "-version",
        arguments: &["-n", "{}"],
    },
    Peer {
        who: Who::Tshark,
        name: "tshark",
        version: "--version",
        arguments: &["-n", "-q", "-r", "{}", "-z", "conv,tcp"],
    },
    // No verdict, a mere filter of what closes: by nobody can more be asked for.
    Peer {
        who: Who::Tcpdump,
        name: "tcpdump",
        version: "--version",
        arguments: &[
            "-n",
            "-r",
            "{}",
            "-w",
            "/dev/null",
            "tcp[tcpflags] & (tcp-fin|tcp-rst) != 0",
        ],
    },
];

pub struct Programs {
    pub capgen: PathBuf,
    whoclosed: PathBuf,
    /// It has `--threads`.
    has_threads: bool,
    pub versions: Vec<Version>,
}

/// A program, and what it says of itself; nothing where it is not installed or was left out.
#[derive(Clone, Serialize)]
pub struct Version {
    pub program: &'static str,
    pub version: Option<String>,
}

impl Programs {
    /// Builds ours, and looks for the others.
    pub fn find(arguments: &Arguments) -> Result<Self, Failure> {
        for name in &arguments.without {
            if !PEERS.iter().any(|peer| peer.name == name) {
                return Err(format!("--without {name}: there is no such peer").into());
            }
        }
        let capgen = build("benches/capgen/Cargo.toml", "capgen")?;
        let whoclosed = match &arguments.whoclosed {
            Some(path) => path.canonicalize()?,
            None => build("Cargo.toml", "whoclosed")?,
        };
        let ours = version(&whoclosed, "--version")
            .ok_or_else(|| format!("{} cannot be run", whoclosed.display()))?;
        let mut versions = vec![Version {
            program: "whoclosed",
            version: Some(ours),
        }];
        versions.extend(PEERS.iter().map(|peer| {
            Version {
                program: peer.name,
                version: version(Path::new(peer.name), peer.version)
                    .filter(|_| !arguments.without.iter().any(|name| name == peer.name)),
            }
        }));
        let help = Command::new(&whoclosed).arg("--help").output()?.stdout;
        let has_threads = String::from_utf8_lossy(&help).contains("--threads");
        Ok(Self {
            capgen,
            whoclosed,
            has_threads,
            versions,
        })
    }

    /// The command line of one that has one, but for the file; nothing where it cannot be run.
    pub fn words(&self, who: Who, more: &[&str]) -> Result<Vec<String>, String> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        if let Some(peer) = PEERS.iter().find(|peer| peer.who == who) {
            let mut versions = self.versions.iter();
            let found = versions.any(|v| v.program == peer.name && v.version.is_some());
            if !found {
                return Err(format!("{} is not installed", peer.name));
            }
            return Ok(words(&[&[peer.name], peer.arguments].concat()));
        }
        let Some((report, threads)) = who.mode() else {
            return Ok(words(&[who.task(), "{}"]));
        };
        let threads: &[&str] = match (self.has_threads, threads) {
            (true, 1) => &["--threads", "1"],
            (true, _) => &["--threads", "2"],
            (false, 1) => &[],
            (false, _) => return Err("whoclosed has no --threads".to_owned()),
        };
        Ok(words(
            &[&["whoclosed"], report, threads, more, &["{}"]].concat(),
        ))
    }

    /// The same, to be run on a file.
    pub fn command(&self, who: Who, words: &[String], file: &Path) -> Result<Command, Failure> {
        let program = match who.mode() {
            Some(_) => self.whoclosed.clone(),
            None if who.is_limit() => env::current_exe()?,
            None => PathBuf::from(&words[0]),
        };
        let mut command = Command::new(program);
        let rest = if who.is_limit() { words } else { &words[1..] };
        for word in rest {
            if word == "{}" {
                command.arg(file);
            } else {
                command.arg(word);
            }
        }
        Ok(command)
    }
}

/// The first line in which it tells a number; some know no such option and fail after it.
fn version(program: &Path, option: &str) -> Option<String> {
    let output = match Command::new(program).arg(option).output() {
        Ok(output) => output,
        Err(failure) if failure.kind() == ErrorKind::NotFound => return None,
        Err(_) => return Some("of unknown version".to_owned()),
    };
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let line = said
        .lines()
        .find(|line| line.contains(|c: char| c.is_ascii_digit()));
    Some(line.unwrap_or("of unknown version").trim().to_owned())
}

/// What Cargo says of an artifact.
#[derive(Deserialize)]
struct Artifact {
    executable: Option<PathBuf>,
}

/// Builds a program of this repository by its release profile.
fn build(manifest: &str, name: &str) -> Result<PathBuf, Failure> {
    eprintln!("building {name}");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(ROOT)
        .args(["build", "--locked", "--release", "--quiet"])
        .args(["--message-format", "json", "--bin", name])
        .args(["--manifest-path", manifest]);
    if env::var_os("CARGO_TARGET_DIR").is_none() {
        // Else each crate has one of its own.
        command.args(["--target-dir", "target"]);
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{name} was not built").into());
    }
    let lines = String::from_utf8(output.stdout)?;
    let mut artifacts = lines.lines().filter_map(|line| {
        let artifact: Artifact = serde_json::from_str(line).ok()?;
        artifact.executable
    });
    let built = artifacts.find(|path| path.file_stem().is_some_and(|stem| stem == name));
    built.ok_or_else(|| format!("Cargo does not say where {name} is").into())
}
