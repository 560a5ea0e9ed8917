"""Model-based figures for streets and communities, where their own samples are too thin to print.

They are no direct estimates: pages must say so. No count is given with them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from survey.reports.domains import Domain
from survey.reports.estimation import Frame
from survey.stats.estimates import SHARE
from survey.stats.small_areas import AreaTable, area_figures
from survey.stats.tables import FigureTable

# A community's figure needs some answers of its own, or it is its street's under another name.
LEAST_ANSWERS = 5
METHOD = "fay_herriot"


def small_area_part(frame: Frame, table: FigureTable, kind: str, mask: Mapping[str, str]) -> dict[str, Any]:
    """{"street": {key: figure}, "community": {key: figure}, "refused": {kind: why}} of one indicator.

    A figure: {"estimate", "se", "low", "high", "own"}, `own` the weight of the area's own answers in tenths.
    Streets appear where their direct figure is masked or has a pooled variance; communities with at least
    five answers, their variance that of a simple sample of households within them.
    """
    bounds = (0.0, 1.0) if kind == SHARE else (0.0, 100.0)
    found: dict[str, Any] = {"street": {}, "community": {}, "refused": {}}
    streets = [d for d in frame.domains if d.kind == "street"]
    rows = np.array([table.row(d.key) for d in streets])
    direct, variance = table.estimate[rows], table.se[rows] ** 2
    thin = [d.key in mask or table.method[r] == "pooled" for d, r in zip(streets, rows, strict=True)]
    _fill(found, "street", streets, area_figures(direct, variance, _parents(streets), bounds=bounds), thin)
    rows = np.array([table.row(d.key) for d in frame.communities])
    direct, variance = _within(table, rows)
    enough = (table.n[rows] >= LEAST_ANSWERS).tolist()
    model = area_figures(direct, variance, _parents(frame.communities), bounds=bounds)
    _fill(found, "community", frame.communities, model, enough)
    return found


def _within(table: FigureTable, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Direct means of communities and their sampling variances, given the community.

    S²/n with Kish's n (Σw)²/Σw², S² pooled over communities: that of a handful of answers is noise, and 0
    where they agree (Rao & Molina 2015, Small Area Estimation, 2nd ed., section 6.4.1, on smoothing).
    """
    n, kish, own = table.n[rows], table.n_kish[rows], table.element_variance[rows]
    usable = (n > 1) & np.isfinite(own)
    if not usable.any():
        return np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    pooled = float(np.sum((n[usable] - 1) * own[usable]) / np.sum(n[usable] - 1))
    with np.errstate(divide="ignore"):
        variance = np.where(kish > 0, pooled / np.where(kish > 0, kish, 1.0), np.nan)
    return np.where(n > 0, table.estimate[rows], np.nan), variance


def _parents(domains: list[Domain]) -> np.ndarray:
    return np.array([d.parent for d in domains], dtype=object)


def _fill(
    found: dict[str, Any], kind: str, domains: list[Domain], model: AreaTable, wanted: list[bool]
) -> None:
    if model.refused:
        found["refused"][kind] = model.refused
        return
    known = np.isfinite(model.estimate) & np.isfinite(model.low) & np.array(wanted, dtype=bool)
    columns = (model.estimate, model.se, model.low, model.high, np.round(model.own, 1))
    # The weight is coarse, so that nobody works the number of answers out from it.
    names = ("estimate", "se", "low", "high", "own")
    for place, *figures in zip(
        np.flatnonzero(known).tolist(), *(c[known].tolist() for c in columns), strict=True
    ):
        found[kind][domains[place].key] = {**dict(zip(names, figures, strict=True)), "method": METHOD}
