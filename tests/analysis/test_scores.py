import numpy as np
import pytest

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation import contrast, mean, proportion
from analysis.scores import (
    DECIMAL_5,
    LINEAR_5,
    STEPPED_5,
    CompositeIndex,
    linear_rule,
    numeric_rule,
    points_rule,
)
from tests.analysis.samples import two_stage

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


def test_the_error_of_an_index_accounts_for_all_of_its_components():
    data = two_stage(1)
    design = SurveyDesign(data, weights="w", strata="h", clusters="psu")
    index = CompositeIndex("安全感", {"y": 2, "x": 1, "z": 1})
    scores = {k: design.columns.array(k) for k in index.items}
    direct = mean(design, {"index": index.compute(scores)})
    parts = mean(design, scores)
    weights = {"y": 0.5, "x": 0.25, "z": 0.25}
    made = contrast(parts, {"index": weights})
    assert direct.estimate == pytest.approx(made.estimate)
    assert direct.se == pytest.approx(made.se)
    assert direct.df == pytest.approx(made.df)
    apart = np.sqrt(sum(w**2 * v for w, v in zip(weights.values(), parts.variance, strict=True)))
    assert abs(direct.se[0] / apart - 1) > 1e-3


def test_scores_and_shares_of_a_survey_keep_their_base():
    """The published answers again, through a design: the figure, its base, and 不了解 as a share apart."""
    answers = np.append(ANSWERS, ["不了解"] * 200)
    rule = points_rule(SAFE, LINEAR_5, no_answer=["不了解"])
    design = SurveyDesign({"a": answers}, weights=np.ones(len(answers)))
    score = mean(design, {"score": rule.score(answers)})
    assert (score.estimate[0], score.n[0]) == (pytest.approx(57.5), 1000)
    share = proportion(design, "a", levels=rule.top(2), exclude=rule.no_answer)
    assert (share.estimate[0], share.n[0]) == (pytest.approx(0.425), 1000)
    apart = mean(design, {"dk": rule.no_opinion(answers)})
    assert (apart.estimate[0], apart.n[0]) == (pytest.approx(1 / 6), 1200)
