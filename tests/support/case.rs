//! Hand-made cases: Markdown-like files with a heading, prose, segments as packetdrill and tcpdump
//! write them, and what must be said. `testdata/cases/README.md` describes the notation.

use super::packet::{ACK, FIN, PSH, RST, SYN};
use super::wrap::Packet;
use std::collections::HashMap;
use std::fs;

/// One case: its segments as a capture, and what is expected of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// `file: heading`.
    pub name: String,
    pub packets: Vec<Packet>,
    pub expected: Vec<Expected>,
    /// It rests on fields that other containers lack: the laws leave it out.
    pub as_is: bool,
}

/// What must be said of one flow: keys and values of a `=>` line, or the words of a `says` line.
#[derive(Clone, Debug)]
pub struct Expected {
    pub flow: usize,
    pub pairs: Vec<(String, String)>,
}

/// All cases of `testdata/cases`.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in super::files("cases", &[".case"]) {
        let text = fs::read_to_string(&path).expect("readable");
        cases.extend(parse(super::file_name(&path), &text));
    }
    assert!(cases.len() > 20, "only {} cases found", cases.len());
    cases
}

/// The cases of one file. Panics with the line where the notation is broken.
pub fn parse(file: &str, text: &str) -> Vec<Case> {
    let mut cases: Vec<Writer> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(heading) = line.strip_prefix("# ") {
            cases.push(Writer::new(format!("{file}: {heading}")));
            continue;
        }
        let Some(writer) = cases.last_mut() else {
            continue;
        };
        // Of a sentence `;` is a part.
        let sentence = line.contains(" says ");
        let code = line.split(';').next().filter(|_| !sentence);
        let code = code.unwrap_or(line);
        let words: Vec<&str> = code.split_whitespace().collect();
        writer
            .line(&words)
            .unwrap_or_else(|what| panic!("{file}:{}: {what}: {line}", number + 1));
    }
    for writer in &cases {
        let complete = !writer.packets.is_empty() && !writer.expected.is_empty();
        assert!(complete, "{} lacks segments or expectations", writer.name);
    }
    cases.into_iter().map(Writer::finish).collect()
}

/// 2026-01-01T00:00:00Z.
const EPOCH: i64 = 1_767_225_600_000_000_000;

/// Turns lines into packets as Linux would send them.
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each option of the notation"
)]
struct Writer {
    name: String,
    packets: Vec<Packet>,
    expected: Vec<Expected>,
    connections: HashMap<(u16, u16), [Half; 2]>,
    now: i64,
    timestamps: bool,
    ids: bool,
    v6: bool,
    as_is: bool,
    snaplen: usize,
}

/// One side of a connection.
#[derive(Clone, Debug)]
struct Half {
    isn: u32,
    old_isn: u32,
    id: u16,
    /// SEG.SEQ + SEG.LEN and `TSval` of the segments that may be echoed.
    sent: Vec<(u32, u32)>,
}

/// A segment line, parsed.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each word of the notation"
)]
struct Line {
    raw: bool,
    seq: u32,
    len: u32,
    flags: u8,
    ack: Option<u32>,
    window: Option<u16>,
    id: Option<u16>,
    ttl: Option<u8>,
    tsval: Option<i64>,
    tsecr: Option<u32>,
    no_timestamps: bool,
    old: bool,
    lost: bool,
    mss: bool,
    length_zero: bool,
}

impl Writer {
    fn new(name: String) -> Self {
        Self {
            name,
            packets: Vec::new(),
            expected: Vec::new(),
            connections: HashMap::new(),
            now: 0,
            timestamps: true,
            ids: true,
            v6: false,
            as_is: false,
            snaplen: usize::MAX,
        }
    }

    fn finish(mut self) -> Case {
        for packet in &mut self.packets {
            packet.ip.truncate(self.snaplen);
        }
        Case {
            name: self.name,
            packets: self.packets,
            expected: self.expected,
            as_is: self.as_is,
        }
    }

    fn line(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["opt:", options @ ..] => self.options(options),
            ["=>", pairs @ ..] => self.expect(0, pairs),
            ["flow", number, "=>", pairs @ ..] => self.expect(parse_number(number)?, pairs),
            [who, "says", words @ ..] if is_name(who) => self.says(0, who, words),
            ["flow", number, who, "says", words @ ..] => {
                self.says(parse_number(number)?, who, words)
            }
            [time, from, ">", to, flags, seq, attributes @ ..] if is_time(time) => {
                self.clock(time)?;
                let line = Line::parse(flags, seq, attributes, self)?;
                self.segment(from, to, line)
            }
            [time, "again", attributes @ ..] if is_time(time) => {
                self.clock(time)?;
                self.again(attributes)
            }
            [time, ..] if is_time(time) => Err("not a segment".into()),
            _ => Ok(()),
        }
    }

    fn options(&mut self, options: &[&str]) -> Result<(), String> {
        for option in options {
            match *option {
                "no-ts" => self.timestamps = false,
                "no-id" => self.ids = false,
                "v6" => self.v6 = true,
                "as-is" => self.as_is = true,
                other => {
                    let bytes = other.strip_prefix("snaplen=").ok_or("unknown option")?;
                    self.snaplen = parse_number(bytes)?;
                }
            }
        }
        Ok(())
    }

    fn expect(&mut self, flow: usize, words: &[&str]) -> Result<(), String> {
        if words.is_empty() || !words.len().is_multiple_of(2) {
            return Err("keys and values must alternate".into());
        }
        let pairs = words.chunks_exact(2);
        let pairs = pairs.map(|pair| (pair[0].into(), pair[1].into())).collect();
        self.expected.push(Expected { flow, pairs });
        Ok(())
    }

    fn says(&mut self, flow: usize, who: &str, words: &[&str]) -> Result<(), String> {
        if words.is_empty() {
            return Err("nothing is said".into());
        }
        let pairs = vec![(format!("{who} says"), words.join(" "))];
        self.expected.push(Expected { flow, pairs });
        Ok(())
    }

    /// `1.250` or `+0.010`, in seconds, to the nanosecond.
    fn clock(&mut self, time: &str) -> Result<(), String> {
        let digits = time.trim_start_matches('+');
        let (seconds, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let nanos: i64 = parse_number(&format!("{fraction:0<9}"))?;
        let offset = parse_number::<i64>(seconds)? * 1_000_000_000 + nanos;
        self.now = if time.starts_with('+') {
            self.now + offset
        } else {
            offset
        };
        Ok(())
    }

    /// The last packet once more, as a network or a capture repeats it.
    fn again(&mut self, attributes: &[&str]) -> Result<(), String> {
        let mut packet = self.packets.last().ok_or("nothing to repeat")?.clone();
        packet.time = EPOCH + self.now;
        if let ["ttl", ttl] = attributes {
            let at = if self.v6 { 7 } else { 8 };
            packet.ip[at] = parse_number(ttl)?;
        }
        self.packets.push(packet);
        Ok(())
    }

    fn segment(&mut self, from: &str, to: &str, mut line: Line) -> Result<(), String> {
        let (from, to) = (Name::parse(from)?, Name::parse(to)?);
        let (key, me) = match (from.client, to.client) {
            (true, false) => ((from.number, to.number), 0),
            (false, true) => ((to.number, from.number), 1),
            _ => return Err("a segment goes from C to S or from S to C".into()),
        };
        let [client, server] = (self.connections.entry(key)).or_insert_with(|| {
            let shift = u32::from(key.0) * 7919 + u32::from(key.1) * 104_729;
            [
                Half::new(1_000_000 + shift, 0x1000),
                Half::new(5_000_000 + shift, 0x2000),
            ]
        });
        let (half, peer) = if me == 0 {
            (client, server)
        } else {
            (server, client)
        };
        let clock = (1 + me) * 1_000_000 + self.now / 1_000_000;
        let header = half.header(peer, clock as u32, &mut line, self.timestamps);
        let id = half.id(&line, self.ids);
        if line.lost {
            return Ok(());
        }
        let ports = [40_000 + key.0, 80 + key.1];
        let mut tcp = Vec::new();
        tcp.extend(ports[me as usize].to_be_bytes());
        tcp.extend(ports[1 - me as usize].to_be_bytes());
        tcp.extend(header);
        tcp.resize(tcp.len() + line.len as usize, 0);
        let ip = self.ip(me as u8, id, &line, &tcp);
        self.packets.push(Packet {
            time: EPOCH + self.now,
            wire: ip.len(),
            ip,
        });
        Ok(())
    }

    fn ip(&self, me: u8, id: u16, line: &Line, tcp: &[u8]) -> Vec<u8> {
        let ttl = line.ttl.unwrap_or(64);
        let (mine, other) = (1 + me, 2 - me);
        let mut ip = Vec::new();
        if self.v6 {
            ip.extend([0x60, 0, 0, 0]);
            ip.extend((tcp.len() as u16).to_be_bytes());
            ip.extend([6, ttl]);
            for last in [mine, other] {
                ip.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
            }
        } else {
            let total = if line.length_zero { 0 } else { 20 + tcp.len() };
            ip.extend([0x45, 0]);
            ip.extend((total as u16).to_be_bytes());
            ip.extend(id.to_be_bytes());
            ip.extend([0x40, 0, ttl, 6, 0, 0, 10, 0, 0, mine, 10, 0, 0, other]);
        }
        ip.extend(tcp);
        ip
    }
}

impl Half {
    const fn new(isn: u32, id: u16) -> Self {
        Self {
            isn,
            old_isn: isn,
            id,
            sent: Vec::new(),
        }
    }

    /// IPv4 IDs count per connection; SYN-ACKs and bare RSTs carry 0, as Linux sends them.
    fn id(&mut self, line: &Line, ids: bool) -> u16 {
        let uncounted = line.is_bare_reset() || line.flags & (SYN | ACK) == SYN | ACK || line.raw;
        if let Some(id) = line.id {
            return id;
        }
        if uncounted || !ids {
            return 0;
        }
        self.id += 1;
        self.id
    }

    /// The TCP header from SEQ on, and what it changes for later segments.
    fn header(&mut self, peer: &Self, clock: u32, line: &mut Line, timestamps: bool) -> Vec<u8> {
        let (mine, other) = if line.old {
            (self.old_isn, peer.old_isn)
        } else {
            (self.isn, peer.isn)
        };
        let raw = if line.raw { 0 } else { mine };
        let seq = raw.wrapping_add(line.seq);
        let ack = line.ack.map_or(0, |ack| other.wrapping_add(ack));
        let bare = line.is_bare_reset() || line.raw;
        let syn = line.flags & SYN != 0;
        let default = if syn { 64_240 } else { 64 };
        let window = line.window.unwrap_or(if bare { 0 } else { default });
        let mut options = Vec::new();
        if syn && !line.raw {
            options.extend([2, 4, 5, 0xb4, 1, 3, 3, 7]);
        }
        if timestamps && !bare && !line.no_timestamps {
            let value = line.tsval.map_or(clock, |by| {
                clock.wrapping_add(i32::try_from(by).expect("a step").cast_unsigned())
            });
            let received = |sent: &&(u32, u32)| ack.wrapping_sub(sent.0).cast_signed() >= 0;
            let echo = peer.sent.iter().rev().find(received).map_or(0, |s| s.1);
            let echo = if line.ack.is_some() { echo } else { 0 };
            options.extend([1, 1, 8, 10]);
            options.extend(value.to_be_bytes());
            options.extend(line.tsecr.unwrap_or(echo).to_be_bytes());
            let space = line.len + u32::from(syn) + u32::from(line.flags & FIN != 0);
            if !line.old {
                self.sent.push((seq.wrapping_add(space), value));
            }
        }
        let mut header = Vec::new();
        header.extend(seq.to_be_bytes());
        header.extend(ack.to_be_bytes());
        header.extend([((20 + options.len()) << 2) as u8, line.flags]);
        header.extend(window.to_be_bytes());
        header.extend([0; 4]);
        header.extend(options);
        header
    }
}

impl Line {
    fn parse(
        flags: &str,
        seq: &str,
        attributes: &[&str],
        writer: &mut Writer,
    ) -> Result<Self, String> {
        let mut line = Self::default();
        for flag in flags.chars() {
            line.flags |= match flag {
                'F' => FIN,
                'S' => SYN,
                'R' => RST,
                'P' => PSH,
                '.' => ACK,
                _ => return Err(format!("unknown flag {flag}")),
            };
        }
        let (first, end) = seq
            .split_once(':')
            .map_or((seq, None), |(a, b)| (a, Some(b)));
        line.raw = first.starts_with('=');
        line.seq = parse_number::<i64>(first.trim_start_matches('='))? as u32;
        if let Some(end) = end {
            line.len = (parse_number::<i64>(end)? as u32).wrapping_sub(line.seq);
        }
        line.attributes(attributes, writer)?;
        if (line.flags & ACK != 0) != line.ack.is_some() {
            return Err("`.` and `ack N` go together".into());
        }
        Ok(line)
    }

    fn attributes(&mut self, mut words: &[&str], writer: &mut Writer) -> Result<(), String> {
        while let [word, rest @ ..] = words {
            words = rest;
            match *word {
                "nots" => self.no_timestamps = true,
                "old" => self.old = true,
                "lost" => self.lost = true,
                "len0" => self.length_zero = true,
                name => {
                    let [value, rest @ ..] = words else {
                        return Err(format!("{name} needs a value"));
                    };
                    words = rest;
                    match name {
                        "ack" => self.ack = Some(parse_number::<i64>(value)? as u32),
                        "win" => self.window = Some(parse_number(value)?),
                        "id" => self.id = Some(parse_number(value)?),
                        "ttl" => self.ttl = Some(parse_number(value)?),
                        "tsval" => self.tsval = Some(parse_number(value)?),
                        "tsecr" => self.tsecr = Some(parse_number(value)?),
                        "isn" => writer.renumber(value)?,
                        _ => return Err(format!("unknown attribute {name}")),
                    }
                }
            }
        }
        Ok(())
    }

    const fn is_bare_reset(&self) -> bool {
        self.flags & (RST | ACK) == RST
    }
}

impl Writer {
    /// `isn C+70000`, `isn S-5`: from here on the numbers of that side count from another ISN; `old` still
    /// means the one before.
    fn renumber(&mut self, value: &str) -> Result<(), String> {
        let sign = value.find(['+', '-']).ok_or("isn wants C+N or S-N")?;
        let (side, by) = value.split_at(sign);
        let name = Name::parse(side)?;
        let by: i64 = parse_number(by)?;
        for (key, halves) in &mut self.connections {
            let number = if name.client { key.0 } else { key.1 };
            if number == name.number {
                let half = &mut halves[usize::from(!name.client)];
                half.old_isn = half.isn;
                half.isn = half.isn.wrapping_add(by as u32);
            }
        }
        Ok(())
    }
}

/// `C`, `S`, or with a number that is added to the port: `C2`.
struct Name {
    client: bool,
    number: u16,
}

impl Name {
    fn parse(text: &str) -> Result<Self, String> {
        let number = &text[1..];
        Ok(Self {
            client: match &text[..1] {
                "C" => true,
                "S" => false,
                _ => return Err(format!("{text} is neither C nor S")),
            },
            number: if number.is_empty() {
                0
            } else {
                parse_number(number)?
            },
        })
    }
}

/// `reason`, or the code of a finding.
fn is_name(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

fn is_time(word: &str) -> bool {
    let digits = word.trim_start_matches('+');
    digits.contains('.') && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
}

fn parse_number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
