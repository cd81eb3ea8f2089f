//! The same packets told in another way get the same verdicts.

use crate::support::essence::{self, Essence};
use crate::support::transform::{self, fields};
use crate::support::tunnel::Tunnel;
use crate::support::wrap::{self, Container, Link, PLAIN, Packet};
use crate::support::{self, Subject};
use whoclosed::close::verdict::Verdict;

/// Captures with more records are left to the cheaper laws.
const LIMIT: usize = 200;

fn subjects() -> Vec<Subject> {
    let mut subjects = support::everything();
    subjects.retain(|subject| subject.packets.len() <= LIMIT && !subject.packets.is_empty());
    assert!(subjects.len() > 250, "only {} captures", subjects.len());
    subjects
}

fn plain(packets: &[Packet]) -> Vec<Verdict> {
    support::verdicts(&wrap::write(packets, PLAIN))
}

fn essences(verdicts: &[Verdict]) -> Vec<Essence> {
    verdicts.iter().map(Essence::of).collect()
}

/// Lines for what differs between two lists of flows; `compare` judges two flows.
fn compare(
    (a, b): (&[Essence], &[Essence]),
    compare: impl Fn(&Essence, &Essence) -> Vec<String>,
) -> Vec<String> {
    if a.len() != b.len() {
        return vec![format!("{} flows -> {}", a.len(), b.len())];
    }
    let pairs = a.iter().zip(b).enumerate();
    pairs
        .flat_map(|(flow, (a, b))| {
            let lines = compare(a, b).into_iter();
            lines.map(move |line| format!("flow {flow} {line}"))
        })
        .collect()
}

/// Runs one law over every subject: `law` gives what it changed, in words, and what differs then.
fn law(what: &str, law: impl Fn(&Subject) -> Vec<(String, Vec<String>)> + Sync) {
    let subjects = subjects();
    let results = support::on_two_threads(&subjects, |subject| {
        let changes = law(subject).into_iter();
        changes
            .flat_map(|(how, lines)| {
                let name = &subject.name;
                lines
                    .into_iter()
                    .map(move |line| format!("{name} {how}: {line}"))
            })
            .collect::<Vec<_>>()
    });
    support::report(what, &results.concat());
}

#[test]
fn files_and_links() {
    law("container or link type", |subject| {
        let original = essences(&plain(&subject.packets));
        let mut forms: Vec<(Container, Link)> = Vec::new();
        for big in [false, true] {
            for nanos in [false, true] {
                forms.push((Container::Pcap { big, nanos }, Link::Ethernet));
            }
            forms.push((Container::Pcapng { big }, Link::Ethernet));
            forms.push((Container::Pcap { big, nanos: true }, Link::Null));
        }
        forms.extend(Link::ALL.map(|link| (PLAIN.0, link)));
        forms.extend(Tunnel::ALL.map(|tunnel| (PLAIN.0, Link::Tunnel(tunnel))));
        let changes = forms.into_iter().map(|form| {
            let other = essences(&support::verdicts(&wrap::write(&subject.packets, form)));
            (
                format!("{form:?}"),
                compare((&original, &other), Essence::differences),
            )
        });
        changes.collect()
    });
}

#[test]
fn the_other_address_family() {
    law("IPv6", |subject| {
        let packets = transform::to_v6(&subject.packets);
        let (original, other) = (plain(&subject.packets), plain(&packets));
        let pair = (essences(&original), essences(&other));
        let lines = compare((&pair.0, &pair.1), Essence::beyond_weaker);
        vec![("as IPv6".into(), lines)]
    });
}

#[test]
fn sequence_wrap_at_each_boundary() {
    law("sequence wrap", |subject| {
        let original = essences(&plain(&subject.packets));
        let boundaries = transform::boundaries(&subject.packets);
        let changes = boundaries.into_iter().map(|(sender, number)| {
            let by = 0_u32.wrapping_sub(number);
            let packets = transform::shift(&subject.packets, sender, by);
            let other = essences(&plain(&packets));
            let how = format!("wrap of {} at {number}", sender.1);
            (how, compare((&original, &other), Essence::differences))
        });
        changes.collect()
    });
}

#[test]
fn sides_swapped() {
    law("sides swapped", |subject| {
        let original = plain(&subject.packets);
        let addresses = plain(&transform::swap_addresses(&subject.packets));
        let ports = plain(&transform::swap_ports(&subject.packets));
        let same = (essences(&original), essences(&addresses));
        let mirror = |v: &Verdict, at: usize| {
            let guessed = essence::guessed(v);
            let stays = ports
                .get(at)
                .is_some_and(|other| other.client.port == v.client.port);
            if guessed && stays {
                Essence::mirrored(v)
            } else {
                Essence::of(v)
            }
        };
        let expected = original.iter().enumerate().map(|(at, v)| mirror(v, at));
        let mirrored = (expected.collect::<Vec<_>>(), essences(&ports));
        vec![
            (
                "addresses swapped".into(),
                compare((&same.0, &same.1), Essence::differences),
            ),
            (
                "ports swapped".into(),
                compare((&mirrored.0, &mirrored.1), Essence::differences),
            ),
        ]
    });
}

#[test]
fn every_record_doubled() {
    law("every record doubled", |subject| {
        let quiet = |all: Vec<Essence>| -> Vec<Essence> {
            let strip = |e: Essence| e.without(&["capture-duplicates"]);
            all.into_iter().map(strip).collect()
        };
        let original = quiet(essences(&plain(&subject.packets)));
        let doubled = quiet(essences(&plain(&transform::doubled(&subject.packets))));
        let packets = transform::doubled(&subject.packets);
        let copies = |link| {
            let file = wrap::write(&packets, (PLAIN.0, link));
            quiet(essences(&support::verdicts(&file)))
        };
        let tagged = copies(Link::TaggedByTurns);
        let tunnelled = copies(Link::TunnelledByTurns);
        vec![
            (
                "doubled".into(),
                compare((&original, &doubled), Essence::differences),
            ),
            (
                "doubled, one copy tagged".into(),
                compare((&original, &tagged), Essence::differences),
            ),
            (
                "doubled, one copy in a tunnel".into(),
                compare((&original, &tunnelled), Essence::differences),
            ),
        ]
    });
}

#[test]
fn two_captures_interleaved() {
    let subjects = subjects();
    let pairs: Vec<(&Subject, &Subject)> = subjects.iter().zip(subjects.iter().skip(1)).collect();
    let results = support::on_two_threads(&pairs, |(a, b)| {
        let moved = transform::elsewhere(&b.packets);
        let mixed = plain(&transform::interleaved(&a.packets, &moved));
        let mut lines = Vec::new();
        for packets in [&a.packets, &moved] {
            let alone = plain(packets);
            let ends: Vec<_> = alone.iter().map(essence::ends).collect();
            let theirs = mixed.iter().filter(|v| ends.contains(&essence::ends(v)));
            let theirs: Vec<Essence> = theirs.map(settled).collect();
            let alone: Vec<Essence> = alone.iter().map(settled).collect();
            lines.extend(compare((&alone, &theirs), Essence::differences));
        }
        let name = format!("{} with {}", a.name, b.name);
        lines
            .into_iter()
            .map(|line| format!("{name}: {line}"))
            .collect::<Vec<_>>()
    });
    support::report("interleaved", &results.concat());
}

/// Without what depends on when the capture ends: the other capture may run on for longer, or
/// have been taken at another time.
fn settled(v: &Verdict) -> Essence {
    let mut essence = Essence::of(v);
    essence
        .values
        .retain(|name, _| !name.starts_with("time_wait") && name != "final_states");
    let ends = v.final_ack.name();
    if matches!(ends, "unknown" | "unseen" | "never") {
        essence.values.remove("final_ack");
    }
    essence.without(&[
        "capture-",
        "last-ack-stuck",
        "fin-wait-1-stuck",
        "close-wait-leak",
    ])
}

/// What is said stays; how sure it is may suffer (`capture-reordered`).
#[test]
fn adjacent_records_swapped() {
    law(
        "adjacent records in opposite directions swapped",
        |subject| {
            let quiet = |all: Vec<Essence>| -> Vec<Essence> {
                let strip = |e: Essence| e.without(&["capture-reordered"]);
                all.into_iter().map(strip).collect()
            };
            let original = quiet(essences(&plain(&subject.packets)));
            let places = transform::swappable(&subject.packets);
            let changes = places.into_iter().map(|at| {
                let mut packets = subject.packets.clone();
                packets.swap(at, at + 1);
                let other = quiet(essences(&plain(&packets)));
                let how = format!("{} and {} swapped", at + 1, at + 2);
                (how, compare((&original, &other), Essence::differences))
            });
            changes.collect()
        },
    );
}

#[test]
fn snaplen_down_to_the_header() {
    law("snaplen", |subject| {
        let original = essences(&plain(&subject.packets));
        let whole = essences(&plain(&transform::cut(&subject.packets, true)));
        let bare = essences(&plain(&transform::cut(&subject.packets, false)));
        let quiet = |all: &[Essence]| -> Vec<Essence> {
            let strip = |e: &Essence| e.clone().without(&["capture-snaplen"]);
            all.iter().map(strip).collect()
        };
        vec![
            (
                "cut behind the TCP header".into(),
                compare((&quiet(&original), &quiet(&whole)), Essence::differences),
            ),
            (
                "cut behind 20 bytes of TCP header".into(),
                compare((&original, &bare), Essence::beyond_weaker),
            ),
        ]
    });
}

#[test]
fn transformations_change_what_they_say() {
    let subjects = subjects();
    let packets = &subjects[0].packets;
    let first = fields(&packets[0]);
    let swapped = fields(&transform::swap_addresses(packets)[0]);
    assert_eq!((swapped.src.0, swapped.src.1), (first.dst.0, first.src.1));
    let shifted = fields(&transform::shift(packets, first.src, 7)[0]);
    assert_eq!(shifted.seq, first.seq.wrapping_add(7));
    let v6 = fields(&transform::to_v6(packets)[0]);
    assert_eq!(v6.src.0, transform::mapped(first.src.0));
    let again = wrap::read(&wrap::write(
        packets,
        (Container::Pcapng { big: true }, Link::Sll2),
    ));
    assert_eq!(&again, packets);
}
