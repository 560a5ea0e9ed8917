"""Unit-level model of Battese, Harter and Fuller: EBLUPs of finite population means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.estimation.intervals import mean_interval
from analysis.frames import Columns
from analysis.small_area.roots import downward_roots


@dataclass(frozen=True, eq=False, repr=False)
class UnitLevelModel:
    """A fitted nested-error model and the figures of all domains of the population table, shape (D,).

    estimate : EBLUP of the finite population mean; mse its estimated mean squared error
    synthetic : True for a domain without sample
    sample_size : sampled units (int)
    area_effects : û_d, 0 for a domain without sample
    terms, beta, beta_vcov : fixed part; error_variance σ²_e, area_variance σ²_u
    loglike : maximised (restricted) log-likelihood
    """

    method: str
    domains: tuple
    estimate: np.ndarray
    mse: np.ndarray
    synthetic: np.ndarray
    sample_size: np.ndarray
    area_effects: np.ndarray
    terms: tuple[str, ...]
    beta: np.ndarray
    beta_vcov: np.ndarray
    error_variance: float
    area_variance: float
    loglike: float

    @property
    def se(self) -> np.ndarray:
        return np.sqrt(self.mse)

    def ci(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """(low, high); right on average over the areas, as far as the model holds."""
        return mean_interval(self.estimate, self.se, np.inf, level)

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """One row per domain."""
        low, high = self.ci(level)
        columns = {"domain": list(self.domains), "n": self.sample_size, "estimate": self.estimate}
        columns |= {"se": self.se, "ci_low": low, "ci_high": high, "synthetic": self.synthetic}
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        return (
            f"Nested-error model, {self.method}: σ²_u = {self.area_variance:.6g}, "
            f"σ²_e = {self.error_variance:.6g}\n{self.to_frame()}"
        )


def unit_level_eblup(
    data: Any,
    *,
    y: str,
    x: Sequence[str],
    domain: str,
    population: Any,
    population_domain: str,
    population_size: str,
    population_means: Sequence[str],
    method: str = "REML",
) -> UnitLevelModel:
    """EBLUPs of y_di = x_di'β + u_d + e_di, var(u) = σ²_u, var(e) = σ²_e.

    Parameters
    ----------
    data : one row per sampled unit; rows with a missing value are left out
    y, domain : columns; x : numeric covariates (an intercept comes first)
    population : one row per domain of the population
    population_domain, population_size : its columns with the domain and the number of units N_d
    population_means : its columns with the population means of x, in the order of x
    method : 'REML' or 'ML'

    Returns
    -------
    UnitLevelModel, in the order of `population`

    Notes
    -----
    Ȳ_d: f·ȳ_s + (X̄_U − f·x̄_s)'β̂ + (1 − f)û_d, f = n_d/N_d, û_d = γ_d(ȳ_s − x̄_s'β̂),
    γ_d = σ²_u/(σ²_u + σ²_e/n_d); X̄_U'β̂ without sample. The likelihood is profiled to λ = σ²_u/σ²_e, whose
    score is solved to the last bits.
    mse: (1 − f)²(g1 + g2 + 2g3 − b) + (1 − f)σ²_e/N with g1 = γσ²_e/n, g2 = (X̄_r − γx̄_s)'Q(X̄_r − γx̄_s) at
    the mean X̄_r of the units not sampled, g3 from the asymptotic variances of (σ²_u, σ²_e), and for ML its
    bias term b. Battese, Harter & Fuller (1988), JASA 83, 28–36; Prasad & Rao (1990), JASA 85, 163–171;
    Datta & Lahiri (2000), Statistica Sinica 10, 613–627; Rao & Molina (2015), sections 5.3 and 7.2.
    R: `sae::eblupBHF` (point estimates; its mse is a parametric bootstrap).
    """
    if method not in ("REML", "ML"):
        raise AnalysisError(f"method is REML or ML; got {method!r}")
    if len(x) != len(population_means):
        raise AnalysisError(f"{len(x)} covariates but {len(population_means)} population means")
    sample, whole = Columns(data), Columns(population)
    response = sample.numeric(y, "y")
    design = np.column_stack([np.ones(len(response)), *(sample.numeric(c, "covariate") for c in x)])
    factor = sample.factor(domain)
    used = ~np.isnan(response) & ~np.isnan(design).any(axis=1) & (factor.codes >= 0)
    domains = whole.factor(population_domain)
    names = [domains.levels[c] for c in domains.codes]
    if len(set(names)) != len(names):
        raise AnalysisError("a domain has two rows in the population table")
    place = {name: k for k, name in enumerate(names)}
    strange = [
        level
        for level in np.array(factor.levels, dtype=object)[np.unique(factor.codes[used])]
        if level not in place
    ]
    if strange:
        raise AnalysisError(f"domain {strange[0]!r} is sampled, but the population table has no row of it")
    code = np.array([place.get(level, -1) for level in factor.levels])[factor.codes[used]]
    fit = _NestedError(response[used], design[used], code, len(names), method)
    means = np.column_stack([np.ones(len(names)), *(whole.numeric(c, "mean") for c in population_means)])
    sizes = whole.numeric(population_size, "population size")
    if not (sizes >= fit.n).all() or np.isnan(means).any():
        raise AnalysisError("a population size is below the sample size, or a population mean is missing")
    estimate, mse = fit.predict(means, sizes)
    return UnitLevelModel(
        method=method,
        domains=tuple(names),
        estimate=estimate,
        mse=mse,
        synthetic=fit.n == 0,
        sample_size=fit.n,
        area_effects=fit.effects,
        terms=("(Intercept)", *x),
        beta=fit.beta,
        beta_vcov=fit.sigma_e * fit.q,
        error_variance=fit.sigma_e,
        area_variance=fit.ratio * fit.sigma_e,
        loglike=fit.loglike,
    )


class _NestedError:
    """Everything from domain sums: H = I + λJ within domains, H⁻¹ = I − λ/(1+nλ)·J."""

    def __init__(self, y: np.ndarray, x: np.ndarray, code: np.ndarray, count: int, method: str) -> None:
        self.reml = method == "REML"
        self.n = np.bincount(code, minlength=count)
        self.total, self.p = len(y), x.shape[1]
        if self.total <= self.p + 1 or np.linalg.matrix_rank(x) < self.p:
            raise AnalysisError(
                "too few sampled units for the covariates, or covariates that depend on each other"
            )
        # Within-domain deviations keep the sums of squares small, so nothing is lost by cancellation.
        safe = np.maximum(self.n, 1)
        self.y_mean = np.bincount(code, y, count) / safe
        self.x_mean = np.column_stack([np.bincount(code, column, count) / safe for column in x.T])
        dy, dx = y - self.y_mean[code], x - self.x_mean[code]
        self.within = (dx.T @ dx, dx.T @ dy, float(dy @ dy))
        self.ratio = self._solve(y, x)
        self.beta, rss, self.q, self.resid = self._regress(self.ratio)
        self.sigma_e = rss / (self.total - self.p if self.reml else self.total)
        self.gamma = self.n * self.ratio / (1 + self.n * self.ratio)
        self.effects = self.gamma * self.resid
        self.loglike = self._loglike(self.ratio)

    def _regress(self, ratio: float) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
        """β, residual sum of squares under H⁻¹, (X'H⁻¹X)⁻¹, mean residual of each domain."""
        k = self.n / (1 + self.n * ratio)  # what the mean of a domain counts
        xx = self.within[0] + (self.x_mean * k[:, None]).T @ self.x_mean
        xy = self.within[1] + self.x_mean.T @ (k * self.y_mean)
        q = np.linalg.inv(xx)
        beta = np.linalg.solve(xx, xy)
        resid = self.y_mean - self.x_mean @ beta
        inside = self.within[2] - 2 * beta @ self.within[1] + beta @ self.within[0] @ beta
        return beta, float(inside + k @ resid**2), q, resid

    def _score(self, ratio: float) -> float:
        """Derivative of the profiled log-likelihood in λ."""
        _, rss, q, resid = self._regress(ratio)
        k = self.n / (1 + self.n * ratio)
        df = self.total - self.p if self.reml else self.total
        value = 0.5 * df * np.sum((k * resid) ** 2) / rss - 0.5 * np.sum(k)
        if self.reml:
            spread = (self.x_mean * (k**2)[:, None]).T @ self.x_mean
            value += 0.5 * np.sum(q * spread)
        return float(value)

    def _loglike(self, ratio: float) -> float:
        _, rss, q, _ = self._regress(ratio)
        df = self.total - self.p if self.reml else self.total
        value = -0.5 * df * (np.log(2 * np.pi * rss / df) + 1) - 0.5 * np.sum(np.log1p(self.n * ratio))
        return float(value + (0.5 * np.linalg.slogdet(q)[1] if self.reml else 0.0))

    def _solve(self, y: np.ndarray, x: np.ndarray) -> float:
        upper = 1.0
        while self._score(upper) > 0:
            upper *= 10
            if upper > 1e12:
                raise AnalysisError("the units of a domain are all alike: σ²_e is 0 and no model is needed")
        roots = downward_roots(self._score, upper * 10)
        return max([0.0, *roots], key=self._loglike)

    def predict(self, means: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        f = self.n / sizes
        estimate = means @ self.beta + f * (self.y_mean - self.x_mean @ self.beta) + (1 - f) * self.effects
        with np.errstate(divide="ignore", invalid="ignore"):
            rest = np.where((f < 1)[:, None], (means - f[:, None] * self.x_mean) / (1 - f)[:, None], means)
        sigma_u = self.ratio * self.sigma_e
        g1 = (1 - self.gamma) * sigma_u
        gap = rest - self.gamma[:, None] * self.x_mean
        g2 = self.sigma_e * np.einsum("ij,jk,ik->i", gap, self.q, gap)
        cov = self._component_covariance()
        alpha = self.sigma_e + self.n * sigma_u
        h = self.sigma_e**2 * cov[0, 0] + sigma_u**2 * cov[1, 1] - 2 * self.sigma_e * sigma_u * cov[0, 1]
        g3 = self.n * h / alpha**3
        slope = np.column_stack(
            [(1 - self.gamma) ** 2, np.where(self.n > 0, self.n * sigma_u**2 / alpha**2, 0)]
        )
        bias = np.zeros(len(f)) if self.reml else slope @ self._component_bias(cov)
        inner = g1 + g2 + 2 * g3 - bias
        return estimate, (1 - f) ** 2 * inner + (1 - f) * self.sigma_e / sizes

    def _component_covariance(self) -> np.ndarray:
        """Inverse Fisher information of (σ²_u, σ²_e); Rao & Molina (2015), section 7.2."""
        n, sampled = self.n, self.n > 0
        alpha = self.sigma_e + n * self.ratio * self.sigma_e
        uu = 0.5 * np.sum((n / alpha) ** 2)
        ue = 0.5 * np.sum(n / alpha**2)
        ee = 0.5 * np.sum(((n - 1) / self.sigma_e**2 + alpha**-2.0)[sampled])
        return np.linalg.inv(np.array([[uu, ue], [ue, ee]]))

    def _component_bias(self, cov: np.ndarray) -> np.ndarray:
        """Bias of the ML components, ½·I⁻¹·tr[(X'V⁻¹X)⁻¹ ∂(X'V⁻¹X)/∂δ]; Datta & Lahiri (2000)."""
        k = self.n / (1 + self.n * self.ratio)
        q = self.sigma_e * self.q
        for_u = -(self.x_mean * (k**2)[:, None]).T @ self.x_mean / self.sigma_e**2
        safe = np.maximum(self.n, 1)
        between = (self.x_mean * (self.n * (k / safe) ** 2)[:, None]).T @ self.x_mean
        for_e = -(self.within[0] + between) / self.sigma_e**2
        return 0.5 * cov @ np.array([np.sum(q * for_u), np.sum(q * for_e)])
