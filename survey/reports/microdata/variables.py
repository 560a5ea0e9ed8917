"""Columns of the analysts' file, made from the items of a questionnaire. No Django."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from survey.questionnaires.document import (
    FILE_TYPES,
    INTERVIEWER_MISSED,
    LIST_TYPES,
    MISSING_CODES,
    NOT_APPLICABLE,
    NUMBER_TYPES,
    Block,
    Document,
    Item,
    all_choices,
    block_items,
    missing_choices,
    text_in,
)

NAME_LENGTH = 32  # Stata's limit; SPSS takes 64 bytes
WITHHELD = ("text", "place", *FILE_TYPES)  # personal data, or nothing to count
SKIPPED_TYPES = ("note",)
NO, YES = 0, 1
Value = float | str


@dataclass(frozen=True)
class Variable:
    """One column.

    labels : value → label; missing : values that are no substantive answer; question : the full wording
    read : an answer as stored (None where there is none) → the column's value
    """

    name: str
    label: str
    question: str
    is_text: bool
    read: Callable[[Any], Value]
    labels: dict[Value, str] = field(default_factory=dict)
    missing: tuple[float, ...] = ()
    item: str = ""


@dataclass(frozen=True)
class Withheld:
    """An item that the file leaves out, and why: "personal" or "repeat"."""

    item: str
    label: str
    reason: str


def item_variables(document: Document, language: str) -> tuple[list[Variable], list[Withheld]]:
    """Columns of all items in document order, and what is left out."""
    taken: set[str] = set()
    found: list[Variable] = []
    withheld: list[Withheld] = []
    for block in document["blocks"]:
        for item in block_items(block):
            if item["type"] in SKIPPED_TYPES:
                continue
            reason = _reason(block, item)
            if reason:
                withheld.append(
                    Withheld(item["name"], text_in(item.get("label"), language, document), reason)
                )
                continue
            found += _columns(document, item, language, taken)
    return found, withheld


def _reason(block: Block, item: Item) -> str:
    if item["type"] in WITHHELD:
        return "personal"
    return "repeat" if "repeat" in block else ""


def _columns(document: Document, item: Item, language: str, taken: set[str]) -> list[Variable]:
    question = text_in(item.get("label"), language, document) or item["name"]
    labels = _labels(document, item, language)
    missing = tuple(sorted(float(code) for code in labels if isinstance(code, int) and code in _MISSING))
    if item["type"] in LIST_TYPES:
        return _indicator_columns(document, item, language, question, taken)
    numeric = item["type"] in NUMBER_TYPES or (labels and all(isinstance(c, int) for c in labels))
    name = _name(item["name"], taken)
    if numeric:
        numbers: dict[Value, str] = {float(code): text for code, text in labels.items()}
        return [Variable(name, question, question, False, _number, numbers, missing, item["name"])]
    texts: dict[Value, str] = {str(code): text for code, text in labels.items()}
    return [Variable(name, question, question, True, _text, texts, (), item["name"])]


_MISSING = frozenset(MISSING_CODES.values())


def _labels(document: Document, item: Item, language: str) -> dict[int | str, str]:
    """Codes of an item with their labels; numbers get the codes that are no number."""
    choices = all_choices(document, item) if item.get("list") else missing_choices(document, item)
    labels = {choice["code"]: text_in(choice.get("label"), language, document) for choice in choices}
    return labels | {code: f"({name})" for name, code in MISSING_CODES.items() if code not in labels}


def _indicator_columns(
    document: Document, item: Item, language: str, question: str, taken: set[str]
) -> list[Variable]:
    """One column for each option: chosen or not; of a ranking, its place, 0 where it has none."""
    found = []
    ranked = item["type"] == "ranking"
    for choice in all_choices(document, item):
        option = text_in(choice.get("label"), language, document)
        name = _name(f"{item['name']}_{str(choice['code']).replace('-', 'm')}", taken)
        labels: dict[Value, str] = {} if ranked else {float(NO): "否", float(YES): "是"}
        found.append(
            Variable(
                name,
                f"{question}｜{option}",
                question,
                False,
                _place_of(choice["code"]) if ranked else _holds(choice["code"]),
                labels | {float(NOT_APPLICABLE): "(not_applicable)"},
                (float(NOT_APPLICABLE),),
                item["name"],
            )
        )
    return found


def _holds(code: int | str) -> Callable[[Any], Value]:
    def read(answer: Any) -> Value:
        if answer is None:
            return float(NOT_APPLICABLE)
        return float(str(code) in {str(chosen) for chosen in answer})

    return read


def _place_of(code: int | str) -> Callable[[Any], Value]:
    def read(answer: Any) -> Value:
        if answer is None:
            return float(NOT_APPLICABLE)
        places = [str(chosen) for chosen in answer]
        return float(places.index(str(code)) + 1) if str(code) in places else 0.0

    return read


def _number(answer: Any) -> Value:
    """An answer that is no number, of a hand-made document, is the interviewer's slip."""
    if answer is None:
        return float(NOT_APPLICABLE)
    try:
        return float(answer)
    except (TypeError, ValueError):
        return float(INTERVIEWER_MISSED)


def _text(answer: Any) -> Value:
    return str(NOT_APPLICABLE) if answer is None else str(answer)


def _name(wished: str, taken: set[str]) -> str:
    """A name that every program takes, once; programs differ in case only sometimes, so names may not."""
    bare = re.sub(r"\W", "_", wished, flags=re.ASCII)
    bare = bare if bare[:1].isalpha() else f"v{bare}"
    name, n = bare[:NAME_LENGTH], 1
    while name.lower() in taken:
        n += 1
        name = f"{bare[: NAME_LENGTH - 1 - len(str(n))]}_{n}"
    taken.add(name.lower())
    return name
