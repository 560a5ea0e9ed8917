"""Where the next visit helps: expected response of cases, and which groups are falling behind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.frames import combine_codes

PRIOR_CASES = 20.0  # cases that the rate of the larger group counts for in a smaller one


@dataclass(frozen=True, eq=False)
class GroupDeficit:
    """How far each group's response lies from the whole's, as it enters the R-indicator.

    groups : labels, shape (g,); n_cases : cases of each; n, rate : weighted size and response rate
    contribution : unconditional partial indicator, negative where a group responds too little
    s : √Σ contribution², the between-group part of S; r : 1 − 2s, of this grouping alone
    """

    groups: np.ndarray
    n_cases: np.ndarray
    n: np.ndarray
    rate: np.ndarray
    overall: float
    contribution: np.ndarray
    s: float
    r: float


def group_deficits(
    responded: np.ndarray, group: Sequence[Any], weights: np.ndarray | None = None
) -> GroupDeficit:
    """Partial R-indicators of a grouping, from the groups' own response rates.

    Parameters
    ----------
    responded : shape (n,), 1 or 0 for each eligible case; group : label of each
    weights : design weights (None: 1)

    Raises
    ------
    AnalysisError : no case, or a weight that is not positive

    Notes
    -----
    sign(ρ̄_k − ρ̄)·√(N_k/N·(ρ̄_k − ρ̄)²) with ρ̄_k the group's weighted rate, which is what a logistic model with
    this grouping alone fits; groups that answer wholly or not at all are no obstacle. Schouten, Shlomo &
    Skinner (2011), Journal of Official Statistics 27, 231–253.
    """
    y = np.asarray(responded, dtype=float)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    if not len(y) or not (w > 0).all():
        raise AnalysisError("every case needs a positive weight, and there must be one")
    labels, codes = np.unique(np.asarray(group), return_inverse=True)
    size = np.bincount(codes, w)
    rate = np.bincount(codes, w * y) / size
    overall = float(w @ y / w.sum())
    gap = rate - overall
    contribution = np.sign(gap) * np.sqrt(size / size.sum() * gap**2)
    s = float(np.sqrt(np.sum(contribution**2)))
    return GroupDeficit(labels, np.bincount(codes), size, rate, overall, contribution, s, 1 - 2 * s)


def expected_propensity(
    past: Mapping[str, Sequence[Any]], responded: np.ndarray, coming: Mapping[str, Sequence[Any]]
) -> np.ndarray:
    """Expected response of coming cases from how groups like theirs responded before; shape (n_coming,).

    Parameters
    ----------
    past, coming : the same columns, from the coarsest to the finest, e.g. district, street, size class
    responded : 1 or 0 for each past case

    Raises
    ------
    AnalysisError : no past case, or other columns

    Notes
    -----
    Down the columns, a cell's rate is (responses + PRIOR_CASES·rate of the cell above)/(cases + PRIOR_CASES):
    a small cell leans on the larger one around it, an unseen one equals it (beta-binomial shrinkage,
    Morris 1983, JASA 78, 47–55). It uses no answers: only who responded.
    """
    y = np.asarray(responded, dtype=float)
    if not len(y):
        raise AnalysisError("nothing is known of earlier response")
    if list(past) != list(coming):
        raise AnalysisError("earlier and coming cases need the same columns")
    n_past = len(y)
    rate = np.full(n_past + len(next(iter(coming.values()), [])), y.mean())
    cell = np.zeros(len(rate), dtype=int)
    for name in past:
        values = np.array([str(v) for v in (*past[name], *coming[name])])
        levels, codes = np.unique(values, return_inverse=True)
        cell = combine_codes([(cell, int(cell.max()) + 1), (codes, len(levels))])[0]
        n_cells = int(cell.max()) + 1
        cases = np.bincount(cell[:n_past], minlength=n_cells)
        events = np.bincount(cell[:n_past], y, n_cells)
        rate = (events[cell] + PRIOR_CASES * rate) / (cases[cell] + PRIOR_CASES)
    return rate[n_past:]
