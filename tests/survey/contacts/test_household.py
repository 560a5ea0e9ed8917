"""Who is asked: the order, the uniform choice, and vectors that a phone must repeat."""

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2

from survey.contacts import household

VECTORS = Path(__file__).parents[2] / "vectors" / "household"

members = st.lists(
    st.fixed_dictionaries(
        {
            "label": st.text(alphabet="甲乙丙丁大小儿女媳婿", min_size=1, max_size=4),
            "sex": st.sampled_from(household.SEXES),
            "age": st.integers(18, 110),
        }
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda m: (m["label"], m["sex"], m["age"]),
)


def vectors(name, key):
    return json.loads((VECTORS / name).read_text("utf-8"))[key]


@pytest.mark.parametrize("case", vectors("choice.json", "cases"), ids=lambda c: f"{c['seed'][:6]}-{c['n']}")
def test_choice_vectors(case):
    assert household.choose(case["seed"], case["n"]) == case["place"]


@pytest.mark.parametrize("case", vectors("rosters.json", "rosters"), ids=lambda c: c["note"])
def test_roster_vectors(case):
    people = household.normalise(case["members"])
    assert [person._asdict() for person in people] == case["locked"]
    assert household.roster_hash(people) == case["hash"]


@given(members, st.randoms(use_true_random=False))
def test_the_order_in_which_people_are_named_does_not_matter(given_members, random):
    shuffled = list(given_members)
    random.shuffle(shuffled)
    assert household.normalise(shuffled) == household.normalise(given_members)


@given(st.text(max_size=80), st.integers(1, 40))
def test_the_place_is_always_in_the_roster(seed, n):
    assert 1 <= household.choose(seed, n) <= n


@pytest.mark.parametrize("n", [2, 3, 5, 7])
def test_every_place_is_equally_likely_over_seeds(n):
    draws = 7000
    counts = [0] * n
    for i in range(draws):
        counts[household.choose(hashlib.sha256(f"uniform {i}".encode()).hexdigest(), n) - 1] += 1
    statistic = sum((count - draws / n) ** 2 / (draws / n) for count in counts)
    assert statistic < chi2.ppf(0.9999, n - 1)


def test_rejection_keeps_a_large_range_even():
    # With n = 3 * 2^30 a plain remainder would give the first third of places probability 1/2, not 1/3.
    n, draws = 3 * 2**30, 3000
    first_third = sum(household.choose(f"large {i}", n) <= 2**30 for i in range(draws))
    low, high = binom.interval(0.9999, draws, 1 / 3)
    assert low <= first_third <= high


def test_renaming_somebody_cannot_re_roll_the_choice():
    seed = hashlib.sha256(b"case").hexdigest()
    before = household.normalise([{"label": "王先生", "sex": "male", "age": 67}] * 1)
    after = household.normalise([{"label": "老王", "sex": "male", "age": 67}])
    assert household.choose(seed, len(before)) == household.choose(seed, len(after))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_probability_is_one_over_the_eligible(n):
    assert household.probability(n) * n == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("lines", "row", "reason"),
    [
        ([], 0, "empty"),
        ([{"label": " ", "sex": "male", "age": 30}], 1, "label"),
        ([{"label": "王", "sex": "", "age": 30}], 1, "sex"),
        ([{"label": "王", "sex": "male", "age": "三十"}], 1, "age"),
        ([{"label": "王", "sex": "male", "age": 121}], 1, "age"),
        (
            [{"label": "王", "sex": "male", "age": 30}, {"label": "小王", "sex": "male", "age": 17}],
            2,
            "young",
        ),
        (
            [{"label": "王", "sex": "male", "age": 30}, {"label": " 王", "sex": "male", "age": "30"}],
            2,
            "same",
        ),
        ([{"label": f"人{i}", "sex": "male", "age": 30} for i in range(31)], 0, "too_many"),
    ],
)
def test_a_line_that_cannot_stand_is_named(lines, row, reason):
    with pytest.raises(household.RosterError) as error:
        household.normalise(lines)
    assert (error.value.row, error.value.reason) == (row, reason)


def test_nobody_is_no_choice():
    with pytest.raises(ValueError):
        household.choose("seed", 0)
    with pytest.raises(ValueError):
        household.probability(0)
