"""The letter's codes: what is detected, and what people may type."""

import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from survey.contacts import codes

values = st.sampled_from(codes.ALPHABET)
bodies = st.text(alphabet=codes.ALPHABET, min_size=11, max_size=11)


@given(bodies)
@example("0" * 11)
def test_a_code_reads_back_as_itself(body):
    code = codes.with_check(body)
    assert len(code) == 12
    assert code.startswith(body)
    assert codes.read_typed(code) == code
    assert codes.read_typed(codes.shown(code)) == code


@given(bodies, st.integers(0, 11), values)
def test_every_single_wrong_character_is_noticed(body, place, wrong):
    code = codes.with_check(body)
    assume(code[place] != wrong)
    assert codes.read_typed(code[:place] + wrong + code[place + 1 :]) is None


@given(bodies, st.integers(0, 11), st.integers(0, 11))
def test_every_swap_of_two_different_characters_is_noticed(body, first, second):
    code = list(codes.with_check(body))
    assume(code[first] != code[second])
    code[first], code[second] = code[second], code[first]
    assert codes.read_typed("".join(code)) is None


def test_every_adjacent_swap_of_every_pair_of_characters_is_noticed():
    for a in codes.ALPHABET:
        for b in codes.ALPHABET:
            if a == b:
                continue
            code = codes.with_check(a + b + "7" * 9)
            assert codes.read_typed(code[1] + code[0] + code[2:]) is None


@given(bodies, st.data())
def test_people_may_type_it_their_way(body, data):
    code = codes.with_check(body)
    look_alikes = {"0": "0Oo", "1": "1IiLl"}
    typed = ""
    for character in code:
        ways = look_alikes.get(character, character + character.lower())
        typed += data.draw(st.sampled_from(ways))
        typed += data.draw(st.sampled_from(["", " ", "-", "\u3000", "—"]))
    assert codes.read_typed(typed) == code
    wide = "".join(chr(ord(c) + 0xFEE0) if c in string.ascii_letters + string.digits else c for c in typed)
    assert codes.read_typed(wide) == code


@given(st.text(max_size=40))
def test_any_text_is_a_code_or_none_and_never_an_exception(text):
    for read, length in ((codes.read_typed, 12), (codes.read_qr, 26)):
        code = read(text)
        assert code is None or (len(code) == length and set(code.upper()) <= set(codes.ALPHABET))


@pytest.mark.parametrize("text", ["", "0", "0" * 11, "0" * 13, "UUUUUUUUUUUU", "密码密码密码密码密码密码"])
def test_what_cannot_be_a_code_is_refused(text):
    assert codes.read_typed(text) is None


def test_a_worked_example_by_hand():
    # Body 1 then zeros: the sum is a^1 * 1 = a; the check c solves a + a^12 c = 0, so c = a^(1-12) = a^20.
    # Powers of a modulo x^5 + x^2 + 1: a^5 = 5, a^10 = 17, a^20 = 12, and 12 is C.
    assert codes.with_check("1" + "0" * 10) == "10000000000C"


def test_new_codes_are_valid_and_all_different():
    typed = {codes.new_typed_code() for _ in range(500)}
    secret = {codes.new_qr_secret() for _ in range(500)}
    assert len(typed) == len(secret) == 500
    assert all(codes.read_typed(code) == code for code in typed)
    assert all(codes.read_qr(code) == code for code in secret)
    assert all(codes.read_qr(code.upper()) == code for code in secret)
    # 26 characters hold 130 bits; 128 are random, so the first character is one of eight.
    assert {code[0] for code in secret} == set("01234567")
