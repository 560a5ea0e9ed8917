"""Masks of linked tables, attacked by linear programming with everything that a reader knows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from survey.reports.disclosure import (
    LEAST_WIDTH,
    MASKED,
    PROTECTION,
    REST,
    Table,
    intervals,
    suppress,
    suppress_all,
    too_narrow,
    with_rest,
)

FLOOR = 30


def attack(table, hidden):
    """{masked cell: (lowest, highest) count} that fits all that is printed, by linear programmes."""
    counts, families = with_rest(table)
    names = list(counts)
    at = {name: k for k, name in enumerate(names)}
    bounds = []
    for name in names:
        if name.startswith(REST) or name in hidden:
            bounds.append((0, None))
        else:
            bounds.append((counts[name], counts[name]))
    matrix = np.zeros((len(families), len(names)))
    for row, (parent, parts) in enumerate(families):
        matrix[row, at[parent]] = 1
        for part in parts:
            matrix[row, at[part]] = -1
    found = {}
    for cell in hidden:
        ends = []
        for sign in (1, -1):
            cost = np.zeros(len(names))
            cost[at[cell]] = sign
            solved = optimize.linprog(cost, A_eq=matrix, b_eq=np.zeros(len(families)), bounds=bounds)
            ends.append(np.inf if solved.status == 3 else sign * solved.fun)
        found[cell] = (ends[0], ends[1])
    return found


def city(streets, sexes=None):
    """A city of districts "a", "b" … whose streets hold these counts; half of all are women."""
    counts, families = {}, []
    for number, own in enumerate(streets):
        district = chr(ord("a") + number)
        names = [f"{district}{k}" for k in range(len(own))]
        counts |= dict(zip(names, own, strict=True))
        counts[district] = sum(own)
        families.append((district, names))
    counts["all"] = sum(sum(own) for own in streets)
    families.append(("all", [chr(ord("a") + n) for n in range(len(streets))]))
    share = counts["all"] // 2 if sexes is None else sexes
    counts |= {"female": share, "male": counts["all"] - share}
    families.append(("all", ["female", "male"]))
    return Table(counts, families)


def test_a_thin_cell_takes_the_next_smallest_with_it():
    table = Table({"a": 12, "b": 35, "c": 90, "all": 137}, [("all", ["a", "b", "c"])])
    assert set(suppress(table, FLOOR)) == {"a", "b"}


def test_thin_cells_that_are_few_together_take_another_one():
    """The city minus what is printed would be the figure of 25 people."""
    table = Table({"a": 12, "b": 13, "c": 90, "d": 95, "all": 210}, [("all", ["a", "b", "c", "d"])])
    assert set(suppress(table, FLOOR)) == {"a", "b", "c"}


def test_two_cells_just_under_the_floor_leave_the_city_s_figure_standing():
    table = Table({"a": 28, "b": 28, "all": 56}, [("all", ["a", "b"])])
    assert set(suppress(table, FLOOR)) == {"a", "b"}


def test_an_empty_cell_protects_nobody():
    table = Table({"a": 12, "b": 0, "c": 40, "d": 90, "all": 142}, [("all", ["a", "b", "c", "d"])])
    assert set(suppress(table, FLOOR)) == {"a", "b", "c"}


def test_a_masked_district_does_not_come_back_through_its_streets():
    table = city([[40, 45], [12, 50], [80, 90]])
    hidden = suppress(table, FLOOR, earlier={"a": MASKED})
    assert "a" in hidden and any(f"a{k}" in hidden for k in range(2))


def test_a_unanimous_cell_goes_without_saying_so():
    table = Table({"a": 50, "b": 60, "c": 90, "all": 200}, [("all", ["a", "b", "c"])], {"a": 5.0})
    assert suppress(table, FLOOR) == {"a": MASKED, "b": MASKED}


def test_masked_cells_that_all_answered_alike_take_one_that_did_not():
    """The city minus what is printed would say what each of them answered."""
    counts = {"a": 50, "b": 60, "c": 90, "d": 95, "all": 295}
    table = Table(counts, [("all", ["a", "b", "c", "d"])], {"a": 5.0, "b": 5.0})
    assert set(suppress(table, FLOOR)) == {"a", "b", "c"}
    table = Table(counts, [("all", ["a", "b", "c", "d"])], {"a": 5.0, "b": 1.0})
    assert set(suppress(table, FLOOR)) == {"a", "b"}


def test_masks_stay_in_a_correction_that_no_longer_needs_them():
    before = suppress(city([[12, 45, 60], [70, 80]]), FLOOR)
    after = suppress(city([[40, 45, 60], [70, 80]]), FLOOR, earlier=before)
    assert set(before) <= set(after)


def test_a_count_masked_for_one_figure_is_masked_where_another_would_give_it_away():
    """29 valid answers of 30 asked: who reads "30 asked" knows the 29 too well."""
    families = [("all", ["a", "b", "c"])]
    valid = Table({"a": 29, "b": 60, "c": 90, "all": 179}, families)
    asked = Table({"a": 30, "b": 60, "c": 90, "all": 180}, families)
    masks = suppress_all({"valid": valid, "asked": asked}, FLOOR)
    assert "a" in masks["asked"] and "a" in masks["valid"]


def test_a_masked_pair_is_not_known_by_how_many_answered_there():
    """94 answered in a and 31 in b, as another question shows: of the 119 of a and b together, a has 88 to
    94."""
    families = [("all", ["a", "b", "c"])]
    thin = Table({"a": 91, "b": 28, "c": 190, "all": 309}, families)
    other = Table({"a": 94, "b": 31, "c": 191, "all": 316}, families)
    answers = Table({"a": 94, "b": 31, "c": 191, "all": 316}, families)
    masks = suppress_all({"thin": thin, "other": other}, FLOOR, answers=answers)
    assert set(masks["thin"]) == {"a", "b"} == set(masks["other"])
    assert not set(suppress_all({"thin": thin, "other": other}, FLOOR)["other"])


@settings(deadline=None, max_examples=60)
@given(
    streets=st.lists(st.lists(st.integers(0, 90), min_size=1, max_size=4), min_size=1, max_size=4).filter(
        lambda s: sum(map(sum, s)) >= FLOOR
    ),
    floor=st.sampled_from([5, 10, 30]),
)
def test_no_masked_count_can_be_worked_out_from_all_tables_together(streets, floor):
    table = city(streets)
    hidden = suppress(table, floor)
    counts, families = with_rest(table)
    assert all(counts[cell] >= floor for cell in table.counts if cell not in hidden)
    found = attack(table, hidden)
    exact = intervals(counts, families, hidden)
    for cell, (low, high) in found.items():
        assert low - 1e-6 <= counts[cell] <= high + 1e-6
        assert exact[cell] == (low, high) or np.allclose(exact[cell], (low, high))
        if counts[cell] > 0 and len(hidden) < len(table.counts):
            assert high - low >= max(LEAST_WIDTH, PROTECTION * counts[cell]) - 1e-6, (cell, hidden)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), floor=st.sampled_from([5, 10, 30]))
def test_no_masked_count_can_be_worked_out_from_several_questions_of_the_same_people(data, floor):
    """Each variable counts some of those who answered; the intruder knows how many answered in all."""
    streets = data.draw(
        st.lists(st.lists(st.integers(0, 90), min_size=1, max_size=3), min_size=2, max_size=3)
    )
    whole = city(streets)
    tables = {}
    for name in ("one", "two"):
        lost = [[data.draw(st.integers(0, min(n, 12))) for n in own] for own in streets]
        kept = [[n - k for n, k in zip(*pair, strict=True)] for pair in zip(streets, lost, strict=True)]
        made = city(kept, sexes=sum(map(sum, kept)) // 2)
        tables[name] = Table({k: min(n, whole.counts[k]) for k, n in made.counts.items()}, made.families)
    masks = suppress_all(tables, floor, answers=whole)
    for name, cell, interval in attack_together(tables, masks, whole):
        count = tables[name].counts[cell]
        assert interval[0] - 1e-6 <= count <= interval[1] + 1e-6
        if len(masks[name]) < len(tables[name].counts):
            assert not too_narrow(count, (interval[0] - 1e-6, interval[1] + 1e-6)), (name, cell, masks)


def attack_together(tables, masks, answers):
    """(variable, masked cell, interval) by linear programmes over all variables, none above the answers."""
    parts = {name: with_rest(table) for name, table in (*tables.items(), ("", answers))}
    at = {(name, cell): k for k, (name, cell) in enumerate((n, c) for n in parts for c in parts[n][0])}
    bounds, equal, less = [(0, None)] * len(at), [], []
    for name, (counts, families) in parts.items():
        for cell, count in counts.items():
            known = cell == "all" if not name else cell not in masks[name] and not cell.startswith(REST)
            if known:
                bounds[at[name, cell]] = (count, count)
            if name and ("", cell) in at:
                less.append({at[name, cell]: 1, at["", cell]: -1})
        for parent, members in families:
            equal.append({at[name, parent]: 1} | {at[name, part]: -1 for part in members})
    rows = [np.array([[row.get(k, 0) for k in range(len(at))] for row in side]) for side in (equal, less)]
    for name, mask in masks.items():
        for cell in mask:
            ends = []
            for sign in (1, -1):
                cost = np.zeros(len(at))
                cost[at[name, cell]] = sign
                solved = optimize.linprog(
                    cost, rows[1], np.zeros(len(less)), rows[0], np.zeros(len(equal)), bounds
                )
                ends.append(np.inf if solved.status == 3 else sign * solved.fun)
            yield name, cell, tuple(ends)
