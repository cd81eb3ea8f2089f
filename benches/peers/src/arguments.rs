//! The command line.

use crate::contest::{BOUTS, Bout};
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Runs whoclosed, its peers and plain reading in turn on generated captures, and compares
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Small captures: shows that all of it works, and measures the start of processes at most
    #[arg(long)]
    pub quick: bool,
    /// With the captures of 10 million packets: needs 3 GB of disk
    #[arg(long, conflicts_with = "quick")]
    pub full: bool,
    /// Counted rounds, after one that is not
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Only the contests on these captures (repeatable)
    #[arg(long, value_name = "CAPTURE", value_parser = names())]
    only: Vec<String>,
    /// Keep the captures there, and use those that are there already
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// This binary in place of a release build of this repository
    #[arg(long, value_name = "FILE")]
    pub whoclosed: Option<PathBuf>,
    /// Leave these out (repeatable)
    #[arg(long, value_name = "PEER")]
    pub without: Vec<String>,
    /// Exit code 1 if a goal is missed, or was not measured
    #[arg(long, conflicts_with = "quick")]
    pub check: bool,
    /// How the results are written
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    #[command(subcommand)]
    pub task: Option<Task>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Markdown,
    Json,
}

/// What the runner does in processes of its own.
#[derive(Subcommand)]
#[command(hide = true)]
pub enum Task {
    /// Read a capture, walk its record headers, and print the nanoseconds
    #[command(hide = true)]
    Walk {
        file: PathBuf,
        /// Bytes read at once: 256 KiB stay in a core's cache
        #[arg(long, value_name = "BYTES", default_value_t = 256 * 1024)]
        chunk: usize,
    },
    /// Decompress a file, throw it away, and print the nanoseconds
    #[command(hide = true)]
    Unpack { file: PathBuf },
    /// Compress a file, by gzip or Zstandard as the name says
    #[command(hide = true)]
    Pack { file: PathBuf, into: PathBuf },
    /// Compare what a command prints with the generator's truth
    #[command(hide = true)]
    Verify {
        truth: PathBuf,
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

/// Of the contests.
fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(BOUTS.iter().map(|bout| bout.name))
}

impl Arguments {
    pub fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 2 } else { 5 })
    }

    pub fn wants(&self, bout: &Bout) -> bool {
        if self.only.is_empty() {
            return !bout.is_large || self.full;
        }
        self.only.iter().any(|name| name == bout.name)
    }
}
