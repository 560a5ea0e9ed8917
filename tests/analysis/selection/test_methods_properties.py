"""What holds for every draw: size, no unit twice, certainty, sums, and that row order is nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import DesignError
from analysis.selection.cube import balanced_sample, cube_flight
from analysis.selection.frame_draws import draw_stratified_srs, draw_two_stage_pps, group_rows
from analysis.selection.methods import METHODS, draw
from analysis.selection.pps import inclusion_probabilities
from analysis.selection.probabilities import pps_probabilities
from analysis.selection.systematic import draw_systematic, draw_systematic_equal, serpentine
from analysis.selection.uniforms import Uniforms

sizes = st.lists(st.integers(0, 500), min_size=3, max_size=15).filter(lambda x: sum(v > 0 for v in x) >= 2)
seeds = st.integers(0, 2**32 - 1)


@given(size=sizes, data=st.data())
def test_probabilities_sum_to_n_and_agree_with_the_exact_ones(size, data):
    n = data.draw(st.integers(0, sum(v > 0 for v in size)))
    found = pps_probabilities(size, n)
    assert found.pi.sum() == pytest.approx(n)
    exact = inclusion_probabilities({f"{i:03d}": v for i, v in enumerate(size)}, n)
    assert np.allclose(found.pi, [float(exact.probabilities[f"{i:03d}"]) for i in range(len(size))])
    assert [f"{k:03d}" for k in found.certain] == list(exact.certain)


@settings(max_examples=15, deadline=None)
@given(size=sizes, seed=seeds, data=st.data())
def test_the_sample_has_the_size_asked_and_holds_certain_units_and_no_impossible_ones(size, seed, data):
    n = data.draw(st.integers(1, sum(v > 0 for v in size)))
    pi, random = pps_probabilities(size, n).pi, np.random.default_rng(seed)
    for name, method in METHODS.items():
        taken = method.draw(pi, random)
        assert len(set(taken.tolist())) == len(taken), name
        assert list(taken) == sorted(taken), name
        assert set(np.flatnonzero(pi == 1)) <= set(taken.tolist()), name
        assert np.all(pi[taken] > 0), name
        if method.fixed_size:
            assert len(taken) == n, name


@settings(max_examples=10, deadline=None)
@given(size=sizes, seed=seeds, data=st.data())
def test_with_ids_the_order_of_rows_does_not_matter(size, seed, data):
    n = data.draw(st.integers(1, sum(v > 0 for v in size)))
    pi, ids = pps_probabilities(size, n).pi, np.array([f"u{i:03d}" for i in range(len(size))])
    turned = np.array(data.draw(st.permutations(range(len(size)))))
    for name in METHODS:
        straight = draw(pi, np.random.default_rng(seed), method=name, labels=ids)
        other = draw(pi[turned], np.random.default_rng(seed), method=name, labels=ids[turned])
        assert set(ids[straight]) == set(ids[turned][other]), name


@given(pi=st.lists(st.floats(0, 1), min_size=1, max_size=40), u=st.floats(0, 1, exclude_max=True))
def test_a_systematic_sample_is_within_one_of_the_sum(pi, u):
    taken = draw_systematic(pi, u)
    assert abs(len(taken) - sum(pi)) <= 1 + 1e-9
    assert {k for k, p in enumerate(pi) if p == 1} <= set(taken.tolist())


def test_a_systematic_sample_of_millions_has_its_size_whatever_the_rounding():
    random = np.random.default_rng(9)
    pi = pps_probabilities(random.lognormal(0, 1, 300_000), 7_000).pi
    for u in (0.0, 1e-17, 0.5, 1 - 2**-53):
        assert len(draw_systematic(pi, u)) == 7_000


@given(n_units=st.integers(1, 500), data=st.data())
def test_an_equal_interval_takes_n_different_units(n_units, data):
    n = data.draw(st.integers(0, n_units))
    u = data.draw(st.floats(0, 1, exclude_max=True))
    taken = draw_systematic_equal(n_units, n, u)
    assert len(set(taken.tolist())) == n
    assert all(0 <= k < n_units for k in taken)


def test_serpentine_turns_at_every_change_of_an_outer_key():
    street = ["a", "a", "a", "b", "b", "c", "c"]
    size = [1, 2, 3, 1, 2, 1, 2]
    order = serpentine(street, size)
    assert [(street[i], size[i]) for i in order] == [
        ("a", 1), ("a", 2), ("a", 3), ("b", 2), ("b", 1), ("c", 1), ("c", 2),
    ]  # fmt: skip


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=25), data=st.data()
)
def test_serpentine_order_depends_on_keys_and_ids_alone(rows, data):
    turned = data.draw(st.permutations(range(len(rows))))
    ids = [f"u{i:02d}" for i in range(len(rows))]
    a = serpentine([r[0] for r in rows], [r[1] for r in rows], ties=ids)
    b = serpentine([rows[i][0] for i in turned], [rows[i][1] for i in turned], ties=[ids[i] for i in turned])
    assert [ids[i] for i in a] == [ids[turned[i]] for i in b]


@settings(max_examples=30, deadline=None)
@given(
    seed=seeds,
    n_units=st.integers(8, 40),
    columns=st.integers(0, 3),
    landing=st.sampled_from(["programme", "drop"]),
)
def test_a_balanced_sample_has_its_size_and_the_flight_balances_exactly(seed, n_units, columns, landing):
    random = np.random.default_rng(seed)
    pi = pps_probabilities(random.lognormal(0, 0.7, n_units), max(2, n_units // 3)).pi
    x = np.column_stack([pi, random.normal(10, 4, (n_units, columns))])
    flight = cube_flight(pi, x, random)
    assert np.allclose((flight.psi / pi) @ x, x.sum(axis=0), rtol=1e-8, atol=1e-8)
    assert len(flight.undecided) <= columns + 1
    sample = balanced_sample(pi, x, random, landing=landing)
    assert len(sample.taken) == round(pi.sum())
    assert set(np.flatnonzero(pi == 1)) <= set(sample.taken.tolist())
    assert np.allclose(sample.reached, (x[sample.taken] / pi[sample.taken, None]).sum(axis=0))


def test_balancing_on_strata_takes_a_fixed_number_in_each():
    """Indicators times π with whole sums can be met exactly: the landing has nothing to do."""
    random = np.random.default_rng(4)
    stratum = np.arange(60) % 4
    pi = np.full(60, 1 / 3)
    x = np.column_stack([np.where(stratum == h, pi, 0.0) for h in range(4)])
    sample = balanced_sample(pi, x, random)
    assert np.bincount(stratum[sample.taken]).tolist() == [5, 5, 5, 5]
    assert np.allclose(sample.reached, sample.targets)


def test_columns_that_repeat_one_another_do_not_stop_the_cube():
    random = np.random.default_rng(4)
    pi = np.full(30, 0.2)
    sample = balanced_sample(pi, np.column_stack([pi, pi, 2 * pi]), random)
    assert len(sample.taken) == 6


def test_balancing_beats_simple_random_sampling_by_far():
    random = np.random.default_rng(6)
    pi, size = np.full(300, 0.3), random.normal(60, 20, 300)
    x = np.column_stack([pi, size])
    balanced = np.std([balanced_sample(pi, x, random).reached[1] for _ in range(25)])
    plain = np.std([size[random.choice(300, 90, replace=False)].sum() / 0.3 for _ in range(300)])
    assert balanced < plain / 5


@settings(max_examples=30, deadline=None)
@given(seed=seeds, data=st.data())
def test_a_two_stage_draw_has_its_takes_and_weights_that_add_up(seed, data):
    random = np.random.default_rng(seed)
    sizes = data.draw(st.lists(st.integers(4, 30), min_size=4, max_size=12))
    codes = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    strata = np.arange(len(sizes)) % 2
    groups = group_rows(codes, len(sizes))
    drawn = draw_two_stage_pps(groups, strata, [2, 2], 4, random)
    assert len(set(drawn.rows.tolist())) == 16
    assert np.array_equal(codes[drawn.rows], drawn.row_psu)
    assert len(drawn.psus) == 4
    # One draw adds up to each stratum's frame unless a PSU is certain, since the take is equal.
    if not (drawn.psu_pi == 1).any():
        assert (1 / drawn.pi).sum() == pytest.approx(sum(sizes))


def test_what_cannot_be_drawn_is_refused_with_what_can():
    groups = group_rows(np.repeat([0, 1, 2], [5, 3, 9]), 3)
    random = np.random.default_rng(0)
    with pytest.raises(DesignError, match="take at most 3"):
        draw_two_stage_pps(groups, np.zeros(3, dtype=int), [3], 4, random)
    with pytest.raises(DesignError, match="stratum 0"):
        draw_two_stage_pps(groups, np.zeros(3, dtype=int), [4], 1, random)
    with pytest.raises(DesignError, match="stratum 1 has 3 rows"):
        draw_stratified_srs(groups, [1, 4, 1], random)
    with pytest.raises(DesignError, match="group codes"):
        group_rows(np.array([0, 3]), 3)


@pytest.mark.parametrize(
    ("pi", "method", "match"),
    [
        ([0.5, 0.7], "sampford", "whole sum"),
        ([0.5, 1.2], "systematic", "between 0 and 1"),
        ([0.5, float("nan")], "poisson", "between 0 and 1"),
        ([0.5, 0.5], "lottery", "a method is one of"),
    ],
)
def test_bad_requests_are_refused(pi, method, match):
    with pytest.raises(DesignError, match=match):
        draw(pi, np.random.default_rng(0), method=method)


def test_ids_must_differ_and_given_numbers_must_suffice():
    with pytest.raises(DesignError, match="twice"):
        draw([0.5, 0.5], np.random.default_rng(0), method="sampford", labels=["a", "a"])
    with pytest.raises(DesignError, match="more than the 1"):
        METHODS["poisson"].draw([0.5, 0.5], [0.1])
    with pytest.raises(DesignError, match="outside"):
        Uniforms([1.0])
    for size, n in (([1, -1], 1), ([1, 0], 2), ([float("inf"), 1], 1)):
        with pytest.raises(DesignError):
            pps_probabilities(size, n)
