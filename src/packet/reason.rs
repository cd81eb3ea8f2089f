//! Why a packet gives no segment.

/// Why a packet gives no segment. Such packets are counted by reason; `reason as usize` indexes
/// [`NotDecoded::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum NotDecoded {
    /// The link type is not among those that are decoded.
    UnknownLinkType,
    /// ARP or RARP.
    Arp,
    /// Neither IP nor ARP.
    NotIp,
    /// UDP over IP, and no tunnel in it.
    Udp,
    /// ICMP or `ICMPv6`.
    Icmp,
    /// Another protocol over IP, or too many tunnels in one another.
    OtherProtocol,
    /// A fragment of a TCP segment or of a tunnel's packet other than the first: it has no TCP
    /// header.
    LaterFragment,
    /// The capture cut the packet before the flags of a TCP header.
    HeaderCut,
    /// The IP header contradicts itself.
    MalformedIp,
    /// The TCP header contradicts itself or the IP header.
    MalformedTcp,
}

impl NotDecoded {
    /// All reasons, in the order of their numbers.
    pub const ALL: &[Self] = &[
        Self::UnknownLinkType,
        Self::Arp,
        Self::NotIp,
        Self::Udp,
        Self::Icmp,
        Self::OtherProtocol,
        Self::LaterFragment,
        Self::HeaderCut,
        Self::MalformedIp,
        Self::MalformedTcp,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownLinkType => "unknown-link-type",
            Self::Arp => "arp",
            Self::NotIp => "not-ip",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::OtherProtocol => "other-protocol",
            Self::LaterFragment => "later-fragment",
            Self::HeaderCut => "header-cut",
            Self::MalformedIp => "malformed-ip",
            Self::MalformedTcp => "malformed-tcp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NotDecoded;

    #[test]
    fn each_stands_at_its_own_number_with_its_own_name() {
        for (number, reason) in NotDecoded::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, number);
            let same = |other: &&NotDecoded| other.name() == reason.name();
            assert_eq!(NotDecoded::ALL.iter().filter(same).count(), 1);
        }
    }
}
