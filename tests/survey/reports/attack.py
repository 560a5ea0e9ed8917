"""An intruder who has everything that a report prints, and linear programming.

He writes the number of people behind every cell as an unknown: each variable (an item's valid answers, those
asked, an indicator, a driver, a theme, a mode) in each place and group, each answer of each item, and all
answers. What is printed fixes some of them, places add up to what they belong to, nobody is counted who did
not answer, and a printed share bounds a count by the largest and smallest weight, which are printed, too.
The least and the largest value that fit all of it are what he knows of a cell that is not printed.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import optimize, sparse

from survey.reports.disclosure import too_narrow

Variable = tuple[str, ...]  # ("indicator", code), ("item", name), ("asked", name), ("answers",) …
Cell = tuple[Variable, str]
ANSWERS: Variable = ("answers",)
# Whole numbers of the tables that count nobody's answers: positions, ranks, settings, the design.
NO_COUNTS = {
    "degrees": ("df",),
    "numbers": ("number", "version", "floor", "min_age", "code", "format"),
    "tests": ("tests", "leagues", "told_apart", "replicates", "failed", "seed", "shared_psus"),
    "ranks": ("low", "high"),
    "codes": ("points", "top_codes", "min_valid"),
}
COUNTED_WHOLE = ("response", "design", "weights", "study", "round", "items", "indicators", "notices", "truth")
APART = ("volunteers",)  # other people, of the whole only


@dataclass
class Knowledge:
    """What the intruder wrote down.

    counts : printed; shares : {(item, level): {place: share}} with their base printed as ("item", name)
    parts : which variables make up another: {variable: its parts}; at_most : (smaller, larger)
    weights : the smallest and largest printed; families : (parent, parts) of places
    """

    counts: dict[Cell, int] = field(default_factory=dict)
    shares: dict[Variable, dict[str, float]] = field(default_factory=dict)
    at_most: list[tuple[Variable, Variable]] = field(default_factory=list)
    parts: dict[Variable, list[Variable]] = field(default_factory=dict)
    weights: tuple[float, float] = (1.0, 1.0)
    families: list[tuple[str, list[str]]] = field(default_factory=list)
    complete: set[str] = field(default_factory=set)

    @property
    def variables(self) -> list[Variable]:
        """All that he counts."""
        named = {v for v, _place in self.counts} | {v for pair in self.at_most for v in pair}
        named |= set(self.shares) | set(self.parts) | {p for parts in self.parts.values() for p in parts}
        return sorted(named)

    @property
    def places(self) -> list[str]:
        """All cells of the geometry."""
        return list(dict.fromkeys(p for parent, parts in self.families for p in (parent, *parts)))


def read_tables(tables: Mapping[str, Any]) -> Knowledge:
    """Every count of the published tables (as the API serves them) and how they hang together."""
    known = Knowledge(families=_families(tables["domains"]))
    known.complete = {d["key"] for d in tables["domains"] if d["kind"] in ("all", "district", "street")}
    known.counts[ANSWERS, "all"] = tables["response"]["responses"]
    last = tables["weights"]["steps"][-1]
    known.weights = (last["smallest"], last["largest"])
    _indicators(known, tables)
    _items(known, tables)
    _drivers(known, tables)
    for item, found in tables.get("themes", {}).items():
        variable = ("themes", item)
        known.at_most.append((variable, ANSWERS))
        for theme in found["themes"]:
            for place, cell in theme["domains"].items():
                known.counts[variable, place] = cell["n"]
    _same_mode(known, tables)
    return known


def _families(domains: list[dict[str, str]]) -> list[tuple[str, list[str]]]:
    found: dict[tuple[str, str], list[str]] = {}
    for domain in domains:
        if domain["kind"] != "all":
            found.setdefault((domain["kind"], domain["parent"]), []).append(domain["key"])
    return [(parent, parts) for (_kind, parent), parts in found.items()]


def _indicators(known: Knowledge, tables: Mapping[str, Any]) -> None:
    for entry in tables["indicators"]:
        variable = ("indicator", entry["code"])
        if entry["kind"] == "composite":
            continue  # its base is the least of its parts'
        known.at_most.append((variable, ANSWERS))
        for place, cell in tables["estimates"][entry["code"]].items():
            if "n" in cell:
                known.counts[variable, place] = cell["n"]
        names = [item["name"] for item in entry["definition"]["items"]]
        if len(names) == 1:  # the same people
            known.at_most += [(variable, ("item", names[0])), (("item", names[0]), variable)]
        elif entry["definition"].get("min_valid", 1) == 1:
            known.at_most += [(("item", name), variable) for name in names]


def _items(known: Knowledge, tables: Mapping[str, Any]) -> None:
    for name, found in tables["distributions"].items():
        item, asked = ("item", name), ("asked", name)
        known.at_most += [(item, asked), (asked, ANSWERS)]
        known.parts[item] = [("level", name, code) for code in found["levels"]]
        for place, cell in found["domains"].items():
            if "n" not in cell:
                continue
            known.counts[item, place] = cell["n"]
            known.counts[asked, place] = cell["n_asked"]
            for code, share in zip(found["levels"], cell["shares"], strict=True):
                known.shares.setdefault(("level", name, code), {})[place] = share


def _drivers(known: Knowledge, tables: Mapping[str, Any]) -> None:
    section = tables.get("drivers")
    if not section:
        return
    variable = ("drivers", section["indicator"])
    known.at_most.append((variable, ("item", section["outcome"])))
    for place, found in section["domains"].items():
        if "refused" in found:
            continue
        known.counts[variable, place] = found["n"]
        for driver in found["drivers"]:
            known.counts[("item", driver["name"]), place] = driver["n"]
            known.at_most.append((variable, ("item", driver["name"])))


def _same_mode(known: Knowledge, tables: Mapping[str, Any]) -> None:
    """The modes of this round; those of the round before lie beside its own report's bases."""
    change = tables.get("change")
    if not change:
        return
    earlier = {code: points[-1]["domains"] for code, points in tables["trend"].items() if points}
    modes = list(tables["response"]["modes"])
    for code, found in change["indicators"].items():
        now, before = ("indicator", code), ("before", code)
        for place, cell in earlier.get(code, {}).items():
            known.counts[before, place] = cell["n"]
        for mode, rows in found["same_mode"].items():
            for place, row in rows.items():
                known.counts[("mode", code, mode), place] = row["n"]
                known.counts[("mode before", code, mode), place] = row["n_before"]
        if found["same_mode"]:
            known.parts[now] = [("mode", code, mode) for mode in modes]
            known.parts[before] = [("mode before", code, mode) for mode in modes]


def unread_counts(tables: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """Whole numbers of the tables that `read_tables` does not know: a new count must be told to the attack.

    Paths with places and codes as "*".
    """
    read = {
        ("estimates", "*", "*", "n"),
        ("distributions", "*", "domains", "*", "n"),
        ("distributions", "*", "domains", "*", "n_asked"),
        ("drivers", "domains", "*", "n"),
        ("drivers", "domains", "*", "drivers", "*", "n"),
        ("themes", "*", "themes", "*", "domains", "*", "n"),
        ("themes", "*", "texts"),
        ("themes", "*", "coded"),
        ("themes", "*", "reviewed"),
        ("trend", "*", "*", "domains", "*", "n"),
        ("change", "indicators", "*", "same_mode", "*", "*", "n"),
        ("change", "indicators", "*", "same_mode", "*", "*", "n_before"),
    }
    fine = {name for names in NO_COUNTS.values() for name in names}
    places = {d["key"] for d in tables["domains"]} | set(tables["items"]) | {"web", "door"}
    places |= {i["code"] for i in tables["indicators"]} | set(tables["themes"])
    return {
        path
        for path in _whole_numbers(tables, (), places)
        if path not in read and path[0] not in (*COUNTED_WHOLE, *APART) and not fine & set(path)
    }


def _whole_numbers(value: Any, path: tuple[str, ...], places: set[str]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _whole_numbers(entry, (*path, "*" if name in places else name), places)
    elif isinstance(value, list):
        for entry in value:
            yield from _whole_numbers(entry, (*path, "*"), places)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path


class Attack:
    """The linear programme of all that is known."""

    def __init__(self, known: Knowledge) -> None:
        self.known = known
        variables = known.variables
        rests = [f"rest:{number}" for number in range(len(known.families))]
        self.at = {
            (variable, place): k
            for k, (variable, place) in enumerate((v, p) for v in variables for p in (*known.places, *rests))
        }
        size = len(self.at)
        self.low, self.high = np.zeros(size), np.full(size, np.inf)
        self.rows: list[tuple[dict[int, float], bool]] = []  # (coefficients, is an equation), ≤ 0 otherwise
        for variable in variables:
            self._adds_up(variable, rests)
        for smaller, larger in known.at_most:
            for place in (*known.places, *rests):
                self.rows.append(({self.at[smaller, place]: 1.0, self.at[larger, place]: -1.0}, False))
        for whole, parts in known.parts.items():
            for place in (*known.places, *rests):
                row = {self.at[whole, place]: -1.0} | {self.at[part, place]: 1.0 for part in parts}
                self.rows.append((row, True))
        for cell, count in known.counts.items():
            if cell in self.at:
                self.low[self.at[cell]] = self.high[self.at[cell]] = count
        self._shares()
        self._matrices()

    def _adds_up(self, variable: Variable, rests: list[str]) -> None:
        for rest, (parent, parts) in zip(rests, self.known.families, strict=True):
            row = {self.at[variable, parent]: -1.0, self.at[variable, rest]: 1.0}
            row |= {self.at[variable, part]: 1.0 for part in parts}
            self.rows.append((row, True))
            if set(parts) <= self.known.complete:  # regions leave nobody out
                self.high[self.at[variable, rest]] = 0.0

    def _shares(self) -> None:
        """A weighted share p of n answers: n·p/(p + (1 − p)·r) … n·p·r/(p·r + 1 − p) people, r the ratio."""
        ratio = self.known.weights[1] / self.known.weights[0]
        for (_, name, code), places in self.known.shares.items():
            for place, p in places.items():
                n = self.known.counts[("item", name), place]
                k = self.at[("level", name, code), place]
                # A hair of room: shares are rounded to twelve digits.
                self.low[k] = max(0.0, n * p / (p + (1 - p) * ratio) - 1e-6)
                self.high[k] = n * p * ratio / (p * ratio + 1 - p) + 1e-6

    def _matrices(self) -> None:
        def matrix(rows: list[dict[int, float]]) -> sparse.csr_array | None:
            if not rows:
                return None
            entries = [(r, c, v) for r, row in enumerate(rows) for c, v in row.items()]
            r, c, v = zip(*entries, strict=True)
            return sparse.csr_array((v, (r, c)), shape=(len(rows), len(self.low)))

        self.equal = matrix([row for row, is_equation in self.rows if is_equation])
        self.less = matrix([row for row, is_equation in self.rows if not is_equation])

    def interval(self, cell: Cell) -> tuple[float, float]:
        """The least and the largest count of a cell that fit all that is printed."""
        ends = []
        for sign in (1.0, -1.0):
            cost = np.zeros(len(self.low))
            cost[self.at[cell]] = sign
            solved = optimize.linprog(
                cost,
                A_ub=self.less,
                b_ub=None if self.less is None else np.zeros(self.less.shape[0]),
                A_eq=self.equal,
                b_eq=None if self.equal is None else np.zeros(self.equal.shape[0]),
                bounds=np.column_stack([self.low, self.high]),
                method="highs",
            )
            if solved.status == 3:
                ends.append(-sign * math.inf)
                continue
            if solved.status != 0:
                raise AssertionError(f"the printed tables contradict each other: {solved.message}")
            ends.append(float(solved.fun) * sign)
        return ends[0], ends[1]


@dataclass(frozen=True)
class Exposed:
    """A count that is not printed and known too well."""

    cell: Cell
    count: int
    interval: tuple[float, float]


def attack(
    tables: Mapping[str, Any], truth: Mapping[Cell, int], floor: int, masks: Mapping[str, list[str]]
) -> tuple[list[Exposed], int]:
    """Cells that the tables give away, and how many were attacked: those masked, and any under the floor.

    truth : the counts, known to us and not to the intruder
    """
    known = read_tables(tables)
    attacker = Attack(known)
    found, tried = [], 0
    for cell, count in truth.items():
        if cell in known.counts or cell not in attacker.at or count == 0:
            continue
        if count >= floor and cell[1] not in masks.get(_mask_of(cell[0]), ()):
            continue
        tried += 1
        low, high = attacker.interval(cell)
        assert low - 1e-4 <= count <= high + 1e-4, (cell, count, low, high)
        if too_narrow(count, (low - 1e-6, high + 1e-6)):
            found.append(Exposed(cell, count, (low, high)))
    return found, tried


def _mask_of(variable: Variable) -> str:
    """The document's name of a variable's mask."""
    return f"{'item' if variable[0] == 'asked' else variable[0]}:{variable[-1]}"
