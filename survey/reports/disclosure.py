"""Which cells are too thin to print, and which must go with them, over all tables of a report. Pure.

A cell below the floor is masked, and so is one in which everybody answered alike. Then cells are added until
nobody can work a masked count out from what is printed: the intruder knows every printed count, and that
siblings add up to their parent. Nobody is told which masked cell is thin and which one only protects it, or
two cells of 28 would be known to the last few. And what the masked siblings of a printed parent come to
together must itself be printable: enough people, who did not all answer alike.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MASKED = "masked"
Family = tuple[str, Sequence[str]]
REST = "rest:"  # what a classification leaves out, e.g. those who did not tell their age: never printed

# A masked count may not be known more narrowly than this share of itself, and never within less than 3.
PROTECTION, LEAST_WIDTH = 0.1, 3
_OPEN = (0.0, math.inf)


@dataclass(frozen=True)
class Table:
    """One variable's counts by cell, with the families (parent, parts) that add up.

    unanimous : {cell in which everybody gave the same answer: that answer}; masked as complements, so that
        nobody is told
    """

    counts: Mapping[str, int]
    families: Sequence[Family]
    unanimous: Mapping[str, object] = field(default_factory=dict)


def suppress(table: Table, floor: int, *, earlier: Mapping[str, str] | None = None) -> dict[str, str]:
    """{cell: "masked"} of the cells of one variable that must not be printed.

    Parameters
    ----------
    floor : the smallest printable base
    earlier : cells masked in an earlier edition of the report; they stay masked
    """
    counts, families = with_rest(table)
    thin = {cell for cell, count in table.counts.items() if count < floor}
    kept = {cell for cell in (*(earlier or {}), *table.unanimous) if cell in table.counts}
    hidden = dict.fromkeys(sorted(thin | kept), MASKED)
    while True:
        ranges = intervals(counts, families, hidden)
        exposed = [cell for cell in sorted(hidden) if too_narrow(counts[cell], ranges[cell])]
        added = next((c for cell in exposed if (c := _partner(cell, counts, families, hidden))), None)
        added = added or _companion(counts, families, hidden, floor, table.unanimous)
        if added is None:
            return hidden
        hidden[added] = MASKED


def suppress_all(
    tables: Mapping[str, Table],
    floor: int,
    earlier: Mapping[str, Mapping[str, str]] | None = None,
    together: Sequence[tuple[str, str]] = (),
    answers: Table | None = None,
) -> dict[str, dict[str, str]]:
    """Masks of all variables together: {variable: {cell: reason}}.

    Variables with the same base (who was asked) would give each other's counts away within what few people
    left out: a cell masked for one is masked for all variables whose count of it is less than `LEAST_WIDTH`
    apart. `together` are pairs that are printed in one cell and share one mask. `answers` : all answers by
    cell, of which the whole is printed; no variable counts more people than answered, which tells something
    of each masked count, too.
    """
    masks: dict[str, dict[str, str]] = {name: dict((earlier or {}).get(name, {})) for name in tables}
    while True:
        before = _sizes(masks)
        for name, table in tables.items():
            masks[name] = suppress(table, floor, earlier=masks[name])
        _spread(tables, masks)
        for one, other in together:
            for mine, theirs in ((one, other), (other, one)):
                for cell in masks[mine]:
                    masks[theirs].setdefault(cell, MASKED)
        if _sizes(masks) == before and answers is not None:
            _under_a_ceiling(tables, masks, answers)
        if _sizes(masks) == before:
            return masks


def _sizes(masks: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    return {name: len(mask) for name, mask in masks.items()}


def _spread(tables: Mapping[str, Table], masks: dict[str, dict[str, str]]) -> None:
    """Carry masks over to variables that print nearly the same count of the same cell."""
    cells: dict[str, list[str]] = {}
    for name, mask in masks.items():
        for cell in mask:
            cells.setdefault(cell, []).append(name)
    for cell, names in cells.items():
        masked = [tables[name].counts[cell] for name in names if cell in tables[name].counts]
        for name, table in tables.items():
            count = table.counts.get(cell)
            if count is None or cell in masks[name]:
                continue
            if any(abs(count - other) < LEAST_WIDTH for other in masked):
                masks[name][cell] = MASKED


def _under_a_ceiling(tables: Mapping[str, Table], masks: dict[str, dict[str, str]], answers: Table) -> None:
    """Mask what else is needed where the printed counts show how many people answered in a masked cell.

    The masked parts of a family are exposed when few of those who answered are missing from them. Then no
    variable may print these parts, and the ceiling is gone.
    """
    ceiling = _ceiling(tables, masks, answers)
    for name, table in tables.items():
        if not masks[name]:
            continue
        counts, families = with_rest(table)
        ranges = intervals(counts, families, masks[name], ceiling)
        exposed = {cell for cell in masks[name] if too_narrow(counts.get(cell, 0), ranges.get(cell, _OPEN))}
        for _parent, parts in families:
            hidden = [p for p in parts if p in masks[name]]
            if not exposed & set(hidden):
                continue
            for other, theirs in tables.items():
                for cell in hidden:
                    if cell in theirs.counts:
                        masks[other].setdefault(cell, MASKED)


def _ceiling(
    tables: Mapping[str, Table], masks: Mapping[str, Mapping[str, str]], answers: Table
) -> dict[str, float]:
    """The most people who can have answered in each cell, by what is printed: {cell: count}."""
    counts, families = with_rest(answers)
    whole = {parent for parent, _parts in families} - {p for _parent, parts in families for p in parts}
    hidden = {cell: MASKED for cell in counts if cell not in whole}
    least = {
        cell: max(
            (t.counts[cell] for name, t in tables.items() if cell in t.counts and cell not in masks[name]),
            default=0,
        )
        for cell in counts
    }
    ranges = intervals(counts, families, hidden, least=least)
    return {cell: high for cell, (_low, high) in ranges.items()}


def with_rest(table: Table) -> tuple[dict[str, int], list[tuple[str, tuple[str, ...]]]]:
    """Counts and families in which parts add up to their parent: what they leave out is a cell of its own."""
    counts = dict(table.counts)
    found = []
    for number, (parent, parts) in enumerate(table.families):
        members = tuple(part for part in parts if part in counts)
        if parent not in counts or not members:
            continue
        rest = counts[parent] - sum(counts[part] for part in members)
        if rest > 0:
            name = f"{REST}{number}"
            counts[name] = rest
            members = (*members, name)
        found.append((parent, members))
    return counts, found


def intervals(
    counts: Mapping[str, int],
    families: Sequence[tuple[str, Sequence[str]]],
    hidden: Mapping[str, str],
    most: Mapping[str, float] | None = None,
    least: Mapping[str, float] | None = None,
) -> dict[str, tuple[float, float]]:
    """What an intruder can say about each cell: (lowest, highest) count.

    The families form trees, on which passing bounds along until nothing moves is exact. `most` and `least`
    bound hidden cells from elsewhere.
    """
    low, high = {}, {}
    for cell, count in counts.items():
        if cell not in hidden and not cell.startswith(REST):
            low[cell] = high[cell] = float(count)
        else:
            low[cell], high[cell] = float((least or {}).get(cell, 0.0)), (most or {}).get(cell, math.inf)
    moved = True
    while moved:
        moved = False
        for parent, parts in families:
            moved |= _pass_along(parent, parts, low, high)
    return {cell: (low[cell], high[cell]) for cell in counts}


def _pass_along(parent: str, parts: Sequence[str], low: dict[str, float], high: dict[str, float]) -> bool:
    """Tighten the bounds of one equation; whether anything moved."""
    least = sum(low[p] for p in parts)
    endless = [p for p in parts if math.isinf(high[p])]
    most = sum(high[p] for p in parts if p not in endless)
    moved = _tighten(parent, least, math.inf if endless else most, low, high)
    for part in parts:
        at_least = -math.inf
        if not endless:
            at_least = low[parent] - (most - high[part])
        elif endless == [part]:
            at_least = low[parent] - most
        before = low[part], high[part]
        moved |= _tighten(part, at_least, high[parent] - (least - low[part]), low, high)
        least += low[part] - before[0]
        if math.isfinite(before[1]):
            most += high[part] - before[1]
        elif math.isfinite(high[part]):
            endless.remove(part)
            most += high[part]
    return moved


def _tighten(cell: str, least: float, most: float, low: dict[str, float], high: dict[str, float]) -> bool:
    moved = False
    if least > low[cell]:
        low[cell], moved = least, True
    if most < high[cell]:
        high[cell], moved = most, True
    return moved


def too_narrow(count: int, interval: tuple[float, float]) -> bool:
    """An empty cell tells nothing of anybody; any other must stay uncertain by its protection interval."""
    return count > 0 and interval[1] - interval[0] < max(LEAST_WIDTH, PROTECTION * count)


def _companion(
    counts: Mapping[str, int],
    families: Sequence[tuple[str, Sequence[str]]],
    hidden: Mapping[str, str],
    floor: int,
    unanimous: Mapping[str, object],
) -> str | None:
    """A printed cell to mask where the masked parts of a printed parent are too few together, or all alike.

    The parent's figure minus the printed parts' is the figure of the masked parts: it must rest on two parts
    and `floor` answers, like any other, and not say what each of these people answered.
    """
    for parent, parts in families:
        masked = [p for p in parts if p in hidden and counts[p] > 0]
        if parent in hidden or not masked:
            continue
        alike = all(p in unanimous for p in masked) and len({unanimous[p] for p in masked}) == 1
        if len(masked) > 1 and sum(counts[p] for p in masked) >= floor and not alike:
            continue
        shown = [p for p in parts if p not in hidden and not p.startswith(REST) and counts[p] > 0]
        return min(shown, key=lambda p: (counts[p], p)) if shown else parent
    return None


def _partner(
    cell: str,
    counts: Mapping[str, int],
    families: Sequence[tuple[str, Sequence[str]]],
    hidden: Mapping[str, str],
) -> str | None:
    """The thinnest printed cell that shares an equation with this one; parts before parents."""
    near: list[tuple[int, int, str]] = []
    for parent, parts in families:
        if cell != parent and cell not in parts:
            continue
        near += [(0, counts[p], p) for p in parts if p != cell]
        near.append((1, counts[parent], parent))
    free = [
        entry
        for entry in near
        if entry[2] != cell and entry[2] not in hidden and not entry[2].startswith(REST) and entry[1] > 0
    ]
    return min(free)[2] if free else None
