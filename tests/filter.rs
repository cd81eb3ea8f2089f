//! What is left out before anything is judged: by `--filter`, by `--since` and `--until`.

mod support;

use proptest::prelude::*;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::{Command, Stdio};
use support::wrap::{self, PLAIN, Packet};
use whoclosed::packet::{End, Segment};
use whoclosed::report::Report;
use whoclosed::report::json::JsonReport;
use whoclosed::stamp::{SECOND, Time};
use whoclosed::{Filter, Moment, Options, analyze};

fn filter(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn end((addr, port): (&str, u16)) -> End {
    match addr.parse().expect("an address") {
        IpAddr::V4(addr) => End::v4(addr.octets(), port),
        IpAddr::V6(addr) => End::v6(addr.octets(), port),
    }
}

fn segment(src: (&str, u16), dst: (&str, u16)) -> Segment {
    Segment {
        src: end(src),
        dst: end(dst),
        ..Segment::default()
    }
}

/// Each expression, and the same with every keyword and group written out. With `tcp and` before
/// them tcpdump 4.99.3 with libpcap 1.10.3 makes the same of both.
const MEANINGS: &[(&str, &str)] = &[
    ("", ""),
    ("tcp", "tcp"),
    ("ip or ip6", "ip or ip6"),
    ("host 10.0.0.1", "host 10.0.0.1"),
    ("src 10.0.0.1", "src host 10.0.0.1"),
    ("ip dst 10.0.0.1", "dst host 10.0.0.1"),
    ("ip6 src host ::1", "src host ::1"),
    ("src or dst 10.0.0.1", "host 10.0.0.1"),
    ("dst and src net 10", "src and dst net 10.0.0.0/8"),
    ("net 10.1", "net 10.1.0.0/16"),
    ("net 192.168.7", "net 192.168.7.0/24"),
    ("net 192.168/16", "net 192.168.0.0/16"),
    ("net 10.0.0.0", "host 10.0.0.0"),
    ("net 0.0.0.0/0", "net 0.0.0.0/0"),
    ("ip6 net 2001:db8::/32", "net 2001:db8::/32"),
    ("tcp port 80", "port 80"),
    ("tcp src portrange 90-80", "src portrange 80-90"),
    ("portrange 80", "port 80"),
    ("port 80 or 443", "port 80 or port 443"),
    ("port (80 or 443)", "port 80 or port 443"),
    ("port not 80", "not port 80"),
    ("port 80 or !443", "port 80 or not port 443"),
    ("not not port 80", "port 80"),
    ("host 10.0.0.1 and port 80", "host 10.0.0.1 and port 80"),
    // Equal precedence, from the left.
    (
        "port 80 or port 443 and host 10.0.0.1",
        "(port 80 or port 443) and host 10.0.0.1",
    ),
    (
        "host 10.0.0.1 || port 80 && !port 443",
        "(host 10.0.0.1 or port 80) and (not port 443)",
    ),
    (
        "not host 10.0.0.1 and host 10.0.0.2",
        "(not host 10.0.0.1) and host 10.0.0.2",
    ),
    (
        "host 10.0.0.1 or 10.0.0.2 and port 80 or 443",
        "((host 10.0.0.1 or host 10.0.0.2) and port 80) or port 443",
    ),
    (
        "host 10.0.0.1 and not (10.0.0.2 or 10.0.0.3)",
        "host 10.0.0.1 and not (host 10.0.0.2 or host 10.0.0.3)",
    ),
    (
        "src host 10.0.0.1 or dst 10.0.0.2 and 10.0.0.3",
        "(src host 10.0.0.1 or dst host 10.0.0.2) and dst host 10.0.0.3",
    ),
    // The keywords before a group count again behind it.
    (
        "port 80 or (host 1.2.3.4) or 443",
        "port 80 or host 1.2.3.4 or port 443",
    ),
    ("tcp src port 80 or 90", "src port 80 or src port 90"),
    ("\tport 80\n or(port 90)", "port 80 or port 90"),
];

#[test]
fn expressions_mean_what_pcap_filter_means() {
    for (short, long) in MEANINGS {
        assert_eq!(filter(short), filter(long), "{short}");
    }
}

#[test]
fn filters_are_written_as_they_are_read_without_needless_groups() {
    let written = |text: &str| filter(text).to_string();
    assert_eq!(
        written("host 10.0.0.1 or 10.0.0.2 and (port 80 or 443)"),
        "host 10.0.0.1 or host 10.0.0.2 and (port 80 or port 443)"
    );
    assert_eq!(
        written("not (net 10 and !ip6)"),
        "not (net 10.0.0.0/8 and not ip6)"
    );
    assert_eq!(written("((port 80))"), "port 80");
    assert_eq!(written("  "), "");
}

#[test]
fn addresses_and_ports_of_either_end() {
    let v4 = segment(("10.1.2.3", 40000), ("192.0.2.1", 443));
    let v6 = segment(("2001:db8::1", 40000), ("2001:db8:1::2", 80));
    let pass = |text: &str| [v4, v6].map(|segment| filter(text).matches(&segment));
    for (text, expected) in [
        ("", [true, true]),
        ("tcp", [true, true]),
        ("ip", [true, false]),
        ("ip6", [false, true]),
        ("host 10.1.2.3", [true, false]),
        ("dst 10.1.2.3", [false, false]),
        ("src or dst 192.0.2.1", [true, false]),
        ("src and dst net 0.0.0.0/0", [true, false]),
        ("src and dst net 10", [false, false]),
        ("net ::/0", [false, true]),
        ("net 10.1.2.0/23", [true, false]),
        ("net 10.1.4.0/23", [false, false]),
        ("host ::ffff:10.1.2.3", [true, false]),
        ("src and dst net 2001:db8::/47", [false, true]),
        ("src and dst net 2001:db8::/48", [false, false]),
        ("port 40000", [true, true]),
        ("src port 443", [false, false]),
        ("portrange 80-443", [true, true]),
        ("portrange 81-442", [false, false]),
        ("dst portrange 443-40000", [true, false]),
        ("port 443 and net 2001:db8::/32", [false, false]),
    ] {
        assert_eq!(pass(text), expected, "{text}");
    }
}

#[test]
fn what_is_not_understood_is_marked() {
    for (text, marked, why) in [
        ("host 10.0.0.300", "10.0.0.300", "no IPv4 or IPv6 address"),
        ("host www.example.com", "www.example.com", "not looked up"),
        ("src 10.0.0.0/8", "10.0.0.0/8", "behind `net`"),
        ("host 80", "80", "behind `port`"),
        ("net 10.0.0.1/8", "10.0.0.1/8", "bits behind the first 8"),
        ("net 10.0.0.0/33", "10.0.0.0/33", "0 to 32"),
        ("net 2001:db8::/129", "2001:db8::/129", "0 to 128"),
        ("net 0", "0", "no network"),
        ("ip host ::1", "::1", "other IP version"),
        ("ip6 net 10", "10", "other IP version"),
        ("tcp host 10.0.0.1", "tcp", "before port"),
        ("ip port 80", "ip", "before host"),
        ("port http", "http", "not looked up"),
        ("port 65536", "65536", "0 to 65535"),
        ("port 080", "080", "0 to 65535"),
        ("port 80-90", "80-90", "`portrange`"),
        ("portrange 80-", "80-", "8000-8080"),
        ("port 80 443", "443", "`and` or `or`"),
        ("port 80 port 443", "port", "`and` or `or`"),
        ("tcp and 80", "80", "needs a keyword"),
        ("(port 80) or 443", "443", "needs a keyword"),
        ("port 80 or (443 and tcp", "(", "not closed"),
        ("port 80)", ")", "cannot stand here"),
        ("port (tcp)", "tcp", "cannot stand here"),
        ("and port 80", "and", "cannot stand here"),
        ("port 80 or", "", "missing at the end"),
        ("src", "", "missing at the end"),
        ("tcp[13] & 2 != 0", "[", "bytes of packets"),
        ("tcp & 2 = 0", "&", "arithmetic"),
        ("len > 100", "len", "`len` is not supported"),
        ("vlan 5 and port 80", "vlan", "`vlan` is not supported"),
        ("ether host 0:1:2:3:4:5", "ether", "not supported"),
        ("ip proto 6", "proto", "not supported"),
        ("not udp", "udp", "not supported"),
        ("net 10.0.0.0 mask 255.0.0.0", "mask", "not supported"),
        ("Port 80", "Port", "lower case"),
        ("port 80 AND port 90", "AND", "lower case"),
        ("www.example.com", "www.example.com", "no word"),
        ("port 80 or é", "é", "names are not looked up"),
    ] {
        let error = Filter::parse(text).expect_err(text);
        assert!(error.what().contains(why), "{text}: {error}");
        let shown = error.to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1], format!("  {text}"));
        let at = lines[2].find('^').expect("a mark");
        let marks = lines[2].chars().filter(|&c| c == '^').count();
        let found: String = lines[1].chars().skip(at).take(marks).collect();
        assert_eq!(found, marked, "{text}");
        assert!(shown.contains("portrange FIRST-LAST"), "{shown}");
    }
}

#[test]
fn a_long_filter_is_shown_around_the_place() {
    let many = "host 10.0.0.1 or ".repeat(50);
    let text = format!("{many}\x1b[31m or {many}host 10.0.0.1");
    let shown = Filter::parse(&text).expect_err("an escape").to_string();
    assert!(!shown.contains('\x1b'), "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[1].chars().count() < 80, "{shown}");
    let at = lines[2].chars().position(|c| c == '^');
    let found = lines[1].chars().skip(at.expect("a mark")).take(5);
    assert_eq!(found.collect::<String>(), " [31m");
}

#[test]
fn groups_may_be_fifty_deep() {
    let nested = |depth| {
        let (open, close) = ("port 1 or (".repeat(depth), ")".repeat(depth));
        Filter::parse(&format!("{open}port 2{close}"))
    };
    let deep = nested(50).expect("allowed");
    assert!(deep.matches(&segment(("10.0.0.1", 2), ("10.0.0.2", 3))));
    assert!(!deep.matches(&segment(("10.0.0.1", 4), ("10.0.0.2", 3))));
    let error = nested(51).expect_err("too deep");
    assert!(error.what().contains("more than 50 groups"));
    assert!(Filter::parse(&"(".repeat(1_000_000)).is_err());
    assert!(Filter::parse(&format!("{}tcp", "not ".repeat(1_000_000))).is_ok());
}

#[test]
fn a_filter_of_one_direction_is_told_from_one_of_both() {
    for (text, splits) in [
        ("host 10.0.0.1 and port 80", false),
        ("src or dst port 80", false),
        ("src and dst net 10", false),
        ("src host 10.0.0.1", true),
        ("dst port 80", true),
        ("src port 80 or dst port 80", false),
        ("src net 10 and dst net 10", false),
        ("src net 10.1 and dst net 10", true),
        ("src 10.0.0.1 and dst 10.0.0.2", true),
        (
            "(src 10.0.0.1 and dst 10.0.0.2) or (src 10.0.0.2 and dst 10.0.0.1)",
            false,
        ),
        ("port 80 and not src port 80", true),
        ("src net 0.0.0.0/0", false),
    ] {
        assert_eq!(filter(text).splits_connections(), splits, "{text}");
    }
}

/// An expression as the grammar builds it.
#[derive(Clone, Debug)]
enum Expr {
    Test(String),
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
}

impl Expr {
    /// With every group written out.
    fn text(&self) -> String {
        match self {
            Self::Test(test) => test.clone(),
            Self::Not(a) => format!("not ({})", a.text()),
            Self::And(a, b) => format!("({}) and ({})", a.text(), b.text()),
            Self::Or(a, b) => format!("({}) || ({})", a.text(), b.text()),
        }
    }

    fn holds(&self, segment: &Segment) -> bool {
        match self {
            Self::Test(test) => holds(test, segment),
            Self::Not(a) => !a.holds(segment),
            Self::And(a, b) => a.holds(segment) && b.holds(segment),
            Self::Or(a, b) => a.holds(segment) || b.holds(segment),
        }
    }
}

/// One test, word by word.
fn holds(test: &str, segment: &Segment) -> bool {
    let words: Vec<&str> = test.split(' ').collect();
    let value = words[words.len() - 1];
    let is = |end: &End| match words[words.len() - 2] {
        "host" => end.ip() == value.parse::<IpAddr>().expect("an address"),
        "net" => {
            let (net, len) = value.split_once('/').expect("a length");
            let len: u32 = len.parse().expect("a number");
            match (net.parse().expect("an address"), end.ip()) {
                (IpAddr::V4(net), IpAddr::V4(addr)) => same_v4(net, addr, len),
                (IpAddr::V6(net), IpAddr::V6(addr)) => same_v6(net, addr, len),
                _ => false,
            }
        }
        "port" => end.port == value.parse::<u16>().expect("a port"),
        "portrange" => {
            let (first, last) = value.split_once('-').expect("a range");
            (first.parse().expect("a port")..=last.parse().expect("a port")).contains(&end.port)
        }
        other => panic!("{other}"),
    };
    match words[0] {
        "tcp" => true,
        "ip" => segment.src.ip().is_ipv4(),
        "ip6" => segment.src.ip().is_ipv6(),
        "src" if words[1] == "and" => is(&segment.src) && is(&segment.dst),
        "src" => is(&segment.src),
        "dst" => is(&segment.dst),
        _ => is(&segment.src) || is(&segment.dst),
    }
}

fn same_v4(net: Ipv4Addr, addr: Ipv4Addr, len: u32) -> bool {
    (0..len).all(|bit| (net.to_bits() ^ addr.to_bits()) >> (31 - bit) & 1 == 0)
}

fn same_v6(net: Ipv6Addr, addr: Ipv6Addr, len: u32) -> bool {
    (0..len).all(|bit| (net.to_bits() ^ addr.to_bits()) >> (127 - bit) & 1 == 0)
}

/// Few addresses and ports, so that tests hold often.
fn ends() -> impl Strategy<Value = (IpAddr, u16)> {
    let addrs = [
        "10.0.0.1",
        "10.0.0.2",
        "10.1.0.0",
        "192.0.2.1",
        "2001:db8::",
        "2001:db8::1",
    ];
    let addrs = addrs.map(|addr| addr.parse::<IpAddr>().expect("an address"));
    let ports = vec![0, 79, 80, 81, 443, 65535];
    (
        prop::sample::select(addrs.to_vec()),
        prop::sample::select(ports),
    )
}

fn segments() -> impl Strategy<Value = Segment> {
    let end = |(addr, port): (IpAddr, u16)| match addr {
        IpAddr::V4(addr) => End::v4(addr.octets(), port),
        IpAddr::V6(addr) => End::v6(addr.octets(), port),
    };
    (ends(), ends())
        .prop_filter("one version", |(a, b)| a.0.is_ipv4() == b.0.is_ipv4())
        .prop_map(move |(src, dst)| Segment {
            src: end(src),
            dst: end(dst),
            ..Segment::default()
        })
}

fn tests() -> impl Strategy<Value = String> {
    let nets = [
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.0.0.0/16",
        "10.0.0.2/31",
        "::/0",
        "2001:db8::/127",
    ];
    let values = prop_oneof![
        ends().prop_map(|(addr, _)| format!("host {addr}")),
        prop::sample::select(nets.to_vec()).prop_map(|net| format!("net {net}")),
        ends().prop_map(|(_, port)| format!("port {port}")),
        (0_u16..100, 80_u16..500).prop_map(|(a, b)| format!("portrange {}-{}", a.min(b), a.max(b))),
    ];
    let at = prop::sample::select(vec!["", "src ", "dst ", "src or dst ", "src and dst "]);
    prop_oneof![
        8 => (at, values).prop_map(|(at, value)| at.to_owned().replace("src or dst ", "") + &value),
        1 => prop::sample::select(vec!["tcp", "ip", "ip6"]).prop_map(str::to_owned),
    ]
}

fn expressions() -> impl Strategy<Value = Expr> {
    tests()
        .prop_map(Expr::Test)
        .prop_recursive(5, 24, 2, |inner| {
            let boxed = inner.prop_map(Box::new);
            prop_oneof![
                boxed.clone().prop_map(Expr::Not),
                (boxed.clone(), boxed.clone()).prop_map(|(a, b)| Expr::And(a, b)),
                (boxed.clone(), boxed).prop_map(|(a, b)| Expr::Or(a, b)),
            ]
        })
}

/// Words of the language and others, in any order.
fn soup() -> impl Strategy<Value = String> {
    let words = vec![
        "host",
        "net",
        "port",
        "portrange",
        "src",
        "dst",
        "ip",
        "ip6",
        "tcp",
        "and",
        "or",
        "not",
        "(",
        ")",
        "!",
        "&&",
        "||",
        "&",
        "10.0.0.1",
        "10",
        "10.1",
        "10.0.0.0/8",
        "::1",
        "::/0",
        "2001:db8::/32",
        "80",
        "80-90",
        "90-80",
        "65536",
        "vlan",
        "[",
        "é",
        "x",
        "",
        "\t",
        "\u{202e}",
    ];
    prop::collection::vec(prop::sample::select(words), 0..14).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn evaluation_equals_that_of_the_tree(expr in expressions(), all in prop::collection::vec(segments(), 1..8)) {
        let parsed = filter(&expr.text());
        let again = filter(&parsed.to_string());
        prop_assert_eq!(&again, &parsed);
        for segment in &all {
            prop_assert_eq!(parsed.matches(segment), expr.holds(segment), "{} {:?}", expr.text(), segment);
        }
    }

    #[test]
    fn any_text_is_a_filter_or_an_error(text in prop_oneof![soup(), ".*", "[hostnepr0-9 ().:/!&|-]{0,30}"]) {
        match Filter::parse(&text) {
            Ok(parsed) => prop_assert_eq!(&filter(&parsed.to_string()), &parsed),
            Err(error) => {
                let shown = error.to_string();
                prop_assert!(shown.lines().nth(2).is_some_and(|line| line.trim().starts_with('^')), "{}", shown);
                prop_assert!(!shown.replace('\n', "").contains(char::is_control), "{}", shown);
            }
        }
    }
}

/// TCP packets of a capture that pass, as `tcpdump -r FILE --count '(EXPR) and tcp'` counts them
/// (tcpdump 4.99.3, libpcap 1.10.3).
const COUNTED: &[(&str, &[(&str, usize)])] = &[
    (
        "testdata/capgen/short.pcap",
        &[
            ("tcp", 2598),
            ("ip6", 0),
            ("port 80 or 443", 1577),
            ("port 22 or 80 and net 192.168.0", 315),
            ("src net 192.168.0.0/24", 622),
            ("dst portrange 1-1023", 1014),
            ("net 10.1.0.0/17 and not port 443", 687),
            ("not port 22 and not 80", 1984),
            (
                "host 192.168.0.181 or 192.168.0.75 and port 8080 or 22",
                343,
            ),
            ("src net 10 and dst port (80 or 443)", 834),
            ("port 80 or (net 10.1.0.0/18) or 443", 1815),
            ("src or dst net 10.1.192.0/18", 621),
            ("src and dst net 10", 0),
            ("not (portrange 1-1023 or net 10.1.128.0/17)", 364),
            ("src port 443 or dst port 22 and src net 10.1.0.0/16", 180),
        ],
    ),
    (
        "testdata/captures/burst-client-first.mid.pcap",
        &[
            ("src host 198.51.100.10", 1200),
            ("dst 203.0.113.80 and src portrange 49000-49999", 128),
            ("portrange 49200-49299 or 80 and not 49250", 1802),
            ("net 198.51.100", 1802),
        ],
    ),
    (
        "testdata/captures/v6-simultaneous.mid.pcap",
        &[
            ("ip", 0),
            ("ip6", 11),
            ("net ::/0", 11),
            ("net 0.0.0.0/0", 0),
            ("src net 2001:db8::/32", 11),
            ("ip6 src 2001:db8:1::10", 6),
            ("not src 2001:db8:1::10 and port 80", 5),
        ],
    ),
];

#[test]
fn as_many_packets_pass_as_with_tcpdump() {
    for (path, expected) in COUNTED {
        let capture = fs::read(path).expect("readable");
        for (text, expected) in *expected {
            let options = options(|options| options.filter = Some(filter(text)));
            let (flows, summary) = report(&capture, &options);
            let all = support::wrap::read(&capture).len();
            let out = summary["filtered_out"].as_u64().expect("a number") as usize;
            assert_eq!(all - out, *expected, "{path} {text}");
            assert_eq!(flows.is_empty(), *expected == 0, "{path} {text}");
        }
    }
}

fn options(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

/// The lines of the flows, and the summary.
fn report(capture: &[u8], options: &Options) -> (String, serde_json::Value) {
    let mut analysis = analyze(capture, options).expect("a capture");
    let mut out = Vec::new();
    let mut report = JsonReport::new(&mut out);
    for verdict in &mut analysis {
        report.flow(&verdict).expect("written");
    }
    report.summary(&analysis.summary(), None).expect("written");
    let text = String::from_utf8(out).expect("text");
    let (flows, summary) = text.rsplit_once(r#"{"type":"summary""#).expect("a summary");
    let summary = serde_json::from_str(&format!(r#"{{"type":"summary"{summary}"#));
    (flows.to_owned(), summary.expect("JSON"))
}

/// Packets of many connections, IPv6 ones too, all at once.
fn many() -> Vec<Packet> {
    let mut all = Vec::new();
    for name in [
        "capgen/short.pcap",
        "captures/v6-simultaneous.mid.pcap",
        "captures/burst-client-first.mid.pcap",
    ] {
        let file = fs::read(Path::new("testdata").join(name)).expect("readable");
        let mut packets = wrap::read(&file);
        let first = packets[0].time;
        for packet in &mut packets {
            packet.time += 1_795_226_400 * SECOND - first;
        }
        all.extend(packets);
    }
    all.sort_by_key(|packet| packet.time);
    all
}

/// The same packet, but of a protocol that is not looked at: frames keep their numbers.
fn hide(packet: &mut Packet) {
    match packet.ip[0] >> 4 {
        4 => packet.ip[9] = 255,
        _ => packet.ip[6] = 255,
    }
}

#[test]
fn a_filter_leaves_what_there_would_be_without_the_others() {
    let all = many();
    let capture = wrap::write(&all, PLAIN);
    for text in [
        "port 80",
        "ip6",
        "net 10.1.0.0/17 or host 198.51.100.10 and not port 443",
        "src net 10",
        "not tcp",
    ] {
        let filter = filter(text);
        let (flows, summary) = report(&capture, &options(|o| o.filter = Some(filter.clone())));
        let mut hidden = all.clone();
        let mut out = 0;
        for packet in &mut hidden {
            let segment = whoclosed::packet::decode(101, &packet.ip, packet.wire as u32);
            if !filter.matches(&segment.expect("a segment")) {
                hide(packet);
                out += 1;
            }
        }
        let (expected, plain) = report(&wrap::write(&hidden, PLAIN), &Options::default());
        assert_eq!(flows, expected, "{text}");
        assert_eq!(summary["filtered_out"], out, "{text}");
        assert_eq!(plain["filtered_out"], 0);
        assert_eq!(
            plain["not_decoded"].as_object().expect("counts").len(),
            usize::from(out > 0)
        );
        assert_eq!(summary["not_decoded"].as_object().expect("counts").len(), 0);
    }
}

#[test]
fn inner_addresses_of_tunnels_count() {
    for path in [
        "tunnel-vxlan.pcap",
        "tunnel-gre.pcap",
        "link-vlan.pcap",
        "tunnel-vxlanipv6.pcap",
    ] {
        let capture = fs::read(Path::new("testdata/containers").join(path)).expect("readable");
        let plain = report(&capture, &Options::default());
        let client =
            serde_json::from_str::<serde_json::Value>(plain.0.lines().next().expect("a flow"));
        let client = client.expect("JSON")["client"]["addr"]
            .as_str()
            .expect("text")
            .to_owned();
        let flows = |text: &str| report(&capture, &options(|o| o.filter = Some(filter(text)))).0;
        let addr = format!(r#""addr":"{client}""#);
        let (its, others): (Vec<&str>, Vec<&str>) =
            plain.0.lines().partition(|line| line.contains(&addr));
        let kept = flows(&format!("host {client}"));
        assert_eq!(kept.lines().count(), its.len(), "{path}");
        assert!(kept.lines().all(|line| line.contains(&addr)), "{path}");
        let rest = flows(&format!("not host {client}"));
        assert_eq!(rest.lines().count(), others.len(), "{path}");
    }
}

#[test]
fn a_window_leaves_what_there_would_be_without_the_rest() {
    let all = many();
    let capture = wrap::write(&all, PLAIN);
    let first = all[0].time;
    let last = all[all.len() - 1].time;
    let middle = all[all.len() / 2].time;
    for (since, until) in [
        (None, Some(middle)),
        (Some(middle), None),
        (Some(first + SECOND), Some(last - SECOND)),
        (Some(middle), Some(middle + 1)),
        (Some(first), Some(last + 1)),
        (None, Some(first)),
        (Some(last + 1), None),
    ] {
        let is_inside = |packet: &Packet| {
            since.is_none_or(|since| packet.time >= since)
                && until.is_none_or(|until| packet.time < until)
        };
        let mut cut = all.clone();
        let end = cut.iter().rposition(is_inside).map_or(0, |last| last + 1);
        cut.truncate(end);
        cut.iter_mut()
            .filter(|packet| !is_inside(packet))
            .for_each(hide);
        let (expected, _) = report(&wrap::write(&cut, PLAIN), &Options::default());
        let at = options(|o| {
            o.since = since.map(|time| Time(time).into());
            o.until = until.map(|time| Time(time).into());
        });
        let after = options(|o| {
            o.since = since.map(|time| Moment::After(time - first));
            o.until = until.map(|time| Moment::After(time - first));
        });
        let outside = all.iter().filter(|packet| !is_inside(packet)).count();
        for options in [at, after] {
            let (flows, summary) = report(&capture, &options);
            assert_eq!(flows, expected, "{since:?} {until:?}");
            assert_eq!(summary["outside_window"], outside, "{since:?} {until:?}");
            let source = &summary["sources"][0];
            assert_eq!(source["frames"], all.len());
            assert_eq!(source["start"], Time(first).rfc3339());
            assert_eq!(source["end"], Time(last).rfc3339());
        }
    }
}

fn whoclosed(args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let output = command
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

const CAPTURE: &str = "testdata/captures/close-server-first-4seg.mid.pcap";

#[test]
fn the_command_line_marks_what_it_does_not_understand() {
    for command in [&["--filter"][..], &["explain", "--filter"]] {
        let args = [command, &["port 80 or vlan 3", CAPTURE]].concat();
        let (code, out, err) = whoclosed(&args);
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(
            err.contains("`vlan` is not supported\n  port 80 or vlan 3\n             ^^^^\n"),
            "{err}"
        );
    }
    for (text, words) in [
        ("yesterday", "+30s"),
        ("2026-11-21", "without a zone it is UTC"),
    ] {
        let (code, _, err) = whoclosed(&["--since", text, CAPTURE]);
        assert_eq!(code, Some(2));
        assert!(err.contains(words), "{err}");
    }
    let (code, out, err) = whoclosed(&["--since", "+2s", "--until", "+2s", CAPTURE]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert_eq!(err, "whoclosed: --until must be later than --since\n");
}

#[test]
fn the_command_line_says_what_was_left_out() {
    let (code, out, err) = whoclosed(&["--filter", "dst port 80", "--until", "+300ms", CAPTURE]);
    assert_eq!(code, Some(0));
    assert!(
        err.contains("only one direction") && err.lines().count() == 1,
        "{err}"
    );
    assert!(out.contains("1 TCP flow"), "{out}");
    assert!(
        out.contains(" frames left out by --since and --until\n"),
        "{out}"
    );
    assert!(out.contains(" segments left out by the filter\n"), "{out}");
    let (code, out, err) = whoclosed(&["--filter", "port 81", CAPTURE]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(
        out.contains("No TCP flow") && out.contains("  11 segments left out"),
        "{out}"
    );
    let (_, out, _) = whoclosed(&["explain", "--since", "2026-11-21T03:33:00.6", CAPTURE]);
    assert!(out.contains("Flow 0") && !out.contains("SYN, seq"), "{out}");
    let (_, out, _) = whoclosed(&["--filter", "port 80", CAPTURE]);
    assert!(!out.contains("left out"), "{out}");
}

#[test]
fn the_window_of_a_set_counts_from_its_first_record() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("window");
    fs::create_dir_all(&folder).expect("a directory");
    let all = many();
    let third = all.len() / 3;
    let parts: Vec<String> = all
        .chunks(third)
        .enumerate()
        .map(|(i, part)| {
            let path = folder.join(format!("ring{i}.pcap"));
            fs::write(&path, wrap::write(part, PLAIN)).expect("written");
            path.to_string_lossy().into_owned()
        })
        .collect();
    let whole = folder.join("whole.pcap");
    fs::write(&whole, wrap::write(&all, PLAIN)).expect("written");
    let whole = whole.to_string_lossy().into_owned();
    let options = [
        "--format", "json", "--since", "+1s", "--until", "+2.5s", "--filter", "port 443",
    ];
    let counts = |files: &[&str]| {
        let (code, out, err) = whoclosed(&[&options, files].concat());
        assert_eq!((code, err.as_str()), (Some(0), ""));
        let last = out.lines().last().expect("a line");
        let mut summary: serde_json::Value = serde_json::from_str(last).expect("JSON");
        summary["sources"].take();
        summary
    };
    let files: Vec<&str> = parts.iter().map(String::as_str).collect();
    let summary = counts(&files);
    assert_eq!(summary, counts(&[&whole]));
    assert!(summary["flows"].as_u64() > Some(5), "{summary}");
    assert!(summary["filtered_out"].as_u64() > Some(0), "{summary}");
    assert!(summary["outside_window"].as_u64() > Some(0), "{summary}");
}
