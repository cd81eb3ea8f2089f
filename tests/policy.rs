//! Policy files: what is read, and what is told of one that is wrong.

mod support;

use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use whoclosed::check::policy::rules::{Ask, RULES};
use whoclosed::check::policy::schema::schema;
use whoclosed::check::policy::{Checker, EXAMPLES, KEYS, Limit, Policy};
use whoclosed::check::result::{Item, Status};
use whoclosed::close::verdict::Verdict;
use whoclosed::stamp::Time;
use whoclosed::{Options, analyze};

const EVERY_RULE: &str = include_str!("../testdata/policies/every-rule.toml");

fn parse(text: &str) -> Result<Policy, String> {
    Policy::parse("close.toml", text.as_bytes()).map_err(|error| error.to_string())
}

/// Policies with one mistake each, by what is wrong.
const MISTAKES: &[(&str, &str)] = &[
    (
        "an unknown rule",
        "[scope.all]\nallow-outcome = [\"graceful\"]\n",
    ),
    (
        "an unknown rule that resembles none",
        "[scope.all]\nxyzzy = 1\n",
    ),
    ("underscores", "[scope.all]\nmin_flows = 1\n"),
    (
        "an unknown key at the top",
        "[scope.all]\nmin-flows = 1\n[settings]\na = 1\n",
    ),
    (
        "a misspelt table of scopes",
        "[scopes.all]\nmin-flows = 1\n",
    ),
    (
        "a scope without the table of scopes",
        "[web]\nport = 80\nmin-flows = 1\n",
    ),
    ("a rule outside of a scope", "min-flows = 1\n"),
    ("the table of scopes is no table", "scope = 1\n"),
    ("a scope is no table", "[scope]\nweb = 80\n"),
    ("a rule in the table of scopes", "[scope]\nmin-flows = 1\n"),
    (
        "a name that cannot be one",
        "[scope.\"a b\"]\nport = 80\nmin-flows = 1\n",
    ),
    ("an empty name", "[scope.\"\"]\nport = 80\nmin-flows = 1\n"),
    ("nothing at all", ""),
    ("comments alone", "# nothing\n"),
    ("a scope that asks nothing", "[scope.web]\nport = 80\n"),
    (
        "a scope of no flows in particular",
        "[scope.web]\nmin-flows = 1\n",
    ),
    (
        "the scope of all selects some",
        "[scope.all]\nport = 80\nmin-flows = 1\n",
    ),
    (
        "an empty capture would pass",
        "[scope.all]\nmin-flows = 0\n",
    ),
    (
        "a key of rules in a scope",
        "[scope.all]\nmin-flows = 1\nat-most = 1\n",
    ),
    (
        "an unknown key in a rule",
        "[scope.all]\nallow-closers = { names = [\"client\"], at_most = 1 }\n",
    ),
    (
        "a key that the rule has no use for",
        "[scope.all]\nmax-flows = { count = 1, at-most = 1 }\n",
    ),
    (
        "a rule without its value",
        "[scope.all]\nallow-closers = { at-most = 1 }\n",
    ),
    (
        "an unknown name",
        "[scope.all]\nallow-outcomes = [\"gracefull\"]\n",
    ),
    (
        "a name that resembles none",
        "[scope.all]\nallow-closers = [\"nobody-at-all\"]\n",
    ),
    (
        "a name in capitals",
        "[scope.all]\nforbid-causes = [\"App-Abort\"]\n",
    ),
    (
        "a name that is no text",
        "[scope.all]\nallow-closers = [1]\n",
    ),
    (
        "a name twice",
        "[scope.all]\nallow-closers = [\"client\", \"client\"]\n",
    ),
    (
        "one name instead of a list",
        "[scope.all]\nallow-closers = \"client\"\n",
    ),
    (
        "a number instead of a list",
        "[scope.all]\nallow-closers = 3\n",
    ),
    ("nothing is allowed", "[scope.all]\nallow-outcomes = []\n"),
    (
        "nothing is forbidden",
        "[scope.all]\nforbid-findings = []\n",
    ),
    (
        "everything is allowed",
        "[scope.all]\nallow-time-wait = [\"client\", \"server\"]\n",
    ),
    (
        "everything is forbidden",
        "[scope.all]\nforbid-closers = [\"client\", \"server\", \"both\", \"none\", \"unknown\"]\n",
    ),
    (
        "the same is allowed and forbidden",
        "[scope.all]\nallow-closers = [\"client\"]\nforbid-closers = [\"server\", \"client\"]\n",
    ),
    (
        "nothing is more severe",
        "[scope.all]\nmax-severity = \"warning\"\n",
    ),
    ("no severity", "[scope.all]\nmax-severity = \"bad\"\n"),
    ("no duration", "[scope.all]\nmax-close-wait = \"1 s\"\n"),
    ("no time at all", "[scope.all]\nmax-close-wait = \"0s\"\n"),
    (
        "a duration without quotes",
        "[scope.all]\nmax-close-time = 200\n",
    ),
    (
        "a share over all",
        "[scope.all]\nmax-indeterminate = \"101%\"\n",
    ),
    (
        "a share of all",
        "[scope.all]\nallow-closers = { names = [\"client\"], at-most = \"100%\" }\n",
    ),
    (
        "a share without its sign",
        "[scope.all]\nmax-indeterminate = \"5\"\n",
    ),
    (
        "a share that is no number",
        "[scope.all]\nmax-indeterminate = \"few\"\n",
    ),
    (
        "a share as a fraction",
        "[scope.all]\nmax-indeterminate = 0.05\n",
    ),
    (
        "less than no flow",
        "[scope.all]\nmax-certain-aborts = -1\n",
    ),
    (
        "more flows than can be counted",
        "[scope.all]\nmin-flows = 99999999999999999999\n",
    ),
    ("a number in quotes", "[scope.all]\nmin-flows = \"1\"\n"),
    (
        "at least more than at most",
        "[scope.all]\nmin-flows = 5\nmax-flows = 4\n",
    ),
    ("at most none", "[scope.all]\nmax-flows = 0\n"),
    (
        "as many as there may be need not comply",
        "[scope.all]\nmax-flows = 4\nallow-closers = { names = [\"client\"], at-most = 4 }\n",
    ),
    ("no port", "[scope.web]\nport = 0\nmin-flows = 1\n"),
    (
        "a port in quotes",
        "[scope.web]\nport = \"80\"\nmin-flows = 1\n",
    ),
    (
        "a port too high",
        "[scope.web]\nport = [80, 65536]\nmin-flows = 1\n",
    ),
    ("no ports", "[scope.web]\nport = []\nmin-flows = 1\n"),
    (
        "no address",
        "[scope.web]\nserver = \"example.org\"\nmin-flows = 1\n",
    ),
    (
        "an address without quotes",
        "[scope.web]\nnet = 10\nmin-flows = 1\n",
    ),
    (
        "too many bits",
        "[scope.web]\nclient = \"10.0.0.0/33\"\nmin-flows = 1\n",
    ),
    (
        "bits beyond the network",
        "[scope.web]\nclient = \"10.1.2.3/8\"\nmin-flows = 1\n",
    ),
    (
        "no confidence",
        "[scope.all]\nmin-flows = 1\nconfidence = \"sure\"\n",
    ),
    (
        "a confidence that is no text",
        "[scope.all]\nmin-flows = 1\nconfidence = true\n",
    ),
    (
        "an empty reason",
        "[scope.all]\nmin-flows = { count = 1, why = \" \" }\n",
    ),
    ("a key twice", "[scope.all]\nmin-flows = 1\nmin-flows = 2\n"),
    ("no TOML", "[scope.all\nmin-flows = 1\n"),
    (
        "a text without its end",
        "[scope.all]\nmax-severity = \"info\n",
    ),
    (
        "several mistakes",
        "[scope.all]\nmax-flow = 1\nallow-closers = [\"cleint\"]\n[scope.web]\nprot = 80\nmin-flows = 1\n",
    ),
    (
        "a terminal would obey",
        "[scope.all]\n\"\\u001b[2J\" = 1\nmin-flows = 1\n",
    ),
];

#[test]
fn every_mistake_is_told_with_its_place() {
    let mut told = String::new();
    for (what, text) in MISTAKES {
        let error = parse(text).expect_err(what);
        assert!(error.contains("close.toml:"), "{what}: {error}");
        assert!(error.contains('^'), "{what}: {error}");
        assert!(!error.contains('\x1b'), "{what}: {error:?}");
        write!(told, "## {what}\n{error}\n\n").expect("written");
    }
    insta::assert_snapshot!("policy-mistakes", told);
}

#[test]
fn what_is_no_text_is_told() {
    let error = Policy::parse("a.toml", b"[scope.all]\nmin-flows = \xff1\n")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("a.toml:2:13") && error.contains("UTF-8"),
        "{error}"
    );
    let long = vec![b'#'; (1 << 20) + 1];
    let error = Policy::parse("a.toml", &long).unwrap_err().to_string();
    assert!(error.contains("more than 1048576"), "{error}");
}

#[test]
fn depth_and_length_do_no_harm() {
    let deep = format!("a = {}", "[".repeat(400_000));
    let tables = format!("[{}]", vec!["scope"; 100_000].join("."));
    let line = format!("[scope.all]\n{} = 1", "x".repeat(900_000));
    let keys: Vec<String> = (0..50_000).map(|n| format!("key{n} = 1\n")).collect();
    let many = format!("[scope.all]\n{}", keys.concat());
    for text in [deep, tables, line, many] {
        let error = parse(&text).expect_err("no policy");
        assert!(error.len() < 50_000, "{}", error.len());
    }
}

#[test]
fn a_policy_reads_as_it_is_written() {
    let policy = parse(EVERY_RULE).expect("a policy");
    let lines = EVERY_RULE.lines().zip(1..).filter(|(line, _)| {
        let key = line.split(" = ").next().unwrap_or_default();
        RULES.iter().any(|row| row.key == key)
    });
    let lines: Vec<u64> = lines.map(|(_, number)| number).collect();
    let rules = policy.scopes.iter().flat_map(|scope| &scope.rules);
    let read: Vec<u64> = rules.filter_map(|rule| rule.line).collect();
    assert_eq!(read, lines);
    let crlf = parse(&EVERY_RULE.replace('\n', "\r\n")).expect("a policy");
    assert_eq!(format!("{crlf:?}"), format!("{policy:?}"));
}

#[test]
fn a_rule_says_its_limit_its_confidence_and_why_or_its_scope_does() {
    use whoclosed::close::verdict::Confidence;
    let policy = parse(
        "[scope.all]\nconfidence = \"certain\"\nwhy = \"of all\"\n\
         allow-closers = { names = [\"client\"], at-most = \"2.5%\", confidence = \"possible\", why = \"own\" }\n\
         max-close-wait = { duration = \"1s\", at-most = 3 }\n",
    );
    let policy = policy.expect("a policy");
    let [min, closers, wait] = &policy.scopes[0].rules[..] else {
        panic!("{policy:?}");
    };
    assert_eq!(min.line, None);
    assert_eq!(closers.at_most, Limit::PerMillion(25_000));
    assert_eq!(
        (closers.confidence, wait.confidence),
        (Confidence::Possible, Confidence::Certain)
    );
    assert_eq!(
        (closers.why.as_deref(), wait.why.as_deref()),
        (Some("own"), Some("of all"))
    );
    assert_eq!(wait.at_most, Limit::Flows(3));
}

#[test]
fn every_example_of_a_rule_is_one() {
    for row in RULES {
        for text in [row.example.to_owned(), row.long_example()] {
            let policy = parse(&format!("[scope.all]\n{text}\n"));
            let policy = policy.unwrap_or_else(|error| panic!("{error}"));
            let rules = &policy.scopes[0].rules;
            assert!(
                rules
                    .iter()
                    .any(|rule| rule.row.key == row.key && rule.line == Some(2))
            );
        }
    }
}

/// A policy as JSON.
fn json(text: &str) -> Option<Value> {
    toml::from_str(text).ok()
}

#[test]
fn the_schema_is_one_and_takes_the_examples() {
    assert!(jsonschema::meta::is_valid(&schema()));
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    for text in EXAMPLES
        .iter()
        .map(|example| example.text)
        .chain([EVERY_RULE])
    {
        let errors: Vec<String> = validator
            .iter_errors(&json(text).expect("TOML"))
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    for row in RULES {
        for text in [row.example.to_owned(), row.long_example()] {
            let json = json(&format!("[scope.all]\n{text}\n")).expect("TOML");
            assert!(validator.is_valid(&json), "{text}");
        }
    }
}

#[test]
fn the_schema_refuses_what_no_policy_can_be() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    // A schema cannot compare values with each other, nor tell what they mean.
    let beyond = [
        "the scope of all selects some",
        "a scope of no flows in particular",
        "an empty capture would pass",
        "everything is allowed",
        "everything is forbidden",
        "the same is allowed and forbidden",
        "no time at all",
        "a share over all",
        "a share of all",
        "at least more than at most",
        "at most none",
        "as many as there may be need not comply",
        "too many bits",
        "bits beyond the network",
        "an empty reason",
    ];
    for (what, text) in MISTAKES {
        let Some(json) = json(text) else { continue };
        assert_eq!(validator.is_valid(&json), beyond.contains(what), "{what}");
    }
}

/// The flows of captures on which rules of the examples break.
struct Captures(Vec<(Vec<Verdict>, Time)>);

impl Captures {
    fn read() -> Self {
        let names = [
            "questions/keepalive-race.mid.pcap",
            "questions/regression-300.mid.pcap",
            "questions/close-wait-leak-growing.mid.pcap",
            "questions/idle-timeout-server.mid.pcap",
            "questions/idle-known.pcap",
            "questions/time-wait-pile.mid.pcap",
            "captures/syn-unanswered.mid.pcap",
            "captures/keepalive-timeout.mid.pcap",
        ];
        let read = |name: &str| {
            let bytes = fs::read(support::testdata(name)).expect("readable");
            let mut analysis = analyze(&*bytes, &Options::default()).expect("a capture");
            let verdicts: Vec<Verdict> = analysis.by_ref().collect();
            (verdicts, analysis.extent().until)
        };
        Self(names.map(read).into())
    }

    /// What came of a rule on each of them.
    fn of(&self, policy: &Policy, key: &str) -> Vec<Option<Status>> {
        let one = |(verdicts, end): &(Vec<Verdict>, Time)| {
            let mut checker = Checker::new(policy, Options::default().time_wait);
            for verdict in verdicts {
                checker.see(verdict, *end);
            }
            let items = checker.finish(&"a".into()).1;
            let is_it = |item: &&Item| item.kind == key && item.line.is_some();
            items.iter().find(is_it).map(|item| item.status)
        };
        self.0.iter().map(one).collect()
    }
}

/// An example with limits that the captures break, for the port of the lab's server; the lines of each
/// rule by themselves, so that another rule cannot make up for a rule that is lost.
fn alone(text: &str) -> Vec<(String, String)> {
    let text = text.replace("max-flows = 100", "max-flows = 10");
    let text = text.replace("max-flows = 50", "max-flows = 10");
    let text = text.replace("max-time-wait-peak = 1000", "max-time-wait-peak = 10");
    let is_rule = |line: &&str| {
        RULES
            .iter()
            .any(|row| line.starts_with(&format!("{} =", row.key)))
    };
    let rules = text.lines().filter(is_rule).map(str::to_owned);
    rules
        .map(|rule| {
            let key = rule.split(' ').next().unwrap_or_default().to_owned();
            (key, rule)
        })
        .collect()
}

/// What a slip of the hand makes of a text: a character left out, twice, swapped with the next, in
/// another case, with the underscore for the dash.
fn slips(text: &str) -> BTreeSet<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut all = BTreeSet::new();
    for (at, &c) in chars.iter().enumerate() {
        // Another number is another policy.
        if c.is_ascii_digit() {
            continue;
        }
        let mut add = |with: &[char], skip: usize| {
            let (head, tail) = (&chars[..at], &chars[(at + skip).min(chars.len())..]);
            all.insert([head, with, tail].concat().into_iter().collect::<String>());
        };
        add(&[], 1);
        add(&[c, c], 1);
        add(&[c.to_ascii_uppercase()], 1);
        add(&[if c == '-' { '_' } else { 'x' }], 1);
        match chars.get(at + 1) {
            Some(next) if !next.is_ascii_digit() => add(&[*next, c], 2),
            _ => {}
        }
    }
    all.remove(text);
    all
}

#[test]
fn no_slip_makes_a_rule_pass() {
    let captures = Captures::read();
    let (mut tried, mut accepted) = (0, 0);
    for example in EXAMPLES {
        for (key, rule) in alone(example.text) {
            let broken = |text: &str| parse(text).map(|policy| captures.of(&policy, &key));
            let whole = format!("[scope.web]\nport = 80\n{rule}\n");
            let before = broken(&whole).expect("a policy");
            let breaks = |status: &Option<Status>| *status != Some(Status::Holds);
            assert!(before.iter().any(breaks), "{}: {rule}", example.name);
            for slip in slips(&whole) {
                tried += 1;
                let Ok(after) = broken(&slip) else {
                    continue;
                };
                accepted += 1;
                assert_eq!(after, before, "{slip} passes silently");
            }
        }
    }
    // Words of a reason, and spaces.
    assert!(
        tried > 3000 && accepted < tried / 4,
        "{accepted} of {tried}"
    );
}

proptest! {
    #[test]
    fn no_file_does_harm(
        example in 0..EXAMPLES.len(),
        at in any::<prop::sample::Index>(),
        put in prop::collection::vec(any::<u8>(), 0..6),
        skip in 0_usize..8,
    ) {
        let bytes = EXAMPLES[example].text.as_bytes();
        let at = at.index(bytes.len());
        let end = (at + skip).min(bytes.len());
        let changed = [&bytes[..at], &put, &bytes[end..]].concat();
        if let Err(error) = Policy::parse("a.toml", &changed) {
            prop_assert!(error.count() > 0);
            prop_assert!(error.to_string().contains("a.toml"));
            prop_assert!(!error.render(true).is_empty());
        }
    }

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(error) = Policy::parse("a.toml", &bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn keys_and_rules_have_names_of_their_own() {
    let mut names: Vec<&str> = RULES.iter().map(|row| row.key).collect();
    names.extend(KEYS.iter().map(|key| key.key));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    let counts = RULES
        .iter()
        .filter(|row| matches!(row.ask, Ask::MinFlows))
        .count();
    assert_eq!(counts, 1);
}
