//! What link types and tunnels put before an IP packet.

/// A way to wrap an IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tunnel {
    Snap,
    Ppp,
    PppCompressed,
    PppHdlc,
    CiscoHdlc,
    PppEther,
    Pppoe,
    Mpls,
    MplsEthernet,
    MplsSll2,
    PseudoWire,
    PseudoWireWithControlWord,
    Gre,
    GreOptions,
    GreBridged,
    GreMpls,
    Pptp,
    IpInIp,
    IpInIpv6,
    MplsInIp,
    Vxlan,
    VxlanLinux,
    VxlanVlan,
    VxlanIpv6,
    VxlanSll,
    Geneve,
    GeneveIp,
    Gtp,
    GtpExtensions,
    Erspan1,
    Erspan2,
    Erspan3,
    Nflog,
    NflogBig,
    GreInVxlanInGtp,
}

/// Outer addresses end so.
const OUTER: [u8; 2] = [7, 9];
const TEB: u16 = 0x6558;

impl Tunnel {
    pub const ALL: [Self; 35] = [
        Self::Snap,
        Self::Ppp,
        Self::PppCompressed,
        Self::PppHdlc,
        Self::CiscoHdlc,
        Self::PppEther,
        Self::Pppoe,
        Self::Mpls,
        Self::MplsEthernet,
        Self::MplsSll2,
        Self::PseudoWire,
        Self::PseudoWireWithControlWord,
        Self::Gre,
        Self::GreOptions,
        Self::GreBridged,
        Self::GreMpls,
        Self::Pptp,
        Self::IpInIp,
        Self::IpInIpv6,
        Self::MplsInIp,
        Self::Vxlan,
        Self::VxlanLinux,
        Self::VxlanVlan,
        Self::VxlanIpv6,
        Self::VxlanSll,
        Self::Geneve,
        Self::GeneveIp,
        Self::Gtp,
        Self::GtpExtensions,
        Self::Erspan1,
        Self::Erspan2,
        Self::Erspan3,
        Self::Nflog,
        Self::NflogBig,
        Self::GreInVxlanInGtp,
    ];

    /// LINKTYPE_ value.
    pub const fn number(self) -> u32 {
        match self {
            Self::Ppp | Self::PppCompressed => 9,
            Self::PppHdlc => 50,
            Self::CiscoHdlc => 104,
            Self::PppEther => 51,
            Self::Mpls => 219,
            Self::MplsSll2 => 276,
            Self::VxlanSll => 113,
            Self::Nflog | Self::NflogBig => 239,
            _ => 1,
        }
    }

    /// What stands before an IP packet that is so long.
    pub fn before(self, v6: bool, len: usize) -> Vec<u8> {
        let mut built = Built {
            head: Vec::new(),
            len,
            v6,
        };
        built.wrap(self);
        built.head
    }
}

struct Built {
    head: Vec<u8>,
    len: usize,
    v6: bool,
}

impl Built {
    fn wrap(&mut self, tunnel: Tunnel) {
        use Tunnel as T;
        match tunnel {
            T::Snap
            | T::Ppp
            | T::PppCompressed
            | T::PppHdlc
            | T::CiscoHdlc
            | T::PppEther
            | T::Pppoe
            | T::Nflog
            | T::NflogBig => self.wrap_link(tunnel),
            T::Mpls
            | T::MplsEthernet
            | T::MplsSll2
            | T::PseudoWire
            | T::PseudoWireWithControlWord
            | T::MplsInIp => self.wrap_mpls(tunnel),
            T::Vxlan
            | T::VxlanLinux
            | T::VxlanVlan
            | T::VxlanIpv6
            | T::VxlanSll
            | T::Geneve
            | T::GeneveIp
            | T::Gtp
            | T::GtpExtensions
            | T::GreInVxlanInGtp => self.wrap_udp(tunnel),
            _ => self.wrap_gre(tunnel),
        }
    }

    fn wrap_link(&mut self, tunnel: Tunnel) {
        let ppp = self.ppp_protocol();
        match tunnel {
            Tunnel::Snap => {
                let kind = self.kind().to_be_bytes();
                self.before(&[&[0xaa, 0xaa, 3, 0, 0, 0], &kind[..]].concat());
                let len = (self.head.len() + self.len) as u16;
                self.ethernet(if len <= 1500 { len } else { 0 });
            }
            Tunnel::Ppp => self.before(&[0, ppp]),
            Tunnel::PppCompressed => self.before(&[ppp]),
            Tunnel::PppHdlc => self.before(&[0xff, 3, 0, ppp]),
            Tunnel::CiscoHdlc => {
                let kind = self.kind().to_be_bytes();
                self.before(&[0x0f, 0, kind[0], kind[1]]);
            }
            Tunnel::PppEther | Tunnel::Pppoe => {
                self.before(&[0, ppp]);
                let len = self.total().to_be_bytes();
                self.before(&[0x11, 0, 0x0b, 0xad, len[0], len[1]]);
                if tunnel == Tunnel::Pppoe {
                    self.ethernet(0x8864);
                }
            }
            _ => self.nflog(tunnel == Tunnel::NflogBig),
        }
    }

    fn nflog(&mut self, big: bool) {
        let number = |n: u16| {
            if big {
                n.to_be_bytes()
            } else {
                n.to_le_bytes()
            }
        };
        let family = if self.v6 { 10 } else { 2 };
        let len = number(self.total() + 4);
        let mut head = vec![family, 0, 0, 5];
        head.extend([number(8), number(1)].concat());
        head.extend([8, 0, 1, 0]);
        head.extend([number(7), number(10)].concat());
        head.extend(b"ab\0\0"); // a prefix of three bytes and one of padding
        head.extend(len);
        head.extend(number(9));
        self.before(&head);
    }

    fn wrap_mpls(&mut self, tunnel: Tunnel) {
        let kind = self.kind();
        match tunnel {
            Tunnel::PseudoWire => self.ethernet(kind),
            Tunnel::PseudoWireWithControlWord => {
                self.ethernet(kind);
                self.before(&[0, 0, 0, 1]);
            }
            _ => {}
        }
        self.labels();
        match tunnel {
            Tunnel::Mpls => {}
            Tunnel::MplsInIp => {
                self.ip4(137);
                self.ethernet(0x0800);
            }
            Tunnel::MplsSll2 => {
                let sll2 = [0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 12, 1, 0, 0];
                self.before(&[&[0x88, 0x47], &sll2[..]].concat());
            }
            _ => self.ethernet(0x8847),
        }
    }

    fn wrap_gre(&mut self, tunnel: Tunnel) {
        let (kind, protocol) = (self.kind(), if self.v6 { 41 } else { 4 });
        match tunnel {
            Tunnel::IpInIp => self.ip4(protocol),
            Tunnel::IpInIpv6 => {
                self.ip6(protocol);
                self.ethernet(0x86dd);
                return;
            }
            Tunnel::Gre => self.gre(0, kind, &[]),
            Tunnel::GreOptions => {
                let fields = [0xbe, 0xef, 0, 0, 0, 1, 2, 3, 0, 0, 0, 5];
                self.gre(0xb000, kind, &fields);
            }
            Tunnel::GreBridged => {
                self.ethernet(kind);
                self.gre(0x2000, TEB, &[0, 0, 0, 77]);
            }
            Tunnel::GreMpls => {
                self.labels();
                self.gre(0, 0x8847, &[]);
            }
            Tunnel::Pptp => {
                let ppp = self.ppp_protocol();
                self.before(&[0xff, 3, 0, ppp]);
                let len = self.total().to_be_bytes();
                let fields = [len[0], len[1], 0x40, 0x41, 0, 0, 0, 1, 0, 0, 0, 2];
                self.gre(0x3081, 0x880b, &fields);
            }
            Tunnel::Erspan1 => {
                self.ethernet(kind);
                self.gre(0, 0x88be, &[]);
            }
            Tunnel::Erspan2 => {
                self.ethernet(kind);
                self.before(&[0x10, 100, 0x19, 0x23, 0, 0, 0, 1]);
                self.gre(0x1000, 0x88be, &[0, 0, 0, 9]);
            }
            _ => {
                self.ethernet(kind);
                self.before(&[0; 8]);
                self.before(&[0x20, 100, 1, 0x23, 0, 0, 0, 1, 0, 0, 0, 1]);
                self.gre(0x1000, 0x22eb, &[0, 0, 0, 9]);
            }
        }
        self.ethernet(0x0800);
    }

    fn wrap_udp(&mut self, tunnel: Tunnel) {
        match tunnel {
            Tunnel::VxlanIpv6 => {
                self.vxlan();
                self.udp(4789);
                self.ip6(17);
                self.ethernet(0x86dd);
                return;
            }
            Tunnel::GeneveIp => self.geneve(self.kind()),
            Tunnel::Geneve => {
                self.ethernet(self.kind());
                self.geneve(TEB);
            }
            Tunnel::Gtp => self.gtp(&[]),
            Tunnel::GtpExtensions => self.gtp(&[0, 1, 0, 0x85, 1, 0x10, 9, 0x85, 1, 0x10, 9, 0]),
            Tunnel::GreInVxlanInGtp => {
                self.gre(0x2000, self.kind(), &[0, 0, 0, 3]);
                self.v6 = false;
                self.vxlan();
                self.udp(4789);
                self.ip4(17);
                self.gtp(&[]);
            }
            Tunnel::VxlanVlan => {
                let kind = self.kind().to_be_bytes();
                self.before(&[0, 100, kind[0], kind[1]]);
                self.ethernet(0x8100);
                self.before(&[8, 0, 0, 0, 0, 0x13, 0x88, 0]);
            }
            _ => self.vxlan(),
        }
        self.udp(match tunnel {
            Tunnel::VxlanLinux => 8472,
            Tunnel::Geneve | Tunnel::GeneveIp => 6081,
            Tunnel::Gtp | Tunnel::GtpExtensions | Tunnel::GreInVxlanInGtp => 2152,
            _ => 4789,
        });
        self.ip4(17);
        if tunnel == Tunnel::VxlanSll {
            self.before(&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 12, 1, 0, 0, 8, 0]);
        } else {
            self.ethernet(0x0800);
        }
    }

    fn vxlan(&mut self) {
        self.ethernet(self.kind());
        self.before(&[8, 0, 0, 0, 0, 0x13, 0x88, 0]);
    }

    fn geneve(&mut self, kind: u16) {
        let kind = kind.to_be_bytes();
        let option = [1, 2, 0x80, 1, 0, 0, 0, 6];
        let head = [2, 0x40, kind[0], kind[1], 0, 0x13, 0x88, 0];
        self.before(&[head, option].concat());
    }

    /// With the optional fields, if there are any, and the extension headers behind them.
    fn gtp(&mut self, optional: &[u8]) {
        let flags = if optional.is_empty() { 0x30 } else { 0x36 };
        self.before(optional);
        let len = self.total().to_be_bytes();
        self.before(&[flags, 0xff, len[0], len[1], 0, 0, 0x10, 1]);
    }

    fn gre(&mut self, flags: u16, kind: u16, fields: &[u8]) {
        self.before(fields);
        let (flags, kind) = (flags.to_be_bytes(), kind.to_be_bytes());
        self.before(&[flags, kind].concat());
        self.ip4(47);
    }

    /// Two, the second one the last.
    fn labels(&mut self) {
        self.before(&[0, 1, 0, 64, 0, 2, 0x21, 64]);
    }

    fn udp(&mut self, port: u16) {
        let (port, len) = (port.to_be_bytes(), (self.total() + 8).to_be_bytes());
        self.before(&[0xc0, 1, port[0], port[1], len[0], len[1], 0, 0]);
    }

    fn ip4(&mut self, protocol: u8) {
        let len = (self.total() + 20).to_be_bytes();
        let [a, b] = OUTER;
        self.before(&[
            0x45, 0, len[0], len[1], 0, 1, 0, 0, 60, protocol, 0, 0, 172, 16, 0, a, 172, 16, 0, b,
        ]);
    }

    fn ip6(&mut self, protocol: u8) {
        let len = self.total().to_be_bytes();
        let [a, b] = OUTER;
        let mut head = vec![0x60, 0, 0, 0, len[0], len[1], protocol, 60];
        for last in [a, b] {
            head.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        }
        self.before(&head);
    }

    fn ethernet(&mut self, kind: u16) {
        let mut head = vec![2, 0, 0, 0, 5, 1, 2, 0, 0, 0, 12, 1];
        head.extend(kind.to_be_bytes());
        self.before(&head);
    }

    fn before(&mut self, head: &[u8]) {
        self.head.splice(0..0, head.iter().copied());
    }

    fn total(&self) -> u16 {
        (self.head.len() + self.len) as u16
    }

    const fn kind(&self) -> u16 {
        if self.v6 { 0x86dd } else { 0x0800 }
    }

    const fn ppp_protocol(&self) -> u8 {
        if self.v6 { 0x57 } else { 0x21 }
    }
}
