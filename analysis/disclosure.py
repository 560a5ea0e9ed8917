"""Statistical disclosure control of published tables: which cells to mask, and whether that is enough.

Primary rules say which cells tell too much about a few people; `protect` (complementary suppression over all
linked tables at once) lives in `analysis.suppression`; `audit_suppression` attacks the result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.linked_tables import Cell, Intruder, LinkedTables, crossed_tables

__all__ = [
    "Audit",
    "CellAudit",
    "Intruder",
    "LinkedTables",
    "audit_suppression",
    "crossed_tables",
    "dominance_cells",
    "p_percent_cells",
    "small_cells",
    "unanimous_cells",
]

_RECOVERABLE = 1e-6
_SLACK = 1e-9


def small_cells(tables: LinkedTables, minimum: float, *, zeros: bool = False) -> list[Cell]:
    """Cells under a floor: 0 < value < minimum, and 0 itself if `zeros`.

    The threshold rule of frequency tables: Hundepool et al. (2012), Statistical Disclosure Control, ch.
    5. R: `sdcTable::primarySuppression(type = "freq")`.
    """
    if minimum <= 0:
        raise AnalysisError(f"the floor is a positive number; got {minimum}")
    return [c for c, v in tables.cells.items() if (zeros and v == 0) or 0 < v < minimum]


def unanimous_cells(tables: LinkedTables, answers: Iterable[Sequence[Cell]]) -> list[Cell]:
    """Cells of groups that all gave one answer: the figure says what each member answered.

    Parameters
    ----------
    answers : for each group the cells of its answers, which exclude each other

    Returns
    -------
    The cells that hold all of their group, where the group has members. Group disclosure: Hundepool et al.
    (2012), ch. 5.
    """
    out = []
    for group in answers:
        values = tables.values[tables.indices(group)]
        filled = np.flatnonzero(values > 0)
        if len(filled) == 1:
            out.append(group[int(filled[0])])
    return out


def dominance_cells(contributions: Mapping[Cell, Sequence[float]], n: int, percent: float) -> list[Cell]:
    """Amount cells in which the n largest contributors hold more than `percent` of the sum: the (n, k) rule.

    Hundepool et al. (2012), ch. 4. R: `sdcTable::primarySuppression(type = "nk")`.
    """
    if n < 1 or not 0 < percent < 100:
        raise AnalysisError("the (n, k) rule needs n ≥ 1 and a percentage between 0 and 100")
    out = []
    for cell, parts in contributions.items():
        values = np.sort(_amounts(cell, parts))[::-1]
        if values.sum() > 0 and values[:n].sum() > percent / 100 * values.sum():
            out.append(cell)
    return out


def p_percent_cells(contributions: Mapping[Cell, Sequence[float]], percent: float) -> list[Cell]:
    """Amount cells from which the second largest contributor can estimate the largest to within `percent`.

    Sensitive if sum − x₁ − x₂ < p/100·x₁. Hundepool et al. (2012), ch. 4. R:
    `sdcTable::primarySuppression(type = "p")`.
    """
    if percent <= 0:
        raise AnalysisError("the percentage of the p% rule is positive")
    out = []
    for cell, parts in contributions.items():
        values = np.sort(_amounts(cell, parts))[::-1]
        if len(values) and values[0] > 0 and values[2:].sum() < percent / 100 * values[0]:
            out.append(cell)
    return out


def _amounts(cell: Cell, parts: Sequence[float]) -> np.ndarray:
    values = np.asarray(parts, dtype=float)
    if not (np.isfinite(values) & (values >= 0)).all():
        raise AnalysisError(f"cell {cell}: a contribution is negative or missing")
    return values


@dataclass(frozen=True)
class CellAudit:
    """What the intruder learns of one masked cell.

    low, high : the values that fit everything published (inf: no bound)
    integer_low, integer_high : the same for whole-number tables, None if not asked for
    status : 'recoverable', 'insufficient' (the interval is too narrow) or 'protected'
    """

    value: float
    low: float
    high: float
    status: str
    integer_low: float | None = None
    integer_high: float | None = None


@dataclass(frozen=True, eq=False)
class Audit:
    """The attack on a pattern of suppression.

    cells : {masked cell: CellAudit}, primary first
    recoverable : masked cells that can be worked out exactly
    unprotected_primary : primary cells that are not 'protected'
    passes : no such cell
    """

    cells: Mapping[Cell, CellAudit]
    recoverable: tuple[Cell, ...]
    unprotected_primary: tuple[Cell, ...]

    @property
    def passes(self) -> bool:
        return not self.unprotected_primary

    def to_frame(self) -> pd.DataFrame:
        """One row per masked cell."""
        rows: list[dict[str, Any]] = [
            {"cell": c, "value": a.value, "low": a.low, "high": a.high, "status": a.status}
            for c, a in self.cells.items()
        ]
        return pd.DataFrame(rows, columns=["cell", "value", "low", "high", "status"])


def audit_suppression(
    tables: LinkedTables,
    primary: Sequence[Cell],
    secondary: Sequence[Cell] = (),
    *,
    protection_percent: float,
    whole: bool = False,
    primary_only: bool = False,
) -> Audit:
    """Attack all tables together by linear programming.

    Parameters
    ----------
    tables : true values, equations and the bounds everybody knows
    primary, secondary : masked cells
    protection_percent : p; a primary cell is protected if its interval reaches from value·(1 − p/100) to
        value·(1 + p/100)
    whole : also find the interval over whole-number tables (slower)
    primary_only : leave out the secondary cells, which need no protection themselves

    Returns
    -------
    Audit

    Notes
    -----
    For each masked cell min and max of its value subject to the equations and bounds, by HiGHS. Recoverable
    if high − low ≤ 1e-6·max(1, |value|). Fischetti & Salazar-González (2000), JASA 95, 916–928 (the
    “attacker problem”). Whoever knows one contribution himself knows more than this intruder; the floor of
    the primary rule has to allow for him. R: `sdcTable::attack`.
    """
    if not 0 <= protection_percent < 100:
        raise AnalysisError(f"the protection lies between 0 and 100 per cent; got {protection_percent}")
    first = list(dict.fromkeys(primary))
    others = [c for c in dict.fromkeys(secondary) if c not in set(first)]
    masked = tables.indices([*first, *others])
    intruder = Intruder(tables, masked)
    wanted = first if primary_only else [*first, *others]
    cells = {c: _audit_cell(intruder, c, protection_percent / 100, whole) for c in wanted}
    return Audit(
        cells,
        tuple(c for c, a in cells.items() if a.status == "recoverable"),
        tuple(c for c in first if cells[c].status != "protected"),
    )


def _audit_cell(intruder: Intruder, cell: Cell, share: float, whole: bool) -> CellAudit:
    place = intruder.tables.place[cell]
    value = intruder.tables.cells[cell]
    low, high = value - intruder.move(place, -1), value + intruder.move(place, 1)
    slack = _SLACK * max(1.0, abs(value))
    if high - low <= _RECOVERABLE * max(1.0, abs(value)):
        status = "recoverable"
    elif low > value * (1 - share) + slack or high < value * (1 + share) - slack:
        status = "insufficient"
    else:
        status = "protected"
    if not whole:
        return CellAudit(value, low, high, status)
    down, up = intruder.move(place, -1, whole=True), intruder.move(place, 1, whole=True)
    return CellAudit(value, low, high, status, value - np.round(down), value + np.round(up))
