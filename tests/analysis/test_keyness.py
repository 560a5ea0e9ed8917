"""Keyness: against scipy's log-likelihood ratio, and what must hold whatever the texts are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, chi2_contingency

from analysis.errors import AnalysisError
from analysis.keyness import RELIABLE, key_words, log_likelihood


@given(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
)
def test_it_is_the_log_likelihood_ratio_of_scipy(focus, reference):
    (n, a), (m, b) = focus, reference
    ours = log_likelihood(np.array([a]), np.array([b]), n, m)[0]
    if 0 < a + b < n + m:
        table = [[a, b], [n - a, m - b]]
        expected = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
        assert ours == pytest.approx(expected, abs=1e-8)
    else:
        assert ours == pytest.approx(0, abs=1e-9)


def test_the_threshold_is_the_upper_point_it_is_named_after():
    assert chi2.sf(RELIABLE, 1) == pytest.approx(1e-4, rel=0.01)


def test_a_rare_word_gives_what_rayson_and_garsides_two_cells_give():
    a, b, n, m = 30, 10, 100_000, 100_000
    e1, e2 = n * (a + b) / (n + m), m * (a + b) / (n + m)
    two_cells = 2 * (a * np.log(a / e1) + b * np.log(b / e2))
    assert log_likelihood(np.array([a]), np.array([b]), n, m)[0] == pytest.approx(two_cells, rel=1e-3)


def test_the_word_that_sets_the_texts_apart_comes_first_and_a_shared_one_not_at_all():
    focus = [["停车", "小区"]] * 30 + [["小区"]] * 10
    reference = [["小区", "路灯"]] * 60 + [["小区", "停车"]] * 2
    found = key_words(focus, reference)
    assert [key.word for key in found] == ["停车"]
    assert (found[0].focus, found[0].reference) == (30, 2)
    assert found[0].log_ratio == pytest.approx(np.log2((30 / 40) / (2 / 62)))


def test_a_word_repeated_by_one_person_counts_once():
    assert key_words([["停车"] * 50], [["路灯"]] * 50) == []


def test_without_a_second_side_there_is_nothing_to_compare():
    assert key_words([["停车"]] * 9, []) == [] and key_words([], [["停车"]] * 9) == []


def test_counts_outside_their_collection_are_refused():
    with pytest.raises(AnalysisError):
        log_likelihood(np.array([5]), np.array([0]), 4, 9)
    with pytest.raises(AnalysisError):
        log_likelihood(np.array([0]), np.array([0]), 0, 9)


@given(st.lists(st.lists(st.sampled_from("甲乙丙丁戊"), max_size=4), max_size=30), st.integers(0, 30))
def test_every_key_word_is_really_more_frequent_and_they_come_in_order(texts, cut):
    focus, reference = texts[:cut], texts[cut:]
    found = key_words(focus, reference, least_texts=1, least_likelihood=0)
    for key in found:
        assert key.focus * len(reference) > key.reference * len(focus)
    strengths = [key.log_likelihood for key in found]
    assert strengths == sorted(strengths, reverse=True)
