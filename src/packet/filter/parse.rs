//! From an expression to the steps of its evaluation.

use super::error::FilterError;
use super::value::{Family, Kind, address, net, ports};
use super::{At, Net, Step, Test};
use std::ops::Range;

/// Groups in one another. Each keeps one answer waiting, and all answers fit a word of 64 bits.
const NESTED: usize = 50;

/// Words that begin a test, or join tests.
const KEYWORDS: &str = "host net port portrange src dst ip ip6 tcp and or not";

/// Other words of pcap-filter(7).
const UNSUPPORTED: &str = "\
    action addr1 addr2 addr3 addr4 ah arp atalk broadcast carp decnet dir esp ether fddi \
    gateway geneve greater icmp icmp6 ifindex ifname igmp igrp inbound ipx iso len less link \
    llc mask mpls multicast netbeui on outbound pim pppoed pppoes proto protochain ra radio \
    rarp reason rnr rset ruleset sctp stp subrulenum subtype ta tr type udp vlan vrrp vxlan \
    wlan";

/// The keywords before a value.
#[derive(Clone, Copy)]
struct Head {
    family: Option<Family>,
    at: At,
    kind: Kind,
}

/// A word or a sign, and where it begins.
#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    at: usize,
}

/// What may stand where an operand is expected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operands {
    /// Tests, and values with the keywords of the test before.
    All,
    /// Values only: their keywords have been said.
    Values,
}

/// The steps of `text`.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, FilterError> {
    let mut parser = Parser {
        text,
        tokens: tokens(text),
        next: 0,
        recent: None,
        depth: 0,
        steps: Vec::new(),
    };
    if parser.tokens.is_empty() {
        return Ok(parser.steps);
    }
    parser.expression(Operands::All)?;
    match parser.take() {
        None => Ok(parser.steps),
        Some(token) => Err(parser.unexpected(token)),
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.trim_start().chars().next() {
        rest = rest.trim_start();
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '.' | ':' | '/' | '-' | '_');
        let len = match first {
            '&' if rest.starts_with("&&") => 2,
            '|' if rest.starts_with("||") => 2,
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, behind) = rest.split_at(len);
        tokens.push(Token {
            text: token,
            at: text.len() - rest.len(),
        });
        rest = behind;
    }
    tokens
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    next: usize,
    /// The keywords that a value without any takes: those of the test before, outside of groups.
    recent: Option<Head>,
    depth: usize,
    steps: Vec<Step>,
}

impl<'a> Parser<'a> {
    /// Operands, joined from the left.
    fn expression(&mut self, operands: Operands) -> Result<(), FilterError> {
        self.operand(operands)?;
        loop {
            let step = match self.peek() {
                "and" | "&&" => Step::And,
                "or" | "||" => Step::Or,
                _ => return Ok(()),
            };
            self.next += 1;
            self.operand(operands)?;
            self.steps.push(step);
        }
    }

    fn operand(&mut self, operands: Operands) -> Result<(), FilterError> {
        let mut negated = false;
        while matches!(self.peek(), "not" | "!") {
            self.next += 1;
            negated = !negated;
        }
        let Some(token) = self.take() else {
            let end = self.text.trim_end().len();
            return Err(self.error(end..end, "something is missing at the end"));
        };
        match token.text {
            "(" => self.group(token, operands)?,
            "host" | "net" | "port" | "portrange" | "src" | "dst" | "ip" | "ip6" | "tcp"
                if operands == Operands::All =>
            {
                self.test(token)?;
            }
            _ => self.value(token)?,
        }
        // The operand's last step is what it comes to.
        match self.steps.last() {
            Some(Step::Not) if negated => self.steps.truncate(self.steps.len() - 1),
            _ if negated => self.steps.push(Step::Not),
            _ => {}
        }
        Ok(())
    }

    fn group(&mut self, open: Token, operands: Operands) -> Result<(), FilterError> {
        if self.depth == NESTED {
            let text = format!("more than {NESTED} groups in one another");
            return Err(self.error_at(open, text));
        }
        self.depth += 1;
        let recent = self.recent;
        self.expression(operands)?;
        // As libpcap's grammar has it: what a group says inside does not reach behind it.
        self.recent = recent;
        self.depth -= 1;
        match self.take() {
            Some(token) if token.text == ")" => Ok(()),
            Some(token) => Err(self.unexpected(token)),
            None => Err(self.error_at(open, "this group is not closed")),
        }
    }

    /// A test that begins with the keyword `first`.
    fn test(&mut self, first: Token<'a>) -> Result<(), FilterError> {
        let protocol = matches!(first.text, "ip" | "ip6" | "tcp").then_some(first);
        if protocol.is_none() {
            self.next -= 1;
        }
        let at = self.at();
        let kind = self.kind();
        let kind = match (kind, at, protocol) {
            (Some(kind), ..) => kind,
            (None, Some(_), _) => Kind::Host,
            (None, None, Some(protocol)) => {
                self.recent = None;
                self.steps.push(Step::Is(match protocol.text {
                    "ip" => Test::Ip,
                    "ip6" => Test::Ip6,
                    _ => Test::Tcp,
                }));
                return Ok(());
            }
            (None, None, None) => return Err(self.unexpected(first)),
        };
        let is_port = matches!(kind, Kind::Port | Kind::PortRange);
        if let Some(protocol) = protocol
            && is_port != (protocol.text == "tcp")
        {
            let text = "`tcp` goes before port and portrange, `ip` and `ip6` before host and net";
            return Err(self.error_at(protocol, text));
        }
        let family = protocol.and_then(|protocol| match protocol.text {
            "ip" => Some(Family::V4),
            "ip6" => Some(Family::V6),
            _ => None,
        });
        let at = at.unwrap_or(At::Any);
        self.recent = Some(Head { family, at, kind });
        self.operand(Operands::Values)
    }

    /// `src`, `dst`, or both of them joined.
    fn at(&mut self) -> Option<At> {
        let (at, other) = match self.peek() {
            "src" => (At::Source, "dst"),
            "dst" => (At::Destination, "src"),
            _ => return None,
        };
        self.next += 1;
        let behind = self.tokens.get(self.next + 1);
        if behind.is_none_or(|token| token.text != other) {
            return Some(at);
        }
        let both = match self.peek() {
            "and" | "&&" => At::Both,
            "or" | "||" => At::Any,
            _ => return Some(at),
        };
        self.next += 2;
        Some(both)
    }

    fn kind(&mut self) -> Option<Kind> {
        let kind = match self.peek() {
            "host" => Kind::Host,
            "net" => Kind::Net,
            "port" => Kind::Port,
            "portrange" => Kind::PortRange,
            _ => return None,
        };
        self.next += 1;
        Some(kind)
    }

    /// A value; its keywords are those that were said last.
    fn value(&mut self, token: Token) -> Result<(), FilterError> {
        let begins_value = token
            .text
            .starts_with(|c: char| c.is_alphanumeric() || c == ':');
        if !begins_value || is_known(&token.text.to_ascii_lowercase()) {
            return Err(self.unexpected(token));
        }
        let Some(head) = self.recent else {
            let word = token.text;
            let is_value = word.starts_with(|c: char| c.is_ascii_digit()) || word.contains(':');
            let text = if is_value {
                format!("`{word}` needs a keyword before it: host, net or port")
            } else {
                format!("`{word}` is no word of this language")
            };
            return Err(self.error_at(token, text));
        };
        let test = match head.kind {
            Kind::Host => address(token.text).map(|(addr, family)| (Net::new(addr, 128), family)),
            Kind::Net => net(token.text),
            Kind::Port | Kind::PortRange => {
                let (first, last) =
                    ports(token.text, head.kind).map_err(|what| self.error_at(token, what))?;
                self.steps.push(Step::Is(Test::Ports(head.at, first, last)));
                return Ok(());
            }
        };
        let (net, family) = test.map_err(|what| self.error_at(token, what))?;
        if head.family.is_some_and(|wanted| wanted != family) {
            let what = "the address is of the other IP version than `ip` or `ip6` before it";
            return Err(self.error_at(token, what));
        }
        self.steps.push(Step::Is(Test::Net(head.at, net)));
        Ok(())
    }

    fn unexpected(&self, token: Token) -> FilterError {
        let word = token.text;
        let text = match word {
            ")" | "and" | "or" | "&&" | "||" => format!("`{word}` cannot stand here"),
            "[" => "bytes of packets, as tcp[tcpflags], are not supported".to_owned(),
            word if has(UNSUPPORTED, word) => format!("`{word}` is not supported"),
            word if !has(KEYWORDS, word) && is_known(&word.to_ascii_lowercase()) => {
                format!("`{word}` is written in lower case")
            }
            "<" | ">" | "=" | "+" | "-" | "*" | "%" | "&" | "|" | "^" => {
                format!("arithmetic (`{word}`) is not supported")
            }
            _ => format!("`{word}` cannot stand here; between two tests goes `and` or `or`"),
        };
        self.error_at(token, text)
    }

    /// The next word; empty at the end.
    fn peek(&self) -> &'a str {
        self.tokens.get(self.next).map_or("", |token| token.text)
    }

    fn take(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.next).copied()?;
        self.next += 1;
        Some(token)
    }

    fn error_at(&self, token: Token, what: impl AsRef<str>) -> FilterError {
        self.error(token.at..token.at + token.text.len(), what)
    }

    fn error(&self, place: Range<usize>, what: impl AsRef<str>) -> FilterError {
        FilterError::new(self.text, place, what)
    }
}

fn is_known(word: &str) -> bool {
    has(KEYWORDS, word) || has(UNSUPPORTED, word)
}

fn has(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
}
