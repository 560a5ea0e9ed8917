"""Direct figures of small areas and their variances from the answers within."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.frames import Columns, ColumnSpec

DIRECT_DESIGNS = (
    "weights, without replacement",
    "weights, with replacement",
    "srs without replacement",
    "srs with replacement",
)


@dataclass(frozen=True, eq=False)
class AreaEstimates:
    """Direct figures of areas; arrays of shape (m,).

    areas : names, in the order asked for
    n : answers (int); n_effective : Kish's (Σw)²/Σw²
    mean, variance : NaN without an answer (variance also with a single one)
    reason : '' or why there is no figure
    """

    areas: tuple
    n: np.ndarray
    n_effective: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    reason: tuple[str, ...]

    @property
    def sd(self) -> np.ndarray:
        return np.sqrt(self.variance)

    @property
    def cv_percent(self) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.mean == 0, np.nan, 100 * self.sd / self.mean)


def area_estimates(
    data: Any,
    *,
    y: ColumnSpec,
    area: ColumnSpec,
    weights: ColumnSpec | None = None,
    households: ColumnSpec | None = None,
    population: Sequence[float] | None = None,
    areas: Sequence[Any] | None = None,
) -> AreaEstimates:
    """Hájek mean of each community with the variance of households drawn within it.

    Parameters
    ----------
    data : data frame with one row per answer; rows without y are not answers
    y : the answers or scores
    area : community of each row
    weights : weights within the community (None: equal)
    households : column of household ids when a household gave several answers; None: a row is a household
    population : households living in each of `areas`, for the finite population correction (1 − n/N)
    areas : communities to report, in this order; None: those that occur, sorted

    Returns
    -------
    AreaEstimates

    Notes
    -----
    ȳ = Σwy/Σw; variance (1 − f)·n/(n−1)·Σ_h z_h², z_h = Σ_{i in h} w(y − ȳ)/Σw over the n households: the
    ultimate-cluster variance of a ratio with the community as the whole (Särndal, Swensson & Wretman 1992,
    section 5.7). A community is one PSU of the city's design, so no variance *between* PSUs exists inside
    it; for the figure of the community itself that between-part is no error. R: `svymean` on the subset with
    `id = ~household`.
    """
    columns = Columns(data)
    values, factor = columns.numeric(y, "y"), columns.factor(area)
    w = np.ones(len(values)) if weights is None else columns.numeric(weights, "weights")
    if np.isnan(w).any() or (w < 0).any():
        raise AnalysisError("a weight is missing or negative")
    known = ~np.isnan(values) & (factor.codes >= 0) & (w > 0)
    place = {level: k for k, level in enumerate(factor.levels)}
    wanted = list(factor.levels) if areas is None else list(areas)
    if population is not None and len(population) != len(wanted):
        raise AnalysisError(f"{len(wanted)} areas but {len(population)} population sizes")
    unit = np.arange(len(values)) if households is None else columns.factor(households).codes
    if (unit[known] < 0).any():
        raise AnalysisError("an answer has no household id")
    parts = [
        _area_mean(values, w, unit, known & (factor.codes == place.get(name, -2)), population, k)
        for k, name in enumerate(wanted)
    ]
    n, n_eff, mean, variance = (np.array(column) for column in zip(*parts, strict=True))
    reason = tuple("" if k > 1 else "one household only" if k == 1 else "no answer" for k in n)
    return AreaEstimates(tuple(wanted), n.astype(int), n_eff, mean, variance, reason)


def _area_mean(
    y: np.ndarray,
    w: np.ndarray,
    unit: np.ndarray,
    rows: np.ndarray,
    population: Sequence[float] | None,
    k: int,
) -> tuple[float, float, float, float]:
    if not rows.any():
        return 0, 0.0, np.nan, np.nan
    total = w[rows].sum()
    mean = float(w[rows] @ y[rows] / total)
    _, household = np.unique(unit[rows], return_inverse=True)
    z = np.bincount(household, weights=w[rows] * (y[rows] - mean)) / total
    n = len(z)
    taken = np.bincount(household, weights=w[rows])
    n_effective = float(taken.sum() ** 2 / np.sum(taken**2))
    if n < 2:
        return n, n_effective, mean, np.nan
    left = 1.0
    if population is not None:
        if population[k] < n:
            raise AnalysisError(
                f"area {k + 1}: {n} households answered, but only {population[k]:g} live there"
            )
        left = 1 - n / population[k]
    return n, n_effective, mean, float(left * n / (n - 1) * np.sum(z**2))


def direct_domain_mean(
    data: Any,
    *,
    y: ColumnSpec,
    domain: ColumnSpec,
    weights: ColumnSpec | None = None,
    sizes: Sequence[float] | None = None,
    design: str = "weights, without replacement",
) -> AreaEstimates:
    """Direct domain means with known domain sizes, under four textbook designs.

    Parameters
    ----------
    data : data frame with one row per sampled unit
    y, domain, weights : columns; rows without y are left out
    sizes : N of domains 1, 2, …, len(sizes) (or, for named domains, of the sorted names); needed by all
        designs except 'srs with replacement'. A domain without rows has no figure.
    design : one of `DIRECT_DESIGNS`

    Returns
    -------
    AreaEstimates

    Notes
    -----
    'weights, without replacement': Σwy/N, variance Σw(w−1)y²/N² (joint probabilities taken as products);
    'weights, with replacement': Σwy/N, Σ(nwy/N − ȳ)²/n; 'srs without replacement': ȳ, (1 − n/N)s²/n;
    'srs with replacement': ȳ, s²/n. Rao & Molina (2015), ch. 2. R: `sae::direct`, followed to the
    letter: its variance for 'weights, with replacement' is that of a single draw, n − 1 times the usual
    estimate for a mean of n draws; `area_estimates` gives the usual one.
    """
    if design not in DIRECT_DESIGNS:
        raise AnalysisError(f"design is one of {'; '.join(DIRECT_DESIGNS)}; got {design!r}")
    columns = Columns(data)
    values, factor = columns.numeric(y, "y"), columns.factor(domain)
    weighted = design.startswith("weights")
    if weighted and weights is None:
        raise AnalysisError(f"design {design!r} needs weights")
    if sizes is None and design != "srs with replacement":
        raise AnalysisError(f"design {design!r} needs the sizes of the domains")
    w = columns.numeric(weights, "weights") if weighted else np.ones(len(values))
    names = _domain_names(factor.levels, sizes)
    place = {level: k for k, level in enumerate(factor.levels)}
    parts = []
    for k, name in enumerate(names):
        rows = ~np.isnan(values) & (factor.codes == place.get(name, -2))
        size = np.nan if sizes is None else float(sizes[k])
        n = int(rows.sum())
        mean, variance = _domain_mean(values[rows], w[rows], size, design) if n else (np.nan, np.nan)
        effective = float(w[rows].sum() ** 2 / np.sum(w[rows] ** 2)) if n else 0.0
        parts.append((n, effective, mean, variance))
    n, n_eff, mean, variance = (np.array(column) for column in zip(*parts, strict=True))
    reason = tuple("" if k else "no answer" for k in n)
    return AreaEstimates(tuple(names), n.astype(int), n_eff, mean, variance, reason)


def _domain_names(levels: tuple, sizes: Sequence[float] | None) -> list:
    if sizes is None:
        return list(levels)
    numbered = list(range(1, len(sizes) + 1))
    if set(levels) <= set(numbered):
        return numbered
    if len(sizes) != len(levels):
        raise AnalysisError(f"{len(sizes)} domain sizes for the domains {', '.join(map(str, levels[:10]))}")
    return list(levels)


def _domain_mean(y: np.ndarray, w: np.ndarray, size: float, design: str) -> tuple[float, float]:
    n = len(y)
    if design == "weights, without replacement":
        return float(w @ y / size), float(np.sum(w * (w - 1) * y**2) / size**2)
    if design == "weights, with replacement":
        mean = float(w @ y / size)
        return mean, float(np.sum((n * w * y / size - mean) ** 2) / n)
    spread = float(np.var(y, ddof=1)) / n if n > 1 else float("nan")
    left = 1.0 if design == "srs with replacement" else 1 - n / size
    return float(np.mean(y)), left * spread
