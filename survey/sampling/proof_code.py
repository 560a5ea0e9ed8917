"""The code in a letter with which a household proves its line of the frame. Pure.

Salt (16 bytes) and opaque id (16 bytes), a line each. A line is 28 characters of Crockford's base 32
(https://www.crockford.com/base32.html), in seven groups of four: the 16 bytes and, as a check, the first 12
bits of SHA-256(number of the line, 1 or 2 ‖ 16 bytes). Each line is checked by itself, so that whoever typed
56 characters hears which half to look at again; two lines that changed places are noticed.

The code opens the household's own line and no other. It says nothing about answers, and it is not the code
that opens the questionnaire.
"""

import hashlib
import unicodedata
import uuid
from typing import NamedTuple

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PART_BYTES, CHECK_BITS, PART_LENGTH, GROUP = 16, 12, 28, 4
LENGTH = 2 * PART_LENGTH
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
# What people type for what is printed (Crockford): O for 0, I and L for 1.
_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SEPARATORS = frozenset("-_.·・—–‐‑‒―−")


class ProofCode(NamedTuple):
    """What a code holds."""

    salt: bytes
    opaque_id: uuid.UUID


class CodeError(ValueError):
    """Not a code. `kind`: "length" or "character", or "line" with the number of the wrong line (1 or 2)."""

    def __init__(self, kind: str, line: int = 0) -> None:
        self.kind, self.line = kind, line
        super().__init__(kind)


def _check(line: int, part: bytes) -> int:
    digest = hashlib.sha256(bytes([line]) + part).digest()
    return int.from_bytes(digest[:2], "big") >> (16 - CHECK_BITS)


def proof_lines(*, salt: bytes, opaque_id: uuid.UUID) -> tuple[str, str]:
    """The two lines as printed: "XXXX XXXX …", seven groups each."""
    first, second = (_line(number, part) for number, part in enumerate((salt, opaque_id.bytes), start=1))
    return first, second


def _line(number: int, part: bytes) -> str:
    if len(part) != PART_BYTES:
        raise ValueError("a salt has 16 bytes")
    bits = int.from_bytes(part, "big") << CHECK_BITS | _check(number, part)
    text = "".join(ALPHABET[bits >> 5 * place & 31] for place in reversed(range(PART_LENGTH)))
    return " ".join(text[start : start + GROUP] for start in range(0, PART_LENGTH, GROUP))


def read_proof(text: str) -> ProofCode:
    """What somebody typed: lower case, full-width, spaces, line breaks and hyphens anywhere, O for 0, I and L
    for 1.

    Raises
    ------
    CodeError : it is not a code; says what is wrong.
    """
    folded = unicodedata.normalize("NFKC", text).upper()
    kept = "".join(c for c in folded if not c.isspace() and c not in _SEPARATORS).translate(_LOOK_ALIKES)
    if any(character not in _VALUES for character in kept):
        raise CodeError("character")
    if len(kept) != LENGTH:
        raise CodeError("length")
    salt, opaque_id = (_part(number, kept[PART_LENGTH * (number - 1) :][:PART_LENGTH]) for number in (1, 2))
    return ProofCode(salt, uuid.UUID(bytes=opaque_id))


def _part(number: int, text: str) -> bytes:
    bits = 0
    for character in text:
        bits = bits << 5 | _VALUES[character]
    part = (bits >> CHECK_BITS).to_bytes(PART_BYTES, "big")
    if bits & (1 << CHECK_BITS) - 1 != _check(number, part):
        raise CodeError("line", number)
    return part
