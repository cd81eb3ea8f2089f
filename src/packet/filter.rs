//! Which segments count, said in a small part of tcpdump's language, pcap-filter(7).
//!
//! ```text
//! [ip|ip6] [src|dst] host ADDRESS      also: src ADDRESS, `src or dst`, `src and dst`
//! [ip|ip6] [src|dst] net ADDRESS/LEN   also: net 10.1, which is 10.1.0.0/16
//! [tcp] [src|dst] port NUMBER
//! [tcp] [src|dst] portrange FIRST-LAST
//! ip   ip6   tcp                       the last holds for every segment
//! and &&   or ||   not !   ( )
//! ```
//!
//! As there, `and` and `or` bind equally and group from the left, `not` binds tightest, and a value
//! without keywords takes those of the test before it: `host a or b`, `port 80 or 443`. The empty
//! filter lets everything pass. Of a packet in a tunnel the inner addresses count.

mod error;
mod parse;
mod value;

pub use error::FilterError;

use super::{End, Segment};
use std::fmt::{self, Display};
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The first 96 bits.
const FAMILY: u128 = !0 << 32;
/// What they are where the rest is an IPv4 address.
const IPV4: u128 = 0xffff << 32;
/// Ends tried to find a segment of which only one direction passes.
const TRIED: usize = 64;

/// A test of TCP segments, as [`Filter::parse`] reads it.
///
/// ```
/// use whoclosed::Filter;
/// use whoclosed::packet::{End, Segment};
///
/// let filter = Filter::parse("net 10.0.0.0/8 and not port 22 or 80")?;
/// let (src, dst) = (End::v4([10, 0, 0, 1], 40000), End::v4([192, 0, 2, 1], 443));
/// assert!(filter.matches(&Segment { src, dst, ..Segment::default() }));
/// # Ok::<(), whoclosed::packet::FilterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Operands before their operator. So few groups are in one another that the answers fit a word.
    steps: Vec<Step>,
}

/// A step of the evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Is(Test),
    Not,
    And,
    Or,
}

/// What is asked of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Tcp,
    Ip,
    Ip6,
    Net(At, Net),
    /// The first and the last.
    Ports(At, u16, u16),
}

/// Which end is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Any,
    Source,
    Destination,
    Both,
}

/// Addresses that begin alike, IPv4 as IPv4-mapped IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Net {
    addr: u128,
    mask: u128,
}

impl Filter {
    /// Reads an expression; says where it cannot be understood, and why.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let steps = parse::parse(text)?;
        Ok(Self { steps })
    }

    /// The segment passes.
    #[must_use]
    pub fn matches(&self, segment: &Segment) -> bool {
        // The lowest bit is the latest answer.
        let mut answers = 1_u64;
        for step in &self.steps {
            answers = match step {
                Step::Is(test) => (answers << 1) | u64::from(test.holds(segment)),
                Step::Not => answers ^ 1,
                Step::And => (answers >> 1) & (answers | !1),
                Step::Or => (answers >> 1) | (answers & 1),
            };
        }
        answers & 1 != 0
    }

    /// It lets pass one direction of some connections and not the other, which is then judged by
    /// what one side sent.
    ///
    /// Found by trying addresses and ports that it names and others.
    #[must_use]
    pub fn splits_connections(&self) -> bool {
        let tests = self.steps.iter().filter_map(|step| match step {
            Step::Is(test) => Some(*test),
            _ => None,
        });
        let one_sided = |test| {
            let at = match test {
                Test::Net(at, _) | Test::Ports(at, ..) => at,
                _ => At::Any,
            };
            matches!(at, At::Source | At::Destination)
        };
        if !tests.clone().any(one_sided) {
            return false;
        }
        let ends = ends_of_interest(tests);
        if ends.len() > TRIED {
            return true;
        }
        let passes = |src, dst| {
            self.matches(&Segment {
                src,
                dst,
                ..Segment::default()
            })
        };
        let is_split =
            |a: End, b: End| a.ip().is_ipv4() == b.ip().is_ipv4() && passes(a, b) != passes(b, a);
        ends.iter().any(|&a| ends.iter().any(|&b| is_split(a, b)))
    }
}

/// Ends with the addresses and ports that the tests name, and with others.
fn ends_of_interest(tests: impl Iterator<Item = Test>) -> Vec<End> {
    let mut addrs = vec![IPV4 | 0xc000_0201, 0x2001_0db8 << 96];
    let mut ports = vec![1, 65535];
    for test in tests {
        match test {
            Test::Net(_, net) => addrs.extend([net.addr, net.addr | !net.mask]),
            Test::Ports(_, first, last) => ports.extend([first, last]),
            Test::Tcp | Test::Ip | Test::Ip6 => {}
        }
    }
    addrs.sort_unstable();
    addrs.dedup();
    ports.sort_unstable();
    ports.dedup();
    let all = addrs.iter().flat_map(|addr| {
        let addr = addr.to_be_bytes();
        ports.iter().map(move |&port| End { addr, port })
    });
    all.take(TRIED + 1).collect()
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

impl Test {
    #[inline]
    fn holds(self, segment: &Segment) -> bool {
        match self {
            Self::Tcp => true,
            Self::Ip => is_v4(u128::from_be_bytes(segment.src.addr)),
            Self::Ip6 => !is_v4(u128::from_be_bytes(segment.src.addr)),
            Self::Net(at, net) => at.holds(segment, |end| net.holds(end)),
            Self::Ports(at, first, last) => {
                at.holds(segment, |end| (first..=last).contains(&end.port))
            }
        }
    }
}

impl At {
    #[inline]
    fn holds(self, segment: &Segment, is: impl Fn(&End) -> bool) -> bool {
        match self {
            Self::Any => is(&segment.src) || is(&segment.dst),
            Self::Source => is(&segment.src),
            Self::Destination => is(&segment.dst),
            Self::Both => is(&segment.src) && is(&segment.dst),
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Source => "src ",
            Self::Destination => "dst ",
            Self::Both => "src and dst ",
        }
    }
}

impl Net {
    /// The addresses whose first `len` bits are those of `addr`.
    const fn new(addr: u128, len: u32) -> Self {
        let mask = match u128::MAX.checked_shl(128_u32.saturating_sub(len)) {
            Some(mask) => mask,
            None => 0,
        };
        Self { addr, mask }
    }

    #[inline]
    fn holds(self, end: &End) -> bool {
        let addr = u128::from_be_bytes(end.addr);
        // Short IPv6 prefixes, `::/0` among them, hold no IPv4 address.
        addr & self.mask == self.addr && (self.mask >= FAMILY || !is_v4(addr))
    }
}

const fn is_v4(addr: u128) -> bool {
    addr & FAMILY == IPV4
}

/// As [`Filter::parse`] reads it again.
impl Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Each with whether an operator joins it.
        let mut parts: Vec<(String, bool)> = Vec::new();
        for step in &self.steps {
            if let Step::Is(test) = step {
                parts.push((test.to_string(), false));
                continue;
            }
            let (mut last, is_joined) = parts.pop().unwrap_or_default();
            if is_joined {
                last = format!("({last})");
            }
            let word = match step {
                Step::And => " and ",
                Step::Or => " or ",
                _ => {
                    parts.push((format!("not {last}"), false));
                    continue;
                }
            };
            if let Some((first, is_joined)) = parts.last_mut() {
                first.push_str(word);
                first.push_str(&last);
                *is_joined = true;
            }
        }
        parts.iter().try_for_each(|(part, _)| f.write_str(part))
    }
}

impl Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp => f.write_str("tcp"),
            Self::Ip => f.write_str("ip"),
            Self::Ip6 => f.write_str("ip6"),
            Self::Net(at, net) => write!(f, "{}{net}", at.words()),
            Self::Ports(at, first, last) if first == last => {
                write!(f, "{}port {first}", at.words())
            }
            Self::Ports(at, first, last) => write!(f, "{}portrange {first}-{last}", at.words()),
        }
    }
}

impl Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.mask.count_ones();
        let v6 = Ipv6Addr::from_bits(self.addr);
        let v4 = v6.to_ipv4_mapped().filter(|_| len >= 96);
        match (v4, len) {
            (Some(addr), 128) => write!(f, "host {addr}"),
            (Some(addr), _) => write!(f, "net {addr}/{}", len - 96),
            (None, 128) => write!(f, "host {v6}"),
            (None, _) => write!(f, "net {v6}/{len}"),
        }
    }
}
