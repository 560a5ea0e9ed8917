"""Lines of a frame: written fast, and exactly as release 1 wrote them."""

import hashlib
import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from survey.common.canonical import canonical_json
from survey.sampling.lines import commit_line, normalise_address

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)


@given(address=TEXTS, salt=st.binary(min_size=16, max_size=16))
def test_a_commitment_is_the_hash_of_salt_and_canonical_json(address, salt):
    body = {"address": address, "community": "370105001001", "id": "0f-a", "kind": "family"}
    expected = hashlib.sha256(salt + canonical_json(body)).hexdigest()
    made = commit_line(
        salt=salt, opaque_id="0f-a", community_code="370105001001", kind="family", address=address
    )
    assert made == expected


@given(TEXTS | st.text(alphabet=" \t\u3000\xa0‐‑‒–—―−─－-１1Ａa号楼", max_size=30))
def test_an_address_is_normalised_as_in_release_1(text):
    dashes = str.maketrans(dict.fromkeys("‐‑‒–—―−─－", "-"))
    expected = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text).translate(dashes)).lower()
    assert normalise_address(text) == expected


def test_spelling_does_not_make_another_address():
    assert normalise_address("１号楼 2－101室") == normalise_address("1号楼2-101室") == "1号楼2-101室"
