"""The published questionnaire: one JSON document, the same for the server, the phone and the interviewer.

The format is `docs/questionnaire.schema.json`. A document is built by `xlsform.read_xlsform`, checked by
`checking.check_document`, frozen when it is published and named by its hash. Expressions are stored beside
their text as `{"text": "${P04} = 1", "tree": ["=", ["ref", "P04"], 1]}`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from survey.common.canonical import sha256_of
from survey.questionnaires.expressions import ExpressionError, parse

FORMAT = "minyi-questionnaire/1"
LANGUAGES = ("zh-hans", "zh-hant", "en")
MODES = ("web", "door")

CHOICE_TYPES = ("select_one", "select_multiple")
NUMBER_TYPES = ("integer", "decimal", "scale")
ANSWERED_TYPES = (*CHOICE_TYPES, *NUMBER_TYPES, "text", "date")
ITEM_TYPES = (*ANSWERED_TYPES, "note", "calculate")

# Codes of their own for what is no substantive answer (docs/questionnaire-format.md). Never scored.
DONT_KNOW, REFUSED, NOT_APPLICABLE, INTERVIEWER_MISSED = -1, -2, -3, -4
MISSING_CODES = {
    "dont_know": DONT_KNOW,
    "refused": REFUSED,
    "not_applicable": NOT_APPLICABLE,
    "interviewer_missed": INTERVIEWER_MISSED,
}
MAX_TEXT = 500  # characters of an open answer unless the item says otherwise

Document = dict[str, Any]
Item = dict[str, Any]
Choice = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """Something an author should know.

    `level` is "error" (the document cannot be published), "warning" (look again) or "lost" (of the sheet,
    not carried over). `where` is a path in the document such as `Q14.relevant`; `cell` such as `survey!H12`.
    """

    level: str
    code: str
    message: str
    where: str = ""
    cell: str = ""

    def __str__(self) -> str:
        place = self.cell or self.where
        return f"{place}：{self.message}" if place else self.message


def document_hash(document: Document) -> str:
    """Hex SHA-256 of the document's canonical JSON: its identity once published."""
    return sha256_of(document)


def expression(text: str) -> dict[str, Any]:
    """The stored form of an expression. Raises ExpressionError."""
    return {"text": text, "tree": parse(text)}


def items_of(document: Document) -> Iterator[Item]:
    """Items in document order."""
    for block in document["blocks"]:
        yield from block["items"]


def item_index(document: Document) -> dict[str, tuple[dict[str, Any], Item]]:
    """name → (block, item)."""
    return {item["name"]: (block, item) for block in document["blocks"] for item in block["items"]}


def own_choices(document: Document, item: Item) -> list[Choice]:
    """The item's choice list; empty for types without choices."""
    return document["choice_lists"].get(item.get("list", ""), [])


def missing_choices(document: Document, item: Item) -> list[Choice]:
    """The don't-know, refused and similar answers this item offers, with their labels."""
    offered = [choice for choice in own_choices(document, item) if choice.get("missing")]
    return offered + document["choice_lists"].get(item.get("missing", ""), [])


def all_choices(document: Document, item: Item) -> list[Choice]:
    """Substantive choices, then the missing ones."""
    return [c for c in own_choices(document, item) if not c.get("missing")] + missing_choices(document, item)


def text_in(texts: dict[str, str] | None, language: str, document: Document) -> str:
    """A text in `language`, else in the document's default language, else empty."""
    texts = texts or {}
    return texts.get(language) or texts.get(document["default_language"]) or ""


def total_seconds(document: Document, mode: str = "web") -> int:
    """Reading time of all items of a mode, as stated by the author; skips make it shorter."""
    return sum(item.get("seconds", 0) for item in items_of(document) if mode in item.get("modes", MODES))


def is_expression(value: object) -> bool:
    """Whether a stored expression is what its text says (a tampered tree is not)."""
    if not isinstance(value, dict) or set(value) != {"text", "tree"} or not isinstance(value["text"], str):
        return False
    try:
        return parse(value["text"]) == value["tree"]
    except ExpressionError:
        return False
