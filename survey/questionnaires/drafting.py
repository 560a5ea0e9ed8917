"""What a draft still lacks before it can be published. Pure."""

from typing import Any

from survey.questionnaires.checking import check_document
from survey.questionnaires.document import FORMAT, Document, Problem, block_items, item_index
from survey.questionnaires.said import said as _


def blank_document(*, name: str, title: str, language: str = "zh-hans") -> Document:
    """A questionnaire to begin with: one block without items."""
    return {
        "format": FORMAT,
        "name": name,
        "version": "1",
        "title": {language: title},
        "languages": [language],
        "default_language": language,
        "timezone": "Asia/Shanghai",
        "choice_lists": {},
        "blocks": [{"name": "block", "items": []}],
    }


def check_draft(document: Document) -> list[Problem]:
    """As `check_document`, with blocks that are still empty told in words; errors first."""
    filled: list[dict[str, Any]] = []
    empty: list[Problem] = []
    for block in document["blocks"]:
        if "kind" in block or block_items(block):
            filled.append(block)
        else:
            empty.append(
                Problem("error", "empty_block", _("这一块还没有题目，加一题或删掉它"), block["name"])
            )
    if not any(block_items(block) for block in filled):
        return empty or [Problem("error", "empty", _("问卷里还没有题目"))]
    return empty + check_document({**document, "blocks": filled})


def only_item(document: Document, name: str) -> Document | None:
    """A small document of one item as a phone shows it: with what shares its screen, without conditions.

    None when there is no such item. A calculated item has no screen; the document then has none either.
    """
    index = item_index(document)
    if name not in index:
        return None
    block, item = index[name]
    host = item.get("with", name)
    matrix = item.get("matrix")
    kept = [
        {part: value for part, value in other.items() if part not in ("relevant", "filter")}
        for other in block_items(block)
        if other["name"] == host
        or other.get("with") == host
        or (matrix is not None and other.get("matrix") == matrix)
    ]
    return {**document, "blocks": [{"name": block["name"], "items": kept}]}
