"""Which parts an item of each type has, and how an item changes its type. Pure."""

from typing import Any

from survey.questionnaires.document import (
    ANSWERED_TYPES,
    CHOICE_TYPES,
    FILE_TYPES,
    LIST_TYPES,
    MATRIX_TYPES,
    STARS,
    Item,
)

# The order in which an author meets the types.
TYPE_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("choose", ("select_one", "select_multiple", "scale", "rating", "ranking")),
    ("write", ("text", "integer", "decimal", "date", "time", "datetime")),
    ("place", ("region", "place", "photo", "signature")),
    ("other", ("note", "acknowledge", "calculate")),
)
PLAIN = tuple(kind for kind in ANSWERED_TYPES if kind not in (*FILE_TYPES, "acknowledge", "place"))
SCORED = ("select_one", "scale", "rating")

# Part → types that have it; a part that is not listed here belongs to every type.
PARTS: dict[str, tuple[str, ...]] = {
    "list": CHOICE_TYPES,
    "missing": PLAIN,
    "required": ANSWERED_TYPES,
    "required_message": ANSWERED_TYPES,
    "constraint": PLAIN,
    "constraint_message": PLAIN,
    "calculation": ("calculate",),
    "from": ("scale",),
    "to": ("scale", "rating"),
    "ends": ("scale", "rating"),
    "max_length": ("text",),
    "multiline": ("text",),
    "min_choices": LIST_TYPES,
    "max_choices": LIST_TYPES,
    "order": CHOICE_TYPES,
    "filter": CHOICE_TYPES,
    "default": PLAIN,
    "readonly": PLAIN,
    "scoring": SCORED,
    "index": ANSWERED_TYPES,
    "matrix": MATRIX_TYPES,
    "root": ("region",),
    "levels": ("region",),
    "consent": ("signature",),
    "hint": (*ANSWERED_TYPES, "note"),
    "with": ANSWERED_TYPES,
    "seconds": (*ANSWERED_TYPES, "note"),
}


def has_part(kind: str, part: str) -> bool:
    """Whether items of this type have the part."""
    return part not in PARTS or kind in PARTS[part]


def retyped(item: Item, kind: str) -> Item:
    """The item with another type: parts that the type has not are dropped, those it must have are added.

    A choice item may come without a `list`: the editor gives it one (`editing.put_item`).
    """
    changed: dict[str, Any] = {part: value for part, value in item.items() if has_part(kind, part)}
    changed["type"] = kind
    if kind == "scale" and not ("from" in item and "to" in item):
        changed |= {"from": 0, "to": 10}
    if kind == "rating":
        changed["to"] = changed.get("to") if 3 <= changed.get("to", 0) <= 10 else STARS
    if kind == "region":
        changed.setdefault("levels", ["district", "street", "community"])
    for part in ("default", "scoring", "constraint"):  # made for the old type's answers
        if kind != item["type"]:
            changed.pop(part, None)
    return changed
