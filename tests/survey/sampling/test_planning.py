"""PSUs and strata before the draw: joining rules, certainty units, allocation, and what is refused."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.sampling.planning import (
    Community,
    Impossible,
    StrataPlanner,
    build_psus,
    largest_least,
    nearest_possible,
)


def town(*sizes, street="370105001000"):
    """Communities of one street with these numbers of households."""
    return [
        Community(f"{street[:9]}{i:03d}", f"社区{i}", street, size) for i, size in enumerate(sizes, start=1)
    ]


def plan(communities, n=None, least=1, **options):
    return StrataPlanner(build_psus(communities, least), n, **options).plan()


def test_a_small_community_is_joined_with_the_next_of_its_street():
    psus = build_psus(town(10, 5, 30, 40, 4), least=22)
    assert [[c.n_households for c in psu.communities] for psu in psus] == [[10, 5, 30], [40, 4]]
    assert [psu.code for psu in psus] == ["370105001001", "370105001004"]


def test_communities_without_households_are_left_out():
    assert [psu.n_households for psu in build_psus(town(0, 25, 0, 30), least=22)] == [25, 30]


def test_joining_never_crosses_a_street():
    communities = town(30, 5) + town(8, 30, street="370105003000")
    assert [psu.n_households for psu in build_psus(communities, least=22)] == [35, 38]


def test_a_street_with_too_few_households_is_refused_with_the_take_that_works():
    with pytest.raises(Impossible) as caught:
        build_psus(town(40, 40) + town(9, 8, street="370105003000"), least=22)
    assert caught.value.kind == "street_too_small"
    assert caught.value.possible == {"least": 17}


def test_streets_share_the_psus_in_proportion_with_two_each_at_least():
    strata = plan(town(*[100] * 20) + town(*[50] * 5, street="370105003000"), 10)
    assert [(s.code, s.n_take) for s in strata] == [("370105001000", 8), ("370105003000", 2)]
    assert not any(s.joined for s in strata)


def test_a_community_larger_than_the_interval_is_a_stratum_of_its_own():
    strata = plan(town(1000, *[50] * 20), 10)  # interval 200
    assert [(s.code, s.certainty, s.n_take) for s in strata] == [
        ("370105001000", False, 9),
        ("370105001001", True, 1),
    ]


def test_a_street_with_one_community_is_joined_with_the_next_of_its_district():
    communities = town(60) + town(*[50] * 6, street="370105003000") + town(*[50] * 6, street="370104001000")
    strata = plan(communities, 8)
    assert [(s.code, s.streets, s.joined) for s in strata] == [
        ("370104001000", ("370104001000",), ()),
        ("370105001000+1", ("370105001000", "370105003000"), ("few-psus",)),
    ]


def test_the_last_street_of_a_district_is_joined_with_the_one_before_never_with_another_district():
    communities = town(*[50] * 6) + town(55, street="370105003000") + town(*[50] * 6, street="370112001000")
    strata = plan(communities, 8)
    assert [s.streets for s in strata] == [("370105001000", "370105003000"), ("370112001000",)]


def test_a_street_that_one_community_dominates_is_joined():
    # With two PSUs the interval of the street is 75: the community of 80 would leave one to chance.
    communities = town(80, 35, 35) + town(*[40] * 9, street="370105003000")
    strata = plan(communities, 6)
    assert [(s.code, s.joined, s.n_take) for s in strata] == [("370105001000+1", ("dominant-psu",), 6)]


def test_a_district_of_one_street_that_cannot_be_joined_enters_with_certainty():
    strata = plan(town(*[50] * 10) + town(40, 30, street="370104001000"), 6)
    assert [(s.code, s.certainty) for s in strata] == [
        ("370104001001", True),
        ("370104001002", True),
        ("370105001000", False),
    ]
    assert sum(s.n_take for s in strata) == 6


def test_streets_are_joined_when_the_psus_do_not_suffice_for_two_each():
    communities = [c for i in (1, 2, 3, 4) for c in town(*[50 + i] * 5, street=f"37010500{i}000")]
    strata = plan(communities, 5)
    assert len(strata) == 2
    assert sum(s.n_take for s in strata) == 5
    assert all("budget" in s.joined for s in strata if len(s.streets) > 1)


def test_too_few_psus_for_the_districts_are_refused_and_the_nearest_number_that_works_is_found():
    communities = town(*[50] * 6) + town(*[50] * 6, street="370104001000")
    psus = build_psus(communities, 1)
    with pytest.raises(Impossible) as caught:
        StrataPlanner(psus, 3).plan()
    assert caught.value.kind == "too_few_psus"
    assert nearest_possible(psus, 3) == 4
    assert StrataPlanner(psus, 4).plan()


def test_more_psus_than_there_are_is_refused():
    with pytest.raises(Impossible) as caught:
        plan(town(50, 60), 3)
    assert caught.value.possible == {"n": 2}


@given(sizes=st.lists(st.integers(0, 60), min_size=1, max_size=12), n=st.integers(1, 8))
def test_the_largest_take_that_leaves_enough_psus_is_the_largest(sizes, n):
    communities = town(*sizes)
    least = largest_least(communities, n)
    number = {}
    for tried in range(1, sum(sizes) + 2):
        try:
            number[tried] = len(build_psus(communities, tried))
        except Impossible:
            number[tried] = 0
    works = [tried for tried, count in number.items() if count >= n]
    assert least == (max(works) if works else None)


def test_when_no_number_nearby_works_all_psus_are_offered():
    psus = build_psus(town(*[50] * 900), 1)
    assert nearest_possible(psus, 3, least=600) == 900


def test_a_given_allocation_is_followed():
    communities = town(*[100] * 20) + town(*[50] * 8, street="370105003000")
    strata = plan(communities, allocation={"370105001000": 3, "370105003000": 5})
    assert [s.n_take for s in strata] == [3, 5]


@pytest.mark.parametrize(
    ("allocation", "kind"),
    [
        ({"370105001000": 3}, "stratum_without_allocation"),
        ({"370105001000": 3, "370105003000": 3, "370105009000": 2}, "stratum_without_frame"),
        ({"370105001000": 30, "370105003000": 3}, "allocation_too_many"),
    ],
)
def test_an_allocation_that_does_not_fit_the_streets_is_refused(allocation, kind):
    communities = town(*[100] * 20) + town(*[50] * 8, street="370105003000")
    with pytest.raises(Impossible) as caught:
        plan(communities, allocation=allocation)
    assert caught.value.kind == kind


def test_an_allocation_of_one_psu_is_joined_or_refused_where_there_is_nothing_to_join():
    communities = town(*[100] * 9) + town(*[50] * 8, street="370105003000")
    strata = plan(communities, allocation={"370105001000": 1, "370105003000": 3})
    assert [(s.n_take, s.joined) for s in strata] == [(4, ("allocation",))]
    with pytest.raises(Impossible) as caught:
        plan(town(*[100] * 9), allocation={"370105001000": 1})
    assert (caught.value.kind, caught.value.possible) == ("allocation_too_few", {"n": 2})


cities = st.lists(
    st.tuples(
        st.sampled_from(["370104", "370105", "370112"]),
        st.lists(st.integers(1, 400), min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(city=cities, data=st.data())
def test_every_plan_can_be_drawn_covers_every_household_and_spends_what_was_given(city, data):
    communities = [
        community
        for i, (district, sizes) in enumerate(city, start=1)
        for community in town(*sizes, street=f"{district}{i:03d}000")
    ]
    n = data.draw(st.integers(1, len(communities)))
    try:
        strata = plan(communities, n)
    except Impossible as impossible:
        assert impossible.kind == "too_few_psus"
        return
    assert sum(s.n_take for s in strata) == n
    assert len({s.code for s in strata}) == len(strata)
    covered = Counter(psu.code for s in strata for psu in s.psus)
    assert covered == Counter(c.code for c in communities)
    for stratum in strata:
        assert len({street[:6] for street in stratum.streets}) == 1
        if stratum.certainty:
            assert (len(stratum.psus), stratum.n_take) == (1, 1)
        else:
            assert 2 <= stratum.n_take < len(stratum.psus)
            largest = max(psu.n_households for psu in stratum.psus)
            assert largest * stratum.n_take < stratum.n_households  # every probability below 1
        if len(stratum.streets) > 1:
            assert stratum.joined
    shuffled = data.draw(st.permutations(communities))
    assert plan(shuffled, n) == strata
