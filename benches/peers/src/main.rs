//! Whole programs in turn on the same file: `whoclosed`, what people use in its place, and what
//! reading the file takes at least.
//!
//!   cargo run --release --manifest-path benches/peers/Cargo.toml -- [--quick] [--check] ..
//!
//! The captures are generated, and with them the truth of every flow. A program that tells a flow
//! otherwise than it was generated is refused: of its speed nothing is printed.

mod arguments;
mod captures;
mod contest;
mod goals;
mod machine;
mod measure;
mod programs;
mod report;
#[path = "../../../tests/support/capgen.rs"]
#[expect(dead_code, reason = "other tests look at the TIME-WAITs as well")]
mod truth;
mod verify;
mod work;

use arguments::{Arguments, Task};
use captures::Made;
use clap::Parser;
use contest::Held;
use goals::Verdict;
use machine::Machine;
use programs::Programs;
use report::Results;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

/// Why there is no result: something to be read by people.
type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.task {
        Some(task) => work(task),
        None => bench(&arguments),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("peers: {failure}");
        ExitCode::from(if failure.is::<verify::Refused>() {
            1
        } else {
            2
        })
    })
}

/// What the runner does in processes of its own, so that it stays small itself: a child's peak memory
/// begins with that of the process it was forked from.
fn work(task: &Task) -> Result<ExitCode, Failure> {
    match task {
        Task::Walk { file, chunk } => work::walk(file, *chunk)?,
        Task::Unpack { file } => work::unpack(file)?,
        Task::Pack { file, into } => work::pack(file, into)?,
        Task::Verify { truth, command } => return verify::main(truth, command),
    }
    Ok(ExitCode::SUCCESS)
}

fn bench(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let programs = Programs::find(arguments)?;
    let temporary = tempfile::tempdir()?;
    let folder = arguments.keep.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(folder)?;
    let (mut refused, mut measured) = (false, false);
    let mut results = Results::new(Machine::look(), &programs, arguments);
    for bout in contest::BOUTS {
        if !arguments.wants(bout) {
            continue;
        }
        match held(bout, folder, &programs, arguments) {
            Ok(held) => {
                results.add(held);
                measured = true;
            }
            // What was measured on other captures is true nevertheless.
            Err(failure) if failure.is::<verify::Refused>() => {
                eprintln!("peers: {failure}");
                refused = true;
            }
            Err(failure) => return Err(failure),
        }
    }
    if measured {
        report::write(&results, arguments.format)?;
    }
    let all_met = results
        .goals
        .iter()
        .all(|goal| matches!(goal.verdict, Verdict::Met));
    let fails = refused || arguments.check && !all_met;
    Ok(ExitCode::from(u8::from(fails)))
}

fn held(
    bout: &'static contest::Bout,
    folder: &Path,
    programs: &Programs,
    arguments: &Arguments,
) -> Result<Held, Failure> {
    let mut made: Vec<Made> = Vec::new();
    for name in bout.captures() {
        eprintln!("{}: generating {name}", bout.name);
        made.push(captures::make(name, folder, programs, arguments.quick)?);
    }
    let held = contest::hold(bout, &made, programs, arguments.rounds())?;
    if arguments.keep.is_none() {
        // Together they are some gigabytes.
        for made in &made {
            std::fs::remove_file(&made.file)?;
            std::fs::remove_file(&made.truth)?;
        }
    }
    Ok(held)
}
