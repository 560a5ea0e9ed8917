"""Ranks with confidence sets: which places in the league table the data cannot rule out.

All sets here are *simultaneous* (every unit's true rank lies in its set at once with the stated confidence)
unless the name says marginal. Ties in truth are shared ranks: a set covers all places of a tie.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.errors import AnalysisError
from analysis.estimation.intervals import t_quantile
from analysis.inference.rank_simulation import RankSimulation, difference_se

JOINT_CORRECTIONS = ("bonferroni", "independence")
COUNT_CORRECTIONS = ("holm", "bonferroni")


@dataclass(frozen=True, eq=False, repr=False)
class RankSets:
    """Ranks and their confidence sets, arrays of shape (K,).

    estimate : what was ranked; NaN has no rank
    rank : rank of the estimate, 1 + number of better ones; 0 where there is none
    low, high : best and worst rank the data allow (int); 0 where there is none
    kind : 'simultaneous' (all units at once) or 'marginal' (each unit by itself)
    critical : critical value(s); a vector of shape (K,) for marginal sets
    larger : (K, K) bool, pair (j, k): j was found larger than k
    method : how, in words, with draws and seed where there was simulation
    """

    units: tuple
    estimate: np.ndarray
    rank: np.ndarray
    low: np.ndarray
    high: np.ndarray
    kind: str
    level: float
    critical: float | np.ndarray
    larger: np.ndarray
    method: str

    def to_frame(self) -> pd.DataFrame:
        """One row per unit, best first; units without an estimate last."""
        names = {"unit": list(self.units), "estimate": self.estimate, "rank": self.rank}
        frame = pd.DataFrame(names | {"rank_low": self.low, "rank_high": self.high})
        return frame.iloc[np.argsort(np.where(self.rank > 0, self.rank, len(self.rank) + 1), kind="stable")]

    def __repr__(self) -> str:
        return f"{self.kind} {self.level:.0%} confidence sets for ranks; {self.method}\n{self.to_frame()}"


def rank_joint_intervals(
    estimate: np.ndarray,
    se: np.ndarray,
    *,
    level: float = 0.9,
    correction: str = "bonferroni",
    df: np.ndarray | float = np.inf,
    highest_first: bool = True,
    units: Sequence[Any] | None = None,
) -> RankSets:
    """Ranks from joint confidence intervals of the units: two intervals that part, part the ranks.

    Parameters
    ----------
    estimate, se : shape (K,); NaN has no rank
    level : joint confidence of all ranks
    correction : 'bonferroni' (always valid) or 'independence' (independent estimates)
    df : degrees of freedom of each se; inf takes the normal
    highest_first : rank 1 is the largest

    Returns
    -------
    RankSets, simultaneous; `critical` holds z (of shape (K,) if df differ)

    Notes
    -----
    e ± z·se with z at 1 − α/(2K) or (1 + (1−α)^(1/K))/2. With Λ_L = units wholly below k and Λ_R wholly
    above, the rank (1 = lowest) lies in #Λ_L + 1 … K − #Λ_R. Klein, Wright & Wieczorek (2020), JRSS A 183,
    589–606. R: `RankingProject`.
    """
    value, ok = _prepare(estimate, np.asarray(se, dtype=float))
    s, count = np.asarray(se, dtype=float), int(ok.sum())
    _check_level(level)
    if correction not in JOINT_CORRECTIONS:
        raise AnalysisError(f"correction is one of {', '.join(JOINT_CORRECTIONS)}; got {correction!r}")
    tail = 1 - (1 - level) / (2 * count) if correction == "bonferroni" else (1 + level ** (1 / count)) / 2
    z = t_quantile(tail, df)
    low, high = value - z * s, value + z * s
    with np.errstate(invalid="ignore"):
        larger = low[:, None] >= high[None, :]
    np.fill_diagonal(larger, False)
    method = f"joint intervals, {correction}, z = {np.max(z):.4f}; Klein, Wright & Wieczorek (2020)"
    critical = float(z) if np.ndim(z) == 0 else z
    return _sets(units, value, ok, larger, highest_first, "simultaneous", level, critical, method)


def rank_pairwise(
    estimate: np.ndarray,
    se: np.ndarray | None = None,
    *,
    covariance: np.ndarray | None = None,
    level: float = 0.95,
    df: np.ndarray | float = np.inf,
    highest_first: bool = True,
    units: Sequence[Any] | None = None,
) -> RankSets:
    """Ranks from all pairwise differences at Bonferroni's level.

    Parameters
    ----------
    estimate : shape (K,); se : shape (K,) of independent estimates, or covariance : shape (K, K)
    df : degrees of freedom of the differences, a number or shape (K, K); inf takes the normal

    Returns
    -------
    RankSets, simultaneous

    Notes
    -----
    z at 1 − α/(K(K−1)): j is larger than k if e_j − e_k > z·√V(e_j − e_k). Rank 1 = highest: 1 + number found
    larger … K − number found smaller. Goldstein & Healy (1995), JRSS A 158, 175–177, with Bonferroni's level.
    """
    matrix = _covariance(se, covariance)
    value, ok = _prepare(estimate, np.diag(matrix))
    _check_level(level)
    count = int(ok.sum())
    z = t_quantile(1 - (1 - level) / (count * (count - 1)), df) if count > 1 else np.asarray(np.nan)
    spread = difference_se(matrix)
    with np.errstate(invalid="ignore"):
        larger = value[:, None] - value[None, :] > z * spread
    np.fill_diagonal(larger, False)
    method = f"all differences, Bonferroni over {count * (count - 1) // 2} pairs, z = {np.max(z):.4f}"
    critical = float(z) if np.ndim(z) == 0 else z
    return _sets(units, value, ok, larger, highest_first, "simultaneous", level, critical, method)


def rank_simultaneous(
    estimate: np.ndarray,
    se: np.ndarray | None = None,
    *,
    covariance: np.ndarray | None = None,
    df: np.ndarray | float = np.inf,
    level: float = 0.95,
    stepdown: bool = True,
    highest_first: bool = True,
    shared: bool | None = None,
    draws: int = 50_000,
    seed: int = 20240,
    units: Sequence[Any] | None = None,
) -> RankSets:
    """Simultaneous confidence sets for the ranks of all units, from the full covariance, by simulation.

    Parameters
    ----------
    estimate : shape (K,); NaN has no rank
    se : shape (K,), independent estimates; or covariance : shape (K, K), e.g. `Estimate.vcov` (calibration
        correlates the domains of one survey)
    df : degrees of freedom of the variances, a number or shape (K,) (`Estimate.df`); inf takes them as known
    shared : do the units come from the same PSUs (age groups, items: True) or each from PSUs of its own
        (districts, streets: False)? None: True if any two estimates are correlated, the careful choice
    level : probability that *every* true rank lies in its set
    stepdown : reject in steps (never less sharp); False: one step
    highest_first : rank 1 is the largest
    draws, seed : of the simulation; the same seed gives the same sets

    Returns
    -------
    RankSets, simultaneous

    Notes
    -----
    T_jk = (e_j − e_k)/se_jk over ordered pairs. The critical value is the `level` quantile of the largest
    simulated T over all ordered pairs; step-down repeats with the pairs not yet rejected until nothing new
    is. Rank set: 1 + number of units found larger … K − number found smaller. Mogstad, Romano, Shaikh &
    Wilhelm (2024), Review of Economic Studies 91, 476–518. R: `csranks::csranks(simul = TRUE)`,
    which takes variances as known.

    Small df: the numerator is normal with the given covariance, and the errors are simulated too: from a
    Wishart matrix if the units share PSUs (every T is then a Student t with the smaller df of the two), else
    as s²χ²(df)/df, independent but for the correlation that calibration brings.
    """
    matrix = _covariance(se, covariance)
    value, ok = _prepare(estimate, np.diag(matrix))
    _check_level(level)
    statistic, random = _statistics(value, matrix)
    open_pairs = random & ok[:, None] & ok[None, :]
    certain = ~random & (statistic > 0)
    simulate = RankSimulation(matrix, ok, df, draws, seed, shared=_share_psus(matrix, shared))
    rejected = np.zeros_like(open_pairs)
    critical, largest = np.nan, None
    while open_pairs.any():
        critical, largest = simulate.critical(open_pairs, level, largest)
        new = open_pairs & (statistic > critical)
        rejected |= new
        if not stepdown or not new.any():
            break
        open_pairs &= ~new
    shape = "step-down" if stepdown else "single step"
    method = f"{shape}, {draws:,} draws, seed {seed}; Mogstad, Romano, Shaikh & Wilhelm (2024)"
    return _sets(units, value, ok, rejected | certain, highest_first, "simultaneous", level, critical, method)


def rank_marginal(
    estimate: np.ndarray,
    se: np.ndarray | None = None,
    *,
    covariance: np.ndarray | None = None,
    df: np.ndarray | float = np.inf,
    level: float = 0.95,
    highest_first: bool = True,
    shared: bool | None = None,
    draws: int = 50_000,
    seed: int = 20240,
    units: Sequence[Any] | None = None,
) -> RankSets:
    """Marginal confidence sets: each holds for *one* unit chosen beforehand, not for the table as a whole.

    Parameters and notes as for `rank_simultaneous`; one step, the critical value of unit j being the `level`
    quantile of the largest |T| over the pairs with j. R: `csranks::csranks(simul = FALSE, stepdown = FALSE)`.

    Returns
    -------
    RankSets with kind 'marginal'; `larger` and `critical` are read by row: `larger[j, k]` and
    `larger[k, j]` at the critical value of j, so the matrix need not be consistent between units
    """
    matrix = _covariance(se, covariance)
    value, ok = _prepare(estimate, np.diag(matrix))
    _check_level(level)
    statistic, random = _statistics(value, matrix)
    usable = random & ok[:, None] & ok[None, :]
    run = RankSimulation(matrix, ok, df, draws, seed, shared=_share_psus(matrix, shared))
    maxima = run.largest_by_unit(usable)
    critical = np.where(usable.any(axis=1), np.quantile(maxima, level, axis=0), np.nan)
    with np.errstate(invalid="ignore"):
        below = np.where(random, statistic > critical[:, None], statistic > 0)
        above = np.where(random, -statistic > critical[:, None], statistic < 0)
    method = f"each unit by itself, {draws:,} draws, seed {seed}; Mogstad, Romano, Shaikh & Wilhelm (2024)"
    result = _sets(units, value, ok, below, highest_first, "marginal", level, critical, method)
    better, worse = (above, below) if highest_first else (below, above)
    count = int(ok.sum())
    low = np.where(ok, 1 + better.sum(axis=1), 0)
    high = np.where(ok, count - worse.sum(axis=1), 0)
    return RankSets(result.units, value, result.rank, low, high, "marginal", level, critical, below, method)


def rank_counts(
    counts: np.ndarray,
    *,
    level: float = 0.95,
    correction: str = "holm",
    highest_first: bool = True,
    units: Sequence[Any] | None = None,
) -> RankSets:
    """Ranks of the categories of one multinomial sample by exact binomial tests.

    Parameters
    ----------
    counts : whole numbers, shape (K,) (simple random sampling: weighted shares go to `rank_simultaneous`)
    correction : 'holm' or 'bonferroni', over the K(K−1) one-sided tests

    Returns
    -------
    RankSets, simultaneous; `critical` is the largest p that was rejected, or 0

    Notes
    -----
    p_jk = P(X ≥ x_j), X ~ Binomial(x_j + x_k, ½). Bazylik, Mogstad, Romano, Shaikh & Wilhelm (2021), NBER
    working paper 29519. R: `csranks::csranks_multinom`.
    """
    x = np.asarray(counts)
    if x.ndim != 1 or len(x) < 2 or (x < 0).any() or not np.array_equal(x, np.round(x)):
        raise AnalysisError("counts are at least two whole numbers, none negative")
    if correction not in COUNT_CORRECTIONS:
        raise AnalysisError(f"correction is one of {', '.join(COUNT_CORRECTIONS)}; got {correction!r}")
    _check_level(level)
    x = x.astype(np.int64)
    k = len(x)
    p = stats.binom.sf(x[:, None] - 1, x[:, None] + x[None, :], 0.5)
    pairs = ~np.eye(k, dtype=bool)
    ordered = np.sort(p[pairs])
    tests = k * (k - 1)
    bounds = (1 - level) / (tests - np.arange(tests) if correction == "holm" else np.full(tests, tests))
    kept = np.flatnonzero(ordered > bounds)
    rejected = ordered[: kept[0]] if len(kept) else ordered
    limit = float(rejected[-1]) if len(rejected) else 0.0
    larger = pairs & (p <= limit) if len(rejected) else np.zeros_like(pairs)
    method = f"exact binomial tests, {correction}; Bazylik et al. (2021)"
    ok = np.ones(k, dtype=bool)
    return _sets(units, x.astype(float), ok, larger, highest_first, "simultaneous", level, limit, method)


def _covariance(se: np.ndarray | None, covariance: np.ndarray | None) -> np.ndarray:
    if (se is None) == (covariance is None):
        raise AnalysisError("give se (independent estimates) or covariance, one of them")
    if se is not None:
        return np.diag(np.asarray(se, dtype=float) ** 2)
    matrix = np.asarray(covariance, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise AnalysisError(f"a covariance matrix is square; got shape {matrix.shape}")
    return matrix


def _share_psus(matrix: np.ndarray, shared: bool | None) -> bool:
    if shared is not None:
        return shared
    known = np.nan_to_num(matrix)
    scale = np.sqrt(np.outer(np.diag(known), np.diag(known)))
    return bool((np.abs(known - np.diag(np.diag(known))) > 1e-9 * scale).any())


def _statistics(value: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """T of every ordered pair, and where there is sampling error at all (elsewhere the sign decides)."""
    spread = difference_se(matrix)
    difference = np.nan_to_num(value[:, None] - value[None, :], nan=0.0)
    random = spread > 0
    return np.divide(difference, spread, out=difference.copy(), where=random), random


def _prepare(estimate: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    value = np.asarray(estimate, dtype=float)
    if value.ndim != 1 or spread.shape != value.shape:
        raise AnalysisError(f"{value.shape} estimates but errors of shape {spread.shape}")
    if (spread < 0).any():
        raise AnalysisError("a standard error or variance is negative")
    ok = np.isfinite(value) & np.isfinite(spread)
    if not ok.any():
        raise AnalysisError("nothing to rank: no unit has an estimate and its error")
    return np.where(ok, value, np.nan), ok


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise AnalysisError(f"the confidence level lies between 0 and 1; got {level}")


def _sets(
    units: Sequence[Any] | None,
    value: np.ndarray,
    ok: np.ndarray,
    larger: np.ndarray,
    highest_first: bool,
    kind: str,
    level: float,
    critical: float | np.ndarray,
    method: str,
) -> RankSets:
    """Count, for every unit, who was found better and who worse."""
    names = tuple(range(1, len(value) + 1)) if units is None else tuple(units)
    if len(names) != len(value):
        raise AnalysisError(f"{len(value)} estimates but {len(names)} names")
    better = larger if highest_first else larger.T  # better[j, k]: j stands before k
    better = better & ok[:, None] & ok[None, :]
    low = np.where(ok, 1 + better.sum(axis=0), 0)
    high = np.where(ok, ok.sum() - better.sum(axis=1), 0)
    sign = value if highest_first else -value
    with np.errstate(invalid="ignore"):
        ahead = (sign[:, None] > sign[None, :]).sum(axis=0)
    rank = np.where(ok, 1 + ahead, 0)
    return RankSets(names, value, rank, low, high, kind, level, critical, larger, method)
