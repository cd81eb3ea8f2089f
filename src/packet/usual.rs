//! The frame that most captures consist of, in one step: Ethernet, IPv4 without options, TCP.

use super::ip::{Carrier, mapped};
use super::tcp::{self, Options};
use super::{Flags, Segment};

/// The LINKTYPE of Ethernet.
const EN10MB: u16 = 1;
/// Ethernet's header, and IPv4's behind it.
const IP: usize = 14;
const TCP: usize = IP + 20;
const OPTIONS: usize = TCP + 20;
/// `EtherType` of IPv4; version 4 and a header of five words.
const IPV4: [u8; 3] = [0x08, 0x00, 0x45];
const TCP_PROTOCOL: u8 = 6;
/// More fragments, and the fragment's place.
const FRAGMENT: u16 = 0x3fff;

/// A frame that is such a one, and of which all headers are there. Where its segment is made it need
/// not be laid in memory.
pub(crate) struct Usual<'a> {
    head: &'a [u8; OPTIONS],
    options: Options,
    /// Bytes of payload.
    len: u32,
}

impl<'a> Usual<'a> {
    #[expect(
        clippy::inline_always,
        reason = "else what it finds goes through memory"
    )]
    #[inline(always)]
    pub(crate) fn new(link: u16, data: &'a [u8]) -> Option<Self> {
        let head: &[u8; OPTIONS] = data.first_chunk().filter(|_| link == EN10MB)?;
        let is_ip = [head[IP - 2], head[IP - 1], head[IP]] == IPV4;
        let is_tcp = head[IP + 9] == TCP_PROTOCOL && two(head, IP + 6) & FRAGMENT == 0;
        if !is_ip || !is_tcp {
            return None;
        }
        let end = TCP + usize::from(head[TCP + 12] >> 4) * 4;
        let options = Options::of(data.get(OPTIONS..end)?, Flags(head[TCP + 13]).syn());
        let len = u32::from(two(head, IP + 2)).checked_sub((end - IP) as u32)?;
        Some(Self { head, options, len })
    }

    /// What the layers one by one would give.
    #[inline]
    pub(crate) fn segment(&self) -> Segment {
        let head = self.head;
        let carrier = Carrier {
            src: mapped(four(head, IP + 12)),
            dst: mapped(four(head, IP + 16)),
            ttl: head[IP + 8],
            ip_id: Some(two(head, IP + 4)),
            fragment: false,
            is_padded: false,
        };
        let (_, tcp) = head
            .split_last_chunk()
            .unwrap_or((&[], &[0; OPTIONS - TCP]));
        tcp::assemble(carrier, tcp, self.options, self.len)
    }
}

#[inline]
fn two(head: &[u8; OPTIONS], at: usize) -> u16 {
    u16::from_be_bytes([head[at], head[at + 1]])
}

#[inline]
fn four(head: &[u8; OPTIONS], at: usize) -> u32 {
    u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::Usual;
    use crate::packet::{Layers, NotDecoded, Segment};
    use proptest::prelude::*;

    /// A frame of the usual kind.
    const USUAL: [u8; 70] = {
        let mut frame = [0x11; 70];
        (frame[12], frame[13], frame[14]) = (0x08, 0x00, 0x45);
        (frame[16], frame[17]) = (0, 56);
        (frame[20], frame[21], frame[23]) = (0x40, 0, 6);
        (frame[46], frame[47]) = (0x80, 0x10);
        (frame[54], frame[55], frame[56], frame[57]) = (1, 1, 8, 10);
        frame
    };

    fn decode_by_layers(link: u16, data: &[u8], on_wire: u32) -> Result<Segment, NotDecoded> {
        crate::packet::decode_by_layers(link, data, on_wire, &mut Layers::default())
    }

    fn segment(link: u16, data: &[u8]) -> Option<Segment> {
        Usual::new(link, data).map(|usual| usual.segment())
    }

    #[test]
    fn takes_the_usual_frame() {
        let usual = segment(1, &USUAL).unwrap();
        assert_eq!(Ok(usual), decode_by_layers(1, &USUAL, 70));
        assert_eq!(usual.len, 4);
        let mut plain = USUAL;
        plain[46] = 0x50;
        assert_eq!(segment(1, &plain).unwrap().len, 16);
    }

    /// The usual frame with a TCP header of so many words, these flags and these options.
    fn with_options(words: u8, flags: u8, options: &[u8]) -> [u8; 94] {
        let mut frame = [0; 94];
        frame[..70].copy_from_slice(&USUAL);
        (frame[17], frame[46], frame[47]) = (80, words << 4, flags);
        frame[54..54 + options.len()].copy_from_slice(options);
        frame
    }

    #[test]
    fn takes_a_syn() {
        let options = [
            2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0, 1, 3, 3, 9,
        ];
        let frame = with_options(10, 2, &options);
        let syn = segment(1, &frame).unwrap();
        assert_eq!(Ok(syn), decode_by_layers(1, &frame, 94));
        assert_eq!((syn.window_scale, syn.len), (Some(9), 20));
        assert_eq!(syn.timestamps.map(|stamps| stamps.val.0), Some(7));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn equals_the_layers_one_by_one(
            changes in prop::collection::vec((12_usize..70, prop::sample::select(vec![0, 1, 5, 6, 8, 10, 20, 39, 40, 51, 0x20, 0x45, 0x46, 0x50, 0x60, 0x80, 0xff])), 0..4),
            len in prop::sample::select(vec![70, 70, 70, 66, 65, 60, 57, 54, 53, 33]),
            link in prop::sample::select(vec![1_u16, 1, 1, 101]),
            on_wire in 54_u32..1600,
        ) {
            let mut frame = USUAL;
            for (at, value) in changes {
                frame[at] = value;
            }
            let data = &frame[..len];
            let on_wire = on_wire.max(len as u32);
            if let Some(usual) = segment(link, data) {
                prop_assert_eq!(Ok(usual), decode_by_layers(link, data, on_wire));
            }
        }

        #[test]
        fn equals_the_layers_whatever_the_options(
            options in prop::collection::vec(prop::sample::select(vec![0, 1, 1, 1, 2, 3, 4, 5, 8, 10, 12, 30, 0x10, 0x20, 0xff]), 40),
            usual: bool,
            words in 4_u8..16,
            flags: u8,
            len in 50_usize..=94,
        ) {
            let mut frame = with_options(words, flags, &options);
            if usual {
                frame[54..58].copy_from_slice(&[1, 1, 8, 10]);
            }
            let data = &frame[..len];
            if let Some(usual) = segment(1, data) {
                prop_assert_eq!(Ok(usual), decode_by_layers(1, data, 94));
            }
        }
    }
}
