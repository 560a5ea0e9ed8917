"""Joining thin cells by rule."""

from hypothesis import given
from hypothesis import strategies as st

from analysis.weighting.collapse import collapse_nested, collapse_ordered


def test_enough_everywhere_changes_nothing():
    assert collapse_ordered([10, 12, 30], 10) == [(0,), (1,), (2,)]


def test_the_oldest_thin_group_joins_its_neighbour():
    assert collapse_ordered([20, 30, 25, 22, 4], 10) == [(0,), (1,), (2,), (3, 4)]


def test_a_thin_group_in_the_middle_joins_the_smaller_neighbour():
    assert collapse_ordered([40, 3, 20], 10) == [(0,), (1, 2)]


def test_too_few_altogether_end_as_one_group():
    assert collapse_ordered([1, 0, 2], 10) == [(0, 1, 2)]


@given(counts=st.lists(st.integers(0, 60), min_size=1, max_size=8), minimum=st.integers(1, 40))
def test_groups_are_neighbours_cover_all_and_hold_enough(counts, minimum):
    groups = collapse_ordered(counts, minimum)
    assert [i for group in groups for i in group] == list(range(len(counts)))
    if len(groups) > 1:
        assert all(sum(counts[i] for i in group) >= minimum for group in groups)


def test_thin_streets_of_a_district_are_put_together():
    labels = collapse_nested({("d1", "a"): 30, ("d1", "b"): 6, ("d1", "c"): 5}, 10)
    assert labels["d1", "b"] == labels["d1", "c"] != labels["d1", "a"]


def test_a_single_thin_street_joins_the_smallest_sufficient_one():
    labels = collapse_nested({("d1", "a"): 30, ("d1", "b"): 12, ("d1", "c"): 5}, 10)
    assert labels["d1", "c"] == labels["d1", "b"] != labels["d1", "a"]


def test_a_district_without_enough_joins_another_one():
    labels = collapse_nested({("d1", "a"): 3, ("d1", "b"): 2, ("d2", "c"): 20, ("d2", "d"): 40}, 10)
    assert labels["d1", "a"] == labels["d1", "b"] == labels["d2", "c"] != labels["d2", "d"]


@given(
    counts=st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.sampled_from("12345")), st.integers(0, 30), min_size=1
    ),
    minimum=st.integers(1, 25),
)
def test_every_joined_class_holds_enough_unless_all_is_one(counts, minimum):
    labels = collapse_nested(counts, minimum)
    assert set(labels) == set(counts)
    sums = {}
    for key, label in labels.items():
        sums[label] = sums.get(label, 0) + counts[key]
    assert len(sums) == 1 or min(sums.values()) >= minimum
