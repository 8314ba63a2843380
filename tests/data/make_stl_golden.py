#!/usr/bin/env python3
"""Golden robust decompositions of series with an even number of values, by statsmodels.

    pip install statsmodels
    python3 tests/data/make_stl_golden.py > tests/data/stl_even_golden.txt

The format is that of make_stl_golden.R, which says why these come from elsewhere.
"""
import numpy as np
from statsmodels.tsa.seasonal import STL


def line(name, values):
    print(name, *("%.15g" % v for v in values))


def odd(x):
    return int(x) + (int(x) % 2 == 0)


def case(name, y, period, window):
    trend = odd(np.ceil(1.5 * period / (1 - 1.5 / window)))
    low = odd(period)
    jump = [int(np.ceil(w / 10)) for w in (window, trend, low)]
    s = STL(y, period=period, seasonal=window, trend=trend, low_pass=low, seasonal_deg=0,
            robust=True, seasonal_jump=jump[0], trend_jump=jump[1], low_pass_jump=jump[2])
    r = s.fit(inner_iter=1, outer_iter=15)
    print("stl", name, len(y), period, window, 1, -1, 0, 0, 0, 0)
    line("y", y)
    line("trend", r.trend)
    line("seasonal", r.seasonal)
    line("weight", r.weights)


rng = np.random.default_rng(20260)
t = np.arange(96)
y = np.round(49 + 12 * np.sin(t * np.pi / 6) + np.cumsum(rng.normal(0, 0.2, 96)) + rng.normal(0, 2, 96), 1)
case("monthly", y, 12, 7)
y[[10, 40, 71]] += [60, -45, 80]
case("spikes", y, 12, 13)
