//! The frames that most captures consist of, each in one step: Ethernet, IPv4 without options or
//! IPv6 without further headers, TCP.

use super::ip::{Carrier, mapped};
use super::tcp::{self, Options};
use super::{Flags, Said, Segment};
use crate::seq::SeqNum;

/// The LINKTYPE of Ethernet.
const EN10MB: u16 = 1;
/// Ethernet's header, TCP's without options.
const ETHERNET: usize = 14;
const TCP: usize = 20;
/// All headers without TCP's options.
const V4: usize = ETHERNET + 20 + TCP;
const V6: usize = ETHERNET + 40 + TCP;
/// `EtherType` of IPv4, version 4 and a header of five words; and which bits of four bytes those are.
const IPV4: u32 = 0x0800_4500;
const IPV4_BITS: u32 = 0xffff_ff00;
const IPV6: [u8; 2] = [0x86, 0xdd];
const TCP_PROTOCOL: u8 = 6;
/// More fragments, the fragment's place, and the protocol behind the TTL.
const FRAGMENT_AND_PROTOCOL: u32 = 0x3fff_00ff;

/// A frame that is such a one, and of which all headers are there. Where its segment is made it need
/// not be laid in memory.
pub(crate) struct Usual<'a, const HEAD: usize = V4> {
    head: &'a [u8; HEAD],
    options: Options,
    /// Bytes of payload.
    len: u32,
}

impl<'a, const HEAD: usize> Usual<'a, HEAD> {
    /// `len`: that of the packet behind its `first` bytes. `read`: reads the options, so many bytes of
    /// these, of a SYN, or those of another segment.
    #[inline]
    fn new(
        data: &'a [u8],
        head: &'a [u8; HEAD],
        (first, len): (usize, u16),
        read: impl FnOnce(usize, &[u8], bool) -> Option<Options>,
    ) -> Option<Self> {
        let tcp = tcp(head);
        let end = HEAD - TCP + usize::from(tcp[12] >> 4) * 4;
        let behind = data.get(HEAD..)?;
        let options = read(end.wrapping_sub(HEAD), behind, Flags(tcp[13]).syn())?;
        let len = u32::from(len).checked_sub((end - first) as u32)?;
        Some(Self { head, options, len })
    }

    /// Its payload may say something, if any was captured.
    #[inline]
    pub(crate) fn may_speak(&self, data: &'a [u8]) -> bool {
        // Most have none, whatever padding there is.
        self.len > 0 && Said::may_be(self.payload(data), self.len)
    }

    /// What was captured of its payload, and of the frame's padding.
    #[inline]
    pub(crate) fn payload(&self, data: &'a [u8]) -> &'a [u8] {
        let words = usize::from(tcp(self.head)[12] >> 4);
        data.get(HEAD - TCP + words * 4..).unwrap_or_default()
    }
}

impl<'a> Usual<'a, V4> {
    /// Of the usual options.
    #[inline]
    pub(crate) fn v4(link: u16, data: &'a [u8]) -> Option<Self> {
        Self::over_v4(link, data, Options::usual)
    }

    /// Of any options.
    #[inline]
    pub(crate) fn v4_any(link: u16, data: &'a [u8]) -> Option<Self> {
        Self::over_v4(link, data, any)
    }

    // Else what it finds goes through memory.
    #[inline(always)]
    fn over_v4(
        link: u16,
        data: &'a [u8],
        read: impl FnOnce(usize, &[u8], bool) -> Option<Options>,
    ) -> Option<Self> {
        const IP: usize = ETHERNET;
        let head: &[u8; V4] = data.first_chunk().filter(|_| link == EN10MB)?;
        // Four bytes at once, most of which are compared.
        let four = |at| u32::from_be_bytes(bytes(head, at));
        let is_ip = four(IP - 2) & IPV4_BITS == IPV4;
        let is_tcp = four(IP + 6) & FRAGMENT_AND_PROTOCOL == u32::from(TCP_PROTOCOL);
        if !is_ip || !is_tcp {
            return None;
        }
        Self::new(data, head, (IP, two(head, IP + 2)), read)
    }

    /// What the layers one by one would give.
    #[inline]
    pub(crate) fn segment(&self) -> Segment {
        let head = self.head;
        let addr = |at| mapped(u32::from_be_bytes(bytes(head, at)));
        let carrier = Carrier {
            src: addr(ETHERNET + 12),
            dst: addr(ETHERNET + 16),
            ttl: head[ETHERNET + 8],
            ip_id: Some(two(head, ETHERNET + 4)),
            fragment: false,
            is_padded: false,
        };
        tcp::assemble(carrier, tcp(head), self.options, self.len)
    }
}

/// The same in plain numbers, for who needs no [`Segment`]: of the usual options.
impl Usual<'_, V4> {
    /// The addresses as they stand, the first byte lowest, and the ports below them.
    #[inline]
    pub(crate) fn ends(&self) -> [u64; 2] {
        let head = self.head;
        let end = |addr, port| {
            let addr = u32::from_le_bytes(bytes(head, addr));
            u64::from(addr) << u16::BITS | u64::from(two(head, port))
        };
        [
            end(ETHERNET + 12, V4 - TCP),
            end(ETHERNET + 16, V4 - TCP + 2),
        ]
    }

    /// SEG.SEQ and SEG.ACK.
    #[inline]
    pub(crate) fn numbers(&self) -> [SeqNum; 2] {
        let both = u64::from_be_bytes(bytes(self.head, V4 - TCP + 4));
        [SeqNum((both >> 32) as u32), SeqNum(both as u32)]
    }

    #[inline]
    pub(crate) fn flags(&self) -> Flags {
        Flags(self.head[V4 - TCP + 13])
    }

    #[inline]
    pub(crate) fn window(&self) -> u16 {
        two(self.head, V4 - TCP + 14)
    }

    #[inline]
    pub(crate) const fn ttl(&self) -> u8 {
        self.head[ETHERNET + 8]
    }

    #[inline]
    pub(crate) fn ip_id(&self) -> u16 {
        two(self.head, ETHERNET + 4)
    }

    /// Bytes of payload.
    #[inline]
    pub(crate) const fn payload_len(&self) -> u32 {
        self.len
    }

    #[inline]
    pub(crate) const fn options(&self) -> &Options {
        &self.options
    }
}

impl<'a> Usual<'a, V6> {
    /// Of any options.
    #[inline]
    pub(crate) fn v6(link: u16, data: &'a [u8]) -> Option<Self> {
        const IP: usize = ETHERNET;
        let head: &[u8; V6] = data.first_chunk().filter(|_| link == EN10MB)?;
        let is_ip = [head[IP - 2], head[IP - 1]] == IPV6 && head[IP] >> 4 == 6;
        if !is_ip || head[IP + 6] != TCP_PROTOCOL {
            return None;
        }
        let len = (V6 - TCP, two(head, IP + 4));
        Self::new(data, head, len, any)
    }

    /// What the layers one by one would give.
    #[inline]
    pub(crate) fn segment(&self) -> Segment {
        let head = self.head;
        let addr = |at| u128::from_be_bytes(bytes(head, at));
        let carrier = Carrier {
            src: addr(ETHERNET + 8),
            dst: addr(ETHERNET + 24),
            ttl: head[ETHERNET + 7],
            ip_id: None,
            fragment: false,
            is_padded: false,
        };
        tcp::assemble(carrier, tcp(head), self.options, self.len)
    }
}

/// Any options of this length that these bytes begin with, if they are all there.
#[inline]
fn any(len: usize, bytes: &[u8], is_syn: bool) -> Option<Options> {
    Some(Options::of(bytes.get(..len)?, is_syn))
}

/// The TCP header without options, which is the last of all.
#[inline]
fn tcp<const HEAD: usize>(head: &[u8; HEAD]) -> &[u8; TCP] {
    head.last_chunk().unwrap_or(&[0; TCP])
}

#[inline]
fn two<const HEAD: usize>(head: &[u8; HEAD], at: usize) -> u16 {
    u16::from_be_bytes(bytes(head, at))
}

/// Never outside of the headers.
#[inline]
fn bytes<const HEAD: usize, const N: usize>(head: &[u8; HEAD], at: usize) -> [u8; N] {
    let some = head.get(at..).and_then(<[u8]>::first_chunk);
    some.copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::Usual;
    use crate::packet::{Around, NotDecoded, Segment};
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
        crate::packet::decode_by_layers(link, data, on_wire, &mut Around::default())
    }

    fn segment(link: u16, data: &[u8]) -> Option<Segment> {
        let usual = Usual::v4(link, data).map(|usual| usual.segment());
        let any = Usual::v4_any(link, data).map(|usual| usual.segment());
        assert!(usual.is_none() || usual == any);
        any
    }

    /// The usual frame over IPv6, with a header of this version and protocol and of this length.
    fn over_v6(frame: &[u8], [version, protocol]: [u8; 2], len: u16) -> Vec<u8> {
        let mut v6 = frame[..12].to_vec();
        v6.extend([0x86, 0xdd, version << 4, 0, 0, 0]);
        v6.extend(len.to_be_bytes());
        v6.extend([protocol, 61]);
        v6.extend(0x21..0x41);
        v6.extend(&frame[34..]);
        v6
    }

    #[test]
    fn takes_the_usual_frame_over_ipv6() {
        let frame = over_v6(&USUAL, [6, 6], 36);
        let usual = Usual::v6(1, &frame).unwrap().segment();
        assert_eq!(Ok(usual), decode_by_layers(1, &frame, 90));
        assert_eq!((usual.len, usual.ttl), (4, 61));
        assert!(Usual::v6(1, &USUAL).is_none() && Usual::v4_any(1, &frame).is_none());
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

        #[test]
        fn equals_the_layers_over_ipv6(
            options in prop::collection::vec(prop::sample::select(vec![0, 1, 1, 1, 2, 3, 4, 5, 8, 10, 12, 30, 0x10, 0x20, 0xff]), 40),
            (words, flags) in (4_u8..16, any::<u8>()),
            version in prop::sample::select(vec![6, 6, 6, 4, 0, 15]),
            protocol in prop::sample::select(vec![6, 6, 6, 0, 17, 43, 44]),
            (len, captured) in (0_u16..80, 50_usize..=114),
        ) {
            let frame = over_v6(&with_options(words, flags, &options), [version, protocol], len);
            let data = &frame[..captured];
            if let Some(usual) = Usual::v6(1, data) {
                prop_assert_eq!(Ok(usual.segment()), decode_by_layers(1, data, 114));
            }
        }
    }
}
