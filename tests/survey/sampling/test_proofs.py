"""A resident with her letter can show that her household is in the frame and that its line is unchanged."""

import pytest

from survey.common.crypto import decrypt, encrypt
from survey.common.errors import Problem
from survey.sampling.lines import FAMILY, commit_line, normalise_address
from survey.sampling.models import Draw, FrameVersion
from survey.sampling.services import check_household_line, household_proof
from survey.sampling.tree import leaf_hash, proven_root
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def frame(regions):
    factories.make_frame(regions["370105000000"], households=3)  # an earlier one with the same addresses
    return factories.make_frame(regions["370105000000"], households=13)


@pytest.fixture
def unit(frame):
    return frame.units.get(position=20)


def letter(unit):
    """(code, address) as a household reads them."""
    return "\n".join(household_proof(frame_unit=unit)), decrypt(unit.address_cipher, "sampling.address")


def test_every_household_of_a_frame_can_prove_its_line(frame):
    for unit in frame.units.select_related("frame", "community"):
        code, address = letter(unit)
        answer = check_household_line(code=code.lower(), address=f" {address.replace(' ', '')}")
        assert (answer.ok, answer.frame) == (True, frame)
        path = answer.path
        root = proven_root(leaf_hash(path.line.encode()), path.steps)
        assert root.hex() == path.community.root
        assert proven_root(path.community.leaf, path.community_steps).hex() == frame.frame_hash
    assert f"第 {frame.number} 版名录" in answer.words[0]


def test_a_draw_that_committed_to_the_frame_is_named(regions):
    round_ = factories.make_drawn_round(regions["370105000000"])
    unit = round_.cases.first().frame_unit
    code, address = letter(unit)
    draw = round_.cases.first().draw
    other = {**draw.commitment, "frame_hash": "0" * 64}
    Draw.objects.filter(pk=draw.pk).update(commitment=other)
    assert check_household_line(code=code, address=address).draws == ()
    Draw.objects.filter(pk=draw.pk).update(commitment={**other, "frame_hash": unit.frame.frame_hash})
    assert check_household_line(code=code, address=address).draws == (draw,)


def test_another_address_does_not_open_the_line(unit):
    code, address = letter(unit)
    answer = check_household_line(code=code, address=address + "1")
    assert (answer.ok, answer.kind, answer.path) == (False, "other_address", None)


def test_an_unknown_code_and_another_salt_say_the_same(unit, frame):
    code, address = letter(unit)
    other_salt = letter(frame.units.get(position=1))[0].split("\n")[0]
    mixed = check_household_line(code=other_salt + code.split("\n")[1], address=address)
    unit.delete()
    gone = check_household_line(code=code, address=address)
    assert (mixed.kind, gone.kind) == ("unknown", "unknown")
    assert mixed == gone


@pytest.mark.parametrize(
    ("text", "words"), [("0000", "56 个"), ("U" * 56, "只有数字和字母"), ("0" * 56, "第 1 行")]
)
def test_a_slip_in_the_code_is_said_in_words(unit, text, words):
    with pytest.raises(Problem, match=words):
        check_household_line(code=text, address="x")
    with pytest.raises(Problem, match="地址"):
        check_household_line(code=letter(unit)[0], address=" ")


def test_a_line_that_was_forged_after_the_import_is_found(unit):
    """The line opens with the address of the letter, but is not under the recorded hash."""
    unit.address_cipher = encrypt("新地址 1 号", "sampling.address")
    unit.commitment = commit_line(
        salt=bytes(unit.salt),
        opaque_id=str(unit.opaque_id),
        community_code=unit.community.code,
        kind=FAMILY,
        address=normalise_address("新地址 1 号"),
    )
    unit.save()
    answer = check_household_line(code=letter(unit)[0], address="新地址1号")
    assert (answer.ok, answer.kind) == (False, "altered")


def test_a_changed_neighbour_breaks_the_path_too(unit, frame):
    frame.units.filter(community=unit.community_id).exclude(pk=unit.pk).first().delete()
    code, address = letter(unit)
    assert check_household_line(code=code, address=address).kind == "altered"


def test_a_community_that_was_not_recorded_is_no_proof(unit, frame):
    frame.trees.filter(community=unit.community_id).delete()
    code, address = letter(unit)
    assert check_household_line(code=code, address=address).kind == "altered"


def test_frames_of_the_first_release_give_no_code(unit):
    code, address = letter(unit)
    FrameVersion.objects.update(hash_algorithm="minyi-frame-1")
    unit.refresh_from_db()
    assert household_proof(frame_unit=unit) is None
    assert check_household_line(code=code, address=address).kind == "unknown"
