"""The whole two-stage draw: probabilities stage by stage, replicates, and repeatability."""

import math
from collections import Counter
from fractions import Fraction

import pytest

from analysis.errors import DesignError
from analysis.selection.multistage import Stratum, Takes, draw_two_stage, person_seed

STRATA = [
    Stratum("s1", {"p1": 40, "p2": 60, "p3": 50, "p4": 30}, 2),
    Stratum("s2", {"q1": 25, "q2": 35, "q3": 45}, 2),
    Stratum("c1", {"c1": 400}, 1, certainty=True),
]
SIZE = {psu: size for stratum in STRATA for psu, size in stratum.sizes.items()}
N_HOUSEHOLDS = sum(SIZE.values())


def households(psu):
    return [f"{psu}-{i:03d}" for i in range(SIZE[psu])]


def draw(seed, takes=Takes(10), strata=STRATA, of=households):  # noqa: B008 - frozen
    return draw_two_stage(seed.ljust(32, b"."), strata, takes, of)


def test_the_take_and_the_number_of_psus_are_what_was_asked():
    sample = draw(b"a")
    assert Counter(psu.stratum for psu in sample.psus) == {"s1": 2, "s2": 2, "c1": 1}
    assert set(Counter(h.psu for h in sample.households).values()) == {10}
    assert len({h.household for h in sample.households}) == 50
    assert [h.number for h in sample.households] == list(range(1, 51))


def test_probabilities_are_exact_at_both_stages():
    sample = draw(b"a")
    for psu in sample.psus:
        stratum = next(s for s in STRATA if s.code == psu.stratum)
        expected = Fraction(stratum.n_take * SIZE[psu.code], sum(stratum.sizes.values()))
        assert psu.probability == (1 if psu.certainty else expected)
    assert all(h.probability == Fraction(10, SIZE[h.psu]) for h in sample.households)


def test_within_a_stratum_every_household_has_the_same_weight_and_they_add_up_exactly():
    """PPS by size and an equal take: self-weighting, so that even one draw adds up to the frame."""
    sample = draw(b"b")
    first = {psu.code: psu.probability for psu in sample.psus}
    total = sum(1 / (first[h.psu] * h.probability) for h in sample.households)
    assert total == N_HOUSEHOLDS


def test_the_same_seed_gives_the_same_draw_and_the_order_of_rows_does_not_matter():
    turned = [Stratum(s.code, dict(reversed(s.sizes.items())), s.n_take, s.certainty) for s in STRATA[::-1]]
    again = draw(b"a", strata=turned, of=lambda psu: households(psu)[::-1])
    assert again == draw(b"a")
    assert draw(b"c") != draw(b"a")


def test_a_household_added_to_one_psu_leaves_the_other_psus_draws_alone():
    """Each PSU draws from its own stream; only case numbers, which run over all, may differ."""
    more = [Stratum("c1", {"c1": 401}, 1, certainty=True), *STRATA[:2]]
    of = lambda psu: [*households(psu), "c1-new"] if psu == "c1" else households(psu)  # noqa: E731
    before = {h.household for h in draw(b"a").households if h.psu != "c1"}
    after = {h.household for h in draw(b"a", strata=more, of=of).households if h.psu != "c1"}
    assert before == after


def test_reserves_are_whole_random_parts_and_their_probability_is_cumulative():
    sample = draw(b"a", Takes(10, reserve_take=3, n_reserves=2))
    assert Counter(h.replicate for h in sample.households) == {0: 50, 1: 15, 2: 15}
    for h in sample.households:
        assert h.probability == Fraction(10 + 3 * h.replicate, SIZE[h.psu])
    released = {h.household for h in sample.households if h.replicate == 0}
    assert released == {h.household for h in draw(b"a").households}


def test_household_inclusion_frequencies_agree_with_theory():
    """1,500 draws: the count of each of 685 households against its probability, as one chi-square-like sum.

    Z-scores: the largest of 685 stays below 5.2 unless something is wrong (two-sided tail 2e-7, times 685:
    one fixed seed in 7,000). PSU counts: below 4.6 for 8 counts (4e-6 each).
    """
    runs, takes = 1500, Takes(10)
    met, psus = Counter(), Counter()
    for i in range(runs):
        sample = draw(f"simulation {i}".encode(), takes)
        met.update(h.household for h in sample.households)
        psus.update(psu.code for psu in sample.psus)
    for stratum in STRATA:
        for psu, size in stratum.sizes.items():
            p1 = 1.0 if stratum.certainty else stratum.n_take * size / sum(stratum.sizes.values())
            if p1 < 1:
                assert abs(psus[psu] / runs - p1) < 4.6 * math.sqrt(p1 * (1 - p1) / runs)
            p = p1 * 10 / size
            bound = 5.2 * math.sqrt(p * (1 - p) / runs)
            assert all(abs(met[h] / runs - p) < bound for h in households(psu))


def test_case_numbers_reveal_no_geography():
    """Over 300 draws the mean number of c1's households is that of all (25.5), within 5 standard errors."""
    means = []
    for i in range(300):
        numbers = [h.number for h in draw(f"numbers {i}".encode()).households if h.psu == "c1"]
        means.append(sum(numbers) / len(numbers))
    # Variance of the mean of 10 of the numbers 1…50 without replacement: (1 - 10/50) (50·51/12) / 10.
    se = math.sqrt(0.8 * 50 * 51 / 12 / 10 / 300)
    assert abs(sum(means) / 300 - 25.5) < 5 * se


def test_each_household_has_its_own_seed_for_the_choice_of_a_person():
    sample = draw(b"a")
    assert len({h.person_seed for h in sample.households}) == 50
    first = sample.households[0]
    assert first.person_seed == person_seed(b"a".ljust(32, b"."), first.household)


def test_a_list_that_does_not_fit_its_size_is_refused():
    with pytest.raises(DesignError, match="39 households listed, size 40"):
        draw(b"a", of=lambda psu: households(psu)[1:], strata=[Stratum("s", {"p1": 40}, 1, certainty=True)])


def test_a_psu_that_reaches_the_interval_must_have_its_own_stratum():
    with pytest.raises(DesignError, match="reaches the sampling interval"):
        draw(b"a", strata=[Stratum("s", {"p1": 40, "q1": 25}, 2)])
    with pytest.raises(DesignError, match="one PSU"):
        draw(b"a", strata=[Stratum("s", {"p1": 40, "q1": 25}, 1, certainty=True)])


def test_a_take_larger_than_the_psu_is_refused():
    with pytest.raises(DesignError, match="cannot take 41 of 40"):
        draw(b"a", Takes(41), strata=[Stratum("s", {"p1": 40}, 1, certainty=True)])


def test_a_household_in_two_psus_is_refused():
    with pytest.raises(DesignError, match="two PSUs"):
        draw(b"a", of=lambda psu: [f"x{i}" for i in range(SIZE[psu])], takes=Takes(25))
