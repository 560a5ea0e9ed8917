"""Simple random sampling: sizes, no unit twice, order of rows irrelevant, equal chances."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import DesignError
from analysis.selection.srs import sample, sample_positions
from analysis.selection.stream import Stream

keys = st.binary(min_size=32, max_size=32)


@given(key=keys, n=st.integers(0, 80), data=st.data())
def test_it_takes_k_different_positions_and_they_lead_the_whole_shuffle(key, n, data):
    k = data.draw(st.integers(0, n))
    drawn = sample_positions(Stream(key), n, k)
    assert len(drawn) == len(set(drawn)) == k
    assert drawn == Stream(key).shuffled(range(n))[:k]


@given(key=keys, units=st.sets(st.text(max_size=5), min_size=1, max_size=40), data=st.data())
def test_the_order_of_rows_does_not_matter(key, units, data):
    k = data.draw(st.integers(0, len(units)))
    shuffled = data.draw(st.permutations(sorted(units)))
    drawn = sample(Stream(key), sorted(units), k)
    assert drawn == sample(Stream(key), shuffled, k)
    assert set(drawn) <= units


def test_every_sample_of_two_of_five_comes_equally_often():
    """10 samples, 20,000 draws; the 1e-6 point of chi-square with 9 degrees of freedom is 44.8."""
    stream = Stream(b"two of five".ljust(32, b"."))
    counts = Counter(frozenset(sample(stream, "abcde", 2)) for _ in range(20_000))
    assert set(counts) == {frozenset(pair) for pair in combinations("abcde", 2)}
    assert sum((count - 2000) ** 2 / 2000 for count in counts.values()) < 44.8


@pytest.mark.parametrize(("n", "k"), [(3, 4), (3, -1), (0, 1)])
def test_more_than_there_are_is_refused(n, k):
    with pytest.raises(DesignError, match="cannot take"):
        sample_positions(Stream(bytes(32)), n, k)


def test_two_units_of_one_name_are_refused():
    with pytest.raises(DesignError, match="same name"):
        sample(Stream(bytes(32)), ["a", "b", "a"], 1)
