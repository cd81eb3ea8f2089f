//! Builds packets header by header.
#![allow(dead_code, reason = "each test program uses its own part")]

/// Bits of the TCP flags field.
pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const ACK: u8 = 16;

/// Ports of every TCP header made here.
pub(crate) const PORTS: (u16, u16) = (40_000, 80);
pub(crate) const SEQ: u32 = 0x0102_0304;
pub(crate) const ACK_NUMBER: u32 = 0xf1f2_f3f4;
pub(crate) const WINDOW: u16 = 502;
pub(crate) const TSVAL: u32 = 0xa000_0001;
pub(crate) const TSECR: u32 = 0xb000_0002;

/// The timestamps option alone.
pub(crate) fn timestamps() -> Vec<u8> {
    let mut option = vec![8, 10];
    option.extend(TSVAL.to_be_bytes());
    option.extend(TSECR.to_be_bytes());
    option
}

/// Two no-operations and the timestamps, as every stack writes them.
pub(crate) fn usual_options() -> Vec<u8> {
    [&[1, 1], &timestamps()[..]].concat()
}

/// A TCP header with these options (padded with ends of options) and payload.
pub(crate) fn tcp(flags: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let options_len = options.len().next_multiple_of(4);
    let mut bytes = Vec::new();
    bytes.extend(PORTS.0.to_be_bytes());
    bytes.extend(PORTS.1.to_be_bytes());
    bytes.extend(SEQ.to_be_bytes());
    bytes.extend(ACK_NUMBER.to_be_bytes());
    bytes.push(((5 + options_len / 4) << 4) as u8);
    bytes.push(flags);
    bytes.extend(WINDOW.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(options);
    bytes.resize(20 + options_len, 0);
    bytes.extend(payload);
    bytes
}

/// What of an IPv4 header a test may want to change.
pub(crate) struct Ipv4<'a> {
    pub(crate) options: &'a [u8],
    /// In place of the right one.
    pub(crate) total_len: Option<u16>,
    /// Flags and offset.
    pub(crate) fragment: u16,
    pub(crate) protocol: u8,
}

impl Default for Ipv4<'_> {
    fn default() -> Self {
        Self {
            options: &[],
            total_len: None,
            fragment: 0x4000,
            protocol: 6,
        }
    }
}

impl Ipv4<'_> {
    /// From 10.0.0.1 to 10.0.0.2, TTL 64, ID 0x1234.
    pub(crate) fn packet(&self, payload: &[u8]) -> Vec<u8> {
        let header_len = 20 + self.options.len();
        let total_len = (header_len + payload.len()) as u16;
        let mut bytes = vec![0x40 | (header_len / 4) as u8, 0];
        bytes.extend(self.total_len.unwrap_or(total_len).to_be_bytes());
        bytes.extend([0x12, 0x34]);
        bytes.extend(self.fragment.to_be_bytes());
        bytes.extend([64, self.protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        bytes.extend(self.options);
        bytes.extend(payload);
        bytes
    }
}

pub(crate) fn ipv4(payload: &[u8]) -> Vec<u8> {
    Ipv4::default().packet(payload)
}

/// From `2001:db8::1` to `2001:db8::2`, hop limit 63.
pub(crate) fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    ipv6_of_length(payload.len() as u16, next_header, payload)
}

pub(crate) fn ipv6_of_length(len: u16, next_header: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend(len.to_be_bytes());
    bytes.extend([next_header, 63]);
    for last in [1, 2] {
        bytes.extend([
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last,
        ]);
    }
    bytes.extend(payload);
    bytes
}

pub(crate) const IPV4: u16 = 0x0800;
pub(crate) const IPV6: u16 = 0x86dd;

/// An Ethernet frame with one VLAN tag for each of `tags` (their `EtherType`).
pub(crate) fn ethernet(tags: &[u16], ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2; 12];
    for tag in tags {
        bytes.extend(tag.to_be_bytes());
        bytes.extend([0, 42]);
    }
    bytes.extend(ether_type.to_be_bytes());
    bytes.extend(payload);
    bytes
}
