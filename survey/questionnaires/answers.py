"""Read one raw answer by its item's type. Pure; `static/questionnaires/logic.js` is its twin.

Answers travel as JSON: a code for one choice, a list of codes for several, a number, a text, an ISO date; a
don't-know or refusal is its negative code (in a list for several choices). Texts of plain HTML forms are
accepted for every type.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from survey.questionnaires.document import (
    INTERVIEWER_MISSED,
    MAX_TEXT,
    NUMBER_TYPES,
    Choice,
    Document,
    Item,
    all_choices,
    missing_choices,
)
from survey.questionnaires.expressions import dates
from survey.questionnaires.expressions.values import utf16, words

INTEGER = re.compile(r"[+-]?\d{1,15}", re.ASCII)
DECIMAL = re.compile(r"[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})", re.ASCII)
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
EDGES = " \t\r\n\u00a0\u3000"
# Control characters and lone surrogates, which databases and UTF-8 refuse.
UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Full-width digits, point and minus, as Chinese keyboards write them.
NARROW = {0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF0E: ".", 0xFF0D: "-", 0xFF0B: "+"}


@dataclass(frozen=True)
class Reading:
    """`value` is None when there is no answer; `missing` marks a don't-know or refusal; `error` is a code of
    `validation.MESSAGES`."""

    value: Any = None
    missing: bool = False
    error: str = ""


BLANK = Reading()


def read_answer(document: Document, item: Item, raw: Any, mode: str) -> Reading:
    """The answer in its canonical form, or what is wrong with it."""
    if raw is None or raw == "" or raw == [] or item["type"] in ("note", "calculate"):
        return BLANK
    if item["type"] == "select_multiple":
        return _several(document, item, raw, mode)
    missing = _missing_code(document, item, raw, mode)
    if missing is not None:
        return Reading(missing, missing=True)
    if item["type"] == "select_one":
        choice = find_choice(all_choices(document, item), raw)
        return Reading(choice["code"]) if choice else Reading(error="choice")
    if item["type"] in NUMBER_TYPES:
        return _number(item, raw)
    if item["type"] == "date":
        return _day(raw)
    return _text(item, raw)


def find_choice(choices: list[Choice], raw: Any) -> Choice | None:
    """The choice with this code; 5, 5.0 and "5" are the same code."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    if isinstance(raw, float):
        if not raw.is_integer():
            return None
        raw = int(raw)
    wanted = str(raw).strip(EDGES)
    return next((choice for choice in choices if str(choice["code"]) == wanted), None)


def _missing_code(document: Document, item: Item, raw: Any, mode: str) -> int | None:
    """The code of an offered missing answer; an interviewer may always note that an item was missed."""
    if item["type"] == "text" and not _is_number(raw):
        return None
    choice = find_choice(missing_choices(document, item), raw)
    if choice is not None:
        return choice["code"]
    if mode == "door" and find_choice([{"code": INTERVIEWER_MISSED}], raw):
        return INTERVIEWER_MISSED
    return None


def _is_number(raw: Any) -> bool:
    return isinstance(raw, int | float) and not isinstance(raw, bool)


def _several(document: Document, item: Item, raw: Any, mode: str) -> Reading:
    given = raw if isinstance(raw, list) else words(raw) if isinstance(raw, str) else [raw]
    if len(given) == 1 and (missing := _missing_code(document, item, given[0], mode)) is not None:
        return Reading([missing], missing=True)
    choices = all_choices(document, item)
    found = [find_choice(choices, code) for code in given]
    if any(choice is None for choice in found):
        return Reading(error="choice")
    codes = {choice["code"] for choice in found}
    alone = [choice for choice in found if choice.get("missing") or choice.get("exclusive")]
    if alone and len(codes) > 1:
        return Reading(error="exclusive")
    return Reading([choice["code"] for choice in choices if choice["code"] in codes])


def _number(item: Item, raw: Any) -> Reading:
    if isinstance(raw, str):
        raw = raw.strip(EDGES).translate(NARROW)
        pattern = DECIMAL if item["type"] == "decimal" else INTEGER
        if not pattern.fullmatch(raw):
            return Reading(error="number" if item["type"] == "decimal" else "integer")
        raw = float(raw)
    if not _is_number(raw) or abs(raw) > 1e15 or not math.isfinite(raw):
        return Reading(error="number")
    whole = float(raw).is_integer()
    if item["type"] != "decimal" and not whole:
        return Reading(error="integer")
    if item["type"] == "scale" and not item["from"] <= raw <= item["to"]:
        return Reading(error="scale")
    return Reading(int(raw) if whole else float(raw))


def _day(raw: Any) -> Reading:
    if not isinstance(raw, str):
        return Reading(error="date")
    text = raw.strip(EDGES)
    if not ISO_DAY.fullmatch(text) or dates.parse(text) is None:
        return Reading(error="date")
    return Reading(text)


def _text(item: Item, raw: Any) -> Reading:
    if not isinstance(raw, str):
        return Reading(error="text")
    text = UNSTORABLE.sub("", raw.replace("\r\n", "\n").replace("\r", "\n")).strip(EDGES)
    if not text:
        return BLANK
    if len(utf16(text)) // 2 > item.get("max_length", MAX_TEXT):
        return Reading(error="long")
    return Reading(text)
