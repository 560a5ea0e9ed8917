"""Any statistic at all, on a replicate design: give it as a function of the weights."""

from collections.abc import Callable, Mapping

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimation.result import Estimate
from analysis.replicates import ReplicateDesign


def statistic(design: ReplicateDesign, function: Callable[[np.ndarray], Mapping[str, float]]) -> Estimate:
    """Evaluate {name: value} with the full and with every replicate weight. R: `withReplicates`.

    function : takes weights of shape (n_rows,), returns the same names each time
    """
    if not isinstance(design, ReplicateDesign):
        raise AnalysisError(
            "a statistic given as a function needs replicate weights: ReplicateDesign.from_design"
        )
    full = dict(function(design.weights))
    names = tuple(full)
    vcov = design.covariance(lambda w: np.array([function(w)[k] for k in names], dtype=float))
    count = len(names)
    return Estimate(
        "statistic",
        names,
        np.array(list(full.values()), dtype=float),
        np.sqrt(np.diag(vcov)),
        np.full(count, design.df),
        design.df,
        np.full(count, float((design.weights != 0).sum())),
        vcov=vcov,
    )
