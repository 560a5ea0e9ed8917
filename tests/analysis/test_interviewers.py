"""Interviewer effects."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.errors import AnalysisError
from analysis.interviewers import interviewer_effect


def interviews(seed=1, sigma=1.0, sizes=(6,) * 12):
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(len(sizes)), sizes)
    return pd.DataFrame({"who": who, "y": rng.normal(0, sigma, len(sizes))[who] + rng.normal(0, 2, len(who))})


@given(st.integers(0, 5000))
def test_the_test_is_the_analysis_of_variance(seed):
    frame = interviews(seed, sizes=(3, 5, 8, 4))
    found = interviewer_effect(frame, value="y", interviewer="who")
    f, p = stats.f_oneway(*[part.y for _, part in frame.groupby("who")])
    assert found.f == pytest.approx(f) and found.p == pytest.approx(p)
    assert found.low <= found.icc <= found.high


def test_the_interval_covers_the_true_correlation():
    """400 samples with equal workloads at 95 %: hits within the 1e-4 limits of the binomial."""
    truth, hits = 1 / (1 + 4), 0
    for seed in range(400):
        found = interviewer_effect(interviews(seed), value="y", interviewer="who")
        hits += found.low <= truth <= found.high
    assert stats.binom.ppf(1e-4, 400, 0.95) <= hits <= stats.binom.isf(1e-4, 400, 0.95)


def test_missing_answers_are_left_out_and_the_design_effect_is_at_least_one():
    frame = interviews(3, sigma=0.0)
    frame.loc[0, "y"] = np.nan
    found = interviewer_effect(frame, value="y", interviewer="who")
    assert found.n == len(frame) - 1 and found.n_interviewers == 12 and found.design_effect >= 1


def test_a_single_interviewer_or_a_single_answer_says_nothing():
    with pytest.raises(AnalysisError, match="two groups"):
        interviewer_effect(interviews(sizes=(9,)), value="y", interviewer="who")
    with pytest.raises(AnalysisError, match="do not vary"):
        interviewer_effect(interviews().assign(y=1.0), value="y", interviewer="who")
