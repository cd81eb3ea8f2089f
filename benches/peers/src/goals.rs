//! What is to be shown.

use crate::contest::{Held, Who};
use serde::Serialize;

/// A goal of whoclosed on a capture.
pub struct Goal {
    bout: &'static str,
    ours: Who,
    is: Is,
}

enum Is {
    /// At least so many times as fast as that.
    Faster(f64, Who),
    /// At most so many times the time of that.
    Within(f64, Who),
    /// At most so many times the time per packet of itself on that capture.
    PerPacket(f64, &'static str),
    /// At most so many bytes resident per flow, where all are open at once.
    BytesPerFlow(f64),
}

/// `tcpdump` writes nothing in all of them, and gives no verdict: it is the measure of a mere filter.
pub const GOALS: &[Goal] = &[
    goal("short", Who::Json1, Is::Faster(20.0, Who::Tcptrace)),
    goal("short", Who::Summary1, Is::Faster(27.0, Who::Tcptrace)),
    goal("bulk", Who::Json1, Is::Faster(9.0, Who::Tcptrace)),
    goal("bulk", Who::Json2, Is::Faster(9.0, Who::Tcptrace)),
    goal("longlived", Who::Json1, Is::Faster(60.0, Who::Tcptrace)),
    goal("longlived", Who::Json2, Is::Faster(60.0, Who::Tcptrace)),
    goal("scan", Who::Json1, Is::Faster(20.0, Who::Tcptrace)),
    goal("scan", Who::Json2, Is::Faster(20.0, Who::Tcptrace)),
    goal("short", Who::Json1, Is::Faster(65.0, Who::Tshark)),
    goal("short", Who::Json2, Is::Faster(65.0, Who::Tshark)),
    goal("v6vlan", Who::Json1, Is::Faster(65.0, Who::Tshark)),
    goal("v6vlan", Who::Json2, Is::Faster(65.0, Who::Tshark)),
    goal("pcapng", Who::Json1, Is::Faster(65.0, Who::Tshark)),
    goal("pcapng", Who::Json2, Is::Faster(65.0, Who::Tshark)),
    goal("short10m", Who::Summary2, Is::Within(1.0, Who::Tcpdump)),
    goal("short10m", Who::Json2, Is::Within(1.3, Who::Tcpdump)),
    goal("bulk", Who::Summary2, Is::Within(0.4, Who::Tcpdump)),
    goal("pcapng", Who::Summary2, Is::Within(1.0, Who::Tcpdump)),
    goal("short", Who::Summary1, Is::Within(7.5, Who::Walk)),
    goal("short", Who::Json1, Is::Within(12.0, Who::Walk)),
    goal("bulk", Who::Json1, Is::Within(1.5, Who::Walk)),
    goal("short", Who::Json2, Is::Faster(1.35, Who::Json1)),
    goal("short", Who::Summary2, Is::Faster(1.35, Who::Summary1)),
    goal("pcapng", Who::Json2, Is::Faster(0.95, Who::Json1)),
    goal("v6vlan", Who::Json2, Is::Faster(0.95, Who::Json1)),
    goal("bulk", Who::Json2, Is::Faster(0.95, Who::Json1)),
    goal("longlived", Who::Json2, Is::Faster(0.95, Who::Json1)),
    goal("scan", Who::Json2, Is::Faster(0.95, Who::Json1)),
    goal("short10m", Who::Json2, Is::Faster(0.95, Who::Json1)),
    goal(
        "longlived10m",
        Who::Summary1,
        Is::PerPacket(1.7, "short10m"),
    ),
    goal("longlived10m", Who::Summary1, Is::BytesPerFlow(200.0)),
    goal("gz", Who::Json2, Is::Within(1.15, Who::Unpack)),
    goal("zst", Who::Json2, Is::Within(1.15, Who::Unpack)),
];

const fn goal(bout: &'static str, ours: Who, is: Is) -> Goal {
    Goal { bout, ours, is }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Met,
    Missed,
    /// And why.
    NotMeasured(String),
}

/// A goal, and what came of it.
#[derive(Serialize)]
pub struct Judged {
    pub on: &'static str,
    pub who: Who,
    pub goal: String,
    pub measured: Option<f64>,
    pub verdict: Verdict,
}

/// The goals of a contest that was held.
pub fn judge(held: &Held) -> Vec<Judged> {
    let goals = GOALS.iter().filter(|goal| goal.bout == held.name);
    goals.map(|goal| goal.judge(held)).collect()
}

impl Goal {
    fn judge(&self, held: &Held) -> Judged {
        let measured = self.measure(held);
        let verdict = match &measured {
            Err(why) => Verdict::NotMeasured(why.clone()),
            Ok(measured) if self.is.holds(*measured) => Verdict::Met,
            Ok(_) => Verdict::Missed,
        };
        Judged {
            on: self.bout,
            who: self.ours,
            goal: self.is.told(),
            measured: measured.ok(),
            verdict,
        }
    }

    fn measure(&self, held: &Held) -> Result<f64, String> {
        let find = |who, on| {
            held.line(who, on).ok_or_else(|| {
                let absent = held.absent.iter().find(|absent| absent.who == who);
                absent.map_or("it did not take part".to_owned(), |absent| {
                    absent.why.clone()
                })
            })
        };
        let ours = find(self.ours, self.bout)?;
        Ok(match self.is {
            Is::Faster(_, who) => find(who, self.bout)?.times(ours),
            Is::Within(_, who) => ours.times(find(who, self.bout)?),
            Is::PerPacket(_, on) => {
                let other = find(self.ours, on)?;
                ours.times(other) * other.packets as f64 / ours.packets as f64
            }
            Is::BytesPerFlow(_) => ours.peak() as f64 / held.flows as f64,
        })
    }
}

impl Is {
    fn holds(&self, measured: f64) -> bool {
        match *self {
            Self::Faster(least, _) => measured >= least,
            Self::Within(most, _) | Self::PerPacket(most, _) | Self::BytesPerFlow(most) => {
                measured <= most
            }
        }
    }

    fn told(&self) -> String {
        match self {
            Self::Faster(least, Who::Json1 | Who::Summary1) => {
                format!("at least {least} times as fast as on one thread")
            }
            Self::Faster(least, who) => {
                format!("at least {least} times as fast as {}", name(*who))
            }
            Self::Within(most, who) => format!("at most {most} times the time of {}", name(*who)),
            Self::PerPacket(most, on) => {
                format!("at most {most} times the time per packet on {on}")
            }
            Self::BytesPerFlow(most) => format!("at most {most} bytes resident per open flow"),
        }
    }
}

const fn name(who: Who) -> &'static str {
    match who {
        Who::Tcptrace => "tcptrace",
        Who::Tshark => "tshark",
        Who::Tcpdump => "tcpdump",
        Who::Walk => "walking the record headers",
        Who::Unpack => "decompressing",
        Who::Json1 | Who::Json2 | Who::Summary1 | Who::Summary2 => "whoclosed",
    }
}

#[cfg(test)]
mod tests {
    use super::{GOALS, Verdict, judge};
    use crate::contest::tests::line;
    use crate::contest::{Absent, BOUTS, Held, Line, Who};

    fn held(name: &'static str, lines: Vec<Line>) -> Held {
        Held {
            name,
            packets: 1000,
            flows: 5000,
            size: 1,
            rounds: 2,
            lines,
            absent: vec![Absent {
                who: Who::Tshark,
                why: "tshark is not installed".to_owned(),
            }],
        }
    }

    fn verdict(held: &Held, words: &str) -> (Option<f64>, Verdict) {
        let mut judged = judge(held).into_iter();
        let one = judged.find(|judged| judged.goal.contains(words)).unwrap();
        (one.measured, one.verdict)
    }

    #[test]
    fn goals_are_met_missed_or_not_measured() {
        let mut held = held(
            "short",
            vec![
                line(Who::Json1, "short", &[1.0, 1.0]),
                line(Who::Tcptrace, "short", &[20.0, 20.0]),
                line(Who::Walk, "short", &[0.08, 0.08]),
            ],
        );
        assert_eq!(verdict(&held, "20 times as fast").1, Verdict::Met);
        assert_eq!(verdict(&held, "at most 12 times").1, Verdict::Missed);
        let why = Verdict::NotMeasured("tshark is not installed".to_owned());
        assert_eq!(verdict(&held, "tshark"), (None, why));
        held.lines[1] = line(Who::Tcptrace, "short", &[19.0, 19.9]);
        assert_eq!(verdict(&held, "20 times as fast").1, Verdict::Missed);
    }

    #[test]
    fn captures_are_compared_by_packet_and_memory_by_flow() {
        let mut slow = line(Who::Summary1, "longlived10m", &[3.0, 3.0]);
        slow.packets = 2000;
        let base = line(Who::Summary1, "short10m", &[1.0, 1.0]);
        let held = held("longlived10m", vec![slow, base]);
        assert_eq!(verdict(&held, "per packet"), (Some(1.5), Verdict::Met));
        assert_eq!(verdict(&held, "per open flow"), (Some(200.0), Verdict::Met));
    }

    #[test]
    fn every_goal_is_of_a_contest() {
        for goal in GOALS {
            assert!(
                BOUTS.iter().any(|bout| bout.name == goal.bout),
                "{}",
                goal.bout
            );
        }
    }
}
