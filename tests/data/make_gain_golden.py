#!/usr/bin/env python3
"""Golden gains of one model over another on the same rows.

    pip install numpy scikit-learn scipy
    python3 tests/data/make_gain_golden.py > tests/data/gain_golden.txt

auc by scikit-learn, its interval from the quadratic definition of DeLong's structural components (all pairs);
log_loss and rmse by NumPy.  Scores are made by integer arithmetic here and in tests/unit/test_gain.c.
"""
import numpy as np
from scipy import stats
from sklearn.metrics import log_loss, roc_auc_score

print("# made by make_gain_golden.py")
Z = stats.norm.ppf(0.975)


def numbers(what, *values):
    print("gain", what, *(repr(float(v)) for v in values))


n = 300
i = np.arange(n)
y = (i * 37 % 11 > 6).astype(int)
a = (i * 7919 % 101 + 60 * y) / 170
b = (i * 104729 % 97 + 30 * y + 10) / 170
w = 1 + i % 3


def placements(s):
    p, q = s[y == 1], s[y == 0]
    psi = (p[:, None] > q[None, :]) + 0.5 * (p[:, None] == q[None, :])
    return psi.mean(axis=1), psi.mean(axis=0)


gain = roc_auc_score(y, a) - roc_auc_score(y, b)
(pa, qa), (pb, qb) = placements(a), placements(b)
error = np.sqrt(np.var(pa - pb, ddof=1) / len(pa) + np.var(qa - qb, ddof=1) / len(qa))
numbers("auc", gain, gain - Z * error, gain + Z * error)
numbers("auc_weighted", roc_auc_score(y, a, sample_weight=w) - roc_auc_score(y, b, sample_weight=w))

true_a, true_b = np.clip(a, 0.01, 0.99), np.clip(b, 0.01, 0.99)
d = -np.log(true_b) + np.log(true_a)
assert abs(np.mean(-np.log(true_a)) - log_loss(np.ones(n), np.c_[1 - true_a, true_a], labels=[0, 1])) < 1e-12
error = np.std(d, ddof=1) / np.sqrt(n)
numbers("log_loss", d.mean(), d.mean() - Z * error, d.mean() + Z * error)

e, f = a - y, b - y
ra, rb = np.sqrt(np.mean(e**2)), np.sqrt(np.mean(f**2))
g = f**2 / (2 * rb) - e**2 / (2 * ra)
error = np.std(g, ddof=1) / np.sqrt(n)
numbers("rmse", rb - ra, rb - ra - Z * error, rb - ra + Z * error)
