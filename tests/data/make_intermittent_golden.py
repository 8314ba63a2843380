#!/usr/bin/env python3
"""Golden forecasts of intermittent demand by statsforecast (Nixtla), and of Croston's method by R.

    pip install statsforecast; R with the package forecast as Rscript
    python3 tests/data/make_intermittent_golden.py > tests/data/intermittent_golden.txt

Lines: NAME y VALUES; NAME METHOD FORECAST, METHOD croston, sba, tsb (both alphas 0.1), adida
(statsforecast 2.1.1), r_croston (R's forecast::croston).
"""
import subprocess

import numpy as np
from statsforecast.models import ADIDA, TSB, CrostonClassic, CrostonSBA

MODELS = {
    "croston": CrostonClassic(),
    "sba": CrostonSBA(),
    "tsb": TSB(alpha_d=0.1, alpha_p=0.1),
    "adida": ADIDA(),
}


def r_croston(y):
    code = "cat(sprintf('%%.17g', forecast::croston(c(%s), h = 1)$mean))" % ",".join(map(str, y))
    return subprocess.run(["Rscript", "-e", code], check=True, capture_output=True, text=True).stdout


def case(name, y):
    y = np.asarray(y, dtype=float)
    print(name, "y", *("%g" % v for v in y))
    for method, model in MODELS.items():
        print(name, method, repr(float(model.forecast(y, 1)["mean"][0])))
    print(name, "r_croston", r_croston(y))


rng = np.random.default_rng(11)
case("sparse", rng.poisson(3, 120) * rng.binomial(1, 0.2, 120))
case("often", rng.poisson(6, 90) * rng.binomial(1, 0.7, 90))
case("lumpy", np.round(rng.lognormal(2, 1.2, 150)) * rng.binomial(1, 0.15, 150))
case("ending", np.r_[rng.poisson(5, 60) * rng.binomial(1, 0.5, 60), np.zeros(40)])
case("full", rng.poisson(20, 50) + 1)
case("late", np.r_[np.zeros(25), rng.poisson(4, 30) * rng.binomial(1, 0.4, 30)])
case("two", [0, 0, 3, 0, 0, 0, 5, 0])
