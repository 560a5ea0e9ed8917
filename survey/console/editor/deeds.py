"""Buttons of the editor that store something: each gives the change that it asks for."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from survey.console.editor.condition_form import parsed, posted_condition, stored_condition
from survey.console.editor.item_form import item_edit, posted_state
from survey.console.editor.reading import put, refuse, whole, with_text
from survey.questionnaires import bank
from survey.questionnaires.document import (
    LANGUAGES,
    Document,
    Item,
    block_items,
    item_index,
    items_of,
    text_in,
)
from survey.questionnaires.editing import Edit, all_names, free_name, next_item_name
from survey.questionnaires.parts import retyped
from survey.questionnaires.wording import halves

# Ready-made items: the bank entry whose scale and missing answers they take.
PRESETS = {
    "satisfied": "Q01",
    "yes_no": "K01",
    "agree": "T01",
    "score": "H02",
    "change": "G03",
    "often": "P01",
}
MOST_ROWS = 30  # of a new matrix


@dataclass(frozen=True)
class Deed:
    """A change and where the page goes afterwards: "item:Q01", "block:b2", "settings" or "" (the whole)."""

    edit: Edit
    goes_to: str = ""


def _item(document: Document, data: QueryDict) -> Item:
    found = item_index(document).get(data.get("item", ""))
    if found is None:
        raise refuse(_("没有“%s”这一题，可能刚被别人删了或改了名。") % data.get("item", "")[:64])
    return found[1]


def _block(document: Document, data: QueryDict) -> dict[str, Any]:
    name = data.get("block", "")
    block = next((block for block in document["blocks"] if block["name"] == name), None)
    if block is None:
        raise refuse(_("没有“%s”这一块，可能刚被别人删了。") % name[:64])
    return block


# ---- items ---------------------------------------------------------------------------------------------


def save_item(document: Document, data: QueryDict) -> Deed:
    """The whole form of an item."""
    item = _item(document, data)
    edit = item_edit(document, item, data, posted_state(document, item, data))
    return Deed(edit, f"item:{edit.arguments['item']['name']}")


def add_item(document: Document, data: QueryDict) -> Deed:
    """An empty item of the chosen type, or a ready-made one, at the end of a block or after an item."""
    block, kind = _block(document, data), data.get("type", "select_one")
    name = next_item_name(document)
    lists: dict[str, Any] = {}
    if kind.startswith("preset:"):
        entry = next(entry for entry in bank.entries() if entry.code == PRESETS[kind.removeprefix("preset:")])
        item, lists = bank.to_item(entry, document["languages"])
        item = {part: value for part, value in item.items() if part not in ("topic", "index")}
    else:
        item = retyped({"name": name, "type": "note"}, kind)
    item |= {"name": name, "label": {}}
    text = data.get("label", "").strip()
    if text:
        item["label"] = {document["default_language"]: text}
    arguments = {"items": [item], "block": block["name"], "after": data.get("after", ""), "lists": lists}
    return Deed(Edit("add_items", name, arguments), f"item:{name}")


def add_matrix(document: Document, data: QueryDict) -> Deed:
    """A stem and its rows, one on each line, answered on the scale of a ready-made item."""
    block, language = _block(document, data), document["default_language"]
    rows = [line.strip() for line in data.get("rows", "").splitlines() if line.strip()][:MOST_ROWS]
    if len(rows) < 2:
        raise refuse(_("一组小题至少要两行，每行写一小题。"))
    code = PRESETS.get(data.get("scale", ""), PRESETS["satisfied"])
    entry = next(entry for entry in bank.entries() if entry.code == code)
    model, lists = bank.to_item(entry, document["languages"])
    name = free_name(set(document.get("matrices", {})) | all_names(document), "matrix")
    taken, items = all_names(document), []
    for row in rows:
        item = copy.deepcopy(model) | {"name": free_name(taken, next_item_name(document)), "matrix": name}
        item["label"] = {language: row}
        items.append({part: value for part, value in item.items() if part not in ("topic", "index")})
        taken.add(item["name"])
    stem = {"label": with_text(None, language, data.get("stem", "")) or {}}
    arguments = {"items": items, "block": block["name"], "lists": lists, "matrices": {name: stem}}
    return Deed(Edit("add_items", items[0]["name"], arguments), f"item:{items[0]['name']}")


def shift(document: Document, data: QueryDict) -> Deed:
    """One place up or down."""
    name = _item(document, data)["name"]
    return Deed(Edit("shift_item", name, {"by": -1 if data.get("by") == "-1" else 1}), f"item:{name}")


def move(document: Document, data: QueryDict) -> Deed:
    """Into a block, before an item of it or at its end."""
    name, block = _item(document, data)["name"], _block(document, data)
    arguments = {"block": block["name"], "before": data.get("before", "")}
    return Deed(Edit("move_item", name, arguments), f"item:{name}")


def duplicate(document: Document, data: QueryDict) -> Deed:
    """A copy below."""
    name = _item(document, data)["name"]
    return Deed(Edit("duplicate_item", name), f"item:{free_name(all_names(document), name)}")


def delete(document: Document, data: QueryDict) -> Deed:
    """Away; the page goes to the neighbour."""
    name = _item(document, data)["name"]
    names = [item["name"] for item in items_of(document)]
    place = names.index(name)
    neighbours = names[place + 1 : place + 2] or names[max(0, place - 1) : place]
    return Deed(Edit("delete_item", name), f"item:{neighbours[0]}" if neighbours else "")


def split(document: Document, data: QueryDict) -> Deed:
    """A question about two things as two questions."""
    item = _item(document, data)
    parts = halves(text_in(item.get("label"), document["default_language"], document))
    if parts is None:
        raise refuse(_("这一题没法自动拆开，请复制一题，再分别改。"))
    edit = Edit("split_item", item["name"], {"first": parts[0], "second": parts[1]})
    return Deed(edit, f"item:{item['name']}")


# ---- blocks --------------------------------------------------------------------------------------------


def add_block(document: Document, data: QueryDict) -> Deed:
    """An empty block, a repeat group or the selection of a person."""
    language, kind = document["default_language"], data.get("kind", "")
    title = data.get("title", "").strip()
    name = free_name(
        all_names(document), "household" if kind == "household" else f"b{len(document['blocks']) + 1}"
    )
    block: dict[str, Any] = {}
    put(block, "title", {language: title} if title else None)
    if kind == "household":
        block |= {"kind": "household", "method": "uniform"}
    if kind == "repeat":
        block["repeat"] = {"label": {language: _("第 {0} 位") if language != "en" else "Person {0}"}}
    return Deed(Edit("add_block", name, {"block": block, "after": data.get("after", "")}), f"block:{name}")


def save_block(document: Document, data: QueryDict) -> Deed:
    """The whole form of a block."""
    block, language = _block(document, data), document["default_language"]
    name = data.get("name", "").strip() or block["name"]
    changes: dict[str, Any] = {"title": with_text(block.get("title"), language, data.get("title", ""))}
    if "kind" in block:
        changes["method"] = data.get("method") if data.get("method") in METHODS else block["method"]
    else:
        state = posted_condition(document, data, language)
        changes["relevant"] = stored_condition(document, state, block.get("relevant"))
        changes["appearance"] = "page" if data.get("appearance") == "page" else None
        order = {"random": True} | {
            end: value
            for end, label in (("first", _("前面几题不动")), ("last", _("后面几题不动")))
            if (value := whole(data, end, label, 0, 500))
        }
        if (block.get("order") or {}).get("all"):
            order["all"] = True
        changes["order"] = order if data.get("random") else None
        changes["repeat"] = _repeat(block, data, language)
    edit = Edit("set_block", block["name"], {"changes": changes, "name": name})
    return Deed(edit, f"block:{name}")


METHODS = ("uniform", "next_birthday", "kish")


def _repeat(block: dict[str, Any], data: QueryDict, language: str) -> dict[str, Any] | None:
    if not data.get("repeats"):
        return None
    held = block.get("repeat") or {}
    repeat = {"label": with_text(held.get("label"), language, data.get("repeat_label", "")) or {}}
    put(repeat, "count", parsed(data.get("repeat_count", "")))
    for part, label, low in (("min", _("至少几位"), 0), ("max", _("最多几位"), 1)):
        value = whole(data, f"repeat_{part}", label, low, 50)
        if value is not None:
            repeat[part] = value
    return repeat


def shift_block(document: Document, data: QueryDict) -> Deed:
    """One place up or down."""
    block = _block(document, data)
    place = document["blocks"].index(block) + (-1 if data.get("by") == "-1" else 1)
    return Deed(Edit("move_block", block["name"], {"place": place}), f"block:{block['name']}")


def delete_block(document: Document, data: QueryDict) -> Deed:
    """A block with its items; the author has ticked that this is meant when it holds any."""
    block = _block(document, data)
    if block_items(block) and not data.get("sure"):
        raise refuse(_("这一块里还有 %d 题，会一起删掉。确定的话先打勾。") % len(block["items"]))
    return Deed(Edit("delete_block", block["name"]))


# ---- the whole -----------------------------------------------------------------------------------------


def save_settings(document: Document, data: QueryDict) -> Deed:
    """Title and languages."""
    language = document["default_language"]
    languages = [each for each in LANGUAGES if each in data.getlist("languages") or each == language]
    title = with_text(document["title"], language, data.get("title", ""))
    if not title or not title.get(language):
        raise refuse(_("给问卷起个名字。"))
    return Deed(Edit("set_document", "", {"changes": {"title": title, "languages": languages}}), "settings")


def save_quotas(document: Document, data: QueryDict) -> Deed:
    """Quotas of a volunteer survey, one on each row; a row without a limit is dropped."""
    language, quotas = document["default_language"], []
    held = {quota["name"]: quota for quota in document.get("quotas", [])}
    for key in [*held, "new"]:
        limit = whole(data, f"quota_{key}_limit", _("收满多少份"), 0, 100_000_000)
        where = parsed(data.get(f"quota_{key}_where", ""))
        if limit is None or where is None:
            continue
        quota = copy.deepcopy(held.get(key, {"name": "quota"})) | {"limit": limit, "where": where}
        quota["label"] = with_text(quota.get("label"), language, data.get(f"quota_{key}_label", "")) or {}
        quotas.append(quota)
    return Deed(Edit("set_quotas", "", {"quotas": quotas}), "settings")


DEEDS: dict[str, Callable[[Document, QueryDict], Deed]] = {
    function.__name__: function
    for function in (
        save_item, add_item, add_matrix, shift, move, duplicate, delete, split, add_block, save_block,
        shift_block, delete_block, save_settings, save_quotas,
    )
}  # fmt: skip
