"""Small parts written in one cell (`random first=1`, `min=1 max=3`), and the sheet of quotas."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

from survey.questionnaires.said import said as _
from survey.questionnaires.xlsform.sheets import Sheet

NUMBER = re.compile(r"\d{1,8}")


class Reading(Protocol):
    """What the readers of parts need of the builder."""

    sheets: Any
    cells: dict[tuple[str, str], str]

    def add(self, level: str, code: str, message: str, cell: str) -> None: ...
    def texts(self, row: Any, column: str) -> dict[str, str]: ...
    def expression(self, text: str, cell: str) -> dict[str, Any] | None: ...
    def text_column(self, sheet: Sheet, column: str) -> str: ...


def pairs(text: str) -> dict[str, str]:
    """`start=0 end=10; step = 1` → its keys in lower case and values."""
    joined = re.sub(r"\s*=\s*", "=", text)
    return {
        part.split("=", 1)[0].lower(): part.split("=", 1)[1]
        for part in re.split(r"[ ,;]+", joined)
        if "=" in part
    }


def limits_of(reading: Reading, text: str, cell: str) -> dict[str, int]:
    """`min=1 max=3` → numbers; anything else is a problem."""
    found = pairs(text)
    right = set(found) <= {"min", "max"} and all(NUMBER.fullmatch(each) for each in found.values())
    if text and (not found or not right):
        reading.add("error", "limits", _("minyi_limits 要写成 min=1 max=3，这里是“{text}”", text=text), cell)
        return {}
    return {key: int(value) for key, value in found.items()}


def order_of(reading: Reading, text: str, cell: str) -> dict[str, Any]:
    """`random first=1 last=2 all` → an order; {} for an empty cell."""
    if not text:
        return {}
    words, found = [word for word in text.split() if "=" not in word], pairs(text)
    numbers = all(NUMBER.fullmatch(each) for each in found.values()) and set(found) <= {"first", "last"}
    if not numbers or not words or set(words) - {"random", "fixed", "all", "notall"}:
        reading.add(
            "error", "order", _("minyi_order 要写成 random first=1 last=1，这里是“{text}”", text=text), cell
        )
        return {}
    order: dict[str, Any] = {"random": "random" in words} | {key: int(value) for key, value in found.items()}
    if "all" in words or "notall" in words:
        order["all"] = "all" in words
    return order


def with_parts(
    reading: Reading,
    thing: dict[str, Any],
    row: Mapping[str, str],
    cell: str,
    kept: Collection[str] = ("name", "type", "list"),
) -> dict[str, Any]:
    """`thing` with what `minyi_parts` says: JSON of the parts that no other column can, null for none.

    `exporting` writes it; the parts in `kept` are the other columns' alone.
    """
    text = row.get("minyi_parts", "")
    if not text:
        return thing
    try:
        parts = json.loads(text)
    except (ValueError, RecursionError):
        parts = None
    if not isinstance(parts, dict) or set(parts) & set(kept):
        message = _("minyi_parts 是导出时写的，不要手改；看不懂就把这一格清空")
        reading.add("error", "parts", message, cell)
        return thing
    return {key: value for key, value in {**thing, **parts}.items() if value is not None}


def quota_rows(reading: Reading) -> list[dict[str, Any]]:
    """The sheet `quotas`: name, where, limit, label, full_text."""
    return list(_quotas(reading, reading.sheets.get("quotas", Sheet("quotas"))))


def _quotas(reading: Reading, sheet: Sheet) -> Iterator[dict[str, Any]]:
    for number, row in sheet.rows:
        name, limit = row.get("name", ""), row.get("limit", "")
        where = reading.expression(row.get("where", ""), sheet.cell(number, "where"))
        for field in ("where", "label", "full_text"):
            reading.cells[name, field] = sheet.cell(number, reading.text_column(sheet, field))
        if not NUMBER.fullmatch(limit):
            message = _("配额的 limit 要写整数，这里是“{limit}”", limit=limit)
            reading.add("error", "quota", message, sheet.cell(number, "limit"))
        elif where:
            quota = {"name": name, "label": reading.texts(row, "label"), "where": where, "limit": int(limit)}
            if full := reading.texts(row, "full_text"):
                quota["full_text"] = full
            yield with_parts(reading, quota, row, sheet.cell(number, "minyi_parts"))
