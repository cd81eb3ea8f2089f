//! Progress is for people at a terminal, and for nobody else.
#![cfg(target_os = "linux")]

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

const CAPTURE: &str = "testdata/capgen/short.pcap";
/// Longer than the program waits before it shows anything.
const SLOW: Duration = Duration::from_millis(1600);
/// Something is shown by then, also on a busy machine.
const LATEST: Duration = Duration::from_secs(30);

/// Both ends of a terminal.
fn terminal() -> (File, File) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).expect("granted");
    unlockpt(&master).expect("unlocked");
    let name = ptsname(&master, Vec::new()).expect("a name");
    let name = PathBuf::from(name.into_string().expect("text"));
    let slave = File::options().read(true).write(true).open(name);
    (File::from(master), slave.expect("open"))
}

/// What the program writes.
struct Written {
    stdout: String,
    /// What is seen on the terminal.
    terminal: String,
}

/// Runs the program with a terminal as standard error, on input that stops half way until something
/// is shown, or so long.
fn run(args: &[&str], patience: Duration, change: impl FnOnce(&mut Command, &File)) -> Written {
    let capture = fs::read(CAPTURE).expect("readable");
    let (mut master, slave) = terminal();
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    command
        .args(args)
        .env("TERM", "xterm")
        .env_remove("NO_COLOR");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(slave.try_clone().expect("another"));
    change(&mut command, &slave);
    let mut child = command.spawn().expect("runs");
    // The terminal ends with the last who has it open.
    drop((slave, command));
    let (sender, shown) = channel();
    let seen = thread::spawn(move || {
        let (mut seen, mut chunk) = (Vec::new(), [0; 4096]);
        // Linux ends it with an error.
        while let Ok(n @ 1..) = master.read(&mut chunk) {
            seen.extend(&chunk[..n]);
            let _ = sender.send(());
        }
        String::from_utf8_lossy(&seen).into_owned()
    });
    let stdout = child.stdout.take().map(|mut stdout| {
        thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).expect("text");
            text
        })
    });
    let mut stdin = child.stdin.take().expect("a pipe");
    let (half, rest) = capture.split_at(100_000);
    // It may be done already: not every one reads this.
    if stdin.write_all(half).is_ok() && !args.contains(&CAPTURE) {
        match shown.recv_timeout(patience) {
            // Until it is drawn again.
            Ok(()) => thread::sleep(Duration::from_millis(300)),
            Err(RecvTimeoutError::Timeout) => {}
            // Nobody writes to the terminal.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(patience),
        }
        let _ = stdin.write_all(rest);
    }
    drop(stdin);
    assert!(child.wait().expect("ends").success());
    Written {
        stdout: stdout.map_or_else(String::new, |text| text.join().expect("read")),
        terminal: seen.join().expect("read"),
    }
}

/// What a fast run, of a file and without a terminal, writes.
fn plain(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_whoclosed"))
        .args(args)
        .stdin(File::open(CAPTURE).expect("readable"))
        .output()
        .expect("runs");
    assert!(output.stderr.is_empty());
    String::from_utf8(output.stdout).expect("text")
}

/// The code that clears a line.
const CLEAR: &str = "\r\x1b[2K";

#[test]
fn slow_work_is_shown_and_the_line_is_gone_in_the_end() {
    for args in [
        &["--format", "json", "-"][..],
        &["--summary", "-"],
        &["explain", "--flow", "0", "-"],
    ] {
        let written = run(args, LATEST, |_, _| {});
        assert_eq!(written.stdout, plain(args));
        let seen = &written.terminal;
        assert!(
            seen.contains("97.66 KiB, ") && seen.contains(" packets/s"),
            "{seen:?}"
        );
        assert!(seen.ends_with(CLEAR), "{seen:?}");
        // No code but that: no colours.
        assert_eq!(
            seen.matches('\x1b').count(),
            seen.matches(CLEAR).count(),
            "{seen:?}"
        );
    }
}

#[test]
fn the_report_on_the_same_terminal_is_not_disturbed() {
    let args = ["--format", "json", "-"];
    let written = run(&args, LATEST, |command, terminal| {
        command.stdout(terminal.try_clone().expect("another"));
    });
    let (progress, report) = written.terminal.rsplit_once(CLEAR).expect("it was shown");
    assert!(progress.contains(" packets/s"), "{progress:?}");
    assert!(!progress.contains('{'), "{progress:?}");
    assert_eq!(report.replace("\r\n", "\n"), plain(&args));
}

#[test]
fn a_report_into_a_file_leaves_the_line_to_the_end() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("progress.txt");
    let file = File::create(&path).expect("created");
    let written = run(&["--summary", "-"], LATEST, |command, _| {
        command.stdout(file);
    });
    assert!(
        written.terminal.contains(" packets/s"),
        "{:?}",
        written.terminal
    );
    assert!(written.terminal.ends_with(CLEAR), "{:?}", written.terminal);
    let report = fs::read_to_string(path).expect("readable");
    assert_eq!(report, plain(&["--summary", "-"]));
}

#[test]
fn nothing_is_shown_to_what_is_no_terminal() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("progress-stderr.txt");
    let file = File::create(&path).expect("created");
    let written = run(&["--summary", "-"], SLOW, |command, _| {
        command.stderr(file);
    });
    assert_eq!(written.terminal, "");
    assert_eq!(fs::read_to_string(path).expect("readable"), "");
    let written = run(&["--summary", "-"], SLOW, |command, _| {
        command.env("TERM", "dumb");
    });
    assert_eq!(written.terminal, "");
}

#[test]
fn fast_work_is_not_shown() {
    let written = run(&["--summary", CAPTURE], SLOW, |_, _| {});
    assert_eq!(written.terminal, "");
    assert!(
        written.stdout.contains(" TCP flows in testdata"),
        "{}",
        written.stdout
    );
}
