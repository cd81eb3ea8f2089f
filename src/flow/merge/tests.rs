//! Wherever a capture is cut, its parts tell what it tells.

use crate::flow::half::Half;
use crate::flow::parts::{Fin, Rare};
use crate::flow::record::Flow;
use crate::flow::seen::Seen;
use crate::packet::{Flags, Segment, Timestamps};
use crate::seq::{SeqNum, TsVal};
use crate::stamp::{MILLISECOND, Stamp, Time};
use proptest::prelude::*;

const ACK: Flags = Flags::ACK;

/// What one end sends next.
#[derive(Clone, Copy, Debug)]
struct Sends {
    from: usize,
    what: What,
    /// To the ID of its segment before.
    id_step: u16,
    ttl: u8,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Data(u32),
    /// So many bytes are lost before the capture point.
    Lost(u32),
    Again,
    Ack,
    Fin,
    /// A FIN without ACK.
    BareFin,
    Rst,
    /// The SYN-ACK again, if it sent that.
    Syn,
}

fn sends() -> impl Strategy<Value = Sends> {
    let what = prop_oneof![
        20 => (1..5_u32).prop_map(What::Data),
        1 => (1..5_u32).prop_map(What::Lost),
        4 => Just(What::Again),
        10 => Just(What::Ack),
        1 => Just(What::Fin),
        1 => Just(What::BareFin),
        1 => Just(What::Rst),
        1 => Just(What::Syn),
    ];
    let step = prop::sample::select(vec![1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 2, 900_u16]);
    let ttl = prop::sample::select(vec![64, 64, 64, 63, 65_u8]);
    (0..2_usize, what, step, ttl).prop_map(|(from, what, id_step, ttl)| Sends {
        from,
        what,
        // A FIN that no run can lead to would be passed by the next anchor.
        id_step: id_step.max(u16::from(matches!(what, What::Fin | What::BareFin))),
        ttl,
    })
}

/// The segments of a connection on which this happens.
fn segments(script: &[Sends]) -> Vec<Seen> {
    let (mut next, mut ids, mut fins) = ([100_u32, 500], [7_u16, 90], [false; 2]);
    let (mut last, mut all) = ([(100, 0); 2], Vec::new());
    let mut send = |from: usize, seq, ack, len, flags, sends: Option<&Sends>, ids: &[u16; 2]| {
        let frame = all.len() as u64 + 1;
        let time = Time(frame.cast_signed() * MILLISECOND);
        let segment = Segment {
            seq: SeqNum(seq),
            ack: SeqNum(ack),
            len,
            flags,
            window: 1000,
            ttl: sends.map_or(64, |s| s.ttl),
            timestamps: Some(Timestamps {
                val: TsVal(1000 + frame as u32),
                ecr: TsVal(7),
            }),
            ip_id: Some(ids[from]),
            ..Segment::default()
        };
        all.push(Seen::new(&segment, from as u8, Stamp { frame, time }));
    };
    send(0, 100, 0, 0, Flags::SYN, None, &ids);
    send(1, 500, 101, 0, Flags::SYN.with(ACK), None, &ids);
    next = next.map(|n| n + 1);
    for sends in script {
        let (from, ack) = (sends.from, next[sends.from ^ 1]);
        let counted = ids;
        ids[from] = ids[from].wrapping_add(sends.id_step);
        if sends.id_step == 0 {
            ids[from] = 0; // not of the counter
        }
        match sends.what {
            // A SYN alone could be of another connection, to a part that begins there.
            What::Syn if from == 1 && !fins[1] => {
                send(1, 500, 101, 0, Flags::SYN.with(ACK), Some(sends), &ids);
            }
            _ if fins[from] => {
                let (seq, flags) = match sends.what {
                    What::Fin => (next[from] - 1, Flags::FIN.with(ACK)),
                    What::BareFin => (next[from] - 1, Flags::FIN),
                    What::Rst => (next[from], Flags::RST),
                    _ => (next[from], ACK),
                };
                send(from, seq, ack, 0, flags, Some(sends), &ids);
            }
            What::Data(len) => {
                send(from, next[from], ack, len, ACK, Some(sends), &ids);
                last[from] = (next[from], len);
                next[from] += len;
            }
            What::Lost(len) => next[from] += len,
            What::Again if last[from].1 > 0 => {
                let (seq, len) = last[from];
                send(from, seq, ack, len, ACK, Some(sends), &ids);
            }
            What::Fin => {
                send(
                    from,
                    next[from],
                    ack,
                    0,
                    Flags::FIN.with(ACK),
                    Some(sends),
                    &ids,
                );
                fins[from] = true;
                next[from] += 1;
            }
            What::Rst => send(from, next[from], ack, 0, Flags::RST, Some(sends), &ids),
            _ => send(from, next[from], ack, 0, ACK, Some(sends), &ids),
        }
        if sends.id_step == 0 {
            ids = counted;
        }
    }
    all
}

fn flow(segments: &[Seen]) -> Flow {
    let mut flow = Flow::default();
    let (first, rest) = segments.split_first().expect("a segment");
    flow.begin(flow.key, 3, first);
    for seen in rest {
        flow.push(seen);
    }
    flow
}

/// What is known of an end whatever the cut.
fn facts(half: &Half) -> String {
    let Half {
        packets,
        payload,
        isn,
        opening,
        numbers,
        ack,
        spoke,
        window,
        fin,
        ids,
        tsval,
        first_tsval,
        ttl,
        rsts,
        rare,
        right_edge,
        scaled,
        shift,
        ..
    } = half;
    let of_ids = (
        ids.first, ids.last, ids.broken, ids.ones, ids.wild, ids.anchor,
    );
    // The segment that acknowledged it need not be kept.
    let fin = fin.map(|fin| (fin.acked.is_some(), Fin { acked: None, ..fin }));
    // Which of a later part's data came after the peer's FIN of an earlier one is not known for sure.
    let rare = rare.as_deref().map(|rare| Rare {
        after_peer_fin: None,
        ..rare.clone()
    });
    let rare = rare.filter(|rare| *rare != Rare::default());
    let numbers = numbers.map(|n| (n.base, n.next, n.holes().to_vec()));
    let sent = (packets, payload, isn, opening, numbers, rsts, spoke);
    format!(
        "{sent:?}\n{:?}\n{fin:?}\n{of_ids:?}\n{rare:?}\n{:?}",
        (ack, window, right_edge, scaled, shift),
        (tsval, first_tsval, ttl)
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn the_facts_of_the_parts_are_those_of_the_whole(
        script in prop::collection::vec(sends(), 150..300),
        cuts in (3..149_usize, 3..149_usize),
        at_fin: bool,
    ) {
        let all = segments(&script);
        // What a FIN is answered with is another part's then.
        let fin = all.iter().position(|s| s.flags.fin()).filter(|_| at_fin);
        let cut = fin.map_or(cuts.0, |fin| fin + 1).min(all.len() - 2);
        let first = cut.min(cuts.1);
        let second = cut.max(cuts.1).max(first + 1).min(all.len() - 1);
        let parts = [&all[..first], &all[first..second], &all[second..]];
        let whole = flow(&all);
        let [mut a, mut b, c] = parts.map(flow);
        let mut left = a.clone();
        left.merge(&b);
        left.merge(&c);
        b.merge(&c);
        a.merge(&b);
        // With more holes than are kept nobody knows what filled them.
        let known = |f: &&Flow| f.half.iter().all(|h| h.numbers.is_none_or(|n| !n.overflow));
        prop_assume!([&whole, &left, &a].iter().all(known));
        for end in [0, 1] {
            let expected = facts(&whole.half[end]);
            prop_assert_eq!(&facts(&left.half[end]), &expected, "left {:?}", parts.map(<[Seen]>::len));
            prop_assert_eq!(&facts(&a.half[end]), &expected, "right {:?}", parts.map(<[Seen]>::len));
        }
    }
}
