import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.scores import (
    DECIMAL_5,
    LINEAR_5,
    STEPPED_5,
    CompositeIndex,
    linear_rule,
    numeric_rule,
    points_rule,
)

SAFE = ["很安全", "安全", "基本安全", "不太安全", "不安全"]
# National safety survey 2002, n = 101,988 (People's Daily 2003-03-03): shares of the five answers in per
# mille.
ANSWERS = np.repeat(SAFE, [69, 356, 416, 124, 35])


@pytest.mark.parametrize(("points", "score"), [(LINEAR_5, 57.5), (DECIMAL_5, 66.0), (STEPPED_5, 64.06)])
def test_the_same_answers_give_the_published_scores_under_three_rules(points, score):
    assert points_rule(SAFE, points).score(ANSWERS).mean() == pytest.approx(score, abs=1e-9)


def test_top_shares_of_the_safety_survey():
    rule = points_rule(SAFE, LINEAR_5)
    assert rule.top_share(ANSWERS, 2).mean() == pytest.approx(0.425)
    assert rule.top_share(ANSWERS, 3).mean() == pytest.approx(0.841)


def test_four_levels_and_zero_to_ten_are_linear():
    assert list(linear_rule([1, 2, 3, 4]).points.values()) == pytest.approx([100, 200 / 3, 100 / 3, 0])
    assert numeric_rule(0, 10).score(np.array([0, 7, 10])) == pytest.approx([0, 70, 100])


def test_dont_know_is_kept_apart():
    rule = linear_rule([1, 2, 3, 4, 5], no_answer=[-1, -2])
    answers = np.array([1, -1, 5, -2, np.nan])
    assert np.isnan(rule.score(answers)[[1, 3, 4]]).all()
    assert list(rule.no_opinion(answers)[:4]) == [0, 1, 0, 1]
    assert np.isnan(rule.no_opinion(answers)[4])


def test_a_code_the_rule_does_not_know_is_refused():
    with pytest.raises(AnalysisError, match=r"does not know the answers \[9\]"):
        linear_rule([1, 2, 3]).score(np.array([1, 9]))


def test_a_reversed_item_turns_the_points_round():
    rule = linear_rule([1, 2, 3, 4, 5]).reversed()
    assert rule.score(np.array([1, 5])) == pytest.approx([0, 100])
    assert "reversed" in rule.describe()


def test_an_index_needs_half_of_its_items():
    index = CompositeIndex("获得感", {"a": 1, "b": 1, "c": 2})
    assert index.needed == 2
    value = index.compute(
        {"a": np.array([100, 50, np.nan]), "b": np.array([0, np.nan, np.nan]), "c": np.array([50, 100, 80])}
    )
    assert value[:2] == pytest.approx([50, 250 / 3])
    assert np.isnan(value[2])


def test_a_tie_at_the_cut_of_a_top_share_is_refused():
    with pytest.raises(AnalysisError, match="unclear"):
        points_rule([1, 2, 3], [100, 50, 50]).top(2)
