"""Means and shares of overlapping domains, with design-based errors, intervals and comparisons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.estimation.linear import mean
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
    weighted: Weighted, values: np.ndarray, domains: Mapping[str, np.ndarray], *, kind: str
) -> DomainTable:
    """Weighted mean of `values` in each domain.

    Parameters
    ----------
    values : float ndarray of shape (n_cases,), NaN where there is no valid answer; 0/1 for a share
    domains : {label: truth values of shape (n_cases,)}; they may overlap
    kind : "mean" (t interval) or "share" (Korn–Graubard interval)
    """
    with refusals("估计"):
        items = {label: np.where(inside, values, np.nan) for label, inside in domains.items()}
        result = mean(weighted.design, items, covariance=True)
        low, high = result.ci(LEVEL, method="beta" if kind == SHARE else "t")
    return DomainTable(
        labels=tuple(domains),
        estimate=result.estimate,
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


def compare(table: DomainTable, labels: Sequence[str]) -> Comparisons:
    """Plain pairwise 95 % tests between the named domains of a table, with their covariance."""
    rows = [table.labels.index(label) for label in labels]
    with refusals("比较"):
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
    with refusals("估计"):
        result = mean(weighted.design, dict(variables), by={"group": by}, covariance=False, drop_empty=False)
        low, high = result.ci(LEVEL, method="beta")
    place = {
        (term, g): i for i, (term, g) in enumerate(zip(result.terms, result.domains["group"], strict=True))
    }
    rows = np.array([[place[name, g] for name in variables] for g in groups], dtype=int).reshape(shape)
    return GroupTable(tuple(groups), result.estimate[rows], low[rows], high[rows], result.n[rows].astype(int))
