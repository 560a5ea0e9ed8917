"""Linked tables, primary rules, and the audit against slow and independent solutions."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from analysis.disclosure import (
    LinkedTables,
    audit_suppression,
    crossed_tables,
    dominance_cells,
    p_percent_cells,
    small_cells,
    unanimous_cells,
)
from analysis.errors import AnalysisError


def two_way(values):
    """A table with margins; cells 'r0c1', 'r0+', '+c1', '++'."""
    values = np.asarray(values)
    rows, columns = values.shape
    counts = {(f"r{i}", f"c{j}"): values[i, j] for i in range(rows) for j in range(columns)}
    cells, equations = crossed_tables(counts, [{}, {}], total="+")
    return LinkedTables(cells, equations)


tables = st.integers(0, 10_000).map(lambda s: np.random.default_rng(s).integers(0, 12, (3, 4)))


def test_a_crossed_table_has_all_margins_and_adds_up():
    counts = {(s, a): 1 for s in ("s1", "s2", "s3") for a in ("young", "old")}
    cells, equations = crossed_tables(counts, [{"s1": "d1", "s2": "d1", "s3": "d2"}, {}])
    assert cells["d1", "young"] == 2 and cells["total", "total"] == 6 and len(cells) == 18
    assert (("d1", "old"), (("s1", "old"), ("s2", "old"))) in equations
    assert (("s1", "total"), (("s1", "old"), ("s1", "young"))) in equations
    LinkedTables(cells, equations)


def test_a_level_with_counts_and_children_is_refused():
    with pytest.raises(AnalysisError, match="children"):
        crossed_tables({("d1",): 3, ("s1",): 2}, [{"s1": "d1"}])


def test_an_equation_that_does_not_hold_is_refused():
    with pytest.raises(AnalysisError, match="add up"):
        LinkedTables({"t": 5, "a": 2, "b": 2}, [("t", ("a", "b"))])


@pytest.mark.parametrize("cells", [{"t": -1.0}, {"t": float("nan")}])
def test_a_value_outside_its_bounds_is_refused(cells):
    with pytest.raises(AnalysisError, match="outside"):
        LinkedTables(cells, [])


def test_primary_rules_find_what_tells_too_much():
    table = two_way([[2, 30, 0], [20, 4, 9]])
    assert set(small_cells(table, 5)) == {("r0", "c0"), ("r1", "c1")}
    assert ("r0", "c2") in small_cells(table, 5, zeros=True)
    table = two_way([[0, 30, 0], [20, 4, 9]])
    answers = [[(r, c) for c in ("c0", "c1", "c2")] for r in ("r0", "r1")]
    assert unanimous_cells(table, answers) == [("r0", "c1")]
    amounts = {"A": [90, 5, 5], "B": [40, 30, 30], "C": [50, 50]}
    assert dominance_cells(amounts, 1, 75) == ["A"]
    assert p_percent_cells(amounts, 10) == ["A", "C"]


@settings(max_examples=30, deadline=None)
@given(values=tables, seed=st.integers(0, 999))
def test_the_audit_finds_the_bounds_of_another_solver(values, seed):
    table = two_way(values)
    names = list(table.cells)
    masked = [names[k] for k in np.random.default_rng(seed).choice(len(names), 7, replace=False)]
    audit = audit_suppression(table, masked[:3], masked[3:], protection_percent=20)
    columns = table.indices(masked)
    a = table.matrix.toarray()
    known = np.setdiff1d(np.arange(len(names)), columns)
    right = -a[:, known] @ table.values[known]
    for k, cell in enumerate(masked):
        for sign, told in ((1, audit.cells[cell].low), (-1, audit.cells[cell].high)):
            cost = np.zeros(len(masked))
            cost[k] = sign
            found = optimize.linprog(cost, A_eq=a[:, columns], b_eq=right, bounds=(0, None))
            assert told == (np.inf if found.status == 3 else pytest.approx(sign * found.fun, abs=1e-6))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_whole_number_bounds_are_those_of_all_tables_that_fit(seed):
    values = np.random.default_rng(seed).integers(0, 5, (2, 3))
    table = two_way(values)
    masked = [("r0", "c0"), ("r0", "c1"), ("r1", "c0"), ("r1", "c1")]
    audit = audit_suppression(table, masked, protection_percent=10, whole=True)
    rows, columns = values[:, :2].sum(axis=1), values[:, :2].sum(axis=0)
    fits = [
        t
        for t in product(range(9), repeat=4)
        if (t[0] + t[1], t[2] + t[3]) == tuple(rows) and (t[0] + t[2], t[1] + t[3]) == tuple(columns)
    ]
    for k, cell in enumerate(masked):
        assert audit.cells[cell].integer_low == min(t[k] for t in fits)
        assert audit.cells[cell].integer_high == max(t[k] for t in fits)


@settings(max_examples=25, deadline=None)
@given(values=tables, seed=st.integers(0, 999))
def test_masking_more_never_tells_more(values, seed):
    table = two_way(values)
    names = list(table.cells)
    order = [names[k] for k in np.random.default_rng(seed).permutation(len(names))]
    few = audit_suppression(table, order[:3], order[3:5], protection_percent=20)
    more = audit_suppression(table, order[:3], order[3:9], protection_percent=20)
    for cell in order[:5]:
        assert more.cells[cell].low <= few.cells[cell].low + 1e-6
        assert more.cells[cell].high >= few.cells[cell].high - 1e-6


def test_a_cell_nobody_adds_up_is_unbounded_and_protected():
    table = LinkedTables({"a": 3, "b": 4, "t": 7}, [("t", ("a", "b"))])
    audit = audit_suppression(table, ["a"], ["t"], protection_percent=20)
    assert audit.cells["a"].low == 0 and np.isinf(audit.cells["a"].high) and audit.passes
    bounded = LinkedTables(table.cells, table.equations, upper=10)
    assert audit_suppression(bounded, ["a"], ["t"], protection_percent=20).cells["a"].high == 6


def test_two_masked_cells_of_one_row_are_worked_out_through_the_columns():
    audit = audit_suppression(
        two_way([[3, 9], [7, 5]]), [("r0", "c0")], [("r0", "c1")], protection_percent=20
    )
    assert audit.recoverable == (("r0", "c0"), ("r0", "c1")) and not audit.passes
    assert audit.to_frame().status.tolist() == ["recoverable"] * 2


def test_an_unknown_cell_is_named():
    with pytest.raises(AnalysisError, match="nowhere"):
        audit_suppression(two_way([[1, 2]]), ["nowhere"], protection_percent=10)
