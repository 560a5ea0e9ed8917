"""What a browser sent of the editor's forms, as plain values: texts, numbers, rows in page order."""

from datetime import date
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from survey.common.errors import Problem


def refuse(reason: str) -> Problem:
    """A refusal whose sentence is `reason`."""
    return Problem("common.invalid", reason=reason)


def whole(data: QueryDict, name: str, label: str, low: int = 0, high: int = 100_000) -> int | None:
    """A whole number, None for a blank field.

    Raises
    ------
    Problem common.invalid : it is none, or out of range.
    """
    text = data.get(name, "").strip()
    if not text:
        return None
    try:
        value = int(text)
    except ValueError:
        raise refuse(_("“%s”要填整数。") % label) from None
    if not low <= value <= high:
        raise refuse(
            _("“%(what)s”要在 %(low)s 到 %(high)s 之间。") % {"what": label, "low": low, "high": high}
        )
    return value


def number(data: QueryDict, name: str, label: str) -> int | float | None:
    """A number, None for a blank field.

    Raises
    ------
    Problem common.invalid : it is none.
    """
    text = data.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise refuse(_("“%s”要填数字。") % label) from None
    if not abs(value) < 1e12:
        raise refuse(_("“%s”太大了。") % label)
    return int(value) if value.is_integer() else value


def day(data: QueryDict, name: str, label: str) -> date | None:
    """A day, None for a blank field.

    Raises
    ------
    Problem common.invalid : it is none.
    """
    text = data.get(name, "").strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refuse(_("“%s”要填日期，例如 2026-01-31。") % label) from None


def with_text(texts: dict[str, str] | None, language: str, text: str) -> dict[str, str] | None:
    """The texts with this one in `language`; None when nothing is left that the reader would see."""
    changed = dict(texts or {})
    if text.strip():
        changed[language] = text.strip()
    else:
        changed.pop(language, None)
    return changed or None


def keys(data: QueryDict, name: str) -> list[str]:
    """Keys of repeated rows in the order of the page; each only of letters and digits."""
    return [key for key in dict.fromkeys(data.getlist(name)) if key.isalnum()][:600]


def put(item: dict[str, Any], part: str, value: Any) -> None:
    """Set a part, or take it away when the value is None or empty."""
    if value in (None, "", [], {}, False):
        item.pop(part, None)
    else:
        item[part] = value
