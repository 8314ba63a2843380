#!/usr/bin/env python3
"""Golden segmentations by ruptures (C. Truong, L. Oudre, N. Vayatis, Signal Processing 167, 2020).

    pip install ruptures
    python3 tests/data/make_changepoint_golden.py > tests/data/changepoint_golden.txt

Dynp, dynamic programming over all segmentations, for each number of changes; the one with the
smallest cost plus penalty is the exact answer, which its own Pelt is checked against.  One case:
    change NAME N LEAST PENALTY COUNT COST, y VALUES, at INDICES (first of each segment but the first)
"""
import sys

import numpy as np
import ruptures as rpt


def case(name, y, least, penalty, most=12):
    y = np.round(y, 3)
    cost = rpt.costs.CostL2().fit(y)
    algo = rpt.Dynp(custom_cost=cost, min_size=least, jump=1).fit(y)
    best = (cost.sum_of_costs([len(y)]), [len(y)])
    for k in range(1, most + 1):
        if (k + 1) * least > len(y):
            break
        ends = algo.predict(n_bkps=k)
        best = min(best, (cost.sum_of_costs(ends) + penalty * k, ends))
    assert len(best[1]) <= most, "more changes than were tried"
    pelt = rpt.Pelt(model="l2", min_size=least, jump=1).fit(y).predict(pen=penalty)
    if pelt != best[1]:
        print(name, "Pelt of ruptures differs:", pelt, best[1], file=sys.stderr)
    at = best[1][:-1]
    print("change", name, len(y), least, penalty, len(at), repr(float(best[0])))
    print("y", *("%.3f" % v for v in y))
    print("at", *at)


rng = np.random.default_rng(5)
steps = np.concatenate([rng.normal(m, 1, k) for m, k in [(0, 40), (3, 25), (-1, 50), (-0.2, 30)]])
case("steps", steps, 5, 3 * np.log(len(steps)))
case("steps", steps, 1, 2 * np.log(len(steps)))
case("steps", steps, 20, 3 * np.log(len(steps)))
case("steps", steps, 45, 3 * np.log(len(steps)))
case("noise", rng.normal(0, 1, 120), 2, 3 * np.log(120))
case("close", np.concatenate([rng.normal(m, 0.5, 4) for m in [0, 2, -1, 3, 1, 4, 0]]), 4, 3.0)
case("close", np.concatenate([rng.normal(m, 0.5, 3) for m in [0, 2, -1, 3, 1, 4, 0]]), 4, 1.0)
case("walk", np.cumsum(rng.normal(0, 1, 90)), 6, 40.0)
