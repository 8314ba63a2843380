#!/usr/bin/env python3
"""Golden reconciled forecasts by hierarchicalforecast (Nixtla).

    pip install hierarchicalforecast
    python3 tests/data/make_hierarchy_golden.py > tests/data/hierarchy_golden.txt

Lines: NAME parent INDICES (-1: root); NAME base, residuals VALUES, node by node; NAME bottom_up,
top_down (forecast proportions), diagonal (MinTrace wls_var), shrunk (MinTrace mint_shrink) VALUES; NAME diagonal_spread, shrunk_spread: what is left of each
node's standard deviation, by the peer's W.
"""
import numpy as np
from hierarchicalforecast.methods import BottomUp, MinTrace, TopDown


def summing(parent):
    leaves = [i for i in range(len(parent)) if i not in parent]
    s = np.zeros((len(parent), len(leaves)))
    for k, node in enumerate(leaves):
        while node >= 0:
            s[node, k] = 1
            node = parent[node]
    return s, leaves


def case(name, parent, horizon, n, seed):
    rng = np.random.default_rng(seed)
    s, leaves = summing(parent)
    nodes = len(parent)
    insample = s @ rng.normal(20, 4, (len(leaves), n))
    common = rng.normal(0, 1, n)
    residuals = np.round(s @ (rng.normal(0, 2, (len(leaves), n)) + common) * 0.8
                         + rng.normal(0, 1.5, (nodes, n)), 3)
    base = np.round(s @ rng.normal(20, 4, (len(leaves), horizon)) + rng.normal(0, 3, (nodes, horizon)), 3)
    common = dict(S=s, y_hat=base)
    fitted = dict(y_insample=insample, y_hat_insample=insample - residuals)
    # levels of the tree, for forecast proportions
    depth = [0] * nodes
    for i in range(nodes):
        j = parent[i]
        while j >= 0:
            depth[i] += 1
            j = parent[j]
    tags = {str(d): np.array([i for i in range(nodes) if depth[i] == d]) for d in range(max(depth) + 1)}
    answers = {
        "bottom_up": BottomUp().fit_predict(S=s, y_hat=base),
        "top_down": TopDown(method="forecast_proportions").fit_predict(S=s, y_hat=base, tags=tags),
        "diagonal": MinTrace(method="wls_var").fit_predict(**common, **fitted),
        "shrunk": MinTrace(method="mint_shrink").fit_predict(**common, **fitted),
    }
    print(name, "parent", *parent)
    print(name, "base", *("%.3f" % v for v in base.ravel()))
    print(name, "residuals", *("%.3f" % v for v in residuals.ravel()))
    children = [[j for j in range(nodes) if parent[j] == i] for i in range(nodes)]
    c = np.array([[float(j == i) - float(j in children[i]) for j in range(nodes)]
                  for i in range(nodes) if children[i]])
    for name_of_w, method in (("diagonal", "wls_var"), ("shrunk", "mint_shrink")):
        peer = MinTrace(method=method)
        peer.fit(**common, **fitted)
        w = peer.W if not hasattr(peer.W, "toarray") else peer.W.toarray()
        w = np.diag(w) if np.ndim(w) == 1 else w
        left = w - w @ c.T @ np.linalg.solve(c @ w @ c.T, c @ w)
        print(name, name_of_w + "_spread", *(repr(float(v)) for v in np.sqrt(np.diag(left) / np.diag(w))))
    for method, answer in answers.items():
        print(name, method, *(repr(float(v)) for v in np.asarray(answer["mean"]).ravel()))


case("two", [-1, 0, 0], 3, 30, 1)
case("balanced", [-1, 0, 0, 1, 1, 1, 2, 2], 4, 40, 2)
case("short", [-1, 0, 0, 0, 1, 1, 2, 2, 3, 3], 2, 8, 3)
