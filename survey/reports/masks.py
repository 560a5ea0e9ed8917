"""What a report may print, decided once over the counts by domain of all its tables.

Communities are not among them: no count of a community is ever printed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from survey.reports.disclosure import MASKED, Family, Table, suppress_all
from survey.reports.domains import ALL, DISTRICT, families
from survey.reports.estimation import Frame, counts_in

INDICATOR, ITEM, ASKED, THEMES, DRIVERS = "indicator:", "item:", "asked:", "themes:", "drivers:"
UNCODED = "area:"  # communities without an urban or rural code: everybody can know who lives there


def choose_masks(
    frame: Frame,
    indicators: Mapping[str, np.ndarray],
    items: Mapping[str, Mapping[str, np.ndarray]],
    earlier: Mapping[str, Mapping[str, str]] | None = None,
    beside: Mapping[str, Sequence[np.ndarray]] | None = None,
) -> dict[str, dict[str, str]]:
    """{variable: {domain: reason}} for "indicator:<code>", "item:<name>" and what stands beside them.

    Parameters
    ----------
    indicators : {code: values of the cases}; items : {name: columns of `values.item_columns`}
    earlier : masks of an earlier edition of the round's report, which a correction must not lay open
    beside : {"themes:<item>" or "drivers:<indicator>": 0/1 columns of the cases}: tables of the whole and the
        districts

    Notes
    -----
    An item prints its valid answers and those asked: both counts are protected, under one mask.
    """
    tables, groups = {}, _families(frame)
    for code, values in indicators.items():
        tables[INDICATOR + code] = Table(*_counts(frame, values, groups))
    for name, columns in items.items():
        levels = {column: v for column, v in columns.items() if column.startswith("level:")}
        tables[ITEM + name] = _chosen(frame, levels, groups)
        asked, _groups, _alike = _counts(frame, columns["dont_know"], groups)
        tables[ASKED + name] = Table(asked, groups)
    for name, chosen in (beside or {}).items():
        table = _chosen(frame, dict(enumerate(chosen)), groups)
        shallow = {ALL, *frame.of_kind(DISTRICT)}
        tables[name] = Table({k: n for k, n in table.counts.items() if k in shallow}, groups, table.unanimous)
    answered = np.where(frame.inputs.responded, 1.0, np.nan)
    answers = Table(_counts(frame, answered, groups)[0], groups)
    pairs = [(ITEM + name, ASKED + name) for name in items]
    masks = suppress_all(tables, frame.floor, earlier, pairs, answers)
    return {
        name: {cell: reason for cell, reason in mask.items() if cell != UNCODED}
        for name, mask in masks.items()
        if not name.startswith(ASKED)
    }


def _families(frame: Frame) -> list[Family]:
    """The document's families; communities without a code complete town and country."""
    found: list[Family] = []
    for parent, parts in families(frame.domains):
        is_area = any(part.startswith(UNCODED) for part in parts)
        found.append((parent, [*parts, UNCODED] if is_area else parts))
    return found


def _counts(
    frame: Frame, values: np.ndarray, groups: Sequence[Family]
) -> tuple[dict[str, int], Sequence[Family], dict[str, object]]:
    """Valid answers by cell, the families, and what those cells answered in which all answered alike."""
    counts, alike = counts_in(frame, values)
    if any(UNCODED in parts for _parent, parts in groups):
        mine = values[frame.uncoded]
        mine = mine[np.isfinite(mine)]
        counts[UNCODED] = len(mine)
        if len(mine) and np.ptp(mine) == 0:
            alike[UNCODED] = float(mine[0])
    return counts, groups, alike


def _chosen(frame: Frame, columns: Mapping[Any, np.ndarray], groups: Sequence[Family]) -> Table:
    """The table of an item from the 0/1 columns of its answers: alike where all chose the same one."""
    counts: dict[str, int] = {}
    unanimous: dict[str, object] = {}
    for answer, values in columns.items():
        counts, _groups, alike = _counts(frame, values, groups)
        unanimous |= {cell: answer for cell, value in alike.items() if round(float(str(value))) == 1}
    return Table(counts, groups, unanimous)


def masks_of(document: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The masks that a document carries, for the next edition of its round."""
    return {name: dict.fromkeys(cells, MASKED) for name, cells in document.get("masks", {}).items()}
