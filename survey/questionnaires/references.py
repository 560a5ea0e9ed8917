"""Who mentions whom in a document: needed to rename and to delete without breaking a condition. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from survey.questionnaires.document import Document, block_items, expression

EXPRESSION_PARTS = ("relevant", "constraint", "required", "calculation", "filter")


def holders_of(document: Document) -> Iterator[tuple[str, dict[str, Any], str]]:
    """(name of the item, block or quota, the holder, key) for every stored expression."""
    for block in document["blocks"]:
        if isinstance(block.get("relevant"), dict):
            yield block["name"], block, "relevant"
        if isinstance(block.get("repeat", {}).get("count"), dict):
            yield block["name"], block["repeat"], "count"
        for item in block_items(block):
            for part in EXPRESSION_PARTS:
                if isinstance(item.get(part), dict):
                    yield item["name"], item, part
    for quota in document.get("quotas", []):
        yield quota["name"], quota, "where"


def mentions(text: str, name: str) -> bool:
    """Whether an expression's text asks for ${name}, also inside jr:choice-name('${name}')."""
    return _pattern(name).search(text) is not None


def users_of(document: Document, names: set[str]) -> list[str]:
    """Other items, blocks and quotas whose expressions or place on a screen need one of `names`."""
    found: dict[str, None] = {}
    for holder, thing, key in holders_of(document):
        if holder not in names and any(mentions(thing[key]["text"], name) for name in names):
            found.setdefault(holder)
    for block in document["blocks"]:
        for item in block_items(block):
            if item.get("with") in names and item["name"] not in names:
                found.setdefault(item["name"])
    return list(found)


def rename_everywhere(document: Document, old: str, new: str) -> None:
    """Change every mention of an item or block; the thing itself is renamed by the caller."""
    pattern = _pattern(old)
    for _holder, thing, key in list(holders_of(document)):
        if pattern.search(thing[key]["text"]):
            thing[key] = expression(pattern.sub(lambda _match: f"${{{new}}}", thing[key]["text"]))
    for block in document["blocks"]:
        for item in block_items(block):
            if item.get("with") == old:
                item["with"] = new


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(r"\$\{\s*" + re.escape(name) + r"\s*\}")
