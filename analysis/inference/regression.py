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
    own = w[fit.rows]
    beta, information, deviance = fit.run(own)
    naive = np.linalg.inv(information)
    vcov = _sandwich(design, fit, beta, naive, own)
    mu = chosen.inverse(fit.eta(beta))
    pearson = (fit.y - mu) / np.sqrt(kind.variance(mu))
    spread = np.sum(own * (pearson - np.sum(own * pearson) / own.sum()) ** 2) / own.sum()
    n = len(fit.rows)
    # R corrects by n/(n−1) on Taylor designs and not on replicate designs.
    correction = 1.0 if isinstance(design, ReplicateDesign) else n / (n - 1)
    dispersion = spread * correction * own.mean()
    null = _null_deviance(fit, own)
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
        whole = len(rows) == len(y)
        self.x, self.y, self.offset = (x, y, offset) if whole else (x[rows], y[rows], offset[rows])
        self.family, self.link, self.rows, self.n_rows = family, link, rows, len(y)
        # Quadratic convergence doubles the digits with each step; Fisher scoring off the canonical link
        # does not.
        self.enough = 1e-7 if family.canonical(link.name) else 1e-11

    def _chunks(self) -> Iterator[slice]:
        for a in range(0, len(self.y), _CHUNK):
            yield slice(a, a + _CHUNK)

    def eta(self, beta: np.ndarray) -> np.ndarray:
        return self.x @ beta + self.offset

    def run(self, w: np.ndarray, start: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, float]:
        """(coefficients, information XᵀWX, deviance) for weights of the rows in use."""
        beta = self._first(w) if start is None else start
        score, information, deviance = self._accumulate(w, beta)
        for _ in range(100):
            step = _solve(information, score)
            if self.family.name == "gaussian" and self.link.name == "identity":
                return beta + step, information, self._accumulate(w, beta + step)[2]
            small = np.all(np.abs(step) <= self.enough * (np.abs(beta) + 1e-6))
            length = 1.0
            while True:
                new_score, new_information, new = self._accumulate(w, beta + length * step)
                # A separated response drives the deviance to 0 and the coefficients away; that is caught
                # below.
                if np.isfinite(new) and new <= deviance * (1 + 1e-8) + 1e-10:
                    break
                length /= 2
                if length < 1e-6:
                    raise NotConvergedError("no step improves the model; check the response and the offset.")
            beta = beta + length * step
            score, information, deviance = new_score, new_information, new
            if small:
                return beta, information, deviance
        raise NotConvergedError(
            "the model does not converge: some combination of terms predicts the response perfectly."
        )

    def _first(self, w: np.ndarray) -> np.ndarray:
        """Weighted least squares of the linked start values."""
        information = np.zeros((self.x.shape[1],) * 2)
        score = np.zeros(self.x.shape[1])
        for rows in self._chunks():
            x = self.x[rows]
            target = self.link.forward(self.family.start(self.y[rows])) - self.offset[rows]
            wx = x * w[rows][:, None]
            information += wx.T @ x
            score += wx.T @ target
        return _solve(information, score)

    def _accumulate(self, w: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        p = self.x.shape[1]
        score, information, deviance = np.zeros(p), np.zeros((p, p)), 0.0
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for rows in self._chunks():
                x, y, own = self.x[rows], self.y[rows], w[rows]
                mu, slope, variance = self._moments(x, rows, beta)
                ratio = slope / variance
                score += x.T @ (own * (y - mu) * ratio)
                information += (x * (own * slope * ratio)[:, None]).T @ x
                deviance += float(own @ self.family.deviance(y, mu))
        return score, information, deviance

    def _moments(
        self, x: np.ndarray, rows: slice, beta: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        eta = x @ beta + self.offset[rows]
        mu = self.link.inverse(eta)
        if self.family.name == "binomial":
            mu = np.clip(mu, 1e-15, 1 - 1e-15)
        elif self.family.name == "poisson":
            mu = np.maximum(mu, 1e-300)
        variance = self.family.variance(mu)
        canonical_slope = self.link.name in ("logit", "log") and self.family.canonical(self.link.name)
        return mu, variance if canonical_slope else self.link.slope(eta), variance

    def residuals(self, w: np.ndarray, beta: np.ndarray) -> np.ndarray:
        """w × working residual × working weight of the rows in use: a score is this times x."""
        out = np.empty(len(self.y))
        for rows in self._chunks():
            mu, slope, variance = self._moments(self.x[rows], rows, beta)
            out[rows] = w[rows] * (self.y[rows] - mu) * slope / variance
        return out

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values of the rows in use at their places, 0 elsewhere."""
        if len(values) == self.n_rows:
            return values
        out = np.zeros(self.n_rows)
        out[self.rows] = values
        return out


def _solve(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    scale = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix * np.outer(scale, scale)
    if np.linalg.cond(scaled) > 1e13:
        raise AnalysisError("the terms of the model are linearly dependent; leave one of them out")
    return scale * np.linalg.solve(scaled, right * scale)


def _sandwich(design: Design, fit: _Fit, beta: np.ndarray, naive: np.ndarray, w: np.ndarray) -> np.ndarray:
    if isinstance(design, ReplicateDesign):
        scale = design.weights[fit.rows[0]] / w[0]
        return covariance_of_statistic(design, None, lambda v: fit.run(v[fit.rows] / scale, start=beta)[0])
    residuals = fit.residuals(w, beta)
    tables, moments = [], []
    for j in range(len(beta)):  # one column at a time keeps memory at one vector of rows
        scores = Scores(fit.spread(fit.x[:, j] * residuals))
        tables.append(scores.unit_totals(design))
        moments.append([scores.moments(b.x, b.g) for s in design.residual_steps for b in s.blocks])
    z = np.column_stack(tables) @ naive
    if design.residual_steps:
        joined = [np.column_stack([m[k] for m in moments]) @ naive for k in range(len(moments[0]))]
        z = residual_totals(design, z, joined)
    return covariance_of_table(design, z, z != 0 if design.domain_lonely else None)


def _null_deviance(fit: _Fit, w: np.ndarray) -> float:
    """Deviance of the model with the intercept (and the offset) alone."""
    if not fit.offset.any():
        mean_response = np.full(len(fit.y), np.sum(w * fit.y) / w.sum())
        return float(w @ fit.family.deviance(fit.y, mean_response))
    ones = np.ones((len(fit.y), 1))
    alone = _Fit(ones, fit.y, fit.offset, fit.family, fit.link, np.arange(len(fit.y)))
    return alone.run(w)[2]


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
