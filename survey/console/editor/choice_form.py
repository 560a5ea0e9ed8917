"""The options of an item on the page: rows, the missing answers, the points."""

from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from survey.console.editor.reading import keys, refuse, with_text
from survey.questionnaires.document import (
    CHOICE_TYPES,
    DONT_KNOW,
    REFUSED,
    Choice,
    Document,
    Item,
    own_choices,
    score_range,
)
from survey.questionnaires.editing import NAME
from survey.questionnaires.xlsform.items import CODE_NUMBER

# Usual words for the missing answers, with their translations.
USUAL = {
    "不了解": {"zh-hans": "不了解", "zh-hant": "不了解", "en": "Don't know"},
    "跳过这题": {"zh-hans": "跳过这题", "zh-hant": "跳過這題", "en": "Skip this question"},
}


# A longer list is written as lines of text: a browser sends at most a thousand fields.
MOST_ROWS = 80


@dataclass
class ChoiceRow:
    """One option on the page; `was` is the code it is stored under, to keep its translations."""

    key: str
    code: str = ""
    label: str = ""
    points: str = ""
    was: str = ""
    missing: str = ""
    columns: str = ""
    exclusive: bool = False
    specify: bool = False


@dataclass
class MissingState:
    """Words of the two missing answers; `kept`: the list holds something else and stays as it is."""

    dont_know: str = ""
    refused: str = ""
    kept: bool = False


def choice_rows(document: Document, item: Item) -> list[ChoiceRow]:
    """The stored options as rows."""
    language = document["default_language"]
    points = (item.get("scoring") or {}).get("points", {})
    return [
        ChoiceRow(
            key=str(place),
            code=str(choice["code"]),
            label=choice["label"].get(language, ""),
            points=f"{points[str(choice['code'])]:g}" if str(choice["code"]) in points else "",
            was=str(choice["code"]),
            missing=choice.get("missing", ""),
            columns="; ".join(f"{name}={text}" for name, text in choice.get("columns", {}).items()),
            exclusive=bool(choice.get("exclusive")),
            specify=bool(choice.get("specify")),
        )
        for place, choice in enumerate(own_choices(document, item))
    ]


def rows_text(rows: list[ChoiceRow]) -> str:
    """A long list as lines: the code, a blank, the words."""
    return "\n".join(f"{row.code} {row.label}".rstrip() for row in rows)


def _lines(document: Document, item: Item, text: str) -> list[ChoiceRow]:
    """Rows from such lines; an option that keeps its code keeps what else it has."""
    held = {row.code: row for row in choice_rows(document, item)}
    rows = []
    for place, line in enumerate(text.splitlines()):
        code, _blank, label = line.strip().partition(" ")
        if code:
            known = held.get(code, ChoiceRow(key="", was=code))
            rows.append(replace(known, key=str(place), code=code, label=label.strip()))
    return rows


def posted_rows(document: Document, item: Item, data: QueryDict) -> list[ChoiceRow]:
    """The rows as they were sent, in the order of the page; rows left blank are dropped."""
    if "rows_text" in data:
        return _lines(document, item, data["rows_text"])
    held = {str(choice["code"]): choice for choice in own_choices(document, item)}
    rows = []
    for key in keys(data, "row"):
        get = lambda part, key=key: data.get(f"row_{key}_{part}", "").strip()  # noqa: E731
        row = ChoiceRow(
            key=key,
            code=get("code"),
            label=get("label"),
            points=get("points"),
            was=get("was"),
            missing=held.get(get("was"), {}).get("missing", ""),
            columns=get("columns"),
            exclusive=bool(get("exclusive")),
            specify=bool(get("specify")),
        )
        if row.code or row.label:
            rows.append(row)
    return rows


def choices_from(document: Document, item: Item, rows: list[ChoiceRow]) -> list[Choice]:
    """The list that the rows stand for; an option without a code gets the next free number.

    Raises
    ------
    Problem common.invalid : a code is used twice or cannot be one.
    """
    language = document["default_language"]
    held = {str(choice["code"]): choice for choice in own_choices(document, item)}
    numbers = [int(row.code) for row in rows if CODE_NUMBER.fullmatch(row.code)]
    free = max([0, *numbers])
    choices: list[Choice] = []
    for row in rows:
        if not row.code:
            free += 1
            row.code = str(free)
        if len(row.code) > 64 or len(row.code.split()) != 1:
            raise refuse(_("选项代码“%s”不能用：不能有空格，最多 64 个字符。") % row.code)
        choice: Choice = {}
        columns = _columns(row)
        if columns:
            choice["columns"] = columns
        if any(str(other["code"]) == row.code for other in choices):
            raise refuse(_("选项代码“%s”用了两次，每个选项要有自己的代码。") % row.code)
        choice["code"] = int(row.code) if CODE_NUMBER.fullmatch(row.code) and row.code != "-0" else row.code
        choice["label"] = with_text(held.get(row.was, {}).get("label"), language, row.label) or {}
        if row.missing:
            choice["missing"] = row.missing
        for flag in ("exclusive", "specify"):
            if getattr(row, flag):
                choice[flag] = True
        choices.append(choice)
    return choices


def _columns(row: ChoiceRow) -> dict[str, str]:
    """`name=text; name=text` as a dictionary: what a filter may look at."""
    found: dict[str, str] = {}
    for part in row.columns.replace("；", ";").split(";"):
        name, sign, text = part.partition("=")
        if not part.strip():
            continue
        if not sign or not NAME.fullmatch(name.strip()):
            raise refuse(_("选项“%s”的筛选列要写成 名=值，几个之间用分号。") % row.label)
        found[name.strip()] = text.strip()[:500]
    return found


# ---- missing answers -----------------------------------------------------------------------------------


def missing_state(document: Document, item: Item) -> MissingState:
    """The words of the item's missing answers."""
    language = document["default_language"]
    offered = document["choice_lists"].get(item.get("missing", ""), [])
    words = {choice.get("missing", ""): choice["label"].get(language, "") for choice in offered}
    kept = len(words) != len(offered) or not set(words) <= {"dont_know", "refused"}
    return MissingState(words.get("dont_know", ""), words.get("refused", ""), kept)


def missing_from(document: Document, made: Item, item: Item, state: MissingState) -> dict[str, list[Choice]]:
    """Sets `made["missing"]`; the list that has to be brought for it."""
    if state.kept:
        return {}
    language = document["default_language"]
    held = {c.get("missing"): c for c in document["choice_lists"].get(item.get("missing", ""), [])}
    choices: list[Choice] = []
    for kind, code, text in (
        ("dont_know", DONT_KNOW, state.dont_know),
        ("refused", REFUSED, state.refused),
    ):
        if not text:
            continue
        known = held.get(kind, {}).get("label", {})
        label = known if known.get(language) == text else _usual(document, text)
        choices.append({"code": code, "label": dict(label), "missing": kind})
    made.pop("missing", None)
    if not choices:
        return {}
    if choices == document["choice_lists"].get(item.get("missing", "")):
        made["missing"] = item["missing"]
        return {}
    made["missing"] = "missing"
    return {"missing": choices}


def _usual(document: Document, text: str) -> dict[str, str]:
    known = USUAL.get(text, {})
    return {language: known[language] for language in document["languages"] if language in known} or {
        document["default_language"]: text
    }


# ---- points --------------------------------------------------------------------------------------------


def scoring_kind(document: Document, item: Item) -> str:
    """How the item is scored: "", "linear", "reversed" or "own"."""
    scoring = item.get("scoring")
    if not scoring:
        return ""
    for kind in ("linear", "reversed"):
        if scoring.get("points") == _steps(item, own_choices(document, item), kind):
            return kind
    return "own"


def _steps(item: Item, choices: list[Choice], kind: str) -> dict[str, float]:
    """Equal steps from 0 for the lowest code to 100 for the highest, or the other way round."""
    if item["type"] in CHOICE_TYPES:
        codes = sorted(c["code"] for c in choices if isinstance(c["code"], int) and not c.get("missing"))
    else:
        low, high = score_range(item)
        codes = list(range(low, high + 1))
    if len(codes) < 2:
        return {}
    points = {str(code): 100 * place / (len(codes) - 1) for place, code in enumerate(codes)}
    turned = points if kind == "linear" else {code: 100 - value for code, value in points.items()}
    return {code: _number(value) for code, value in turned.items()}


def _number(value: float) -> float:
    """A whole number without its fraction, as it is written in the document."""
    return int(value) if value.is_integer() else value


def scoring_from(
    item: Item, choices: list[Choice], rows: list[ChoiceRow], kind: str
) -> dict[str, Any] | None:
    """The scoring that the page asks for.

    Raises
    ------
    Problem common.invalid : points are no number from 0 to 100.
    """
    held = item.get("scoring") or {}
    if kind in ("linear", "reversed"):
        points = _steps(item, choices, kind)
        if points == held.get("points"):
            return held
        return {"rule": kind, "points": points} if points else None
    if kind == "own" and item["type"] not in CHOICE_TYPES:
        return item.get("scoring")
    if kind != "own":
        return None
    own: dict[str, float] = {}
    for row in rows:
        if not row.points:
            continue
        try:
            own[row.code] = _number(float(row.points))
        except ValueError:
            own[row.code] = -1
        if not 0 <= own[row.code] <= 100:
            raise refuse(_("“%s”的分要填 0 到 100 的数。") % row.label)
    return {"rule": held.get("rule", "own"), "points": own} if own else None
