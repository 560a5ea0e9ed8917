"""Ranks with confidence sets: slow counts, identities and simulated coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation import mean
from analysis.inference.rank_simulation import RankSimulation, difference_se
from analysis.inference.ranking import (
    rank_counts,
    rank_joint_intervals,
    rank_marginal,
    rank_pairwise,
    rank_simultaneous,
)
from tests.analysis.samples import two_stage

FEW = 2_000  # draws: enough for coverage over many repetitions


def covariance(seed, k):
    a = np.random.default_rng(seed).normal(size=(k, k + 2))
    return a @ a.T


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(2, 7), highest=st.booleans())
def test_joint_intervals_count_who_lies_wholly_on_one_side(seed, k, highest):
    rng = np.random.default_rng(seed)
    e, s = rng.normal(0, 4, k), rng.uniform(0.2, 2, k)
    sets = rank_joint_intervals(e, s, level=0.9, highest_first=highest)
    z = stats.norm.ppf(1 - 0.1 / (2 * k))
    for j in range(k):
        above = sum(e[i] - z * s[i] >= e[j] + z * s[j] for i in range(k) if i != j)
        below = sum(e[i] + z * s[i] <= e[j] - z * s[j] for i in range(k) if i != j)
        better, worse = (above, below) if highest else (below, above)
        assert (sets.low[j], sets.high[j]) == (1 + better, k - worse)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(2, 6), df=st.sampled_from([np.inf, 4.0]))
def test_the_rank_of_the_estimate_lies_in_every_set(seed, k, df):
    e = np.random.default_rng(seed).normal(0, 3, k)
    matrix = covariance(seed, k)
    sharp = rank_simultaneous(e, covariance=matrix, df=df, draws=FEW)
    once = rank_simultaneous(e, covariance=matrix, df=df, draws=FEW, stepdown=False)
    for sets in (sharp, once, rank_pairwise(e, covariance=matrix, df=df)):
        assert ((sets.low <= sets.rank) & (sets.rank <= sets.high)).all()
        assert sets.kind == "simultaneous"
    assert ((sharp.low >= once.low) & (sharp.high <= once.high)).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(2, 6))
def test_turning_the_scale_turns_the_ranks(seed, k):
    e, matrix = np.random.default_rng(seed).normal(0, 3, k), covariance(seed, k)
    up = rank_simultaneous(e, covariance=matrix, draws=FEW)
    down = rank_simultaneous(-e, covariance=matrix, draws=FEW, highest_first=False)
    assert up.low.tolist() == down.low.tolist() and up.high.tolist() == down.high.tolist()
    reverse = rank_simultaneous(e, covariance=matrix, draws=FEW, highest_first=False)
    assert (reverse.low == k + 1 - up.high).all() and (reverse.high == k + 1 - up.low).all()


@pytest.mark.parametrize(
    ("df", "shared"),
    [(np.inf, False), (6.0, False), (6.0, True), (np.array([3, 9, 4, 3, np.inf, 9, 2]), True)],
)
def test_shifts_visit_every_pair_as_a_slow_table_does(df, shared):
    k, matrix = 7, covariance(1, 7)
    ok = np.ones(k, dtype=bool)
    run = RankSimulation(matrix, ok, df, 1500, 3, shared=shared)
    z = run.z.T
    t = z[:, :, None] - z[:, None, :]
    if shared:
        blocks = [run._wishart_variances(n) for n in range(3)]
        variance = np.concatenate(blocks, axis=2).transpose(2, 0, 1)
    elif run.q is None:
        variance = np.broadcast_to(difference_se(matrix) ** 2, t.shape)
    else:
        rho, q = matrix / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix))), run.q.T
        variance = q[:, :, None] ** 2 + q[:, None, :] ** 2 - 2 * rho * q[:, :, None] * q[:, None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nan_to_num(t / np.sqrt(variance))
    pairs = ~np.eye(k, dtype=bool)
    pairs[0, 1] = pairs[2, 5] = False
    slow = np.where(pairs, t, 0).max(axis=(1, 2))
    assert np.allclose(run.largest(pairs, np.arange(1500)), slow)
    everything = ~np.eye(k, dtype=bool)
    assert np.allclose(run.largest_by_unit(everything), np.abs(t).max(axis=2))
    _, first = run.critical(everything, 0.95, None)
    assert run.critical(pairs, 0.95, first)[0] == pytest.approx(np.quantile(slow, 0.95))


def test_two_units_give_the_plain_test_of_their_difference():
    assert rank_simultaneous(
        np.array([0.0, 1.0]), np.array([0.5, 0.5]), stepdown=False
    ).critical == pytest.approx(1.96, abs=0.02)
    one = rank_simultaneous(
        np.array([0.0, 1.0]), np.array([1.0, 1e-9]), df=np.array([5.0, np.inf]), stepdown=False
    )
    assert one.critical == pytest.approx(stats.t.isf(0.025, 5), abs=0.06)


def test_correlation_between_units_sharpens_the_ranks():
    e = np.array([80.0, 82.0, 84.0])
    apart = rank_simultaneous(e, covariance=np.eye(3), draws=FEW)
    together = rank_simultaneous(e, covariance=np.eye(3) * 0.05 + 0.95, draws=FEW)
    assert apart.high.tolist() != [3, 2, 1] and together.high.tolist() == [3, 2, 1]


def test_what_has_no_estimate_has_no_rank():
    sets = rank_simultaneous(np.array([3.0, np.nan, 1.0]), np.array([0.1, np.nan, 0.1]), draws=FEW)
    assert sets.rank.tolist() == [1, 0, 2]
    assert sets.low.tolist() == [1, 0, 2] and sets.high.tolist() == [1, 0, 2]
    assert sets.to_frame().unit.tolist() == [1, 3, 2]


def test_without_sampling_error_the_order_is_certain_and_ties_share():
    sets = rank_simultaneous(np.array([5.0, 5.0, 9.0]), np.zeros(3), draws=FEW)
    assert sets.low.tolist() == [2, 2, 1] and sets.high.tolist() == [3, 3, 1]


def test_the_same_seed_gives_the_same_sets():
    e, s = np.linspace(0, 5, 8), np.full(8, 0.6)
    first, second = (rank_simultaneous(e, s, draws=FEW, seed=4) for _ in range(2))
    assert first.critical == second.critical


def test_marginal_sets_are_narrower_and_say_so():
    e, s = np.linspace(0, 12, 12), np.full(12, 1.0)
    alone, all_at_once = rank_marginal(e, s, draws=FEW), rank_simultaneous(e, s, draws=FEW, stepdown=False)
    assert alone.kind == "marginal" and repr(alone).startswith("marginal")
    assert ((alone.high - alone.low) <= (all_at_once.high - all_at_once.low)).all()
    assert (alone.high - alone.low).sum() < (all_at_once.high - all_at_once.low).sum()


def test_counts_that_differ_much_get_their_own_places():
    sets = rank_counts(np.array([5, 500, 50]))
    assert sets.low.tolist() == sets.high.tolist() == [3, 1, 2]
    assert rank_counts(np.array([50, 50])).high.tolist() == [2, 2]


def test_holm_never_loses_to_bonferroni():
    counts = np.array([412, 388, 240, 231, 200, 117])
    holm, plain = (rank_counts(counts, correction=c) for c in ("holm", "bonferroni"))
    assert ((holm.low >= plain.low) & (holm.high <= plain.high)).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: rank_simultaneous(np.ones(2)),
        lambda: rank_simultaneous(np.ones(2), np.ones(2), draws=10),
        lambda: rank_simultaneous(np.ones(2), np.ones(2), level=1.0),
        lambda: rank_simultaneous(np.ones(2), np.ones(2), df=0),
        lambda: rank_simultaneous(np.ones(2), covariance=np.array([[1.0, 2.0], [2.0, 1.0]])),
        lambda: rank_joint_intervals(np.ones(2), np.ones(2), correction="hope"),
        lambda: rank_counts(np.array([1.5, 2.0])),
        lambda: rank_pairwise(np.array([np.nan, np.nan]), np.ones(2)),
    ],
)
def test_what_cannot_be_ranked_is_refused(call):
    with pytest.raises(AnalysisError):
        call()


def test_the_domains_of_a_survey_are_ranked_from_their_covariance():
    data = two_stage(seed=2, strata=4, psus=6, take=8)
    design = SurveyDesign(data, weights="w", strata="h", clusters="psu")
    found = mean(design, "y", by="h", covariance=True)
    sets = rank_simultaneous(found.estimate, covariance=found.vcov, df=found.df, units=found.domains["h"])
    assert sets.units == (0, 1, 2, 3)
    assert (sets.low <= sets.rank).all() and (sets.rank <= sets.high).all()


def _covers(sets, truth):
    best = 1 + (truth[:, None] > truth[None, :]).sum(axis=0)
    worst = len(truth) - (truth[:, None] < truth[None, :]).sum(axis=0)
    return bool(((sets.low <= best) & (sets.high >= worst)).all())


def _share(truth, matrix, df, repetitions, seed):
    """How often all true ranks are covered, with covariance matrices estimated on df degrees of freedom."""
    rng = np.random.default_rng(seed)
    root, hits = np.linalg.cholesky(matrix), 0
    for repetition in range(repetitions):
        e = truth + root @ rng.standard_normal(len(truth))
        told = matrix
        if np.isfinite(df):
            g = root @ rng.standard_normal((len(truth), int(df)))
            told = g @ g.T / df
        hits += _covers(rank_simultaneous(e, covariance=told, df=df, draws=FEW, seed=repetition), truth)
    return hits


@pytest.mark.parametrize("correlation", [0.0, 0.4])
def test_units_from_the_same_psus_are_covered_together_with_few_degrees_of_freedom(correlation):
    """Six equal units, df = 8, 300 samples at 95 %; so few hits have probability below 1e-4."""
    matrix = np.diag(np.linspace(0.5, 2, 6)) + correlation
    assert stats.binom.ppf(1e-4, 300, 0.95) <= _share(np.zeros(6), matrix, 8.0, 300, 20240)


@pytest.mark.parametrize("df", [3, 10])
def test_units_with_psus_of_their_own_are_covered_together_with_few_degrees_of_freedom(df):
    """Eight equal units with variances on df degrees of freedom each, 300 samples, false alarm 1e-4."""
    rng, hits, spread = np.random.default_rng(20243), 0, np.linspace(0.5, 2, 8)
    for repetition in range(300):
        e = spread * rng.standard_normal(8)
        s = spread * np.sqrt(rng.chisquare(df, 8) / df)
        hits += _covers(rank_simultaneous(e, s, df=df, draws=FEW, seed=repetition), np.zeros(8))
    assert stats.binom.ppf(1e-4, 300, 0.95) <= hits <= stats.binom.isf(1e-4, 300, 0.95)


def test_all_true_ranks_are_covered_together_with_known_variances():
    """400 samples; the hits lie within the 1e-4 limits of Binomial(400, 0.95) on both sides."""
    hits = _share(np.zeros(6), np.diag(np.linspace(0.5, 2, 6)), np.inf, 400, 20241)
    assert stats.binom.ppf(1e-4, 400, 0.95) <= hits <= stats.binom.isf(1e-4, 400, 0.95)


def test_distinct_units_with_ties_are_covered():
    """Step-down with some units apart and some tied: 400 samples, false alarm 1e-4."""
    truth = np.array([0.0, 0.0, 3.0, 3.0, 9.0, 9.5])
    assert stats.binom.ppf(1e-4, 400, 0.95) <= _share(truth, np.eye(6), np.inf, 400, 20242)


def test_normal_critical_values_would_cover_too_little_with_few_degrees_of_freedom():
    """What df is for: with df = 6 ignored the same samples miss far more often than 5 %."""
    rng, misses = np.random.default_rng(3), 0
    for _ in range(300):
        e = rng.standard_normal(6)
        s = np.sqrt(rng.chisquare(6, 6) / 6)
        misses += not _covers(rank_simultaneous(e, s, draws=FEW), np.zeros(6))
    assert misses > stats.binom.isf(1e-4, 300, 0.05)
