"""The weighting pipeline on made columns: identities, joined cells, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from survey.common.errors import Problem
from survey.stats.weights import SEXES, STEPS, CaseColumns, weigh

N_BANDS = 5


def columns(seed=1, n=400, *, silent=0.0, rate=0.6):
    """`n` cases in 2 districts × 4 streets × 3 PSUs, with `rate` answering and `silent` not telling age."""
    rng = np.random.default_rng(seed)
    psu = np.array([f"c{i % 24:02d}" for i in range(n)], dtype=object)
    street = np.array([f"s{int(p[1:]) // 3}" for p in psu], dtype=object)
    district = np.array([f"d{int(s[1:]) // 4}" for s in street], dtype=object)
    responded = rng.random(n) < rate
    eligible = responded | (rng.random(n) < 0.95)
    band = rng.integers(0, N_BANDS, n)
    band[rng.random(n) < silent] = -1
    return CaseColumns(
        base=rng.uniform(5, 50, n),
        stratum=street,
        psu=psu,
        district=district,
        street=street,
        known=responded | (rng.random(n) < 0.8),
        eligible=eligible,
        responded=responded,
        person_probability=np.where(responded, 1 / rng.integers(1, 5, n), np.nan),
        sex=rng.choice(np.array(SEXES, dtype=object), n),
        band=band,
    )


def totals_of(cases, persons=900.0):
    return {
        (d, s, b): persons * (1 + b)
        for d in sorted(set(cases.district[cases.responded]))
        for s in SEXES
        for b in range(N_BANDS)
    }


def run(cases, totals=None, **options):
    settings_ = {"n_bands": N_BANDS, "min_class": 10, "min_cell": 10} | options
    return weigh(cases, totals or totals_of(cases), **settings_)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(60, 500),
    silent=st.sampled_from([0.0, 0.1, 0.6]),
    rate=st.floats(0.15, 1.0),
)
def test_any_sample_ends_at_the_margins(seed, n, silent, rate):
    cases = columns(seed, n, silent=silent, rate=rate)
    assume(cases.responded.any())
    totals = totals_of(cases)
    result = run(cases, totals)
    assert (result.weights[cases.responded] > 0).all()
    assert (result.weights[~cases.responded] == 0).all()
    for district in {d for d, _, _ in totals}:
        mine = cases.district == district
        wanted = sum(v for (d, _, _), v in totals.items() if d == district)
        assert result.weights[mine].sum() == pytest.approx(wanted, rel=1e-9)
    product = np.prod([result.factors[step] for step in STEPS], axis=0)
    assert np.allclose(product[cases.responded], result.weights[cases.responded], rtol=1e-9)
    for cell in result.cells:
        assert cell["n"] > 0 and np.isfinite(cell["factor"])


def test_household_steps_keep_the_weight_of_what_is_eligible():
    cases = columns()
    result = run(cases)
    before = result.factors["base"] * result.factors["unknown_eligibility"]
    for street in set(cases.street):
        mine = cases.street == street
        # Known cases carry the whole street; then respondents carry all eligible known ones.
        assert (before * cases.known)[mine].sum() == pytest.approx(cases.base[mine].sum())
        after = (before * result.factors["household_response"])[mine & cases.responded].sum()
        assert after == pytest.approx((before * (cases.known & cases.eligible))[mine].sum())


def test_full_response_leaves_only_the_person_factor_before_the_margins():
    cases = columns()
    everyone = np.ones(len(cases.base), dtype=bool)
    cases = replace(
        cases,
        known=everyone,
        eligible=everyone,
        responded=everyone,
        person_probability=np.full(len(cases.base), 0.5),
    )
    result = run(cases)
    assert np.allclose(result.factors["unknown_eligibility"], 1)
    assert np.allclose(result.factors["household_response"], 1)
    assert np.allclose(result.factors["person_selection"], 2)


def test_a_thin_sex_joins_the_other_and_is_named():
    cases = columns()
    men = np.flatnonzero(cases.responded & (cases.sex == "male") & (cases.district == "d0"))
    sex = cases.sex.copy()
    sex[men[4:]] = "female"
    result = run(replace(cases, sex=sex))
    assert {c["sex"] for c in result.cells if c["district"] == "d0"} == {"male+female"}
    assert {c["sex"] for c in result.cells if c["district"] == "d1"} == {"male", "female"}


def test_nobody_answered_is_refused_in_words():
    cases = columns()
    with pytest.raises(Problem) as refused:
        run(replace(cases, responded=np.zeros(len(cases.base), dtype=bool)), {("d0", "male", 0): 1.0})
    assert refused.value.code == "reports.too_few"


@pytest.mark.parametrize("probability", [0.0, 1.5, np.nan])
def test_an_impossible_person_probability_is_refused(probability):
    cases = columns()
    broken = cases.person_probability.copy()
    broken[np.flatnonzero(cases.responded)[0]] = probability
    with pytest.raises(Problem) as refused:
        run(replace(cases, person_probability=broken))
    assert refused.value.code == "stats.impossible"


def test_a_margin_of_a_district_without_answers_is_refused():
    cases = columns()
    with pytest.raises(Problem):
        run(cases, totals_of(cases) | {("d9", "male", 0): 5.0})
