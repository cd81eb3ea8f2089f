//! Each link type, each IP form, each way to cut a TCP header, byte by byte.

#[path = "common/headers.rs"]
mod headers;

use headers::{
    ACK, ACK_NUMBER, FIN, IPV4, IPV6, Ipv4, PORTS, SEQ, SYN, TSECR, TSVAL, WINDOW, ethernet, ipv4,
    ipv6, ipv6_of_length, tcp, timestamps, usual_options,
};
use proptest::prelude::*;
use whoclosed::packet::{
    End, Flags, NotDecoded, Segment, Timestamps, decode, link_type_name, quoted_by_icmp,
};
use whoclosed::seq::{SeqNum, TsVal};

const ETHERNET: u16 = 1;

/// The segment that [`tcp`] makes with the usual options, in [`ipv4`].
fn usual(flags: u8, len: u32) -> Segment {
    Segment {
        src: End::v4([10, 0, 0, 1], PORTS.0),
        dst: End::v4([10, 0, 0, 2], PORTS.1),
        seq: SeqNum(SEQ),
        ack: SeqNum(ACK_NUMBER),
        len,
        flags: Flags(flags),
        window: WINDOW,
        timestamps: Some(Timestamps {
            val: TsVal(TSVAL),
            ecr: TsVal(TSECR),
        }),
        ttl: 64,
        ip_id: Some(0x1234),
        ..Segment::default()
    }
}

/// The same in [`ipv6`].
fn usual_v6(flags: u8, len: u32) -> Segment {
    let mut addr = [0; 16];
    addr[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    let end = |last, port| {
        let mut addr = addr;
        addr[15] = last;
        End::v6(addr, port)
    };
    Segment {
        src: end(1, PORTS.0),
        dst: end(2, PORTS.1),
        ttl: 63,
        ip_id: None,
        ..usual(flags, len)
    }
}

/// Decodes what was captured from end to end.
fn whole(link: u16, data: &[u8]) -> Result<Segment, NotDecoded> {
    decode(link, data, data.len() as u32)
}

fn segment(payload: &[u8]) -> Vec<u8> {
    tcp(ACK | FIN, &usual_options(), payload)
}

#[test]
fn every_link_type_gives_the_same_segment() {
    let (v4, v6) = (ipv4(&segment(b"hello")), ipv6(6, &segment(b"hello")));
    let before = |head: &[u8], packet: &[u8]| [head, packet].concat();
    let sll = |protocol: u16, arphrd: u16| {
        let mut head = vec![0, 4];
        head.extend(arphrd.to_be_bytes());
        head.extend([0, 6, 1, 2, 3, 4, 5, 6, 0, 0]);
        head.extend(protocol.to_be_bytes());
        head
    };
    let sll2 = |protocol: u16| {
        let mut head = protocol.to_be_bytes().to_vec();
        head.extend([0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 1, 2, 3, 4, 5, 6, 0, 0]);
        head
    };
    let snap = [&[2; 12][..], &[0, 60, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0]].concat();
    let mut cases = vec![
        (ETHERNET, ethernet(&[], IPV4, &v4), 4),
        (ETHERNET, ethernet(&[], IPV6, &v6), 6),
        (ETHERNET, before(&snap, &v4), 4),
        (228, v4.clone(), 4),
        (229, v6.clone(), 6),
        (276, before(&sll2(IPV4), &v4), 4),
        (276, before(&sll2(IPV6), &v6), 6),
        (
            113,
            before(&[&sll(0x8100, 1)[..], &[0, 42, 8, 0]].concat(), &v4),
            4,
        ),
    ];
    for link in [101, 12, 14] {
        cases.push((link, v4.clone(), 4));
        cases.push((link, v6.clone(), 6));
    }
    for arphrd in [1, 512, 519, 65534, 772, 778, 801, 823] {
        cases.push((113, before(&sll(IPV4, arphrd), &v4), 4));
        cases.push((113, before(&sll(IPV6, arphrd), &v6), 6));
    }
    for link in [0, 108] {
        cases.push((link, before(&[2, 0, 0, 0], &v4), 4));
        cases.push((link, before(&[0, 0, 0, 2], &v4), 4));
        for family in [10, 24, 28, 30] {
            cases.push((link, before(&[family, 0, 0, 0], &v6), 6));
            cases.push((link, before(&[0, 0, 0, family], &v6), 6));
        }
    }
    for (link, data, version) in cases {
        let expected = match version {
            4 => usual(ACK | FIN, 5),
            _ => usual_v6(ACK | FIN, 5),
        };
        assert_eq!(whole(link, &data), Ok(expected), "{link} {data:02x?}");
    }
}

#[test]
fn vlan_tags_of_any_kind_and_depth() {
    let tags = [0x8100, 0x88a8, 0x9100, 0x8100, 0x88a8];
    for depth in 0..=tags.len() {
        let frame = ethernet(&tags[..depth], IPV4, &ipv4(&segment(b"12")));
        assert_eq!(whole(ETHERNET, &frame), Ok(usual(ACK | FIN, 2)));
        let frame = ethernet(&tags[..depth], IPV6, &ipv6(6, &segment(b"12")));
        assert_eq!(whole(ETHERNET, &frame), Ok(usual_v6(ACK | FIN, 2)));
    }
    let endless = ethernet(&[0x8100; 4000], 0x8100, &[]);
    assert_eq!(whole(ETHERNET, &endless), Err(NotDecoded::HeaderCut));
}

#[test]
fn ipv4_options_are_stepped_over() {
    for len in (4..=40).step_by(4) {
        let options = vec![1; len];
        let with_options = Ipv4 {
            options: &options,
            ..Ipv4::default()
        };
        let frame = ethernet(&[], IPV4, &with_options.packet(&segment(b"abc")));
        assert_eq!(whole(ETHERNET, &frame), Ok(usual(ACK | FIN, 3)), "{len}");
    }
}

#[test]
fn ethernet_padding_is_no_payload() {
    let mut frame = ethernet(&[], IPV4, &ipv4(&tcp(ACK, &[], &[])));
    frame.resize(60, 0);
    let segment = whole(ETHERNET, &frame).unwrap();
    assert_eq!((segment.len, segment.options_cut), (0, false));

    // An IP header that is too short for a TCP header: the padding must not become one.
    let short = Ipv4 {
        total_len: Some(30),
        ..Ipv4::default()
    };
    let mut frame = ethernet(&[], IPV4, &short.packet(&tcp(ACK, &[], &[])));
    frame.resize(60, 0);
    assert_eq!(whole(ETHERNET, &frame), Err(NotDecoded::MalformedTcp));
}

#[test]
fn without_a_total_length_the_original_length_counts() {
    let offloaded = Ipv4 {
        total_len: Some(0),
        ..Ipv4::default()
    };
    let packet = offloaded.packet(&segment(&[7; 100]));
    for (tags, extra) in [(&[][..], 14), (&[0x8100, 0x88a8][..], 22)] {
        let frame = ethernet(tags, IPV4, &packet);
        assert_eq!(whole(ETHERNET, &frame), Ok(usual(ACK | FIN, 100)));
        // A super-frame of which the snaplen left the headers.
        let headers = &frame[..extra + 52];
        let found = decode(ETHERNET, headers, extra as u32 + 52 + 60_000);
        assert_eq!(found, Ok(usual(ACK | FIN, 60_000)));
    }
    assert_eq!(whole(101, &packet), Ok(usual(ACK | FIN, 100)));

    let v6 = ipv6_of_length(0, 6, &segment(&[7; 100]));
    let found = decode(101, &v6, v6.len() as u32);
    assert_eq!(found, Ok(usual_v6(ACK | FIN, 100)));
}

#[test]
fn without_a_total_length_a_frame_of_60_bytes_may_be_padded() {
    let no_length = Ipv4 {
        total_len: Some(0),
        ..Ipv4::default()
    };
    let mut frame = ethernet(&[], IPV4, &no_length.packet(&segment(&[])));
    let (unpadded, cut) = (whole(ETHERNET, &frame), decode(ETHERNET, &frame[..60], 66));
    assert_eq!(
        (unpadded, cut.map(|s| s.len)),
        (Ok(usual(ACK | FIN, 0)), Ok(0))
    );

    frame = ethernet(&[], IPV4, &no_length.packet(&tcp(ACK, &[], &[])));
    frame.resize(60, 0);
    assert_eq!(whole(ETHERNET, &frame).map(|s| s.len), Ok(0));
}

#[test]
fn ipv6_extension_headers_are_stepped_over() {
    let behind = segment(b"abcd");
    let chain = |headers: &[(u8, &[u8])]| {
        // Each header names the next one in its first byte.
        let next = headers.iter().skip(1).map(|(kind, _)| *kind).chain([6]);
        let mut bytes = Vec::new();
        for ((_, body), next) in headers.iter().zip(next) {
            bytes.push(next);
            bytes.extend(*body);
        }
        bytes.extend(&behind);
        ipv6(headers[0].0, &bytes)
    };
    let hop_by_hop: (u8, &[u8]) = (0, &[0, 5, 2, 0, 0, 1, 0]);
    let destination: (u8, &[u8]) = (60, &[1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let routing: (u8, &[u8]) = (43, &[0, 4, 0, 0, 0, 0, 0]);
    let atomic: (u8, &[u8]) = (44, &[0, 0, 0, 1, 2, 3, 4]);
    let authentication: (u8, &[u8]) = (
        51,
        &[
            4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
        ],
    );
    let all = [
        hop_by_hop,
        destination,
        routing,
        atomic,
        authentication,
        destination,
    ];
    for from in 0..all.len() {
        let found = whole(101, &chain(&all[from..]));
        assert_eq!(found, Ok(usual_v6(ACK | FIN, 4)), "from {from}");
    }
}

#[test]
fn a_jumbogram_has_the_length_of_its_option() {
    let len = 8 + 32 + 100_000_u32;
    let mut hop_by_hop = vec![6, 0, 0xc2, 4];
    hop_by_hop.extend(len.to_be_bytes());
    let packet = ipv6_of_length(0, 0, &[hop_by_hop, segment(&[1; 50])].concat());
    let found = decode(101, &packet, 40 + len);
    assert_eq!(found, Ok(usual_v6(ACK | FIN, 100_000)));
}

#[test]
fn first_fragments_have_a_segment_and_later_ones_are_counted() {
    let fragment = |place, payload: &[u8]| {
        let header = Ipv4 {
            fragment: place,
            ..Ipv4::default()
        };
        whole(101, &header.packet(payload))
    };
    let first = Segment {
        fragment: true,
        ..usual(ACK | FIN, 16)
    };
    assert_eq!(fragment(0x2000, &segment(&[0; 16])), Ok(first));
    assert_eq!(fragment(0x2006, &[0; 64]), Err(NotDecoded::LaterFragment));
    assert_eq!(fragment(0x0006, &[0; 64]), Err(NotDecoded::LaterFragment));

    let fragment = |place: u16, payload: &[u8]| {
        let mut header = vec![6, 0];
        header.extend(place.to_be_bytes());
        header.extend([0, 0, 0, 9]);
        whole(101, &ipv6(44, &[&header, payload].concat()))
    };
    let first = Segment {
        fragment: true,
        ..usual_v6(ACK | FIN, 16)
    };
    assert_eq!(fragment(1, &segment(&[0; 16])), Ok(first));
    assert_eq!(
        fragment(8 << 3 | 1, &[0; 64]),
        Err(NotDecoded::LaterFragment)
    );
    assert_eq!(fragment(8 << 3, &[0; 64]), Err(NotDecoded::LaterFragment));
}

/// The segment of a header with these options.
fn with_options(flags: u8, options: &[u8]) -> Segment {
    whole(101, &ipv4(&tcp(flags, options, b"1"))).unwrap()
}

#[test]
fn options_behind_unknown_ones_are_found() {
    let multipath = [30, 4, 0x40, 1]; // an address is removed
    let signature = [&[19, 18][..], &[5; 16]].concat();
    let fast_open = [34, 6, 1, 2, 3, 4];
    let authentication = [&[29, 16][..], &[5; 14]].concat();
    for unknown in [&multipath[..], &signature, &fast_open, &authentication] {
        let options = [unknown, &timestamps()].concat();
        assert_eq!(with_options(ACK, &options), usual(ACK, 1), "{unknown:?}");
    }
}

#[test]
fn a_syn_has_a_window_scale_of_at_most_14() {
    let usual_syn = |shift| {
        let head = [2, 4, 5, 180, 4, 2];
        [&head[..], &timestamps(), &[1, 3, 3, shift]].concat()
    };
    for (shift, expected) in [(0, 0), (7, 7), (14, 14), (15, 14), (255, 14)] {
        let expected = Segment {
            window_scale: Some(expected),
            ..usual(SYN, 1)
        };
        assert_eq!(with_options(SYN, &usual_syn(shift)), expected);
    }
    assert_eq!(with_options(ACK, &usual_syn(7)), usual(ACK, 1), "no SYN");
}

#[test]
fn malformed_options_are_marked_and_end_the_walk() {
    let bad: [&[u8]; 6] = [
        &[8, 0, 1, 1],
        &[8, 1, 1, 1],
        &[5, 40, 0, 0],
        &[1, 1, 1, 8],
        &[8, 4, 0, 0],
        &[8, 10, 1, 2],
    ];
    for options in bad {
        let found = with_options(ACK, options);
        assert_eq!(
            (found.options_cut, found.timestamps),
            (true, None),
            "{options:?}"
        );
        assert_eq!(found.len, 1);
    }
    let behind_the_end = [&[0, 1][..], &timestamps()].concat();
    let found = with_options(ACK, &behind_the_end);
    assert_eq!((found.options_cut, found.timestamps), (false, None));
    let twice = [&timestamps()[..], &[8, 10, 0, 0, 0, 0, 0, 0, 0, 0]].concat();
    assert_eq!(
        with_options(ACK, &twice),
        usual(ACK, 1),
        "the first one counts"
    );
}

#[test]
fn every_cut_from_the_flags_on_gives_the_same_numbers() {
    let payload = [9; 30];
    let frames = [
        (14 + 20, ethernet(&[], IPV4, &ipv4(&segment(&payload)))),
        (
            18 + 40,
            ethernet(&[0x8100], IPV6, &ipv6(6, &segment(&payload))),
        ),
    ];
    for (tcp_at, frame) in frames {
        let uncut = whole(ETHERNET, &frame).unwrap();
        for captured in 0..=frame.len() {
            let found = decode(ETHERNET, &frame[..captured], frame.len() as u32);
            if captured < tcp_at + 14 {
                assert_eq!(found, Err(NotDecoded::HeaderCut), "{captured}");
                continue;
            }
            let found = found.unwrap();
            let expected = Segment {
                options_cut: captured < tcp_at + 32,
                timestamps: uncut.timestamps.filter(|_| captured >= tcp_at + 32),
                window_cut: captured < tcp_at + 16,
                window: if captured < tcp_at + 16 { 0 } else { WINDOW },
                ..uncut
            };
            assert_eq!(found, expected, "{captured}");
        }
    }
}

#[test]
fn what_is_no_segment_has_its_reason() {
    let protocol = |protocol| {
        let header = Ipv4 {
            protocol,
            ..Ipv4::default()
        };
        ethernet(&[], IPV4, &header.packet(&[0; 64]))
    };
    let mut short_offset = ipv4(&tcp(ACK, &[], b"x"));
    short_offset[32] = 4 << 4;
    let mut long_offset = ipv4(&tcp(ACK, &[], b"x"));
    long_offset[32] = 15 << 4;
    let mut short_header = ipv4(&segment(&[]));
    short_header[0] = 0x44;
    let long_total = Ipv4 {
        total_len: Some(19),
        ..Ipv4::default()
    };
    let cases = [
        (147, vec![0; 64], NotDecoded::UnknownLinkType),
        (105, vec![0; 64], NotDecoded::UnknownLinkType),
        (ETHERNET, ethernet(&[], 0x0806, &[0; 46]), NotDecoded::Arp),
        (
            ETHERNET,
            ethernet(&[0x8100], 0x0806, &[0; 46]),
            NotDecoded::Arp,
        ),
        (ETHERNET, ethernet(&[], 0x88cc, &[0; 46]), NotDecoded::NotIp),
        (
            ETHERNET,
            ethernet(&[], 38, &[0x42, 0x42, 3, 0, 0, 0]),
            NotDecoded::NotIp,
        ),
        (101, vec![0x50; 40], NotDecoded::NotIp),
        (0, vec![7, 0, 0, 0, 0x45], NotDecoded::NotIp),
        (ETHERNET, protocol(17), NotDecoded::Udp),
        (ETHERNET, protocol(1), NotDecoded::Icmp),
        (ETHERNET, protocol(50), NotDecoded::OtherProtocol),
        (101, ipv6(17, &[0; 64]), NotDecoded::Udp),
        (101, ipv6(58, &[0; 64]), NotDecoded::Icmp),
        (101, ipv6(59, &[]), NotDecoded::OtherProtocol),
        (101, ipv6(135, &[0; 64]), NotDecoded::OtherProtocol),
        (
            ETHERNET,
            ethernet(&[], IPV4, &ipv6(6, &segment(&[]))),
            NotDecoded::MalformedIp,
        ),
        (
            ETHERNET,
            ethernet(&[], IPV6, &ipv4(&segment(&[]))),
            NotDecoded::MalformedIp,
        ),
        (101, short_header, NotDecoded::MalformedIp),
        (
            101,
            long_total.packet(&segment(&[])),
            NotDecoded::MalformedIp,
        ),
        (
            101,
            ipv6_of_length(4, 0, &[6, 0, 0, 0, 0, 0, 0, 0]),
            NotDecoded::MalformedIp,
        ),
        (101, short_offset, NotDecoded::MalformedTcp),
        (101, long_offset, NotDecoded::MalformedTcp),
        (101, ipv4(&[0; 8]), NotDecoded::MalformedTcp),
        (101, Vec::new(), NotDecoded::HeaderCut),
    ];
    for (link, data, reason) in cases {
        assert_eq!(whole(link, &data), Err(reason), "{link} {data:02x?}");
    }
}

#[test]
fn link_types_have_their_names() {
    assert_eq!(link_type_name(1), "EN10MB");
    assert_eq!(link_type_name(276), "LINUX_SLL2");
    assert_eq!(link_type_name(105), "IEEE802_11");
    assert_eq!(link_type_name(65_000), "LINKTYPE_65000");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        link in prop::sample::select(vec![0, 1, 12, 101, 108, 113, 228, 229, 276]),
        data in prop::collection::vec(any::<u8>(), 0..200),
        original: u32,
    ) {
        let _ = decode(link, &data, original);
    }

    #[test]
    fn no_changed_bytes_make_it_panic(
        v6: bool,
        at in prop::collection::vec((0..120_usize, any::<u8>()), 1..6),
        cut in 0..140_usize,
    ) {
        let extended = [&[6, 0, 5, 2, 0, 0, 1, 0][..], &segment(&[3; 40])].concat();
        let mut frame = if v6 {
            ethernet(&[0x8100], IPV6, &ipv6(0, &extended))
        } else {
            ethernet(&[], IPV4, &ipv4(&segment(&[3; 40])))
        };
        for (at, byte) in at {
            let at = at % frame.len();
            frame[at] = byte;
        }
        frame.truncate(cut);
        if let Ok(found) = decode(ETHERNET, &frame, 140) {
            prop_assert!(frame.len() >= 14 + 20 + 14);
            prop_assert!(found.window_scale.is_none_or(|shift| shift <= 14));
        }
    }
}

/// An ICMP message that quotes what an IP packet of a segment begins with.
fn error(icmp_type: u8, code: u8, quote: &[u8]) -> Vec<u8> {
    let mut message = vec![icmp_type, code, 0, 0, 0, 0, 0, 0];
    message.extend(quote);
    message
}

#[test]
fn icmp_errors_tell_what_they_quote() {
    let over_v4 = |message: &[u8]| {
        let header = Ipv4 {
            protocol: 1,
            ..Ipv4::default()
        };
        ethernet(&[], IPV4, &header.packet(message))
    };
    let quote = ipv4(&segment(b"abc"));
    let plain = whole(ETHERNET, &ethernet(&[], IPV4, &quote)).unwrap();
    for (icmp_type, code, name) in [
        (3, 1, "host-unreachable"),
        (3, 3, "port-unreachable"),
        (3, 13, "prohibited"),
        (11, 0, "time-exceeded"),
    ] {
        // Eight bytes of the segment are there at least.
        let frame = over_v4(&error(icmp_type, code, &quote[..28]));
        let quoted = quoted_by_icmp(ETHERNET, &frame, frame.len() as u32).unwrap();
        assert_eq!(quoted.kind.name(), name);
        assert_eq!((quoted.icmp_type, quoted.icmp_code), (icmp_type, code));
        assert_eq!((quoted.src, quoted.dst), (plain.src, plain.dst));
        assert_eq!(
            (quoted.seq, quoted.reporter.addr),
            (plain.seq, plain.src.addr)
        );
        assert_eq!(whole(ETHERNET, &frame), Err(NotDecoded::Icmp));
    }
    for message in [
        error(3, 4, &quote),
        error(0, 0, &quote),
        error(3, 3, &quote[..27]),
        error(3, 3, &[]),
        vec![3],
    ] {
        let frame = over_v4(&message);
        assert!(quoted_by_icmp(ETHERNET, &frame, frame.len() as u32).is_err());
    }
    let quote = ipv6(6, &segment(&[]));
    let plain = whole(101, &quote).unwrap();
    let packet = ipv6(58, &error(1, 1, &quote[..48]));
    let quoted = quoted_by_icmp(101, &packet, packet.len() as u32).unwrap();
    assert_eq!(quoted.kind.name(), "prohibited");
    assert_eq!(
        (quoted.src, quoted.dst, quoted.seq),
        (plain.src, plain.dst, plain.seq)
    );
    let too_big = ipv6(58, &error(2, 0, &quote));
    assert!(quoted_by_icmp(101, &too_big, too_big.len() as u32).is_err());
}
