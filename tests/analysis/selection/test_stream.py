"""minyi-stream-1: the numbers a certificate stands on, against vectors from a second implementation.

The vectors were made by a separate program written from the description in stream.py alone (whole byte
string first, integers by repeated multiplication), not by the code under test.
"""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.selection.stream import Stream

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "stream.json").read_text(encoding="utf-8"))
keys = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("vector", VECTORS["bytes"])
def test_the_bytes_are_those_of_the_vectors_however_they_are_read(vector):
    expected = bytes.fromhex(vector["first"])
    assert Stream(bytes.fromhex(vector["key"])).read(len(expected)) == expected
    stream = Stream(bytes.fromhex(vector["key"]))
    assert b"".join(stream.read(1) for _ in expected) == expected


@pytest.mark.parametrize("vector", VECTORS["below"], ids=lambda v: v["n"])
def test_uniform_integers_are_those_of_the_vectors(vector):
    stream = Stream(bytes.fromhex(vector["key"]))
    assert [str(stream.below(int(vector["n"]))) for _ in vector["values"]] == vector["values"]


@pytest.mark.parametrize("vector", VECTORS["child"], ids=lambda v: v["label"])
def test_child_streams_are_those_of_the_vectors(vector):
    stream = Stream(bytes.fromhex(vector["key"]))
    stream.read(7)  # what was read before does not matter
    assert stream.child(vector["label"]).read(32) == Stream(bytes.fromhex(vector["child"])).read(32)


@pytest.mark.parametrize("vector", VECTORS["shuffle"], ids=lambda v: str(v["n"]))
def test_shuffles_are_those_of_the_vectors(vector):
    assert Stream(bytes.fromhex(vector["key"])).shuffled(range(vector["n"])) == vector["order"]


@given(key=keys, n=st.integers(1, 10**40))
def test_an_integer_is_below_its_bound(key, n):
    assert 0 <= Stream(key).below(n) < n


@given(key=keys, items=st.lists(st.integers(), max_size=60))
def test_a_shuffle_keeps_every_item(key, items):
    assert Counter(Stream(key).shuffled(items)) == Counter(items)


def test_there_is_no_modulo_bias():
    """Below 3 · 2^6 = 192 a byte modulo 192 would give 0-63 twice as often: chi-square over four quarters.

    40,000 draws, fixed key; the 1e-6 point of chi-square with 2 degrees of freedom is 27.6, so a right
    stream fails one key in a million, and the biased one exceeds it by far.
    """
    stream = Stream(b"modulo bias".ljust(32, b"."))
    counts = Counter(stream.below(192) // 64 for _ in range(40_000))
    chi_square = sum((counts[i] - 40_000 / 3) ** 2 / (40_000 / 3) for i in range(3))
    assert chi_square < 27.6


def test_every_order_of_four_comes_equally_often():
    """24 orders, 24,000 shuffles; the 1e-6 point of chi-square with 23 degrees of freedom is 72.0."""
    stream = Stream(b"orders".ljust(32, b"."))
    counts = Counter(tuple(stream.shuffled("abcd")) for _ in range(24_000))
    assert len(counts) == 24
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 72.0


@pytest.mark.parametrize("key", [b"", b"short", bytes(33)])
def test_a_key_of_another_length_is_refused(key):
    with pytest.raises(ValueError, match="32 bytes"):
        Stream(key)


def test_there_is_nothing_below_zero():
    with pytest.raises(ValueError, match="below 1"):
        Stream(bytes(32)).below(0)
