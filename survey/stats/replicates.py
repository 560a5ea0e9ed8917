"""Bootstrap replicates of a whole weighting recipe."""

from dataclasses import dataclass

import numpy as np

from analysis.errors import AnalysisError
from analysis.replicates import ReplicateDesign
from survey.stats.weights import Weighted

MAX_FAILED = 0.05
# Above this many answers × replicates the weights of all replicates would not fit in 400 MB.
MAX_CELLS = 50_000_000
LONELY, FAILED, SIZE = "lonely_psu", "failed", "size"


@dataclass(frozen=True, eq=False)
class Replicates:
    """Final weights of each replicate, from the recipe run again on rescaled base weights.

    weights : shape (n_answers, R), in the order of the rows with a weight
    factors : multipliers of each PSU's weights, shape (n_psus, R), for the fixed-weights shortcut
    failed : replicates on which the recipe could not be carried out, left out of `weights` and `factors`
    """

    weights: np.ndarray
    factors: np.ndarray
    failed: int
    asked: int
    seed: int


def bootstrap(weighted: Weighted, *, replicates: int, seed: int) -> tuple[Replicates | None, str]:
    """Repeat the whole recipe on Rao–Wu bootstrap weights (Rao & Wu 1988).

    Returns
    -------
    (replicates, "") or (None, why not): "lonely_psu" (a stratum has one PSU), "failed" (more than 5 % of the
    replicates leave a class or post-stratum empty), "size" (too many answers for the machine's memory)
    """
    used = np.flatnonzero(weighted.weights > 0)
    if len(used) * replicates > MAX_CELLS:
        return None, SIZE
    design = weighted.base_design
    if (design.stages[0].size == 1).any():
        return None, LONELY
    made = ReplicateDesign.from_design(design, "bootstrap", replicates=replicates, seed=seed)
    weights, kept = np.empty((len(used), replicates)), []
    last = weighted.recipe.steps[-1]
    for r, base in enumerate(made.replicate_weights()):
        try:
            weights[:, len(kept)] = weighted.recipe.run(base)[last][used]
        except AnalysisError:
            continue
        kept.append(r)
    failed = replicates - len(kept)
    if failed > MAX_FAILED * replicates:
        return None, FAILED
    return Replicates(weights[:, : len(kept)], made.factors[:, kept], failed, replicates, seed), ""
