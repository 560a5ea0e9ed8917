"""Two samples with the same covariates, kept as sums over covariate patterns.

Everything that the estimators need of a sample is a sum over rows with equal covariates. So each bootstrap
repetition of both models costs a handful of small matrices, however many rows the samples have.
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from analysis.errors import AnalysisError, DesignError


class TwoSamples:
    """Volunteers, whom nobody drew, and a reference probability sample.

    Parameters
    ----------
    volunteers, reference : ndarrays of shape (n_A, q) and (n_B, q): the model matrix of both, the constant
        first. A row with NaN has no covariates: it enters no model, only its own sample's plain mean.
    weights : final weights of the reference, shape (n_B,)
    replicates : bootstrap weights of the reference, shape (n_B, R), whose variance is Σ(θ_r − θ̄)² / (R − 1)
        (`analysis.replicates`, method "bootstrap")
    units : labels of shape (n_A,): volunteers of one unit (a place) are resampled together; None: one by one
    names : of the q columns, for diagnostics
    seed : of the volunteers' resampling

    Notes
    -----
    Repetition r takes the reference's replicate r and, independently, m − 1 of the m volunteer units with
    replacement (Rao & Wu 1988 with one stratum): the spread over repetitions has both samples' errors. All
    sums have shape (1 + R, …): row 0 is the sample itself.
    """

    def __init__(
        self,
        volunteers: np.ndarray,
        reference: np.ndarray,
        *,
        weights: np.ndarray,
        replicates: np.ndarray,
        units: np.ndarray | None = None,
        names: Sequence[str] = (),
        seed: int = 0,
    ) -> None:
        if volunteers.shape[1] != reference.shape[1]:
            raise DesignError(
                f"the samples have {volunteers.shape[1]} and {reference.shape[1]} covariates; "
                "they must share them"
            )
        if len(weights) != len(reference) or len(replicates) != len(reference):
            raise DesignError("weights and replicates have one row per row of the reference")
        if replicates.shape[1] < 2:
            raise DesignError("a variance needs at least two replicates")
        self.names = tuple(names) or tuple(f"x{k}" for k in range(volunteers.shape[1]))
        self.weights, self.replicates = np.asarray(weights, dtype=float), replicates
        known_a = np.isfinite(volunteers).all(axis=1)
        known_b = np.isfinite(reference).all(axis=1)
        if not known_a.any() or not known_b.any():
            raise AnalysisError("no row of one of the samples has all covariates")
        stacked = np.vstack([volunteers[known_a], reference[known_b]])
        self.patterns, code = np.unique(stacked, axis=0, return_inverse=True)
        code = code.ravel()
        self.volunteer_pattern = np.full(len(volunteers), -1)
        self.volunteer_pattern[known_a] = code[: known_a.sum()]
        self.reference_pattern = np.full(len(reference), -1)
        self.reference_pattern[known_b] = code[known_a.sum() :]
        self.unit = np.arange(len(volunteers))
        if units is not None:
            self.unit = np.unique(units, return_inverse=True)[1].ravel()
        self.multiples = _resample(int(self.unit.max()) + 1, replicates.shape[1], seed)

    @property
    def repetitions(self) -> int:
        """Number R of bootstrap repetitions."""
        return self.replicates.shape[1]

    @property
    def n_units(self) -> int:
        """Units in which volunteers are resampled."""
        return self.multiples.shape[1]

    def volunteer_sums(self, values: np.ndarray) -> np.ndarray:
        """Sums of `values` (n_A,) over the volunteers of each pattern, shape (1 + R, K)."""
        rows = np.flatnonzero(self.volunteer_pattern >= 0)
        places = (self.unit[rows], self.volunteer_pattern[rows])
        table = sparse.csr_matrix((values[rows], places), shape=(self.n_units, len(self.patterns)))
        return np.asarray((table.T @ self.multiples.T).T)

    def reference_sums(self, values: np.ndarray) -> np.ndarray:
        """Weighted sums of `values` (n_B,) over the reference rows of each pattern, shape (1 + R, K)."""
        rows = np.flatnonzero(self.reference_pattern >= 0)
        places = (self.reference_pattern[rows], rows)
        table = sparse.csr_matrix((values[rows], places), shape=(len(self.patterns), len(self.weights)))
        return np.vstack([table @ self.weights, np.asarray(table @ self.replicates).T])

    def volunteer_total(self, values: np.ndarray) -> np.ndarray:
        """Sum of `values` (n_A,) over all volunteers, covariates known or not, shape (1 + R,)."""
        return self.multiples @ np.bincount(self.unit, weights=values, minlength=self.n_units)

    def reference_total(self, values: np.ndarray) -> np.ndarray:
        """Weighted sum of `values` (n_B,) over all of the reference, shape (1 + R,)."""
        return np.r_[values @ self.weights, values @ self.replicates]


def _resample(units: int, repetitions: int, seed: int) -> np.ndarray:
    """How often each unit counts, shape (1 + R, units); 1 for all in row 0."""
    if units < 2:
        raise AnalysisError("volunteers of a single unit have no error that could be estimated")
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(units - 1, np.full(units, 1 / units), size=repetitions)
    return np.vstack([np.ones(units), drawn * (units / (units - 1))])
