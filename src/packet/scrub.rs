//! A packet without what could tell whose it is.
//!
//! Whatever is not known to be harmless becomes zero: payloads, padding, options. What stays are the
//! headers as far as verdicts rest on them, with other addresses. Checksums that were right are right
//! again, others become zero: what is left of them would tell about the addresses.

use super::anonymize::Anonymizer;
use super::bytes::{Bytes, Header};
use super::checksum::{fold, sum};
use super::ip::{self, Packet};
use super::layers::Layers;
use super::{MAX_HEADERS, NotDecoded, link, step};
use etherparse::IpNumber;
use std::ops::Range;

/// The link types whose header holds addresses.
const EN10MB: u16 = 1;
const LINUX_SLL: u16 = 113;
const LINUX_SLL2: u16 = 276;
const NFLOG: u16 = 239;

/// The port of UDP whose tunnel's header has options.
const GENEVE: [u8; 2] = 6081_u16.to_be_bytes();

/// The packet of a record as it may be shown. `link` is its link type, `on_wire` its original length.
///
/// Fails for what is neither TCP nor ICMP.
pub(crate) fn scrub(
    anonymizer: &mut Anonymizer,
    link: u16,
    data: &[u8],
    on_wire: u32,
) -> Result<Vec<u8>, NotDecoded> {
    let mut scrub = Scrub {
        anonymizer,
        from: data,
        into: vec![0; data.len()],
    };
    let (header, bytes) = link::first(link, Bytes { data, on_wire })?;
    scrub.link(link, 0..place(data, bytes.data));
    let (packet, ip) = scrub.layers(header, bytes)?;
    if packet.protocol == IpNumber::TCP {
        scrub.tcp(&packet, ip);
    } else {
        scrub.icmp(&packet, ip);
    }
    Ok(scrub.into)
}

/// A packet, and what is made of it.
struct Scrub<'a> {
    anonymizer: &'a mut Anonymizer,
    from: &'a [u8],
    into: Vec<u8>,
}

/// Where a part of a packet begins in it.
fn place(whole: &[u8], part: &[u8]) -> usize {
    let at = part.as_ptr().addr().checked_sub(whole.as_ptr().addr());
    at.unwrap_or(whole.len()).min(whole.len())
}

impl Scrub<'_> {
    /// These bytes stay as they are.
    fn keep(&mut self, range: Range<usize>) {
        let end = range.end.min(self.from.len());
        let from = self.from.get(range.start..end);
        let into = self.into.get_mut(range.start..end);
        if let Some((into, from)) = into.zip(from) {
            into.copy_from_slice(from);
        }
    }

    /// These bytes come there, as far as there is room.
    fn put(&mut self, at: usize, bytes: &[u8]) {
        let into = self.into.get_mut(at..).unwrap_or_default();
        for (into, from) in into.iter_mut().zip(bytes) {
            *into = *from;
        }
    }

    fn original<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.from.get(at..)?.first_chunk().copied()
    }

    fn mac(&mut self, at: usize) {
        if let Some(mac) = self.original(at) {
            let other = self.anonymizer.mac(mac);
            self.put(at, &other);
        }
    }

    fn v4(&mut self, at: usize) {
        if let Some(addr) = self.original(at) {
            let other = self.anonymizer.v4(addr);
            self.put(at, &other);
        }
    }

    fn v6(&mut self, at: usize) {
        if let Some(addr) = self.original(at) {
            let other = self.anonymizer.v6(addr);
            self.put(at, &other);
        }
    }

    /// The header that the link type names.
    fn link(&mut self, link: u16, header: Range<usize>) {
        match link {
            EN10MB => self.ethernet(header),
            LINUX_SLL => {
                self.keep(0..6);
                let len = self.original(4).unwrap_or_default();
                self.cooked_address(6, len);
                self.keep(14..16);
            }
            LINUX_SLL2 => {
                self.keep(0..12);
                let [len] = self.original(11).unwrap_or_default();
                self.cooked_address(12, [0, len]);
            }
            NFLOG => self.nflog(header),
            _ => self.keep(header),
        }
    }

    /// An address of a cooked header, if it is one of Ethernet's.
    fn cooked_address(&mut self, at: usize, len: [u8; 2]) {
        if len == [0, 6] {
            self.mac(at);
        }
    }

    /// The types and lengths of the fields before the packet; what they hold may be addresses, and the
    /// names of rules.
    fn nflog(&mut self, header: Range<usize>) {
        let mut at = 4;
        self.keep(0..at);
        while let Some(head @ [_, _, c, _]) = self.original::<4>(at)
            && at < header.end
        {
            self.keep(at..at + 4);
            let [a, b, ..] = head;
            // As where it is read: no type takes both bytes.
            let len = match c {
                0 => u16::from_be_bytes([a, b]),
                _ => u16::from_le_bytes([a, b]),
            };
            at += usize::from(len.max(4)).next_multiple_of(4);
        }
    }

    fn ethernet(&mut self, header: Range<usize>) {
        let at = header.start;
        self.mac(at);
        self.mac(at + 6);
        self.keep(at + 12..header.end);
    }

    /// All headers from this one on down to those of the innermost IP packet, which is of TCP or ICMP;
    /// gives that, and where it begins.
    fn layers<'b>(
        &mut self,
        header: Header,
        bytes: Bytes<'b>,
    ) -> Result<(Packet<'b>, usize), NotDecoded> {
        let (mut header, mut bytes) = (header, bytes);
        for _ in 0..MAX_HEADERS {
            let at = place(self.from, bytes.data);
            let packet = match header {
                Header::Ipv4 => ip::v4(bytes)?,
                Header::Ipv6 => ip::v6(bytes)?,
                other => {
                    let next = step(other, bytes, &mut Layers::default())?;
                    self.between(other, at..place(self.from, next.1.data));
                    (header, bytes) = next;
                    continue;
                }
            };
            let payload = place(self.from, packet.payload.data);
            self.ip(header, at..payload);
            let protocol = packet.protocol;
            if [IpNumber::TCP, IpNumber::ICMP, IpNumber::IPV6_ICMP].contains(&protocol) {
                return Ok((packet, at));
            }
            (header, bytes) = packet.inside()?;
        }
        Err(NotDecoded::OtherProtocol)
    }

    /// A header between those of IP.
    fn between(&mut self, header: Header, range: Range<usize>) {
        let at = range.start;
        match header {
            Header::Ethernet => self.ethernet(range),
            Header::Udp => {
                // No checksum: in a tunnel IPv6 goes without as well (RFC 6935).
                self.keep(at..at + 6);
                let options = self.original(at + 2) == Some(GENEVE);
                self.keep(at + 8..if options { at + 16 } else { range.end });
            }
            Header::Gre => {
                self.keep(range);
                if self
                    .original::<1>(at)
                    .is_some_and(|[flags]| flags & 0x80 != 0)
                {
                    self.put(at + 4, &[0; 2]);
                }
            }
            _ => self.keep(range),
        }
    }

    fn ip(&mut self, header: Header, range: Range<usize>) {
        let at = range.start;
        if matches!(header, Header::Ipv4) {
            self.keep(at..at + 10);
            self.v4(at + 12);
            self.v4(at + 16);
            let is_right = self
                .from
                .get(range.clone())
                .is_some_and(|h| sum(h) == 0xffff);
            let header = self.into.get(range).unwrap_or_default();
            let checksum = if is_right { !sum(header) } else { 0 };
            self.put(at + 10, &checksum.to_be_bytes());
            return;
        }
        self.keep(at..at + 8);
        self.v6(at + 8);
        self.v6(at + 24);
        let [next] = self.original(at + 6).unwrap_or_default();
        self.extensions(next, at + 40..range.end);
    }

    /// IPv6's further headers: what kind they are, how long, and the place of a fragment. Zeros in the
    /// place of options are padding (RFC 8200 section 4.2).
    fn extensions(&mut self, next: u8, range: Range<usize>) {
        const FRAGMENT: u8 = 44;
        const AUTHENTICATION: u8 = 51;
        let (mut kind, mut at) = (next, range.start);
        while at < range.end
            && let Some([next, len]) = self.original(at)
        {
            let (size, kept) = match kind {
                FRAGMENT => (8, 8),
                // The sequence number, not the value that was made with a key (RFC 4302).
                AUTHENTICATION => ((usize::from(len) + 2) * 4, 12),
                _ => ((usize::from(len) + 1) * 8, 2),
            };
            self.keep(at..at + kept.min(size));
            if kind == 0 {
                self.jumbo(at + 2..range.end.min(at + size));
            }
            (kind, at) = (next, at + size);
        }
    }

    /// A jumbogram's length among the options of a hop-by-hop header (RFC 2675).
    fn jumbo(&mut self, options: Range<usize>) {
        let mut at = options.start;
        while at < options.end {
            let Some([kind, len]) = self.original(at) else {
                return;
            };
            let next = at + if kind == 0 { 1 } else { 2 + usize::from(len) };
            if [kind, len] == [0xc2, 4] {
                self.keep(at..next.min(options.end));
            }
            at = next;
        }
    }

    /// The TCP header, of an IP packet that begins at `ip`. The payload becomes zeros.
    fn tcp(&mut self, packet: &Packet<'_>, ip: usize) {
        let at = place(self.from, packet.payload.data);
        let end = at + packet.payload.data.len();
        self.tcp_header(at..end);
        self.checksum(packet, [ip, at, at + 16]);
    }

    fn tcp_header(&mut self, segment: Range<usize>) {
        let at = segment.start;
        self.keep(at..segment.end.min(at + 16));
        self.keep(segment.end.min(at + 18)..segment.end.min(at + 20));
        let [words] = self.original(at + 12).unwrap_or_default();
        let end = at + usize::from(words >> 4) * 4;
        self.tcp_options(at + 20..end.min(segment.end));
    }

    /// The kinds and lengths of all options, and the values of those that say nothing of anybody. Where
    /// they are malformed they stay so.
    fn tcp_options(&mut self, options: Range<usize>) {
        let mut at = options.start;
        while at < options.end {
            let [kind] = self.original(at).unwrap_or_default();
            if kind < 2 {
                self.keep(at..at + 1);
                if kind == 0 {
                    return;
                }
                at += 1;
                continue;
            }
            self.keep(at..options.end.min(at + 2));
            let Some([len]) = self.original(at + 1).filter(|_| at + 1 < options.end) else {
                return;
            };
            let end = at + usize::from(len);
            if len < 2 || end > options.end {
                return;
            }
            let value = self.from.get(at + 2..end).unwrap_or_default();
            self.keep(at + 2..at + 2 + harmless(kind, value));
            at = end;
        }
    }

    /// An ICMP error: what it says, and the headers that it quotes.
    fn icmp(&mut self, packet: &Packet<'_>, ip: usize) {
        const QUOTE: usize = 8;
        let at = place(self.from, packet.payload.data);
        let end = at + packet.payload.data.len();
        self.keep(at..end.min(at + 2));
        if let Some(data) = self.from.get(at + QUOTE..end) {
            let on_wire = data.len() as u32;
            let bytes = Bytes { data, on_wire };
            let (header, quoted) = match data.first().map(|first| first >> 4) {
                Some(4) => (Header::Ipv4, ip::v4(bytes)),
                _ => (Header::Ipv6, ip::v6(bytes)),
            };
            if let Ok(quoted) = quoted {
                let tcp = place(self.from, quoted.payload.data);
                self.ip(header, at + QUOTE..tcp);
                self.tcp_header(tcp..tcp + quoted.payload.data.len());
            }
        }
        self.checksum(packet, [ip, at, at + 2]);
    }

    /// Writes the checksum of what is whole and was right: that of the segment or message at `at`, in
    /// the IP packet at `ip`, which stands at `field`.
    fn checksum(&mut self, packet: &Packet<'_>, [ip, at, field]: [usize; 3]) {
        let len = packet.payload.on_wire;
        let end = at + packet.payload.data.len();
        let is_whole = end - at == len as usize && !packet.carrier.fragment;
        // IPv4's ICMP has no pseudo header.
        let addresses = match (self.original::<1>(ip), packet.protocol) {
            (_, IpNumber::ICMP) => None,
            (Some([first]), _) if first >> 4 == 4 => Some(ip + 12..ip + 20),
            _ => Some(ip + 8..ip + 40),
        };
        let pseudo = |bytes: &[u8]| {
            let Some(addresses) = addresses.clone() else {
                return 0;
            };
            let addresses = sum(bytes.get(addresses).unwrap_or_default());
            let rest = [
                len.to_be_bytes(),
                u32::from(packet.protocol.0).to_be_bytes(),
            ];
            fold(u64::from(addresses) + u64::from(sum(rest.as_flattened())))
        };
        let total = |bytes: &[u8]| {
            let payload = sum(bytes.get(at..end).unwrap_or_default());
            fold(u64::from(pseudo(bytes)) + u64::from(payload))
        };
        if !is_whole || total(self.from) != 0xffff {
            return;
        }
        let checksum = !total(&self.into);
        self.put(field, &checksum.to_be_bytes());
    }
}

/// How much of an option's value stays.
fn harmless(kind: u8, value: &[u8]) -> usize {
    match (kind, value) {
        // Segment size, window scale, selective acknowledgements, timestamps.
        (2..=5 | 8, value) => value.len(),
        // Of Multipath TCP (RFC 8684 section 3) neither keys and tokens nor addresses.
        (30, [first, ..]) if matches!(first >> 4, 2 | 4 | 5 | 6 | 8) => value.len(),
        (30, value) => value.len().min(2),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::scrub;
    use crate::packet::{AnonymizeKey, Anonymizer, NotDecoded, decode, quoted_by_icmp};
    use proptest::prelude::*;
    use std::fs;
    use std::path::Path;

    fn anonymizer() -> Anonymizer {
        let digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        Anonymizer::new(digits.parse::<AnonymizeKey>().unwrap())
    }

    /// Packets of every link type and tunnel, each with its link type.
    fn packets() -> Vec<(u16, Vec<u8>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/containers");
        let mut packets = Vec::new();
        let mut paths: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap().to_str().unwrap();
            let plain = name.starts_with("tunnel-") || name.starts_with("link-");
            if !plain || path.extension().is_none_or(|end| end != "pcap") {
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            let mut at = 24;
            while at < bytes.len() {
                let len = word(at + 8) as usize;
                packets.push((word(20) as u16, bytes[at + 16..at + 16 + len].to_vec()));
                at += 16 + len;
            }
        }
        assert!(packets.len() > 500, "{}", packets.len());
        packets
    }

    /// What is left is read as what was there, but for the addresses.
    fn is_read_as_before(link: u16, data: &[u8], on_wire: u32) -> Result<(), TestCaseError> {
        let mut anonymizer = anonymizer();
        let scrubbed = scrub(&mut anonymizer, link, data, on_wire);
        match decode(link, data, on_wire) {
            Ok(mut expected) => {
                anonymizer.segment(&mut expected);
                let scrubbed = scrubbed.unwrap();
                prop_assert_eq!(scrubbed.len(), data.len());
                prop_assert_eq!(decode(link, &scrubbed, on_wire), Ok(expected));
            }
            Err(NotDecoded::Icmp) => {
                if let Ok(mut expected) = quoted_by_icmp(link, data, on_wire) {
                    anonymizer.quoted(&mut expected);
                    let quoted = quoted_by_icmp(link, &scrubbed.unwrap(), on_wire);
                    prop_assert_eq!(quoted, Ok(expected));
                }
            }
            Err(_) => {}
        }
        Ok(())
    }

    #[test]
    fn packets_are_read_as_before() {
        for (link, data) in packets() {
            is_read_as_before(link, &data, data.len() as u32).unwrap();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn damaged_packets_are_read_as_before(
            which: prop::sample::Index,
            changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(vec![0, 1, 2, 4, 5, 6, 8, 17, 30, 43, 44, 47, 51, 58, 60, 0x20, 0x45, 0x50, 0x60, 0xc2, 0xff])), 0..5),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            thread_local!(static PACKETS: Vec<(u16, Vec<u8>)> = packets());
            let (link, mut data) = PACKETS.with(|packets| which.get(packets).clone());
            let on_wire = data.len() as u32;
            for (at, value) in changes {
                let at = at.index(data.len());
                data[at] = value;
            }
            if let Some(cut) = cut {
                data.truncate(cut.index(data.len()));
            }
            is_read_as_before(link, &data, on_wire)?;
        }
    }

    /// An Ethernet frame with an IPv4 packet of this protocol.
    fn over_v4(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x11; 12];
        let total = 24 + payload.len() as u8;
        frame.extend([8, 0, 0x46, 0, 0, total, 0, 1, 0, 0, 64, protocol, 0, 0]);
        // A route that was recorded.
        frame.extend([198, 51, 100, 10, 203, 0, 113, 80, 7, 4, 4, 77]);
        frame.extend(payload);
        frame
    }

    #[test]
    fn options_do_not_tell_addresses() {
        let address = [192, 0, 2, 77];
        let mut tcp = vec![0; 20];
        tcp[12] = 0xa0;
        // Multipath TCP's further address, a client's address from a load balancer, a cookie.
        tcp.extend([30, 8, 0x30, 1, 192, 0, 2, 77]);
        tcp.extend([254, 6, 192, 0, 2, 77]);
        tcp.extend([34, 6, 192, 0, 2, 77]);
        tcp.extend(address);
        let frame = over_v4(6, &tcp);
        let hidden = scrub(&mut anonymizer(), 1, &frame, frame.len() as u32).unwrap();
        assert_eq!(hidden[34..38], [0; 4]);
        assert_eq!(hidden[38 + 20..38 + 24], [30, 8, 0x30, 1]);
        assert_eq!(hidden[38 + 28..38 + 30], [254, 6]);
        assert_eq!(hidden[38 + 34..38 + 36], [34, 6]);
        for secret in [address, [198, 51, 100, 10], [203, 0, 113, 80]] {
            assert!(frame.windows(4).any(|window| window == secret));
            assert!(
                !hidden.windows(4).any(|window| window == secret),
                "{secret:?}"
            );
        }
    }

    #[test]
    fn an_error_quotes_other_addresses() {
        let quoted = over_v4(6, &[0; 20]);
        let mut icmp = vec![3, 1, 0, 0, 0, 0, 0, 0];
        icmp.extend(&quoted[14..]);
        let frame = over_v4(1, &icmp);
        let on_wire = frame.len() as u32;
        let mut anonymizer = anonymizer();
        let hidden = scrub(&mut anonymizer, 1, &frame, on_wire).unwrap();
        let mut expected = quoted_by_icmp(1, &frame, on_wire).unwrap();
        anonymizer.quoted(&mut expected);
        assert_eq!(quoted_by_icmp(1, &hidden, on_wire), Ok(expected));
        assert!(!hidden.windows(4).any(|window| window == [198, 51, 100, 10]));
    }
}
