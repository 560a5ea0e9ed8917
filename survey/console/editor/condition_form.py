"""A condition as the page shows and sends it: rows that are picked, or a text where rows cannot say it."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from survey.console.editor.reading import keys, refuse
from survey.console.editor.words import OPERATORS, RARE, condition_words
from survey.questionnaires import conditions
from survey.questionnaires.conditions import NO_VALUE, SEVERAL, Condition, Row, kind_of_item, typed_value
from survey.questionnaires.document import Document, all_choices, expression, item_index, text_in
from survey.questionnaires.expressions import ExpressionError
from survey.questionnaires.said import in_words

ONLY_ANSWERED = ("place", "photo", "signature", "acknowledge")


@dataclass
class RowState:
    """One row on the page."""

    key: str
    item: str = ""
    operator: str = ""
    values: list[str] = field(default_factory=list)
    kind: str = ""
    label: str = ""
    operators: list[tuple[str, Any]] = field(default_factory=list)
    choices: list[tuple[str, str]] = field(default_factory=list)
    input_type: str = "text"

    @property
    def value(self) -> str:
        """The first value, for a single field."""
        return self.values[0] if self.values else ""

    @property
    def takes_several(self) -> bool:
        """Whether several answers may be ticked."""
        return self.operator in SEVERAL

    @property
    def takes_none(self) -> bool:
        """Whether the row has no answer to pick."""
        return self.operator in NO_VALUE


@dataclass
class ConditionState:
    """A whole condition on the page. `is_text`: shown and edited as an expression."""

    rows: list[RowState]
    joiner: str = "and"
    text: str = ""
    is_text: bool = False
    words: str = ""


def condition_state(document: Document, stored: dict[str, Any] | None, language: str) -> ConditionState:
    """The page's rows for a stored expression."""
    if stored is None:
        return ConditionState([])
    condition = conditions.read(stored["tree"])
    if condition is None or any(row.item not in item_index(document) for row in condition.rows):
        return ConditionState([], text=stored["text"], is_text=True)
    rows = [
        row_state(
            document, str(place), row.item, row.operator, [_as_text(value) for value in row.values], language
        )
        for place, row in enumerate(condition.rows)
    ]
    words = condition_words(condition, document, language)
    return ConditionState(rows, condition.joiner, stored["text"], words=words)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def row_state(
    document: Document, key: str, item: str, operator: str, values: list[str], language: str
) -> RowState:
    """One row with what can be picked in it."""
    found = item_index(document).get(item)
    if found is None:
        return RowState(key)
    kind = kind_of_item(found[1])
    offered = dict(OPERATORS[kind])
    if found[1]["type"] in ONLY_ANSWERED:
        offered = {name: offered[name] for name in NO_VALUE}
    if operator and operator not in offered:
        offered[operator] = RARE.get(operator, operator)
    operator = operator or next(iter(offered))
    choices = [
        (str(choice["code"]), text_in(choice["label"], language, document) or str(choice["code"]))
        for choice in all_choices(document, found[1])
    ]
    counts = operator.startswith("count_") or kind == "number" or operator in ("lt", "le", "gt", "ge")
    return RowState(
        key=key,
        item=item,
        operator=operator,
        values=values,
        kind=kind,
        label=text_in(found[1].get("label"), language, document),
        operators=list(offered.items()),
        choices=[] if operator.startswith("count_") or (kind == "one" and counts) else choices,
        input_type="date" if kind == "date" else "number" if counts else "text",
    )


def posted_condition(
    document: Document, data: QueryDict, language: str, prefix: str = "cond"
) -> ConditionState:
    """What was sent, to be shown again as it is."""
    rows = []
    for place, key in enumerate(keys(data, prefix)):
        item = data.get(f"{prefix}_{key}_item", "")
        operator = data.get(f"{prefix}_{key}_op", "")
        values = [value for value in data.getlist(f"{prefix}_{key}_value") if value.strip()]
        if item:
            shown = f"n{place}" if key == "new" else key  # the page has a fresh "new" row below
            rows.append(row_state(document, shown, item, operator, values, language))
    text = data.get(f"{prefix}_text", "").strip()
    return ConditionState(
        rows,
        "or" if data.get(f"{prefix}_joiner") == "or" else "and",
        text,
        data.get(f"{prefix}_as") == "text",
    )


def stored_condition(
    document: Document, state: ConditionState, held: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """The expression that the state stands for; None for no condition.

    `held` is what is stored now: where it means the same it stays as its author wrote it.

    Raises
    ------
    Problem common.invalid : a row has no answer yet, or the text is no expression.
    """
    if state.is_text:
        return parsed(state.text)
    rows = [_row(document, place, row) for place, row in enumerate(state.rows, start=1)]
    if not rows:
        return None
    made = conditions.normalised(Condition(tuple(rows), state.joiner))
    before = conditions.read(held["tree"]) if held is not None else None
    if before is not None and _sets(before) == _sets(made):
        return held
    try:
        return expression(conditions.write(made))
    except conditions.Unwritable:
        raise refuse(_("条件里的文字不能同时有单引号和双引号。")) from None


def _sets(condition: Condition) -> tuple[str, list[Any]]:
    """The condition without the order of the answers in a row."""
    return condition.joiner, [(row.item, row.operator, set(row.values)) for row in condition.rows]


def parsed(text: str) -> dict[str, Any] | None:
    """An expression typed by hand; None for a blank one.

    Raises
    ------
    Problem common.invalid : it cannot be read; the reason says where.
    """
    if not text.strip():
        return None
    try:
        return expression(text.strip())
    except ExpressionError as error:
        raise refuse(_("式子看不懂：%s。") % in_words(error.reason, _)) from None


def _row(document: Document, place: int, row: RowState) -> Row:
    item = item_index(document)[row.item][1]
    if row.operator in NO_VALUE:
        return Row(row.item, row.operator)
    given = row.values if row.takes_several else row.values[:1]
    values = [typed_value(document, item, row.operator, text) for text in given]
    if not values or any(value is None for value in values):
        raise refuse(_("第 %(n)s 个条件（%(item)s）还没选好答案。") % {"n": place, "item": row.item})
    return Row(row.item, row.operator, tuple(values))
