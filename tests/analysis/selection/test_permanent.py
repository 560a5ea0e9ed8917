"""Co-ordination by permanent random numbers: no overlap, all overlap, planned overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import DesignError
from analysis.selection.permanent import (
    from_start,
    next_start,
    overlap_probability,
    permanent_numbers,
    planned_overlap,
    poisson_permanent,
    rotated_start,
    rotation_plan,
    sequential_srs,
)

KEY = b"a key of sixteen bytes or more"
IDS = [f"household-{i}" for i in range(400)]
U = permanent_numbers(IDS, KEY)


def test_a_number_depends_on_id_and_key_alone():
    assert np.array_equal(permanent_numbers(IDS[::-1], KEY)[::-1], U)
    assert np.array_equal(permanent_numbers([*IDS, "born later"], KEY)[:-1], U)
    assert not np.any(permanent_numbers(IDS, KEY + b"!") == U)
    assert np.all((U > 0) & (U < 1))


@given(start=st.floats(0, 1, exclude_max=True), n=st.integers(1, 200))
def test_the_next_start_spares_everybody_asked_before(start, n):
    first = sequential_srs(U, n, start=start)
    second = sequential_srs(U, n, start=next_start(U, n, start=start))
    assert len(first) == len(second) == n
    assert not set(first) & set(second)


@given(start=st.floats(0, 1, exclude_max=True), n=st.integers(1, 200), data=st.data())
def test_a_rotation_exchanges_exactly_the_planned_number(start, n, data):
    leaving = data.draw(st.integers(0, n))
    first = sequential_srs(U, n, start=start)
    second = sequential_srs(U, n, start=rotated_start(U, n, leaving, start=start))
    assert len(set(first) & set(second)) == n - leaving


def test_the_same_start_keeps_the_panel_through_births_and_deaths():
    before = {IDS[i] for i in sequential_srs(U, 100, start=0.3)}
    frame = [*IDS[20:], *[f"new-{i}" for i in range(40)]]
    numbers = permanent_numbers(frame, KEY)
    after = {frame[i] for i in sequential_srs(numbers, 100, start=0.3)}
    # Only the dead and those whom newly born push out may leave.
    gone = {name for name in before if name in IDS[:20]}
    born = {name for name in after if name.startswith("new")}
    assert len(before & after) >= 100 - max(len(gone), len(born))
    assert len(before & after) > 75


@given(p1=st.floats(0, 1), p2=st.floats(0, 1), shift=st.floats(0, 1, exclude_max=True))
def test_arcs_overlap_as_a_fine_grid_says(p1, p2, shift):
    grid = (np.arange(4000) + 0.5) / 4000
    inside = (from_start(grid, 0) < p1) & (from_start(grid, shift) < p2)
    assert overlap_probability([p1], [p2], shift)[0] == pytest.approx(inside.mean(), abs=2e-3)


def test_poisson_rounds_with_one_start_are_nested():
    small, large = np.full(400, 0.1), np.full(400, 0.25)
    assert set(poisson_permanent(small, U, start=0.9)) <= set(poisson_permanent(large, U, start=0.9))


def test_rotation_plans():
    plan = rotation_plan(24, 4, pause=8, rounds_back=4)
    assert np.all(plan.sum(axis=1) == 8)
    # The published overlaps of a 4-8-4 plan: 3/4 from month to month, 1/2 from year to year.
    assert planned_overlap(plan, 1) == 0.75
    assert planned_overlap(plan, 12) == 0.5
    assert planned_overlap(rotation_plan(6, 3), 1) == pytest.approx(2 / 3)


def test_bad_requests_are_refused():
    with pytest.raises(DesignError, match="16 bytes"):
        permanent_numbers(IDS, b"short")
    with pytest.raises(DesignError, match="twice"):
        permanent_numbers(["a", "a"], KEY)
    with pytest.raises(DesignError, match="without replacement"):
        sequential_srs(U, 401)
    with pytest.raises(DesignError, match="share the permanent number"):
        sequential_srs([0.1, 0.2, 0.2], 2)
    with pytest.raises(DesignError, match="leave a panel"):
        rotated_start(U, 5, 6)
    with pytest.raises(DesignError, match="one round in"):
        rotation_plan(3, 0)
    with pytest.raises(DesignError, match="apart"):
        planned_overlap(rotation_plan(2, 1), 2)
