"""Secondary suppression: which further cells to mask so that no primary cell can be worked out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse

from analysis.disclosure import Audit, audit_suppression
from analysis.errors import AnalysisError
from analysis.linked_tables import Cell, Intruder, LinkedTables

OBJECTIVES = ("count", "value")
METHODS = ("auto", "exact", "heuristic")
_EXACT_CELLS = 8_000  # primary cells × free cells up to which 'auto' asks for a proven optimum
_EXACT_CANDIDATES = 120
_FARTHEST = 100.0  # no cell has to move further than this many protected distances (limits big-M leakage)
_MOVED = 1e-7
_SEVERAL_ORDERS = 40


@dataclass(frozen=True, eq=False)
class Suppression:
    """A pattern that passes the audit.

    primary, secondary : masked cells; secondary includes `initial`
    value : sum of the values of the added cells; optimal : proven best for the objective
    audit : of the primary cells
    """

    primary: tuple[Cell, ...]
    secondary: tuple[Cell, ...]
    value: float
    optimal: bool
    objective: str
    audit: Audit

    @property
    def count(self) -> int:
        return len(self.secondary)


def protect(
    tables: LinkedTables,
    primary: Sequence[Cell],
    *,
    protection_percent: float,
    candidates: Sequence[Cell] | None = None,
    initial: Sequence[Cell] = (),
    keep_open: Sequence[Cell] = (),
    objective: str = "count",
    method: str = "auto",
    time_limit: float = 60.0,
) -> Suppression:
    """Choose secondary cells over the whole list of linked tables at once.

    Parameters
    ----------
    tables, primary, protection_percent : as for `audit_suppression`
    candidates : cells that may be masked; None: all others
    initial : cells masked already, e.g. in an earlier edition that a correction must not lay open
    keep_open : cells that stay published whatever happens
    objective : 'count' (fewest cells, then smallest sum) or 'value' (smallest sum, then fewest cells)
    method : 'exact' (mixed-integer programme, proven), 'heuristic', or 'auto' by size
    time_limit : seconds for the exact search; after that the better of what it has and the heuristic

    Returns
    -------
    Suppression, whose audit passes

    Raises
    ------
    AnalysisError : no choice among the candidates protects a cell; it is named

    Notes
    -----
    Exact: one binary per candidate; for each primary cell and direction a table that fits everything
    published and lies p% away (Fischetti & Salazar-González 2000, JASA 95, 916–928, the full model rather
    than its Benders cuts; Fischetti & Salazar 2001, Management Science 47, 1008–1027, for linked tables).
    Heuristic: for each primary cell and direction the cheapest such table by linear programmes with
    reweighted costs (Kelly, Golden & Assad 1992, Networks 22, 397–417; Candès, Wakin & Boyd 2008 for the
    weights), then every cell that is not needed is opened again. Both end with the audit. R:
    `sdcTable::protectTable(method = "OPT")`, `"HITAS"`.
    """
    problem = _Problem(tables, primary, protection_percent, candidates, initial, keep_open, objective)
    if method not in METHODS:
        raise AnalysisError(f"method is one of {', '.join(METHODS)}; got {method!r}")
    small = len(problem.primary) * len(problem.free) <= _EXACT_CELLS
    if method == "auto":
        method = "exact" if small and len(problem.candidates) <= _EXACT_CANDIDATES else "heuristic"
    chosen, optimal = None, False
    if method == "exact":
        problem.check_feasible()
        chosen, optimal = _solve_exactly(problem, time_limit)
    if not optimal:
        other = _solve_by_parts(problem)
        if chosen is None or problem.cost(other) < problem.cost(chosen):
            chosen = other
    names = list(tables.cells)
    added = tuple(names[i] for i in sorted(chosen))
    audit = problem.audit(chosen)
    value = float(tables.values[sorted(chosen)].sum()) if chosen else 0.0
    secondary = tuple(dict.fromkeys([*problem.initial_names, *added]))
    return Suppression(tuple(problem.primary_names), secondary, value, optimal, objective, audit)


class _Problem:
    """Indices, bounds and required movements of one search."""

    def __init__(
        self,
        tables: LinkedTables,
        primary: Sequence[Cell],
        percent: float,
        candidates: Sequence[Cell] | None,
        initial: Sequence[Cell],
        keep_open: Sequence[Cell],
        objective: str,
    ) -> None:
        if objective not in OBJECTIVES:
            raise AnalysisError(f"objective is one of {', '.join(OBJECTIVES)}; got {objective!r}")
        if not 0 <= percent < 100:
            raise AnalysisError(f"the protection lies between 0 and 100 per cent; got {percent}")
        self.tables, self.percent, self.objective = tables, percent, objective
        self.primary_names = list(dict.fromkeys(primary))
        self.initial_names = [c for c in dict.fromkeys(initial) if c not in set(self.primary_names)]
        self.primary = [int(i) for i in tables.indices(self.primary_names)]
        fixed = set(self.primary) | {int(i) for i in tables.indices(self.initial_names)}
        opened = {int(i) for i in tables.indices(keep_open)}
        if fixed & opened:
            raise AnalysisError("a cell cannot be masked and kept open")
        allowed = range(len(tables.cells)) if candidates is None else tables.indices(candidates)
        self.candidates = sorted({int(i) for i in allowed} - fixed - opened)
        self.fixed = sorted(fixed)
        self.free = sorted(fixed | set(self.candidates))
        self.low, self.high = tables.reach
        share = percent / 100
        self.need = {}
        for i in self.primary:
            value = abs(float(tables.values[i]))
            down = min(share * value, -float(self.low[i]))
            # A cell of 0 needs no distance, but must not be known exactly.
            self.need[i] = (down, share * value if share * value > 0 else 1e-3 * max(1.0, value))

    def cost(self, chosen: set[int]) -> tuple[float, float]:
        value = float(sum(self.tables.values[i] for i in chosen))
        return (len(chosen), value) if self.objective == "count" else (value, len(chosen))

    def audit(self, chosen: set[int]) -> Audit:
        names = list(self.tables.cells)
        secondary = [*self.initial_names, *(names[i] for i in sorted(chosen))]
        return audit_suppression(
            self.tables,
            self.primary_names,
            secondary,
            protection_percent=self.percent,
            primary_only=True,
        )

    def check_feasible(self) -> None:
        """With every candidate masked the primary cells must be protected."""
        audit = self.audit(set(self.candidates))
        if not audit.passes:
            raise AnalysisError(
                f"no choice of secondary cells protects {audit.unprotected_primary[0]}: allow more "
                "candidates, or ask for less protection"
            )


def _solve_exactly(problem: _Problem, time_limit: float) -> tuple[set[int] | None, bool]:
    """Lexicographic optimum; (best found or None, proven)."""
    if not problem.candidates or problem.audit(set()).passes:
        return set(), True
    model = _Model(problem)
    values = problem.tables.values[problem.candidates]
    count, value = np.ones(len(values)), np.abs(values)
    first, second = (count, value) if problem.objective == "count" else (value, count)
    chosen, proven = model.minimise(first, time_limit)
    if chosen is None or not proven:
        return chosen, False
    picked = np.isin(problem.candidates, list(chosen))
    model.limit(first, float(first[picked].sum()))
    better, proven = model.minimise(second, time_limit)
    return (better, True) if better is not None and proven else (chosen, False)


class _Model:
    """Binaries first, then one displaced table for each primary cell and direction."""

    def __init__(self, problem: _Problem) -> None:
        self.problem = problem
        free, binaries = np.array(problem.free), len(problem.candidates)
        a = problem.tables.matrix[:, free]
        a = sparse.csr_array(a[np.unique(a.nonzero()[0])])
        is_candidate = np.flatnonzero(np.isin(free, problem.candidates))
        jobs = [(i, s) for i in problem.primary for s in (-1, 1) if problem.need[i][(s + 1) // 2] > 0]
        size = len(free)
        low, high = [np.zeros(binaries)], [np.ones(binaries)]
        rows = []
        for number, (cell, sign) in enumerate(jobs):
            need = problem.need[cell][(sign + 1) // 2]
            limit = _FARTHEST * need
            down, up = np.maximum(problem.low[free], -limit), np.minimum(problem.high[free], limit)
            # Linking first: down·x ≤ δ ≤ up·x for candidates.
            link = sparse.coo_array(
                (np.ones(binaries), (np.arange(binaries), is_candidate)), shape=(binaries, size)
            )
            here = [None] * len(jobs)
            here[number] = link
            rows.append((here, -sparse.diags_array(up[is_candidate]), -np.inf, 0.0))
            rows.append((here, -sparse.diags_array(down[is_candidate]), 0.0, np.inf))
            balance = [None] * len(jobs)
            balance[number] = a
            rows.append((balance, sparse.coo_array((a.shape[0], binaries)), 0.0, 0.0))
            own = int(np.flatnonzero(free == cell)[0])
            down[own] = up[own] = sign * need
            low.append(down)
            high.append(up)
        self.low, self.high = np.concatenate(low), np.concatenate(high)
        blank = [sparse.coo_array((1, size)) for _ in jobs]
        self.constraints = [
            optimize.LinearConstraint(_row(first, others, blank), lo, up) for others, first, lo, up in rows
        ]
        self.binaries = binaries
        self.integrality = np.r_[np.ones(binaries), np.zeros(len(self.low) - binaries)]

    def limit(self, weights: np.ndarray, most: float) -> None:
        """Σ weights·x ≤ most (a hair more, for rounding)."""
        row = np.r_[weights, np.zeros(len(self.low) - self.binaries)]
        self.constraints.append(optimize.LinearConstraint(row, -np.inf, most + 1e-6 * max(1.0, most)))

    def minimise(self, weights: np.ndarray, time_limit: float) -> tuple[set[int] | None, bool]:
        """Solve, audit, and forbid what slipped through a tolerance until the audit passes."""
        cost = np.r_[weights, np.zeros(len(self.low) - self.binaries)]
        candidates = np.array(self.problem.candidates)
        while True:
            found = optimize.milp(
                cost,
                integrality=self.integrality,
                bounds=optimize.Bounds(self.low, self.high),
                constraints=self.constraints,
                options={"mip_rel_gap": 0.0, "time_limit": time_limit},
            )
            if found.x is None:
                return None, False
            picked = found.x[: self.binaries] > 0.5
            chosen = {int(i) for i in candidates[picked]}
            if self.problem.audit(chosen).passes:
                return chosen, found.status == 0
            # Masking fewer cells never protects better: some cell outside has to come in.
            row = np.r_[(~picked).astype(float), np.zeros(len(self.low) - self.binaries)]
            self.constraints.append(optimize.LinearConstraint(row, 1, np.inf))


def _row(first: sparse.sparray, others: list, blank: list) -> sparse.csr_array:
    """A block row: binaries, then the tables; empty blocks where a table has no part."""
    height = first.shape[0]
    blocks = [first]
    for block, empty in zip(others, blank, strict=True):
        blocks.append(sparse.coo_array((height, empty.shape[1])) if block is None else block)
    return sparse.csr_array(sparse.hstack(blocks))


def _solve_by_parts(problem: _Problem) -> set[int]:
    """The best of several orders in which the primary cells are protected."""
    needy = sorted(problem.primary, key=lambda i: (-problem.need[i][1], i))
    orders = [needy, needy[::-1], sorted(problem.primary)] if len(needy) <= _SEVERAL_ORDERS else [needy]
    return min((_protect_in_order(problem, order) for order in orders), key=problem.cost)


def _protect_in_order(problem: _Problem, order: Sequence[int]) -> set[int]:
    """Protect one primary cell after the other, then open what is not needed."""
    extra = 1.0
    for _ in range(4):
        masked, witness = set(problem.fixed), {}
        for cell in order:
            for sign in (-1, 1):
                need = problem.need[cell][(sign + 1) // 2] * extra
                if need > 0:
                    moved = _cheapest(problem, cell, sign, need, masked)
                    witness[cell, sign] = moved
                    masked |= moved
        masked = _open_again(problem, masked, witness, extra)
        chosen = masked - set(problem.fixed)
        if problem.audit(chosen).passes:
            return chosen
        extra *= 1.01  # a movement was lost in the solver's tolerance
    raise AnalysisError("the heuristic found no pattern that passes its audit; use method='exact'")


def _cheapest(problem: _Problem, cell: int, sign: int, need: float, masked: set[int]) -> set[int]:
    """Cells that move in a table `need` away, costing as few open cells as the reweighted LP finds."""
    inside = sorted(masked)
    if Intruder(problem.tables, np.array(inside)).move(cell, sign) >= need * (1 - 1e-12):
        found = _displace(problem, inside, _added(problem, inside), cell, sign, need)
        if found is not None:
            return {inside[k] for k in np.flatnonzero(np.abs(found) > _MOVED * max(1.0, need))}
    for area in _areas(problem, cell):
        cells = sorted(area | {cell})
        values = np.abs(problem.tables.values[cells])
        base = (
            np.ones(len(cells)) if problem.objective == "count" else values + 1e-3 * max(1.0, values.mean())
        )
        base = np.where(np.isin(cells, inside), 0.0, base)
        weight, best, price = base.copy(), None, np.inf
        for _ in range(5):
            moved = _displace(problem, cells, weight, cell, sign, need)
            if moved is None:
                break
            used = np.abs(moved) > _MOVED * max(1.0, need)
            if base[used].sum() < price:
                best, price = {cells[k] for k in np.flatnonzero(used)}, float(base[used].sum())
            weight = base / (np.abs(moved) / need + 0.05)
        if best is not None:
            return best
    raise AnalysisError(
        f"no choice of secondary cells protects {list(problem.tables.cells)[cell]}: allow more candidates, "
        "or ask for less protection"
    )


def _added(problem: _Problem, cells: Sequence[int]) -> np.ndarray:
    """1 for cells that were added: a witness that leans on few of them survives when others are opened."""
    return np.where(np.isin(cells, problem.fixed), 0.0, 1.0)


def _areas(problem: _Problem, cell: int) -> list[set[int]]:
    """Free cells within two and three equations of the cell, and all of them."""
    matrix, free = problem.tables.matrix, set(problem.free)
    columns = sparse.csc_array(matrix)
    seen, areas = {cell}, []
    for distance in range(1, 4):
        rows = np.unique(columns[:, sorted(seen)].nonzero()[0])
        seen = {int(i) for i in np.unique(matrix[rows].nonzero()[1])} & free | {cell}
        if distance > 1 and len(seen) < len(free):
            areas.append(set(seen))
    return [*areas, free]


def _displace(
    problem: _Problem, cells: Sequence[int], weight: np.ndarray, cell: int, sign: int, need: float
) -> np.ndarray | None:
    """Movements δ of the cells with Aδ = 0, δ_cell = ±need and Σ weight·|δ| least; None if impossible."""
    a = problem.tables.matrix[:, list(cells)]
    a = sparse.csr_array(a[np.unique(a.nonzero()[0])])
    low, high = np.minimum(problem.low[list(cells)], 0), np.maximum(problem.high[list(cells)], 0)
    own = list(cells).index(cell)
    up, down = high.copy(), -low
    up[own], down[own] = (need, 0.0) if sign > 0 else (0.0, need)
    least = np.zeros(2 * len(cells))
    least[own if sign > 0 else own + len(cells)] = need
    if (sign > 0 and need > high[own]) or (sign < 0 and need > -low[own] * (1 + 1e-12) + 1e-12):
        return None
    found = optimize.milp(
        np.r_[weight, weight],
        bounds=optimize.Bounds(least, np.r_[up, down]),
        constraints=optimize.LinearConstraint(sparse.csr_array(sparse.hstack([a, -a])), 0, 0),
    )
    if found.x is None:
        return None
    return found.x[: len(cells)] - found.x[len(cells) :]


def _open_again(
    problem: _Problem, masked: set[int], witness: Mapping[tuple[int, int], set[int]], extra: float
) -> set[int]:
    """Unmask cells, dearest first, as long as every primary cell still has its witness tables."""
    witness = dict(witness)
    spare = sorted(masked - set(problem.fixed), key=lambda i: (-abs(problem.tables.values[i]), i))
    for cell in spare:
        trial = masked - {cell}
        inside = sorted(trial)
        renewed = {}
        for (owner, sign), moved in witness.items():
            if cell not in moved:
                continue
            need = problem.need[owner][(sign + 1) // 2] * extra
            found = _displace(problem, inside, _added(problem, inside), owner, sign, need)
            if found is None:
                break
            used = np.flatnonzero(np.abs(found) > _MOVED * max(1.0, need))
            renewed[owner, sign] = {inside[k] for k in used}
        else:
            masked = trial
            witness |= renewed
    return masked
