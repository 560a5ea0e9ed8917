"""Area-level model of Fay and Herriot: EBLUPs with their mean squared errors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.estimation.intervals import mean_interval
from analysis.frames import Columns, ColumnSpec
from analysis.small_area.roots import downward_roots

METHODS = ("REML", "ML", "FH")
INTERVAL_NOTE = (
    "estimate ± z·√mse: right on average over the areas of a size class, not for each area by itself, and "
    "only as far as the model holds"
)


@dataclass(frozen=True, eq=False, repr=False)
class FayHerriot:
    """A fitted area-level model; arrays have one entry per area, in the order of the data.

    Attributes
    ----------
    areas : names of the areas
    direct, sampling_variance : what was given, shape (m,); NaN for an unsampled area
    estimate : EBLUP; x'β for an unsampled area; NaN where there is no figure, see `reason`
    mse : estimated mean squared error of `estimate`
    synthetic : True where the figure rests on the covariates alone
    shrinkage : γ = A/(A + D), the weight of the direct figure; 0 for synthetic ones
    g1, g2, g3, bias : the parts of mse: g1 + g2 + 2·g3 − bias; NaN for synthetic ones
    residuals : (y − x'β)/√(A + D); NaN for unsampled areas
    leverage : hat values of the weighted regression; NaN for unsampled areas
    x : columns of the fixed part, shape (m, p)
    terms, beta, beta_vcov : coefficients of the fixed part, shapes (p,), (p,), (p, p)
    refvar : A, the variance of the area effects; refvar_se its asymptotic standard error
    loglike, aic, bic : of the full likelihood at the estimates (for REML too, as in R's sae)
    """

    method: str
    areas: tuple
    direct: np.ndarray
    sampling_variance: np.ndarray
    estimate: np.ndarray
    mse: np.ndarray
    synthetic: np.ndarray
    shrinkage: np.ndarray
    g1: np.ndarray
    g2: np.ndarray
    g3: np.ndarray
    bias: np.ndarray
    residuals: np.ndarray
    leverage: np.ndarray
    x: np.ndarray
    terms: tuple[str, ...]
    beta: np.ndarray
    beta_vcov: np.ndarray
    refvar: float
    refvar_se: float
    loglike: float
    reason: tuple[str, ...] = field(default_factory=tuple)

    @property
    def beta_se(self) -> np.ndarray:
        return np.sqrt(np.diag(self.beta_vcov))

    @property
    def se(self) -> np.ndarray:
        """√mse; NaN where the estimated mse is negative (possible for 'FH' with few areas)."""
        with np.errstate(invalid="ignore"):
            return np.sqrt(self.mse)

    @property
    def n_sampled(self) -> int:
        return int((~np.isnan(self.direct)).sum())

    @property
    def aic(self) -> float:
        return -2 * self.loglike + 2 * (len(self.beta) + 1)

    @property
    def bic(self) -> float:
        return -2 * self.loglike + (len(self.beta) + 1) * float(np.log(self.n_sampled))

    def ci(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """(low, high) of shape (m,); see `INTERVAL_NOTE` for what they promise."""
        return mean_interval(self.estimate, self.se, np.inf, level)

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """One row per area."""
        low, high = self.ci(level)
        return pd.DataFrame(
            {
                "area": list(self.areas),
                "estimate": self.estimate,
                "se": self.se,
                "ci_low": low,
                "ci_high": high,
                "direct": self.direct,
                "direct_se": np.sqrt(self.sampling_variance),
                "shrinkage": self.shrinkage,
                "synthetic": self.synthetic,
                "reason": list(self.reason),
            }
        )

    def __repr__(self) -> str:
        head = (
            f"Fay–Herriot, {self.method}: {self.n_sampled} areas with a direct figure, "
            f"{int(self.synthetic.sum())} synthetic; A = {self.refvar:.6g} (se {self.refvar_se:.3g})"
        )
        fixed = pd.DataFrame({"beta": self.beta, "se": self.beta_se}, index=list(self.terms))
        return f"{head}\n{fixed}\n{self.to_frame()}\nIntervals: {INTERVAL_NOTE}."


def fay_herriot(
    data: Any,
    *,
    estimate: ColumnSpec,
    variance: ColumnSpec,
    numeric: Sequence[str] = (),
    categorical: Sequence[str] = (),
    area: ColumnSpec | None = None,
    method: str = "REML",
) -> FayHerriot:
    """EBLUPs of the model y_d = x_d'β + v_d + e_d, var(v_d) = A, var(e_d) = D_d known.

    Parameters
    ----------
    data : data frame with one row per area
    estimate : column of direct estimates y; missing for an area without a sample
    variance : column of their sampling variances D > 0 (smooth them first: `smooth_variances`; a unanimous
        community has variance 0, which no model can use)
    numeric, categorical : names of the covariates, known for every area; an intercept comes first, and the
        first level of a category is the base
    area : column of names; None numbers the areas from 1
    method : 'REML', 'ML' or 'FH' (Fay and Herriot's moment equation)

    Raises
    ------
    AnalysisError : no positive variance, too few areas, a covariate missing or not separable

    Notes
    -----
    With V = A + D, P = V⁻¹ − V⁻¹XQX'V⁻¹, Q = (ΣxxV⁻¹)⁻¹ and r = y − x'β̂, A solves y'PPy = tr P (REML),
    Σr²/V² = Σ1/V (ML) or Σr²/V = m − p (FH); 0 when no positive root exists, and the root with the largest
    likelihood when there are several.

    EBLUP x'β̂ + (1 − B)(y − x'β̂), B = D/V. MSE g1 + g2 + 2g3 − bB² with g1 = D(1 − B), g2 = B²x'Qx,
    g3 = B²·VarA/V, VarA = 2/ΣV⁻² (REML, ML) or 2m/(ΣV⁻¹)² (FH), and b the bias of Â: 0 (REML),
    −tr(QΣxxV⁻²)/ΣV⁻² (ML), 2(mΣV⁻² − (ΣV⁻¹)²)/(ΣV⁻¹)³ (FH). An area without a direct figure gets x'β̂ with
    mse A + x'Qx, marked synthetic, and only if there are covariates.

    Fay & Herriot (1979), JASA 74, 269–277; Prasad & Rao (1990), JASA 85, 163–171; Datta & Lahiri (2000),
    Statistica Sinica 10, 613–627 (ML's term); Datta, Rao & Smith (2005), Biometrika 92, 183–196 (FH's);
    Rao & Molina (2015), Small Area Estimation, 2nd ed., sections 6.1–6.2. R: `sae::eblupFH`, `sae::mseFH`.
    """
    if method not in METHODS:
        raise AnalysisError(f"method is one of {', '.join(METHODS)}; got {method!r}")
    columns = Columns(data)
    y, d = columns.numeric(estimate, "estimate"), columns.numeric(variance, "variance")
    areas = tuple(range(1, len(y) + 1)) if area is None else tuple(columns.array(area))
    terms, x = model_matrix(columns, numeric, categorical)
    sampled = ~np.isnan(y)
    _check(y, d, x, sampled, areas, terms)
    fit = _Fit(y[sampled], d[sampled], x[sampled], method)
    return _assemble(fit, areas, terms, x, sampled, y, d, synthetic_allowed=len(terms) > 1)


def model_matrix(
    columns: Columns, numeric: Sequence[str], categorical: Sequence[str]
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and columns (n, p): intercept, numeric covariates, indicators against the first level."""
    terms, parts = ["(Intercept)"], [np.ones(columns.n_rows or 0)]
    for name in numeric:
        values = columns.numeric(name, "covariate")
        _complete(np.isnan(values), name)
        terms.append(name)
        parts.append(values)
    for name in categorical:
        factor = columns.factor(name)
        _complete(factor.codes < 0, name)
        for k, level in enumerate(factor.levels[1:], start=1):
            terms.append(f"{name}={level}")
            parts.append((factor.codes == k).astype(float))
    return tuple(terms), np.column_stack(parts)


def _complete(missing: np.ndarray, name: str) -> None:
    if missing.any():
        raise AnalysisError(f"covariate {name!r} has no value in row {int(np.flatnonzero(missing)[0])}")


def _check(
    y: np.ndarray, d: np.ndarray, x: np.ndarray, sampled: np.ndarray, areas: tuple, terms: tuple[str, ...]
) -> None:
    wrong = np.flatnonzero(sampled & ~(np.isfinite(d) & (d > 0) & np.isfinite(y)))
    if len(wrong):
        raise AnalysisError(
            f"area {areas[wrong[0]]}: a direct estimate needs a positive sampling variance; got "
            f"{d[wrong[0]]:g} (smooth the variances: a unanimous community has variance 0)"
        )
    m, p = int(sampled.sum()), x.shape[1]
    if m <= p:
        raise AnalysisError(f"{m} areas with a direct estimate cannot carry {p} coefficients and a variance")
    used = x[sampled]
    scale = np.linalg.norm(used, axis=0)
    empty = np.flatnonzero(scale == 0)
    if len(empty):
        raise AnalysisError(f"{terms[empty[0]]}: no area with a direct estimate has it")
    if np.linalg.matrix_rank(used / scale) < p:
        raise AnalysisError(f"the covariates are linearly dependent: {', '.join(terms)}")


class _Fit:
    """The model on the sampled areas; everything by a QR decomposition of V^(−1/2)X."""

    def __init__(self, y: np.ndarray, d: np.ndarray, x: np.ndarray, method: str) -> None:
        self.y, self.d, self.x, self.method = y, d, x, method
        self.m, self.p = x.shape
        self.refvar = self._solve()
        self.v = self.refvar + d
        self.w = 1 / self.v
        self.beta, self.r, self.hat, self.q = self._regress(self.w)

    def _regress(self, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """β, residuals, hat values and Q = (X'WX)⁻¹ at weights w."""
        root = np.sqrt(w)
        q, upper = np.linalg.qr(self.x * root[:, None])
        beta = np.linalg.solve(upper, q.T @ (root * self.y))
        inverse = np.linalg.solve(upper, np.eye(self.p))
        return beta, self.y - self.x @ beta, np.einsum("ij,ij->i", q, q), inverse @ inverse.T

    def _score(self, a: float) -> float:
        w = 1 / (a + self.d)
        _, r, hat, _ = self._regress(w)
        if self.method == "REML":
            return float(np.sum((w * r) ** 2) - np.sum(w * (1 - hat)))
        if self.method == "ML":
            return float(np.sum((w * r) ** 2) - np.sum(w))
        return float(np.sum(w * r**2) - (self.m - self.p))

    def _objective(self, a: float) -> float:
        """Restricted or full log-likelihood up to a constant."""
        w = 1 / (a + self.d)
        _, r, _, q = self._regress(w)
        value = -0.5 * (np.sum(w * r**2) - np.sum(np.log(w)))
        if self.method == "REML":
            value += 0.5 * np.linalg.slogdet(q)[1]
        return float(value)

    def _solve(self) -> float:
        _, r, _, _ = self._regress(np.ones(self.m))
        # Beyond s² + max D every one of the three scores is negative (V ≥ A, and weighted squares shrink).
        upper = float(np.sum(r**2) / (self.m - self.p) + self.d.max())
        score: Callable[[float], float] = self._score
        roots = downward_roots(score, upper)
        return max(roots, key=self._objective) if roots else 0.0

    def variance_of_refvar(self) -> float:
        if self.method == "FH":
            return float(2 * self.m / np.sum(self.w) ** 2)
        return float(2 / np.sum(self.w**2))

    def bias_of_refvar(self) -> float:
        if self.method == "REML":
            return 0.0
        first, second = np.sum(self.w), np.sum(self.w**2)
        if self.method == "ML":
            return float(-np.sum(self.w * self.hat) / second)
        return float(2 * (self.m * second - first**2) / first**3)

    def loglike(self) -> float:
        return float(-0.5 * np.sum(np.log(2 * np.pi * self.v) + self.w * self.r**2))


def _assemble(
    fit: _Fit,
    areas: tuple,
    terms: tuple[str, ...],
    x: np.ndarray,
    sampled: np.ndarray,
    y: np.ndarray,
    d: np.ndarray,
    *,
    synthetic_allowed: bool,
) -> FayHerriot:
    b = fit.d / fit.v
    g1 = fit.refvar * b
    g2 = b**2 * fit.hat * fit.v  # x'Qx = h·V
    g3 = b**2 * fit.variance_of_refvar() / fit.v
    bias = fit.bias_of_refvar() * b**2

    def spread(values: np.ndarray) -> np.ndarray:
        out = np.full(len(areas), np.nan)
        out[sampled] = values
        return out

    estimate = spread(fit.y - b * fit.r)
    mse = spread(g1 + g2 + 2 * g3 - bias)
    synthetic = ~sampled & synthetic_allowed
    estimate[synthetic] = x[synthetic] @ fit.beta
    mse[synthetic] = fit.refvar + np.einsum("ij,jk,ik->i", x[synthetic], fit.q, x[synthetic])
    shrinkage = spread(1 - b)
    shrinkage[synthetic] = 0.0
    reason = np.where(sampled | synthetic, "", "no sample and no covariates: no figure")
    return FayHerriot(
        method=fit.method,
        areas=areas,
        direct=np.where(sampled, y, np.nan),
        sampling_variance=np.where(sampled, d, np.nan),
        estimate=estimate,
        mse=mse,
        synthetic=synthetic,
        shrinkage=shrinkage,
        g1=spread(g1),
        g2=spread(g2),
        g3=spread(g3),
        bias=spread(bias),
        residuals=spread(fit.r / np.sqrt(fit.v)),
        leverage=spread(fit.hat),
        x=x,
        terms=terms,
        beta=fit.beta,
        beta_vcov=fit.q,
        refvar=fit.refvar,
        refvar_se=float(np.sqrt(fit.variance_of_refvar())),
        loglike=fit.loglike(),
        reason=tuple(str(r) for r in reason),
    )
