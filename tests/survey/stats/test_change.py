"""Change between rounds, where there is none."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.stats.change import Before, changes
from survey.stats.claims import Test as Claim
from survey.stats.claims import judge


def now(estimate: float, se: float) -> SimpleNamespace:
    """A table of one figure, the whole's."""
    return SimpleNamespace(
        row=lambda _key: 0,
        estimate=np.array([estimate]),
        se=np.array([se]),
        df=np.array([20.0]),
        method=np.array(["taylor"]),
    )


@given(st.floats(1e-6, 100), st.floats(1e-6, 10))
def test_the_last_digit_of_a_published_figure_is_no_change(estimate, se):
    """The same people answer alike: the error of the change is 0, and a rest of 1e-14 would be certain."""
    published = Before(float(f"{estimate:.12g}"), float(f"{se:.12g}"), 20.0)
    change = changes({"all": published}, now(estimate, se), {"all": se * se})["all"]
    assert change.difference == 0
    verdict = judge([Claim("change", "score", "all", change.difference, change.se, change.df)])[0]
    assert not verdict.claimed


def test_a_change_in_the_tenth_digit_is_one():
    change = changes({"all": Before(50.0, 1.0, 20.0)}, now(50.00000001, 1.0), {})["all"]
    assert change.difference == pytest.approx(1e-8, rel=1e-3)
