//! Where the capture was taken, by how segments had been changed and delayed when they passed.

use crate::close::vantage::{Point, Vantage};
use crate::close::verdict::{Confidence, Verdict};
use crate::flow::{Flow, Half};
use crate::patterns::services::Use;
use crate::stamp::MILLISECOND;

/// A host at the capture point answers within that.
const AT_ONCE: i64 = MILLISECOND;
/// And so many times sooner than the other one.
const SOONER: i64 = 10;
/// No frame on a wire has more payload than that (jumbo frames): offload joined or did not yet cut it.
const LONGEST_FRAME: u32 = 9216;

/// What connections say of the capture point.
#[derive(Debug, Default)]
pub(super) struct Votes {
    /// For the client, the server, the middle; contradicting themselves.
    points: [u64; 4],
    /// Of those, by both signs.
    doubly: u64,
    silent: u64,
    /// TTLs of a client and a server, of the first connection that had some.
    ttls: Option<[u8; 2]>,
    /// The shortest round trips to a client and to a server.
    rtts: [Option<i64>; 2],
    longest: [u32; 2],
    loopback: u64,
}

impl Votes {
    /// Takes in a connection.
    pub(super) fn see(&mut self, flow: &Flow, verdict: &Verdict, client: u8, use_: &Use) {
        if verdict.server.addr.is_loopback() {
            self.loopback += 1;
            return;
        }
        let [a, b] = &flow.half;
        let (client, server) = if client == 0 { (a, b) } else { (b, a) };
        for (longest, seen) in self.longest.iter_mut().zip(use_.longest) {
            *longest = seen.max(*longest);
        }
        let ttls = only_ttls(client, server);
        if self.ttls.is_none() {
            self.ttls = ttls.map(|(c, s)| [c, s]);
        }
        for (least, half) in self.rtts.iter_mut().zip([client, server]) {
            if let Some(rtt) = half.rtt
                && least.is_none_or(|least| rtt < least)
            {
                *least = Some(rtt);
            }
        }
        let by_ttl = ttls.and_then(|(c, s)| by_ttl(c, s));
        let by_rtt = client.rtt.zip(server.rtt).and_then(|(c, s)| by_rtt(c, s));
        self.count(by_ttl, by_rtt);
    }

    fn count(&mut self, by_ttl: Option<Point>, by_rtt: Option<Point>) {
        let vote = match (by_ttl, by_rtt) {
            (Some(a), Some(b)) if a == b => {
                self.doubly += 1;
                Some(a)
            }
            // Every segment had passed a router: however near the host may be, this is not it.
            (Some(Point::Middle), Some(_)) => Some(Point::Middle),
            (Some(_), Some(_)) => Some(Point::Unknown),
            (a, b) => a.or(b),
        };
        match vote {
            Some(Point::Client) => self.points[0] += 1,
            Some(Point::Server) => self.points[1] += 1,
            Some(Point::Middle) => self.points[2] += 1,
            Some(Point::Unknown) => self.points[3] += 1,
            None => self.silent += 1,
        }
    }

    /// What most of them say.
    pub(super) fn vantage(&self) -> Vantage {
        let votes: u64 = self.points.iter().sum();
        let ranked = [Point::Client, Point::Server, Point::Middle, Point::Unknown];
        let counted = self.points.iter().zip(ranked);
        let (most, point) = counted
            .max_by_key(|(count, _)| **count)
            .unwrap_or((&0, Point::Unknown));
        let mut evidence = self.evidence();
        if votes == 0 || most * 10 < votes * 9 || point == Point::Unknown {
            if votes > 0 {
                let [client, server, middle, neither] = self.points;
                evidence.push(format!(
                    "connections differ: {client} as seen at the client, {server} at the server, \
                     {middle} in the middle, {neither} contradict themselves"
                ));
            }
            return Vantage::new(Point::Unknown, Confidence::Possible, evidence);
        }
        let offload = self.longest.iter().any(|&len| len > LONGEST_FRAME);
        let sure = self.doubly * 2 > votes && !(offload && point == Point::Middle);
        let confidence = if sure {
            Confidence::Likely
        } else {
            Confidence::Possible
        };
        Vantage::new(point, confidence, evidence)
    }

    fn evidence(&self) -> Vec<String> {
        let mut evidence = Vec::new();
        if let Some([client, server]) = self.ttls {
            evidence.push(match (is_initial(client), is_initial(server)) {
                (true, true) => format!("TTL {client} and {server} are as hosts send them"),
                (true, false) => format!(
                    "the client's TTL {client} is as hosts send it, the server's {server} was \
                     lowered by routers"
                ),
                (false, true) => format!(
                    "the server's TTL {server} is as hosts send it, the client's {client} was \
                     lowered by routers"
                ),
                (false, false) => format!(
                    "routers lowered the client's TTL to {client} and the server's to {server}"
                ),
            });
        }
        if let [Some(client), Some(server)] = self.rtts {
            let millis = |ns: i64| crate::patterns::figure::seconds(ns) * 1000.0;
            evidence.push(format!(
                "clients answer after {:.3} ms at least, servers after {:.3} ms",
                millis(client),
                millis(server)
            ));
        }
        for (side, len) in ["client", "server"].into_iter().zip(self.longest) {
            if len > LONGEST_FRAME {
                evidence.push(format!(
                    "segments of the {side} carry up to {len} bytes, more than a frame can: \
                     captured on a host with offload"
                ));
            }
        }
        if self.loopback > 0 {
            evidence.push(format!(
                "{} over the loopback interface: captured on the host itself",
                crate::patterns::figure::connections(self.loopback)
            ));
        }
        evidence
    }
}

/// The TTLs of both, where each had one only.
fn only_ttls(client: &Half, server: &Half) -> Option<(u8, u8)> {
    match (client.ttl?, server.ttl?) {
        ((client, high), (server, other)) if client == high && server == other => {
            Some((client, server))
        }
        _ => None,
    }
}

fn by_ttl(client: u8, server: u8) -> Option<Point> {
    match (is_initial(client), is_initial(server)) {
        (true, false) => Some(Point::Client),
        (false, true) => Some(Point::Server),
        (false, false) => Some(Point::Middle),
        (true, true) => None,
    }
}

/// A host near the capture point answers much sooner than the other one.
fn by_rtt(client: i64, server: i64) -> Option<Point> {
    let near = |near: i64, far: i64| near < AT_ONCE && near.saturating_mul(SOONER) < far;
    match () {
        () if near(client, server) => Some(Point::Client),
        () if near(server, client) => Some(Point::Server),
        () if client >= AT_ONCE && server >= AT_ONCE => Some(Point::Middle),
        () => None,
    }
}

/// Hosts begin with one of these, and each router takes one off.
const fn is_initial(ttl: u8) -> bool {
    matches!(ttl, 64 | 128 | 255)
}

#[cfg(test)]
mod tests {
    use super::{Point, Votes, by_rtt, by_ttl};
    use crate::stamp::MILLISECOND;

    #[test]
    fn routers_lower_the_ttl() {
        assert_eq!(by_ttl(64, 58), Some(Point::Client));
        assert_eq!(by_ttl(121, 255), Some(Point::Server));
        assert_eq!(by_ttl(62, 60), Some(Point::Middle));
        assert_eq!(by_ttl(64, 128), None);
    }

    #[test]
    fn who_answers_at_once_is_near() {
        assert_eq!(by_rtt(60_000, 20 * MILLISECOND), Some(Point::Client));
        assert_eq!(by_rtt(20 * MILLISECOND, 60_000), Some(Point::Server));
        assert_eq!(
            by_rtt(20 * MILLISECOND, 5 * MILLISECOND),
            Some(Point::Middle)
        );
        assert_eq!(by_rtt(60_000, 100_000), None);
    }

    #[test]
    fn connections_that_differ_tell_nothing() {
        let mut votes = Votes::default();
        for _ in 0..9 {
            votes.count(Some(Point::Client), Some(Point::Client));
        }
        assert_eq!(votes.vantage().point, Point::Client);
        votes.count(Some(Point::Server), None);
        assert_eq!(votes.vantage().point, Point::Client);
        votes.count(Some(Point::Server), None);
        assert_eq!(votes.vantage().point, Point::Unknown);
        assert_eq!(Votes::default().vantage().point, Point::Unknown);
    }
}
