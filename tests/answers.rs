//! What the text report answers to the questions that people come with, word by word. The figures
//! in it are held to the kernel's account elsewhere; this shows what a reader sees.

use std::process::{Command, Stdio};

/// Flows that are shown one by one; of more the summary alone is an answer.
const FEW: usize = 16;

/// The questions, and the captures that hold an answer.
const QUESTIONS: &[(&str, &[&str])] = &[
    ("01-who-closed-first", &["who-closed.mid"]),
    ("02-the-keepalive-race", &["keepalive-race.mid"]),
    (
        "03-which-idle-timeout",
        &[
            "idle-timeout-nginx.mid",
            "idle-timeout-server.mid",
            "idle-box-rst.client",
        ],
    ),
    ("04-whose-time-wait", &["time-wait-pile.mid"]),
    (
        "05-who-leaks-close-wait",
        &["close-wait-leak-growing.mid", "waits-for-itself.any"],
    ),
    ("06-the-host-or-a-device", &["rst-forged-and-real.client"]),
    (
        "07-a-reset-though-all-was-sent",
        &["rst-though-all-sent.mid"],
    ),
    (
        "08-ignored-syns",
        &["nat-tw-recycle.mid", "nat-three-clocks.mid"],
    ),
    (
        "09-the-same-port-again",
        &["reuse-by-isn.mid", "reuse-refused.mid", "reuse-silence.mid"],
    ),
    ("10-do-the-ports-run-out", &["port-exhaustion.mid"]),
    (
        "11-stuck-while-closing",
        &[
            "fin-wait-1-loss.client",
            "fin-wait-2-long.mid",
            "last-ack-loss.mid",
        ],
    ),
    ("12-a-reset-after-the-close", &["rst-after-close.mid"]),
    (
        "13-refused-filtered-overflow",
        &["openings.mid", "accept-queue-full.mid", "syn-flood.mid"],
    ),
    ("14-what-was-in-flight", &["http-in-flight.mid"]),
    (
        "15-does-it-still-close-well",
        &["healthy-300.mid", "regression-300.mid"],
    ),
];

fn report(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let command = command.args(args).stdin(Stdio::null());
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let output = output.expect("runs");
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn answer(capture: &str) -> String {
    let path = format!("testdata/questions/{capture}.pcap");
    let whole = report(&[&path]);
    let flows = whole.lines().take_while(|line| !line.is_empty()).count();
    if flows <= FEW {
        return whole;
    }
    report(&["--summary", &path])
}

#[test]
fn the_fifteen_questions() {
    assert_eq!(QUESTIONS.len(), 15);
    for (question, captures) in QUESTIONS {
        let answers = captures.iter().map(|capture| answer(capture));
        let answers = answers.collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(*question, answers);
    }
}
