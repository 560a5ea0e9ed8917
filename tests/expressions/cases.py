"""Files of expression cases that come from elsewhere: a case that is not understood fails with its reason."""

import json
import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

DEEPEST = 20  # repeats within repeats
NUMBER_WORDS = ("NaN", "Infinity", "-Infinity")


class OddCase(ValueError):
    """A case, or a file, that is not of the format; the text says what is wrong."""


def read_cases(path: Path) -> list[Any]:
    """The cases of a file. Raises OddCase when it is no JSON array."""
    try:
        cases = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OddCase(f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise OddCase(f"is no JSON in UTF-8: {error}") from error
    if not isinstance(cases, list):
        raise OddCase("is no JSON array of cases")
    return cases


def has_result(case: Any) -> bool:
    """Whether a case states a result; one that is no object counts, so that it is seen to fail."""
    return not isinstance(case, dict) or "result" in case


def tidy(case: Any) -> dict[str, Any]:
    """The case with its defaults, null as blank. Raises OddCase."""
    if not isinstance(case, dict):
        raise OddCase("the case is no object")
    tidied = {name: read(case.get(name), name) for name, read in READERS.items()}
    return {**tidied, "id": str(case.get("id", "?"))}


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise OddCase(f"{name} is no text")
    return value


def _stored(value: Any, name: str, depth: int = 0) -> Any:
    """A stored answer, or the instances of a repeat."""
    if value is None:
        return ""
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise OddCase(f"{name} is no finite number")
        return value
    if isinstance(value, list) and all(isinstance(instance, dict) for instance in value) and depth < DEEPEST:
        return [
            {key: _stored(each, f"{name}/{key}", depth + 1) for key, each in instance.items()}
            for instance in value
        ]
    raise OddCase(f"{name} is no stored answer and no list of instances")


def _context(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise OddCase(f"{name} is no object")
    return {key: _stored(each, key) for key, each in value.items()}


def _own(value: Any, name: str) -> Any:
    if isinstance(value, list):
        raise OddCase(f"{name} is no stored answer")
    return _stored(value, name)


def _at(value: Any, name: str) -> list[tuple[str, int]]:
    fits = isinstance(value or [], list) and all(
        isinstance(step, list)
        and len(step) == 2
        and isinstance(step[0], str)
        and isinstance(step[1], int)
        and not isinstance(step[1], bool)
        and 1 <= step[1] < 2**31
        for step in value or []
    )
    if not fits:
        raise OddCase(f"{name} is no list of [repeat, index]")
    return [(step[0], step[1]) for step in value or []]


def _types(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value or {}, dict) or not all(isinstance(kind, str) for kind in (value or {}).values()):
        raise OddCase(f"{name} is no object of texts")
    return value or {}


def _choices(value: Any, name: str) -> dict[str, list[tuple[str, str]]]:
    fits = isinstance(value or {}, dict) and all(
        isinstance(pairs, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs)
        for pairs in (value or {}).values()
    )
    if not fits:
        raise OddCase(f"{name} is no object of lists of [value, label]")
    return {key: [(str(code), str(label)) for code, label in pairs] for key, pairs in (value or {}).items()}


def _now(value: Any, name: str) -> float:
    """Milliseconds since 1970-01-01T00:00Z."""
    text = _text("2024-03-15T10:30:00.000Z" if value is None else value, name)
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is None:
            raise OddCase(f"{name} has no zone")
        return moment.timestamp() * 1000
    except (ValueError, OverflowError) as error:
        raise OddCase(f"{name} is no instant: {text}") from error


def _zone(value: Any, name: str) -> str:
    text = _text("UTC" if value is None else value, name)
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise OddCase(f"{name} is no time zone: {text}") from error
    return text


def _locale(value: Any, name: str) -> str:
    return _text("en" if value is None else value, name)


def _result(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise OddCase(f"{name} is no object")
    kind, wanted, tolerance = value.get("type"), value.get("value"), value.get("tolerance") or 0
    number = isinstance(wanted, int | float) and not isinstance(wanted, bool)
    if number and isinstance(wanted, float) and not math.isfinite(wanted):
        wanted, number = "NaN" if math.isnan(wanted) else "Infinity" if wanted > 0 else "-Infinity", False
    fits = {
        "string": isinstance(wanted, str),
        "number": number or wanted in NUMBER_WORDS,
        "boolean": isinstance(wanted, bool),
        "error": True,
    }
    if not isinstance(kind, str) or not fits.get(kind, False):
        raise OddCase(f"{name} is not understood")
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not tolerance >= 0:
        raise OddCase(f"{name} has an odd tolerance")
    return {"type": kind, "value": wanted, "tolerance": tolerance}


READERS: dict[str, Callable[[Any, str], Any]] = {
    "expr": _text,
    "context": _context,
    "self": _own,
    "at": _at,
    "types": _types,
    "choices": _choices,
    "now": _now,
    "tz": _zone,
    "locale": _locale,
    "result": _result,
}
