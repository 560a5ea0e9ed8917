"""Secondary suppression: the optimum by exhaustive search, every pattern by its audit."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.disclosure import LinkedTables, audit_suppression, crossed_tables, small_cells
from analysis.errors import AnalysisError
from analysis.suppression import protect
from tests.analysis.test_disclosure import two_way


def best_by_hand(table, primary, candidates, percent, objective):
    """Every subset of the candidates."""
    best = None
    for size in range(len(candidates) + 1):
        for subset in combinations(candidates, size):
            value = float(sum(table.cells[c] for c in subset))
            key = (size, value) if objective == "count" else (value, size)
            if best is not None and key >= best:
                continue
            if audit_suppression(
                table, primary, subset, protection_percent=percent, primary_only=True
            ).passes:
                best = key
    return best


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), objective=st.sampled_from(["count", "value"]))
def test_the_exact_search_finds_what_trying_everything_finds(seed, objective):
    values = np.random.default_rng(seed).integers(1, 30, (3, 3))
    table = two_way(values)
    inner = [c for c in table.cells if "+" not in c]
    primary = sorted(inner, key=lambda c: table.cells[c])[:2]
    candidates = [c for c in inner if c not in primary]
    best = best_by_hand(table, primary, candidates, 30, objective)
    assume(best is not None)
    found = protect(
        table, primary, protection_percent=30, candidates=candidates, objective=objective, method="exact"
    )
    key = (found.count, found.value) if objective == "count" else (found.value, found.count)
    assert found.optimal and key == pytest.approx(best)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(["exact", "heuristic"]))
def test_every_pattern_passes_its_audit_and_no_cell_of_the_heuristic_is_idle(seed, method):
    values = np.random.default_rng(seed).integers(0, 25, (4, 4))
    table = two_way(values)
    primary = [c for c in small_cells(table, 5) if "+" not in c]
    assume(0 < len(primary) < 6)
    found = protect(table, primary, protection_percent=20, method=method)
    assert audit_suppression(table, primary, found.secondary, protection_percent=20).passes
    for cell in found.secondary:
        fewer = [c for c in found.secondary if c != cell]
        assert not audit_suppression(table, primary, fewer, protection_percent=20).passes


def hierarchy(seed=1, streets=8):
    rng = np.random.default_rng(seed)
    counts = {
        (f"s{i}", f"age{a}", f"answer{q}"): int(rng.integers(2, 40))
        for i in range(streets)
        for a in range(2)
        for q in range(3)
    }
    return LinkedTables(*crossed_tables(counts, [{f"s{i}": f"d{i % 2}" for i in range(streets)}, {}, {}]))


def test_a_hierarchy_with_two_more_dimensions_is_protected_as_a_whole():
    table = hierarchy()
    primary = small_cells(table, 6)
    found = protect(table, primary, protection_percent=20, method="heuristic")
    assert len(primary) > 3 and found.audit.passes
    assert not audit_suppression(table, primary, protection_percent=20).passes


def test_what_was_masked_before_stays_masked_and_what_is_out_stays_open():
    table = two_way([[2, 30, 20], [20, 40, 9], [15, 16, 17]])
    open_cells = [c for c in table.cells if "+" in c]
    first = protect(table, [("r0", "c0")], protection_percent=20, keep_open=open_cells)
    kept = protect(
        table,
        [("r0", "c0"), ("r1", "c2")],
        protection_percent=20,
        initial=first.secondary,
        keep_open=open_cells,
    )
    assert set(first.secondary) <= {*kept.secondary, ("r1", "c2")}
    assert not set(open_cells) & set(kept.secondary) and kept.audit.passes


def test_a_cell_of_zero_is_hidden_too():
    table = two_way([[0, 30, 20], [20, 40, 9], [15, 16, 17]])
    found = protect(table, [("r0", "c0")], protection_percent=20)
    assert found.audit.cells["r0", "c0"].status == "protected"


def test_nothing_to_protect_needs_nothing():
    found = protect(two_way([[20, 30], [40, 50]]), [], protection_percent=20)
    assert found.secondary == () and found.optimal


@pytest.mark.parametrize("method", ["exact", "heuristic"])
def test_a_cell_that_no_candidate_can_protect_is_named(method):
    table = two_way([[3, 9], [7, 5]])
    with pytest.raises(AnalysisError, match=r"r0.*c0"):
        protect(table, [("r0", "c0")], protection_percent=20, candidates=[("r0", "c1")], method=method)


def test_a_cell_cannot_be_masked_and_kept_open():
    table = two_way([[3, 9], [7, 5]])
    with pytest.raises(AnalysisError, match="kept open"):
        protect(table, [("r0", "c0")], protection_percent=20, keep_open=[("r0", "c0")])
