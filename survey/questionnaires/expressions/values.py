"""Values of the expression language and how they turn into each other.

A value is text, a number (always float), a boolean, a Day, a Moment or a NodeSet. Blank is the empty text.
The same rules are in `expressions.js`; the vectors hold the two together.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from survey.questionnaires.expressions import dates

DECIMAL = re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII)
SPACES = " \t\r\n"


@dataclass(frozen=True)
class Day:
    """A calendar date: whole days since 1970-01-01 in the form's own calendar."""

    days: int


@dataclass(frozen=True)
class Moment:
    """An instant: milliseconds since 1970-01-01T00:00Z. `text` is the stored answer it came from."""

    ms: float
    text: str | None = None


@dataclass(frozen=True, eq=False)
class Node:
    """One answer, or one instance of a repeat (`children` set)."""

    value: Any = ""
    kind: str = ""
    children: Mapping[str, Any] | None = None
    index: int = 0


@dataclass(frozen=True, eq=False)
class NodeSet:
    """What a reference points at: one node, or several in a repeat, or none."""

    nodes: list[Node] = field(default_factory=list)


Value = str | float | bool | Day | Moment | NodeSet


def atom(value: Value, zone: str) -> str | float | bool | Day | Moment:
    """The first node of a node-set as a plain value; other values as they are."""
    if not isinstance(value, NodeSet):
        return value
    return node_value(value.nodes[0], zone) if value.nodes else ""


def node_value(node: Node, zone: str) -> str | float | Day | Moment:
    """A stored answer as a typed value: numbers stay numbers, dates become dates, the rest is text."""
    stored = node.value
    if isinstance(stored, bool):
        return stored
    if isinstance(stored, int | float):
        return float(stored)
    if node.kind in ("date", "dateTime") and stored:
        parsed = dates.parse(stored)
        if parsed is None:
            return stored
        if node.kind == "date":
            return Day(parsed.days)
        return Moment(dates.instant(parsed, zone), stored)
    return stored


def number_text(value: float) -> str:
    """The shortest text that reads back as the same double, never with an exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return format(Decimal(repr(value)).normalize(), "f")


def to_string(value: Value, zone: str = "UTC") -> str:
    """string() of the language."""
    value = atom(value, zone)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | int):
        return number_text(float(value))
    if isinstance(value, Day):
        return dates.day_text(value.days)
    if isinstance(value, Moment):
        return value.text if value.text is not None else dates.moment_text(value.ms, zone)
    return value


def to_number(value: Value, zone: str = "UTC") -> float:
    """number(): dates count days, with the fraction of the local clock, and so do ISO date texts; other texts
    must be decimal notation; everything else is NaN."""
    value = atom(value, zone)
    if isinstance(value, bool):
        return 1.0 if value else 0.0
    if isinstance(value, float | int):
        return float(value)
    if isinstance(value, Day):
        return float(value.days)
    if isinstance(value, Moment):
        return dates.local_days(value.ms, zone)
    text = value.strip(SPACES)
    if DECIMAL.fullmatch(text):
        return float(text)
    parsed = dates.parse(text, strict=True)
    if parsed is None:
        return math.nan
    return float(parsed.days) if parsed.ms is None else dates.local_days(dates.instant(parsed, zone), zone)


def to_boolean(value: Value, zone: str = "UTC") -> bool:
    """boolean(): blank, 0 and NaN are false. A reference to a blank answer is false (docs/expressions.md)."""
    if isinstance(value, NodeSet) and value.nodes and value.nodes[0].children is not None:
        return True
    value = atom(value, zone)
    if isinstance(value, bool):
        return value
    if isinstance(value, float | int):
        return not (math.isnan(value) or value == 0)
    if isinstance(value, Day | Moment):
        return True
    return value != ""


def words(text: str) -> list[str]:
    """The blank-separated codes of a several-choice answer."""
    return [word for word in re.split(r"[ \t\r\n]+", text) if word]


def utf16(text: str) -> bytes:
    """UTF-16 units, in which JavaScript and therefore this language counts characters."""
    return text.encode("utf-16-le", "surrogatepass")


def cut_utf16(text: str, start: int, end: int) -> str:
    """The units [start, end) of `text`."""
    return utf16(text)[2 * start : 2 * max(start, end)].decode("utf-16-le", "surrogatepass")
