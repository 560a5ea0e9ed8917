"""The changes that an author makes to a draft, each from one document to the next. Pure.

`apply_edit(document, Edit("move_item", "Q01", {...}))` gives a new document and leaves the old one as it is.
A draft may hold what cannot be published yet (an empty block, a text that is missing in a language):
`drafting.check_draft` lists that.
"""

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from survey.questionnaires.document import (
    CHOICE_TYPES,
    Block,
    Choice,
    Document,
    Item,
    block_items,
    format_for,
    item_index,
    items_of,
)
from survey.questionnaires.references import rename_everywhere, users_of
from survey.questionnaires.translating import places
from survey.questionnaires.xlsform.items import default_seconds

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
# What a new choice question begins with, in the language that is written in.
TWO_OPTIONS = {
    "zh-hans": ("选项一", "选项二"),
    "zh-hant": ("選項一", "選項二"),
    "en": ("Option 1", "Option 2"),
}
MOST_ITEMS = 2000  # a document is read whole at every save


class EditError(Exception):
    """A change that cannot be made; `code` is a key of `services.drafts.REASONS`, `values` its braces."""

    def __init__(self, code: str, **values: str) -> None:
        super().__init__(code)
        self.code, self.values = code, values


@dataclass(frozen=True)
class Edit:
    """`do` is a key of `EDITS`; `subject` names the item or block (for the history), `arguments` the rest."""

    do: str
    subject: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)


def apply_edit(document: Document, edit: Edit) -> Document:
    """The changed document. Raises EditError."""
    changed = copy.deepcopy(document)
    used = _used_lists(changed)
    EDITS[edit.do](changed, edit.subject, **copy.deepcopy(edit.arguments))
    for name in used - _used_lists(changed):
        changed["choice_lists"].pop(name, None)
    _tidy_matrices(changed)
    changed.pop("reading_seconds", None)  # publishing states it anew
    changed["format"] = format_for(changed)
    return changed


# ---- finding ---------------------------------------------------------------------------------------------


def all_names(document: Document) -> set[str]:
    """Names of items, blocks and quotas: each is used once."""
    names = {item["name"] for item in items_of(document)} | {block["name"] for block in document["blocks"]}
    return names | {quota["name"] for quota in document.get("quotas", [])}


def free_name(taken: set[str], wish: str) -> str:
    """`wish`, or `wish` with a number that is not taken."""
    wish = wish if NAME.fullmatch(wish) else "Q"
    name, number = wish, 2
    while name in taken:
        name = f"{wish[:58]}_{number}"
        number += 1
    return name


def next_item_name(document: Document) -> str:
    """Q01, Q02 …: the first number after those in use."""
    numbers = [int(found[1]) for name in all_names(document) if (found := re.fullmatch(r"Q(\d{1,4})", name))]
    return free_name(all_names(document), f"Q{max(numbers, default=0) + 1:02d}")


def _block(document: Document, name: str) -> Block:
    block = next((block for block in document["blocks"] if block["name"] == name), None)
    if block is None:
        raise EditError("no_block", name=name)
    return block


def _found(document: Document, name: str) -> tuple[Block, Item]:
    found = item_index(document).get(name)
    if found is None:
        raise EditError("no_item", name=name)
    return found


def _used_lists(document: Document) -> set[str]:
    return {item[part] for item in items_of(document) for part in ("list", "missing") if part in item}


def _tidy_matrices(document: Document) -> None:
    rows = {item["matrix"] for item in items_of(document) if "matrix" in item}
    stems = {name: stem for name, stem in document.get("matrices", {}).items() if name in rows}
    if stems:
        document["matrices"] = stems
    else:
        document.pop("matrices", None)


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise EditError("bad_name", name=name)


# ---- the whole -------------------------------------------------------------------------------------------


def set_document(document: Document, _subject: str, *, changes: dict[str, Any]) -> None:
    """Title, languages, time zone. The default language stays one of the languages."""
    document |= {key: value for key, value in changes.items() if key in DOCUMENT_PARTS}
    if not document["languages"]:
        raise EditError("no_language")
    if document["default_language"] not in document["languages"]:
        document["default_language"] = document["languages"][0]


DOCUMENT_PARTS = ("title", "languages", "default_language", "timezone", "version")


def set_quotas(document: Document, _subject: str, *, quotas: list[dict[str, Any]]) -> None:
    """All quotas at once."""
    document.pop("quotas", None)
    taken = all_names(document)
    for quota in quotas:
        quota["name"] = free_name(taken, quota.get("name") or "quota")
        taken.add(quota["name"])
    if quotas:
        document["quotas"] = quotas


# ---- blocks ----------------------------------------------------------------------------------------------


def add_block(document: Document, subject: str, *, block: dict[str, Any], after: str = "") -> None:
    """A block, empty or with what it brings, after another one or at the end."""
    if block.get("kind") == "household" and any("kind" in other for other in document["blocks"]):
        raise EditError("one_household")
    block["name"] = free_name(all_names(document), subject or "block")
    if "kind" not in block:
        block.setdefault("items", [])
    names = [other["name"] for other in document["blocks"]]
    place = names.index(after) + 1 if after in names else len(names)
    document["blocks"].insert(0 if "kind" in block else place, block)


def set_block(document: Document, subject: str, *, changes: dict[str, Any], name: str = "") -> None:
    """Parts of a block; None takes a part away. A new `name` is carried into every expression."""
    block = _block(document, subject)
    for part, value in changes.items():
        if value is None:
            block.pop(part, None)
        else:
            block[part] = value
    if name and name != subject:
        _check_name(name)
        if name in all_names(document):
            raise EditError("name_taken", name=name)
        rename_everywhere(document, subject, name)
        block["name"] = name


def move_block(document: Document, subject: str, *, place: int) -> None:
    """To a place counted from 0."""
    block = _block(document, subject)
    document["blocks"].remove(block)
    document["blocks"].insert(max(0, place), block)


def delete_block(document: Document, subject: str) -> None:
    """With its items, unless somebody outside needs one of them."""
    block = _block(document, subject)
    _refuse_if_used(document, {subject, *(item["name"] for item in block_items(block))})
    if len(document["blocks"]) == 1:
        raise EditError("last_block")
    document["blocks"].remove(block)


def _refuse_if_used(document: Document, names: set[str]) -> None:
    users = users_of(document, names)
    if users:
        raise EditError("in_use", users="、".join(users[:6]))


# ---- items -----------------------------------------------------------------------------------------------


def add_items(
    document: Document,
    _subject: str,
    *,
    items: list[Item],
    block: str,
    after: str = "",
    lists: dict[str, list[Choice]] | None = None,
    matrices: dict[str, Any] | None = None,
) -> None:
    """Items with the choice lists they bring, after another item or at the end of the block.

    Names that are taken get a number; a list that is here already under its name with the same content is
    shared, another content gets a name of its own.
    """
    if sum(1 for _item in items_of(document)) + len(items) > MOST_ITEMS:
        raise EditError("too_many", most=str(MOST_ITEMS))
    target = _block(document, block)
    if "kind" in target:
        raise EditError("household_is_empty")
    renamed = {name: _bring_list(document, name, choices) for name, choices in (lists or {}).items()}
    taken = all_names(document)
    names = [item["name"] for item in target["items"]]
    place = names.index(after) + 1 if after in names else len(names)
    for offset, item in enumerate(items):
        item["name"] = free_name(taken, item.get("name") or next_item_name(document))
        taken.add(item["name"])
        for part in ("list", "missing"):
            if part in item:
                item[part] = renamed.get(item[part], item[part])
        _complete(document, item)
        target["items"].insert(place + offset, item)
    if matrices:
        document.setdefault("matrices", {}).update(matrices)


def _bring_list(document: Document, name: str, choices: list[Choice]) -> str:
    held = document["choice_lists"]
    same = next((known for known, content in held.items() if content == choices), None)
    if same is not None:
        return same
    name = free_name(set(held), name if NAME.fullmatch(name) else "options")
    held[name] = choices
    return name


def _complete(document: Document, item: Item) -> None:
    """What an item must have to be drawn: a list for a choice item, a stated time."""
    if item["type"] in CHOICE_TYPES and item.get("list") not in document["choice_lists"]:
        first = document["default_language"]
        labels = enumerate(TWO_OPTIONS[first], start=1)
        choices = [{"code": code, "label": {first: label}} for code, label in labels]
        item["list"] = free_name(set(document["choice_lists"]), f"{item['name']}_options")
        document["choice_lists"][item["list"]] = choices
    if item["type"] != "calculate" and "seconds" not in item:
        item["seconds"] = default_seconds(item)


def put_item(
    document: Document,
    subject: str,
    *,
    item: Item,
    choices: list[Choice] | None = None,
    only_here: bool = False,
    stem: dict[str, Any] | None = None,
    lists: dict[str, list[Choice]] | None = None,
) -> None:
    """The item as the author has it now, in the place it has; `choices` is the content of its list.

    `only_here`: other items that share the list keep theirs, this one gets a copy. `stem` is the text over
    the matrix that the item is a row of. `lists` are further lists that the item names (its missing answers).
    """
    block, held = _found(document, subject)
    name = item["name"]
    if name != subject:
        _check_name(name)
        if name in all_names(document):
            raise EditError("name_taken", name=name)
        rename_everywhere(document, subject, name)
    for brought, content in (lists or {}).items():
        known = _bring_list(document, brought, content)
        item |= {part: known for part in ("list", "missing") if item.get(part) == brought}
    if choices is not None and item["type"] in CHOICE_TYPES:
        _put_choices(document, held, item, choices, only_here)
    if stem is not None and "matrix" in item:
        document.setdefault("matrices", {})[item["matrix"]] = stem
    block["items"][block["items"].index(held)] = item
    _complete(document, item)


def _put_choices(document: Document, held: Item, item: Item, choices: list[Choice], only_here: bool) -> None:
    if not choices:
        raise EditError("no_choices")
    lists = document["choice_lists"]
    name = item.get("list", "")
    if lists.get(name) == choices:
        return
    shared = any(other is not held and name in (other.get("list"), other.get("missing"))
                 for other in items_of(document))  # fmt: skip
    if name not in lists or (shared and only_here):
        name = free_name(
            set(lists), f"{name or item['name']}_{item['name']}" if name else f"{item['name']}_options"
        )
    lists[name] = choices
    item["list"] = name


def move_item(document: Document, subject: str, *, block: str, before: str = "") -> None:
    """Before another item of a block, or to its end."""
    source, item = _found(document, subject)
    target = _block(document, block)
    if "kind" in target:
        raise EditError("household_is_empty")
    source["items"].remove(item)
    names = [other["name"] for other in target["items"]]
    target["items"].insert(names.index(before) if before in names else len(names), item)


def shift_item(document: Document, subject: str, *, by: int) -> None:
    """One place up (−1) or down (+1); at the end of a block into the next one."""
    block, item = _found(document, subject)
    place = block["items"].index(item)
    if 0 <= place + by < len(block["items"]):
        block["items"].insert(place + by, block["items"].pop(place))
        return
    blocks = [other for other in document["blocks"] if "kind" not in other]
    neighbour = blocks.index(block) + by
    if 0 <= neighbour < len(blocks):
        block["items"].remove(item)
        blocks[neighbour]["items"].insert(0 if by > 0 else len(blocks[neighbour]["items"]), item)


def delete_item(document: Document, subject: str) -> None:
    """Away with it, unless a condition or a calculation needs it."""
    block, item = _found(document, subject)
    _refuse_if_used(document, {subject})
    block["items"].remove(item)


def duplicate_item(document: Document, subject: str) -> None:
    """A copy below, with a name of its own and the same list."""
    block, item = _found(document, subject)
    twin = copy.deepcopy(item) | {"name": free_name(all_names(document), subject)}
    block["items"].insert(block["items"].index(item) + 1, twin)


def split_item(document: Document, subject: str, *, first: str, second: str) -> None:
    """One question about two things becomes two; other languages have to be written anew."""
    block, item = _found(document, subject)
    twin = copy.deepcopy(item) | {"name": free_name(all_names(document), subject)}
    language = document["default_language"]
    item["label"], twin["label"] = {language: first}, {language: second}
    block["items"].insert(block["items"].index(item) + 1, twin)


# ---- texts -----------------------------------------------------------------------------------------------


def set_texts(document: Document, _subject: str, *, texts: dict[str, dict[str, str]]) -> None:
    """Texts of several places at once: place (`translating.places`) → language → text; "" takes it away."""
    by_place = {place.key: place.texts for place in places(document)}
    for key, changes in texts.items():
        if key not in by_place:
            raise EditError("no_text", name=key)
        for language, text in changes.items():
            if text.strip():
                by_place[key][language] = text.strip()
            else:
                by_place[key].pop(language, None)


EDITS: dict[str, Callable[..., None]] = {
    function.__name__: function
    for function in (
        set_document, set_quotas, add_block, set_block, move_block, delete_block, add_items, put_item,
        move_item, shift_item, delete_item, duplicate_item, split_item, set_texts,
    )
}  # fmt: skip
