"""Conditions as rows that are picked rather than typed, and the expression that they stand for. Pure.

A condition is a few rows (题 · 是/不是/选了/大于… · 答案) joined all by 且 or all by 或. `write` makes the
XLSForm text, `read` gets the rows back from a parsed tree, or None where the expression says more than rows
can: it then stays a text. `read(parse(write(c))) == normalised(c)` for every condition.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from survey.questionnaires.document import Document, all_choices, item_index, text_in
from survey.questionnaires.expressions import parse

Literal = str | int | float | date

# What a row may say, by the kind of its item.
OPERATORS: dict[str, tuple[str, ...]] = {
    "one": ("eq", "ne", "any_of", "none_of", "answered", "blank"),
    "many": ("has", "has_not", "has_any", "has_none", "count_ge", "count_le", "answered", "blank"),
    "number": ("eq", "ne", "lt", "le", "gt", "ge", "answered", "blank"),
    "text": ("eq", "ne", "answered", "blank"),
    "date": ("eq", "lt", "le", "gt", "ge", "answered", "blank"),
    "any": ("eq", "ne", "lt", "le", "gt", "ge", "answered", "blank"),
}
COMPARISONS = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
COUNTS = {f"count_{name}": sign for name, sign in COMPARISONS.items()}
SEVERAL = {"any_of": "eq", "none_of": "eq", "has_any": "has", "has_none": "has"}
NO_VALUE = ("answered", "blank")


@dataclass(frozen=True)
class Row:
    """One line: what is asked about `item`. `values` is empty for "answered" and "blank"."""

    item: str
    operator: str
    values: tuple[Literal, ...] = ()


@dataclass(frozen=True)
class Condition:
    """Rows that must all hold (`joiner` "and") or of which one must ("or")."""

    rows: tuple[Row, ...]
    joiner: str = "and"


class Unwritable(ValueError):
    """A value that the expression language cannot quote: it holds both kinds of quotation marks."""


def normalised(condition: Condition) -> Condition:
    """The one form among those that mean the same: how `read` gives it back."""
    rows = [_simple(row) for row in condition.rows]
    if condition.joiner == "or" and len(rows) > 1:
        rows = [part for row in rows for part in _split(row)]
        for several, single in (("any_of", "eq"), ("has_any", "has")):
            if all(row.operator == single and row.item == rows[0].item for row in rows):
                values = tuple(value for row in rows for value in row.values)
                return Condition((Row(rows[0].item, several, values),))
    joiner = condition.joiner if len(rows) > 1 else "and"
    return Condition(tuple(rows), joiner)


def _simple(row: Row) -> Row:
    if row.operator in ("any_of", "has_any") and len(row.values) == 1:
        return replace(row, operator=SEVERAL[row.operator])
    if row.operator == "has_none" and len(row.values) == 1:
        return replace(row, operator="has_not")
    return row


def _split(row: Row) -> list[Row]:
    if row.operator in ("any_of", "has_any"):
        return [Row(row.item, SEVERAL[row.operator], (value,)) for value in row.values]
    return [row]


# ---- rows → text ---------------------------------------------------------------------------------------


def write(condition: Condition) -> str:
    """The expression of a condition. Raises Unwritable."""
    condition = normalised(condition)
    alone = len(condition.rows) == 1
    return f" {condition.joiner} ".join(_written(row, alone) for row in condition.rows)


def _written(row: Row, alone: bool) -> str:
    ref = f"${{{row.item}}}"
    if row.operator in NO_VALUE:
        return f"{ref} {'!=' if row.operator == 'answered' else '='} ''"
    if row.operator in COMPARISONS:
        return f"{ref} {COMPARISONS[row.operator]} {literal(row.values[0])}"
    if row.operator in COUNTS:
        return f"count-selected({ref}) {COUNTS[row.operator]} {literal(row.values[0])}"
    single = SEVERAL.get(row.operator, "has")
    if single == "eq":
        parts = [f"{ref} = {literal(value)}" for value in row.values]
    else:
        parts = [f"selected({ref}, {_quoted(str(value))})" for value in row.values]
    whole = " or ".join(parts)
    if row.operator in ("none_of", "has_not", "has_none"):
        return f"not({whole})"
    return whole if alone or len(parts) == 1 else f"({whole})"


def literal(value: Literal) -> str:
    """A value as an expression writes it. Raises Unwritable."""
    if isinstance(value, date):
        return f"date('{value.isoformat()}')"
    if isinstance(value, str):
        return _quoted(value)
    return format(Decimal(repr(value)), "f")


def _quoted(text: str) -> str:
    if "'" not in text:
        return f"'{text}'"
    if '"' not in text:
        return f'"{text}"'
    raise Unwritable(text)


# ---- tree → rows ---------------------------------------------------------------------------------------


def read_text(text: str) -> Condition | None:
    """The rows of an expression's text. Raises ExpressionError where it is none."""
    return read(parse(text))


def read(tree: Any) -> Condition | None:
    """The rows of a tree, or None when it is more than rows can say."""
    for joiner in ("and", "or"):
        rows = [_row(part) for part in chain_of(tree, joiner)]
        if all(rows):
            return normalised(Condition(tuple(rows), joiner))
    return None


def chain_of(tree: Any, joiner: str) -> list[Any]:
    """The terms of a chain, by a loop: chains may be long."""
    parts: list[Any] = []
    while isinstance(tree, list) and tree[0] == joiner:
        parts.append(tree[2])
        tree = tree[1]
    return [tree, *reversed(parts)]


def _row(tree: Any) -> Row | None:
    if not isinstance(tree, list):
        return None
    if tree[0] == "or":
        return _several(tree)
    if tree[:2] == ["call", "not"]:
        inner = _several(tree[2]) or _row(tree[2])
        opposite = {"any_of": "none_of", "eq": "none_of", "has": "has_not", "has_any": "has_none"}
        return replace(inner, operator=opposite[inner.operator]) if _can_turn(inner, opposite) else None
    if tree[:2] == ["call", "selected"]:
        name, value = _name(tree[2]), value_of(tree[3])
        return Row(name, "has", (str(value),)) if name and isinstance(value, str | int) else None
    return _comparison(tree)


def _can_turn(row: Row | None, opposite: dict[str, str]) -> bool:
    return row is not None and row.operator in opposite


def _several(tree: Any) -> Row | None:
    """An or-chain about one item: any of these answers."""
    rows = [_row(part) for part in chain_of(tree, "or")]
    if len(rows) < 2 or not all(rows):
        return None
    single = rows[0].operator
    if single not in ("eq", "has") or any((r.item, r.operator) != (rows[0].item, single) for r in rows):
        return None
    several = "any_of" if single == "eq" else "has_any"
    return Row(rows[0].item, several, tuple(value for row in rows for value in row.values))


def _comparison(tree: list) -> Row | None:
    operator = next((name for name, sign in COMPARISONS.items() if sign == tree[0]), None)
    if operator is None or len(tree) != 3:
        return None
    value = value_of(tree[2])
    if isinstance(tree[1], list) and tree[1][:2] == ["call", "count-selected"]:
        name = _name(tree[1][2])
        whole = isinstance(value, int | float)
        return Row(name, f"count_{operator}", (value,)) if name and whole else None
    name = _name(tree[1])
    if not name or value is None:
        return None
    if value == "":
        return {"eq": Row(name, "blank"), "ne": Row(name, "answered")}.get(operator)
    return Row(name, operator, (value,))


def _name(tree: Any) -> str:
    return tree[1] if isinstance(tree, list) and tree[0] == "ref" else ""


def value_of(tree: Any) -> Literal | None:
    """A number, text or day written out, or None."""
    if isinstance(tree, str | int | float):
        return tree
    if tree[0] == "neg" and isinstance(tree[1], int | float):
        return -tree[1]
    if tree[:2] == ["call", "date"] and isinstance(tree[2], str):
        try:
            day = date.fromisoformat(tree[2])
        except ValueError:
            return None
        return day if day.isoformat() == tree[2] else None
    return None


# ---- with a document -----------------------------------------------------------------------------------

KINDS = {
    "select_one": "one", "select_multiple": "many", "ranking": "many", "integer": "number",
    "decimal": "number", "scale": "number", "rating": "number", "text": "text", "date": "date",
    "region": "text", "calculate": "any",
}  # fmt: skip


def kind_of_item(item: dict[str, Any]) -> str:
    """Which `OPERATORS` suit the item; types without a kind of their own are only answered or not."""
    return KINDS.get(item["type"], "text")


def typed_value(document: Document, item: dict[str, Any], operator: str, text: str) -> Literal | None:
    """What a person picked or typed, as a value of the row; None where it does not fit."""
    text = text.strip()
    kind = kind_of_item(item)
    if operator.startswith("count_"):
        return int(text) if text.isascii() and text.isdigit() else None
    if kind in ("one", "many"):
        found = next((c["code"] for c in all_choices(document, item) if str(c["code"]) == text), None)
        return str(found) if found is not None and operator.startswith("has") else found
    if kind == "date":
        try:
            return date.fromisoformat(text)
        except ValueError:
            return None
    if kind == "text":
        return text or None
    return _number(text) if _number(text) is not None or kind == "number" else text or None


def _number(text: str) -> int | float | None:
    try:
        value = Decimal(text)
    except ArithmeticError:
        return None
    if not value.is_finite() or abs(value) > 10**15:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def answer_words(document: Document, row: Row, language: str) -> list[str]:
    """The row's values as the person sees them: labels of choices, else as they are."""
    index = item_index(document)
    if row.item not in index or row.operator.startswith("count_"):
        return [str(value) for value in row.values]
    item = index[row.item][1]
    labels = {str(c["code"]): text_in(c["label"], language, document) for c in all_choices(document, item)}
    return [labels.get(str(value)) or str(value) for value in row.values]
