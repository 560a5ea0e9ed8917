"""Area figures made to add up to the direct figure of the whole."""

import numpy as np

from analysis.errors import AnalysisError

BENCHMARKS = ("ratio", "difference", "optimal")


def benchmark(
    estimate: np.ndarray,
    share: np.ndarray,
    target: float,
    *,
    method: str = "ratio",
    mse: np.ndarray | None = None,
) -> np.ndarray:
    """Adjust area figures so that Σ share·θ equals the direct figure of the city.

    Parameters
    ----------
    estimate : θ, shape (m,), without gaps: an area without a figure has to be left out of shares and target
    share : population shares of the areas, shape (m,), adding up to 1
    target : T, the direct figure of the whole
    method : 'ratio' θ·T/Σshare·θ; 'difference' θ + T − Σshare·θ; 'optimal' moves each area by
        share·mse/Σshare²·mse of the gap, so that unsure figures move most
    mse : mean squared errors for 'optimal', shape (m,)

    Returns
    -------
    ndarray of shape (m,)

    Notes
    -----
    Rao & Molina (2015), section 6.4; 'optimal' is Wang, Fuller & Qu (2008), Survey Methodology 34, 29–36,
    with φ = 1/mse. The mse of the model does not cover the adjustment: print the gap beside it.
    R: `sae` has none; `emdi::benchmark(type = "ratio" / "raking")`.
    """
    theta, w = np.asarray(estimate, dtype=float), np.asarray(share, dtype=float)
    if theta.shape != w.shape or theta.ndim != 1:
        raise AnalysisError(f"{theta.shape} estimates but {w.shape} shares")
    if np.isnan(theta).any() or not np.isfinite(w).all() or (w < 0).any():
        raise AnalysisError("benchmarking needs an estimate and a share of at least 0 for every area")
    if abs(w.sum() - 1) > 1e-6:
        raise AnalysisError(f"the shares add up to {w.sum():.6g}, not 1")
    current = float(w @ theta)
    if method == "ratio":
        if current == 0:
            raise AnalysisError("the weighted mean of the areas is 0; use method='difference'")
        return theta * (target / current)
    if method == "difference":
        return theta + (target - current)
    if method != "optimal":
        raise AnalysisError(f"method is one of {', '.join(BENCHMARKS)}; got {method!r}")
    if mse is None or np.shape(mse) != theta.shape or not (np.asarray(mse) >= 0).all():
        raise AnalysisError("method='optimal' needs an mse of at least 0 for every area")
    pull = w * np.asarray(mse, dtype=float)
    if not w @ pull > 0:
        raise AnalysisError("every mse is 0: nothing may move; use method='difference'")
    return theta + pull / (w @ pull) * (target - current)
