#!/usr/bin/env python3
"""Golden distances and tests by SciPy.

    pip install numpy scipy
    python3 tests/data/make_stats_golden.py > tests/data/stats_golden.txt

Samples are made by integer arithmetic, here and in tests/unit/test_stats.c: value i of a sample is
(i * a % c) / d + shift.  Cases of `sample` are: a c d n shift of both.
"""
import numpy as np
from scipy import spatial, stats

print("# made by make_stats_golden.py with SciPy")


def sample(a, c, d, n, shift):
    return np.sort(np.arange(n) * a % c / d + shift)


def numbers(name, what, *values):
    print(name, what, *(repr(float(v)) for v in np.ravel(values)))


CASES = {
    "close": ((7919, 1009, 10, 200, 0), (104729, 997, 10, 150, 3)),
    "ties": ((31, 7, 1, 100, 0), (17, 9, 1, 80, 0)),
    "small": ((3, 11, 1, 5, 0), (5, 13, 2, 8, 0.25)),
    "large": ((7919, 100003, 10, 6000, 0), (104729, 99991, 10, 6000, 150)),
    "uneven": ((7919, 100003, 10, 9000, 0), (104729, 99991, 10, 700, 400)),
    "huge": ((7919, 100003, 10, 100000, 0), (104729, 99991, 10, 100000, 60)),
    "far": ((7919, 1009, 10, 300, 0), (104729, 997, 10, 300, 60)),
    "one": ((1, 2, 1, 1, 0), (1, 3, 1, 1, 0.5)),
}
for name, (one, other) in CASES.items():
    x, y = sample(*one), sample(*other)
    numbers(name, "made", one, other)
    numbers(name, "wasserstein", stats.wasserstein_distance(x, y))
    # asymptotic beyond the sizes that ours counts paths for
    ks = stats.ks_2samp(x, y, method="exact" if len(x) <= 10000 else "asymp")
    numbers(name, "ks", ks.statistic, ks.pvalue)

CELLS = {
    "cells": ([10, 20, 30, 0, 5], [12, 18, 0, 7, 9]),
    "same": ([10, 20, 30], [20, 40, 60]),
    "weights": ([0.2, 0.3, 0.5], [0.25, 0.25, 0.5]),
    "apart": ([5, 0], [0, 7]),
    "many": (list(range(1, 60)), [(i * 37) % 61 + 1 for i in range(59)]),
}
for name, (p, q) in CELLS.items():
    a, b = np.array(p) / np.sum(p), np.array(q) / np.sum(q)
    seen = (a > 0) | (b > 0)
    fa, fb = np.where(a > 0, a, 1e-4)[seen], np.where(b > 0, b, 1e-4)[seen]
    numbers(name, "p", p)
    numbers(name, "q", q)
    numbers(name, "psi", np.sum((fa - fb) * np.log(fa / fb)))
    numbers(name, "kl", stats.entropy(b, a))
    numbers(name, "js", spatial.distance.jensenshannon(a, b))
    numbers(name, "hellinger", np.sqrt(1 - np.sum(np.sqrt(a * b))) if name != "same" else 0)
    numbers(name, "tv", np.abs(a - b).sum() / 2)
    if name not in ("weights",):
        table = np.array([p, q])[:, seen]
        chi = stats.chi2_contingency(table, correction=False)
        numbers(name, "chi", chi.statistic, chi.pvalue, chi.dof)

for a, n, b, m in ((5, 100, 15, 120), (0, 50, 3, 1000), (400000, 1000000, 401500, 1000000)):
    pooled = (a + b) / (n + m)
    z = (b / m - a / n) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    numbers("share", "%d_%d" % (a, n), a, n, b, m, z, 2 * stats.norm.sf(abs(z)))
p = np.array([0.01, 0.04, 0.03, 0.005, 0.5, 0.9, 0.04])
numbers("adjust", "p", p)
numbers("adjust", "adjusted", stats.false_discovery_control(p))
for df in (1, 4, 9, 99, 1000):
    for alpha in (0.5, 0.05, 0.001, 1e-9):
        numbers("chi2", "%d_%g" % (df, alpha), df, alpha, stats.chi2.isf(alpha, df))
