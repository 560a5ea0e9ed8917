"""The simulated interval of each street, and the plain statement of what cannot be had."""

import numpy as np
import pytest
from scipy import stats

from analysis.errors import DesignError
from analysis.planning import AnswerModel, detectable_change, forecast_streets, smallest_change


def forecast(sizes, n, take=10, *, runs=600, model=None, seed=8):
    model = model or AnswerModel(mean=80, sd=20, rho=0.05, response_rate=0.6)
    random = np.random.default_rng(seed)
    return forecast_streets(["s"] * len(sizes), sizes, {"s": n}, take, model, random, runs=runs)[0]


def test_many_communities_give_the_textbook_interval():
    """Equal communities, everybody answers: se² = S²(1 + ρ(b-1))/(nb), nearly, and t of n-1."""
    model = AnswerModel(80, 20, 0.05)
    street = forecast([500] * 200, 20, model=model)
    se = 20 * np.sqrt((1 + 0.05 * 9) / 200)
    assert street.empirical_se == pytest.approx(se, rel=0.15)
    assert street.half_width == pytest.approx(stats.t.ppf(0.975, 19) * se, rel=0.1)
    assert (street.issued, street.interviews) == (200, 200)


def test_the_interval_covers_as_it_says():
    """600 runs: the share of covering intervals has a standard error of 0.9 points, ± 4.5 of which pass."""
    random = np.random.default_rng(2)
    street = forecast(random.integers(100, 900, 60), 12)
    assert 0.91 < street.coverage < 0.99
    assert street.half_width_low < street.half_width < street.half_width_high


def test_few_communities_pay_for_their_degrees_of_freedom():
    wide, narrow = forecast([300] * 30, 2), forecast([300] * 30, 8, take=3)
    assert wide.half_width > 3 * narrow.half_width


def test_a_single_community_has_a_pooled_interval_and_says_so():
    street = forecast([300] * 10, 1, take=22)
    assert street.method == "pooled"
    assert np.isfinite(street.half_width)
    assert 0.88 < street.coverage <= 1


def test_certain_communities_and_small_ones_are_taken_whole():
    street = forecast([5000, 40, 6, 30], 3, take=10)
    assert street.issued <= 30
    assert street.n_runs == 600
    census = forecast([12, 9], 2, take=50, model=AnswerModel(80, 20, 0.05))
    assert census.empirical_se == pytest.approx(0, abs=1e-9)


def test_every_street_is_forecast_by_name():
    random = np.random.default_rng(0)
    found = forecast_streets(
        ["b", "a", "b", "a"], [50, 60, 70, 80], {"a": 2, "b": 1}, 5, AnswerModel(1, 1, 0.1), random, runs=20
    )
    assert [(f.street, f.communities, f.households, f.psus) for f in found] == [
        ("a", 2, 140, 2),
        ("b", 2, 120, 1),
    ]


def test_a_tenth_of_a_point_cannot_be_had_with_22_households():
    """S = 20: (1.96 + 0.84) √(2·400/22) = 16.9 points; a tenth takes 2(2.8016)²·400/0.01 = 627,911."""
    found = detectable_change(0.1, 20, 22, households=9000)
    assert not found.can_be_had
    assert found.smallest == pytest.approx(16.894, abs=1e-3)
    assert found.needed == pytest.approx(627_911, abs=2)
    assert found.power == pytest.approx(0.05, abs=1e-3)
    assert found.wrong_sign == pytest.approx(0.4934, abs=1e-3)
    assert "cannot be had" in found.sentence
    assert "more than exist" in found.sentence


def test_a_change_at_the_limit_is_found_with_the_power_asked():
    limit = smallest_change(20, 400, deff=1.4)
    found = detectable_change(limit, 20, 400, deff=1.4)
    assert found.can_be_had
    assert found.power == pytest.approx(0.8, abs=1e-4)
    assert found.needed == 400
    assert "can be had" in found.sentence
    assert smallest_change(20, 400, overlap=1, correlation=0.75) == pytest.approx(
        smallest_change(20, 400) / 2
    )


@pytest.mark.parametrize(
    "ask",
    [
        lambda: detectable_change(0, 20, 22),
        lambda: smallest_change(20, 0),
        lambda: smallest_change(20, 5, overlap=2),
        lambda: forecast([300, 300], 3),
        lambda: forecast([300, 0], 1),
        lambda: forecast([300, 300], 1, runs=1),
        lambda: forecast_streets(["x"], [5], {}, 2, AnswerModel(1, 1, 0.1), np.random.default_rng(0)),
    ],
)
def test_bad_requests_are_refused(ask):
    with pytest.raises(DesignError):
        ask()
