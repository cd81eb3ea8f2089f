//! What is made from the definition of the command line: completions and man pages, all of them
//! whole.

#![expect(clippy::print_stderr, reason = "says what could not be tried here")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

fn whoclosed(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    command
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("runs")
}

fn printed(args: &[&str]) -> String {
    let output = whoclosed(args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && stderr.is_empty(),
        "{args:?}: {stderr}"
    );
    String::from_utf8(output.stdout).expect("text")
}

/// A directory of this test's own, without what it held.
fn empty_dir(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    path
}

/// The subcommands, as the help lists them.
fn subcommands() -> Vec<String> {
    let help = printed(&["-h"]);
    let (_, list) = help.split_once("Commands:\n").expect("a list");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<String> = names
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    assert!(names.len() >= 5, "{names:?}");
    names
}

/// The long options that the help of a command lists.
fn options(help: &str) -> Vec<String> {
    let lines = help.lines().map(str::trim_start);
    let lines = lines.filter(|line| line.starts_with('-'));
    let words = lines.flat_map(|line| line.split([' ', ',', '=']));
    let words = words.filter_map(|word| word.strip_prefix("--"));
    let options: Vec<String> = words.map(str::to_owned).collect();
    assert!(options.contains(&"help".to_owned()), "{options:?}");
    options
}

/// Every command's own arguments, and its help.
fn helps() -> Vec<(String, String)> {
    let mut helps = vec![(String::new(), printed(&["-h"]))];
    helps.extend(subcommands().into_iter().map(|name| {
        let help = printed(&[&name, "-h"]);
        (name, help)
    }));
    helps
}

#[test]
fn completions_hold_every_subcommand_and_option() {
    for shell in SHELLS {
        let script = printed(&["completions", shell]);
        for (name, help) in helps() {
            assert!(script.contains(&name), "{shell} lacks {name}");
            for option in options(&help) {
                let form = match shell {
                    "fish" => format!("-l {option}"),
                    _ => format!("--{option}"),
                };
                assert!(script.contains(&form), "{shell} lacks {form} of {name:?}");
            }
        }
    }
}

#[test]
fn bash_completes_subcommands_options_and_values() {
    let script = printed(&["completions", "bash"]);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("whoclosed.bash");
    fs::write(&path, script).expect("written");
    let complete = |words: &str, count: usize| {
        let run = format!(
            "source '{}'; COMP_WORDS=(whoclosed {words}); COMP_CWORD={count}; \
             _whoclosed whoclosed \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             echo \"${{COMPREPLY[@]}}\"",
            path.display()
        );
        let output = Command::new("bash").args(["-c", &run]).output().ok()?;
        assert!(output.stderr.is_empty(), "{output:?}");
        Some(String::from_utf8(output.stdout).expect("text"))
    };
    let Some(subcommand) = complete("exp", 1) else {
        eprintln!("there is no bash here");
        return;
    };
    assert_eq!(subcommand, "explain\n");
    assert_eq!(complete("--comm", 1).as_deref(), Some("--community-id\n"));
    let formats = complete("--format ''", 2).expect("bash");
    assert_eq!(formats, "text json csv html zeek\n");
}

#[test]
fn every_shell_is_named_where_one_is_not_known() {
    let output = whoclosed(&["completions", "tcsh"]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        SHELLS.iter().all(|shell| stderr.contains(shell)),
        "{stderr}"
    );
}

#[test]
fn there_is_a_page_for_every_command() {
    let dir = empty_dir("man");
    let path = dir.to_str().expect("text");
    assert!(printed(&["man", "--dir", path]).is_empty());
    let mut found: Vec<String> = fs::read_dir(&dir)
        .expect("a directory")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    found.sort();
    let mut expected: Vec<String> = subcommands();
    for name in &mut expected {
        *name = format!("whoclosed-{name}.1");
    }
    expected.push("whoclosed.1".to_owned());
    expected.sort();
    assert_eq!(found, expected);
    for (name, help) in helps() {
        let (args, file) = match name.as_str() {
            "" => (vec!["man"], "whoclosed.1".to_owned()),
            _ => (vec!["man", &name], format!("whoclosed-{name}.1")),
        };
        let page = printed(&args);
        assert_eq!(fs::read_to_string(dir.join(&file)).expect("readable"), page);
        for option in options(&help) {
            let form = format!("\\-\\-{}", option.replace('-', "\\-"));
            assert!(page.contains(&form), "{file} lacks {form}");
        }
        renders(&dir.join(&file));
    }
}

/// groff, if it is here, has nothing to say against the page.
fn renders(path: &Path) {
    let mut groff = Command::new("groff");
    let groff = groff
        .args(["-man", "-ww", "-Tutf8", "-rLL=100n", "-P-cbou"])
        .arg(path);
    let Ok(output) = groff.output() else {
        eprintln!("there is no groff here");
        return;
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("NAME") && text.contains("SYNOPSIS"), "{text}");
}

#[test]
fn the_page_of_the_command_has_its_examples_line_by_line() {
    let page = printed(&["man"]);
    let (_, rest) = page
        .split_once(".SH \"EXAMPLES\"\n.nf\n")
        .expect("examples");
    let (examples, rest) = rest.split_once(".fi\n").expect("their end");
    assert!(
        examples.contains("\n  whoclosed explain \\-\\-flow 7 trace.pcap\n"),
        "{examples}"
    );
    assert!(rest.contains(".SH \"EXIT CODES\"\n"), "{rest}");
}

#[test]
fn pages_that_are_not_there_and_places_that_cannot_be_written_are_told() {
    for (args, words) in [
        (
            &["man", "nosuch"][..],
            "there are those of explain, timewait,",
        ),
        (&["man", "explain", "--dir", "x"], "cannot be used with"),
        (
            &["man", "--dir", "/dev/null/x"],
            "/dev/null/x: cannot be written",
        ),
    ] {
        let output = whoclosed(args);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            output.stdout.is_empty() && stderr.contains(words),
            "{args:?}: {stderr}"
        );
    }
}
