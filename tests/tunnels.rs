//! Each tunnel: the segment in it, and what is not to be taken for one.

#[path = "common/headers.rs"]
mod headers;
mod support;

use headers::{ACK, FIN, IPV4, Ipv4, ethernet, ipv4, ipv6, tcp, usual_options};
use proptest::prelude::*;
use support::tunnel::Tunnel;
use support::wrap;
use whoclosed::close::verdict::{Outcome, Verdict};
use whoclosed::packet::{NotDecoded, Segment, decode};
use whoclosed::{Options, analyze};

const ETHERNET: u16 = 1;
const RAW: u16 = 101;
const GRE: u8 = 47;
const UDP: u8 = 17;

fn whole(link: u16, data: &[u8]) -> Result<Segment, NotDecoded> {
    decode(link, data, data.len() as u32)
}

fn segment(payload: &[u8]) -> Vec<u8> {
    tcp(ACK | FIN, &usual_options(), payload)
}

/// The packet in the tunnel.
fn wrapped(tunnel: Tunnel, packet: &[u8]) -> Vec<u8> {
    let v6 = packet[0] >> 4 == 6;
    [&tunnel.before(v6, packet.len())[..], packet].concat()
}

fn over(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let header = Ipv4 {
        protocol,
        ..Ipv4::default()
    };
    header.packet(payload)
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let len = payload.len() as u16 + 8;
    let head = [50_000, port, len, 0].map(u16::to_be_bytes).concat();
    over(UDP, &[&head, payload].concat())
}

#[test]
fn every_tunnel_gives_the_segment_in_it() {
    for packet in [ipv4(&segment(b"hello")), ipv6(6, &segment(b"hello"))] {
        let expected = whole(RAW, &packet).unwrap();
        assert_eq!(expected.len, 5);
        for tunnel in Tunnel::ALL {
            let link = tunnel.number() as u16;
            let mut frame = wrapped(tunnel, &packet);
            assert_eq!(whole(link, &frame), Ok(expected), "{tunnel:?}");
            // What follows the outermost packet is padding.
            frame.extend([0; 9]);
            assert_eq!(whole(link, &frame), Ok(expected), "{tunnel:?} padded");
        }
    }
}

#[test]
fn a_cut_tunnel_is_a_cut_header() {
    let packet = ipv4(&segment(b"hello"));
    let expected = whole(RAW, &packet).unwrap();
    for tunnel in Tunnel::ALL {
        let (link, frame) = (tunnel.number() as u16, wrapped(tunnel, &packet));
        let tcp_at = frame.len() - packet.len() + 20;
        for captured in 0..frame.len() {
            let found = decode(link, &frame[..captured], frame.len() as u32);
            match found {
                Ok(found) => {
                    assert!(captured >= tcp_at + 14, "{tunnel:?} {captured}");
                    assert_eq!((found.seq, found.len), (expected.seq, expected.len));
                }
                // Which port UDP goes to may be cut off too.
                Err(NotDecoded::HeaderCut | NotDecoded::Udp) => assert!(captured < tcp_at + 14),
                other => panic!("{tunnel:?} {captured}: {other:?}"),
            }
        }
    }
}

#[test]
fn lengths_are_those_of_the_innermost_header() {
    // The inner header says nothing: what the outer one leaves counts, not the frame with its
    // padding.
    let offloaded = Ipv4 {
        total_len: Some(0),
        ..Ipv4::default()
    };
    let inner = offloaded.packet(&segment(&[7; 100]));
    for tunnel in [
        Tunnel::IpInIp,
        Tunnel::GreOptions,
        Tunnel::Vxlan,
        Tunnel::Gtp,
    ] {
        let mut frame = wrapped(tunnel, &inner);
        frame.extend([0; 6]);
        assert_eq!(
            whole(ETHERNET, &frame).map(|s| s.len),
            Ok(100),
            "{tunnel:?}"
        );
    }
    // Neither says anything: the record's length counts.
    let outer = Ipv4 {
        total_len: Some(0),
        protocol: 4,
        ..Ipv4::default()
    };
    let frame = ethernet(&[], IPV4, &outer.packet(&inner));
    let found = decode(ETHERNET, &frame, frame.len() as u32 + 60_000);
    assert_eq!(found.map(|s| s.len), Ok(60_100));
}

#[test]
fn a_first_fragment_of_a_tunnel_holds_the_segment_in_it() {
    let inner = ipv4(&segment(&[7; 1000]));
    for tunnel in [Tunnel::IpInIp, Tunnel::Gre, Tunnel::VxlanVlan, Tunnel::Gtp] {
        let mut frame = wrapped(tunnel, &inner);
        frame[14 + 6..14 + 8].copy_from_slice(&[0x20, 0]);
        let captured = 14 + 200;
        frame[14 + 2..14 + 4].copy_from_slice(&200_u16.to_be_bytes());
        let found = whole(ETHERNET, &frame[..captured]).unwrap();
        assert_eq!((found.len, found.fragment), (1000, false), "{tunnel:?}");

        frame[14 + 6..14 + 8].copy_from_slice(&[0, 25]);
        let expected = match tunnel {
            Tunnel::IpInIp | Tunnel::Gre => NotDecoded::LaterFragment,
            _ => NotDecoded::Udp, // no port tells that it was a tunnel
        };
        assert_eq!(whole(ETHERNET, &frame), Err(expected), "{tunnel:?}");
    }
    for (place, expected) in [
        (0x2000, Ok((80, true))),
        (10, Err(NotDecoded::LaterFragment)),
    ] {
        let fragment = Ipv4 {
            fragment: place,
            ..Ipv4::default()
        };
        let inner = fragment.packet(&segment(&[7; 80]));
        for tunnel in Tunnel::ALL {
            let found = whole(tunnel.number() as u16, &wrapped(tunnel, &inner));
            let found = found.map(|s| (s.len, s.fragment));
            assert_eq!(found, expected, "{tunnel:?}");
        }
    }
}

#[test]
fn fragments_of_ipv6_are_those_of_ipv4() {
    let fragment = |place: u16, next: u8, payload: &[u8]| {
        let mut header = vec![next, 0];
        header.extend(place.to_be_bytes());
        header.extend([0, 0, 0, 9]);
        ipv6(44, &[&header, payload].concat())
    };
    let (more, later) = (1, 10 << 3);
    let inner = ipv4(&segment(&[7; 1000]));
    let found = whole(RAW, &fragment(more, 4, &inner[..200])).unwrap();
    assert_eq!((found.len, found.fragment), (1000, false));
    let expected = Err(NotDecoded::LaterFragment);
    assert_eq!(whole(RAW, &fragment(later, 4, &inner[..200])), expected);
    assert_eq!(whole(RAW, &fragment(later, GRE, &[0; 64])), expected);
    let expected = Err(NotDecoded::Udp);
    assert_eq!(whole(RAW, &fragment(later, UDP, &[0; 64])), expected);

    let inner = fragment(more, 6, &segment(&[7; 80]));
    for tunnel in Tunnel::ALL {
        let found = whole(tunnel.number() as u16, &wrapped(tunnel, &inner));
        let found = found.map(|s| (s.len, s.fragment));
        assert_eq!(found, Ok((80, true)), "{tunnel:?}");
    }
}

/// `frame` with the byte at `at` counted from the inner headers' beginning set to `value`.
fn changed(tunnel: Tunnel, at: usize, value: u8) -> Result<Segment, NotDecoded> {
    let mut frame = wrapped(tunnel, &ipv4(&segment(b"x")));
    frame[14 + 20 + at] = value;
    whole(ETHERNET, &frame)
}

#[test]
fn ordinary_udp_stays_udp() {
    let not_a_tunnel = [
        (Tunnel::Vxlan, 8, 0),    // no network identifier
        (Tunnel::Vxlan, 8, 0x0c), // a reserved flag
        (Tunnel::Vxlan, 10, 1),   // reserved
        (Tunnel::Vxlan, 15, 1),   // reserved
        (Tunnel::VxlanLinux, 8, 0x88 | 1),
        (Tunnel::Geneve, 8, 0x42),      // version 1
        (Tunnel::Geneve, 9, 0x80),      // a control packet
        (Tunnel::Geneve, 9, 0x01),      // reserved
        (Tunnel::Geneve, 15, 1),        // reserved
        (Tunnel::Geneve, 10, 5),        // a length, no EtherType
        (Tunnel::Gtp, 8, 0x50),         // version 2
        (Tunnel::Gtp, 8, 0x20),         // charging
        (Tunnel::Gtp, 8, 0x38),         // reserved
        (Tunnel::Gtp, 9, 1),            // an echo request
        (Tunnel::GtpExtensions, 20, 0), // an extension header of no length
    ];
    for (tunnel, at, value) in not_a_tunnel {
        let found = changed(tunnel, at, value);
        assert_eq!(found, Err(NotDecoded::Udp), "{tunnel:?} {at}");
    }
    for port in [4789, 8472, 6081, 2152, 53] {
        for payload in [&b""[..], b"\x08", b"hello", &[0xff; 100], &[0; 100]] {
            let found = whole(RAW, &udp(port, payload));
            assert_eq!(found, Err(NotDecoded::Udp), "{port} {payload:02x?}");
        }
    }
    // Only where it goes to counts: an answer from such a port goes to any.
    let mut answer = wrapped(Tunnel::Vxlan, &ipv4(&segment(b"x")));
    answer[34..38].rotate_left(2);
    assert_eq!(whole(ETHERNET, &answer), Err(NotDecoded::Udp));
}

#[test]
fn a_group_policy_is_part_of_vxlan() {
    let expected = changed(Tunnel::Vxlan, 0, 0xc0);
    assert!(expected.is_ok());
    let mut frame = wrapped(Tunnel::Vxlan, &ipv4(&segment(b"x")));
    frame[42..46].copy_from_slice(&[0x88, 0x48, 0x12, 0x34]);
    assert_eq!(whole(ETHERNET, &frame), expected);
}

#[test]
fn what_a_tunnel_holds_besides_has_its_own_reason() {
    let inside = |ether_type, payload: &[u8]| {
        let frame = ethernet(&[], ether_type, payload);
        let vxlan = [&[8, 0, 0, 0, 0, 0, 7, 0], &frame[..]].concat();
        whole(RAW, &udp(4789, &vxlan))
    };
    assert_eq!(inside(0x0806, &[0; 28]), Err(NotDecoded::Arp));
    assert_eq!(inside(0x88cc, &[0; 28]), Err(NotDecoded::NotIp));
    assert_eq!(inside(IPV4, &udp(53, b"?")), Err(NotDecoded::Udp));
    assert_eq!(inside(IPV4, &over(1, &[0; 8])), Err(NotDecoded::Icmp));
    assert_eq!(inside(IPV4, &ipv4(&[0; 8])), Err(NotDecoded::MalformedTcp));

    let gre = |flags: u16, kind: u16| {
        let head = [flags, kind].map(u16::to_be_bytes).concat();
        let packet = [head, vec![0; 24]].concat();
        whole(RAW, &over(GRE, &packet))
    };
    let other = Err(NotDecoded::OtherProtocol);
    assert_eq!(gre(0x4000, IPV4), other, "a source route");
    assert_eq!(gre(0x0002, IPV4), other, "version 2");
    assert_eq!(gre(0x2001, IPV4), other, "PPTP carries PPP alone");
    assert_eq!(gre(0x2081, 0x880b), other, "PPTP's ACK alone");
    assert_eq!(gre(0x1000, 0x88be), other, "ERSPAN's version");
    assert_eq!(gre(0x1000, 0x22eb), other, "ERSPAN's version");
    assert_eq!(gre(0, 0), Err(NotDecoded::NotIp), "a keepalive");
    assert_eq!(gre(0, IPV4), Err(NotDecoded::MalformedIp));

    let not_ip = Err(NotDecoded::NotIp);
    assert_eq!(whole(9, &[0xff, 3, 0xc0, 0x21, 1, 1, 0, 4]), not_ip, "LCP");
    assert_eq!(whole(51, &[0x11, 9, 0, 0, 0, 0, 0, 0]), not_ip, "discovery");
    assert_eq!(
        whole(104, &[0x8f, 0, 0x80, 0x35, 0, 0]),
        Err(NotDecoded::Arp)
    );
    assert_eq!(
        whole(239, &[2, 0, 0, 0, 3, 0, 9, 0, 1]),
        not_ip,
        "a length of 3"
    );
    let endless = [[0; 4], [4, 0, 1, 0]].concat();
    assert_eq!(whole(239, &endless), Err(NotDecoded::HeaderCut));
    assert_eq!(whole(219, &[0; 4000]), Err(NotDecoded::HeaderCut));
}

#[test]
fn tunnels_in_one_another_are_bounded() {
    let packet = ipv4(&segment(b"hello"));
    let expected = whole(RAW, &packet).unwrap();
    let nested = |depth: usize| {
        let inner = (0..depth).fold(packet.clone(), |inner, _| {
            let vxlan = [8, 0, 0, 0, 0, 0, 7, 0];
            udp(4789, &[&vxlan, &ethernet(&[], IPV4, &inner)[..]].concat())
        });
        whole(RAW, &inner)
    };
    for depth in 0..=8 {
        assert_eq!(nested(depth), Ok(expected), "{depth}");
    }
    assert_eq!(nested(9), Err(NotDecoded::OtherProtocol));
    assert_eq!(nested(400), Err(NotDecoded::OtherProtocol));
    let chain = (0..3000).fold(packet, |inner, _| over(4, &inner));
    assert_eq!(whole(RAW, &chain), Err(NotDecoded::OtherProtocol));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        link in prop::sample::select(vec![9, 50, 51, 104, 219, 239]),
        data in prop::collection::vec(any::<u8>(), 0..100),
        original: u32,
    ) {
        let _ = decode(link, &data, original);
    }

    #[test]
    fn no_changed_bytes_make_it_panic(
        tunnel in prop::sample::select(Tunnel::ALL.to_vec()),
        v6: bool,
        changes in prop::collection::vec((0..160_usize, any::<u8>()), 1..8),
        cut in 0..200_usize,
        original in prop::sample::select(vec![0, 60, 200, 70_000, u32::MAX]),
    ) {
        let packet = if v6 { ipv6(6, &segment(&[3; 40])) } else { ipv4(&segment(&[3; 40])) };
        let mut frame = wrapped(tunnel, &packet);
        for (at, byte) in changes {
            let at = at % frame.len();
            frame[at] = byte;
        }
        frame.truncate(cut);
        let _ = decode(tunnel.number() as u16, &frame, original);
    }
}

/// Two connections with the same addresses and ports, segment by segment in turn, in networks with
/// these link headers.
fn overlapping(tunnel: Tunnel, change: impl Fn(&mut [u8])) -> Vec<u8> {
    let path = support::testdata("captures/close-client-first-4seg.mid.pcap");
    let packets = wrap::read(&std::fs::read(path).expect("readable"));
    let mut records = Vec::new();
    for packet in &packets {
        let before = tunnel.before(false, packet.wire);
        let mut other = before.clone();
        change(&mut other);
        records.push((packet.time, [&before[..], &packet.ip].concat()));
        // Not the same packet at another interface: another connection, a while later.
        let mut ip = packet.ip.clone();
        ip[24] ^= 0x80;
        ip[28] ^= 0x80;
        records.push((packet.time + 50_000_000, [&other[..], &ip].concat()));
    }
    records.sort_by_key(|record| record.0);
    wrap::pcap_of(&records, tunnel.number())
}

fn judged(file: &[u8], key_vlan: bool, key_tunnel: bool) -> Vec<Verdict> {
    let mut options = Options::default();
    (options.key_vlan, options.key_tunnel) = (key_vlan, key_tunnel);
    analyze(file, &options).expect("a capture").collect()
}

#[test]
fn networks_are_kept_apart_where_that_is_asked_for() {
    let vxlan = overlapping(Tunnel::Vxlan, |head| head[48] += 1);
    let tagged = overlapping(Tunnel::VxlanVlan, |head| head[65] += 1);
    let gre = overlapping(Tunnel::GreBridged, |head| head[41] += 1);
    let pppoe = overlapping(Tunnel::Pppoe, |head| head[17] += 1);
    let session = overlapping(Tunnel::Erspan2, |head| head[45] += 1);
    let cases = [
        (&vxlan, false, true, "vxlan", 0x1388),
        (&tagged, true, false, "", 100),
        (&gre, false, true, "gre", 77),
        (&pppoe, false, true, "pppoe", 0x0bad),
        (&session, false, true, "erspan", 0x123),
    ];
    for (file, key_vlan, key_tunnel, kind, id) in cases {
        let apart = judged(file, key_vlan, key_tunnel);
        let graceful = |v: &Verdict| v.outcome == Outcome::Graceful && v.findings.is_empty();
        assert!(apart.len() == 2 && apart.iter().all(graceful), "{kind}");
        for (verdict, id) in apart.iter().zip([id, id + 1]) {
            let vlans: Vec<u32> = verdict.vlan.iter().flatten().map(|&v| v.into()).collect();
            let tunnels = verdict.tunnel.iter().flatten();
            let tunnels: Vec<(&str, u32)> = tunnels.map(|t| (&*t.kind, t.id)).collect();
            match kind {
                "" => assert_eq!((vlans, tunnels), (vec![id], Vec::new())),
                kind => assert_eq!((vlans, tunnels), (Vec::new(), vec![(kind, id)])),
            }
        }
        let together = judged(file, !key_vlan, !key_tunnel);
        let mixed = |v: &Verdict| v.client == apart[0].client && !graceful(v);
        assert!(together.iter().any(mixed), "{kind}");
    }
    // Both directions of a tunnel whose number differs by direction are one connection.
    for tunnel in [Tunnel::Gtp, Tunnel::Mpls, Tunnel::Pptp] {
        let file = overlapping(tunnel, |_| {});
        assert!(judged(&file, true, true).iter().all(|v| v.tunnel.is_none()));
    }
}
