"""From answers to a person's value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.common.errors import Problem
from survey.stats.scores import code_text, codes_of, person_values

POINTS = {"5": 100, "4": 75, "3": 50, "2": 25, "1": 0}
MISSING = ["-1", "-2"]


def values(kind, definition, **answers):
    columns = {name: codes_of(np.array(column, dtype=object)) for name, column in answers.items()}
    return person_values(columns, definition, kind, MISSING).tolist()


def test_a_code_is_the_same_as_number_or_text():
    assert [code_text(v) for v in (5, 5.0, "5", None)] == ["5", "5", "5", None]


def test_several_choices_have_no_score():
    with pytest.raises(Problem):
        code_text([1, 2])


def test_points_and_don_t_know():
    definition = {"items": [{"name": "Q", "points": POINTS}]}
    result = values("mean_score", definition, Q=[5, "1", -1, None, 3.0])
    assert result[:2] == [100.0, 0.0] and result[4] == 50.0
    assert np.isnan(result[2]) and np.isnan(result[3])


def test_an_index_needs_enough_valid_items():
    definition = {"items": [{"name": n, "points": POINTS} for n in "AB"], "min_valid": 2}
    result = values("mean_score", definition, A=[5, 5], B=[1, -1])
    assert result[0] == 50.0 and np.isnan(result[1])


def test_a_share_counts_the_named_answers_only():
    definition = {"items": [{"name": "Q"}], "top_codes": [5, 4]}
    result = values("share", definition, Q=[5, 4, 3, -1, None])
    assert result[:3] == [1.0, 1.0, 0.0] and np.isnan(result[3]) and np.isnan(result[4])


def test_don_t_know_is_a_wrong_answer_where_the_rule_says_so():
    definition = {"items": [{"name": "K"}], "top_codes": [3], "excluded_codes": [-2]}
    result = values("share", definition, K=[3, 1, -1, -2])
    assert result[:3] == [1.0, 0.0, 0.0] and np.isnan(result[3])


def test_a_code_without_points_is_named_not_dropped():
    with pytest.raises(Problem, match="9"):
        values("mean_score", {"items": [{"name": "Q", "points": POINTS}]}, Q=[5, 9])


def test_an_item_that_nobody_was_asked_gives_no_value():
    definition = {"items": [{"name": "Q", "points": POINTS}]}
    assert np.isnan(values("mean_score", definition, other=[1, 2])).all()


@given(st.lists(st.sampled_from([5, 4, 3, 2, 1, -1, -2, None]), min_size=1, max_size=30))
def test_scores_stay_between_0_and_100(column):
    result = np.array(values("mean_score", {"items": [{"name": "Q", "points": POINTS}]}, Q=column))
    known = result[~np.isnan(result)]
    assert len(known) == sum(1 for v in column if v is not None and v > 0)
    assert ((known >= 0) & (known <= 100)).all()
