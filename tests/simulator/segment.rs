//! A segment of the simulated network, and the bytes a capture shows of it.

use crate::support::packet::{ACK, FIN, RST, SYN};
use crate::support::wrap::Packet;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seg {
    /// The sending host: 0 the client, 1 the server.
    pub(crate) from: usize,
    /// Which connection of the 4-tuple its sender means.
    pub(crate) inc: usize,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    pub(crate) len: u32,
    pub(crate) window: u16,
    pub(crate) timestamps: Option<(u32, u32)>,
    /// None in IPv6.
    pub(crate) id: Option<u16>,
    pub(crate) ttl: u8,
}

impl Seg {
    pub(crate) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(crate) const fn end(&self) -> u32 {
        self.seq
            .wrapping_add(self.len + self.has(SYN) as u32 + self.has(FIN) as u32)
    }

    /// The record of it.
    pub(crate) fn packet(&self, time: i64) -> Packet {
        let mut tcp = Vec::new();
        let ports: [u16; 2] = [40000, 80];
        tcp.extend(ports[self.from].to_be_bytes());
        tcp.extend(ports[1 - self.from].to_be_bytes());
        tcp.extend(self.seq.to_be_bytes());
        tcp.extend(self.ack.to_be_bytes());
        let words = if self.timestamps.is_some() { 8 } else { 5 };
        tcp.extend([words << 4, self.flags]);
        tcp.extend(self.window.to_be_bytes());
        tcp.extend([0; 4]);
        if let Some((val, ecr)) = self.timestamps {
            tcp.extend([1, 1, 8, 10]);
            tcp.extend(val.to_be_bytes());
            tcp.extend(ecr.to_be_bytes());
        }
        let mut ip = self.ip_header(tcp.len());
        ip.extend(tcp);
        let wire = ip.len() + self.len as usize;
        Packet { time, ip, wire }
    }

    fn ip_header(&self, tcp: usize) -> Vec<u8> {
        let length = tcp as u16 + self.len as u16;
        let host = |n: usize| n as u8 + 1;
        let Some(id) = self.id else {
            let mut ip = vec![0x60, 0, 0, 0];
            ip.extend(length.to_be_bytes());
            ip.extend([6, self.ttl]);
            for n in [self.from, 1 - self.from] {
                ip.extend([
                    0x20,
                    1,
                    0x0d,
                    0xb8,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    host(n),
                ]);
            }
            return ip;
        };
        let mut ip = vec![0x45, 0];
        ip.extend((length + 20).to_be_bytes());
        ip.extend(id.to_be_bytes());
        ip.extend([0x40, 0, self.ttl, 6, 0, 0, 10, 0, 0, host(self.from)]);
        ip.extend([10, 0, 0, host(1 - self.from)]);
        ip
    }

    /// As tcpdump would print it, numbers as they are.
    pub(crate) fn text(&self) -> String {
        let who = ["C > S", "S > C"][self.from];
        let letters = [(SYN, 'S'), (FIN, 'F'), (RST, 'R'), (ACK, '.')];
        let flags: String = letters
            .iter()
            .filter(|(f, _)| self.has(*f))
            .map(|(_, c)| *c)
            .collect();
        format!(
            "{who} {flags:<3} #{} {}:{} ack {} win {} ts {:?} id {:?} ttl {}",
            self.inc,
            self.seq,
            self.seq.wrapping_add(self.len),
            self.ack,
            self.window,
            self.timestamps,
            self.id,
            self.ttl
        )
    }
}
