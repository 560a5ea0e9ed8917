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

# A document of /1 uses none of the additions of `additions_of`; what it says never changes with a release.
FORMAT, FORMAT_2 = "minyi-questionnaire/1", "minyi-questionnaire/2"
LANGUAGES = ("zh-hans", "zh-hant", "en")
MODES = ("web", "door")

CHOICE_TYPES = ("select_one", "select_multiple", "ranking")
LIST_TYPES = ("select_multiple", "ranking")  # the answer is a list of codes
NUMBER_TYPES = ("integer", "decimal", "scale", "rating")
WRITTEN_TYPES = ("text", "date", "time", "datetime")
FILE_TYPES = ("photo", "signature")
ANSWERED_TYPES = (
    *CHOICE_TYPES,
    *NUMBER_TYPES,
    *WRITTEN_TYPES,
    "region",
    "place",
    *FILE_TYPES,
    "acknowledge",
)
ITEM_TYPES = (*ANSWERED_TYPES, "note", "calculate")
MATRIX_TYPES = ("select_one", "scale", "rating")
# Types and parts that only /2 has.
NEW_TYPES = ("ranking", "rating", "time", "datetime", "region", "place", *FILE_TYPES, "acknowledge")
NEW_ITEM_PARTS = (
    *("min_choices", "max_choices", "order", "filter", "default", "readonly"),
    *("scoring", "matrix", "root", "levels", "consent"),
)
NEW_BLOCK_PARTS = ("kind", "method", "order", "appearance", "repeat")
NEW_PARTS = ("matrices", "quotas", "reading_seconds")

# Codes of their own for what is no substantive answer (docs/questionnaire-format.md). Never scored.
DONT_KNOW, REFUSED, NOT_APPLICABLE, INTERVIEWER_MISSED = -1, -2, -3, -4
MISSING_CODES = {
    "dont_know": DONT_KNOW,
    "refused": REFUSED,
    "not_applicable": NOT_APPLICABLE,
    "interviewer_missed": INTERVIEWER_MISSED,
}
MAX_TEXT = 500  # characters of an open answer unless the item says otherwise
MAX_INSTANCES = 20  # of a repeat unless it says otherwise
STARS = 5  # of a rating unless it says otherwise

Document = dict[str, Any]
Block = dict[str, Any]
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


def block_items(block: Block) -> list[Item]:
    """The items of a block; a household block has none."""
    return block.get("items", [])


def items_of(document: Document) -> Iterator[Item]:
    """Items in document order, those of repeats too."""
    for block in document["blocks"]:
        yield from block_items(block)


def item_index(document: Document) -> dict[str, tuple[Block, Item]]:
    """name → (block, item)."""
    return {item["name"]: (block, item) for block in document["blocks"] for item in block_items(block)}


def repeats_of(document: Document) -> dict[str, Block]:
    """name → block, for blocks that are answered once for each instance."""
    return {block["name"]: block for block in document["blocks"] if "repeat" in block}


def additions_of(document: Document) -> list[str]:
    """What the document uses that format /1 does not have, as paths such as `Q14.filter`."""
    found = [part for part in NEW_PARTS if part in document]
    for block in document["blocks"]:
        found += [f"{block['name']}.{part}" for part in NEW_BLOCK_PARTS if part in block]
        for item in block_items(block):
            if item["type"] in NEW_TYPES:
                found.append(f"{item['name']}.type")
            found += [f"{item['name']}.{part}" for part in NEW_ITEM_PARTS if part in item]
    for name, choices in document["choice_lists"].items():
        found += [f"{name}/{choice['code']}.columns" for choice in choices if "columns" in choice]
    return found


def format_for(document: Document) -> str:
    """The format name a document must carry: /2 when it uses an addition, so that old ones hash as before."""
    return FORMAT_2 if additions_of(document) else FORMAT


def own_choices(document: Document, item: Item) -> list[Choice]:
    """The item's choice list; empty for types without choices."""
    return document["choice_lists"].get(item.get("list", ""), [])


def missing_choices(document: Document, item: Item) -> list[Choice]:
    """The don't-know, refused and similar answers this item offers, with their labels."""
    offered = [choice for choice in own_choices(document, item) if choice.get("missing")]
    return offered + document["choice_lists"].get(item.get("missing", ""), [])


def substantive_choices(document: Document, item: Item) -> list[Choice]:
    """The item's choices that are answers, in the order of the list."""
    return [choice for choice in own_choices(document, item) if not choice.get("missing")]


def all_choices(document: Document, item: Item) -> list[Choice]:
    """Substantive choices, then the missing ones."""
    return substantive_choices(document, item) + missing_choices(document, item)


def column_names(choices: list[Choice]) -> list[str]:
    """Columns that any of the choices has, each once."""
    return list(dict.fromkeys(name for choice in choices for name in choice.get("columns", {})))


def score_range(item: Item) -> tuple[int, int]:
    """First and last score of a scale or rating."""
    return (1, item.get("to", STARS)) if item["type"] == "rating" else (item["from"], item["to"])


def max_instances(block: Block) -> int:
    """The most instances a repeat may have."""
    return block["repeat"].get("max", MAX_INSTANCES)


def text_in(texts: dict[str, str] | None, language: str, document: Document) -> str:
    """A text in `language`, else in the document's default language, else empty."""
    texts = texts or {}
    return texts.get(language) or texts.get(document["default_language"]) or ""


def total_seconds(document: Document, mode: str = "web") -> int:
    """Seconds that all items of a mode take, as stated by the author; skips make it shorter. A repeat counts
    once, or as often as it must be answered."""
    total = 0
    for block in document["blocks"]:
        times = max(1, block.get("repeat", {}).get("min", 1))
        asked = [item for item in block_items(block) if mode in item.get("modes", MODES)]
        total += times * sum(item.get("seconds", 0) for item in asked)
    return total


def is_expression(value: object) -> bool:
    """Whether a stored expression is what its text says (a tampered tree is not)."""
    if not isinstance(value, dict) or set(value) != {"text", "tree"} or not isinstance(value["text"], str):
        return False
    try:
        return parse(value["text"]) == value["tree"]
    except ExpressionError:
        return False
