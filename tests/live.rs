//! A capture that is still being made, through the command line.

mod support;

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use support::wrap::{self, PLAIN, Packet};

const SECOND: i64 = 1_000_000_000;
/// Longer than any of it should take, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program, reading standard input.
struct Live {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Live {
    fn new(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
        let command = command.args(args).arg("-");
        let (input, output) = (Stdio::piped(), Stdio::piped());
        let mut child = command.stdin(input).stdout(output).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        let input = child.stdin.take();
        Self {
            child,
            input,
            lines,
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }

    /// What comes until the end, and the exit code.
    fn rest(&mut self) -> (Vec<String>, Option<i32>) {
        let code = self.child.wait().unwrap().code();
        (self.lines.iter().collect(), code)
    }
}

/// A close, and two SYNs of another connection, the last one so many seconds later.
fn parts(seconds: i64) -> [Vec<u8>; 2] {
    let file = support::testdata("captures/close-client-first-4seg.mid.pcap");
    let mut packets = wrap::read(&std::fs::read(file).expect("readable"));
    let syn = "# A SYN\n0.000 C9 > S  S  0\n=> outcome unanswered\n";
    let syn = support::case::parse("syn.case", syn)[0].packets[0].clone();
    let end = packets.last().unwrap().time;
    packets.push(Packet {
        time: end,
        ..syn.clone()
    });
    let first = wrap::write(&packets, PLAIN);
    packets.push(Packet {
        time: end + seconds * SECOND,
        ..syn
    });
    let mut second = wrap::write(&packets, PLAIN);
    second.drain(..first.len());
    [first, second]
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON")
}

#[test]
fn a_settled_flow_is_written_at_once() {
    for format in ["json", "text"] {
        let [first, second] = parts(63);
        let mut run = Live::new(&["--format", format]);
        run.write(&first);
        assert!(run.lines.recv_timeout(Duration::from_millis(300)).is_err());
        let begin = Instant::now();
        run.write(&second);
        let line = run.line();
        let took = begin.elapsed();
        if format == "json" {
            assert_eq!(json(&line)["outcome"], "graceful");
        } else {
            assert!(line.starts_with("flow") && run.line().contains("graceful"));
        }
        assert!(took < Duration::from_secs(1), "{took:?}");
        run.input = None;
        let (lines, code) = run.rest();
        assert!(!lines.is_empty());
        assert_eq!(code, Some(0));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_capture_and_not_the_report() {
    let [first, second] = parts(5);
    let mut live = Live::new(&["--format", "json"]);
    live.write(&first);
    // In the middle of a record: that is no damage then.
    live.write(&second[..20]);
    thread::sleep(Duration::from_millis(300));
    let pid = live.child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(killed.success());
    let (lines, code) = live.rest();
    assert_eq!(code, Some(130));
    let lines: Vec<Value> = lines.iter().map(|line| json(line)).collect();
    let [closed, syn, .., summary] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert_eq!(
        (&closed["outcome"], &syn["outcome"]),
        (&"graceful".into(), &"unanswered".into())
    );
    assert_eq!(summary["interrupted"], true);
    assert_eq!(summary["sources"][0]["damage"], Value::Array(Vec::new()));
}

#[test]
fn limits_are_kept_to() {
    let file = support::testdata("seeds/mptcp-close.pcap");
    let all = std::fs::read(&file).expect("readable");
    let run = |args: &[&str]| {
        let mut live = Live::new(args);
        live.write(&all);
        live.input = None;
        let (lines, code) = live.rest();
        assert_eq!(code, Some(0), "{lines:?}");
        json(lines.last().unwrap())
    };
    let whole = run(&["--format", "json"]);
    assert!(whole["flows"].as_u64() > Some(1));
    assert_eq!(whole["evicted"], 0);
    let few = run(&["--format", "json", "--max-flows", "1"]);
    assert_eq!(few["flows"], whole["flows"]);
    assert!(few["evicted"].as_u64() > Some(0));
    let refused = Command::new(env!("CARGO_BIN_EXE_whoclosed"))
        .args(["--max-flows", "0", "x.pcap"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("from 1 to"));
}
