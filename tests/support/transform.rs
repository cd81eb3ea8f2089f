//! The same packets told in another way.

use super::packet::{self, ACK, End, FIN, Fields, RST, SYN};
use super::wrap::Packet;
use std::net::IpAddr;

/// IPv4 to IPv6: `2001:db8::a.b.c.d`. There is no ID field any more.
pub fn to_v6(packets: &[Packet]) -> Vec<Packet> {
    packets.iter().map(v6).collect()
}

fn v6(packet: &Packet) -> Packet {
    let old = &packet.ip;
    if old[0] >> 4 == 6 {
        return packet.clone();
    }
    let tcp = usize::from(old[0] & 15) * 4;
    let mut ip = vec![0x60, 0, 0, 0];
    ip.extend(((packet.wire - tcp) as u16).to_be_bytes());
    ip.extend([6, old[8]]);
    for address in [&old[12..16], &old[16..20]] {
        ip.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0]);
        ip.extend(address);
    }
    ip.extend(&old[tcp..]);
    Packet {
        time: packet.time,
        wire: packet.wire - tcp + 40,
        ip,
    }
}

/// Adds to the numbers of the sender `from` of every connection: SEQ of what it sends, ACK of what
/// it is sent.
pub fn shift(packets: &[Packet], from: End, by: u32) -> Vec<Packet> {
    packets
        .iter()
        .map(|packet| {
            let (seen, mut packet) = (fields(packet), packet.clone());
            if seen.src == from && !is_refusal(&seen) {
                let seq = seen.seq.wrapping_add(by).to_be_bytes();
                packet::put(&mut packet.ip, seen.tcp + 4, &seq);
            }
            if seen.dst == from && seen.has(ACK) {
                let ack = seen.ack.wrapping_add(by).to_be_bytes();
                packet::put(&mut packet.ip, seen.tcp + 8, &ack);
            }
            packet
        })
        .collect()
}

/// The answer to a SYN that meets nothing: its SEQ is 0 by rule, not a number of its sender.
fn is_refusal(seen: &Fields) -> bool {
    seen.has(RST) && seen.has(ACK) && seen.seq == 0
}

/// Numbers at which a wrap could hurt: before the SYN, before and within the data, at the FIN and
/// after it. One list per sender.
pub fn boundaries(packets: &[Packet]) -> Vec<(End, u32)> {
    let mut found = Vec::new();
    for packet in packets {
        let seen = fields(packet);
        let numbers = if seen.has(SYN) {
            vec![seen.seq, seen.seq.wrapping_add(1)]
        } else if seen.has(FIN) {
            vec![seen.seq, seen.end().wrapping_sub(1), seen.end()]
        } else if seen.payload > 0 {
            vec![seen.seq.wrapping_add(1)]
        } else if seen.has(RST) && !is_refusal(&seen) {
            vec![seen.seq]
        } else {
            continue;
        };
        found.extend(numbers.into_iter().map(|number| (seen.src, number)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Gives each host the other's address, ports as they were.
pub fn swap_addresses(packets: &[Packet]) -> Vec<Packet> {
    each(packets, |ip, _| {
        let (at, width) = if ip[0] >> 4 == 4 { (12, 4) } else { (8, 16) };
        ip[at..at + 2 * width].rotate_left(width);
    })
}

/// Gives each end the other's port, addresses as they were.
pub fn swap_ports(packets: &[Packet]) -> Vec<Packet> {
    each(packets, |ip, seen| {
        ip[seen.tcp..seen.tcp + 4].rotate_left(2);
    })
}

/// Another network, so that the flows can stand in one capture with the original ones.
pub fn elsewhere(packets: &[Packet]) -> Vec<Packet> {
    in_network(packets, 0x55)
}

/// One of 256 networks; number 0 is the original one.
pub fn in_network(packets: &[Packet], number: u8) -> Vec<Packet> {
    each(packets, |ip, _| {
        let offsets: &[usize] = if ip[0] >> 4 == 4 { &[13, 17] } else { &[9, 25] };
        for at in offsets {
            ip[*at] ^= number;
        }
    })
}

/// Every record twice, a microsecond apart.
pub fn doubled(packets: &[Packet]) -> Vec<Packet> {
    let copy = |packet: &Packet| {
        let mut again = packet.clone();
        again.time += 1000;
        [packet.clone(), again]
    };
    packets.iter().flat_map(copy).collect()
}

/// One record of each in turn.
pub fn interleaved(a: &[Packet], b: &[Packet]) -> Vec<Packet> {
    let mut all = Vec::new();
    let (mut a, mut b) = (a.iter(), b.iter());
    loop {
        let (x, y) = (a.next(), b.next());
        if x.is_none() && y.is_none() {
            return all;
        }
        all.extend(x.into_iter().chain(y).cloned());
    }
}

/// Cuts each record behind its TCP header, or behind the first 20 bytes of it.
pub fn cut(packets: &[Packet], keep_options: bool) -> Vec<Packet> {
    packets
        .iter()
        .map(|packet| {
            let (seen, mut packet) = (fields(packet), packet.clone());
            let header = if keep_options { seen.header } else { 20 };
            packet.ip.truncate(seen.tcp + header);
            packet
        })
        .collect()
}

/// Where two adjacent records of one connection go in opposite directions, less than a millisecond
/// apart: the places at which a capture of several queues may have them the other way round.
pub fn swappable(packets: &[Packet]) -> Vec<usize> {
    let opposite = |pair: &[Packet]| {
        let (a, b) = (fields(&pair[0]), fields(&pair[1]));
        let close = (pair[1].time - pair[0].time).abs() < 1_000_000;
        a.src == b.dst && a.dst == b.src && close
    };
    let pairs = packets.windows(2).enumerate();
    pairs
        .filter(|(_, pair)| opposite(pair))
        .map(|(at, _)| at)
        .collect()
}

/// The fields of a packet that is known to be TCP.
pub fn fields(packet: &Packet) -> Fields {
    packet::fields(&packet.ip, packet.wire).expect("a TCP segment")
}

/// An address that [`to_v6`] maps to another: as text, for looking flows up.
pub fn mapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(_) => address,
        IpAddr::V4(v4) => {
            let mut octets = [0; 16];
            octets[..4].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
            octets[12..].copy_from_slice(&v4.octets());
            IpAddr::from(octets)
        }
    }
}

fn each(packets: &[Packet], change: impl Fn(&mut [u8], &Fields)) -> Vec<Packet> {
    packets
        .iter()
        .map(|packet| {
            let (seen, mut packet) = (fields(packet), packet.clone());
            change(&mut packet.ip, &seen);
            packet
        })
        .collect()
}
