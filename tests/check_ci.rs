//! The example of a check in CI, and the step of the action that runs one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn run(command: &mut Command) -> Output {
    let command = command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.stdin(Stdio::null()).output().expect("runs")
}

#[test]
fn the_example_fails_with_its_bug_and_passes_with_the_fix() {
    let check = |capture: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
        let folder = "examples/close-bug";
        let (policy, capture) = (
            format!("{folder}/close.toml"),
            format!("{folder}/{capture}"),
        );
        run(command.args(["check", "--policy", &policy, &capture]))
    };
    let bug = check("bug.pcap");
    let text = String::from_utf8_lossy(&bug.stdout);
    assert_eq!(bug.status.code(), Some(1), "{text}");
    assert!(
        text.starts_with("broken: server.allow-outcomes in"),
        "{text}"
    );
    assert!(text.contains("10 of 10 flows do not comply"), "{text}");
    let fixed = check("fixed.pcap");
    assert_eq!(
        fixed.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&fixed.stdout)
    );
}

/// What the step of the action left behind: its exit code, its output, the job's summary, its log.
fn step(name: &str, captures: &str) -> (Option<i32>, String, String, String) {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("check-ci")
        .join(name);
    let _ = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch).expect("created");
    let file = |name: &str| -> PathBuf { scratch.join(name) };
    let mut command = Command::new("bash");
    let command = command
        .arg(".github/check.sh")
        .env("WHOCLOSED", env!("CARGO_BIN_EXE_whoclosed"))
        .env("CAPTURES", captures)
        .env("POLICY", "examples/close-bug/close.toml")
        .env("JUNIT", file("junit.xml"))
        .env("SARIF", "")
        .env("ARGUMENTS", "--no-payload --threads 1")
        .env("GITHUB_OUTPUT", file("output"))
        .env("GITHUB_STEP_SUMMARY", file("summary"));
    let output = run(command);
    let read = |name| fs::read_to_string(file(name)).expect("written");
    assert!(read("junit.xml").contains("<testsuites "));
    let log = String::from_utf8(output.stdout).expect("text");
    (output.status.code(), read("output"), read("summary"), log)
}

#[test]
fn the_step_of_the_action_ends_as_the_check_does() {
    let (bug, fixed) = (
        "examples/close-bug/bug.pcap",
        "examples/close-bug/fixed.pcap",
    );
    let (code, output, summary, log) = step("both", &format!("{bug} {fixed}"));
    assert_eq!((code, output.as_str()), (Some(1), "status=broken\n"));
    assert!(
        summary.contains("| ❌ | **server.allow-outcomes**"),
        "{summary}"
    );
    assert!(
        log.starts_with("::error file=examples/close-bug/close.toml,line=9,"),
        "{log}"
    );
    let (code, output, summary, log) = step("fixed", fixed);
    assert_eq!((code, output.as_str()), (Some(0), "status=holds\n"));
    assert!(summary.contains("every rule holds"), "{summary}");
    assert!(log.starts_with("::notice "), "{log}");
    let (code, output, ..) = step("none", "/nowhere.pcap");
    assert_eq!((code, output.as_str()), (Some(2), "status=not-judged\n"));
}

#[test]
fn the_action_and_its_step_agree() {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        fs::read_to_string(path).expect("readable")
    };
    let (action, step) = (read("action.yml"), read(".github/check.sh"));
    for name in [
        "WHOCLOSED",
        "CAPTURES",
        "POLICY",
        "JUNIT",
        "SARIF",
        "ARGUMENTS",
    ] {
        let input = name.to_lowercase();
        assert!(
            action.contains(&format!("{name}: ${{{{ inputs.{input} }}}}")),
            "{name}"
        );
        assert!(action.contains(&format!("\n  {input}:\n")), "{name}");
        assert!(
            step.contains(&format!("${name}")) || step.contains(&format!("${{{name}")),
            "{name}"
        );
    }
}
