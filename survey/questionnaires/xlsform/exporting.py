"""A document as the rows of an XLSForm.

What XLSForm has words for stands in its columns, so that ODK and Kobo ask the same questions. What only Minyi
has stands in columns of ours, and what not even these can say (an explicit false, a text with blanks at its
ends, a default that is no answer) in `minyi_parts`, as JSON. To know what that is, the rows are read back by
the reader of imports and compared with the document: reading an export gives the document again.
"""

import json
from collections.abc import Mapping
from typing import Any

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from survey.questionnaires.document import CHOICE_TYPES, FILE_TYPES, Block, Document, Item, block_items
from survey.questionnaires.xlsform.building import Builder
from survey.questionnaires.xlsform.choices import MEDIA, READ_CHOICES, is_number
from survey.questionnaires.xlsform.items import NAME, TEXT_FIELDS, default_answer, is_computed
from survey.questionnaires.xlsform.languages import LANGUAGE_NAMES
from survey.questionnaires.xlsform.sheets import Sheet, column_key, sheet_of

Row = dict[str, str]
Sheets = dict[str, tuple[list[str], list[Row]]]  # name → headers and rows

MAX_CELL = 32_000  # characters; Excel holds 32,767
WORDS = {
    "scale": "range",
    "rating": "range",
    "region": "text",
    "place": "geopoint",
    "photo": "image",
    "signature": "image",
    "ranking": "rank",
}
NO_DEFAULT = ("note", "calculate", "place", "acknowledge", *FILE_TYPES)
LOOKS = {"rating": "rating", "signature": "signature"}
SURVEY = [
    "type", "name", "label", "hint", "required", "relevant", "constraint", "constraint_message", "appearance",
    "calculation", "choice_filter", "parameters", "default", "readonly", "required_message", "repeat_count",
]  # fmt: skip
TRANSLATED = (
    "label", "hint", "constraint_message", "required_message", "minyi_title", "full_text", "minyi_low",
    "minyi_high", "minyi_repeat_label",
)  # fmt: skip
# Headers of pyxform that a filter's column must not take.
TAKEN = READ_CHOICES | MEDIA | {"list", "caption", "value", "hint", "relevant", "required", "default", "type"}


def tables_of(document: Document) -> Sheets:
    """Headers and rows of the sheets of an export."""
    rows, marks = _rows(document)
    _fill_parts(document, rows, marks)
    return {name: (_headers(document, name, each), each) for name, each in rows.items()}


def writable(text: str) -> bool:
    """Whether a text comes back from a cell as it went in."""
    whole = text == text.strip() and "\r" not in text and "x005F_" not in text and len(text) <= MAX_CELL
    plain = not ILLEGAL_CHARACTERS_RE.search(text) and not any("\ud800" <= each <= "\udfff" for each in text)
    return whole and plain


def _headers(document: Document, name: str, rows: list[Row]) -> list[str]:
    """What every form has, then what this one uses, texts by language."""
    languages = [LANGUAGE_NAMES[each] for each in document["languages"] if each in LANGUAGE_NAMES]
    fixed = {
        "survey": SURVEY[:6],
        "choices": ["list_name", "name", "label"],
        "matrices": ["name", "label"],
        "quotas": ["name", "where", "limit", "label"],
    }
    order = [*fixed.get(name, []), *(SURVEY if name == "survey" else [])]
    first = [
        header
        for base in dict.fromkeys(order)
        for header in ([f"{base}::{each}" for each in languages] if base in TRANSLATED else [base])
    ]
    used = list(dict.fromkeys(header for row in rows for header, text in row.items() if text))
    needed = set(fixed.get(name, []))
    kept = [header for header in first if header in used or header.partition("::")[0] in needed]
    return [*kept, *(header for header in used if header not in kept)]


# ---- rows ----------------------------------------------------------------------------------------------


def _rows(document: Document) -> tuple[dict[str, list[Row]], dict[tuple[str, ...], Row]]:
    """The rows of the sheets, and which row stands for which part of the document."""
    marks: dict[tuple[str, ...], Row] = {}
    survey: list[Row] = []
    for block in document["blocks"]:
        begin, end = _group(document, block)
        marks["block", block["name"]] = begin
        survey.append(begin)
        for item in block_items(block):
            survey.append(_item(document, item))
            marks["item", item["name"]] = survey[-1]
        survey.append(end)
    choices: list[Row] = []
    for name, members in document["choice_lists"].items():
        for place, choice in enumerate(members):
            choices.append(_choice(document, name, choice))
            marks["choice", name, str(place)] = choices[-1]
    settings = _settings(document)
    marks["document",] = settings
    rows = {"survey": survey, "choices": choices, "settings": [settings]}
    rows |= _own_sheets(document, marks)
    return rows, marks


def _own_sheets(document: Document, marks: dict[tuple[str, ...], Row]) -> dict[str, list[Row]]:
    """Matrices and quotas, where the document has them; adds their marks."""
    rows: dict[str, list[Row]] = {part: [] for part in ("matrices", "quotas") if part in document}
    for name, matrix in document.get("matrices", {}).items():
        row = {"name": name, "minyi_order": order_words(matrix)} | _texts(document, matrix, "label", "hint")
        rows["matrices"].append(row)
        marks["matrix", name] = row
    for place, quota in enumerate(document.get("quotas", [])):
        # A quota needs a condition to be read at all; `minyi_parts` has the right one where no cell can.
        where = _cell(quota["where"]["text"].strip()) or "false()"
        row = {"name": quota["name"], "where": where, "limit": str(quota["limit"])}
        rows["quotas"].append(row | _texts(document, quota, "label", "full_text"))
        marks["quota", str(place)] = rows["quotas"][-1]
    return rows


def _cell(text: object) -> str:
    return text if isinstance(text, str) and writable(text) else ""


def _texts(document: Document, thing: Mapping[str, Any], *fields: str, **renamed: str) -> Row:
    """Columns of the fields in the document's languages; `renamed` maps a field to another column."""
    return {
        f"{column}::{LANGUAGE_NAMES[language]}": text
        for field, column in {**{each: each for each in fields}, **renamed}.items()
        for language, text in (thing.get(field) or {}).items()
        if language in document["languages"] and writable(text) and "${" not in text
    }


def _settings(document: Document) -> Row:
    default = document["default_language"]
    title = document["title"].get(default, "")
    repeats = {block["name"] for block in document["blocks"] if "repeat" in block}
    row = {
        "form_title": _cell(title) or document["name"],
        "form_id": document["name"],
        "version": _cell(document["version"]),
        "default_language": LANGUAGE_NAMES.get(default, ""),
        "minyi_timezone": document["timezone"],
        # pyxform refuses a repeat that is called like the root.
        "name": "minyi_form" if "data" in repeats else "",
    }
    # pyxform cannot do with a title in several languages.
    return row | _texts(document, document, title="minyi_title")


def order_words(thing: Mapping[str, Any]) -> str:
    """`random first=1 last=2 all`, as `parts.order_of` reads it."""
    order = thing.get("order")
    if order is None:
        return ""
    words = ["random" if order["random"] else "fixed"]
    words += [f"{end}={order[end]}" for end in ("first", "last") if end in order]
    if "all" in order:
        words.append("all" if order["all"] else "notall")
    return " ".join(words)


def _limits(thing: Mapping[str, Any], suffix: str = "") -> str:
    ends = [(end, thing.get(f"{end}{suffix}")) for end in ("min", "max")]
    return " ".join(f"{end}={value}" for end, value in ends if value is not None)


def _group(document: Document, block: Block) -> tuple[Row, Row]:
    kind = "repeat" if "repeat" in block else "group"
    row = {"type": f"begin_{kind}", "name": block["name"]} | _texts(document, block, title="label")
    row["minyi_method"] = block.get("method", "")
    row["relevant"] = _cell(block.get("relevant", {}).get("text", ""))
    row["appearance"] = "field-list" if block.get("appearance") == "page" else ""
    row["minyi_order"] = order_words(block)
    if repeat := block.get("repeat"):
        row["repeat_count"] = _cell(repeat.get("count", {}).get("text", ""))
        row["minyi_limits"] = _limits(repeat)
        row |= _texts(document, repeat, label="minyi_repeat_label")
    return row, {"type": f"end_{kind}", "name": block["name"]}


def _item(document: Document, item: Item) -> Row:
    kind = item["type"]
    word = WORDS.get(kind, kind)
    row = {"type": f"{word} {item.get('list', '')}" if kind in CHOICE_TYPES else word, "name": item["name"]}
    row |= _texts(document, item, *TEXT_FIELDS) | _texts(
        document, item.get("ends", {}), low="minyi_low", high="minyi_high"
    )
    for field in ("relevant", "constraint", "calculation", "filter"):
        row["choice_filter" if field == "filter" else field] = _cell(item.get(field, {}).get("text", ""))
    required = item.get("required")
    row["required"] = _cell(required["text"]) if isinstance(required, dict) else "yes" if required else ""
    row["readonly"] = "yes" if item.get("readonly") else ""
    row["appearance"] = LOOKS.get(kind, "multiline" if item.get("multiline") else "")
    row["parameters"] = _parameters(item)
    row["default"] = _default(item)
    return row | _own(item)


def _parameters(item: Item) -> str:
    if item["type"] == "scale" and "from" in item and "to" in item:
        return f"start={item['from']} end={item['to']} step=1"
    if item["type"] == "rating":
        return f"start=1 end={item.get('to', 5)} step=1"
    shuffled = item["type"] in CHOICE_TYPES and item.get("order", {}).get("random")
    return "randomize=true" if shuffled else ""


def _default(item: Item) -> str:
    """The default as a cell, where it can be read back."""
    given, kind = item.get("default"), item["type"]
    codes = given if isinstance(given, list) else [given]
    if not codes or not all(
        isinstance(code, str | int | float) and not isinstance(code, bool) for code in codes
    ):
        return ""
    text = " ".join(map(str, codes))
    readable = writable(text) and not is_computed(text) and kind not in NO_DEFAULT
    return text if readable and same(default_answer(kind, text), given) else ""


def _own(item: Item) -> Row:
    """Columns of ours."""
    scoring = item.get("scoring", {})
    points = [f"{code}={value}" for code, value in scoring.get("points", {}).items()]
    row = {
        f"minyi_{field}": _cell(item.get(field))
        for field in ("missing", "with", "topic", "index", "matrix", "root")
    }
    row["minyi_type"] = "region" if item["type"] == "region" else ""
    row["minyi_modes"] = " ".join(item.get("modes", []))
    row["minyi_levels"] = " ".join(item.get("levels", []))
    row["minyi_seconds"] = str(item.get("seconds", "" if item["type"] == "calculate" else "none"))
    row["minyi_max_length"] = str(item.get("max_length", ""))
    row["minyi_order"] = order_words(item) if item["type"] in CHOICE_TYPES else ""
    row["minyi_limits"] = _limits(item, "_choices") if item["type"] in CHOICE_TYPES else ""
    row["minyi_consent"] = "yes" if item.get("consent") else ""
    words = [scoring.get("rule", ""), *points]
    row["minyi_scoring"] = " ".join(words) if all(map(_is_word, words)) else ""
    return row


def _is_word(text: str) -> bool:
    return len(text.split()) == 1 and writable(text)


def _choice(document: Document, list_name: str, choice: Mapping[str, Any]) -> Row:
    code = choice["code"]
    kind = "text" if isinstance(code, str) else "number"
    row = {"list_name": list_name, "name": str(code)} | _texts(document, choice, "label")
    row["minyi_code"] = kind if is_number(str(code)) != (kind == "number") else ""
    row["minyi_missing"] = choice.get("missing", "")
    for flag in ("specify", "exclusive"):
        row[f"minyi_{flag}"] = "yes" if choice.get(flag) else ""
    columns = choice.get("columns", {})
    return row | {name: _cell(text) for name, text in columns.items() if _may_be_column(name)}


def _may_be_column(name: str) -> bool:
    key = column_key(name)
    usual = key == name.lower() and key not in TAKEN and not key.startswith("minyi_")
    return bool(usual and NAME.fullmatch(name))


# ---- what no column says -------------------------------------------------------------------------------


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: 5 is not 5.0, and 1 is not true."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _fill_parts(document: Document, rows: dict[str, list[Row]], marks: Mapping[tuple[str, ...], Row]) -> None:
    """Writes `minyi_parts` where reading the rows back gives something else than the document."""
    sheets = {name: sheet_from(_headers(document, name, each), each) for name, each in rows.items()}
    read = Builder(sheets).document()
    if read is None:
        return
    back = _parts_of(read)
    for mark, wanted in _parts_of(document).items():
        if mark in marks and (found := back.get(mark)) is not None:
            parts = {key: None for key in found if key not in wanted}
            parts |= {key: value for key, value in wanted.items() if not same(value, found.get(key))}
            if parts:
                marks[mark]["minyi_parts"] = json.dumps(parts, sort_keys=True)


def sheet_from(headers: list[str], rows: list[Row]) -> Sheet:
    """A sheet as if it had been read from a file."""
    lines = [headers, *([row.get(header, "") for header in headers] for row in rows)]
    return sheet_of("", enumerate(lines, start=1))


def _parts_of(document: Document) -> dict[tuple[str, ...], dict[str, Any]]:
    """The parts of a document by the marks of their rows, without what only the other columns say."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    apart = ("blocks", "choice_lists", "matrices", "quotas")
    found["document",] = {key: value for key, value in document.items() if key not in apart}
    for block in document["blocks"]:
        found["block", block["name"]] = _without(block, "name", "kind", "items")
        for item in block_items(block):
            found["item", item["name"]] = _without(item, "name", "type", "list")
    for name, choices in document["choice_lists"].items():
        for place, choice in enumerate(choices):
            found["choice", name, str(place)] = _without(choice, "code")
    for name, matrix in document.get("matrices", {}).items():
        found["matrix", name] = dict(matrix)
    for place, quota in enumerate(document.get("quotas", [])):
        found["quota", str(place)] = _without(quota, "name")
    return found


def _without(thing: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in thing.items() if key not in keys}
