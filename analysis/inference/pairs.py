"""Plain pairwise comparisons of estimates from one survey: which differences exceed their error."""

from dataclasses import dataclass

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimation.intervals import t_quantile


@dataclass(frozen=True, eq=False)
class PairwiseTests:
    """All pairs of k estimates; entry (i, j) is estimate i minus estimate j.

    difference, se, df : ndarray of shape (k, k); df is infinite where both are
    differs : True where 0 lies outside the interval of the difference; False on the diagonal and wherever
        an estimate or its variance is missing
    """

    difference: np.ndarray
    se: np.ndarray
    df: np.ndarray
    differs: np.ndarray
    level: float

    def margin(self) -> np.ndarray:
        """Half width of the interval of each difference, shape (k, k)."""
        return t_quantile(0.5 + self.level / 2, self.df) * self.se


def pairwise(
    estimate: np.ndarray, covariance: np.ndarray, df: np.ndarray, *, level: float = 0.95
) -> PairwiseTests:
    """Compare every estimate with every other one, without control over the number of comparisons.

    Parameters
    ----------
    estimate : shape (k,), NaN where there is none
    covariance : shape (k, k), variances on the diagonal; or shape (k,), variances of independent estimates
    df : degrees of freedom of each variance, shape (k,)

    Notes
    -----
    V(d) = V_i + V_j − 2 C_ij, and t with (V_i + V_j)² / (V_i²/df_i + V_j²/df_j) degrees of freedom
    (Satterthwaite 1946, Biometrics Bulletin 2, 110–114), which ignores the covariance of the variances.
    """
    value, df = np.asarray(estimate, dtype=float), np.asarray(df, dtype=float)
    covariance = np.asarray(covariance, dtype=float)
    if covariance.ndim == 1:
        covariance = np.diag(covariance)
    if covariance.shape != (len(value), len(value)) or df.shape != value.shape:
        raise AnalysisError(
            f"{len(value)} estimates need a covariance of shape ({len(value)}, {len(value)}) and as many df; "
            f"got {covariance.shape} and {df.shape}"
        )
    variance = np.diag(covariance)
    with np.errstate(invalid="ignore", divide="ignore"):
        both = variance[:, None] + variance[None, :]
        of_difference = np.maximum(both - 2 * covariance, 0.0)
        np.fill_diagonal(of_difference, 0.0)
        share = np.where(np.isinf(df), 0.0, variance**2 / df)
        combined = both**2 / (share[:, None] + share[None, :])
        se = np.sqrt(of_difference)
        difference = value[:, None] - value[None, :]
        half = t_quantile(0.5 + level / 2, combined) * se
        differs = np.abs(difference) > half
    np.fill_diagonal(differs, False)
    return PairwiseTests(difference, se, combined, differs & np.isfinite(half), level)
