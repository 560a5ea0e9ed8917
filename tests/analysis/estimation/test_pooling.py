import numpy as np
import pytest

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation import mean, pool_variances


def city(rng, kind, streets=60, rho=0.06):
    """Streets with 2–5 PSUs of about 20 households, the first five with 12; weights of 1–3."""
    truth = rng.beta(8, 3, streets) if kind == "share" else rng.normal(75, 5, streets)
    psus = rng.choice([2, 3, 4, 5], streets)
    psus[:5] = 12
    street_of = np.repeat(np.arange(streets), psus)
    take = rng.integers(10, 23, len(street_of))
    psu = np.repeat(np.arange(len(street_of)), take)
    street = street_of[psu]
    if kind == "share":
        a = truth[street_of] * (1 / rho - 1)
        y = rng.random(len(psu)) < rng.beta(a, 1 / rho - 1 - a)[psu]
    else:
        between = rng.normal(size=len(street_of))[psu] * 20 * np.sqrt(rho)
        y = truth[street] + between + rng.normal(size=len(psu)) * 20 * np.sqrt(1 - rho)
    data = {"street": street, "psu": psu, "y": y}
    weights = rng.choice([1.0, 2.0, 3.0], len(psu))
    return truth, SurveyDesign(data, weights=weights, strata="street", clusters="psu")


@pytest.mark.parametrize("kind", ["share", "mean"])
def test_streets_with_few_psus_are_covered(kind):
    """40 cities × 55 small streets = 2,200 intervals; the pass mark is the issue's 92 %, and a true rate of
    94 % falls below it about once in 10,000 seeds."""
    rng = np.random.default_rng(7)
    hits = total = 0
    for _ in range(40):
        truth, design = city(rng, kind)
        pooled = pool_variances(mean(design, "y", by="street"))
        low, high = pooled.ci()
        small = pooled.pooled
        hits += int(((low <= truth) & (truth <= high))[small].sum())
        total += int(small.sum())
    assert 0.92 <= hits / total <= 0.98


def test_only_small_streets_are_pooled_and_the_note_says_so():
    _, design = city(np.random.default_rng(1), "mean")
    direct = mean(design, "y", by="street")
    pooled = pool_variances(direct)
    assert not pooled.pooled[:5].any() and pooled.pooled[5:].all()
    assert pooled.se[:5] == pytest.approx(direct.se[:5])
    assert "55 of 60" in pooled.note and "pooled" in pooled.note
    assert (pooled.df[5:] > direct.df[5:]).all()


def test_a_unanimous_street_gets_an_interval_with_width():
    rng = np.random.default_rng(2)
    _, design = city(rng, "share")
    y = design.columns.array("y").copy()
    y[design.columns.array("street") == 10] = True
    pooled = pool_variances(mean(design, {"y": y}, by="street"))
    low, high = pooled.ci()
    assert high[10] <= 1 and high[10] - low[10] > 0.02


def test_nothing_to_pool_is_said():
    data = {"street": np.repeat([0, 1], 5), "psu": np.repeat([0, 1], 5), "y": np.arange(10.0)}
    design = SurveyDesign(data, weights=np.ones(10), strata="street", clusters="psu", lonely_psu="remove")
    with pytest.raises(AnalysisError, match="no domain has two PSUs"):
        pool_variances(mean(design, "y", by="street"))
