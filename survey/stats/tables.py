"""Every figure of an indicator: its mean or share in all domains of all classifications, with errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from django.utils.translation import gettext as _

from analysis.errors import AnalysisError
from analysis.estimation import pool_variances
from analysis.estimation.linearization import covariance_of_table
from analysis.estimation.partitions import (
    Partition,
    PartitionMeans,
    Partitions,
    ReplicatedMeans,
    deviations_of,
    replicated_by_psu,
)
from analysis.estimation.result import Estimate
from survey.stats.estimates import LEVEL, SHARE, rows_of
from survey.stats.refusals import refusals
from survey.stats.replicates import Replicates
from survey.stats.weights import Weighted

__all__ = ["FigureTable", "Partition", "Tables"]

BOOTSTRAP, TAYLOR, POOLED = "bootstrap", "taylor", "pooled"


@dataclass(frozen=True, eq=False)
class FigureTable:
    """One indicator in k domains; arrays of shape (k,), NaN where there is no estimate.

    se : by `method`; se_linearised and se_fixed : Taylor, and the bootstrap with fixed final weights
    method : "bootstrap" (the whole recipe repeated), "taylor" or "pooled" (across thin streets)
    n_kish, element_variance : (Σw)²/Σw², and S² of single answers
    place : row of each domain in `covariance`, −1 for those without errors
    covariance : of the domains with errors; entries of pooled ones with others are 0
    z : linearised totals per PSU of the domains with errors; deviations : of the replicates, or None
    """

    labels: tuple[str, ...]
    estimate: np.ndarray
    se: np.ndarray
    se_linearised: np.ndarray
    se_fixed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    df: np.ndarray
    n: np.ndarray
    n_effective: np.ndarray
    deff: np.ndarray
    n_kish: np.ndarray
    element_variance: np.ndarray
    method: np.ndarray
    place: np.ndarray
    covariance: np.ndarray
    z: np.ndarray
    deviations: np.ndarray | None

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each domain."""
        return {label: row for row, label in enumerate(self.labels)}

    def row(self, label: str) -> int:
        """Row of a domain."""
        return self.rows[label]

    def difference_variance(self, a: np.ndarray, b: int) -> np.ndarray:
        """Variance of estimate a minus estimate b, for rows a that have errors."""
        i, j = self.place[a], self.place[b]
        c = self.covariance
        return np.maximum(c[i, i] + c[j, j] - 2 * c[i, j], 0.0)


class Tables:
    """A weighted sample and its classifications, prepared once for all indicators.

    Parameters
    ----------
    sampled_psus : {label: sampled PSUs} of the classes of partition `pooled_kind`; those with fewer than
        `min_psus` get a variance pooled over all of them, inf exempts one (`analysis.estimation.pooling`)
    """

    def __init__(
        self,
        weighted: Weighted,
        partitions: Sequence[Partition],
        *,
        replicates: Replicates | None = None,
        pooled_kind: str = "street",
        sampled_psus: Mapping[str, float] | None = None,
        min_psus: int = 6,
    ) -> None:
        with refusals(_("估计")):
            self.partitions = Partitions(weighted.design, partitions, weighted.recipe.post.codes)
        self.labels = tuple(label for p in partitions for label in p.labels)
        self.replicates, self.pooled_kind = replicates, pooled_kind
        self.sampled_psus, self.min_psus = dict(sampled_psus or {}), min_psus
        self._again = ReplicatedMeans(self.partitions, replicates.weights) if replicates else None

    def figures(self, values: np.ndarray, kind: str) -> FigureTable:
        """All domains of one indicator.

        values : shape (n_cases,), NaN without a valid answer; kind : "mean" or "share" (then 0/1)
        """
        with refusals(_("估计")):
            means = self.partitions.mean(values, is_proportion=kind == SHARE)
            linear = means.estimate
            if kind == SHARE:
                linear = replace(linear, estimate=np.clip(linear.estimate, 0.0, 1.0))
            errors = self._errors(means, values)
        rows = self.partitions.with_errors
        se = linear.se.copy()
        if errors is not None:
            se[rows] = np.where(np.isfinite(linear.se[rows]), errors[0], np.nan)
        published = replace(linear, se=se)
        low, high = published.ci(LEVEL)
        place = np.full(len(self.labels), -1)
        place[rows] = np.arange(len(rows))
        table = FigureTable(
            labels=self.labels,
            estimate=published.estimate,
            se=se,
            se_linearised=linear.se,
            se_fixed=_spread(rows, errors[1] if errors is not None else None, len(se)),
            low=low,
            high=high,
            df=published.df,
            n=published.n.astype(int),
            n_effective=published.n_effective,
            deff=published.deff,
            n_kish=published.n_kish,
            element_variance=published.element_variance,
            method=np.full(len(se), TAYLOR if errors is None else BOOTSTRAP, dtype=object),
            place=place,
            covariance=means.covariance.copy() if errors is None else errors[2],
            z=means.z,
            deviations=None if errors is None else errors[3],
        )
        self._pool(table, linear)
        return table

    def _errors(
        self, means: PartitionMeans, values: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
        """Standard errors of the recipe and of the shortcut, covariance and deviations of the replicates."""
        if self._again is None or self.replicates is None:
            return None
        full = means.estimate.estimate[self.partitions.with_errors]
        z = deviations_of(self._again.thetas(values), full)
        fixed = deviations_of(replicated_by_psu(means, self.replicates.factors), full)
        covariance = z.T @ z
        return np.sqrt(np.diag(covariance)), np.sqrt((fixed**2).sum(axis=0)), covariance, z

    def combined(
        self, tables: Sequence[FigureTable], weights: Sequence[float]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Estimate and standard error of Σ weight × figure in every domain, for composites.

        Figures of pooled domains have no covariance with each other: their errors are added up as if they
        moved together, which is on the safe side.
        """
        w = np.asarray(weights, dtype=float)
        estimate = np.sum([k * t.estimate for k, t in zip(w, tables, strict=True)], axis=0)
        rows = self.partitions.with_errors
        if all(t.deviations is not None for t in tables):
            z = np.sum([k * t.deviations for k, t in zip(w, tables, strict=True)], axis=0)
            variance = (z**2).sum(axis=0)
        else:
            z = np.sum([k * t.z for k, t in zip(w, tables, strict=True)], axis=0)
            variance = covariance_of_table(self.partitions.design, z, diagonal=True)
        se = _spread(rows, np.sqrt(np.maximum(variance, 0.0)), len(self.labels))
        together = np.sum([abs(k) * t.se for k, t in zip(w, tables, strict=True)], axis=0)
        pooled = np.any([t.method == POOLED for t in tables], axis=0)
        return estimate, np.where(pooled, together, np.where(np.isnan(together), np.nan, se))

    def _pool(self, table: FigureTable, linear: Estimate) -> None:
        """Overwrite, in place, the thin streets of a fresh table with pooled variances.

        Where no street has a variance of its own nothing can be pooled, and the table stays as it is.
        """
        thin = {label: psus for label, psus in self.sampled_psus.items() if label in table.rows}
        if not any(psus < self.min_psus for psus in thin.values()):
            return
        rows = np.array([table.row(label) for label in thin])
        direct = rows_of(linear, rows, np.array(list(thin.values()), dtype=float))
        if not (np.nan_to_num(direct.df) > 0).any():
            return
        try:
            pooled = pool_variances(direct, min_psus=self.min_psus)
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
        table.method[at] = POOLED
        i = table.place[at]
        table.covariance[i, :] = 0.0
        table.covariance[:, i] = 0.0
        table.covariance[i, i] = pooled.se[mine] ** 2


def _spread(rows: np.ndarray, values: np.ndarray | None, size: int) -> np.ndarray:
    found = np.full(size, np.nan)
    if values is not None:
        found[rows] = values
    return found
