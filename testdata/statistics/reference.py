"""Reference values for the tests of significance: whole numbers and fractions, no library.

Fisher's test: every table with the same margins, its probability as a fraction of binomial
coefficients. Mann and Whitney, small samples: every choice of ranks. Large samples: the normal
approximation written out, its ties and its continuity. Holm: by its definition.

    python3 reference.py > reference.json
"""

import json
import math
from fractions import Fraction
from itertools import combinations


def fisher(a, n, b, m):
    """a of n against b of m, two-sided: the sum over tables that are no more probable."""
    marked, total = a + b, math.comb(n + m, a + b)
    weight = lambda x: math.comb(n, x) * math.comb(m, marked - x)
    seen = weight(a)
    least, most = max(0, marked - m), min(n, marked)
    # As R and scipy do: tables less than 1e-7 more probable count as equally probable.
    limit = Fraction(seen) * (1 + Fraction(1, 10**7))
    return float(Fraction(sum(w for x in range(least, most + 1) if (w := weight(x)) <= limit), total))


def doubled_ranks(values):
    """Twice the mean rank of each value."""
    ordered = sorted(values)
    return [2 * ordered.index(v) + ordered.count(v) + 1 for v in values]


def exact(old, new):
    ranks = doubled_ranks(old + new)
    seen = sum(ranks[len(old):])
    below = above = total = 0
    for chosen in combinations(ranks, len(new)):
        total += 1
        below += sum(chosen) <= seen
        above += sum(chosen) >= seen
    return float(min(Fraction(1), Fraction(2 * min(below, above), total)))


def larger(old, new):
    won = sum(Fraction(1) if b > a else Fraction(1, 2) if b == a else Fraction(0) for a in old for b in new)
    return float(won / (len(old) * len(new)))


def normal(old, new):
    m, n = len(old), len(new)
    everything = old + new
    u = sum(2 * (b > a) + (b == a) for a in old for b in new) / 2
    ties = sum(t**3 - t for t in (everything.count(v) for v in set(everything)))
    size = m + n
    variance = m * n / 12 * (size + 1 - ties / (size * (size - 1)))
    if variance <= 0:
        return 1.0
    z = max(abs(u - m * n / 2) - 0.5, 0) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def holm(values):
    order = sorted(range(len(values)), key=lambda i: values[i])
    out, largest = [0.0] * len(values), 0.0
    for place, i in enumerate(order):
        largest = max(largest, min(1.0, values[i] * (len(values) - place)))
        out[i] = largest
    return out


def sequence(count, seed, spread, shift=0):
    """Whole numbers that look random."""
    out, state = [], seed
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((state >> 33) % spread + shift)
    return out


TABLES = [
    (0, 1, 1, 1), (0, 5, 5, 5), (1, 10, 9, 10), (3, 8, 4, 54), (0, 100, 3, 100), (0, 100, 7, 100),
    (2, 120, 14, 118), (172, 218, 90, 217), (5, 5, 5, 5), (0, 7, 0, 9), (61, 179, 2, 3),
    (127, 165, 112, 155), (1, 1000, 12, 900), (500, 1000, 560, 1000), (40, 20000, 75, 21000),
    (3, 3, 0, 40), (1, 2, 1, 2), (1000, 5000, 1100, 4700),
]  # fmt: skip
SMALL = [
    ([1], [2]), ([1, 2, 3], [4, 5, 6]), ([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]), ([5, 5, 5], [5, 5, 5]),
    ([1, 1, 2, 2, 3], [2, 3, 3, 4, 4, 4]), ([10, 30, 20], [15, 25, 35, 45, 55, 65]),
    (sequence(9, 1, 50), sequence(10, 2, 50, 12)), (sequence(8, 3, 5), sequence(9, 4, 5, 1)),
    (sequence(3, 5, 1000), sequence(15, 6, 1000)),
]  # fmt: skip
LARGE = [
    (sequence(40, 7, 1000), sequence(45, 8, 1000)), (sequence(60, 9, 1000), sequence(50, 10, 1000, 150)),
    (sequence(100, 11, 10), sequence(120, 12, 10, 1)), (sequence(200, 13, 10**6), sequence(30, 14, 10**6, 10**5)),
    ([7] * 30, [7] * 40), (sequence(80, 15, 100), sequence(80, 16, 100, 60)),
]  # fmt: skip
HOLM = [
    [], [0.03], [0.01, 0.04, 0.03, 0.005], [0.5, 0.5, 0.5], [0.9, 0.001, 0.02, 0.02, 0.049], [0.2, 0.6, 0.001],
]  # fmt: skip

cases = {
    "fisher": [{"old": [a, n], "new": [b, m], "p": fisher(a, n, b, m)} for a, n, b, m in TABLES],
    "mann_whitney": [
        {"old": old, "new": new, "larger": larger(old, new), "p": test(old, new)}
        for samples, test in ((SMALL, exact), (LARGE, normal))
        for old, new in samples
    ],
    "holm": [{"p": p, "corrected": holm(p)} for p in HOLM],
}
print(json.dumps(cases))
