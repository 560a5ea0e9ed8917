"""Which PSUs two rounds share, and the covariance of their estimates that follows; see `inference.change`."""

import numpy as np

from analysis.design import SurveyDesign
from analysis.errors import DesignError
from analysis.frames import ColumnSpec, combine_codes
from analysis.stages import CERTAINTY_GAP, Stage


def psu_ids(design: SurveyDesign, psu: ColumnSpec) -> tuple:
    """Id of every PSU, in the order of the design's units."""
    factor = design.columns.factor(psu)
    unit = design.row_psu
    if (factor.codes < 0).any():
        raise DesignError(f"psu: row {int(np.argmax(factor.codes < 0))} has no value")
    of_unit = np.full(design.n_psus, -1)
    of_unit[unit] = factor.codes
    odd = np.flatnonzero(of_unit[unit] != factor.codes)
    if len(odd):
        two = factor.levels[factor.codes[odd[0]]], factor.levels[of_unit[unit[odd[0]]]]
        raise DesignError(f"psu: one PSU of the design has the ids {two[0]!r} and {two[1]!r}")
    count = np.bincount(of_unit, minlength=factor.n_levels)
    if (count > 1).any():
        raise DesignError(
            f"psu: the id {factor.levels[int(np.argmax(count > 1))]!r} names several PSUs of the design; "
            "join it with the stratum"
        )
    return tuple(factor.levels[c] for c in of_unit)


def shared_units(first: tuple, second: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Units of both rounds that are the same PSU, as parallel arrays."""
    place = {name: u for u, name in enumerate(second)}
    pairs = [(u, place[name]) for u, name in enumerate(first) if name in place]
    if not pairs and set(map(str, first)) & set(map(str, second)):
        raise DesignError("psu: the ids are text in one round and numbers in the other")
    index = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return index[:, 0], index[:, 1]


def _deviations(design: SurveyDesign, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Deviations of PSU totals from their stratum's mean; which strata are lonely; what 'average' adds."""
    stage = design.stages[0]
    centre = (np.add.reduceat(z, stage.starts, axis=0) / stage.size[:, None])[stage.stratum]
    lonely = (stage.size == 1) & (1 - stage.fraction[stage.starts] >= CERTAINTY_GAP)
    inflate = 1.0
    if lonely.any() and design.lonely_psu == "adjust":
        centre = np.where(lonely[stage.stratum][:, None], z.mean(axis=0), centre)
    if lonely.any() and design.lonely_psu == "average":
        inflate = len(lonely) / max(np.sum(~lonely), 1)
    return z - centre, lonely, inflate


def cross_covariance(
    first: SurveyDesign,
    second: SurveyDesign,
    z1: np.ndarray,
    z2: np.ndarray,
    shared: tuple[np.ndarray, np.ndarray],
    *,
    diagonal: bool,
    bounded: bool = False,
) -> np.ndarray:
    """C of every row of the first round with every row of the second (or of equal rows only).

    bounded : scale as the two variances are scaled, so that |C| ≤ √(V₁V₂) always (Cauchy–Schwarz)
    """
    p = z1.shape[1]
    a, b = shared
    if not len(a):
        return np.zeros(p) if diagonal else np.zeros((p, p))
    if first.joint is not None or second.joint is not None or first.domain_lonely or second.domain_lonely:
        raise DesignError("shared PSUs with joint probabilities or domain_lonely: no covariance is known")
    d1, lonely1, up1 = _deviations(first, z1)
    d2, lonely2, up2 = _deviations(second, z2)
    scale = _pair_scale(first.stages[0], second.stages[0], a, b, (lonely1, lonely2), bounded=bounded)
    left, right = d1[a] * (scale * np.sqrt(up1 * up2))[:, None], d2[b]
    return np.einsum("ij,ij->j", left, right) if diagonal else left.T @ right


def _pair_scale(
    s1: Stage,
    s2: Stage,
    a: np.ndarray,
    b: np.ndarray,
    lonely: tuple[np.ndarray, np.ndarray],
    *,
    bounded: bool,
) -> np.ndarray:
    """Factor of d₁d₂ for every shared PSU."""
    h1, h2 = s1.stratum[a], s2.stratum[b]
    cell, (c1, c2) = combine_codes([(h1, s1.n_strata), (h2, s2.n_strata)])
    f1, f2 = s1.fraction[a], s2.fraction[b]
    if (f1 * f2 > 0).any() and len(c1) != max(len(np.unique(c1)), len(np.unique(c2))):
        raise DesignError("strata changed between the rounds: leave out the fpc of one of them")
    n1, n2, m = s1.size[h1].astype(float), s2.size[h2].astype(float), np.bincount(cell)[cell]
    # 1 − n₁n₂/(N m); with equal samples this is 1 − f, or Brewer's 1 − π_i.
    factor = 1 - np.sqrt(f1 * f2 * n1 * n2) / m
    freedom = n1 * n2 - n1 - n2 + m
    limit = np.sqrt((1 - f1) * (1 - f2))
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = factor * n1 * n2 / freedom
        if bounded:
            scale = np.clip(factor, -limit, limit) * np.sqrt(n1 * n2 / ((n1 - 1) * (n2 - 1)))
    # One PSU in a stratum: 'adjust' keeps its deviation as it is; otherwise the deviation is 0.
    scale = np.where((n1 > 1) & (n2 > 1), scale, np.where(lonely[0][h1] & lonely[1][h2], factor, 0.0))
    return np.where(limit < CERTAINTY_GAP, 0.0, scale)
