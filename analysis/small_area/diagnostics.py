"""When not to use an area-level model: checks that end in plain sentences."""

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from analysis.errors import AnalysisError
from analysis.small_area.fay_herriot import FayHerriot

_OUTLIER = 3.0
_SPARE = 10  # areas beyond the coefficients; Datta, Rao & Smith (2005) simulate no fewer than 15 areas
_LEVERAGE = 0.5  # Huber (1981), Robust Statistics, ch. 7: avoid hat values above 0.5


@dataclass(frozen=True)
class FayHerriotDiagnostics:
    """Checks of a fitted area-level model.

    normality_statistic, normality_p : Shapiro–Wilk of the standardised residuals
    outliers : areas with a standardised residual beyond ±3
    influential : areas whose own direct figure decides more than half of their x'β
    curvature_p : p of the squared fitted value as one more covariate (RESET)
    variance_p : p of Spearman's correlation of squared residuals with D
    mean_shrinkage : average weight of the direct figure
    share_improved : share of the sampled areas whose mse is below their direct variance
    adjusted_r2 : share of the variance of the true area values that the covariates explain
    uncertainty_share : average 2·g3/mse, what not knowing A costs
    problems : sentences, empty if nothing speaks against the model
    """

    normality_statistic: float
    normality_p: float
    outliers: tuple
    influential: tuple
    curvature_p: float
    variance_p: float
    mean_shrinkage: float
    share_improved: float
    adjusted_r2: float
    uncertainty_share: float
    problems: tuple[str, ...]

    @property
    def usable(self) -> bool:
        return not self.problems


def diagnose_fay_herriot(fit: FayHerriot, *, level: float = 0.05) -> FayHerriotDiagnostics:
    """Check a model before its figures are shown.

    Parameters
    ----------
    fit : the model
    level : below this p a check speaks up

    Returns
    -------
    FayHerriotDiagnostics

    Notes
    -----
    Residuals (y − x'β̂)/√(A + D): Rao & Molina (2015), section 6.1; RESET: Ramsey (1969), JRSS B 31, 350–371,
    with weights 1/(A + D); adjusted R²: Lahiri & Suntornchost (2015), Sankhyā B 77, 312–320. The customary
    regression of direct figures on EBLUPs is left out: an EBLUP contains its own direct figure, so the slope
    is above 1 even when the model is true. R: `summary(emdi::fh())`.
    """
    sampled = ~np.isnan(fit.direct)
    d, mse, r = fit.sampling_variance[sampled], fit.mse[sampled], fit.residuals[sampled]
    if len(r) < 4:
        raise AnalysisError("a check needs at least four areas with a direct figure")
    names = np.array(fit.areas, dtype=object)[sampled]
    normal = stats.shapiro(r)
    positive = bool((mse > 0).all())
    numbers = {
        "normality_statistic": float(normal.statistic),
        "normality_p": float(normal.pvalue),
        "outliers": tuple(names[np.abs(r) > _OUTLIER]),
        "influential": tuple(names[fit.leverage[sampled] > _LEVERAGE]),
        "curvature_p": _curvature(fit, sampled),
        "variance_p": _variance_trend(r, d),
        "mean_shrinkage": float(np.mean(fit.shrinkage[sampled])),
        "share_improved": float(np.mean(mse < d)),
        "adjusted_r2": _adjusted_r2(fit, sampled),
        "uncertainty_share": float(np.mean(2 * fit.g3[sampled] / mse)) if positive else float("nan"),
    }
    return FayHerriotDiagnostics(**numbers, problems=_problems(fit, numbers, level))


def _fitted(fit: FayHerriot, sampled: np.ndarray) -> np.ndarray:
    v = fit.refvar + fit.sampling_variance[sampled]
    return fit.direct[sampled] - fit.residuals[sampled] * np.sqrt(v)


def _curvature(fit: FayHerriot, sampled: np.ndarray) -> float:
    """Normal test of the squared fitted value; NaN where the design columns span it already."""
    x = fit.x[sampled]
    w = 1 / (fit.refvar + fit.sampling_variance[sampled])
    fitted = _fitted(fit, sampled)
    extra = (fitted - fitted.mean()) ** 2
    root = np.sqrt(w)
    q, _ = np.linalg.qr(x * root[:, None])
    left = root * extra - q @ (q.T @ (root * extra))
    size = float(left @ left)
    if size <= 1e-12 * float((root * extra) @ (root * extra)) or size == 0:
        return float("nan")
    z = float(left @ fit.residuals[sampled]) / np.sqrt(size)
    return float(2 * special.ndtr(-abs(z)))


def _variance_trend(r: np.ndarray, d: np.ndarray) -> float:
    """Squared residuals should not follow D: if they do, D or the constant A is wrong."""
    if np.ptp(d) == 0:
        return float("nan")
    return float(stats.spearmanr(r**2, d).pvalue)


def _adjusted_r2(fit: FayHerriot, sampled: np.ndarray) -> float:
    """1 − (residual mean square − D̄)/(S²_y − D̄), within [0, 1]; NaN where D̄ exceeds S²_y."""
    y, d = fit.direct[sampled], fit.sampling_variance[sampled]
    x = fit.x[sampled]
    residual = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    left = float(residual @ residual) / (len(y) - x.shape[1]) - float(np.mean(d))
    whole = float(np.var(y, ddof=1)) - float(np.mean(d))
    return float(np.clip(1 - max(left, 0.0) / whole, 0.0, 1.0)) if whole > 0 else float("nan")


def _problems(fit: FayHerriot, numbers: dict, level: float) -> tuple[str, ...]:
    m, p = fit.n_sampled, len(fit.beta)
    found = []
    if m - p < _SPARE:
        found.append(f"{m} areas for {p} coefficients: the variance of the area effects is a guess")
    if fit.refvar == 0:
        found.append("the area effects have variance 0: every figure is the regression's, errors too small")
    if numbers["normality_p"] < level:
        found.append(f"the standardised residuals are not normal (p = {numbers['normality_p']:.3g})")
    if numbers["outliers"]:
        found.append(f"outlying areas: {_list(numbers['outliers'])}; look at their data first")
    if numbers["influential"]:
        found.append(f"areas that decide their own regression: {_list(numbers['influential'])}")
    if numbers["curvature_p"] < level:
        found.append(f"the covariates miss a curve (p = {numbers['curvature_p']:.3g})")
    if numbers["variance_p"] < level:
        found.append(f"residuals follow the sampling variances (p = {numbers['variance_p']:.3g}): check D")
    if numbers["share_improved"] < 0.5:
        found.append(f"only {numbers['share_improved']:.0%} of the areas gain: show the direct figures")
    if (fit.mse < 0).any():
        found.append(f"{int((fit.mse < 0).sum())} estimated mse are negative: take REML or ML")
    return tuple(found)


def _list(names: tuple) -> str:
    return ", ".join(map(str, names[:10])) + (" …" if len(names) > 10 else "")
