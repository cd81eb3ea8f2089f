//! What happens in one run: drawn from a seed.

use super::rng::Rng;

pub(crate) const MS: i64 = 1_000_000;

/// What an application or the world does at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send so many bytes.
    Write(u32),
    /// close(): nothing is received any more.
    Close,
    /// shutdown(SHUT_WR): what comes is still read.
    Shutdown,
    /// close() with SO_LINGER and timeout 0.
    Abort,
    /// The host forgets the connection (crash, restart).
    Vanish,
    /// A keepalive probe.
    Probe,
    /// A new connection from the same port.
    Reopen,
    /// A device at the capture point sends a RST in the name of this host.
    Inject,
}

/// How a host chooses IPv4 IDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// One counter per connection; 0 where no full socket sends (Linux).
    PerSocket,
    /// One counter per host, used by other connections as well.
    Global,
    Random,
    Zero,
}

#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) ids: Ids,
    pub(crate) ttl: u8,
    /// Closes so long after the peer's FIN arrived.
    pub(crate) closes_on_end: Option<i64>,
    /// How long an ACK may be held back.
    pub(crate) delayed_ack: i64,
    /// How long an orphan waits in FIN-WAIT-2.
    pub(crate) fin_timeout: i64,
    /// TIME-WAIT does not obey RSTs.
    pub(crate) rfc1337: bool,
    /// The table of TIME-WAITs is full.
    pub(crate) no_time_wait: bool,
    /// What it does not read stays in its queue: closing resets.
    pub(crate) leaves_unread: bool,
    /// Aborts by a bare RST at SND.NXT (RFC 9293 section 3.10.5).
    pub(crate) bare_abort: bool,
    /// The FIN rides on the last payload, if it is sent at the same time.
    pub(crate) fin_with_data: bool,
    pub(crate) script: Vec<(i64, Action)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) v6: bool,
    pub(crate) timestamps: bool,
    /// One way, from each host to the capture point.
    pub(crate) delay: [i64; 2],
    /// Of a thousand packets, on each half of the way.
    pub(crate) loss: u64,
    pub(crate) copies: u64,
    pub(crate) late: u64,
    /// Nothing listens.
    pub(crate) closed_port: bool,
    pub(crate) hosts: [Host; 2],
}

impl Plan {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let ways = [10_000, 50_000, MS / 2, 5 * MS, 20 * MS, 60 * MS];
        let delay = [rng.pick(&ways), rng.pick(&ways)];
        let round = 2 * (delay[0] + delay[1]);
        let calm = rng.chance(400);
        let mut trouble = |most: &[u64]| if calm { 0 } else { rng.pick(most) };
        let (loss, copies, late) = (
            trouble(&[0, 30, 100, 250]),
            trouble(&[0, 0, 50]),
            trouble(&[0, 0, 0, 60]),
        );
        let mut plan = Self {
            v6: rng.chance(350),
            timestamps: rng.chance(600),
            delay,
            loss,
            copies,
            late,
            closed_port: rng.chance(20),
            hosts: [host(rng), host(rng)],
        };
        plan.script(rng, round);
        plan
    }

    fn script(&mut self, rng: &mut Rng, round: i64) {
        let begin = round * 2 + 10 * MS;
        let spread = [round + MS, 50 * MS, 500 * MS, 3000 * MS];
        for host in &mut self.hosts {
            for _ in 0..rng.below(4) {
                let most = rng.pick(&spread);
                let at = begin + up_to(rng, most);
                host.script
                    .push((at, Action::Write(rng.pick(&[1, 20, 700, 4000]))));
            }
        }
        let most = rng.pick(&spread);
        let close = begin + up_to(rng, most);
        let first = rng.below(2) as usize;
        let ends = [
            Action::Close,
            Action::Close,
            Action::Close,
            Action::Shutdown,
            Action::Shutdown,
            Action::Abort,
            Action::Vanish,
        ];
        self.hosts[first].script.push((close, rng.pick(&ends)));
        if rng.chance(500) {
            let apart = rng.pick(&[round / 2, round, round * 2, 300 * MS, 2500 * MS]);
            let at = close + rng.below(apart as u64 + 1) as i64;
            self.hosts[1 - first].script.push((at, rng.pick(&ends)));
        }
        for host in &mut self.hosts {
            if rng.chance(80) {
                let at = close + rng.below(3000) as i64 * MS;
                host.script.push((at, Action::Probe));
            }
            if rng.chance(100) {
                let at = close + rng.below(400) as i64 * MS;
                host.script.push((at, Action::Write(100)));
            }
            if rng.chance(40) {
                let at = begin + rng.below(2000) as i64 * MS;
                host.script.push((at, Action::Inject));
            }
            if rng.chance(80) {
                let at = close + rng.below(900) as i64 * MS;
                host.script
                    .push((at, rng.pick(&[Action::Abort, Action::Close])));
            }
        }
        if rng.chance(200) {
            let after = rng.pick(&[round, 300 * MS, 5000 * MS, 61_000 * MS]);
            let at = close + round + rng.below(after as u64 + 1) as i64;
            let client = &mut self.hosts[0].script;
            client.push((at, Action::Reopen));
            client.push((at + round * 2 + 30 * MS, Action::Write(50)));
            if rng.chance(600) {
                let end = rng.pick(&[Action::Close, Action::Abort]);
                client.push((at + round * 3 + 100 * MS, end));
            }
        }
    }
}

fn up_to(rng: &mut Rng, most: i64) -> i64 {
    rng.below(most as u64 + 1) as i64
}

fn host(rng: &mut Rng) -> Host {
    let long = 60_000 * MS;
    Host {
        ids: rng.pick(&[
            Ids::PerSocket,
            Ids::PerSocket,
            Ids::PerSocket,
            Ids::Global,
            Ids::Random,
            Ids::Zero,
        ]),
        ttl: rng.pick(&[52, 57, 64, 117, 128]),
        closes_on_end: Some(rng.pick(&[0, 0, 0, MS / 10, 3 * MS, 80 * MS, 1500 * MS]))
            .filter(|_| rng.chance(750)),
        delayed_ack: rng.pick(&[0, 0, 40 * MS]),
        fin_timeout: rng.pick(&[long, long, 200 * MS, 0]),
        rfc1337: rng.chance(150),
        no_time_wait: rng.chance(60),
        leaves_unread: rng.chance(150),
        bare_abort: rng.chance(150),
        fin_with_data: rng.chance(300),
        script: Vec::new(),
    }
}
