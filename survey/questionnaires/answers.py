"""Read one raw answer by its item's type. Pure; `static/questionnaires/logic.js` is its twin.

Answers travel as JSON: a code for one choice, a list of codes for several (for a ranking in its order), a
number, a text, an ISO date, a clock time, a region code, a place and an uploaded file as objects; a
don't-know or refusal is its negative code (in a list for several choices). Texts of plain HTML forms are
accepted for every type but files.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from survey.questionnaires.document import (
    ANSWERED_TYPES,
    FILE_TYPES,
    INTERVIEWER_MISSED,
    LIST_TYPES,
    MAX_TEXT,
    NUMBER_TYPES,
    Choice,
    Document,
    Item,
    all_choices,
    missing_choices,
    score_range,
)
from survey.questionnaires.expressions import dates
from survey.questionnaires.expressions.values import utf16, words

INTEGER = re.compile(r"[+-]?\d{1,15}", re.ASCII)
DECIMAL = re.compile(r"[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})", re.ASCII)
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
CLOCK = re.compile(r"(\d{1,2}):(\d{2})(:\d{2}(\.\d{1,9})?)?", re.ASCII)
ISO_MINUTE = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)", re.ASCII)
REGION = re.compile(r"\d{12}", re.ASCII)
# Where the digits of each level end in a division code (survey/regions/codes.py holds the source).
REGION_ENDS = {"province": 2, "city": 4, "district": 6, "street": 9, "community": 12}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
EDGES = " \t\r\n\u00a0\u3000"
# Control characters and lone surrogates, which databases and UTF-8 refuse.
UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Full-width digits, point and minus, as Chinese keyboards write them.
NARROW = {0xFF10 + digit: str(digit) for digit in range(10)}
NARROW |= {0xFF0E: ".", 0xFF0D: "-", 0xFF0B: "+", 0xFF1A: ":"}


@dataclass(frozen=True)
class Reading:
    """`value` is None when there is no answer; `missing` marks a don't-know or refusal; `error` is a code of
    `validation.MESSAGES`. Too few or too many choices keep their value beside the error, to be drawn."""

    value: Any = None
    missing: bool = False
    error: str = ""


BLANK = Reading()


def read_answer(
    document: Document, item: Item, raw: Any, mode: str, offered: list[Choice] | None = None
) -> Reading:
    """The answer in its canonical form, or what is wrong with it.

    `offered` are the choices left by the item's filter, missing ones included; all of them when None.
    """
    if raw is None or raw == "" or raw == [] or item["type"] not in ANSWERED_TYPES:
        return BLANK
    choices = all_choices(document, item) if offered is None else offered
    if item["type"] in LIST_TYPES:
        return _several(document, item, raw, mode, choices)
    missing = _missing_code(document, item, raw, mode)
    if missing is not None:
        return Reading(missing, missing=True)
    if item["type"] == "select_one":
        choice = find_choice(choices, raw)
        return Reading(choice["code"]) if choice else Reading(error="choice")
    if item["type"] in NUMBER_TYPES:
        return _number(item, raw)
    if item["type"] in FILE_TYPES:
        return _file(raw)
    return READERS[item["type"]](item, raw)


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


def _several(document: Document, item: Item, raw: Any, mode: str, choices: list[Choice]) -> Reading:
    given = raw if isinstance(raw, list) else words(raw) if isinstance(raw, str) else [raw]
    if not given:
        return BLANK
    if len(given) == 1 and (missing := _missing_code(document, item, given[0], mode)) is not None:
        return Reading([missing], missing=True)
    found = [find_choice(choices, code) for code in given]
    if any(choice is None for choice in found):
        return Reading(error="choice")
    codes = {choice["code"] for choice in found}
    alone = [choice for choice in found if choice.get("missing") or choice.get("exclusive")]
    if alone and len(codes) > 1:
        return Reading(error="exclusive")
    if item["type"] == "ranking":
        if len(codes) < len(found):
            return Reading(error="ranking")
        value = [choice["code"] for choice in found]
    else:
        value = [choice["code"] for choice in choices if choice["code"] in codes]
    if alone:
        return Reading(value)
    low, high = choice_limits(item, choices)
    return Reading(value, error="few" if len(value) < low else "many" if len(value) > high else "")


def choice_limits(item: Item, offered: list[Choice]) -> tuple[int, int]:
    """How many options an answer holds, at least and at most, given those that are offered.

    A ranking without limits ranks all; the least is never more than what is offered.
    """
    number = sum(not (choice.get("missing") or choice.get("exclusive")) for choice in offered)
    least = number if item["type"] == "ranking" else 0
    if item["type"] == "ranking" and "max_choices" in item:
        least = 1
    return min(item.get("min_choices", least), number), item.get("max_choices", number)


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
    if item["type"] in ("scale", "rating"):
        low, high = score_range(item)
        if not low <= raw <= high:
            return Reading(error="scale")
    return Reading(_plain(raw))


def _plain(number: float) -> int | float:
    """A whole number without a fraction (and without a negative zero), as JSON of both sides has it."""
    return int(number) if float(number).is_integer() else float(number)


def _day(_item: Item, raw: Any) -> Reading:
    if not isinstance(raw, str):
        return Reading(error="date")
    text = raw.strip(EDGES)
    if not ISO_DAY.fullmatch(text) or dates.parse(text) is None:
        return Reading(error="date")
    return Reading(text)


def _clock(text: str) -> str | None:
    """HH:MM of a clock time; seconds, which some browsers add, are cut."""
    match = CLOCK.fullmatch(text)
    if not match or int(match[1]) > 23 or int(match[2]) > 59 or (match[3] and int(match[3][1:3]) > 59):
        return None
    return f"{int(match[1]):02d}:{match[2]}"


def _time(_item: Item, raw: Any) -> Reading:
    clock = _clock(raw.strip(EDGES).translate(NARROW)) if isinstance(raw, str) else None
    return Reading(clock) if clock else Reading(error="time")


def _moment(_item: Item, raw: Any) -> Reading:
    match = ISO_MINUTE.fullmatch(raw.strip(EDGES)) if isinstance(raw, str) else None
    clock = _clock(match[2]) if match and dates.parse(match[1]) else None
    return Reading(f"{match[1]}T{clock}") if clock else Reading(error="datetime")


def root_prefix(root: str) -> str:
    """The digits that every region below `root` shares with it."""
    return next(root[:end] for end in REGION_ENDS.values() if not root[end:].strip("0"))


def _region(item: Item, raw: Any) -> Reading:
    """A code of the deepest level asked for, within the root; whether it exists is the server's to say."""
    code = raw.strip(EDGES).translate(NARROW) if isinstance(raw, str) else ""
    if not REGION.fullmatch(code) or not code.startswith(root_prefix(item.get("root", "000000000000"))):
        return Reading(error="region")
    ends = list(REGION_ENDS.values())
    end = REGION_ENDS[item["levels"][-1]] if item.get("levels") else ends[-1]
    start = ([0, *ends])[ends.index(end)]
    if not code[start:end].strip("0") or code[end:].strip("0"):
        return Reading(error="region")
    return Reading(code)


def _place(_item: Item, raw: Any) -> Reading:
    """WGS-84 degrees with the accuracy in metres; ODK's text is "lat lon altitude accuracy"."""
    if isinstance(raw, str):
        parts = words(raw)
        if not 2 <= len(parts) <= 4 or not all(DECIMAL.fullmatch(part) for part in parts):
            return Reading(error="place")
        numbers = [float(part) for part in parts]
        raw = {"lat": numbers[0], "lon": numbers[1], "accuracy": numbers[3] if len(parts) == 4 else 0}
    if not isinstance(raw, dict):
        return Reading(error="place")
    given = {"lat": raw.get("lat"), "lon": raw.get("lon"), "accuracy": raw.get("accuracy", 0)}
    limits = {"lat": (-90, 90), "lon": (-180, 180), "accuracy": (0, 1e7)}
    if not all(
        _is_number(given[name]) and low <= given[name] <= high for name, (low, high) in limits.items()
    ):
        return Reading(error="place")
    return Reading({name: _plain(number) for name, number in given.items()})


def _file(raw: Any) -> Reading:
    """What names an uploaded attachment: its id, its hash and its size."""
    if not isinstance(raw, dict):
        return Reading(error="file")
    name, digest, size = raw.get("id"), raw.get("sha256"), raw.get("bytes")
    if not isinstance(name, str) or not isinstance(digest, str) or not _is_number(size):
        return Reading(error="file")
    name, digest = name.lower(), digest.lower()
    fits = 1 <= size <= 1e9 and float(size).is_integer()
    if not UUID.fullmatch(name) or not SHA256.fullmatch(digest) or not fits:
        return Reading(error="file")
    return Reading({"id": name, "sha256": digest, "bytes": int(size)})


def _acknowledge(_item: Item, raw: Any) -> Reading:
    if raw is True or (isinstance(raw, str) and raw.strip(EDGES) == "OK"):
        return Reading("OK")
    return BLANK if raw is False else Reading(error="choice")


def _text(item: Item, raw: Any) -> Reading:
    if not isinstance(raw, str):
        return Reading(error="text")
    text = UNSTORABLE.sub("", raw.replace("\r\n", "\n").replace("\r", "\n")).strip(EDGES)
    if not text:
        return BLANK
    if len(utf16(text)) // 2 > item.get("max_length", MAX_TEXT):
        return Reading(error="long")
    return Reading(text)


READERS: dict[str, Callable[[Item, Any], Reading]] = {
    "text": _text,
    "date": _day,
    "time": _time,
    "datetime": _moment,
    "region": _region,
    "place": _place,
    "acknowledge": _acknowledge,
}
