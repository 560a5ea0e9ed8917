"""AAPOR outcome rates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.rates import CLASSES, eligibility_rate, outcome_rates

EXAMPLE = {"I": 4, "P": 2, "R": 1, "NC": 1, "O": 1, "UH": 1, "UO": 1, "NE": 1}


def test_all_sixteen_rates_meet_the_worked_example_of_outcomerate():
    # ropensci/outcomerate README, e = 0.9, three decimals.
    expected = {
        "RR1": 0.364, "RR2": 0.545, "RR3": 0.37, "RR4": 0.556, "RR5": 0.444, "RR6": 0.667,
        "COOP1": 0.5, "COOP2": 0.75, "COOP3": 0.571, "COOP4": 0.857,
        "REF1": 0.091, "REF2": 0.093, "REF3": 0.111, "CON1": 0.727, "CON2": 0.741, "CON3": 0.889,
    }  # fmt: skip
    rates = outcome_rates(EXAMPLE, e=0.9).rates
    assert {name: round(value, 3) for name, value in rates.items()} == expected


def test_e_is_the_share_of_known_units_that_are_eligible():
    assert eligibility_rate(EXAMPLE) == pytest.approx(9 / 10)


def test_without_anything_known_there_is_no_e_and_no_rate_that_needs_it():
    result = outcome_rates({"UH": 5})
    assert result.e is None and result.rates["RR3"] is None and result.rates["RR1"] == 0


def test_weighted_counts_keep_their_fractions():
    result = outcome_rates({"I": 10.5, "R": 4.5, "UH": 6.0})
    assert result.rates["RR1"] == pytest.approx(0.5) and result.counts["UH"] == 6


def test_no_case_at_all_gives_no_rate_instead_of_a_division_by_zero():
    assert set(outcome_rates({}).rates.values()) == {None}


@pytest.mark.parametrize("counts", [{"X": 1}, {"I": -1}, {"I": float("nan")}])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(AnalysisError):
        outcome_rates(counts)


@given(st.dictionaries(st.sampled_from(CLASSES), st.integers(0, 10_000)))
def test_rates_are_shares_and_keep_their_order(counts):
    result = outcome_rates(counts)
    known = [v for v in result.rates.values() if v is not None]
    assert all(0 <= v <= 1 for v in known)
    if result.rates["RR1"] is not None and result.rates["RR5"] is not None:
        assert result.rates["RR1"] <= result.rates["RR3"] + 1e-12
        assert result.rates["RR3"] <= result.rates["RR5"] + 1e-12
