"""Systematic PPS in integers: exact probabilities, certainty units, and what the draw really does."""

import math
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.errors import DesignError
from analysis.selection.pps import inclusion_probabilities, pps_systematic
from analysis.selection.stream import Stream

keys = st.binary(min_size=32, max_size=32)
frames = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=4), st.integers(1, 3000), min_size=1, max_size=30
)


@given(sizes=frames, data=st.data())
def test_probabilities_sum_to_n_and_follow_size(sizes, data):
    n = data.draw(st.integers(0, len(sizes)))
    inclusion = inclusion_probabilities(sizes, n)
    p = inclusion.probabilities
    assert sum(p.values()) == n
    assert all(0 <= value <= 1 for value in p.values())
    assert {unit for unit, value in p.items() if value == 1} == set(inclusion.certain)
    rates = {p[unit] / size for unit, size in sizes.items() if p[unit] < 1}
    assert len(rates) <= 1  # below certainty, probability is exactly proportional to size
    for unit in inclusion.certain:  # and a certain unit would exceed 1 at that rate
        assert all(rate * sizes[unit] >= 1 for rate in rates)


@given(key=keys, sizes=frames, order=st.sampled_from(["random", "fixed"]), data=st.data())
def test_it_takes_n_units_once_each_with_certainty_units_always_in(key, sizes, order, data):
    n = data.draw(st.integers(0, len(sizes)))
    taken = pps_systematic(Stream(key), sizes, n, order=order)
    assert len(taken) == len(set(taken)) == n
    assert set(inclusion_probabilities(sizes, n).certain) <= set(taken)


@given(key=keys, sizes=frames, order=st.sampled_from(["random", "fixed"]), data=st.data())
def test_the_order_of_rows_does_not_matter(key, sizes, order, data):
    n = data.draw(st.integers(0, len(sizes)))
    other = dict(data.draw(st.permutations(list(sizes.items()))))
    assert pps_systematic(Stream(key), sizes, n, order=order) == pps_systematic(
        Stream(key), other, n, order=order
    )


@given(sizes=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 45), min_size=2), data=st.data())
def test_over_all_starts_each_unit_is_met_exactly_as_often_as_its_probability_says(sizes, data):
    """First-order probabilities proven by enumeration: in fixed order there are only Σx possible starts."""
    n = data.draw(st.integers(1, len(sizes) - 1))
    inclusion = inclusion_probabilities(sizes, n)
    total = sum(size for unit, size in sizes.items() if inclusion.probabilities[unit] < 1)
    assume(total)  # else all are certain
    met = Counter(unit for r in range(total) for unit in pps_systematic(_Start(r), sizes, n, order="fixed"))
    for unit, probability in inclusion.probabilities.items():
        assert Fraction(met[unit], total) == probability


class _Start:
    """A stream whose next number is chosen, to walk through every possible start."""

    def __init__(self, r: int) -> None:
        self.r = r

    def below(self, n: int) -> int:
        assert 0 <= self.r < n
        return self.r


def test_inclusion_frequencies_in_random_order_agree_with_theory():
    """20,000 draws of 4 of 9 with a certainty unit, fixed key.

    Each of the 8 counts lies within 4.9 standard errors; by Bonferroni over 8 a right method fails fewer
    than one key in 100,000 (two-sided normal tail at 4.9: 1e-6).
    """
    sizes = {"a": 900, "b": 120, "c": 200, "d": 64, "e": 150, "f": 33, "g": 88, "h": 240, "i": 101}
    inclusion = inclusion_probabilities(sizes, 4)
    assert inclusion.certain == ("a",)
    stream = Stream(b"inclusion".ljust(32, b"."))
    runs = 20_000
    met = Counter(unit for _ in range(runs) for unit in pps_systematic(stream, sizes, 4))
    assert met["a"] == runs
    for unit, probability in inclusion.probabilities.items():
        p = float(probability)
        if p < 1:
            assert abs(met[unit] / runs - p) < 4.9 * math.sqrt(p * (1 - p) / runs), unit


def test_certainty_is_found_again_after_removing_the_largest():
    # Interval 1160/3 = 387: a. Then 160/2 = 80: b. Then 80/1: nobody reaches 80.
    inclusion = inclusion_probabilities({"a": 1000, "b": 80, "c": 40, "d": 40}, 3)
    assert inclusion.certain == ("a", "b")
    assert inclusion.probabilities["c"] == Fraction(1, 2)


def test_a_unit_equal_to_the_interval_is_certain():
    assert inclusion_probabilities({"a": 50, "b": 30, "c": 20}, 2).certain == ("a",)


def test_a_unit_without_size_is_never_taken():
    assert inclusion_probabilities({"a": 0, "b": 5, "c": 5}, 1).probabilities["a"] == 0
    with pytest.raises(DesignError, match="cannot take 3 of 2"):
        inclusion_probabilities({"a": 0, "b": 5, "c": 5}, 3)


def test_a_negative_size_or_an_unknown_order_is_refused():
    with pytest.raises(DesignError, match="negative"):
        inclusion_probabilities({"a": -1, "b": 5}, 1)
    with pytest.raises(DesignError, match="order"):
        pps_systematic(Stream(bytes(32)), {"a": 1, "b": 1}, 1, order="sorted")
