"""The group-wise Fay–Herriot model against the general one."""

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.small_area import fay_herriot
from analysis.small_area.one_way import fay_herriot_one_way


@pytest.mark.parametrize("spread", [0.0, 2.0, 6.0])
@pytest.mark.parametrize("seed", range(4))
def test_it_agrees_with_the_general_model(seed, spread):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(4), 9)
    variance = rng.uniform(1, 9, 36)
    direct = 60 + 3 * group + rng.normal(0, spread, 36) + rng.normal(0, np.sqrt(variance))
    direct[[3, 17]] = np.nan
    found = fay_herriot_one_way(direct, variance, group)
    data = {"y": direct, "d": variance, "g": np.array([f"g{k}" for k in group], dtype=object)}
    expected = fay_herriot(data, estimate="y", variance="d", categorical=["g"])
    assert found.refvar == pytest.approx(expected.refvar, rel=1e-6, abs=1e-7)
    for mine, theirs in (
        (found.estimate, expected.estimate),
        (found.mse, expected.mse),
        (found.shrinkage, expected.shrinkage),
    ):
        assert np.allclose(mine, theirs, rtol=1e-5, atol=1e-7)


def test_too_few_areas_are_refused():
    with pytest.raises(AnalysisError, match="cannot carry"):
        fay_herriot_one_way(np.array([1.0, 2.0]), np.ones(2), np.array([0, 1]))
