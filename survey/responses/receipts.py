"""The receipt that a resident keeps: short enough to read out on the phone, found again without a column.

A response's id is a random UUID. The receipt is its first 45 bits as nine Crockford characters and one
check character; the team finds the response by a range of ids. Among a million responses two share a
receipt with probability of about 1.4 % (birthday bound n²/2^46); both are then shown.
"""

import uuid

from survey.contacts.codes import ALPHABET

BITS = 45
BODY_LENGTH = BITS // 5
_REST_BITS = 128 - BITS
_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})  # Crockford's reading rule


def _check(body: str) -> str:
    """Weighted sum modulo 31: catches every single wrong character but one pair, and most swaps."""
    total = sum(weight * ALPHABET.index(character) for weight, character in enumerate(body, start=1))
    return ALPHABET[total % 31]


def receipt_of(response_id: uuid.UUID) -> str:
    """XXXX-XXXX-XX."""
    number = response_id.int >> _REST_BITS
    body = "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(BODY_LENGTH)))
    code = body + _check(body)
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def id_range(receipt: str) -> tuple[uuid.UUID, uuid.UUID] | None:
    """The first and the last id that a receipt can mean; None when it was misread."""
    code = "".join(c for c in receipt.upper() if c.isalnum()).translate(_LOOK_ALIKES)
    if len(code) != BODY_LENGTH + 1 or any(c not in ALPHABET for c in code):
        return None
    if _check(code[:-1]) != code[-1]:
        return None
    number = 0
    for character in code[:-1]:
        number = number << 5 | ALPHABET.index(character)
    first = number << _REST_BITS
    return uuid.UUID(int=first), uuid.UUID(int=first | (1 << _REST_BITS) - 1)
