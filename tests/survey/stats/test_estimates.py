"""Estimates through the door: pooling, tests, groups."""

import numpy as np
import pytest

from survey.stats.estimates import MEAN, SHARE, compare, estimate_domains, group_shares
from tests.survey.stats.test_weights import columns, run


@pytest.fixture
def sample():
    cases = columns(n=600)
    rng = np.random.default_rng(7)
    base = np.where(cases.district == "d0", 60.0, 70.0)
    return cases, run(cases), base + rng.normal(0, 15, len(base))


def domains_of(cases):
    everyone = np.ones(len(cases.base), dtype=bool)
    return {
        "all": everyone,
        **{d: cases.district == d for d in ("d0", "d1")},
        **{s: cases.street == s for s in sorted(set(cases.street))},
    }


def test_a_mean_is_the_weighted_mean(sample):
    cases, weighted, y = sample
    table = estimate_domains(weighted, y, domains_of(cases), kind=MEAN)
    for label, inside in domains_of(cases).items():
        w = weighted.weights * inside
        assert table.estimate[table.labels.index(label)] == pytest.approx((w * y).sum() / w.sum())


def test_streets_with_few_psus_borrow_the_variance_of_all(sample):
    cases, weighted, y = sample
    domains = domains_of(cases)
    psus = {s: 3.0 for s in domains if s.startswith("s")} | {"s7": float("inf")}
    direct = estimate_domains(weighted, y, domains, kind=MEAN)
    pooled = estimate_domains(weighted, y, domains, kind=MEAN, sampled_psus=psus)
    at = [pooled.labels.index(s) for s in psus]
    assert pooled.pooled[at].tolist() == [True] * 7 + [False]
    assert (pooled.df[at[:7]] > direct.df[at[:7]]).all()
    assert pooled.se[at[7]] == direct.se[at[7]]
    assert np.allclose(pooled.estimate, direct.estimate)
    # Seven borrowed errors are more alike than seven of two degrees of freedom each.
    assert np.std(np.log(pooled.se[at[:7]])) < np.std(np.log(direct.se[at[:7]]))
    assert np.allclose(np.diag(pooled.covariance)[at], pooled.se[at] ** 2)
    assert pooled.covariance[at[0], at[1]] == 0


def test_a_share_stays_between_0_and_1_and_so_does_its_interval(sample):
    cases, weighted, _ = sample
    ones = np.ones(len(cases.base))
    table = estimate_domains(weighted, ones, domains_of(cases), kind=SHARE)
    assert (table.estimate <= 1).all() and (table.high <= 1).all() and (table.low < 1).all()


def test_districts_ten_points_apart_are_told_apart_and_streets_of_one_are_mostly_not(sample):
    cases, weighted, y = sample
    table = estimate_domains(weighted, y, domains_of(cases), kind=MEAN)
    assert compare(table, ["d0", "d1"]).differs[0, 1]
    same = compare(table, [s for s in table.labels if s in ("s0", "s1", "s2", "s3")])
    assert same.differs.sum() <= 4


def test_an_empty_domain_gives_no_figure_instead_of_an_error(sample):
    _, weighted, y = sample
    nobody = np.zeros(len(y), dtype=bool)
    table = estimate_domains(weighted, y, {"all": ~nobody, "none": nobody}, kind=MEAN)
    assert np.isnan(table.estimate[1]) and table.n[1] == 0


def test_shares_of_a_classification_add_up(sample):
    cases, weighted, y = sample
    parts = {f"p{k}": (np.digitize(y, [55, 65, 75]) == k).astype(float) for k in range(4)}
    table = group_shares(weighted, parts, np.where(cases.responded, cases.street, None))
    assert table.groups == tuple(sorted(set(cases.street)))
    assert np.allclose(table.estimate.sum(axis=1), 1)
    assert (table.low <= table.estimate + 1e-12).all() and (table.estimate <= table.high + 1e-12).all()
