"""The proof code comes back however it is typed, and a slip of the hand is noticed on its own line."""

import contextlib
import uuid

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from survey.sampling import verify_draw
from survey.sampling.proof_code import ALPHABET, CodeError, proof_lines, read_proof

SALTS = st.binary(min_size=16, max_size=16)


@given(SALTS, st.uuids())
def test_a_code_comes_back_and_looks_as_it_should(salt, opaque_id):
    lines = proof_lines(salt=salt, opaque_id=opaque_id)
    for line in lines:
        assert [len(group) for group in line.split(" ")] == [4] * 7
        assert set(line) <= {*ALPHABET, " "}
    assert read_proof("\n".join(lines)) == (salt, opaque_id)


@given(SALTS, st.uuids())
def test_the_verifier_which_shares_no_code_reads_the_same(salt, opaque_id):
    text = " ".join(proof_lines(salt=salt, opaque_id=opaque_id))
    assert verify_draw.read_code(text) == (salt, str(opaque_id))


@given(SALTS, st.uuids(), st.data())
def test_it_is_read_however_people_type_it(salt, opaque_id, data):
    text = " ".join(proof_lines(salt=salt, opaque_id=opaque_id))
    swaps = {"0": "0Oo０ｏ", "1": "1IilL１ｉ", " ": [" ", "", "-", "\n", "\u3000", "—"]}
    typed = "".join(data.draw(st.sampled_from(swaps.get(c, [c, c.lower()]))) for c in text)
    assert read_proof(typed) == (salt, opaque_id)


def test_a_known_code_stays_what_it_is():
    """Letters are on paper: the format may not change. Computed by hand from the definition."""
    lines = proof_lines(salt=bytes(range(16)), opaque_id=uuid.UUID(int=0))
    assert lines[0].startswith("000G 40R4 0M30 E209 185G R38E 1")
    assert lines[1].startswith("0000 0000 0000 0000 0000 0000 0")


@given(SALTS, st.uuids(), st.integers(0, 55), st.sampled_from(ALPHABET))
def test_a_wrong_character_is_noticed_on_its_line(salt, opaque_id, place, character):
    text = "".join(proof_lines(salt=salt, opaque_id=opaque_id)).replace(" ", "")
    assume(text[place] != character)
    try:
        found = read_proof(text[:place] + character + text[place + 1 :])
    except CodeError as error:
        assert (error.kind, error.line) == ("line", 1 + place // 28)
    else:  # one in 4096 passes the check, and then opens nothing
        assert found != (salt, opaque_id)


def test_nearly_all_wrong_characters_are_noticed():
    text = "".join(proof_lines(salt=b"0123456789abcdef", opaque_id=uuid.UUID(int=7 << 90))).replace(" ", "")
    missed = 0
    for place in range(56):
        for character in ALPHABET.replace(text[place], ""):
            try:
                read_proof(text[:place] + character + text[place + 1 :])
                missed += 1
            except CodeError:
                pass
    assert missed <= 5  # of 1,736, expected 0.4; more than 5 has a chance below one in a million


@given(SALTS, st.uuids())
def test_lines_that_changed_places_are_noticed(salt, opaque_id):
    first, second = proof_lines(salt=salt, opaque_id=opaque_id)
    try:
        assert read_proof(f"{second} {first}") != (salt, opaque_id)
    except CodeError as error:
        assert error.kind == "line"


@pytest.mark.parametrize(
    ("text", "kind"),
    [("", "length"), ("0000 " * 13, "length"), ("U" * 56, "character"), ("码" * 56, "character")],
)
def test_what_is_no_code_says_why(text, kind):
    with pytest.raises(CodeError) as caught:
        read_proof(text)
    assert caught.value.kind == kind


@given(st.text(max_size=80))
def test_nothing_typed_breaks_it(text):
    with contextlib.suppress(CodeError):
        read_proof(text)


def test_a_salt_of_another_length_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="16 bytes"):
        proof_lines(salt=b"short", opaque_id=uuid.uuid4())
