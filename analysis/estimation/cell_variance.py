"""Variances straight from the cells that occur: no unit × domain table, so a million PSUs cost no memory."""

import numpy as np

from analysis.design import SurveyDesign
from analysis.errors import LonelyPSUError
from analysis.estimation.tables import Cells
from analysis.frames import combine_codes
from analysis.stages import CERTAINTY_GAP


def fits_cells(design: SurveyDesign) -> bool:
    """Can the variances be had from cells alone, without a unit × domain table?"""
    stage = design.stages[0]
    lonely = (stage.size == 1) & (1 - stage.fraction[stage.starts] >= CERTAINTY_GAP)
    plain = design.lonely_psu in ("fail", "remove", "certainty") or not lonely.any()
    whole = len(design.stages) == 1 and design.joint is None and not design.residual_steps
    return whole and plain and not design.domain_lonely


def variance_of_cells(design: SurveyDesign, cells: Cells, z: np.ndarray) -> np.ndarray:
    """Variances per domain from the cells that occur; units without rows in a domain count as 0 there.

    z : linearised total of each cell, shape (n_cells,). For designs of which `fits_cells` is true.
    """
    stage = design.stages[0]
    sampled = 1 - stage.fraction
    if design.lonely_psu == "fail":
        lonely = (stage.size == 1) & (sampled[stage.starts] >= CERTAINTY_GAP)
        if lonely.any():
            raise LonelyPSUError(1, [stage.labels[h] for h in np.flatnonzero(lonely)])
    factor = np.where(stage.size > 1, stage.size / np.maximum(stage.size - 1, 1), 0.0)[stage.stratum]
    scale = np.where(sampled < CERTAINTY_GAP, 0.0, sampled * factor)
    whole = np.add.reduceat(scale, stage.starts)
    group, (stratum, domain) = combine_codes(
        [(stage.stratum[cells.unit], stage.n_strata), (cells.domain, cells.n_domains)]
    )
    centre = np.bincount(group, weights=z, minlength=len(stratum)) / stage.size[stratum]
    own = scale[cells.unit]
    spread = np.bincount(group, weights=own * (z - centre[group]) ** 2, minlength=len(stratum))
    absent = whole[stratum] - np.bincount(group, weights=own, minlength=len(stratum))
    return np.bincount(domain, weights=spread + absent * centre**2, minlength=cells.n_domains)
