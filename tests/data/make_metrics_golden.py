#!/usr/bin/env python3
"""Golden values of the core's metrics, computed by scikit-learn and scipy.

    pip install scikit-learn scipy
    python3 tests/data/make_metrics_golden.py > tests/data/metrics_golden.txt

Where scikit-learn has no such function the formula is written out here from its
source: DeLong's variance from the quadratic definition of the structural
components, Wilson's interval from statsmodels' documentation, mape over the rows
whose actual value is not 0, smape as 2|e|/(|a|+|p|).

Format, one item a line:
    case NAME TASK N CLASSES WEIGHTED
    row LABEL WEIGHT P0 P1 ...          (classification)
    row ACTUAL WEIGHT PREDICTED         (regression)
    expect NAME CLASS VALUE             CLASS -1: overall; lower/upper: NAME.lower
    end
"""
import warnings

import numpy as np
from scipy import stats
from sklearn import metrics as M

warnings.filterwarnings("ignore")
Z = stats.norm.ppf(0.975)


def show(v):
    return "nan" if np.isnan(v) else repr(float(v))


def expect(name, cls, value):
    print("expect", name, cls, show(value))


def delong(y, s, w):
    """AUC and DeLong's standard error by the definition: all pairs."""
    pos, neg = s[y == 1], s[y == 0]
    wp, wn = w[y == 1], w[y == 0]
    psi = (pos[:, None] > neg[None, :]) + 0.5 * (pos[:, None] == neg[None, :])
    v10 = psi @ wn / wn.sum()
    v01 = wp @ psi / wp.sum()
    auc = wp @ v10 / wp.sum()

    def var(v, ww):
        n = ww.sum() ** 2 / (ww**2).sum()
        return (ww**2 * (v - auc) ** 2).sum() / ww.sum() ** 2 * n / (n - 1)

    return auc, np.sqrt(var(v10, wp) + var(v01, wn))


def wilson(p, n):
    c = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    h = Z * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    return max(0, c - h), min(1, c + h)


def effective(w):
    return w.sum() ** 2 / (w**2).sum() if len(w) else 0


def mean_error(v, w):
    m = np.average(v, weights=w)
    return np.sqrt(np.average((v - m) ** 2, weights=w) / (effective(w) - 1))


def expect_normal(name, v, w, lo, hi):
    m, e = np.average(v, weights=w), mean_error(v, w)
    expect(name, -1, m)
    expect(name + ".lower", -1, max(lo, m - Z * e))
    expect(name + ".upper", -1, min(hi, m + Z * e))


def expect_wilson(name, cls, p, n):
    lo, hi = wilson(p, n)
    expect(name, cls, p)
    expect(name + ".lower", cls, lo)
    expect(name + ".upper", cls, hi)


def classify(name, y, p, w):
    n, k = p.shape
    weighted = w is not None
    print("case", name, "classify", n, k, int(weighted))
    for i in range(n):
        print("row", y[i], show(w[i] if weighted else 1), *[show(v) for v in p[i]])
    w = w if weighted else np.ones(n)
    guess = p.argmax(axis=1)
    labels = list(range(k))
    kw = dict(sample_weight=w)
    if k == 2:
        auc, se = delong(y, p[:, 1], w)
        assert abs(auc - M.roc_auc_score(y, p[:, 1], **kw)) < 1e-12
        expect("auc", -1, auc)
        logit, reach = np.log(auc / (1 - auc)), Z * se / (auc * (1 - auc))
        expect("auc.lower", -1, 1 / (1 + np.exp(reach - logit)))
        expect("auc.upper", -1, 1 / (1 + np.exp(-reach - logit)))
        expect("pr_auc", -1, M.average_precision_score(y, p[:, 1], **kw))
        brier = (p[:, 1] - y) ** 2
        assert abs(np.average(brier, weights=w) - M.brier_score_loss(y, p[:, 1], **kw)) < 1e-12
    else:
        brier = ((p - np.eye(k)[y]) ** 2).sum(axis=1)
        expect("auc", -1, np.mean([delong((y == c).astype(int), p[:, c], w)[0] for c in labels]))
        if not weighted:
            assert abs(M.roc_auc_score(y, p, multi_class="ovr") -
                       np.mean([delong((y == c).astype(int), p[:, c], w)[0] for c in labels])) < 1e-12
    eps = np.finfo(float).eps
    loss = -np.log(np.clip(p[np.arange(n), y], eps, 1 - eps))
    assert abs(np.average(loss, weights=w) - M.log_loss(y, p, labels=labels, **kw)) < 1e-9
    expect_normal("log_loss", loss, w, 0, np.inf)
    expect_normal("brier", brier, w, 0, 1 if k == 2 else 2)
    expect_wilson("accuracy", -1, M.accuracy_score(y, guess, **kw), effective(w))
    expect("balanced_accuracy", -1, M.balanced_accuracy_score(y, guess, **kw))
    expect("mcc", -1, M.matthews_corrcoef(y, guess, **kw))
    average = "binary" if k == 2 else "macro"
    args = dict(average=average, zero_division=0, **kw)
    expect("f1", -1, M.f1_score(y, guess, **args))
    expect("precision", -1, M.precision_score(y, guess, **args))
    expect("recall", -1, M.recall_score(y, guess, **args))
    args = dict(average=None, labels=labels, zero_division=0, **kw)
    pr, re, f1 = (f(y, guess, **args) for f in (M.precision_score, M.recall_score, M.f1_score))
    for c in labels:
        if (guess == c).any():
            expect_wilson("precision", c, pr[c], effective(w[guess == c]))
        else:
            expect("precision", c, pr[c])
        expect_wilson("recall", c, re[c], effective(w[y == c]))
        expect("f1", c, f1[c])
    print("end")


def regress(name, a, p, w):
    n = len(a)
    weighted = w is not None
    print("case", name, "regress", n, 0, int(weighted))
    for i in range(n):
        print("row", show(a[i]), show(w[i] if weighted else 1), show(p[i]))
    w = w if weighted else np.ones(n)
    kw = dict(sample_weight=w)
    e = p - a
    mse, se = M.mean_squared_error(a, p, **kw), mean_error(e**2, w)
    expect("rmse", -1, np.sqrt(mse))
    expect("rmse.lower", -1, np.sqrt(max(0, mse - Z * se)))
    expect("rmse.upper", -1, np.sqrt(mse + Z * se))
    assert abs(M.mean_absolute_error(a, p, **kw) - np.average(abs(e), weights=w)) < 1e-9
    expect_normal("mae", abs(e), w, 0, np.inf)
    expect("r2", -1, M.r2_score(a, p, **kw))
    nz = a != 0
    if nz.all():
        ref = M.mean_absolute_percentage_error(a, p, **kw)
        assert abs(ref - np.average(abs(e / a), weights=w)) < 1e-9 * ref
    expect_normal("mape", abs(e[nz] / a[nz]), w[nz], 0, np.inf)
    s = abs(a) + abs(p)
    expect_normal("smape", np.where(s > 0, 2 * abs(e) / np.where(s > 0, s, 1), 0), w, 0, 2)
    expect_normal("bias", e, w, -np.inf, np.inf)
    print("end")


def main():
    g = np.random.default_rng(20240229)

    n = 120
    y = (g.random(n) < 0.3).astype(int)
    s = 1 / (1 + np.exp(-(1.5 * y - 0.8 + g.normal(size=n))))
    p = np.c_[1 - s, s]
    w = np.round(g.gamma(2, 1, n) + 0.1, 3)
    classify("binary", y, p, None)
    classify("binary_weighted", y, p, w)
    s = np.round(s * 8) / 8  # many ties, exact zeros and ones, ties at one half
    classify("binary_ties", y, np.c_[1 - s, s], None)
    classify("binary_ties_weighted", y, np.c_[1 - s, s], w)
    s = np.full(n, 0.25)
    classify("binary_constant", y, np.c_[1 - s, s], None)

    n, k = 150, 4
    y = g.integers(0, k, n)
    p = g.dirichlet(np.ones(k), n) + 0.5 * np.eye(k)[y]
    p /= p.sum(axis=1, keepdims=True)
    w = np.round(g.gamma(2, 1, n) + 0.1, 3)
    classify("multi", y, p, None)
    classify("multi_weighted", y, p, w)
    p[:, 3] = 0  # a class that is never predicted
    p /= p.sum(axis=1, keepdims=True)
    classify("multi_never", y, p, None)

    n = 100
    a = np.round(g.normal(50, 20, n), 3)
    p = np.round(a + g.normal(1, 5, n), 3)
    w = np.round(g.gamma(2, 1, n) + 0.1, 3)
    regress("regression", a, p, None)
    regress("regression_weighted", a, p, w)
    a[::7] = 0
    p[::14] = 0
    regress("regression_zeros", a, p, w)
    regress("regression_far", a + 1e9, p + 1e9, None)


main()
