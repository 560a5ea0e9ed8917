"""The frame's hash trees, against the recursive definition of RFC 6962 and its published test vectors."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.sampling.tree import Step, leaf_hash, proven_root, tree_proof, tree_root

lines = st.lists(st.binary(max_size=20), min_size=1, max_size=70)


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1: split after the largest power of two below n."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + by_definition(leaves[:half]) + by_definition(leaves[half:])).digest()


@given(lines)
def test_pairing_level_by_level_is_the_recursive_split(texts):
    leaves = [leaf_hash(text) for text in texts]
    assert tree_root(leaves) == by_definition(leaves)


# The eight inputs and roots of certificate-transparency's own reference tests.
CT_INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("n", CT_ROOTS)
def test_roots_are_those_of_the_published_vectors(n):
    assert tree_root([leaf_hash(bytes.fromhex(text)) for text in CT_INPUTS[:n]]).hex() == CT_ROOTS[n]


@given(lines, st.data())
def test_every_leaf_proves_itself_and_no_other_line_does(texts, data):
    leaves = [leaf_hash(text) for text in texts]
    place = data.draw(st.integers(0, len(leaves) - 1))
    steps = tree_proof(leaves, place)
    assert proven_root(leaves[place], steps) == tree_root(leaves)
    assert proven_root(leaf_hash(texts[place] + b"x"), steps) != tree_root(leaves)
    if steps:
        turned = [Step(steps[0].sibling, not steps[0].is_left), *steps[1:]]
        assert proven_root(leaves[place], turned) != tree_root(leaves) or steps[0].sibling == leaves[place]


def test_no_leaf_no_tree():
    with pytest.raises(ValueError, match="at least one leaf"):
        tree_root([])
    with pytest.raises(ValueError, match="no such leaf"):
        tree_proof([leaf_hash(b"a")], 1)
