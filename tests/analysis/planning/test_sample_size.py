"""Sample sizes: put back into the variance they give the target; refusals say what is possible."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.errors import DesignError
from analysis.planning import (
    achievable_margin,
    size_for_domain,
    size_for_mean,
    size_for_share,
    size_for_share_logodds,
    size_for_share_wilson,
    size_for_two_means,
    size_for_two_shares,
)

Z = stats.norm.ppf(0.975)


def test_the_textbook_share_of_a_half():
    """±3 points at 95 %: 1,067.07 → 1,068, the figure of every textbook (Cochran 1977, section 4.4)."""
    size = size_for_share(0.5, margin=0.03)
    assert size.n == pytest.approx(1067.0719, abs=1e-4)
    assert size.respondents == 1068
    assert size_for_share(0.5, margin=0.03, deff=1.5, response_rate=0.4).issued == 4002


@given(
    s2=st.floats(0.01, 1000),
    margin=st.floats(0.01, 5),
    population=st.integers(10, 10**7),
    deff=st.floats(0.8, 4),
)
def test_n_put_back_gives_the_margin_asked(s2, margin, population, deff):
    size = size_for_mean(s2, margin=margin, population=population, deff=deff)
    assert size.n <= population
    assert Z * math.sqrt(deff * s2 * (1 / size.n - 1 / population)) == pytest.approx(margin, rel=1e-6)


@given(p=st.floats(0.02, 0.98), half=st.floats(0.005, 0.1), confidence=st.floats(0.8, 0.99))
def test_wilsons_interval_at_n_has_the_half_width(p, half, confidence):
    z = stats.norm.ppf((1 + confidence) / 2)
    size = size_for_share_wilson(p, half, confidence=confidence)
    n = size.n
    width = z * math.sqrt(z * z + 4 * n * p * (1 - p)) / (2 * (n + z * z))
    assert width == pytest.approx(half, rel=1e-9)
    assert size.high - size.low == pytest.approx(2 * half)


@given(p=st.floats(0.02, 0.98), half=st.floats(0.005, 0.2), population=st.integers(100, 10**7))
def test_the_log_odds_interval_at_n_has_the_half_width(p, half, population):
    size = size_for_share_logodds(p, half, population=population)
    spread = (1 / size.n - 1 / population) * (population - 1) / (population * p * (1 - p))
    w, k = Z * math.sqrt(spread), (1 - p) / p
    width = (1 / (1 + k * math.exp(-w)) - 1 / (1 + k * math.exp(w))) / 2
    assert width == pytest.approx(half, rel=1e-6)


def test_a_domain_needs_its_share_more():
    whole = size_for_mean(unit_cv=2, cv=0.05).n
    assert size_for_domain(2, 0.25, 0.05).n == pytest.approx(4 * whole)
    assert size_for_domain(2, 0.25, 0.05, total=True).n > 4 * whole


def test_a_precision_that_needs_more_than_exist_says_so_and_what_can_be_had():
    size = size_for_mean(400, margin=1, population=500, response_rate=0.3)
    assert not size.possible
    best = achievable_margin(400, 500, response_rate=0.3)
    assert best == pytest.approx(Z * math.sqrt(400 * (1 / 150 - 1 / 500)))
    assert size_for_mean(400, margin=best * 1.0001, population=500, response_rate=0.3).possible
    assert achievable_margin(400, 500) == 0


def test_overlap_of_rounds_saves_interviews_when_answers_correlate():
    apart = size_for_two_means((400, 400), 2)
    panel = size_for_two_means((400, 400), 2, correlation=0.6, overlap=0.5)
    assert apart.unrounded == pytest.approx(2 * 400 * (1.959964 + 0.841621) ** 2 / 4, rel=1e-6)
    assert panel.unrounded == pytest.approx(apart.unrounded * 0.7)
    assert size_for_two_means((400, 400), 2, deff=1.5).unrounded == pytest.approx(1.5 * apart.unrounded)


def test_the_ratio_of_the_samples_is_kept():
    size = size_for_two_shares(0.5, 0.6, ratio=2)
    assert size.n2 == math.ceil(size.unrounded / 2)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: size_for_mean(400),
        lambda: size_for_mean(400, margin=1, variance=1),
        lambda: size_for_mean(400, unit_cv=1, margin=1),
        lambda: size_for_mean(400, cv=0.1),
        lambda: size_for_mean(-1, margin=1),
        lambda: size_for_mean(400, margin=0),
        lambda: size_for_mean(400, margin=1, response_rate=0),
        lambda: size_for_mean(400, margin=1, deff=0),
        lambda: size_for_mean(400, margin=1, confidence=1),
        lambda: size_for_mean(400, margin=1, population=0),
        lambda: size_for_share(0, margin=0.1),
        lambda: size_for_share(0.5, margin=0.1, population=1),
        lambda: size_for_share_wilson(0.5, 0.6),
        lambda: size_for_share_logodds(0.5, 0.5),
        lambda: size_for_domain(1, 0, 0.1),
        lambda: achievable_margin(400, 500, issued=501),
        lambda: size_for_two_means((1, 1), 0),
        lambda: size_for_two_means((1, 1), 1, overlap=1.5),
        lambda: size_for_two_means((1, 1), 1, alternative="sideways"),
        lambda: size_for_two_means((1, 1), 1, alpha=0),
        lambda: size_for_two_shares(0.5, 0.6, overlap=0.5),
        lambda: size_for_two_shares(0.5, 1.0),
    ],
)
def test_bad_requests_are_refused(ask):
    with pytest.raises(DesignError):
        ask()
