"""Variance of totals from unit totals of linearised values: the only thing a Taylor variance needs.

`z` holds, for each unit of the last computed stage (neighbours within strata, see `Stage`), the sum of
weight × linearised value; one column per statistic.
"""

import numpy as np

from analysis.design import SurveyDesign
from analysis.errors import LonelyPSUError
from analysis.stages import CERTAINTY_GAP, Stage


def covariance_of_totals(
    design: SurveyDesign, z: np.ndarray, present: np.ndarray | None = None, *, diagonal: bool = False
) -> np.ndarray:
    """Covariance matrix (or its diagonal) of the column totals of z.

    Parameters
    ----------
    z : ndarray of shape (n_last_stage_units, n_statistics)
    present : bool ndarray of the same shape, units with rows in the domain; only needed if
        `design.domain_lonely`
    diagonal : return the variances only, shape (n_statistics,)
    """
    stages = design.stages
    totals = [z]
    marks = [present]
    for stage in reversed(stages[1:]):
        starts = stage.parent_starts
        totals.insert(0, np.add.reduceat(totals[0], starts, axis=0))
        marks.insert(0, None if marks[0] is None else np.logical_or.reduceat(marks[0], starts, axis=0))
    if design.joint is not None:
        return _quadratic_form(design, totals[0], diagonal)
    result = 0.0
    factor = np.ones(1)  # product of the sampling fractions of the ancestors of a unit's parent
    for number, stage in enumerate(stages):
        mark = marks[number] if design.domain_lonely else None
        result = result + _stage_covariance(design, stage, number, totals[number], mark, factor, diagonal)
        factor = factor[stage.parent] * stage.fraction
    return result


def _quadratic_form(design: SurveyDesign, z: np.ndarray, diagonal: bool) -> np.ndarray:
    d = design.joint.delta
    if design.joint.variance == "YG":
        d = d - np.diag(d.sum(axis=1))
    if diagonal:
        return np.einsum("ij,ij->j", z, d @ z)
    return z.T @ d @ z


def _stage_covariance(
    design: SurveyDesign,
    stage: Stage,
    number: int,
    z: np.ndarray,
    present: np.ndarray | None,
    factor: np.ndarray,
    diagonal: bool,
) -> np.ndarray:
    """Σ over the strata of a stage, each times the product of its ancestors' sampling fractions."""
    size = stage.size
    sampled = 1 - stage.fraction  # (1 - f) of each unit
    lonely = (size == 1) & (sampled[stage.starts] >= CERTAINTY_GAP)
    if lonely.any() and design.lonely_psu == "fail":
        raise LonelyPSUError(number + 1, [stage.labels[h] for h in np.flatnonzero(lonely)])
    n_h = size[stage.stratum]
    with np.errstate(divide="ignore"):
        scale = np.where(n_h > 1, n_h / np.maximum(n_h - 1, 1), 0.0)
    scale = np.where(sampled < CERTAINTY_GAP, 0.0, sampled * scale)
    centre = (np.add.reduceat(z, stage.starts, axis=0) / size[:, None])[stage.stratum]
    if lonely.any() and design.lonely_psu == "adjust":
        grand = _grand_mean(stage, z)
        centre = np.where(lonely[stage.stratum][:, None], grand[stage.parent], centre)
        scale = np.where(lonely[stage.stratum], sampled, scale)
    averaged = lonely[:, None] if design.lonely_psu == "average" else None
    if present is not None and design.lonely_psu in ("adjust", "average"):
        alone = (np.add.reduceat(present, stage.starts, axis=0, dtype=np.int64) == 1) & (size > 1)[:, None]
        if design.lonely_psu == "adjust":
            centre = np.where(alone[stage.stratum], _grand_mean(stage, z)[stage.parent], centre)
        else:
            averaged = averaged | alone
    deviation = z - centre
    weight = scale * factor[stage.parent]
    if averaged is None or not averaged.any():
        if diagonal:
            return weight @ (deviation * deviation)
        deviation *= np.sqrt(weight)[:, None]
        return deviation.T @ deviation
    return _averaged(stage, deviation, scale, factor, averaged, diagonal)


def _grand_mean(stage: Stage, z: np.ndarray) -> np.ndarray:
    """Mean of z over all units of each parent, shape (n_parents, n_statistics)."""
    starts = stage.parent_starts
    counts = np.diff(np.r_[starts, stage.n_units])
    return np.add.reduceat(z, starts, axis=0) / counts[:, None]


def _averaged(
    stage: Stage,
    deviation: np.ndarray,
    scale: np.ndarray,
    factor: np.ndarray,
    averaged: np.ndarray,
    diagonal: bool,
) -> np.ndarray:
    """lonely_psu='average': within every parent the other strata are scaled up to the number of strata.

    A parent whose strata are all lonely has nothing to average: its share is undefined (NaN).
    """
    p = deviation.shape[1]
    averaged = np.broadcast_to(averaged, (stage.n_strata, p))
    stratum_parent = stage.parent[stage.starts]
    parent_starts = np.flatnonzero(np.r_[True, np.diff(stratum_parent) != 0])
    n_strata = np.diff(np.r_[parent_starts, stage.n_strata])[:, None]
    usable = n_strata - np.add.reduceat(averaged, parent_starts, axis=0, dtype=np.int64)
    with np.errstate(divide="ignore", invalid="ignore"):
        inflate = np.where(usable > 0, n_strata / usable, np.nan)[stratum_parent]
    keep = np.where(averaged, 0.0, 1.0)[stage.stratum]
    inflate = inflate[stage.stratum] * factor[stage.parent][:, None]
    if diagonal:
        return np.sum(scale[:, None] * inflate * keep * deviation**2, axis=0)
    # A pair of statistics is averaged over the strata usable for both; R does the same entry by entry.
    root = np.sqrt(scale)[:, None] * deviation
    result = np.empty((p, p))
    for i in range(p):
        both = keep * keep[:, [i]]
        pair_averaged = averaged | averaged[:, [i]]
        usable = n_strata - np.add.reduceat(pair_averaged, parent_starts, axis=0, dtype=np.int64)
        with np.errstate(divide="ignore", invalid="ignore"):
            up = np.where(usable > 0, n_strata / usable, np.nan)[stratum_parent][stage.stratum]
        result[i] = np.sum(both * up * factor[stage.parent][:, None] * root * root[:, [i]], axis=0)
    return result
