"""What an answer must be, as fields that are filled in, and the constraint that they stand for. Pure.

`write` makes the XLSForm text, `read` gets the fields back from a parsed tree, or None where the constraint
says more than fields can: it then stays a text. `read(parse(write(limits))) == limits`.
"""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from survey.questionnaires.conditions import chain_of, literal, value_of

Limit = int | float | date

# Shapes of a text that authors ask for. An identity number: GB 11643-1999; the rest by their form only.
PATTERNS = {
    "mobile": "^1[3-9][0-9]{9}$",
    "landline": "^(0[0-9]{2,3}-?)?[2-8][0-9]{6,7}$",
    "identity_number": "^[0-9]{17}[0-9Xx]$",
    "postcode": "^[0-9]{6}$",
    "email": "^[^@ ]+@[^@ ]+[.][^@ ]+$",
    "digits": "^[0-9]+$",
}
PAST, FUTURE = "past", "future"
_SELF = ["self"]
_LENGTH = ["call", "string-length", _SELF]
_TODAY = ["call", "today"]


@dataclass(frozen=True)
class Limits:
    """Blank or None where nothing is asked.

    least, most : of a number or a date; least_item, most_item : names of items whose answers it must not fall
    below or pass; today : "past" not after today, "future" not before; pattern : of `PATTERNS`; shortest :
    characters at least
    """

    least: Limit | None = None
    most: Limit | None = None
    least_item: str = ""
    most_item: str = ""
    today: str = ""
    pattern: str = ""
    shortest: int | None = None


def write(limits: Limits) -> str:
    """The constraint, "" when nothing is asked."""
    parts = []
    for sign, value, item in ((">=", limits.least, limits.least_item), ("<=", limits.most, limits.most_item)):
        parts += [f". {sign} {literal(value)}"] if value is not None else []
        parts += [f". {sign} ${{{item}}}"] if item else []
    if limits.today:
        parts.append(f". {'<=' if limits.today == PAST else '>='} today()")
    if limits.pattern:
        parts.append(f"regex(., '{PATTERNS[limits.pattern]}')")
    if limits.shortest is not None:
        parts.append(f"string-length(.) >= {limits.shortest}")
    return " and ".join(parts)


def read(tree: Any) -> Limits | None:
    """The fields of a constraint, or None when it says something else."""
    found: dict[str, Any] = {}
    for part in chain_of(tree, "and"):
        one = _one(part)
        if one is None or one[0] in found:
            return None
        found[one[0]] = one[1]
    kinds = {type(found[name]) is date for name in ("least", "most") if name in found}
    return Limits(**found) if len(kinds) < 2 else None


def is_asked(limits: Limits) -> bool:
    """Whether anything is."""
    return any(getattr(limits, each.name) not in (None, "") for each in fields(limits))


def _one(part: Any) -> tuple[str, Any] | None:
    """(field, value) of one term."""
    if not isinstance(part, list):
        return None
    if part[:3] == ["call", "regex", _SELF]:
        return next((("pattern", name) for name, shape in PATTERNS.items() if part[3:] == [shape]), None)
    if part[0] not in (">=", "<=") or len(part) != 3:
        return None
    least = part[0] == ">="
    value = value_of(part[2])
    if part[1] == _LENGTH:
        return ("shortest", value) if least and type(value) is int and value >= 0 else None
    if part[1] != _SELF:
        return None
    if part[2] == _TODAY:
        return "today", FUTURE if least else PAST
    if isinstance(part[2], list) and part[2][0] == "ref":
        return ("least_item" if least else "most_item"), part[2][1]
    if value is None or isinstance(value, str):
        return None
    return ("least" if least else "most"), value
