//! Could it be chance? Exact tests where numbers are small, and a correction for asking often.

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many have it.
    pub count: u64,
    /// How many there are.
    pub of: u64,
}

impl Share {
    /// The share, from 0 to 1; 0 of nothing.
    #[must_use]
    pub fn ratio(self) -> f64 {
        match self.of {
            0 => 0.0,
            of => float(self.count) / float(of),
        }
    }
}

/// Tables whose probabilities differ by less count as equally probable: rounding.
const TOLERANCE: f64 = 1e-7;
/// What is less probable, against the most probable, is not: below, floats lose digits.
const NOTHING: f64 = f64::MIN_POSITIVE;

/// Fisher's exact test, two-sided: how probable are shares that differ at least so much, if both are
/// drawn from the same? The probabilities of all tables no more probable than this one, summed.
#[must_use]
pub fn fisher(old: Share, new: Share) -> f64 {
    let table = Table {
        drawn: float(old.of),
        marked: float(old.count.saturating_add(new.count)),
        all: float(old.of.saturating_add(new.of)),
    };
    let (least, most) = table.support();
    let seen = float(old.count).clamp(least, most);
    let mode = table.mode().clamp(least, most);
    // In units of the most probable table's: no factorials, and nothing overflows.
    let (mut all, mut unlikely) = (0.0, 0.0);
    let limit = table.weight(mode, seen) * (1.0 + TOLERANCE);
    let mut add = |weight: f64| {
        all += weight;
        if weight <= limit {
            unlikely += weight;
        }
    };
    add(1.0);
    let (mut at, mut weight) = (mode, 1.0);
    while at < most && weight > NOTHING {
        weight *= table.step(at);
        at += 1.0;
        add(weight);
    }
    (at, weight) = (mode, 1.0);
    while at > least && weight > NOTHING {
        at -= 1.0;
        weight /= table.step(at);
        add(weight);
    }
    (unlikely / all).min(1.0)
}

/// The hypergeometric distribution: so many are drawn of all, some of which are marked.
struct Table {
    drawn: f64,
    marked: f64,
    all: f64,
}

impl Table {
    fn support(&self) -> (f64, f64) {
        let least = (self.drawn + self.marked - self.all).max(0.0);
        (least, self.drawn.min(self.marked))
    }

    fn mode(&self) -> f64 {
        ((self.drawn + 1.0) * (self.marked + 1.0) / (self.all + 2.0)).floor()
    }

    /// How much more probable `at + 1` marked ones are than `at`.
    fn step(&self, at: f64) -> f64 {
        let rest = self.all - self.marked - self.drawn + at + 1.0;
        (self.marked - at) * (self.drawn - at) / ((at + 1.0) * rest)
    }

    /// The weight of `to`, if that of `from` is 1.
    fn weight(&self, from: f64, to: f64) -> f64 {
        let (mut at, mut weight) = (from, 1.0);
        while at < to && weight > NOTHING {
            weight *= self.step(at);
            at += 1.0;
        }
        while at > to && weight > NOTHING {
            at -= 1.0;
            weight /= self.step(at);
        }
        weight
    }
}

/// What two samples show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// How often a new value is larger than an old one, ties half: 0.5 without a shift.
    pub larger: f64,
    /// How probable a shift at least as large is, if there is none.
    pub p: f64,
}

/// With so many values the test of Mann and Whitney is exact. Counts of choices fit a float.
const EXACT: usize = 50;

/// The test of Mann and Whitney, two-sided, over samples in ascending order. Exact for small samples,
/// ties or not; else by the normal distribution, corrected for ties and continuity. `None` where a
/// sample is empty.
#[must_use]
pub fn mann_whitney(old: &[i64], new: &[i64]) -> Option<Shift> {
    if old.is_empty() || new.is_empty() {
        return None;
    }
    let ranks = Ranks::of(old, new);
    let (m, n) = (size(old.len()), size(new.len()));
    // U of the new sample; ranks are doubled.
    let u = ranks.new / 2.0 - n * (n + 1.0) / 2.0;
    let p = if old.len() + new.len() <= EXACT {
        ranks.exact(new.len())
    } else {
        ranks.normal(u, m, n)
    };
    let larger = u / (m * n);
    Some(Shift { larger, p })
}

/// The values of both samples in turn: a rank is the mean place of equal values.
struct Ranks {
    /// Twice the rank of each value, in ascending order.
    doubled: Vec<usize>,
    /// The sum of the new ones.
    new: f64,
    /// The sum over groups of t equal values of t³ - t.
    ties: f64,
}

impl Ranks {
    fn of(old: &[i64], new: &[i64]) -> Self {
        let olds = old.iter().map(|&value| (value, false));
        let mut all: Vec<(i64, bool)> = olds.chain(new.iter().map(|&v| (v, true))).collect();
        all.sort_unstable();
        let (mut doubled, mut sum, mut ties) = (Vec::with_capacity(all.len()), 0.0, 0.0);
        for equal in all.chunk_by(|a, b| a.0 == b.0) {
            let rank = 2 * doubled.len() + equal.len() + 1;
            let count = size(equal.len());
            ties += count.mul_add(count * count, -count);
            let new = equal.iter().filter(|(_, new)| *new).count();
            sum += size(new) * size(rank);
            doubled.extend(equal.iter().map(|_| rank));
        }
        Self {
            doubled,
            new: sum,
            ties,
        }
    }

    /// Over all choices of so many values: how many have a sum of ranks at least as extreme?
    fn exact(&self, chosen: usize) -> f64 {
        let most: usize = self.doubled.iter().sum();
        let width = most + 1;
        // By number of values chosen, then by the sum of their ranks.
        let mut ways = vec![vec![0.0_f64; width]; chosen + 1];
        if let Some(none) = ways.first_mut().and_then(|row| row.first_mut()) {
            *none = 1.0;
        }
        for &rank in &self.doubled {
            // From the top: each value is chosen once.
            for number in (1..=chosen).rev() {
                let (fewer, rest) = ways.split_at_mut(number);
                let (Some(from), Some(to)) = (fewer.last(), rest.first_mut()) else {
                    continue;
                };
                for (to, from) in to.iter_mut().skip(rank).zip(from) {
                    *to += from;
                }
            }
        }
        let Some(ways) = ways.last() else {
            return 1.0;
        };
        let (mut below, mut above, mut all) = (0.0, 0.0, 0.0);
        for (sum, count) in ways.iter().enumerate() {
            all += count;
            if size(sum) <= self.new {
                below += count;
            }
            if size(sum) >= self.new {
                above += count;
            }
        }
        (2.0 * below.min(above) / all).min(1.0)
    }

    fn normal(&self, u: f64, m: f64, n: f64) -> f64 {
        let all = m + n;
        let variance = m * n / 12.0 * (all + 1.0 - self.ties / (all * (all - 1.0)));
        if variance <= 0.0 {
            return 1.0;
        }
        let distance = ((u - m * n / 2.0).abs() - 0.5).max(0.0);
        let z = distance / variance.sqrt();
        libm::erfc(z / std::f64::consts::SQRT_2)
    }
}

/// The correction of Holm: what each p is worth where so many were asked for at once.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let tests = p.len();
    let mut order: Vec<(usize, f64)> = p.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut largest = 0.0_f64;
    let mut corrected: Vec<(usize, f64)> = Vec::with_capacity(p.len());
    for (place, (index, p)) in order.into_iter().enumerate() {
        let left = (p * size(tests - place)).min(1.0);
        largest = largest.max(left);
        corrected.push((index, largest));
    }
    corrected.sort_by_key(|(index, _)| *index);
    corrected.into_iter().map(|(_, p)| p).collect()
}

/// The value that so many thousandths of the values do not exceed, of values in ascending order.
#[must_use]
pub fn quantile(sorted: &[i64], thousandths: usize) -> Option<i64> {
    let place = (sorted.len() * thousandths).div_ceil(1000).max(1) - 1;
    sorted.get(place).or(sorted.last()).copied()
}

/// Exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts of flows")]
pub(super) const fn float(count: u64) -> f64 {
    count as f64
}

const fn size(count: usize) -> f64 {
    float(count as u64)
}
