"""What a report may print, decided once over the counts by domain of every indicator and item.

Communities are not among them: no count of a community is ever printed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from survey.reports.disclosure import MASKED, Table, suppress_all
from survey.reports.domains import families
from survey.reports.estimation import Frame, counts_in

INDICATOR, ITEM, ASKED = "indicator:", "item:", "asked:"


def choose_masks(
    frame: Frame,
    indicators: Mapping[str, np.ndarray],
    items: Mapping[str, Mapping[str, np.ndarray]],
    earlier: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, dict[str, str]]:
    """{variable: {domain: reason}} for "indicator:<code>" and "item:<name>".

    Parameters
    ----------
    indicators : {code: values of the cases}; items : {name: columns of `values.item_columns`}
    earlier : masks of an earlier edition of the round's report, which a correction must not lay open

    Notes
    -----
    An item prints its valid answers and those asked: both counts are protected, under one mask.
    """
    tables = {}
    groups = families(frame.domains)
    for code, values in indicators.items():
        counts, alike = counts_in(frame, values)
        tables[INDICATOR + code] = Table(counts, groups, frozenset(alike))
    for name, columns in items.items():
        levels = [values for column, values in columns.items() if column.startswith("level:")]
        counts, _alike = counts_in(frame, levels[0])
        unanimous = set.union(*(_all_of(frame, values) for values in levels))
        tables[ITEM + name] = Table(counts, groups, frozenset(unanimous))
        asked, _alike = counts_in(frame, columns["dont_know"])
        tables[ASKED + name] = Table(asked, groups)
    pairs = [(ITEM + name, ASKED + name) for name in items]
    masks = suppress_all(tables, frame.floor, earlier, pairs)
    return {name: mask for name, mask in masks.items() if not name.startswith(ASKED)}


def _all_of(frame: Frame, values: np.ndarray) -> set[str]:
    """Domains in which everybody chose this answer."""
    _counts, alike = counts_in(frame, values)
    _counts, chosen = counts_in(frame, np.where(values == 1, 1.0, np.nan))
    missed, _alike = counts_in(frame, np.where(values == 0, 0.0, np.nan))
    return {key for key in alike & chosen if not missed[key]}


def masks_of(document: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The masks that a document carries, for the next edition of its round."""
    return {name: dict.fromkeys(cells, MASKED) for name, cells in document.get("masks", {}).items()}
