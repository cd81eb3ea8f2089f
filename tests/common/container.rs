//! Builds captures byte by byte: pcap in all its magics and pcapng with all its packet blocks.
#![allow(dead_code, reason = "each test program uses its own part")]

/// The byte order of a file or section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) const BOTH: [Self; 2] = [Self::Little, Self::Big];

    pub(crate) fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    pub(crate) fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    pub(crate) fn u64(self, value: u64) -> [u8; 8] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

pub(crate) const MICROSECONDS: u32 = 0xa1b2_c3d4;
pub(crate) const NANOSECONDS: u32 = 0xa1b2_3c4d;
pub(crate) const MODIFIED: u32 = 0xa1b2_cd34;
pub(crate) const IXIA_HARDWARE: u32 = 0x1c00_01ac;
pub(crate) const IXIA_SOFTWARE: u32 = 0x1c00_01ab;

/// A pcap file.
pub(crate) struct Pcap {
    pub(crate) bytes: Vec<u8>,
    order: Order,
    magic: u32,
}

impl Pcap {
    pub(crate) fn new(magic: u32, order: Order, network: u32) -> Self {
        let mut bytes = Vec::new();
        bytes.extend(order.u32(magic));
        bytes.extend(order.u16(2));
        bytes.extend(order.u16(4));
        bytes.extend([0; 8]);
        bytes.extend(order.u32(262_144));
        bytes.extend(order.u32(network));
        if magic == IXIA_HARDWARE || magic == IXIA_SOFTWARE {
            bytes.extend(order.u32(0));
        }
        Self {
            bytes,
            order,
            magic,
        }
    }

    /// A record with the time `seconds` and `fraction` in the file's own unit.
    pub(crate) fn record(
        mut self,
        (seconds, fraction): (u32, u32),
        data: &[u8],
        original: u32,
    ) -> Self {
        let fields = [seconds, fraction, data.len() as u32, original];
        self.bytes
            .extend(fields.map(|n| self.order.u32(n)).concat());
        if self.magic == MODIFIED {
            self.bytes.extend([0; 8]);
        }
        self.bytes.extend(data);
        self
    }
}

/// A pcapng file; blocks are written in the byte order of the present section.
pub(crate) struct PcapNg {
    pub(crate) bytes: Vec<u8>,
    order: Order,
}

pub(crate) type Options<'a> = &'a [(u16, &'a [u8])];

impl PcapNg {
    pub(crate) fn new(order: Order) -> Self {
        let bytes = Vec::new();
        Self { bytes, order }.section(order, &[])
    }

    pub(crate) fn section(mut self, order: Order, options: Options) -> Self {
        self.order = order;
        let mut body = order.u32(0x1a2b_3c4d).to_vec();
        body.extend(order.u16(1));
        body.extend(order.u16(0));
        body.extend(order.u64(u64::MAX));
        body.extend(self.options(options));
        self.block(0x0a0d_0d0a, &body)
    }

    pub(crate) fn interface(self, link: u16, snaplen: u32, options: Options) -> Self {
        let mut body = self.order.u16(link).to_vec();
        body.extend([0; 2]);
        body.extend(self.order.u32(snaplen));
        body.extend(self.options(options));
        self.block(1, &body)
    }

    pub(crate) fn enhanced(
        self,
        interface: u32,
        ticks: u64,
        data: &[u8],
        options: Options,
    ) -> Self {
        let original = data.len() as u32;
        self.enhanced_cut(interface, ticks, data, original, options)
    }

    pub(crate) fn enhanced_cut(
        self,
        interface: u32,
        ticks: u64,
        data: &[u8],
        original: u32,
        options: Options,
    ) -> Self {
        let mut body = self.order.u32(interface).to_vec();
        body.extend(self.packet(ticks, data, original));
        body.extend(self.options(options));
        self.block(6, &body)
    }

    pub(crate) fn obsolete(self, interface: u16, ticks: u64, data: &[u8]) -> Self {
        let mut body = self.order.u16(interface).to_vec();
        body.extend(self.order.u16(7)); // drops
        body.extend(self.packet(ticks, data, data.len() as u32));
        self.block(2, &body)
    }

    pub(crate) fn simple(self, data: &[u8], original: u32) -> Self {
        let mut body = self.order.u32(original).to_vec();
        body.extend(padded(data));
        self.block(3, &body)
    }

    pub(crate) fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let body = padded(body);
        let len = self.order.u32(body.len() as u32 + 12);
        self.bytes.extend(self.order.u32(kind));
        self.bytes.extend(len);
        self.bytes.extend(body);
        self.bytes.extend(len);
        self
    }

    fn packet(&self, ticks: u64, data: &[u8], original: u32) -> Vec<u8> {
        let fields = [
            (ticks >> 32) as u32,
            ticks as u32,
            data.len() as u32,
            original,
        ];
        let mut body = fields.map(|n| self.order.u32(n)).concat();
        body.extend(padded(data));
        body
    }

    fn options(&self, options: Options) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (code, value) in options {
            bytes.extend(self.order.u16(*code));
            bytes.extend(self.order.u16(value.len() as u16));
            bytes.extend(padded(value));
        }
        bytes
    }
}

fn padded(data: &[u8]) -> Vec<u8> {
    let mut padded = data.to_vec();
    // Not zeros: padding that leaks into a packet shall be seen.
    padded.resize(data.len().next_multiple_of(4), 0xee);
    padded
}
