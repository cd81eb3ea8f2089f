//! What of a verdict is certain and false.

use super::world::{Deeds, Run, Truth};
use whoclosed::close::verdict::{
    AbortedBy, ActiveCloser, Confidence, EndedBy, Outcome, Side, Verdict,
};

/// The certain claims of a verdict that are false; `seen` are the records of the run between the
/// first and the last frame of its flow.
///
/// Of the connection before, a stray SYN or RST may be all that is left: what is said must hold for
/// one of those that the flow's frames are of.
pub(crate) fn false_claims(verdict: &Verdict, run: &Run, seen: &[usize]) -> Vec<String> {
    let mut incs: Vec<usize> = seen.iter().map(|&at| run.seen[at].1.inc).collect();
    incs.sort_unstable();
    incs.dedup();
    let false_of = incs.iter().map(|&inc| falsehoods(verdict, &run.truth[inc]));
    false_of.min_by_key(Vec::len).unwrap_or_default()
}

fn falsehoods(verdict: &Verdict, truth: &Truth) -> Vec<String> {
    // The sides in the verdict may be the other way round.
    let client = usize::from(verdict.client.port != 40000);
    let of = |side: Side| match side {
        Side::Client => &truth[client],
        _ => &truth[1 - client],
    };
    let mut found = Vec::new();
    if verdict.confidence == Confidence::Certain {
        let (a, b) = (of(Side::Client), of(Side::Server));
        if !outcome_holds(verdict.outcome, a, b) {
            found.push(format!("outcome {}", verdict.outcome));
        }
        if !closer_holds(verdict, a, b) {
            found.push(format!("active_closer {}", verdict.active_closer));
        }
        if !aborter_holds(verdict.aborted_by, verdict.outcome, a, b) {
            found.push(format!("aborted_by {:?}", verdict.aborted_by));
        }
    }
    for entry in &verdict.time_wait {
        let sure = entry.confidence == Confidence::Certain && entry.ended_by != EndedBy::Gone;
        if sure && !of(entry.owner).time_wait {
            found.push(format!("time_wait {}", entry.owner));
        }
    }
    found
}

fn outcome_holds(outcome: Outcome, a: &Deeds, b: &Deeds) -> bool {
    let closed = a.fin_received && b.fin_received;
    let silent_abort = |d: &Deeds| d.aborted && !d.fin_before_abort && !d.peer_fin_before_abort;
    match outcome {
        Outcome::Graceful => closed && a.active != b.active,
        Outcome::Simultaneous => closed && a.active && b.active,
        Outcome::Aborted => silent_abort(a) || silent_abort(b),
        Outcome::AbortedAfterFin => (a.aborted || b.aborted) && (a.fin_sent || b.fin_sent),
        Outcome::Refused => a.refused || b.refused,
        _ => false,
    }
}

fn closer_holds(verdict: &Verdict, a: &Deeds, b: &Deeds) -> bool {
    match verdict.active_closer {
        ActiveCloser::Client => a.active && !b.active,
        ActiveCloser::Server => b.active && !a.active,
        ActiveCloser::Both => a.active && b.active,
        // A FIN may cross the RST.
        ActiveCloser::None => verdict.aborted_by.is_some(),
        _ => false,
    }
}

fn aborter_holds(by: Option<AbortedBy>, outcome: Outcome, a: &Deeds, b: &Deeds) -> bool {
    let refused = |d: &Deeds| outcome == Outcome::Refused && d.refused;
    match by {
        None => true,
        Some(AbortedBy::Client) => a.aborted || refused(a),
        Some(AbortedBy::Server) => b.aborted || refused(b),
        Some(AbortedBy::Both) => a.aborted && b.aborted,
        _ => false,
    }
}
