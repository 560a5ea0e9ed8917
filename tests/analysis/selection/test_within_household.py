"""Kish's tables with the probabilities they truly give, the uniform choice, and birthdays."""

import json
from collections import Counter
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import analysis.selection
from analysis.errors import DesignError
from analysis.selection.stream import Stream
from analysis.selection.within_household import (
    assign_kish_tables,
    choose_by_birthday,
    kish_choice,
    kish_probabilities,
    kish_rotation,
    kish_undercoverage,
    kish_weight,
    uniform_choice,
)

DATA = json.loads(
    (Path(analysis.selection.__file__).parent / "data" / "kish_tables.json").read_text(encoding="utf-8")
)


def stream(text):
    return Stream(text.encode().ljust(32, b"."))


@pytest.mark.parametrize("n", range(1, 7))
def test_the_computed_probabilities_are_those_published_beside_the_tables(n):
    published = DATA["selection_probabilities"][str(n)]
    assert kish_probabilities(n) == tuple(Fraction(published[str(k)]) for k in range(1, n + 1))


def test_five_adults_are_unequal_and_weighted_by_their_true_chance():
    assert kish_probabilities(5) == tuple(Fraction(x) for x in ("1/6", "1/6", "1/4", "1/6", "1/4"))
    assert [kish_weight(k, 5) for k in range(1, 6)] == [6, 6, 4, 6, 4]


def test_beyond_six_nobody_is_chosen_and_it_counts_as_undercoverage():
    assert kish_probabilities(8) == (*[Fraction(1, 6)] * 6, 0, 0)
    with pytest.raises(DesignError, match="never choose person 7 of 8"):
        kish_weight(7, 8)
    lost = kish_undercoverage([1, 2, 8, 7, 6])
    assert (lost.persons, lost.eligible, lost.households) == (3, 24, 2)
    assert lost.share == Fraction(1, 8)
    assert kish_undercoverage([]).share == 0


@given(n=st.integers(1, 12))
def test_probabilities_of_a_household_sum_to_one(n):
    assert sum(kish_probabilities(n)) == 1


def test_twelve_covers_in_a_row_give_each_table_its_share():
    names = assign_kish_tables(24, stream("covers"))
    assert Counter(names[:12]) == Counter(kish_rotation())
    assert names[:12] == names[12:]
    for name, count in Counter(names[:12]).items():
        assert Fraction(count, 12) == Fraction(DATA["tables"][name]["proportion"])
    starts = {tuple(assign_kish_tables(12, stream(f"case {i}"))) for i in range(60)}
    assert len(starts) > 6


@given(seed=st.text(max_size=30), n=st.integers(1, 40))
def test_a_uniform_choice_lies_in_the_roster(seed, n):
    assert 1 <= uniform_choice(stream(seed[:8].encode().hex()[:32]), n) <= n


def test_the_next_and_the_last_birthday():
    roster = [(3, 10), (7, 1), (12, 31)]
    chosen = choose_by_birthday(roster, date(2026, 6, 30), stream("a"))
    assert (chosen.place, chosen.label, chosen.assumed_probability) == (2, "quasi-random", Fraction(1, 3))
    assert choose_by_birthday(roster, date(2026, 6, 30), stream("a"), method="last_birthday").place == 1
    assert choose_by_birthday(roster, date(2027, 1, 1), stream("a"), method="last_birthday").place == 3
    assert choose_by_birthday(roster, date(2026, 7, 1), stream("a")).place == 2


def test_a_leap_day_is_the_first_of_march_in_a_common_year():
    assert choose_by_birthday([(2, 29), (3, 2)], date(2026, 2, 28), stream("a")).place == 1
    tie = choose_by_birthday([(2, 29), (3, 1)], date(2026, 2, 28), stream("a"))
    assert tie.tied == (1, 2)
    assert choose_by_birthday([(2, 29), (3, 1)], date(2028, 2, 20), stream("a")).tied == (1,)


def test_twins_are_drawn_with_equal_chances():
    """600 fair coins: outside 230 … 370 with probability below 1e-8."""
    places = [
        choose_by_birthday([(5, 5), (5, 5)], date(2026, 1, 1), stream(str(i))).place for i in range(600)
    ]
    assert 230 < places.count(1) < 370


def test_bad_requests_are_refused():
    with pytest.raises(DesignError, match="no Kish table"):
        kish_choice("Z", 2)
    with pytest.raises(DesignError, match="at least one"):
        kish_choice("A", 0)
    with pytest.raises(DesignError, match="no birthday"):
        choose_by_birthday([(2, 30)], date(2026, 1, 1), stream("a"))
    with pytest.raises(DesignError, match="birthday method"):
        choose_by_birthday([(2, 3)], date(2026, 1, 1), stream("a"), method="tarot")
