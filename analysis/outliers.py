"""Units whose share of events stands out among units of a team: interviewers, counters, offices."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.errors import AnalysisError

# Honest units differ too. Below this the estimated spread between them is not believed: intra-interviewer
# correlations of answers centre near 0.01 (Groves 1989, Survey Errors and Survey Costs, ch. 8), and those of
# the work itself (pace, contacts) lie higher.
LEAST_RHO = 0.01
# Events that hardly depend on who an honest unit is (a household that denies having been asked): their rates
# differ by this coefficient of variation at least, which for rare events is far less than LEAST_RHO allows.
STEADY_CV = 0.5
DROPPED = 0.02  # a steady event's rate is estimated without units that are this unlikely
ROUNDS = 4  # of cutting what stands out, then estimating
START_QUANTILE = 0.8  # the first estimate leaves out the fifth of the units with the highest shares


@dataclass(frozen=True, eq=False)
class ShareOutliers:
    """Arrays of shape (m,), a value for each unit.

    expected : share of events that the other units lead one to expect; rho : how much they differ
    p : chance of as many events or more in a unit like the others; 1 where nothing was tried
    low, high : 95 % interval of the unit's own share (Clopper and Pearson 1934)
    """

    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    expected: np.ndarray
    rho: np.ndarray
    p: np.ndarray


def share_outliers(hits: np.ndarray, tries: np.ndarray, *, steady: bool = False) -> ShareOutliers:
    """How surprising each unit's count is, given what the *other* units of the team do.

    Parameters
    ----------
    hits, tries : shape (m,), events and chances of each unit
    steady : honest units hardly differ in this: STEADY_CV stands in for LEAST_RHO where that is less, and
        units with p below DROPPED tell nothing about the others

    Returns
    -------
    ShareOutliers

    Raises
    ------
    AnalysisError : more hits than tries, or fewer than three units with tries

    Notes
    -----
    Upper tail of a beta-binomial law with the mean and the intraclass correlation of the others, both by
    moments (Kleinman 1973, JASA 68, 46–54), after cutting counts that lie more than three standard errors
    above the mean, so that one bad unit hides neither itself nor another (the winsorising of Spiegelhalter
    2005, Quality and Safety in Health Care 14, 347–351). The mean takes one more event than was seen
    (add-one), the correlation its upper 80 % limit under chance (unless steady): small teams err towards
    silence.
    """
    k, n = np.asarray(hits, dtype=float), np.asarray(tries, dtype=float)
    if (k > n).any() or (k < 0).any():
        raise AnalysisError("a unit has more events than chances")
    if (n > 0).sum() < 3:
        raise AnalysisError("at least three units are needed to say what is usual")
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(n > 0, k / n, np.nan)
    usual = share <= np.nanquantile(share, START_QUANTILE)
    p = np.full(len(k), (k[usual].sum() + 1) / (n[usual].sum() + 2))
    rho, cut = _least(p, steady), k
    for _ in range(ROUNDS):
        limit = n * p + 3 * np.sqrt(n * p * (1 - p) * (1 + (n - 1).clip(0) * rho))
        cut = np.minimum(k, limit)
        p, rho = _others(cut, n, steady)
    tail = _tail(k, n, p, rho)
    for _ in range(ROUNDS if steady else 0):
        usual = tail > DROPPED
        p, rho = _others(np.where(usual, k, 0.0), np.where(usual, n, 0.0), steady)
        tail = _tail(k, n, p, rho)
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.where(k > 0, stats.beta.ppf(0.025, k, n - k + 1), 0.0)
        high = np.where(k < n, stats.beta.ppf(0.975, k + 1, n - k), 1.0)
    return ShareOutliers(share, np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan), p, rho, tail)


def _tail(k: np.ndarray, n: np.ndarray, p: np.ndarray, rho: np.ndarray) -> np.ndarray:
    a, b = p * (1 - rho) / rho, (1 - p) * (1 - rho) / rho
    return np.where(n > 0, stats.betabinom.sf(k - 1, n, a, b), 1.0)


def _least(p: np.ndarray, steady: bool) -> np.ndarray:
    return np.minimum(LEAST_RHO, STEADY_CV**2 * p / (1 - p)) if steady else np.full(len(p), LEAST_RHO)


def _others(k: np.ndarray, n: np.ndarray, steady: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and intraclass correlation of all units but one, for each unit left out; shape (m,) each."""
    total, events = n.sum() - n, k.sum() - k
    p = (events + 1) / (total + 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(n > 0, k / n, 0.0)
    # Σ n(s − p)² over the others, opened up so that each left-out unit costs no pass of its own.
    squares = (n * share**2).sum() - n * share**2
    spread = squares - 2 * p * events + p**2 * total
    inside, units = (n > 0).sum() - (n > 0), n**2
    squared_sizes = units.sum() - units
    base = inside - 1.0  # Σ(1 − n/N)
    more = (total - inside) - (squared_sizes - total) / np.maximum(total, 1)  # Σ(n − 1)(1 − n/N)
    rho = (spread / (p * (1 - p)) - base) / np.maximum(more, 1e-9)
    # Under chance the scaled spread is about χ² with `base` degrees of freedom.
    slack = 0.0 if steady else 0.84 * np.sqrt(2 * np.maximum(base, 1)) / np.maximum(more, 1e-9)
    return p, np.clip(rho + slack, _least(p, steady), 0.9)
