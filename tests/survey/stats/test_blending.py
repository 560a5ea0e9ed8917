"""Covariates of volunteers: which levels are joined, what is refused."""

import numpy as np
import pytest

from survey.stats.blending import Blend, Covariate, Unblendable, group_levels
from survey.stats.replicates import bootstrap
from survey.stats.weights import CaseColumns, weigh

PLACES, PER_PLACE = 20, 30


def codes(*counts):
    return np.repeat(np.arange(len(counts)), counts)


def refusal(**kwargs):
    with pytest.raises(Unblendable) as refused:
        group_levels(**kwargs)
    return refused.value


def test_thin_ages_join_a_neighbour_and_keep_their_order():
    ages = Covariate("age", ["a", "b", "c", "d"], codes(40, 5, 50, 35), codes(19, 9, 29, 19), True)
    found = group_levels(ages, ages.cases, 30)
    assert found.groups == (("a", "b"), ("c",), ("d",))
    assert np.bincount(found.volunteers).tolist() == [45, 50, 35]
    assert np.bincount(found.cases).tolist() == [28, 29, 19]


def test_ages_of_few_drawn_persons_join_a_neighbour_too():
    ages = Covariate("age", ["a", "b", "c"], codes(40, 50, 35), codes(30, 40, 3), True)
    assert group_levels(ages, ages.cases, 30).groups == (("a",), ("b", "c"))


def test_a_sex_or_district_without_enough_volunteers_is_named():
    district = Covariate("district", ["370102", "370105"], codes(40, 12), codes(9, 9), False)
    why = refusal(covariate=district, answered=district.cases, least=30)
    assert (why.code, why.facts["levels"]) == ("level_thin", ["370105"])


def test_volunteers_of_a_level_that_nobody_drawn_has_lose_their_covariate():
    district = Covariate("district", ["x", "y"], codes(40, 50), codes(9), False)
    found = group_levels(district, district.cases, 30)
    assert found.groups == (("x",),)
    assert (found.volunteers == -1).sum() == 50


@pytest.fixture(scope="module")
def weighted():
    """600 answers in 20 communities of two strata, of one district."""
    rng = np.random.default_rng(4)
    n = PLACES * PER_PLACE
    place = np.repeat(np.arange(PLACES), PER_PLACE).astype(str).astype(object)
    sex = rng.choice(["male", "female"], n).astype(object)
    cases = CaseColumns(
        base=np.full(n, 50.0),
        stratum=np.repeat(["a", "b"], n // 2).astype(object),
        psu=place,
        district=np.full(n, "370105", dtype=object),
        street=np.full(n, "370105001", dtype=object),
        known=np.ones(n, dtype=bool),
        eligible=np.ones(n, dtype=bool),
        responded=np.ones(n, dtype=bool),
        person_probability=np.full(n, 0.5),
        sex=sex,
        band=rng.integers(0, 3, n),
    )
    totals = {("370105", s, b): 10_000.0 for s in ("male", "female") for b in range(3)}
    found = weigh(cases, totals, n_bands=3, min_class=10, min_cell=10)
    return found, bootstrap(found, replicates=60, seed=5)[0], cases


def covariates(cases, n, seed=6, unknown=0):
    """Volunteers are mostly women and old."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(2, n, p=[0.25, 0.75])
    band = rng.choice(3, n, p=[0.15, 0.25, 0.6])
    sex[:unknown] = -1
    return [
        Covariate("sex", ["male", "female"], sex, (cases.sex == "female").astype(int), False),
        Covariate("age", ["0", "1", "2"], band, cases.band, True),
        Covariate("district", ["370105"], np.zeros(n, dtype=int), np.zeros(len(cases.sex), dtype=int), False),
    ]


def blend_of(weighted, n=400, places=20, unknown=0, replicated=True, least=30):
    found, replicates, cases = weighted
    where = np.array([f"place {i % places}" for i in range(n)], dtype=object)
    return Blend(
        found,
        replicates if replicated else None,
        covariates(cases, n, unknown=unknown),
        where,
        least=least,
        seed=7,
    )


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"replicated": False}, "no_replicates"),
        ({"n": 99}, "few"),
        ({"places": 9}, "few_places"),
        ({"unknown": 60}, "unknown"),
        ({"least": 150}, "level_thin"),
    ],
)
def test_what_does_not_suffice_is_refused_by_name(weighted, options, code):
    with pytest.raises(Unblendable) as refused:
        blend_of(weighted, **options)
    assert refused.value.code == code


def test_figures_stand_side_by_side_and_balance_adds_up(weighted):
    blend = blend_of(weighted)
    assert [c.name for c in blend.covariates] == ["sex", "age"]  # one district tells nothing
    _found, _replicates, cases = weighted
    women_a = blend.covariates[0].volunteers == 1
    rng = np.random.default_rng(8)
    volunteers = 60 + 20 * women_a + rng.normal(0, 5, len(women_a))
    drawn = 60 + 20 * (cases.sex == "female") + rng.normal(0, 5, len(cases.sex))
    row = blend.figures(volunteers, drawn, kind="mean", scale=100.0, df=18.0)
    assert row["volunteers"] > 73 and row["doubly_robust"]["estimate"] == pytest.approx(70, abs=1.5)
    assert row["propensity"]["low"] < row["propensity"]["estimate"] < row["propensity"]["high"]
    assert row["doubly_robust"]["df"] == 18.0 and row["n"] == 400
    assert 0 <= row["blend"]["share"] <= 0.5
    for name in ("sex", "age"):
        mine = [r for r in blend.balance_rows() if r["covariate"] == name]
        for column in ("reference", "volunteers", "weighted"):
            assert sum(r[column] for r in mine) == pytest.approx(1.0)
    assert all(abs(r["after"]) < abs(r["before"]) + 0.02 for r in blend.balance_rows())


def test_volunteers_who_think_otherwise_hardly_move_the_blend(weighted):
    blend = blend_of(weighted)
    rng = np.random.default_rng(9)
    cases = weighted[2]
    row = blend.figures(
        rng.normal(80, 8, 400), rng.normal(60, 8, len(cases.sex)), kind="mean", scale=100.0, df=18.0
    )
    assert row["difference"]["differs"] and row["difference"]["low"] > 10
    assert row["blend"]["share"] < 0.02 and row["blend"]["estimate"] < 61


def test_intervals_of_shares_stay_between_nothing_and_all(weighted):
    blend = blend_of(weighted)
    volunteers = np.zeros(400)
    volunteers[:6] = 1
    row = blend.figures(volunteers, np.zeros(len(weighted[2].sex)), kind="share", scale=1.0, df=18.0)
    for method in ("propensity", "doubly_robust"):
        assert 0 <= row[method]["low"] <= row[method]["estimate"] <= row[method]["high"] <= 1


def test_an_indicator_without_any_valid_volunteer_has_no_model(weighted):
    blend = blend_of(weighted)
    with pytest.raises(Unblendable):
        blend.figures(np.full(400, np.nan), np.ones(len(weighted[2].sex)), kind="mean", scale=100.0, df=18.0)
