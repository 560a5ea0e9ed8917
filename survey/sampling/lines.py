"""The lines of a frame as fingerprints: "minyi-address-1", and "minyi-frame-1" of release 1. Pure.

A frame's public form holds, in order, each household's position, opaque id, community, kind and a salted
commitment to the rest. Whoever holds that list can recompute the frame's hash without any address; a
resident who knows her line's salt can show that her household is in it. Frames imported since release 2 are
hashed as trees (see tree.py); their lines are the same.
"""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass

SALT_BYTES = 16
FAMILY, COLLECTIVE = "family", "collective"

# Dashes that typists use for one another (NFKC leaves these apart).
_DASH = re.compile("[‐‑‒–—―−─－]")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−─－", "-"))
_JSON = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True)
class Line:
    """One household as the frame's hash sees it."""

    position: int
    opaque_id: str
    community_code: str
    kind: str
    commitment: str


def normalise_address(text: str) -> str:
    """The address as compared and committed to: NFKC, no spaces, one kind of dash, lower case.

    "１号楼 2－101室" and "1号楼2-101室" are one address. Nothing is guessed beyond spelling.
    """
    text = unicodedata.normalize("NFKC", text)
    if _DASH.search(text):
        text = text.translate(_DASHES)
    return "".join(text.split()).lower()


def commit_line(*, salt: bytes, opaque_id: str, community_code: str, kind: str, address: str) -> str:
    """Hex SHA-256(salt ‖ canonical JSON of id, community, kind and normalised address).

    Parameters
    ----------
    salt : 16 random bytes of this line; without it a short address could be found by trying.
    address : normalised by `normalise_address`.
    """
    # Written out because there are millions of lines; a test holds it to canonical_json. The other three
    # are digits, hex and plain letters, which JSON leaves as they are.
    body = (
        f'{{"address":{_JSON.encode(address)},"community":"{community_code}",'
        f'"id":"{opaque_id}","kind":"{kind}"}}'
    )
    return hashlib.sha256(salt + body.encode()).hexdigest()


class FrameHash:
    """SHA-256 over the lines of a "minyi-frame-1": five columns with tabs, a line feed at the end of each."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, line: Line) -> None:
        """Add the next line; they come by position."""
        text = f"{line.position}\t{line.opaque_id}\t{line.community_code}\t{line.kind}\t{line.commitment}\n"
        self._hash.update(text.encode())

    def hexdigest(self) -> str:
        """The frame's hash so far."""
        return self._hash.hexdigest()
