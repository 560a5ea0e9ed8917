"""The hash trees of a frame: "minyi-frame-2". Pure; only SHA-256.

1. A household's line is its opaque id, community code, kind and commitment, with tabs between, in UTF-8.
2. A leaf is SHA-256(0x00 ‖ line); a node is SHA-256(0x01 ‖ left ‖ right). A list of n > 1 leaves is split
   after the largest power of two below n (as in RFC 6962, section 2.1), so that no tree of one list is also
   the tree of another.
3. Each community has one tree, over its households' lines in the order of their opaque ids as text.
4. The frame's tree is over the communities' records in the order of their codes: code, number of family
   households, number of collective ones and root in hex, with tabs between. Its root is the frame's hash.

Opaque ids are random, so their order says nothing about addresses or about the list as it was brought.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

ALGORITHM = "minyi-frame-2"
_LEAF, _NODE = b"\x00", b"\x01"


class Step(NamedTuple):
    """One step of a proof: the other half's hash, and whether it stands on the left."""

    sibling: bytes
    is_left: bool


def household_line(*, opaque_id: str, community_code: str, kind: str, commitment: str) -> bytes:
    """What is hashed of one household."""
    return f"{opaque_id}\t{community_code}\t{kind}\t{commitment}".encode()


def community_record(*, community_code: str, n_family: int, n_collective: int, root: bytes) -> bytes:
    """What is hashed of one community."""
    return f"{community_code}\t{n_family}\t{n_collective}\t{root.hex()}".encode()


def leaf_hash(line: bytes) -> bytes:
    """The leaf of one line or record."""
    return hashlib.sha256(_LEAF + line).digest()


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves in their order; 32 bytes. Raises ValueError on an empty list.

    Neighbours are paired level by level and an odd last one moves up: the same tree as the recursive split.
    """
    if not leaves:
        raise ValueError("a tree has at least one leaf")
    sha256, level = hashlib.sha256, list(leaves)
    while len(level) > 1:
        above = [
            sha256(_NODE + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def tree_proof(leaves: Sequence[bytes], place: int) -> list[Step]:
    """What shows that the leaf at `place` (from 0) is under the root: siblings from the leaf upward."""
    if not 0 <= place < len(leaves):
        raise ValueError("no such leaf")
    steps, level = [], list(leaves)
    while len(level) > 1:
        other = place ^ 1
        if other < len(level):
            steps.append(Step(level[other], other < place))
        above = [
            hashlib.sha256(_NODE + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level, place = above, place // 2
    return steps


def proven_root(leaf: bytes, steps: Sequence[Step]) -> bytes:
    """The root that a proof leads to."""
    for sibling, is_left in steps:
        pair = sibling + leaf if is_left else leaf + sibling
        leaf = hashlib.sha256(_NODE + pair).digest()
    return leaf
