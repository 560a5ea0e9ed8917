"""One item as the editor's form shows and sends it: every part that the format knows, as texts and ticks.

An item becomes an `ItemState` (`item_state`), the browser sends one back (`posted_state`), and
`item_edit` turns it into a change of the draft. Texts are those of the questionnaire's first language;
translations stay with what they belong to and have a page of their own.
"""

import copy
from dataclasses import dataclass, field, fields
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from survey.console.editor.choice_form import (
    MOST_ROWS,
    ChoiceRow,
    MissingState,
    choice_rows,
    choices_from,
    missing_from,
    missing_state,
    posted_rows,
    rows_text,
    scoring_from,
    scoring_kind,
)
from survey.console.editor.condition_form import (
    ConditionState,
    condition_state,
    parsed,
    posted_condition,
    stored_condition,
)
from survey.console.editor.reading import day, number, put, whole, with_text
from survey.questionnaires import limits
from survey.questionnaires.document import (
    CHOICE_TYPES,
    MODES,
    Document,
    Item,
    items_of,
    own_choices,
)
from survey.questionnaires.editing import Edit
from survey.questionnaires.parts import has_part, retyped
from survey.questionnaires.xlsform.items import default_seconds

PLAIN_TEXTS = ("label", "hint", "constraint_message", "required_message")
TEXT_FIELDS = (
    "name", "type", "label", "hint", "constraint_message", "required_message", "seconds", "topic", "index",
    "with", "matrix", "stem", "from", "to", "low", "high", "least", "most", "max_length", "min_choices",
    "max_choices", "first", "last", "filter", "default", "root", "calculation", "required", "required_text",
    "constraint", "scoring", "least_item", "most_item", "today", "pattern", "shortest",
)  # fmt: skip
# Fields of what an answer must be, by the item's type.
LIMITS = {
    "integer": ("least", "most", "least_item", "most_item"),
    "decimal": ("least", "most", "least_item", "most_item"),
    "date": ("least", "most", "least_item", "most_item", "today"),
    "text": ("pattern", "shortest"),
}
TICKS = ("multiline", "random", "readonly", "consent", "only_here", "stem_random")


@dataclass
class ItemState:
    """`texts` and `ticks` by field name; the rest in parts of their own."""

    texts: dict[str, str]
    ticks: dict[str, bool]
    modes: list[str]
    levels: list[str]
    rows: list[ChoiceRow]
    missing: MissingState
    relevant: ConditionState
    shared: int = 0
    unsaved: bool = False
    limits_are_text: bool = False
    parts: set[str] = field(default_factory=set)

    @property
    def rows_text(self) -> str:
        """The options as lines of text, where they are too many for rows; else blank."""
        return rows_text(self.rows) if len(self.rows) > MOST_ROWS else ""

    @property
    def kind(self) -> str:
        """The type."""
        return self.texts["type"]


def item_state(document: Document, item: Item) -> ItemState:
    """The form of an item as it is stored."""
    language = document["default_language"]
    texts = {name: _plain(item.get(name)) for name in TEXT_FIELDS if name not in PLAIN_TEXTS}
    texts |= {part: (item.get(part) or {}).get(language, "") for part in PLAIN_TEXTS}
    ends, order = item.get("ends") or {}, item.get("order") or {}
    texts |= {end: (ends.get(end) or {}).get(language, "") for end in ("low", "high")}
    texts |= {"first": _plain(order.get("first")), "last": _plain(order.get("last"))}
    texts |= {part: (item.get(part) or {}).get("text", "") for part in ("filter", "calculation")}
    if item.get("seconds") == default_seconds(item):
        texts["seconds"] = ""
    limits_are_text = _fill_limits(item, texts)
    required = item.get("required", False)
    texts["required"] = "expression" if isinstance(required, dict) else "yes" if required else "no"
    texts["required_text"] = required["text"] if isinstance(required, dict) else ""
    texts["scoring"] = scoring_kind(document, item)
    ticks = {name: bool(item.get(name)) for name in TICKS}
    ticks["random"] = bool(order.get("random"))
    matrix = document.get("matrices", {}).get(item.get("matrix", ""), {})
    texts["stem"] = (matrix.get("label") or {}).get(language, "")
    ticks["stem_random"] = bool((matrix.get("order") or {}).get("random"))
    return ItemState(
        texts=texts,
        ticks=ticks,
        modes=item.get("modes", list(MODES)),
        levels=item.get("levels", []),
        rows=choice_rows(document, item),
        missing=missing_state(document, item),
        relevant=condition_state(document, item.get("relevant"), language),
        shared=sharers(document, item),
        limits_are_text=limits_are_text,
        parts=parts_of(item["type"]),
    )


def parts_of(kind: str) -> set[str]:
    """Names of the parts that the form shows for a type."""
    asked = ("list", "missing", "required", "constraint", "calculation", "from", "to", "ends", "max_length",
             "min_choices", "order", "filter", "default", "scoring", "matrix", "root", "consent", "hint",
             "with", "seconds", "index")  # fmt: skip
    found = {part for part in asked if has_part(kind, part)}
    return found | set(LIMITS.get(kind, ()))


def _posted_limits(kind: str, data: QueryDict) -> limits.Limits:
    """What the answer must be, as it was filled in."""
    offered = LIMITS.get(kind, ())
    read = day if kind == "date" else number
    found: dict[str, Any] = {
        name: read(data, name, label)
        for name, label in (("least", _("最小")), ("most", _("最大")))
        if name in offered
    }
    for name in ("least_item", "most_item"):
        if name in offered:
            found[name] = data.get(name, "").strip()[:64]
    if "today" in offered and data.get("today") in (limits.PAST, limits.FUTURE):
        found["today"] = data["today"]
    if "pattern" in offered and data.get("pattern") in limits.PATTERNS:
        found["pattern"] = data["pattern"]
    if "shortest" in offered:
        found["shortest"] = whole(data, "shortest", _("至少写几个字"), 0, 5000)
    return limits.Limits(**found)


def _constraint(item: Item, data: QueryDict, text: str) -> dict[str, Any] | None:
    """The typed expression, else what the fields say; what means the same stays as its author wrote it."""
    held = item.get("constraint")
    if text:
        return parsed(text)
    asked = _posted_limits(item["type"], data)
    if held is not None and limits.is_asked(asked) and limits.read(held["tree"]) == asked:
        return held
    return parsed(limits.write(asked))


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(str(part) for part in value)
    return "" if value is None or isinstance(value, dict | bool) else str(value)


def _fill_limits(item: Item, texts: dict[str, str]) -> bool:
    """The fields where the constraint is no more than they can say; whether it is a text instead."""
    stored, offered = item.get("constraint"), LIMITS.get(item["type"], ())
    held = limits.read(stored["tree"]) if stored else limits.Limits()
    said = {part.name: getattr(held, part.name) for part in fields(limits.Limits)} if held else {}
    if held is None or any(value not in (None, "") for name, value in said.items() if name not in offered):
        texts["constraint"] = stored["text"] if stored else ""
        return stored is not None
    texts |= {name: _plain(said[name]) for name in offered}
    texts["constraint"] = ""
    return False


def sharers(document: Document, item: Item) -> int:
    """How many other items use the same choice list."""
    name = item.get("list")
    return sum(1 for other in items_of(document) if name and other is not item and other.get("list") == name)


def posted_state(document: Document, item: Item, data: QueryDict) -> ItemState:
    """The form as it was sent, for an item that is stored as `item`."""
    texts = {name: data.get(name, "").strip() for name in TEXT_FIELDS}
    texts["type"] = item["type"]
    return ItemState(
        texts=texts,
        ticks={name: bool(data.get(name)) for name in TICKS},
        modes=[mode for mode in MODES if mode in data.getlist("modes")],
        levels=[level for level in data.getlist("levels") if level],
        rows=posted_rows(document, item, data),
        missing=MissingState(
            data.get("dont_know", "").strip(), data.get("refused", "").strip(), bool(data.get("missing_kept"))
        ),
        relevant=posted_condition(document, data, document["default_language"]),
        shared=sharers(document, item),
        unsaved=True,
        limits_are_text=bool(data.get("constraint", "").strip()),
        parts=parts_of(item["type"]),
    )


def item_edit(document: Document, item: Item, data: QueryDict, state: ItemState) -> Edit:
    """The change that stores the form.

    Raises
    ------
    Problem common.invalid : a field cannot be read; the reason names it.
    """
    language, texts = document["default_language"], state.texts
    made = copy.deepcopy(item)
    made["name"] = texts["name"]
    for part in PLAIN_TEXTS:
        put(made, part, with_text(item.get(part), language, texts[part]))
    for part in ("topic", "with", "matrix"):
        put(made, part, texts[part][:64])
    put(made, "index", texts["index"][:60])
    put(made, "modes", state.modes if 0 < len(state.modes) < len(MODES) else None)
    _put_numbers(made, data)
    _put_answers(made, data, state, language)
    _put_logic(document, made, data, state)
    choices = choices_from(document, item, state.rows) if item["type"] in CHOICE_TYPES else None
    lists = missing_from(document, made, item, state.missing)
    put(
        made,
        "scoring",
        scoring_from(made, choices or own_choices(document, item), state.rows, texts["scoring"]),
    )
    stem = None
    if made.get("matrix"):
        held = document.get("matrices", {}).get(made["matrix"], {"label": {}})
        stem = held | {"label": with_text(held.get("label"), language, texts["stem"]) or {}}
        if not state.ticks["stem_random"]:
            stem.pop("order", None)
        elif not (stem.get("order") or {}).get("random"):
            stem["order"] = {"random": True}
    if data.get("retype") and data["retype"] != item["type"]:
        made = retyped(made, data["retype"])
        choices = choices if made["type"] in CHOICE_TYPES else None
    made = {part: value for part, value in made.items() if has_part(made["type"], part)}
    arguments = {"item": made, "choices": choices, "only_here": state.ticks["only_here"], "stem": stem}
    return Edit("put_item", item["name"], arguments | {"lists": lists})


def _put_numbers(made: Item, data: QueryDict) -> None:
    seconds = whole(data, "seconds", _("大约几秒"), 0, 600)
    made.pop("seconds", None)
    if seconds is not None:
        made["seconds"] = seconds
    for part, label, low, high in (
        ("max_length", _("最多写几个字"), 1, 5000),
        ("min_choices", _("至少选几个"), 1, 500),
        ("max_choices", _("最多选几个"), 1, 500),
    ):
        if has_part(made["type"], part):
            put(made, part, whole(data, part, label, low, high))
    if made["type"] in ("scale", "rating"):
        for part, label in (("from", _("最低分")), ("to", _("最高分"))):
            value = whole(data, part, label, 0, 100)
            if value is not None and has_part(made["type"], part):
                made[part] = value
    order = {"random": True} | {
        end: value
        for end, label in (("first", _("前面几个不动")), ("last", _("后面几个不动")))
        if (value := whole(data, end, label, 0, 500))
    }
    if (made.get("order") or {}).get("all"):
        order["all"] = True
    put(made, "order", order if data.get("random") and has_part(made["type"], "order") else None)


def _put_answers(made: Item, data: QueryDict, state: ItemState, language: str) -> None:
    ends = {
        end: with_text((made.get("ends") or {}).get(end), language, state.texts[end]) or {}
        for end in ("low", "high")
    }
    put(made, "ends", ends if any(ends.values()) else None)
    for tick in ("multiline", "readonly", "consent"):
        put(made, tick, state.ticks[tick])
    put(made, "root", state.texts["root"])
    put(made, "levels", state.levels)
    default = state.texts["default"]
    if default == _plain(made.get("default")):
        return
    if made["type"] in ("integer", "decimal", "scale", "rating"):
        put_number = number(data, "default", _("预先填好"))
        made.pop("default", None)
        if put_number is not None:
            made["default"] = put_number
    else:
        put(made, "default", default)


def _put_logic(document: Document, made: Item, data: QueryDict, state: ItemState) -> None:
    put(made, "relevant", stored_condition(document, state.relevant, made.get("relevant")))
    for part in ("filter", "calculation"):
        put(made, part, parsed(state.texts[part]))
    put(made, "constraint", _constraint(made, data, state.texts["constraint"]))
    required: Any = state.texts["required"] == "yes"
    if state.texts["required"] == "expression":
        required = parsed(state.texts["required_text"])
    put(made, "required", required)
