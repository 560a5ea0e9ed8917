"""The two codes of a letter: 128 random bits in the QR, twelve characters for those who type.

Both use Crockford's base 32 (https://www.crockford.com/base32.html): digits and letters without I, L, O and
U, so that nobody mistakes one character for another, and none of them is lost when an app makes a link of
the address. Only keyed hashes of what `new_qr_secret` and `new_typed_code` return are ever stored.

The typed code is eleven random characters (55 bits) and one check character. The check is a single parity
symbol of a Reed-Solomon code over GF(32): with a the root of x^5 + x^2 + 1 and c_i the value of character i,
the sum of a^i * c_i over i = 1 … 12 is 0. The weights a^i differ and none is 0, so every single wrong
character and every swap of two different characters, adjacent or not, leaves a sum other than 0.
Crockford's own check (mod 37) would need five more symbols, such as * and $, that are awkward on a phone.

References: I. S. Reed, G. Solomon (1960), Polynomial codes over certain finite fields, J. SIAM 8, 300-304;
J. Verhoeff (1969), Error detecting decimal codes, Mathematical Centre Tracts 29 (which errors people make).
"""

import secrets
import unicodedata

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
QR_BITS = 128
QR_LENGTH = 26  # ceil(128 / 5)
TYPED_LENGTH = 12
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
# What people type for what is printed (Crockford): O for 0, I and L for 1.
_LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SEPARATORS = frozenset("-_.·・—–‐‑‒―−")


def _powers() -> list[int]:
    """a^0 … a^30 in GF(2)[x] / (x^5 + x^2 + 1), where a = x generates all 31 non-zero elements."""
    powers = [1]
    while len(powers) < 31:
        doubled = powers[-1] << 1
        powers.append(doubled ^ 0b100101 if doubled & 0b100000 else doubled)
    return powers


_POWERS = _powers()
_LOGS = {element: exponent for exponent, element in enumerate(_POWERS)}


def _times_power(value: int, exponent: int) -> int:
    """value * a^exponent in GF(32)."""
    return _POWERS[(_LOGS[value] + exponent) % 31] if value else 0


def _sum(values: list[int]) -> int:
    """The weighted sum that is 0 for a correct code (weights a^1, a^2, …)."""
    total = 0
    for place, value in enumerate(values, start=1):
        total ^= _times_power(value, place)
    return total


def new_qr_secret() -> str:
    """128 random bits as 26 lower-case characters."""
    number = secrets.randbits(QR_BITS)
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(QR_LENGTH))).lower()


def new_typed_code() -> str:
    """Eleven random characters and their check character, without hyphens."""
    return with_check("".join(secrets.choice(ALPHABET) for _ in range(TYPED_LENGTH - 1)))


def with_check(body: str) -> str:
    """Append the check character to eleven characters of the alphabet."""
    # In characteristic 2 the missing term equals the sum of the others; dividing by a^12 is times a^19.
    rest = _sum([_VALUES[character] for character in body])
    return body + ALPHABET[_times_power(rest, 31 - TYPED_LENGTH)]


def shown(code: str) -> str:
    """The typed code as printed: XXXX-XXXX-XXXX."""
    return "-".join(code[start : start + 4] for start in range(0, TYPED_LENGTH, 4))


def _plain(text: str) -> str:
    """Half-width capitals without spaces and hyphens, look-alikes mapped as Crockford does."""
    folded = unicodedata.normalize("NFKC", text).upper()
    kept = (c for c in folded if not c.isspace() and c not in _SEPARATORS)
    return "".join(kept).translate(_LOOK_ALIKES)


def read_typed(text: str) -> str | None:
    """The code that somebody typed, in the form that is hashed; None when it cannot be a code.

    Accepts lower case, full-width characters, spaces and hyphens anywhere, O for 0, I and L for 1.
    """
    code = _plain(text)
    if len(code) != TYPED_LENGTH or any(character not in _VALUES for character in code):
        return None
    return code if _sum([_VALUES[character] for character in code]) == 0 else None


def read_qr(text: str) -> str | None:
    """The QR's secret in the form that is hashed; None when it cannot be one."""
    code = _plain(text)
    if len(code) != QR_LENGTH or any(character not in _VALUES for character in code):
        return None
    return code.lower()
