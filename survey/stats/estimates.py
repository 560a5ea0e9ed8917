"""Means and shares of overlapping domains, with design-based errors, intervals and comparisons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from django.utils.translation import gettext as _

from analysis.errors import AnalysisError
from analysis.estimation import Estimate, mean, pool_variances
from analysis.estimation.intervals import mean_interval
from analysis.inference.pairs import pairwise
from survey.stats.refusals import refusals
from survey.stats.weights import Weighted

LEVEL = 0.95
MEAN, SHARE = "mean", "share"


@dataclass(frozen=True, eq=False)
class DomainTable:
    """One variable in k domains; arrays of shape (k,), NaN where there is no estimate.

    n : answers behind the estimate; df : degrees of freedom of the interval
    pooled : True where the variance was pooled across domains
    covariance : shape (k, k); off-diagonal entries of pooled domains are 0
    """

    labels: tuple[str, ...]
    estimate: np.ndarray
    se: np.ndarray
    low: np.ndarray
    high: np.ndarray
    df: np.ndarray
    n: np.ndarray
    n_effective: np.ndarray
    deff: np.ndarray
    pooled: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Pairwise tests of k domains: margin is the half width of the 95 % interval of each difference."""

    labels: tuple[str, ...]
    difference: np.ndarray
    margin: np.ndarray
    differs: np.ndarray


def estimate_domains(
    weighted: Weighted,
    values: np.ndarray,
    domains: Mapping[str, np.ndarray],
    *,
    kind: str,
    sampled_psus: Mapping[str, float] | None = None,
    min_psus: int = 6,
) -> DomainTable:
    """Weighted mean of `values` in each domain.

    Parameters
    ----------
    values : float ndarray of shape (n_cases,), NaN where there is no valid answer; 0/1 for a share
    domains : {label: truth values of shape (n_cases,)}; they may overlap
    kind : "mean" (t interval) or "share" (Korn–Graubard interval; Wilson where pooled)
    sampled_psus : {label: sampled PSUs} of domains that do not overlap and are alike, e.g. streets; those
        with fewer than `min_psus` get a variance pooled over all of them (`analysis.estimation.pooling`).
        inf exempts a domain.
    """
    with refusals(_("估计")):
        items = {label: np.where(inside, values, np.nan) for label, inside in domains.items()}
        result = _as_kind(mean(weighted.design, items, covariance=True), kind)
        low, high = result.ci(LEVEL)
    table = DomainTable(
        labels=tuple(domains),
        estimate=np.clip(result.estimate, 0.0, 1.0) if kind == SHARE else result.estimate,
        se=result.se,
        low=low,
        high=high,
        df=result.df,
        n=result.n.astype(int),
        n_effective=result.n_effective,
        deff=result.deff,
        pooled=np.zeros(len(result), dtype=bool),
        covariance=result.vcov,
    )
    if sampled_psus and any(psus < min_psus for psus in sampled_psus.values()):
        _pool(table, result, sampled_psus, min_psus)
    return table


def _as_kind(result: Estimate, kind: str) -> Estimate:
    if kind == SHARE:
        return replace(result, statistic="proportion", is_proportion=True)
    return result


def _pool(table: DomainTable, result: Estimate, sampled_psus: Mapping[str, float], min_psus: int) -> None:
    """Overwrite, in place, the thin domains of a fresh table with pooled variances.

    Where no domain has a variance of its own nothing can be pooled, and the table stays as it is: its
    intervals are missing, which the caller shows as such.
    """
    rows = np.array([table.labels.index(label) for label in sampled_psus])
    direct = rows_of(result, rows, np.array([sampled_psus[table.labels[r]] for r in rows], dtype=float))
    if not (np.nan_to_num(direct.df) > 0).any():
        return
    try:
        pooled = pool_variances(direct, min_psus=min_psus)
    except AnalysisError:
        return
    low, high = pooled.ci(LEVEL)
    mine = pooled.pooled
    at = rows[mine]
    table.se[at], table.df[at] = pooled.se[mine], pooled.df[mine]
    table.low[at], table.high[at] = low[mine], high[mine]
    table.n_effective[at] = pooled.n_effective[mine]
    with np.errstate(divide="ignore", invalid="ignore"):
        table.deff[at] = np.where(table.n_effective[at] > 0, table.n[at] / table.n_effective[at], np.nan)
    table.pooled[at] = True
    table.covariance[at, :] = 0.0
    table.covariance[:, at] = 0.0
    table.covariance[at, at] = pooled.se[mine] ** 2


def rows_of(result: Estimate, rows: np.ndarray, n_psus: np.ndarray) -> Estimate:
    """The named rows as an estimate of their own, with the count of PSUs that decides on pooling."""
    values = {}
    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, np.ndarray) and value.shape == (len(result),):
            values[field.name] = value[rows]
    return replace(
        result,
        **values | {"n_psus": n_psus, "vcov": None, "domains": {}},
        terms=tuple(result.terms[r] for r in rows),
        reason=tuple(result.reason[r] for r in rows) if result.reason else (),
    )


def compare(table: DomainTable, labels: Sequence[str]) -> Comparisons:
    """Plain pairwise 95 % tests between the named domains of a table, with their covariance."""
    rows = [table.labels.index(label) for label in labels]
    with refusals(_("比较")):
        tests = pairwise(
            table.estimate[rows], table.covariance[np.ix_(rows, rows)], table.df[rows], level=LEVEL
        )
        margin = tests.margin()
    return Comparisons(tuple(labels), tests.difference, margin, tests.differs)


@dataclass(frozen=True, eq=False)
class GroupTable:
    """Several variables in the groups of one classification; arrays of shape (n_groups, n_variables)."""

    groups: tuple[str, ...]
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


def group_shares(weighted: Weighted, variables: Mapping[str, np.ndarray], by: np.ndarray) -> GroupTable:
    """Shares with Korn–Graubard intervals of 0/1 variables (NaN: does not count) in every group of `by`.

    `by` is an object array of shape (n_cases,); None lies in no group. Groups come in sorted order; a group
    without a valid answer has NaN.
    """
    groups = sorted({g for g, w in zip(by, weighted.weights, strict=True) if g is not None and w > 0})
    shape = (len(groups), len(variables))
    with refusals(_("估计")):
        result = mean(weighted.design, dict(variables), by={"group": by}, covariance=False, drop_empty=False)
        low, high = result.ci(LEVEL, method="beta")
    place = {
        (term, g): i for i, (term, g) in enumerate(zip(result.terms, result.domains["group"], strict=True))
    }
    rows = np.array([[place[name, g] for name in variables] for g in groups], dtype=int).reshape(shape)
    # Sums of weights in floating point may miss 0 and 1 by a rounding.
    estimate = np.clip(result.estimate[rows], 0.0, 1.0)
    return GroupTable(tuple(groups), estimate, low[rows], high[rows], result.n[rows].astype(int))


def interval_of(value: float, se: float, df: float) -> tuple[float, float]:
    """The 95 % t interval of one number."""
    low, high = mean_interval(np.array([value]), np.array([se]), np.array([df]), LEVEL)
    return float(low[0]), float(high[0])
