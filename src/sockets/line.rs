//! One line of a list.

use super::end::End;
use super::timer::{self, Timer};
use crate::close::verdict::{State, names};
use serde::{Deserialize, Serialize};

names! {
    /// Whose form a line has.
    Tool {
        /// ss of Linux.
        Ss = "ss",
        /// netstat of Linux, or one like it.
        Netstat = "netstat",
        /// netstat of macOS and the BSDs, with a dot before the port.
        NetstatBsd = "netstat-bsd",
        /// lsof.
        Lsof = "lsof",
    }
}

/// A listed socket. What the list does not show is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Socket {
    /// Number of its line, from 1.
    pub line: u64,
    /// Whose form the line has.
    pub tool: Tool,
    /// Its state; `unknown` if the list shows none.
    pub state: State,
    /// This host's end.
    pub local: End,
    /// The other one; of a listener there is none.
    pub peer: End,
    /// Bytes received and not read; of a listener, connections not accepted.
    pub recv_q: Option<u64>,
    /// Bytes sent and not acknowledged, and those not sent yet.
    pub send_q: Option<u64>,
    /// Its timer.
    pub timer: Option<Timer>,
    /// Who holds it.
    pub process: Option<Process>,
}

/// A process that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// Its number.
    pub pid: Option<u32>,
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Socket(Box<Socket>),
    /// A socket of another protocol, or a file.
    Other,
    /// A heading, or what a tool says besides.
    Heading,
    /// Empty, or of no interest.
    Nothing,
    /// More of the socket before: ss breaks lines that are wider than the terminal.
    More(Option<Timer>, Option<Process>),
    /// None of these.
    Unclear,
}

/// What stands at the beginning of headings and of what the tools say besides.
const HEADINGS: &[&str] = &[
    "State ",
    "Netid ",
    "Recv-Q ",
    "Proto ",
    "COMMAND ",
    "Active ",
    "(Not all processes",
    "(No info could be read",
    "will not be shown",
    "you would have to be root",
    "lsof: WARNING",
    "Output information may be incomplete",
];

/// Protocols that are not TCP.
const OTHERS: &[&str] = &[
    "udp", "udp4", "udp6", "udp46", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp4", "icmp6",
    "icm4", "icm6", "igmp", "sctp", "dccp", "mptcp", "unix", "u_str", "u_dgr", "u_seq", "p_raw",
    "p_dgr", "nl", "v_str", "v_dgr", "xdp", "tipc", "ti_st", "ti_dg",
];

const PROTOCOLS: &[&str] = &["tcp", "tcp4", "tcp6", "tcp46"];

/// The names of states in lists, without marks between the words.
const STATES: &[(&str, State)] = &[
    ("ESTAB", State::Established),
    ("ESTABLISHED", State::Established),
    ("SYNSENT", State::SynSent),
    ("SYNRECV", State::SynReceived),
    ("SYNRCVD", State::SynReceived),
    ("SYNRECEIVED", State::SynReceived),
    ("NEWSYNRECV", State::SynReceived),
    ("FINWAIT1", State::FinWait1),
    ("FINWAIT2", State::FinWait2),
    ("TIMEWAIT", State::TimeWait),
    ("CLOSEWAIT", State::CloseWait),
    ("LASTACK", State::LastAck),
    ("LISTEN", State::Listen),
    ("LISTENING", State::Listen),
    ("CLOSING", State::Closing),
    ("CLOSE", State::Closed),
    ("CLOSED", State::Closed),
    ("UNCONN", State::Closed),
    ("BOUNDINACTIVE", State::Closed),
];

/// The state of that name, in any tool's spelling.
fn state(text: &str) -> Option<State> {
    if text.len() > 16 {
        return None;
    }
    let bare: String = text
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let row = STATES.iter().find(|(name, _)| *name == bare)?;
    Some(row.1)
}

/// Reads a line.
pub(super) fn read(text: &str, number: u64) -> Line {
    let words: Vec<&str> = text.split_whitespace().take(MOST_WORDS).collect();
    let Some(first) = words.first() else {
        return Line::Nothing;
    };
    if let Some(socket) = of_lsof(&words, number).or_else(|| of_table(text, &words, number)) {
        return Line::Socket(Box::new(socket));
    }
    let begins = |heading: &&str| text.trim_start().starts_with(*heading);
    if HEADINGS.iter().any(begins) || is_command(&words) {
        return Line::Heading;
    }
    let protocol = first.to_ascii_lowercase();
    if OTHERS.contains(&protocol.as_str()) || words.get(3..).is_some_and(|w| w.contains(&"UDP")) {
        return Line::Other;
    }
    if text.starts_with(char::is_whitespace) {
        // ss writes what it knows besides (-i, -m) below a socket, too.
        return if ["timer:(", "users:(("]
            .iter()
            .any(|more| text.contains(more))
        {
            Line::More(timer::find(text), process(text))
        } else {
            Line::Nothing
        };
    }
    Line::Unclear
}

/// Enough for every column; the rest of a line is looked at as a whole.
const MOST_WORDS: usize = 64;

/// The command that was typed, behind a prompt.
fn is_command(words: &[&str]) -> bool {
    let tool = |word: &&str| matches!(word.rsplit('/').next(), Some("ss" | "netstat" | "lsof"));
    let prompt = |word: &str| word.ends_with(['$', '#', '%', '>']);
    words
        .first()
        .is_some_and(|first| prompt(first) || tool(first))
        && words.iter().any(tool)
}

/// `java 27836 someone 1712r IPv4 844147418 0t0 TCP 10.0.0.1:80->10.0.0.2:5000 (CLOSE_WAIT)`.
fn of_lsof(words: &[&str], line: u64) -> Option<Socket> {
    let at = words.iter().position(|word| *word == "TCP")?;
    let (command, pid) = (words.first()?, words.get(1)?.parse().ok()?);
    let name = words.get(at.max(3) + 1)?;
    let (local, peer) = name.split_once("->").unwrap_or((name, "*:*"));
    let ((local, _), (peer, _)) = (End::parse(local)?, End::parse(peer)?);
    let shown = words.get(at + 2).map(|word| word.trim_matches(['(', ')']));
    let shown = shown.map(|word| word.trim_start_matches("ST="));
    let queue = |key| {
        let mut figures = words.iter().filter_map(|word| word.split_once(key));
        figures.next()?.1.trim_end_matches(')').parse().ok()
    };
    Some(Socket {
        line,
        tool: Tool::Lsof,
        state: shown.and_then(state).unwrap_or(State::Unknown),
        local,
        peer,
        recv_q: queue("QR="),
        send_q: queue("QS="),
        timer: None,
        process: Some(Process {
            name: (*command).to_owned(),
            pid: Some(pid),
        }),
    })
}

/// A row of ss or netstat: protocol, state, two queues, two ends, state and the rest, of which the first
/// three and the state may be missing.
fn of_table(text: &str, words: &[&str], line: u64) -> Option<Socket> {
    let mut rest = words;
    let protocol = take(&mut rest, |word| {
        let word = word.to_ascii_lowercase();
        PROTOCOLS.contains(&word.as_str()).then_some(())
    });
    let early = take(&mut rest, state);
    // `whoclosed timewait --at` writes - where a capture does not tell.
    let queue = |word: &str| {
        (word == "-")
            .then_some(None)
            .or_else(|| word.parse().ok().map(Some))
    };
    let recv_q = take(&mut rest, queue);
    let send_q = take(&mut rest, queue);
    if protocol.is_none() && early.is_none() && send_q.is_none() {
        return None;
    }
    let (local, dot) = take(&mut rest, End::parse)?;
    let (peer, _) = take(&mut rest, End::parse)?;
    let late = early.or_else(|| take(&mut rest, state));
    let behind = behind(text, words.len() - rest.len());
    let tool = match (protocol, early, dot) {
        (_, _, true) => Tool::NetstatBsd,
        (Some(()), None, _) => Tool::Netstat,
        _ => Tool::Ss,
    };
    Some(Socket {
        line,
        tool,
        state: late.unwrap_or(State::Unknown),
        local,
        peer,
        recv_q: recv_q.flatten(),
        send_q: send_q.flatten(),
        timer: timer::find(behind),
        process: process(behind),
    })
}

/// Takes the first word if it is what is wanted.
fn take<T>(words: &mut &[&str], want: impl Fn(&str) -> Option<T>) -> Option<T> {
    let (first, rest) = words.split_first()?;
    let wanted = want(first)?;
    *words = rest;
    Some(wanted)
}

/// The text behind so many words.
fn behind(mut text: &str, words: usize) -> &str {
    for _ in 0..words {
        text = text.trim_start();
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        text = text.get(end..).unwrap_or_default();
    }
    text
}

/// `users:(("nginx",pid=575,fd=6))`, `users:(("telnet",29636,3))`, `575/nginx: master p`.
fn process(rest: &str) -> Option<Process> {
    if let Some((_, users)) = rest.split_once("users:((\"") {
        let (name, figures) = users.split_once('"')?;
        let pid = figures.trim_start_matches(',').split([',', ')']).next()?;
        return Some(Process {
            name: name.to_owned(),
            pid: pid.trim_start_matches("pid=").parse().ok(),
        });
    }
    let held = |word: &str| {
        let (pid, name) = word.split_once('/')?;
        let pid = pid.parse().ok()?;
        let name = name.trim_end_matches(':').to_owned();
        let pid = Some(pid);
        (!name.is_empty()).then_some(Process { name, pid })
    };
    rest.split_whitespace().find_map(held)
}
