//! One process: its time and its memory.

use crate::Failure;
use serde::Serialize;
use std::env;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Instant;
use wait4::Wait4;

/// What a run took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    /// Seconds by the clock.
    pub wall: f64,
    /// Seconds of processor time, of the user and of the system.
    pub cpu: f64,
    /// Bytes resident at most. Never less than the runner itself, from which the process was made.
    pub peak: u64,
}

/// This program, for a task in a process of its own.
pub fn own(task: &str) -> Result<Command, Failure> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(task);
    Ok(command)
}

/// Runs it to its end, with its output thrown away.
pub fn run(command: &mut Command) -> Result<Sample, Failure> {
    sample(command.stdout(Stdio::null())).map(|(sample, _)| sample)
}

/// Runs it to its end. It measures itself, and prints the nanoseconds.
pub fn run_self_timed(command: &mut Command) -> Result<Sample, Failure> {
    let (sample, said) = sample(command.stdout(Stdio::piped()))?;
    let nanos: u64 = said.trim().parse()?;
    Ok(Sample {
        wall: nanos as f64 / 1e9,
        ..sample
    })
}

fn sample(command: &mut Command) -> Result<(Sample, String), Failure> {
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn()?;
    let mut said = String::new();
    if let Some(mut out) = child.stdout.take() {
        out.read_to_string(&mut said)?;
    }
    let done = child.wait4()?;
    let wall = begin.elapsed().as_secs_f64();
    if !done.status.success() {
        return Err(format!("{command:?}: {}", done.status).into());
    }
    let sample = Sample {
        wall,
        cpu: (done.rusage.utime + done.rusage.stime).as_secs_f64(),
        peak: done.rusage.maxrss,
    };
    Ok((sample, said))
}

#[cfg(test)]
mod tests {
    use super::{run, run_self_timed};
    use std::process::Command;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_process_is_timed_by_the_clock_or_by_itself() {
        let slept = run(&mut shell("sleep 0.05")).unwrap();
        assert!(slept.wall >= 0.05, "{slept:?}");
        assert!(slept.cpu < slept.wall, "{slept:?}");
        assert!(slept.peak > 0, "{slept:?}");
        let told = run_self_timed(&mut shell("echo 1500000000")).unwrap();
        assert!((told.wall - 1.5).abs() < 1e-9, "{told:?}");
    }

    #[test]
    fn a_process_that_fails_has_no_time() {
        let failed = run(&mut shell("exit 3")).unwrap_err().to_string();
        assert!(failed.contains("exit status: 3"), "{failed}");
    }
}
