"""Proportional-odds (and probit) models with design-based errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse, special

from analysis.errors import AnalysisError, NotConvergedError
from analysis.estimation.linearization import Design, covariance_of_statistic
from analysis.estimation.rows import check_mask
from analysis.frames import ColumnSpec
from analysis.inference.model_terms import Term, model_columns

_LINKS = ("logit", "probit")


@dataclass(frozen=True, eq=False)
class OrdinalResult:
    """g(P(y ≤ k)) = cut_k − xβ. `vcov` runs over `names`, then `cut_names`."""

    names: tuple[str, ...]
    coefficients: np.ndarray
    cut_names: tuple[str, ...]
    cutpoints: np.ndarray
    vcov: np.ndarray
    deviance: float
    n: int
    df: float
    design_df: float

    @property
    def se(self) -> np.ndarray:
        return np.sqrt(np.diag(self.vcov))


def ordinal(
    design: Design,
    response: ColumnSpec,
    terms: Sequence[str | Term],
    *,
    link: str = "logit",
    where: np.ndarray | None = None,
) -> OrdinalResult:
    """Fit by Newton on the weighted log-likelihood; the sandwich uses the observed information.

    response : an ordered category (levels in their order); rows with any missing value are left out as a
    domain
    R: `svyolr`; McCullagh (1980), JRSS B 42, 109–142.
    """
    if link not in _LINKS:
        raise AnalysisError(f"link is 'logit' or 'probit'; got {link!r}")
    factor = design.columns.factor(response)
    inside = check_mask(design, where) & (factor.codes >= 0) & (design.weights > 0)
    model = model_columns(design, terms, inside)
    x = model.x[:, 1:]
    used = inside & ~np.isnan(x.sum(axis=1))
    levels = np.unique(factor.codes[used])
    if len(levels) < 2:
        raise AnalysisError("an ordinal model needs at least two levels with data")
    y = np.searchsorted(levels, factor.codes[used])
    fit = _Likelihood(x[used], y, len(levels), link)
    w = design.weights / design.weights[design.weights > 0].mean()
    theta = fit.maximise(w[used])
    inverse = np.linalg.inv(fit.information(w[used], theta))
    influence = np.zeros((design.n_rows, len(theta)))
    influence[used] = (fit.scores(theta) * w[used][:, None]) @ inverse
    vcov = covariance_of_statistic(design, influence, lambda v: fit.maximise(v[used], theta))
    names = [str(factor.levels[k]) for k in levels]
    k = x.shape[1]
    df = float(design.degrees_of_freedom(used)) + 1 - len(theta)
    return OrdinalResult(
        model.names[1:],
        theta[:k],
        tuple(f"{a}|{b}" for a, b in pairwise(names)),
        theta[k:],
        vcov,
        float(-2 * fit.log_likelihood(w[used], theta)),
        int(used.sum()),
        df,
        float(design.df),
    )


class _Likelihood:
    """log P with P = F(cut_y − xβ) − F(cut_{y−1} − xβ), its scores and Hessian."""

    def __init__(self, x: np.ndarray, y: np.ndarray, n_levels: int, link: str) -> None:
        n, p = x.shape
        cuts = n_levels - 1
        minus = sparse.csr_array(-x)
        rows = np.arange(n)
        has_top, has_bottom = y < cuts, y > 0
        top = sparse.csr_array((np.ones(has_top.sum()), (rows[has_top], y[has_top])), shape=(n, cuts))
        bottom = sparse.csr_array(
            (np.ones(has_bottom.sum()), (rows[has_bottom], y[has_bottom] - 1)), shape=(n, cuts)
        )
        self.top = sparse.hstack([minus, top], format="csr")
        self.bottom = sparse.hstack([minus, bottom], format="csr")
        self.has_top, self.has_bottom, self.link = has_top, has_bottom, link
        self.y, self.p, self.cuts = y, p, cuts

    def _pieces(self, theta: np.ndarray) -> tuple[np.ndarray, ...]:
        """P, f and f′ at the upper and lower ends."""
        zu = np.where(self.has_top, self.top @ theta, np.inf)
        zl = np.where(self.has_bottom, self.bottom @ theta, -np.inf)
        if self.link == "logit":
            # Differences on the side where both are small keep their digits.
            flip = (zl > 0) & (zu > 0)
            p = np.where(flip, special.expit(-zl) - special.expit(-zu), special.expit(zu) - special.expit(zl))
            fu, fl = special.expit(zu) * special.expit(-zu), special.expit(zl) * special.expit(-zl)
            du = fu * (special.expit(-zu) - special.expit(zu))
            dl = fl * (special.expit(-zl) - special.expit(zl))
        else:
            flip = (zl > 0) & (zu > 0)
            p = np.where(flip, special.ndtr(-zl) - special.ndtr(-zu), special.ndtr(zu) - special.ndtr(zl))
            cu, cl = np.where(self.has_top, zu, 0.0), np.where(self.has_bottom, zl, 0.0)
            fu = np.where(self.has_top, np.exp(-0.5 * cu * cu) / np.sqrt(2 * np.pi), 0.0)
            fl = np.where(self.has_bottom, np.exp(-0.5 * cl * cl) / np.sqrt(2 * np.pi), 0.0)
            du, dl = -cu * fu, -cl * fl
        return np.maximum(p, 1e-300), fu, fl, du, dl

    def log_likelihood(self, w: np.ndarray, theta: np.ndarray) -> float:
        if (np.diff(theta[self.p :]) <= 0).any():
            return -np.inf
        return float(np.sum(w * np.log(self._pieces(theta)[0])))

    def scores(self, theta: np.ndarray) -> np.ndarray:
        p, fu, fl, _, _ = self._pieces(theta)
        return (
            self.top.multiply((fu / p)[:, None]).toarray() - self.bottom.multiply((fl / p)[:, None]).toarray()
        )

    def information(self, w: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """Minus the weighted Hessian."""
        p, fu, fl, du, dl = self._pieces(theta)
        upper = w * (du / p - (fu / p) ** 2)
        lower = w * (-dl / p - (fl / p) ** 2)
        mixed = w * fu * fl / p**2
        t, b = self.top, self.bottom
        cross = (t.multiply(mixed[:, None]).T @ b).toarray()
        hessian = (t.multiply(upper[:, None]).T @ t).toarray() + (b.multiply(lower[:, None]).T @ b).toarray()
        return -(hessian + cross + cross.T)

    def maximise(self, w: np.ndarray, start: np.ndarray | None = None) -> np.ndarray:
        theta = self._first(w) if start is None else start.copy()
        value = self.log_likelihood(w, theta)
        for _ in range(200):
            gradient = w @ self.scores(theta)
            step = np.linalg.solve(self.information(w, theta), gradient)
            length = 1.0
            while (
                self.log_likelihood(w, theta + length * step) < value - 1e-12 * abs(value) and length > 1e-8
            ):
                length /= 2
            theta = theta + length * step
            value = self.log_likelihood(w, theta)
            if np.abs(step).max() * length <= 1e-10 * (1 + np.abs(theta).max()):
                return theta
        raise NotConvergedError("the ordinal model does not converge; some level may be predicted perfectly.")

    def _first(self, w: np.ndarray) -> np.ndarray:
        share = np.cumsum(np.bincount(self.y, weights=w, minlength=self.cuts + 1))[:-1] / w.sum()
        cut = special.logit(share) if self.link == "logit" else special.ndtri(share)
        return np.append(np.zeros(self.p), cut)
