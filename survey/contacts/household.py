"""Who is asked in a household: a locked order of its adults and one uniform draw. Pure; also runs on a phone.

Algorithm "minyi-person-1", written so that a few lines of any language repeat it (test vectors:
tests/vectors/household/):

1. Each adult is (sex, age, label): sex "male" or "female", age in completed years, label any words that tell
   the household's members apart ("大儿子"), in Unicode NFC, runs of white space as one space, ends trimmed.
2. Order: men before women, then older before younger, then labels by code point. This is the order of Kish's
   listing sheet, so that a Kish table can later be read off the same list.
   L. Kish (1949), A procedure for objective respondent selection within the household, JASA 44, 380-387.
3. Roster hash: SHA-256 of the UTF-8 text "sex TAB age TAB label", lines joined by LF.
4. Choice among n: for k = 0, 1, 2 …, x is the first four bytes, most significant first, of
   SHA-256("minyi-person-1|" + seed + "|" + k). The first x below n * floor(2^32 / n) decides: place
   x mod n, counted from 0. Larger x are rejected, so every place has probability exactly 1/n.

The choice depends on the case's seed and on n only, never on labels: writing a name differently cannot
re-roll it.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

ALGORITHM = "minyi-person-1"
SEXES = ("male", "female")
MAX_AGE = 120
MAX_MEMBERS = 30


class Member(NamedTuple):
    """One eligible adult."""

    label: str
    sex: str
    age: int


class RosterError(ValueError):
    """A line of a roster that cannot stand: `row` counts from 1 (0: the roster as a whole)."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row
        self.reason = reason


def normalise(members: Iterable[Mapping[str, Any]], *, min_age: int = 18) -> list[Member]:
    """The members in the locked order.

    Raises
    ------
    RosterError : an empty roster, a line without label, sex or age, an age out of range, or two lines that
        nobody could tell apart.
    """
    people: list[Member] = []
    for row, given in enumerate(members, start=1):
        person = _member(row, given, min_age)
        if person in people:
            raise RosterError(row, "same")
        people.append(person)
    if not people:
        raise RosterError(0, "empty")
    if len(people) > MAX_MEMBERS:
        raise RosterError(0, "too_many")
    return sorted(people, key=lambda p: (SEXES.index(p.sex), -p.age, p.label))


def _member(row: int, given: Mapping[str, Any], min_age: int) -> Member:
    label = " ".join(unicodedata.normalize("NFC", str(given.get("label", ""))).split())
    if not label or len(label) > 40:
        raise RosterError(row, "label")
    if given.get("sex") not in SEXES:
        raise RosterError(row, "sex")
    try:
        age = int(str(given.get("age", "")).strip())
    except ValueError:
        raise RosterError(row, "age") from None
    if age > MAX_AGE:
        raise RosterError(row, "age")
    if age < min_age:
        raise RosterError(row, "young")
    return Member(label, given["sex"], age)


def roster_hash(people: Sequence[Member]) -> str:
    """Hex SHA-256 of a roster in its locked order."""
    lines = "\n".join(f"{person.sex}\t{person.age}\t{person.label}" for person in people)
    return hashlib.sha256(lines.encode()).hexdigest()


def choose(seed: str, n_eligible: int) -> int:
    """The 1-based place, among `n_eligible`, of the adult to ask: uniform over seeds, fixed for one seed."""
    if not 1 <= n_eligible < 2**32:
        raise ValueError(f"n_eligible must be at least 1, not {n_eligible}")
    limit = n_eligible * (2**32 // n_eligible)
    k = 0
    while True:
        block = hashlib.sha256(f"{ALGORITHM}|{seed}|{k}".encode()).digest()
        x = int.from_bytes(block[:4], "big")
        if x < limit:
            return x % n_eligible + 1
        k += 1


def probability(n_eligible: int) -> float:
    """Selection probability of the chosen adult: 1/n, exact for `choose`.

    Next birthday takes the same value by assumption only: birthdays are not drawn by us, and households
    choose themselves, so such a choice is always labelled quasi-random.
    """
    if n_eligible < 1:
        raise ValueError(f"n_eligible must be at least 1, not {n_eligible}")
    return 1.0 / n_eligible
