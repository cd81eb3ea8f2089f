//! Which of the flows that are expected is which of those that are there.

use super::class::Class;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// A part of what differs: places of the expected ones, and of those that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Instead of one there is another.
    Changed(usize, usize),
    /// It is not there.
    Missing(usize),
    /// It was not expected.
    Unexpected(usize),
}

/// Compares in order.
pub(super) fn in_order(expected: &[usize], found: &[usize]) -> Vec<Step> {
    let mut steps = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, expected, found) {
        let (was, is) = match op {
            DiffOp::Equal { .. } => continue,
            _ => (op.old_range(), op.new_range()),
        };
        let both = was.len().min(is.len());
        let pairs = was.clone().zip(is.clone());
        steps.extend(pairs.map(|(was, is)| Step::Changed(was, is)));
        steps.extend(was.skip(both).map(Step::Missing));
        steps.extend(is.skip(both).map(Step::Unexpected));
    }
    steps
}

/// Pairs of classes that are looked at.
const PAIRS: usize = 1_000_000;

/// So many of a class are not there, or not expected.
pub(super) type Rest<'a> = (&'a Class, u64);

/// Pairs what is missing with what was not expected, those that have most in common first. Gives the
/// places of each pair and how many it stands for, and leaves the rest.
pub(super) fn by_likeness(
    missing: &mut [Rest<'_>],
    unexpected: &mut [Rest<'_>],
) -> Vec<(usize, usize, u64)> {
    if missing.len().saturating_mul(unexpected.len()) > PAIRS {
        return Vec::new();
    }
    let mut pairs = Vec::new();
    for (a, (was, _)) in missing.iter().enumerate() {
        for (b, (is, _)) in unexpected.iter().enumerate() {
            pairs.push((distance(was, is), a, b));
        }
    }
    pairs.sort_unstable();
    let mut matched = Vec::new();
    for (_, a, b) in pairs {
        let (Some((_, was)), Some((_, is))) = (missing.get_mut(a), unexpected.get_mut(b)) else {
            continue;
        };
        let both = (*was).min(*is);
        if both > 0 {
            (*was, *is) = (*was - both, *is - both);
            matched.push((a, b, both));
        }
    }
    matched
}

/// In how much they differ: who did what weighs most.
fn distance(a: &Class, b: &Class) -> u32 {
    let differ = |differ: bool, weight: u32| if differ { weight } else { 0 };
    let new = b.findings.iter().filter(|note| !a.findings.contains(note));
    let gone = a.findings.iter().filter(|note| !b.findings.contains(note));
    differ(a.outcome != b.outcome, 8)
        + differ(a.active_closer != b.active_closer, 8)
        + differ(a.aborted_by != b.aborted_by, 8)
        + differ(a.abort_cause != b.abort_cause, 4)
        + differ(a.time_wait != b.time_wait, 2)
        + differ(a.final_ack != b.final_ack, 1)
        + new.chain(gone).map(|_| 1).sum::<u32>()
}

#[cfg(test)]
mod tests {
    use super::{Step, in_order};

    /// Nothing in common is the worst case.
    #[test]
    fn long_lists_take_no_time() {
        let (was, is): (Vec<usize>, Vec<usize>) = (0..1_500).map(|n| (n, n + 20_000)).unzip();
        assert_eq!(in_order(&was, &is).len(), 1_500);
        let turned: Vec<usize> = was.iter().rev().copied().collect();
        assert!(in_order(&was, &turned).len() > 1_400);
    }

    #[test]
    fn a_flow_more_shifts_none_of_the_others() {
        assert_eq!(in_order(&[1, 2, 3], &[1, 2, 3]), []);
        assert_eq!(in_order(&[1, 2, 3], &[0, 1, 2, 3]), [Step::Unexpected(0)]);
        assert_eq!(in_order(&[1, 2, 3], &[1, 3]), [Step::Missing(1)]);
        assert_eq!(in_order(&[1, 2, 3], &[1, 4, 3]), [Step::Changed(1, 1)]);
        assert_eq!(
            in_order(&[1, 2, 3], &[1, 4, 5, 3]),
            [Step::Changed(1, 1), Step::Unexpected(2)]
        );
    }
}
