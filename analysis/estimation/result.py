"""The one result of every estimator: frozen, readable, and easy to turn into a frame."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.estimation.intervals import mean_interval, proportion_interval


@dataclass(frozen=True, eq=False, repr=False)
class Estimate:
    """Estimates with design-based errors; every array has one entry per row of the table.

    Attributes
    ----------
    statistic : 'mean', 'total', 'ratio', 'proportion', …
    terms : what each row estimates (item, or item=level)
    domains : {by-column: level of each row}; empty without `by`
    estimate, se : NaN where there is no estimate, see `reason`
    df : PSUs minus strata among the rows behind the estimate (t intervals use it)
    design_df : PSUs minus strata of the whole design
    domain_df : as `df`, but counting also rows whose item is missing (what R's svyciprop uses)
    n : rows behind the estimate (weight not 0, value present); n_domain also counts missing values
    n_psus : PSUs with such rows
    n_kish : (Σw)²/Σw², what unequal weights leave of n
    cluster_take : Σ_psu (Σ w)² / Σ w², the cluster size that counts (Gabler, Häder & Lahiri 1999)
    sum_weights : Σ w of the rows behind the estimate
    element_variance : S², weighted with n/(n−1); of the residual for a ratio
    logit_variance : variance of log(p/(1−p)) from replicates, for means within (0, 1); else None
    reason : '' or why a row has no estimate or no interval
    vcov : covariance matrix of all rows, or None when it was not asked for
    """

    statistic: str
    terms: tuple[str, ...]
    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray
    design_df: float
    n: np.ndarray
    domains: Mapping[str, np.ndarray] = field(default_factory=dict)
    domain_df: np.ndarray | None = None
    n_domain: np.ndarray | None = None
    n_psus: np.ndarray | None = None
    n_kish: np.ndarray | None = None
    cluster_take: np.ndarray | None = None
    sum_weights: np.ndarray | None = None
    element_variance: np.ndarray | None = None
    srs_factor: np.ndarray | None = None
    logit_variance: np.ndarray | None = None
    reason: tuple[str, ...] = ()
    vcov: np.ndarray | None = None
    is_proportion: bool = False

    def __len__(self) -> int:
        return len(self.terms)

    @property
    def variance(self) -> np.ndarray:
        return self.se**2

    @property
    def cv(self) -> np.ndarray:
        """Coefficient of variation se/estimate (negative for a negative estimate, as in R)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.se / self.estimate

    def design_effect(self, kind: str = "wr") -> np.ndarray:
        """V / V_srs with V_srs = S²/n ('wr': sampling with replacement) or S²/n·(1 − n/N̂) ('wor').

        'wor' (R's deff=TRUE) needs weights that add up to the population; 'wr' does not.
        """
        if self.element_variance is None:
            raise AnalysisError(f"a {self.statistic} has no design effect")
        if kind not in ("wr", "wor"):
            raise AnalysisError(f"kind is 'wr' or 'wor'; got {kind!r}")
        with np.errstate(divide="ignore", invalid="ignore"):
            srs = self.srs_factor * self.element_variance / self.n
            if kind == "wor":
                srs = srs * (1 - self.n / self.sum_weights)
            return np.where(srs > 0, self.variance / srs, np.nan)

    @property
    def deff(self) -> np.ndarray:
        """Design effect against sampling with replacement."""
        return self.design_effect("wr")

    @property
    def n_effective(self) -> np.ndarray:
        """n / deff; Kish's n where the design effect is undefined (everybody answered alike)."""
        if self.element_variance is None:
            return np.full(len(self), np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = self.n / self.deff
        return np.where(np.isfinite(value) & (value > 0), value, self.n_kish)

    def ci(
        self,
        level: float = 0.95,
        method: str | None = None,
        df: float | str | np.ndarray = "domain",
        n_at_bounds: np.ndarray | float | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """(low, high) for every row.

        method : None takes 'beta' (Korn–Graubard) for proportions and t for everything else; or one of
            `intervals.PROPORTION_METHODS`
        df : 'domain' (default: `self.df`), 'design', or a number (inf: normal)
        n_at_bounds : for proportions of 0 or 1, see `proportion_interval`; default Kish's n
        """
        if not 0 < level < 1:
            raise AnalysisError(f"the confidence level lies between 0 and 1; got {level}")
        if isinstance(df, str):
            if df not in ("domain", "design"):
                raise AnalysisError(f"df is 'domain', 'design' or a number; got {df!r}")
            df = self.df if df == "domain" else self.design_df
        if method is None:
            method = "beta" if self.is_proportion else "t"
        if method == "t":
            return mean_interval(self.estimate, self.se, df, level)
        bounds = self.n_kish if n_at_bounds is None else n_at_bounds
        return proportion_interval(
            self.estimate,
            self.variance,
            method=method,
            level=level,
            df=df,
            n=self.n,
            n_at_bounds=bounds,
            logit_variance=self.logit_variance,
        )

    def to_frame(self, level: float = 0.95, method: str | None = None, backend: str = "pandas") -> Any:
        """The table as a data frame of any backend narwhals knows ('pandas', 'polars', 'pyarrow')."""
        low, high = self.ci(level, method)
        columns: dict[str, Any] = {"term": list(self.terms)}
        columns |= {name: list(values) for name, values in self.domains.items()}
        columns |= {"estimate": self.estimate, "se": self.se, "ci_low": low, "ci_high": high, "df": self.df}
        columns |= {"n": self.n}
        if self.element_variance is not None:
            columns |= {"deff": self.deff, "n_effective": self.n_effective}
        columns |= {"reason": list(self.reason or [""] * len(self))}
        if backend == "pandas":
            return pd.DataFrame(columns)
        return nw.from_dict(columns, backend=backend).to_native()

    def row(self, term: str | None = None, **domain: Any) -> int:
        """Index of the row with this term and these domain levels; raises if there is not exactly one."""
        match = np.ones(len(self), dtype=bool)
        if term is not None:
            match &= np.array([t == term for t in self.terms], dtype=bool)
        for name, level in domain.items():
            match &= np.array([v == level for v in self.domains[name]], dtype=bool)
        found = np.flatnonzero(match)
        if len(found) != 1:
            raise AnalysisError(f"{len(found)} rows match {term!r} {domain}")
        return int(found[0])

    def __repr__(self) -> str:
        frame = self.to_frame()
        if not any(frame["reason"]):
            frame = frame.drop(columns="reason")
        kind = "Korn–Graubard (beta)" if self.is_proportion else "t"
        shown = frame.to_string(index=False, max_rows=60, float_format=lambda v: f"{v:.6g}")
        return f"{self.statistic}, 95 % interval: {kind}, df of the domain\n{shown}"
