#!/usr/bin/env python3
"""Golden change points by river (https://riverml.xyz), position by position.

    pip install river
    python3 tests/data/make_detector_golden.py > tests/data/detector_golden.txt

Lines: docs, docs_binary stream VALUES: the streams of river's own documentation; the others are
made here and in tests/unit/test_detector.c alike, from a counter-based generator.  STREAM DETECTOR
N POSITIONS: changes, counted from 1; STREAM DETECTOR_warning N POSITIONS: where warnings begin.

KSWIN draws at random: here it is given the draws of augur's generator, so that its test and its
windows are compared, not two generators.
"""
import random

from river import drift

MASK = (1 << 64) - 1


def mix64(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class Rng:
    """Value i of stream (seed, a, b) is a pure function of them."""

    def __init__(self, seed, a, b):
        key = mix64((seed + 0x9E3779B97F4A7C15) & MASK)
        key = mix64(key ^ ((a + 0xD1B54A32D192ED03) & MASK))
        self.key = mix64(key ^ ((b + 0x8CB92BA72F3D8DD7) & MASK))
        self.counter = 0

    def next(self):
        self.counter += 1
        return mix64((self.key + self.counter * 0x9E3779B97F4A7C15) & MASK)

    def below(self, n):
        return (self.next() * n) >> 64

    def real(self):
        return (self.next() >> 11) * 2.0 ** -53


class Draws:
    """Stands in for random.Random in KSWIN: draws of (seed, number read)."""

    def __init__(self, seed, count):
        self.seed, self.count = seed, count

    def sample(self, population, k):
        pool, rng = list(population), Rng(self.seed, self.count(), 0)
        for i in range(k):
            j = i + rng.below(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:k]


class Kswin(drift.KSWIN):
    total = 0

    def _reset(self):
        super()._reset()
        self._rng = Draws(42, lambda: self.total)

    def update(self, x):
        self.total += 1
        super().update(x)


def binary(seed, parts):
    rng = Rng(seed, 0, 0)
    return [1.0 if rng.real() < p else 0.0 for n, p in parts for _ in range(n)]


def bell(seed, parts):
    """Sums of twelve uniforms, nearly normal."""
    rng, out = Rng(seed, 0, 0), []
    for n, mean, sd in parts:
        for _ in range(n):
            z = 0.0
            for _ in range(12):
                z += rng.real()
            out.append(mean + sd * (z - 6.0))
    return out


docs = random.Random(12345)
docs_binary = random.Random(42)
STREAMS = {
    "docs": docs.choices([0, 1], k=1000) + docs.choices(range(4, 8), k=1000),
    "docs_binary": docs_binary.choices([0, 1], k=1000)
    + docs_binary.choices([0, 1], k=1000, weights=[0.3, 0.7]),
    "sudden": binary(1, [(3000, 0.1), (3000, 0.3), (3000, 0.1)]),
    "gradual": binary(2, [(500, 0.05 + 0.025 * i) for i in range(20)]),
    "still": binary(3, [(10000, 0.2)]),
    "rare": binary(4, [(5000, 0.01), (5000, 0.04)]),
    "mean": bell(5, [(2000, 0, 1), (2000, 0.5, 1), (2000, -0.5, 1)]),
    "spread": bell(6, [(2000, 0, 1), (2000, 0, 3), (2000, 0, 0.5)]),
    "large": bell(7, [(3000, 1000, 200), (3000, 1200, 200)]),
    "constant": [0.0] * 500 + [1.0] * 500 + [0.25] * 500,
}
DETECTORS = {
    "adwin": lambda: drift.ADWIN(),
    "adwin_fine": lambda: drift.ADWIN(delta=0.01, clock=1),
    "adwin_coarse": lambda: drift.ADWIN(max_buckets=3, min_window_length=10, grace_period=50),
    "page_hinkley": lambda: drift.PageHinkley(),
    "page_hinkley_up": lambda: drift.PageHinkley(mode="up", threshold=10, delta=0.05),
    "page_hinkley_down": lambda: drift.PageHinkley(mode="down", threshold=20, alpha=0.999),
    "kswin": lambda: Kswin(),
    "kswin_wide": lambda: Kswin(alpha=0.0001, window_size=200, stat_size=50),
    "ddm": lambda: drift.binary.DDM(),
    "ddm_slow": lambda: drift.binary.DDM(warm_start=100, drift_threshold=4),
    "eddm": lambda: drift.binary.EDDM(),
    "eddm_slow": lambda: drift.binary.EDDM(alpha=0.8, beta=0.75),
}


def main():
    for stream in ("docs", "docs_binary"):
        print(stream, "stream", *STREAMS[stream])
    for stream, values in STREAMS.items():
        for name, make in DETECTORS.items():
            if "ddm" in name and any(v not in (0, 1) for v in values):
                continue
            detector, changes, warnings, warned = make(), [], [], False
            for i, x in enumerate(values):
                detector.update(x)
                if detector.drift_detected:
                    changes.append(i + 1)
                now = getattr(detector, "warning_detected", False)
                if now and not warned:
                    warnings.append(i + 1)
                warned = now
            print(stream, name, len(changes), *changes)
            if "ddm" in name:
                print(stream, name + "_warning", len(warnings), *warnings)


if __name__ == "__main__":
    main()
