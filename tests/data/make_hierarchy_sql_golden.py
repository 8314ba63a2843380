#!/usr/bin/env python3
"""Golden forecasts of a table's hierarchy, from rows to totals, by hierarchicalforecast (Nixtla).

    pip install hierarchicalforecast
    python3 tests/data/make_hierarchy_sql_golden.py > tests/data/hierarchy_sql_golden.csv

The table is made by the same whole-number formula in sql/hierarchy.sql: 2 regions with 2 and 3
stores, 60 days with many zeros.  Every node is forecast by Croston's method, 0.1 for sizes and
intervals, which is not additive.  Columns: reconcile, region, store (empty: a total), forecast.
"""
import numpy as np
from hierarchicalforecast.methods import BottomUp, MinTrace, TopDown

DAYS = 60
STORES = [("east", "a", 1), ("east", "b", 2), ("west", "c", 3), ("west", "d", 4), ("west", "e", 5)]


def units(k, d):
    return (7 * k + 3 * d * d + k * d) % 11 if (d * k + d * d // 3) % 3 == 0 else 0


def croston(y, alpha=0.1):
    size = interval = level = 0.0
    steps, seen = 0, False
    fitted = np.full(len(y), np.nan)
    for t, v in enumerate(y):
        fitted[t] = level if seen else np.nan
        steps += 1
        if v == 0:
            continue
        size = size + alpha * (v - size) if seen else v
        interval = interval + alpha * (steps - interval) if seen else steps
        seen, steps, level = True, 0, size / interval
    return level, fitted


leaves = np.array([[units(k, d) for d in range(DAYS)] for _, _, k in STORES], dtype=float)
nodes = [("", "", range(5)), ("east", "", (0, 1)), ("west", "", (2, 3, 4))]
nodes += [(r, s, (i,)) for i, (r, s, _) in enumerate(STORES)]
S = np.array([[float(i in members) for i in range(5)] for _, _, members in nodes])
y = S @ leaves
results = [croston(row) for row in y]
base = np.array([[level] for level, _ in results])
fitted = np.array([f for _, f in results])
# the peer knows no missing errors: steps at which a node has none are left out for all
whole = ~np.isnan(fitted).any(axis=0)
sample = dict(y_insample=y[:, whole], y_hat_insample=fitted[:, whole])
tags = {"total": np.array([0]), "region": np.array([1, 2]), "store": np.arange(3, 8)}
answers = {
    "bottom_up": BottomUp().fit_predict(S=S, y_hat=base),
    "top_down": TopDown(method="forecast_proportions").fit_predict(S=S, y_hat=base, tags=tags),
    "mint_shrink": MinTrace(method="mint_shrink").fit_predict(S=S, y_hat=base, **sample),
    "mint_diagonal": MinTrace(method="wls_var").fit_predict(S=S, y_hat=base, **sample),
    "none": dict(mean=base),
}
for how, answer in answers.items():
    for (region, store, _), value in zip(nodes, np.asarray(answer["mean"]).ravel()):
        print(how, region, store, repr(float(value)), sep=",")
