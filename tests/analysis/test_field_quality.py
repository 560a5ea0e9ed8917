"""Doubts about a field: single measures, shares beyond chance, and where the next visit helps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.errors import AnalysisError
from analysis.field_quality import KINDS, Interviews, interview_doubts, standouts
from analysis.followup import PRIOR_CASES, expected_propensity, group_deficits
from analysis.interviewers import effect_beyond_place
from analysis.interviews import (
    alike_pictures,
    closeness,
    closest_match,
    distance_from_others,
    flat_blocks,
    gaps_and_ways,
    pace_ratio,
    times_seen,
    to_metres,
)
from analysis.outliers import LEAST_RHO, share_outliers
from analysis.representativeness import r_indicator


def codes(seed=0, n=60, k=20, levels=5):
    return np.random.default_rng(seed).integers(-1, levels, (n, k))


# --- single interviews ----------------------------------------------------------------------------------
@given(st.integers(0, 200), st.booleans())
def test_the_nearest_neighbour_is_what_looking_at_every_pair_finds(seed, within):
    answers = codes(seed, n=14, k=12, levels=3)
    group = np.arange(14) % 3
    share, row = closest_match(answers, group=group, within=within, least=4)
    for i in range(14):
        best = {}
        for j in range(14):
            both = (answers[i] >= 0) & (answers[j] >= 0)
            if i != j and (group[i] == group[j]) == within and both.sum() >= 4:
                best[j] = np.mean(answers[i][both] == answers[j][both])
        if not best:
            assert np.isnan(share[i]) and row[i] == -1
            continue
        assert share[i] == pytest.approx(max(best.values())) and best[row[i]] == pytest.approx(share[i])


def test_interviews_without_a_comparable_other_have_no_neighbour():
    share, row = closest_match(np.array([[1, -1], [-1, 1]]), least=1)
    assert np.isnan(share).all() and (row == -1).all()


def test_a_block_is_flat_only_when_enough_of_it_was_answered_with_one_code():
    answers = np.array([[3, 3, 3, 3, -1], [3, 3, 3, -1, -1], [3, 3, 3, 2, 3], [-1, -1, -1, -1, -1]])
    assert flat_blocks(answers, [range(5)]).tolist() == [1, 0, 0, 0]


def test_pace_is_per_item_and_relative_to_the_team():
    found = pace_ratio(np.array([100.0, 200, 400, 0]), np.array([10, 20, 20, 10]))
    assert found[:3].tolist() == [1, 1, 2] and np.isnan(found[3])


def test_real_answers_are_about_one_from_the_means_and_made_up_ones_nearer():
    rng = np.random.default_rng(1)
    real, made_up = rng.integers(0, 5, (300, 30)), rng.integers(1, 4, (20, 30))
    found = closeness(np.vstack([real, made_up]))
    assert found[:300].mean() == pytest.approx(1, abs=0.05) and found[300:].max() < 0.8


def test_gaps_and_ways_belong_to_the_interview_before_by_the_same_person():
    start = np.array([0.0, 1000, 400, 5000])
    place = np.array([[0.0, 0], [300, 400], [9, 9], [np.nan, np.nan]])
    gap, way, before = gaps_and_ways(start, start + 500, place, np.array(["a", "a", "b", "a"]))
    assert gap[1] == 500 and way[1] == 500 and before.tolist() == [-1, 0, -1, 1]
    assert np.isnan(gap[[0, 2]]).all() and gap[3] == 3500 and np.isnan(way[3])


def test_degrees_become_metres():
    """One minute of latitude is a nautical mile (1,852 m, rounded); of longitude, cos(latitude) of it."""
    found = to_metres(np.array([36.0, 36.0 + 1 / 60, 36.0]), np.array([117.0, 117.0, 117.0 + 1 / 60]))
    assert np.diff(found[[0, 1], 1])[0] == pytest.approx(1852, rel=2e-3)
    assert np.diff(found[[0, 2], 0])[0] == pytest.approx(1852 * np.cos(np.radians(36)), rel=2e-3)


def test_a_place_is_far_by_the_yardstick_of_colleagues():
    rng = np.random.default_rng(2)
    place = rng.uniform(0, 200, (40, 2))
    place[0] = [2000, 2000]
    group = np.repeat([0, 1], 20)
    distance, reach = distance_from_others(place, np.zeros(40, dtype=int), group)
    assert distance[0] > 10 * reach[0] and np.median(distance[1:]) < reach[1]
    alone, _reach = distance_from_others(place, np.arange(40), group)
    assert np.isnan(alone).all()


def test_pictures_and_numbers_that_come_twice_are_found():
    bits, row = alike_pictures(np.array([0b1111, 0, 0b1110, 2**63], dtype=np.uint64))
    assert bits.tolist() == [1, 65, 1, 4] and row[0] == 2 and row[1] == -1
    marks = np.array([0b1111, 0b1110, 0b0011, 0], dtype=np.uint64)
    bits, row = alike_pictures(marks, np.array([7, 7, 8, 9]))  # the first two are of one door
    assert bits.tolist() == [2, 3, 2, 65] and row.tolist() == [2, 2, 0, -1]
    bits, row = alike_pictures(marks, np.zeros(4, dtype=int))
    assert bits.tolist() == [65] * 4 and row.tolist() == [-1] * 4
    assert times_seen(np.array(["a", "", "a", "b"])).tolist() == [2, 0, 2, 1]


# --- shares beyond chance -------------------------------------------------------------------------------
@pytest.mark.parametrize(("rate", "steady"), [(0.02, True), (0.02, False), (0.1, False), (0.4, False)])
def test_teams_without_a_cheater_name_somebody_no_more_often_than_they_may(rate, steady):
    """300 teams of 40 with honest differences: at 5 % for the whole team, within the 1e-3 limit of chance."""
    rng = np.random.default_rng(3)
    rho = min(LEAST_RHO, 0.25 * rate) if steady else 2 * LEAST_RHO
    named = 0
    for _ in range(300):
        own = rng.beta(rate * (1 - rho) / rho, (1 - rate) * (1 - rho) / rho, 40)
        tries = rng.integers(15, 40, 40)
        found = share_outliers(rng.binomial(tries, own), tries, steady=steady)
        named += (found.p * 40 <= 0.05).any()
    assert named <= stats.binom.isf(1e-3, 300, 0.05)


def test_one_bad_unit_stands_out_and_hides_no_other():
    hits, tries = np.array([1, 0, 1, 0, 0, 1, 0, 1, 12, 14]), np.full(10, 30)
    found = share_outliers(hits, tries, steady=True)
    assert (found.p[8:] < 1e-6).all() and (found.p[:8] > 0.1).all()
    assert found.expected[0] < 0.05 and found.low[9] < 14 / 30 < found.high[9]


def test_who_was_never_tried_is_never_named():
    found = share_outliers(np.array([0, 3, 1, 0]), np.array([0, 30, 30, 30]))
    assert found.p[0] == 1 and np.isnan(found.low[0])


@pytest.mark.parametrize(("hits", "tries"), [([2, 0, 0], [1, 5, 5]), ([0, 0], [5, 5])])
def test_nonsense_is_refused(hits, tries):
    with pytest.raises(AnalysisError):
        share_outliers(np.array(hits), np.array(tries))


def test_a_copier_stands_out_by_his_kind_and_columns_that_are_missing_are_not_looked_at():
    rng = np.random.default_rng(4)
    who, answers = np.repeat(np.arange(12), 20), rng.integers(0, 5, (240, 24))
    answers[25:36] = answers[20]  # interviewer 1 copies his first interview eleven times
    doubts = interview_doubts(Interviews(interviewer=who, area=who // 3, codes=answers))
    found = standouts(who, doubts)
    assert np.flatnonzero(found.stands_out).tolist() == [1]
    assert found.by_kind[1, found.kinds.index("same_answers")] < 1e-6
    assert set(found.kinds) < set(KINDS) and "fast" not in found.kinds
    with pytest.raises(AnalysisError):
        standouts(who, doubts, alpha=2)


# --- interviewers within places -------------------------------------------------------------------------
def test_the_effect_beyond_place_is_the_second_term_of_a_two_way_analysis_of_variance():
    """Balanced and crossed: F of the interviewers is the classical one (R: anova(lm(y ~ place + who)))."""
    rng = np.random.default_rng(5)
    place, who = np.repeat([0, 1, 2], 20), np.tile(np.repeat([0, 1], 10), 3)
    y = 2.0 * place + rng.normal(0, 1, 60)
    found = effect_beyond_place(y, who, place)
    between = sum(30 * (y[who == k].mean() - y.mean()) ** 2 for k in (0, 1))
    places = sum(20 * (y[place == k].mean() - y.mean()) ** 2 for k in (0, 1, 2))
    within = ((y - y.mean()) ** 2).sum() - between - places
    assert (found.df_between, found.df_within) == (1, 56)
    assert found.f == pytest.approx(between / (within / 56))
    assert found.p == pytest.approx(stats.f.sf(found.f, 1, 56))


def test_places_of_a_single_interviewer_say_nothing_about_him():
    with pytest.raises(AnalysisError, match="no place"):
        effect_beyond_place(np.arange(6.0), np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 1]))


# --- follow-up ------------------------------------------------------------------------------------------
def test_deficits_are_the_partial_indicators_of_a_model_with_that_grouping_alone():
    rng = np.random.default_rng(6)
    group = rng.integers(0, 4, 400)
    y = (rng.random(400) < 0.2 + 0.15 * group).astype(float)
    found = group_deficits(y, group)
    whole = r_indicator({"y": y, "g": group}, response="y", x=["g"])
    expected = whole.unconditional["g"].by_category
    for label, value in zip(found.groups, found.contribution, strict=True):
        assert value == pytest.approx(expected[label], abs=1e-6)
    assert found.r == pytest.approx(whole.r_unadjusted, abs=2e-3)


def test_a_group_that_never_answered_is_no_obstacle():
    found = group_deficits(np.array([1, 1, 0, 0]), ["a", "a", "b", "b"])
    assert found.contribution.tolist() == pytest.approx([0.25**0.5 * 0.5**0.5, -(0.25**0.5) * 0.5**0.5])
    with pytest.raises(AnalysisError):
        group_deficits(np.array([]), [])


def test_expected_response_leans_on_the_larger_group():
    past = {"district": ["d"] * 100, "street": ["s"] * 60 + ["t"] * 40}
    responded = np.r_[np.ones(30), np.zeros(30), np.zeros(40)]
    coming = {"district": ["d", "d", "d", "e"], "street": ["s", "t", "new", "x"]}
    found = expected_propensity(past, responded, coming)
    district = (30 + PRIOR_CASES * 0.3) / (100 + PRIOR_CASES)
    assert found[0] == pytest.approx((30 + PRIOR_CASES * district) / (60 + PRIOR_CASES))
    assert found[1] == pytest.approx(PRIOR_CASES * district / (40 + PRIOR_CASES))
    assert found[2] == pytest.approx(district) and found[3] == pytest.approx(0.3)
    with pytest.raises(AnalysisError):
        expected_propensity(past, responded, {"street": ["s"]})
