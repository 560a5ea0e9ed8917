"""Every beacon has one written form, so that nobody can choose between two seeds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.sampling import beacons


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("双色球 2026136 期", "32 26 9 3 14 21 + 7", "03 09 14 21 26 32+07"),
        ("双色球 2026136 期", "０３，０９，１４，２１，２６，３２＋０７", "03 09 14 21 26 32+07"),
        ("大乐透 26136 期", "05-11-19-27-33+09-04", "05 11 19 27 33+04 09"),
        ("排列5 26312 期", "4 0 9 1 5", "40915"),
        ("排列3 26312 期", "409", "409"),
        ("3D 2026312 期", "0 0 7", "007"),
        ("七星彩 26136 期", "4 0 9 1 5 3 + 12", "409153+12"),
    ],
)
def test_however_it_is_typed_a_lottery_has_one_value(name, typed, value):
    assert beacons.normalise_value("lottery", name, typed) == value
    assert beacons.normalise_value("lottery", name, value) == value


@given(balls=st.permutations([3, 9, 14, 21, 26, 32]), blue=st.integers(1, 16), sign=st.sampled_from(" ,、;-"))
def test_the_order_in_which_balls_are_typed_makes_no_difference(balls, blue, sign):
    typed = sign.join(str(ball) for ball in balls) + "+" + str(blue)
    value = beacons.normalise_value("lottery", "双色球 2026136 期", typed)
    assert value == f"03 09 14 21 26 32+{blue:02d}"


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("双色球 2026136 期", "3 9 14 21 26 32 7"),  # no "+"
        ("双色球 2026136 期", "3 9 14 21 26 34+7"),  # no ball 34
        ("双色球 2026136 期", "3 9 14 21 26 26+7"),  # a ball twice
        ("双色球 2026136 期", "3 9 14 21 26 32+17"),
        ("双色球 2026136 期", "three"),
        ("排列5 26312 期", "4091"),
        ("快乐8 2026312 期", "1 2 3"),
    ],
)
def test_what_the_lottery_cannot_have_drawn_is_refused(name, typed):
    with pytest.raises(beacons.Unreadable) as caught:
        beacons.normalise_value("lottery", name, typed)
    assert caught.value.kind == "lottery_value"


def test_examples_are_in_their_own_form():
    for game, rule in beacons.LOTTERIES.items():
        assert beacons.normalise_value("lottery", f"{game} 2026136 期", rule.example) == rule.example


def test_names_of_beacons_have_one_form():
    assert beacons.normalise_name("lottery", " 福彩双色球第２０２６１３６期 ") == "双色球 2026136 期"
    assert beacons.normalise_name("lottery", "快乐8 2026312") == "快乐8 2026312 期"
    assert beacons.normalise_name("drand", "quicknet 27946612") == "drand quicknet 第 27946612 轮"
    for kind, name, why in (
        ("lottery", "明天的彩票", "lottery_name"),
        ("lottery", "双色球", "lottery_name"),
        ("drand", "quicknet", "drand_name"),
        ("drand", "othernet 5", "drand_name"),
        ("drand", "quicknet 0", "drand_name"),
        ("demo", "  ", "no_name"),
    ):
        with pytest.raises(beacons.Unreadable) as caught:
            beacons.normalise_name(kind, name)
        assert caught.value.kind == why


def test_a_drand_round_has_its_time_and_address():
    """Round 27946612 of quicknet is of 2026-04-20 00:00:00 UTC: readme of the Ruby client `drand`."""
    assert beacons.drand_time("quicknet", 27946612) == datetime(2026, 4, 20, tzinfo=UTC)
    assert beacons.drand_round_at("quicknet", datetime(2026, 4, 20, tzinfo=UTC)) == 27946612
    # Round 100001 of the default chain: 1595431050 + 100000·30 = 2020-08-26 08:37:30 UTC.
    assert beacons.drand_time("default", 100001) == datetime(2020, 8, 26, 8, 37, 30, tzinfo=UTC)
    address = beacons.public_address("drand", "drand quicknet 第 27946612 轮")
    assert address.startswith("https://api.drand.sh/52db9ba7") and address.endswith("/public/27946612")
    assert beacons.public_address("lottery", "双色球 2026136 期") == ""


@given(st.integers(1, 10**9), st.sampled_from(["quicknet", "default"]), st.floats(0.001, 2.9))
def test_the_first_round_after_a_moment_is_not_before_it(number, chain, later):
    moment = beacons.drand_time(chain, number)
    assert beacons.drand_round_at(chain, moment) == number
    assert beacons.drand_round_at(chain, moment + timedelta(seconds=later)) == number + 1


@pytest.mark.parametrize("value", ["", "12", "g" * 64, "a" * 63])
def test_a_drand_value_is_64_hexadecimal_digits(value):
    with pytest.raises(beacons.Unreadable):
        beacons.normalise_value("drand", "drand quicknet 第 5 轮", value)
    assert beacons.normalise_value("drand", "x", " " + "AB" * 32) == "ab" * 32
