"""The phone's half of the choice and of the seal does what the server's half does."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.contacts.household import RosterError, choose, normalise, roster_hash
from survey.fieldwork.sync import sealing

HERE = Path(__file__).parent
VECTORS = HERE.parents[1] / "vectors"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(
    NODE is None, reason="this machine has no `node`, which runs the phone's half"
)


def on_the_phone(jobs):
    done = subprocess.run(
        [NODE, str(HERE / "run_app.mjs")],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_the_phone_chooses_whom_the_vectors_say():
    cases = json.loads((VECTORS / "household" / "choice.json").read_text())["cases"]
    answers = on_the_phone([{"do": "choose", "seed": case["seed"], "n": case["n"]} for case in cases])
    assert answers == [case["place"] for case in cases] == [choose(c["seed"], c["n"]) for c in cases]


def test_the_phone_orders_and_hashes_a_list_as_the_vectors_say():
    rosters = json.loads((VECTORS / "household" / "rosters.json").read_text())["rosters"]
    answers = on_the_phone([{"do": "normalise", "members": each["members"]} for each in rosters])
    assert answers == [{"locked": each["locked"], "hash": each["hash"]} for each in rosters]


def on_the_server(members, min_age):
    try:
        people = normalise(members, min_age=min_age)
    except RosterError as error:
        return {"row": error.row, "reason": error.reason}
    return {"locked": [person._asdict() for person in people], "hash": roster_hash(people)}


labels = st.text(
    st.sampled_from("甲乙王 　\u00a0\ufeff\u2028\u001c\u0085ｚzZé𠮷e\u0301"), max_size=6
) | st.just("x" * 41)
member = st.fixed_dictionaries(
    {
        "label": labels,
        "sex": st.sampled_from(["male", "female", "other"]),
        "age": st.integers(-2, 130) | st.sampled_from(["30", " 31 ", "3 1", "", "4.5", "+40", "１８"]),
    }
)


@settings(max_examples=8)
@given(st.lists(st.tuples(st.lists(member, max_size=5), st.integers(16, 20)), min_size=40, max_size=60))
def test_server_and_phone_agree_on_any_list(lists):
    jobs = [{"do": "normalise", "members": members, "min_age": least} for members, least in lists]
    for job, phone in zip(jobs, on_the_phone(jobs), strict=True):
        assert phone == on_the_server(job["members"], job["min_age"]), job


def test_a_seal_made_on_the_phone_opens_on_the_server_only_for_its_item():
    private = sealing.new_private_key()
    key = {"id": "3e0c9d3a-0000-4000-8000-000000000001", "point": sealing.public_point(private).hex()}
    value = {"kind": "interview", "answers": {"remark": "楼下的路灯坏了 🏮", "age": 43}}
    (sealed,) = on_the_phone([{"do": "seal", "value": value, "key": key, "id": "item-1"}])
    text = sealing.open_seal(sealed, private_key=private, key_id=key["id"], item_id="item-1")
    assert json.loads(text) == value
    for wrong in ({"item_id": "item-2"}, {"key_id": "another"}, {"private_key": sealing.new_private_key()}):
        known = {"private_key": private, "key_id": key["id"], "item_id": "item-1"}
        with pytest.raises(sealing.SealError):
            sealing.open_seal(sealed, **(known | wrong))


def test_the_seal_that_was_written_down_still_opens():
    vector = json.loads((VECTORS / "seal.json").read_text())
    text = sealing.open_seal(
        vector["sealed"],
        private_key=int(vector["private_key"], 16),
        key_id=vector["key_id"],
        item_id=vector["sealed"]["id"],
    )
    assert json.loads(text) == vector["value"]


@given(st.binary(max_size=300), st.booleans(), st.text(max_size=20), st.data())
def test_whatever_is_sealed_opens_and_any_changed_byte_is_noticed(text, zipped, item_id, data):
    private = 0x1F2E3D4C5B6A79880123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
    sealed = sealing.seal(
        text, public_key=sealing.public_point(private), key_id="k", item_id=item_id, zipped=zipped
    )
    known = {"private_key": private, "key_id": "k", "item_id": item_id}
    assert sealing.open_seal(sealed, **known) == text
    part = data.draw(st.sampled_from(["epk", "iv", "ct"]))
    place = data.draw(st.integers(0, len(sealed[part]) - 5))
    other = "A" if sealed[part][place] != "A" else "B"
    with pytest.raises(sealing.SealError):
        sealing.open_seal({**sealed, part: sealed[part][:place] + other + sealed[part][place + 1 :]}, **known)
