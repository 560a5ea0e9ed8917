"""Counts of simulated draws against theory, with a stated rate of false alarms."""

import numpy as np
from scipy import stats


def joint_counts(draw, n_units, runs):
    """How often each pair was drawn together; the diagonal counts the units. `draw()` gives positions."""
    inside = np.zeros((runs, n_units))
    for r in range(runs):
        inside[r, draw()] = 1
    return inside.T @ inside


def assert_binomial(counts, runs, probability, *, false_alarm=1e-4):
    """Every count fits its probability: exact two-sided binomial tails against `false_alarm` divided by the
    number of counts (Bonferroni), so a correct method fails at most that often over seeds.
    """
    counts, p = np.ravel(counts), np.clip(np.ravel(probability), 0, 1)
    # A chance of 1e-12 too much is rounding; it must not turn an impossible count into a possible one.
    p = np.where(p < 1e-11, 0.0, np.where(p > 1 - 1e-11, 1.0, p))
    tail = np.minimum(stats.binom.cdf(counts, runs, p), stats.binom.sf(counts - 1, runs, p))
    worst = int(np.argmin(tail))
    assert 2 * tail[worst] * len(counts) > false_alarm, (
        f"count {worst}: {counts[worst]:.0f} of {runs}, expected {runs * p[worst]:.1f}"
    )
