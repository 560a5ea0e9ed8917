"""The door to planning: points and households go in, whole numbers and refusals come out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.common.errors import Problem
from survey.stats.planning import (
    COST,
    EQUAL,
    NEYMAN,
    POWER,
    PROPORTIONAL,
    SCORE,
    SHARE,
    Goal,
    Group,
    Stratum,
    Terms,
    allocate_communities,
    allocate_to_goals,
    best_take,
    change_between_rounds,
    combined_margin,
    forecast_groups,
    households_needed,
    margin_with,
)
from survey.stats.planning_words import impossible_sentence

TERMS = Terms(SCORE, 25.0, 0.05, 0.3, 600.0, 40.0)
STRATA = [
    Stratum("a", "d", 6000, 40, 25.0, 40.0),
    Stratum("b", "d", 3000, 20, 25.0, 40.0),
    Stratum("c", "d", 1000, 8, 25.0, 40.0),
]


def test_households_needed_follow_the_formula_by_hand():
    need = households_needed(TERMS, 2.0, 60_000, 20)
    deff = 1 + (20 * 0.3 - 1) * 0.05
    n = 1 / ((2 / 1.959964) ** 2 / (deff * 625) + 1 / 60_000)
    assert need.respondents == math.ceil(n)
    assert need.issued == math.ceil(n / 0.3)
    assert need.communities == math.ceil(need.issued / 20)
    assert need.possible


def test_a_margin_that_needs_more_than_exist_names_the_best_there_is():
    need = households_needed(TERMS, 1.0, 300, 20)
    assert not need.possible
    assert need.best_margin == pytest.approx(margin_with(TERMS, 300, 300, 20))
    assert need.best_margin > 1.0


@given(
    margin=st.floats(0.5, 10),
    households=st.integers(200, 500_000),
    take=st.integers(2, 60),
    rate=st.floats(0.1, 1),
    rho=st.floats(0, 0.3),
    share=st.floats(0.05, 0.95),
    kind=st.sampled_from([SCORE, SHARE]),
)
def test_the_households_asked_for_give_the_margin_that_was_asked_for(
    margin, households, take, rate, rho, share, kind
):
    sd = 100 * math.sqrt(share * (1 - share)) if kind == SHARE else 25.0
    terms = Terms(kind, sd, rho, rate, 600.0, 40.0, share=share)
    need = households_needed(terms, margin, households, take)
    if need.possible:
        # A share's S² has the factor N/(N-1); rounding up can only help.
        assert margin_with(terms, need.issued, households, take) <= margin * (1 + 2 / households) + 1e-9
    else:
        assert need.best_margin > margin * (1 - 2 / households)


@given(rho=st.floats(0.005, 0.5), rate=st.floats(0.1, 1), c1=st.floats(50, 5000), c2=st.floats(5, 200))
def test_no_other_take_is_cheaper_than_the_best_one(rho, rate, c1, c2):
    terms = Terms(SCORE, 25.0, rho, rate, c1, c2)

    def variance_times_cost(b):
        return (rho + (1 - rho) / (b * rate)) * (c1 + c2 * b)

    best = best_take(terms)
    neighbours = [b for b in range(2, 501) if abs(b - best) > 1]
    assert variance_times_cost(best) <= min(variance_times_cost(b) for b in neighbours) * (1 + 1e-9)


def test_the_best_take_grows_without_bound_where_communities_do_not_differ():
    assert best_take(Terms(SCORE, 25.0, 0.0, 0.3, 600.0, 40.0), at_most=77) == 77


@pytest.mark.parametrize("method", [PROPORTIONAL, EQUAL, POWER, NEYMAN, COST])
@pytest.mark.parametrize("n", [6, 17, 40, 68])
def test_an_allocation_adds_up_within_what_there_is(method, n):
    found = allocate_communities(method, TERMS, STRATA, n, 20)
    assert sum(found.values()) == n
    assert all(2 <= found[s.code] <= s.communities for s in STRATA)


def test_each_rule_leans_as_its_name_says():
    equal = allocate_communities(EQUAL, TERMS, STRATA, 21, 20)
    power = allocate_communities(POWER, TERMS, STRATA, 21, 20)
    proportional = allocate_communities(PROPORTIONAL, TERMS, STRATA, 21, 20)
    assert equal == {"a": 7, "b": 7, "c": 7}
    assert proportional["c"] < power["c"] < equal["c"]
    spread = [Stratum("a", "d", 6000, 40, 10.0, 40.0), Stratum("b", "d", 6000, 40, 30.0, 40.0)]
    neyman = allocate_communities(NEYMAN, TERMS, spread, 20, 20)
    assert neyman == {"a": 5, "b": 15}
    dear = [Stratum("a", "d", 6000, 40, 25.0, 400.0), Stratum("b", "d", 6000, 40, 25.0, 40.0)]
    by_cost = allocate_communities(COST, TERMS, dear, 20, 20)
    assert by_cost["a"] < by_cost["b"]


@pytest.mark.parametrize("n", [5, 69])
def test_too_few_or_too_many_communities_are_refused(n):
    with pytest.raises(Problem) as refused:
        allocate_communities(EQUAL, TERMS, STRATA, n, 20)
    assert refused.value.code == "stats.impossible"


def test_goals_are_met_together_and_at_no_more_than_the_sum_of_each():
    goals = [
        Goal("all", frozenset("abc"), 1.5),
        Goal("c", frozenset("c"), 3.0),
    ]
    drawn = allocate_to_goals(TERMS, STRATA, goals, 20)
    assert margin_with(TERMS, drawn["c"], 1000, 20) <= 3.0 + 1e-6
    variance = sum((s.households * margin_with(TERMS, drawn[s.code], s.households, 20)) ** 2 for s in STRATA)
    assert math.sqrt(variance) / 10_000 <= 1.5 + 1e-6
    alone = households_needed(TERMS, 3.0, 1000, 20).issued
    assert drawn["c"] == pytest.approx(alone, abs=1)


def test_a_forecast_agrees_with_the_formula_where_the_formula_holds():
    group = Group("a", (500,) * 200, 60)
    (row,) = forecast_groups([group], 20, TERMS, mean=75.0, seed=7, runs=600)
    planned = margin_with(TERMS, 1200, math.inf, 20)
    # Median of 600 half-widths with 59 df; the simulated city has 200 communities, so a fpc of √(1-60/200).
    assert row["half_width"] == pytest.approx(planned, rel=0.08)
    assert row["coverage"] > 0.9
    assert row["method"] == "between PSUs"
    assert row == forecast_groups([group], 20, TERMS, mean=75.0, seed=7, runs=600)[0]


def test_a_street_with_few_communities_gets_a_pooled_error_as_in_the_report():
    (row,) = forecast_groups([Group("a", (300, 400, 500), 2)], 20, TERMS, mean=75.0, seed=7)
    assert row["method"] == "pooled"
    assert row["half_width"] == pytest.approx(1.959964 * row["empirical_se"], rel=1e-6)
    assert row["coverage"] is None


def test_the_whole_is_more_exact_than_its_parts():
    rows = forecast_groups(
        [Group("a", (400,) * 30, 8), Group("b", (400,) * 30, 8)], 20, TERMS, mean=75, seed=1
    )
    whole = combined_margin(TERMS, rows)
    assert whole < min(TERMS.z * row["empirical_se"] for row in rows)
    assert combined_margin(TERMS, []) is None


def test_the_famous_tenth_of_a_point_is_said_to_be_out_of_reach():
    change = change_between_rounds(TERMS, 0.1, issued=22, take=22, households=60_000)
    sentence = impossible_sentence(TERMS, change, name="一个街道", exists_name="全区")
    assert sentence.startswith("做不到")
    assert "全区一共只有 60,000 户" in sentence
    easy = change_between_rounds(TERMS, 40, issued=2200, take=22, households=60_000)
    assert "分得清" in impossible_sentence(TERMS, easy, name="一个街道", exists_name="全区")
