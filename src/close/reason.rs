//! The reason in one sentence that names the deciding frames.

use crate::close::abort::Abort;
use crate::close::case::Case;
use crate::close::closer;
use crate::close::phrase::Sentence;
use crate::close::reading::{unread_hint, window_grew};
use crate::close::reset::Rst;
use crate::close::said;
use crate::close::verdict::{
    AbortCause, AbortedBy, ActiveCloser, Confidence, Outcome, RstForm, Side,
};
use crate::flow::Seen;
use crate::stamp::Stamp;

/// Why the verdict is what it is.
pub(super) fn reason(case: &Case) -> String {
    let mut text = by_segments(case);
    text.push_str(&said::addition(case));
    text
}

fn by_segments(case: &Case) -> String {
    match case.outcome {
        Outcome::Refused => refused(case),
        Outcome::Unanswered => unanswered(case),
        Outcome::Graceful | Outcome::Simultaneous | Outcome::FinalAckMissing => closed(case),
        Outcome::Aborted | Outcome::AbortedAfterFin => aborted(case),
        Outcome::HalfClosed | Outcome::FinUnacked => one_fin(case),
        Outcome::HandshakeIncomplete => handshake(case),
        Outcome::Open => open(case),
        Outcome::Indeterminate => indeterminate(case),
    }
}

/// A sentence in the room of the last verdict's: every flow has one.
#[inline]
fn begin(case: &Case, words: &str) -> Sentence {
    Sentence::on(case.spare.take(), words)
}

fn frame(at: Option<Stamp>) -> u64 {
    at.map_or(0, |at| at.frame)
}

fn refused(case: &Case) -> String {
    let rst = case.facts.sent_by(Side::Server).find(|s| s.flags.rst());
    let by = match case.abort.as_ref().map(|a| (a.by, a.confidence)) {
        Some((AbortedBy::Middlebox, _)) => ", which a device between the two sent",
        Some((_, Confidence::Certain)) => "",
        _ => "; whether the server sent it or a firewall in its name does not show",
    };
    let text = begin(case, "the SYN was answered by a RST in frame ");
    text.number(frame(rst.map(Seen::at))).words(by).done()
}

fn unanswered(case: &Case) -> String {
    let flow = case.facts.flow;
    let count = case
        .facts
        .half(Side::Client)
        .opening
        .as_ref()
        .map_or(0, |o| o.copies.count);
    let syns = if count == 1 {
        begin(case, "one SYN")
    } else {
        begin(case, "").number(count).words(" SYNs")
    };
    if let Some((copies, _)) = flow.old_ack() {
        let text = syns.words(", answered only by an ACK of an older connection in frame ");
        return text.number(copies.first.frame).done();
    }
    let text = syns.words(" from frame ").number(flow.first.frame);
    let mut text = text.words(" on, and no answer");
    if flow.unconfirmed {
        text = text.words(", which may be an old duplicate");
    }
    let errors = case.facts.context.errors.is_some();
    match errors.then(|| case.facts.errors().next()).flatten() {
        Some(error) => format!(
            "{} but ICMP in frame {}: {} says {}",
            text.done(),
            error.at.frame,
            error.reporter.ip(),
            error.kind.name()
        ),
        None => text.done(),
    }
}

fn closed(case: &Case) -> String {
    let who = match case.closer.who {
        ActiveCloser::Client => one_active(case, Side::Client),
        ActiveCloser::Server => one_active(case, Side::Server),
        ActiveCloser::Both => both_active(case),
        _ => "both sides sent a FIN and each acknowledges the other's: a first copy is missing"
            .to_owned(),
    };
    if case.outcome == Outcome::FinalAckMissing {
        let last = case.last_ack.side.unwrap_or(Side::Server);
        return format!("{who}; no ACK of the {last}'s FIN was seen");
    }
    who
}

fn one_active(case: &Case, side: Side) -> String {
    let facts = &case.facts;
    let fin = frame(facts.fin(side).map(|f| f.copies.first));
    let peer = side.peer();
    let peer_fin = frame(facts.fin(peer).map(|f| f.copies.first));
    let part = |s: Side| case.closer.parts.map(|p| p[s.index()]);
    let text = begin(case, "the ").side(side);
    let text = if part(side) == Some(closer::Part::ShownActive) {
        let text = text.words("'s FIN in frame ").number(fin);
        let text = text.words(" does not acknowledge the ").side(peer);
        text.words("'s; the ")
    } else {
        let text = text.words("'s FIN (frame ").number(fin);
        text.words(") went first; the ")
    };
    let text = text.side(peer);
    let text = match part(peer) {
        Some(closer::Part::ShownPassive(at)) if at.frame == peer_fin => {
            let text = text.words("'s FIN in frame ").number(peer_fin);
            text.words(" does, and none came before it")
        }
        Some(closer::Part::ShownPassive(at)) => {
            let text = text.words(" acknowledged it in frame ").number(at.frame);
            text.words(" before its own")
        }
        _ => {
            let text = text.words("'s FIN in frame ").number(peer_fin);
            text.words(" does")
        }
    };
    text.done()
}

fn both_active(case: &Case) -> String {
    let fin = |side| frame(case.facts.fin(side).map(|f| f.copies.first));
    let (client, server) = (fin(Side::Client), fin(Side::Server));
    let how = if case.closer.confidence == Confidence::Certain {
        ", neither acknowledges the other"
    } else {
        ", one was on its way before the other arrived"
    };
    let text = begin(case, "the FINs crossed: client's in frame ").number(client);
    let text = text.words(", server's in frame ").number(server);
    text.words(how).done()
}

fn aborted(case: &Case) -> String {
    let Some(abort) = &case.abort else {
        return String::new();
    };
    let Some(rst) = case.resets.get(abort.rst) else {
        return String::new();
    };
    let at = rst.seen().at().frame;
    let text = match abort.by {
        AbortedBy::Both => {
            let text = begin(case, "both sides sent a RST, the ").side(abort.from);
            text.words(" in frame ").number(at)
        }
        AbortedBy::Middlebox => {
            let text = begin(case, "the RST in frame ").number(at);
            let text = text.words(" bears the ").side(abort.from);
            text.words("'s address but ").list(rst.signs.words())
        }
        _ => {
            let text = begin(case, "the ").side(abort.from);
            text.words(" sent a RST in frame ").number(at)
        }
    };
    after_fin(why(text, case, abort, rst), case).done()
}

/// What made the sender send the RST.
fn why(text: Sentence, case: &Case, abort: &Abort, rst: &Rst) -> Sentence {
    let before = &rst.reset.before;
    match (abort.cause, rst.trigger) {
        (AbortCause::Injected | AbortCause::Unknown, _) if abort.by == AbortedBy::Middlebox => text,
        (AbortCause::DataAfterClose, Some(t)) => {
            let text = text
                .words(" to the payload in frame ")
                .number(t.seen.at().frame);
            text.words(", after it had closed")
        }
        (AbortCause::FinWait2Expired | AbortCause::TimeWaitGone, Some(t)) => {
            let text = text
                .words(" to the FIN in frame ")
                .number(t.seen.at().frame);
            text.words(": it kept no socket for it")
        }
        (_, Some(t)) => text.words(" in answer to frame ").number(t.seen.at().frame),
        (AbortCause::UnreadData, None) if !window_grew(rst) => {
            let text = text.words(" of its own accord");
            let Some((how, frame)) = unread_hint(case.facts, rst) else {
                return text;
            };
            let text = text.words(", without having read the payload in frame ");
            text.number(frame).words(", ").words(how)
        }
        (AbortCause::UnreadData, None) => {
            let text = text
                .words(": its window jumped to ")
                .number(rst.seen().window);
            text.words(" as unread data was freed")
        }
        (AbortCause::KeepaliveTimeout, None) if before.probes == 0 => {
            text.words(" as long after its last keepalive probe as that after the one before")
        }
        (AbortCause::KeepaliveTimeout, None) => {
            let text = text.words(" after ").number(before.probes);
            text.words(" unanswered keepalive probes")
        }
        (AbortCause::RetransmissionTimeout, None) => {
            let text = text.words(" after ").number(before.repeats);
            text.words(" unanswered retransmissions")
        }
        (_, None) if rst.form == RstForm::Active => text.words(" of its own accord"),
        (_, None) => text,
    }
}

fn after_fin(text: Sentence, case: &Case) -> Sentence {
    let fins = [Side::Client, Side::Server].map(|s| case.facts.fin(s).map(|f| (s, f.copies.first)));
    match fins {
        [Some((_, a)), Some((_, b))] => {
            let text = text.words("; FINs in frames ").number(a.frame);
            text.words(" and ").number(b.frame)
        }
        [Some((side, at)), None] | [None, Some((side, at))] => {
            let text = text.words("; the ").side(side);
            text.words("'s FIN is in frame ").number(at.frame)
        }
        [None, None] => text,
    }
}

fn one_fin(case: &Case) -> String {
    let facts = &case.facts;
    let side = if facts.fin(Side::Client).is_some() {
        Side::Client
    } else {
        Side::Server
    };
    let peer = side.peer();
    let Some(fin) = facts.fin(side) else {
        return String::new();
    };
    let first = fin.copies.first.frame;
    let copies = facts.fin_copies(side).len();
    let hidden = if facts.possible_fin(peer) {
        format!("; a FIN of the {peer} may be missing from the capture")
    } else {
        String::new()
    };
    match facts.fin_was_acked(side) {
        Some(ack) => format!(
            "the {side} closed in frame {first}, acknowledged in frame {}; the {peer} has not \
             closed{hidden}",
            ack.frame
        ),
        None if copies > 1 => format!(
            "the {side}'s FIN in frame {first} was sent {copies} times and never acknowledged{hidden}"
        ),
        None => format!("the {side}'s FIN in frame {first} was not acknowledged{hidden}"),
    }
}

fn handshake(case: &Case) -> String {
    let at = case
        .facts
        .half(Side::Server)
        .opening
        .as_ref()
        .map(|o| o.copies.first);
    let text = begin(case, "the client never acknowledged the SYN-ACK in frame ");
    text.number(frame(at)).done()
}

fn open(case: &Case) -> String {
    let text = begin(case, "no FIN and no RST up to frame ");
    let text = text.number(case.facts.flow.last.frame);
    if case.hidden_fin() {
        return text.words(", but one may be missing").done();
    }
    text.done()
}

fn indeterminate(case: &Case) -> String {
    let facts = &case.facts;
    if facts.context.evicted {
        return "it was forgotten before its end: too many flows were open at once".to_owned();
    }
    if !facts.one_direction() {
        return "too little of it was captured".to_owned();
    }
    let seen = if facts.half(Side::Client).packets > 0 {
        Side::Client
    } else {
        Side::Server
    };
    format!("only the {seen}'s direction was captured")
}
