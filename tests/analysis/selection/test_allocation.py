"""Largest remainders within bounds."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import DesignError
from analysis.selection.allocation import allocate_proportional

strata = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.integers(1, 10_000), min_size=1, max_size=20
)


@given(sizes=strata, n=st.integers(0, 300))
def test_without_bounds_each_share_is_rounded_up_or_down(sizes, n):
    shares = allocate_proportional(sizes, n)
    total = sum(sizes.values())
    assert sum(shares.values()) == n
    for name, size in sizes.items():
        assert abs(shares[name] - Fraction(n * size, total)) < 1


@given(sizes=strata, data=st.data())
def test_bounds_hold_and_a_larger_stratum_with_as_much_room_never_gets_less(sizes, data):
    at_least = data.draw(st.integers(0, 3))
    upper = {name: data.draw(st.integers(at_least, 12)) for name in sizes}
    n = data.draw(st.integers(at_least * len(sizes), sum(upper.values())))
    shares = allocate_proportional(sizes, n, at_least=at_least, at_most=upper)
    assert sum(shares.values()) == n
    assert all(at_least <= shares[name] <= upper[name] for name in sizes)
    for a in sizes:
        for b in sizes:
            if sizes[a] > sizes[b] and upper[a] >= upper[b]:
                assert shares[a] >= shares[b]


@given(sizes=strata, spare=st.integers(0, 100), data=st.data())
def test_the_order_of_strata_does_not_matter(sizes, spare, data):
    n = 2 * len(sizes) + spare
    other = dict(data.draw(st.permutations(list(sizes.items()))))
    assert allocate_proportional(sizes, n, at_least=2) == allocate_proportional(other, n, at_least=2)


def test_a_known_case_of_hamiltons_method():
    # Quotas 4.71, 3.14, 2.14, remainders .71 .14 .14: the one left over goes to a.
    assert allocate_proportional({"a": 33, "b": 22, "c": 15}, 10) == {"a": 5, "b": 3, "c": 2}


def test_the_least_number_is_taken_from_the_others_in_proportion():
    # c's share of 10 would be 0.2; with 2 fixed, 8 are shared 3:1.
    assert allocate_proportional({"a": 300, "b": 100, "c": 8}, 10, at_least=2) == {"a": 6, "b": 2, "c": 2}


@pytest.mark.parametrize(
    ("n", "at_least", "at_most"), [(3, 2, None), (9, 0, {"a": 4, "b": 4}), (2, 3, {"a": 2, "b": 2})]
)
def test_what_cannot_be_divided_is_refused(n, at_least, at_most):
    with pytest.raises(DesignError):
        allocate_proportional({"a": 5, "b": 5}, n, at_least=at_least, at_most=at_most)
