"""Means of one outcome by four estimators, with the covariance of their errors."""

from dataclasses import dataclass

import numpy as np

from analysis.blending.models import LINEAR, LOGISTIC, Participation, fit_outcome
from analysis.blending.samples import TwoSamples
from analysis.errors import AnalysisError

METHODS = ("volunteers", "propensity", "doubly_robust", "probability")


@dataclass(frozen=True, eq=False)
class VolunteerFigures:
    """One outcome's mean by `METHODS`, in that order.

    estimate, se : shape (4,); covariance : shape (4, 4), of both samples' errors, all models refitted
    n_volunteers, n_reference : valid answers behind them
    """

    estimate: np.ndarray
    covariance: np.ndarray
    n_volunteers: int
    n_reference: int

    @property
    def se(self) -> np.ndarray:
        """Standard errors."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


def volunteer_figures(
    samples: TwoSamples,
    participation: Participation,
    volunteers: np.ndarray,
    reference: np.ndarray,
    *,
    model: str = LINEAR,
) -> VolunteerFigures:
    """The mean of an outcome that both samples observed, among people with a valid answer.

    Parameters
    ----------
    volunteers, reference : the outcome, shapes (n_A,) and (n_B,); NaN without a valid answer
    model : of the outcome given the covariates, "linear" or "logistic" (values between 0 and 1)

    Notes
    -----
    volunteers: the plain mean. propensity: Σ_A y/π / Σ_A 1/π. doubly_robust:
    Σ_A (y − m)/π / Σ_A 1/π + Σ_B d m / Σ_B d, with m fitted on the volunteers; right if π or m is (μ̂_IPW2 and
    μ̂_DR2 of Chen, Li & Wu 2020, both with the estimated population size). probability: Σ_B d y / Σ_B d, the
    reference alone. Rows without a valid answer are left out of all sums, so that all four are means of the
    same domain.

    Raises
    ------
    AnalysisError : one of the samples has no valid answer, or the model is unknown
    """
    if model not in (LINEAR, LOGISTIC):
        raise AnalysisError(f"the outcome's model is 'linear' or 'logistic'; got {model!r}")
    valid_a, valid_b = np.isfinite(volunteers), np.isfinite(reference)
    with_covariates = valid_b & (samples.reference_pattern >= 0)
    if not (valid_a & (samples.volunteer_pattern >= 0)).any() or not with_covariates.any():
        raise AnalysisError("one of the samples has no valid answer")
    y, z = np.where(valid_a, volunteers, 0.0), np.where(valid_b, reference, 0.0)
    if model == LOGISTIC and (min(y.min(), z.min()) < 0 or max(y.max(), z.max()) > 1):
        raise AnalysisError("a logistic model takes values between 0 and 1")
    counts, sums = samples.volunteer_sums(valid_a.astype(float)), samples.volunteer_sums(y)
    people = samples.reference_sums(valid_b.astype(float))
    predicted = fit_outcome(samples, counts, sums, model)
    chance = participation.probability
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(counts > 0, 1 / chance, 0.0)
        stands_for = (counts * inverse).sum(axis=1)
        residuals = ((sums - counts * predicted) * inverse).sum(axis=1) / stands_for
        thetas = np.column_stack(
            [
                samples.volunteer_total(y) / samples.volunteer_total(valid_a.astype(float)),
                (sums * inverse).sum(axis=1) / stands_for,
                residuals + (people * predicted).sum(axis=1) / people.sum(axis=1),
                samples.reference_total(z) / samples.reference_total(valid_b.astype(float)),
            ]
        )
    usable = participation.converged[1:] & np.isfinite(thetas[1:]).all(axis=1)
    if usable.sum() < 2:
        raise AnalysisError("no repetition gives a figure")
    return VolunteerFigures(
        thetas[0],
        np.cov(thetas[1:][usable], rowvar=False),
        int((valid_a & (samples.volunteer_pattern >= 0)).sum()),
        int(valid_b.sum()),
    )
