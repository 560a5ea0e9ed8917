"""A list of tables that share cells, and what an outsider can work out about the masked ones.

A cell is named once, however many tables show it; an equation says that a total is the sum of its parts.
The intruder of this module knows every open cell, every equation and the bounds of the cells.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import optimize, sparse
from scipy.sparse import csgraph

from analysis.errors import AnalysisError

Cell = Hashable
Equation = tuple[Cell, tuple[Cell, ...]]


@dataclass(frozen=True, eq=False)
class LinkedTables:
    """Cells with their true values and the equations between them.

    cells : {cell: value}; equations : (total, parts)
    lower, upper : bounds that everybody knows to hold for every cell (None: no bound)

    Raises AnalysisError for an unknown cell, a value outside the bounds, or an equation that does not hold.
    """

    cells: Mapping[Cell, float]
    equations: Sequence[Equation]
    lower: float | None = 0.0
    upper: float | None = None
    place: Mapping[Cell, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", dict(self.cells))
        object.__setattr__(self, "equations", tuple((t, tuple(p)) for t, p in self.equations))
        object.__setattr__(self, "place", {cell: k for k, cell in enumerate(self.cells)})
        low = -np.inf if self.lower is None else self.lower
        high = np.inf if self.upper is None else self.upper
        for cell, value in self.cells.items():
            if not (np.isfinite(value) and low <= value <= high):
                raise AnalysisError(f"cell {cell}: {value} lies outside {low:g} … {high:g}")
        for total, parts in self.equations:
            unknown = [c for c in (total, *parts) if c not in self.place]
            if unknown:
                raise AnalysisError(f"the equation of {total} names {unknown[0]}, which is no cell")
            gap = self.cells[total] - sum(self.cells[c] for c in parts)
            size = max(1.0, abs(self.cells[total]))
            if abs(gap) > 1e-6 * size:
                raise AnalysisError(f"{total} is {self.cells[total]:g}, its parts add up to {gap:+g} less")

    @cached_property
    def values(self) -> np.ndarray:
        return np.array(list(self.cells.values()), dtype=float)

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """Equations as rows, +1 for the total and −1 for the parts, shape (n_equations, n_cells)."""
        rows, columns, entries = [], [], []
        for row, (total, parts) in enumerate(self.equations):
            for cell, sign in [(total, 1.0), *((c, -1.0) for c in parts)]:
                rows.append(row)
                columns.append(self.place[cell])
                entries.append(sign)
        shape = (len(self.equations), len(self.cells))
        return sparse.csr_array(sparse.coo_array((entries, (rows, columns)), shape=shape))

    @cached_property
    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """How far each cell may move down (≤ 0) and up (≥ 0) within its bounds, shape (n_cells,)."""
        low = -np.inf if self.lower is None else self.lower
        high = np.inf if self.upper is None else self.upper
        return low - self.values, high - self.values

    def indices(self, cells: Iterable[Cell]) -> np.ndarray:
        """Places of the cells; AnalysisError names one that does not exist."""
        out = []
        for cell in cells:
            if cell not in self.place:
                raise AnalysisError(f"{cell} is no cell of the tables")
            out.append(self.place[cell])
        return np.array(out, dtype=int)


def crossed_tables(
    counts: Mapping[tuple[Hashable, ...], float],
    hierarchies: Sequence[Mapping[Hashable, Hashable]],
    *,
    total: Hashable = "total",
) -> tuple[dict[Cell, float], list[Equation]]:
    """Cells and equations of one table crossing several dimensions, with all its margins.

    Parameters
    ----------
    counts : {(level of dimension 1, …): value} of the finest cells; those absent are 0
    hierarchies : per dimension {child: parent}; a level without a parent is a child of `total`. Streets under
        districts: {'街道甲': '某区', …}; an age group: {}
    total : name of the sum over a dimension

    Returns
    -------
    cells {(level, …): value} and equations, one for each node with children × levels of the others. Two
    tables of the same list share a cell if it has the same name, so name levels after their dimension.
    """
    dimensions = len(hierarchies)
    if any(len(key) != dimensions for key in counts):
        raise AnalysisError(f"every cell needs {dimensions} levels, one for each hierarchy")
    trees = [_Tree({key[k] for key in counts}, hierarchies[k], total) for k in range(dimensions)]
    cells: dict[Cell, float] = {}
    for key, value in counts.items():
        for node in _product([tree.ancestors[level] for tree, level in zip(trees, key, strict=True)]):
            cells[node] = cells.get(node, 0) + value
    for node in _product([tree.nodes for tree in trees]):
        cells.setdefault(node, 0)
    equations: list[Equation] = []
    for k, tree in enumerate(trees):
        others = _product([t.nodes if i != k else [None] for i, t in enumerate(trees)])
        for rest in others:
            for parent, children in tree.children.items():
                parts = tuple(_with(rest, k, child) for child in children)
                equations.append((_with(rest, k, parent), parts))
    return cells, equations


class _Tree:
    """Nodes of a dimension, each leaf's ancestors with itself, each inner node's children."""

    def __init__(self, leaves: set, parents: Mapping[Hashable, Hashable], total: Hashable) -> None:
        self.ancestors: dict[Hashable, list[Hashable]] = {}
        self.children: dict[Hashable, list[Hashable]] = {}
        for leaf in sorted(leaves, key=str):
            path, node = [leaf], leaf
            while node != total:
                parent = parents.get(node, total)
                siblings = self.children.setdefault(parent, [])
                if node not in siblings:
                    siblings.append(node)
                if parent in path:
                    raise AnalysisError(f"{leaf!r} is its own ancestor")
                path.append(parent)
                node = parent
            self.ancestors[leaf] = path
        both = [leaf for leaf in leaves if leaf in self.children]
        if both:
            raise AnalysisError(f"{both[0]!r} has counts of its own and children too")
        self.nodes = list(dict.fromkeys(node for path in self.ancestors.values() for node in path))


def _product(parts: Sequence[Sequence[Hashable]]) -> list[tuple[Hashable, ...]]:
    out: list[tuple[Hashable, ...]] = [()]
    for part in parts:
        out = [(*head, item) for head in out for item in part]
    return out


def _with(cell: tuple[Hashable, ...], k: int, level: Hashable) -> tuple[Hashable, ...]:
    return (*cell[:k], level, *cell[k + 1 :])


class Intruder:
    """Linear programmes over the masked cells, one connected group of equations at a time."""

    def __init__(self, tables: LinkedTables, masked: np.ndarray) -> None:
        self.tables, self.masked = tables, np.unique(masked)
        matrix = tables.matrix[:, self.masked]
        matrix = matrix[np.unique(matrix.nonzero()[0])]
        self.matrix = sparse.csr_array(matrix)
        links = self.matrix.T @ self.matrix
        _, self.group = csgraph.connected_components(links, directed=False)
        self.place = {int(cell): k for k, cell in enumerate(self.masked)}

    def move(self, cell: int, direction: int, *, whole: bool = False) -> float:
        """How far a masked cell can move up (+1) or down (−1) while every equation holds; inf if unbounded.

        whole : only whole-number tables, by integer programming
        """
        chosen = np.flatnonzero(self.group == self.group[self.place[cell]])
        rows = np.unique(self.matrix[:, chosen].nonzero()[0])
        a = self.matrix[rows][:, chosen]
        low, high = (bound[self.masked[chosen]] for bound in self.tables.reach)
        cost = np.where(self.masked[chosen] == cell, -float(direction), 0.0)
        # Displacements from the truth: the right-hand side is exactly 0 and the truth is always feasible.
        found = optimize.milp(
            cost,
            integrality=np.ones(len(chosen)) if whole else np.zeros(len(chosen)),
            bounds=optimize.Bounds(low, high),
            constraints=optimize.LinearConstraint(a, 0, 0) if len(rows) else (),
        )
        if found.status == 3 or (found.status == 4 and "unbounded" in found.message.lower()):
            return float("inf")
        if found.x is None:
            raise AnalysisError(f"the linear programme of cell {cell} failed: {found.message}")
        return max(0.0, -float(found.fun))
