"""Generalized linear models with design-based errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from analysis.errors import AnalysisError, NotConvergedError
from analysis.estimation.intervals import t_quantile
from analysis.estimation.linear import mean
from analysis.estimation.linearization import (
    Design,
    Scores,
    covariance_of_statistic,
    covariance_of_table,
    residual_totals,
)
from analysis.estimation.result import Estimate
from analysis.estimation.rows import check_mask
from analysis.frames import ColumnSpec
from analysis.inference.families import Family, Link, choose
from analysis.inference.model_terms import ModelColumns, Term, model_columns, new_columns
from analysis.replicates import ReplicateDesign

_CHUNK = 65536  # rows of the design matrix worked on at once
_CONVERGED = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class RegressionResult:
    """A fitted model.

    names, coefficients, vcov : of the coefficients, design-based sandwich
    df : residual degrees of freedom, PSUs − strata of the rows used + 1 − number of coefficients
    design_df : PSUs − strata of the whole design; n : rows used
    naive : (XᵀWX)⁻¹ with weights of mean 1, the covariance if the sample were simple and the dispersion 1
    deviance, null_deviance, dispersion : on weights of mean 1
    """

    design: Design
    family: Family
    link: Link
    model: ModelColumns
    used: np.ndarray
    names: tuple[str, ...]
    coefficients: np.ndarray
    vcov: np.ndarray
    df: float
    design_df: float
    n: int
    naive: np.ndarray
    deviance: float
    null_deviance: float
    dispersion: float
    scaled_weights: np.ndarray
    response: np.ndarray
    offset: np.ndarray

    @property
    def se(self) -> np.ndarray:
        return np.sqrt(np.diag(self.vcov))

    @property
    def t(self) -> np.ndarray:
        return self.coefficients / self.se

    @property
    def p_values(self) -> np.ndarray:
        """Two-sided, t with the residual df; NaN when none is left."""
        if not self.df > 0:
            return np.full(len(self.names), np.nan)
        return 2 * special.stdtr(self.df, -np.abs(self.t))

    def ci(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """(low, high) per coefficient, t with the residual df."""
        half = t_quantile(0.5 + level / 2, self.df) * self.se
        return self.coefficients - half, self.coefficients + half

    @cached_property
    def linear_predictor(self) -> np.ndarray:
        """η of every row; NaN outside the rows used."""
        eta = np.full(len(self.used), np.nan)
        eta[self.used] = self.model.x[self.used] @ self.coefficients + self.offset[self.used]
        return eta

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        low, high = self.ci(level)
        return pd.DataFrame(
            {"term": self.names, "estimate": self.coefficients, "se": self.se, "t": self.t}
            | {"p": self.p_values, "ci_low": low, "ci_high": high}
        )

    def __repr__(self) -> str:
        head = f"{self.family.name} regression, {self.link.name} link, n = {self.n:,}, df = {self.df:g}"
        return head + "\n" + self.to_frame().to_string(index=False, float_format=lambda v: f"{v:.6g}")

    def as_estimate(self) -> Estimate:
        """The coefficients as an `Estimate`, for contrasts."""
        k = len(self.names)
        return Estimate(
            "coefficient",
            self.names,
            self.coefficients,
            self.se,
            np.full(k, self.df),
            self.design_df,
            np.full(k, float(self.n)),
            vcov=self.vcov,
        )

    def predict(self, data: Mapping[str, Sequence[Any]]) -> Estimate:
        """Linear predictor of new data with its covariance; terms are '1', '2', …"""
        x = new_columns(self.model, data)
        vcov = x @ self.vcov @ x.T
        k = len(x)
        return Estimate(
            "prediction",
            tuple(str(i + 1) for i in range(k)),
            x @ self.coefficients,
            np.sqrt(np.diag(vcov)),
            np.full(k, self.df),
            self.design_df,
            np.full(k, float(self.n)),
            vcov=vcov,
        )


def glm(
    design: Design,
    response: ColumnSpec,
    terms: Sequence[str | Term],
    *,
    family: str = "gaussian",
    link: str | None = None,
    offset: ColumnSpec | None = None,
    where: np.ndarray | None = None,
) -> RegressionResult:
    """Fit a generalized linear model by weighted score equations.

    Parameters
    ----------
    response : numeric column (0/1 for binomial)
    terms : column names, or `Categorical`, `Numeric`, `Interaction`; an intercept is always in
    family : 'gaussian', 'binomial' or 'poisson', the last two as quasi-likelihood with free dispersion
    link : 'identity', 'logit', 'probit', 'log'; None takes the usual one
    offset : column added to the linear predictor
    where : domain; rows with a missing value in any variable of the model are left out as a domain too

    Raises
    ------
    NotConvergedError : separation, or a coefficient that runs off

    Notes
    -----
    V is the design variance of the influence A⁻¹ x w r (Binder 1983, Int. Stat. Rev. 51, 279–292). The fit
    runs
    over chunks of rows, so that no second copy of the design matrix is made. R: `svyglm`.
    """
    kind, chosen = choose(family, link)
    inside = check_mask(design, where)
    y = design.columns.numeric(response, "response")
    away = np.zeros(design.n_rows) if offset is None else design.columns.numeric(offset, "offset")
    model = model_columns(design, terms, inside & ~np.isnan(y) & ~np.isnan(away) & (design.weights > 0))
    used = inside & ~(np.isnan(y) | np.isnan(away) | np.isnan(model.x.sum(axis=1))) & (design.weights > 0)
    if used.sum() <= model.x.shape[1]:
        raise AnalysisError(f"{int(used.sum())} rows do not carry {model.x.shape[1]} coefficients")
    _check_response(kind, y[used])
    domain_rows = inside & (design.weights != 0)
    w = np.where(used, design.weights, 0.0) / design.weights[domain_rows].mean()
    fit = _Fit(model.x, y, away, kind, chosen, np.flatnonzero(used))
    beta, information, deviance = fit.run(w)
    naive = np.linalg.inv(information)
    vcov = _sandwich(design, fit, beta, naive, w)
    mu = chosen.inverse(fit.eta(beta))
    own = w[fit.rows]
    pearson = (y[fit.rows] - mu) / np.sqrt(kind.variance(mu))
    spread = np.sum(own * (pearson - np.sum(own * pearson) / own.sum()) ** 2) / own.sum()
    n = len(fit.rows)
    # R corrects by n/(n−1) on Taylor designs and not on replicate designs.
    correction = 1.0 if isinstance(design, ReplicateDesign) else n / (n - 1)
    dispersion = spread * correction * own.mean()
    null = _Fit(np.ones((len(y), 1)), y, away, kind, chosen, fit.rows).run(w)[2]
    df = float(design.degrees_of_freedom(_or_all(used, design))) + 1 - len(beta)
    return RegressionResult(
        design,
        kind,
        chosen,
        model,
        used,
        model.names,
        beta,
        vcov,
        df,
        float(design.df),
        n,
        naive,
        deviance,
        null,
        float(dispersion),
        w,
        y,
        away,
    )


def _or_all(used: np.ndarray, design: Design) -> np.ndarray | None:
    """None if every row with a weight is used: a replicate design then has its own df."""
    return None if np.array_equal(used, design.weights != 0) else used


def _check_response(family: Family, y: np.ndarray) -> None:
    if family.name == "binomial" and ((y < 0) | (y > 1)).any():
        raise AnalysisError("a binomial response lies between 0 and 1")
    if family.name == "poisson" and (y < 0).any():
        raise AnalysisError("a Poisson response is not negative")


class _Fit:
    """Newton (Fisher) steps over chunks of the rows in use."""

    def __init__(
        self, x: np.ndarray, y: np.ndarray, offset: np.ndarray, family: Family, link: Link, rows: np.ndarray
    ) -> None:
        self.x, self.y, self.offset, self.family, self.link, self.rows = x, y, offset, family, link, rows

    def _chunks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for a in range(0, len(self.rows), _CHUNK):
            rows = self.rows[a : a + _CHUNK]
            yield rows, self.x[rows]

    def eta(self, beta: np.ndarray) -> np.ndarray:
        return np.concatenate([x @ beta + self.offset[rows] for rows, x in self._chunks()])

    def run(self, w: np.ndarray, start: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, float]:
        """(coefficients, information XᵀWX, deviance)."""
        beta = self._first(w) if start is None else start
        deviance = np.inf
        for _ in range(100):
            score, information, new = self._accumulate(w, beta)
            if not np.isfinite(new):
                raise NotConvergedError(
                    "the model's deviance is not finite; check the response and the offset."
                )
            step = _solve(information, score)
            # One last full step after the deviance stands still makes the coefficients exact to rounding.
            if abs(deviance - new) <= _CONVERGED * (abs(new) + 1e-30) and np.all(
                np.abs(step) <= 1e-9 * (np.abs(beta) + 1e-6)
            ):
                return beta + step, information, new
            if self.family.name == "gaussian" and self.link.name == "identity" and np.isfinite(deviance):
                return beta + step, information, self._accumulate(w, beta + step)[2]
            beta, deviance = self._damped(w, beta, step, new), new
        raise NotConvergedError(
            "the model does not converge: some combination of terms predicts the response perfectly."
        )

    def _damped(self, w: np.ndarray, beta: np.ndarray, step: np.ndarray, deviance: float) -> np.ndarray:
        """Halve the step while it makes the deviance worse."""
        length = 1.0
        while length > 1e-4:
            trial = beta + length * step
            value = self._deviance(w, trial)
            if np.isfinite(value) and value <= deviance * (1 + 1e-8) + 1e-12:
                return trial
            length /= 2
        return beta + step

    def _deviance(self, w: np.ndarray, beta: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            parts = [
                np.sum(w[r] * self.family.deviance(self.y[r], self.link.inverse(x @ beta + self.offset[r])))
                for r, x in self._chunks()
            ]
        return float(sum(parts))

    def _first(self, w: np.ndarray) -> np.ndarray:
        """Weighted least squares of the linked start values."""
        information = np.zeros((self.x.shape[1],) * 2)
        score = np.zeros(self.x.shape[1])
        for rows, x in self._chunks():
            target = self.link.forward(self.family.start(self.y[rows])) - self.offset[rows]
            wx = x * w[rows][:, None]
            information += wx.T @ x
            score += wx.T @ target
        return _solve(information, score)

    def _accumulate(self, w: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        p = self.x.shape[1]
        score, information, deviance = np.zeros(p), np.zeros((p, p)), 0.0
        for rows, x in self._chunks():
            mu, slope, variance = self._moments(x, rows, beta)
            score += x.T @ (w[rows] * (self.y[rows] - mu) * slope / variance)
            information += (x * (w[rows] * slope * slope / variance)[:, None]).T @ x
            deviance += float(np.sum(w[rows] * self.family.deviance(self.y[rows], mu)))
        return score, information, deviance

    def _moments(
        self, x: np.ndarray, rows: np.ndarray, beta: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        eta = x @ beta + self.offset[rows]
        mu = self.link.inverse(eta)
        if self.family.name == "binomial":
            mu = np.clip(mu, 1e-15, 1 - 1e-15)
        elif self.family.name == "poisson":
            mu = np.maximum(mu, 1e-300)
        return mu, self.link.slope(eta), self.family.variance(mu)

    def scores(self, w: np.ndarray, beta: np.ndarray, n_rows: int, columns: slice) -> np.ndarray:
        """w × score contributions of some columns, shape (n_rows, k), 0 outside the rows used."""
        out = np.zeros((n_rows, len(range(*columns.indices(self.x.shape[1])))))
        for rows, x in self._chunks():
            mu, slope, variance = self._moments(x, rows, beta)
            out[rows] = x[:, columns] * (w[rows] * (self.y[rows] - mu) * slope / variance)[:, None]
        return out


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    scale = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix * np.outer(scale, scale)
    if np.linalg.cond(scaled) > 1e13:
        raise AnalysisError("the terms of the model are linearly dependent; leave one of them out")
    return scale * np.linalg.solve(scaled, right * scale)


def _sandwich(design: Design, fit: _Fit, beta: np.ndarray, naive: np.ndarray, w: np.ndarray) -> np.ndarray:
    if isinstance(design, ReplicateDesign):
        scale = design.weights[fit.rows] / w[fit.rows]
        kept = np.zeros(design.n_rows, dtype=bool)
        kept[fit.rows] = True

        def refit(weights: np.ndarray) -> np.ndarray:
            return fit.run(np.where(kept, weights, 0.0) / scale[0], start=beta)[0]

        return covariance_of_statistic(design, None, refit)
    tables, moments = [], []
    for j in range(len(beta)):  # one column at a time keeps memory at one vector of rows
        scores = Scores(fit.scores(w, beta, design.n_rows, slice(j, j + 1)))
        tables.append(scores.unit_totals(design))
        moments.append([scores.moments(b[0], b[2]) for s in design.residual_steps for b in s.blocks])
    z = np.column_stack(tables) @ naive
    if design.residual_steps:
        joined = [np.column_stack([m[k] for m in moments]) @ naive for k in range(len(moments[0]))]
        z = residual_totals(design, z, joined)
    return covariance_of_table(design, z, z != 0 if design.domain_lonely else None)


def predictive_means(fit: RegressionResult, group: str | Term) -> Estimate:
    """Average predictions with everyone set to each level of a category in turn (predictive margins).

    The model is refitted with the category added. Var = D V(β) Dᵀ + V(mean of the predictions), D the
    weighted
    mean gradient (Graubard & Korn 1999, Biometrics 55, 652–659). R: `svypredmeans`.
    """
    design = fit.design
    bigger = glm(
        design,
        fit.response,
        [group, *fit.model.terms],
        family=fit.family.name,
        link=fit.link.name,
        offset=fit.offset,
        where=fit.used,
    )
    name = group if isinstance(group, str) else group.name
    levels = bigger.model.levels.get(name)
    if levels is None:
        raise AnalysisError(f"{name!r} is not a category; use Categorical({name!r})")
    own = np.flatnonzero(bigger.model.owner == 0)
    w = np.where(bigger.used, design.weights, 0.0)
    gradient, predictions = [], {}
    for k, level in enumerate(levels):
        x = bigger.model.x.copy()
        x[:, own] = 0.0
        if k > 0:
            x[:, own[k - 1]] = 1.0
        eta = x @ bigger.coefficients + fit.offset
        slope = np.where(bigger.used, bigger.link.slope(eta), 0.0)
        gradient.append((w * slope) @ np.nan_to_num(x) / w.sum())
        predictions[f"{name}={level}"] = np.where(bigger.used, bigger.link.inverse(eta), np.nan)
    average = mean(design, predictions, missing="listwise", covariance=True)
    d = np.array(gradient)
    vcov = d @ bigger.vcov @ d.T + average.vcov
    return Estimate(
        "predictive mean",
        average.terms,
        average.estimate,
        np.sqrt(np.diag(vcov)),
        average.df,
        average.design_df,
        average.n,
        vcov=vcov,
    )
