"""Errors of a whole weighting recipe: nonresponse, trimming and calibration are part of the estimator."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation.result import Estimate
from analysis.replicates import ReplicateDesign


@dataclass(frozen=True, eq=False)
class RecipeErrors:
    """Estimates with three standard errors side by side.

    se : bootstrap, the recipe run again on every replicate
    fixed_se : the shortcut, the final weights taken as if they had been drawn (no recipe step in the error)
    linearised : the estimate with Taylor errors and the calibration's residual step
    failed : replicates on which the recipe could not be carried out; they are left out
    """

    linearised: Estimate
    se: np.ndarray
    fixed_se: np.ndarray
    replicates: int
    failed: int


def recipe_errors(
    design: SurveyDesign,
    recipe: Callable[[SurveyDesign], SurveyDesign],
    estimator: Callable[[SurveyDesign], Estimate],
    *,
    replicates: int = 500,
    seed: int = 0,
    max_failed: float = 0.05,
) -> RecipeErrors:
    """Bootstrap the recipe and the estimator together (Rao & Wu 1988, rescaled).

    Parameters
    ----------
    design : with the base weights, before any step of the recipe
    recipe : design → design with final weights (adjust, trim, calibrate)
    estimator : design → Estimate, e.g. `lambda d: mean(d, "y", by="district")`
    max_failed : share of replicates on which the recipe may fail (an emptied class, say) before this gives up

    Raises
    ------
    AnalysisError : the recipe fails on the sample itself, or on too many replicates
    """
    final = recipe(design)
    full = estimator(final)
    bootstrap = ReplicateDesign.from_design(design, "bootstrap", replicates=replicates, seed=seed)
    thetas = np.full((replicates, len(full)), np.nan)
    fixed = np.full((replicates, len(full)), np.nan)
    failed, last = 0, ""
    for r, weights in enumerate(bootstrap.replicate_weights()):
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(design.weights > 0, weights / design.weights, 0.0)
        fixed[r] = _values(estimator(final.with_weights(final.weights * factor)), full)
        try:
            thetas[r] = _values(estimator(recipe(design.with_weights(weights))), full)
        except AnalysisError as error:
            failed, last = failed + 1, str(error)
    if failed > max_failed * replicates:
        raise AnalysisError(f"the recipe fails on {failed} of {replicates} replicates; the last one: {last}")

    def spread(values: np.ndarray, lost: int) -> np.ndarray:
        z = bootstrap.deviations(values, full.estimate)
        return np.sqrt(np.einsum("ij,ij->j", z, z) * replicates / (replicates - lost))

    return RecipeErrors(full, spread(thetas, failed), spread(fixed, 0), replicates, failed)


def _values(estimate: Estimate, full: Estimate) -> np.ndarray:
    """Estimates in the order of the full sample's; a domain that a replicate lost has none."""
    if len(estimate) == len(full):
        return estimate.estimate
    keys = list(zip(estimate.terms, *estimate.domains.values(), strict=True))
    found = dict(zip(keys, estimate.estimate, strict=True))
    wanted = zip(full.terms, *full.domains.values(), strict=True)
    return np.array([found.get(key, np.nan) for key in wanted])
