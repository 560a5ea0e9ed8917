"""Pairs and persons drawn thousands of times against theory, where `test_methods_simulated` does not look.

Each test fails for a correct method with probability at most 1e-4 over seeds; the seed is fixed.
"""

from datetime import date
from itertools import permutations

import numpy as np
import pytest

from analysis.selection.composition import two_stage_joint
from analysis.selection.multistage import Stratum, Takes, draw_two_stage
from analysis.selection.permanent import permanent_numbers, poisson_permanent
from analysis.selection.srs import sample_positions
from analysis.selection.stream import Stream
from analysis.selection.systematic import draw_systematic_equal, systematic_joint
from analysis.selection.within_household import (
    assign_kish_tables,
    choose_by_birthday,
    kish_choice,
    kish_probabilities,
    uniform_choice,
)
from tests.analysis.selection.simulate import assert_binomial, joint_counts

RUNS = 3000


def stream(run, label):
    return Stream(run.to_bytes(32, "big")).child(label)


def joint_over_orders(pi):
    """Exact π_kl of a systematic draw whose list is put in random order: the mean over all orders."""
    total = np.zeros((len(pi), len(pi)))
    orders = list(permutations(range(len(pi))))
    for order in orders:
        place = np.argsort(order)
        total += systematic_joint(pi[list(order)])[np.ix_(place, place)]
    return total / len(orders)


def test_pairs_of_households_of_the_certified_draw():
    """Two strata, one with a certainty community: pairs within and across communities and strata."""
    sizes = {"a1": 4, "a2": 6, "a3": 5, "a4": 3, "b1": 4}
    strata = [
        Stratum("a", {k: sizes[k] for k in ("a1", "a2", "a3", "a4")}, 2),
        Stratum("b", {"b1": 4}, 1, certainty=True),
    ]
    names = [f"{psu}-{i}" for psu, size in sizes.items() for i in range(size)]
    place = {name: k for k, name in enumerate(names)}
    pi = np.array([2 * sizes[k] / 18 for k in ("a1", "a2", "a3", "a4")])
    psu_joint = np.zeros((5, 5))
    psu_joint[:4, :4] = joint_over_orders(pi)
    psu_joint[4, :4] = psu_joint[:4, 4] = pi
    psu_joint[4, 4] = 1.0
    by_psu = two_stage_joint(psu_joint, list(sizes.values()), [2] * 5)
    psu = np.repeat(np.arange(5), list(sizes.values()))
    joint = by_psu[np.ix_(psu, psu)]
    np.fill_diagonal(joint, np.diag(psu_joint)[psu] * 2 / np.array(list(sizes.values()))[psu])
    run = iter(range(RUNS))

    def draw():
        seed = next(run).to_bytes(32, "big")
        drawn = draw_two_stage(seed, strata, Takes(2), lambda p: [n for n in names if n.startswith(p)])
        return [place[h.household] for h in drawn.households]

    assert_binomial(joint_counts(draw, len(names), RUNS), RUNS, joint)


def test_pairs_of_a_simple_random_sample_from_the_stream():
    run = iter(range(RUNS))
    counts = joint_counts(lambda: sample_positions(stream(next(run), "srs"), 8, 3), 8, RUNS)
    joint = np.full((8, 8), 3 * 2 / (8 * 7))
    np.fill_diagonal(joint, 3 / 8)
    assert_binomial(counts, RUNS, joint)


@pytest.mark.parametrize(("n_units", "n"), [(11, 4), (12, 3)])
def test_pairs_of_a_systematic_draw_at_equal_probability(n_units, n):
    random = np.random.default_rng([21, n_units])
    counts = joint_counts(lambda: draw_systematic_equal(n_units, n, random), n_units, RUNS)
    assert_binomial(np.diag(counts), RUNS, np.full(n_units, n / n_units))
    if n_units % n == 0:  # the interval is whole: neighbours never meet, units an interval apart always do
        apart = np.abs(np.subtract.outer(np.arange(n_units), np.arange(n_units))) % (n_units // n)
        assert_binomial(counts, RUNS, np.where(apart == 0, n / n_units, 0.0))


def test_pairs_of_a_poisson_sample_on_permanent_numbers_are_independent():
    p = np.linspace(0.2, 0.9, 6)
    keys = iter(range(RUNS))
    ids = [f"u{i}" for i in range(6)]
    counts = joint_counts(
        lambda: poisson_permanent(p, permanent_numbers(ids, next(keys).to_bytes(16, "big")), start=0.8),
        6,
        RUNS,
    )
    joint = np.outer(p, p)
    np.fill_diagonal(joint, p)
    assert_binomial(counts, RUNS, joint)


@pytest.mark.parametrize("n_eligible", [1, 2, 5, 8])
def test_a_uniform_choice_gives_each_person_the_same_chance(n_eligible):
    chosen = [uniform_choice(stream(run, "person"), n_eligible) for run in range(RUNS)]
    counts = np.bincount(chosen, minlength=n_eligible + 1)[1:]
    assert_binomial(counts, RUNS, np.full(n_eligible, 1 / n_eligible))


@pytest.mark.parametrize("n_eligible", [2, 3, 4, 5, 6, 9])
def test_kish_s_tables_choose_with_the_probabilities_that_the_weights_use(n_eligible):
    """One case of each run, so that its table comes from a fresh random start."""
    chosen = [
        kish_choice(assign_kish_tables(run % 12 + 1, stream(run, "kish"))[-1], n_eligible)
        for run in range(RUNS)
    ]
    counts = np.bincount(chosen, minlength=n_eligible + 1)[1:]
    assert_binomial(counts, RUNS, [float(p) for p in kish_probabilities(n_eligible)])


def test_birthdays_choose_the_same_person_whatever_the_stream_unless_days_are_shared():
    """Quasi-random: nothing is drawn but the order of twins, with equal chances."""
    birthdays = [(3, 1), (9, 9), (5, 20), (9, 9)]
    august, october = date(2026, 8, 1), date(2026, 10, 1)
    twins = [choose_by_birthday(birthdays, august, stream(run, "b")).place for run in range(1000)]
    assert_binomial(np.bincount(twins, minlength=5)[1:], 1000, [0, 0.5, 0, 0.5])
    alone = {choose_by_birthday(birthdays, october, stream(run, "b")).place for run in range(50)}
    assert alone == {1}
