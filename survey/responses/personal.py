"""Which answers are personal data by their kind, and how they part from the others and come back. Pure.

Open text, places, photos and signatures are encrypted; so is what is calculated from them. Codes and numbers
stay in the open columns that estimation reads.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from survey.questionnaires.document import Document

PERSONAL_TYPES = frozenset({"text", "place", "photo", "signature"})
ATTACHED_TYPES = frozenset({"photo", "signature"})
Answers = dict[str, Any]


def personal_items(document: Document) -> frozenset[str]:
    """Names of items whose answers are personal data, calculations from such items included."""
    items = [item for block in document["blocks"] for item in block.get("items", [])]
    found = {item["name"] for item in items if item["type"] in PERSONAL_TYPES}
    calculated = {
        item["name"]: frozenset(_names_in(item["calculation"]["tree"]))
        for item in items
        if item["type"] == "calculate"
    }
    while more := {name for name, names in calculated.items() if name not in found and names & found}:
        found |= more
    return frozenset(found)


def _names_in(tree: Any) -> Iterator[str]:
    """Names that an expression reads."""
    if not isinstance(tree, list):
        return
    if tree[0] == "ref":
        yield tree[1]
    for child in tree[1:]:
        yield from _names_in(child)


def part(answers: Mapping[str, Any], personal: frozenset[str]) -> tuple[Answers, Answers]:
    """(open, personal) answers. A repeat group is a list in both, so that its instances keep their places;
    a part without anything personal has no list of it."""
    plain: Answers = {}
    sealed: Answers = {}
    for name, value in answers.items():
        if is_group(value):
            pairs = [part(instance, personal) for instance in value]
            plain[name] = [pair[0] for pair in pairs]
            if any(pair[1] for pair in pairs):
                sealed[name] = [pair[1] for pair in pairs]
        elif name in personal:
            sealed[name] = value
        else:
            plain[name] = value
    return plain, sealed


def join(plain: Mapping[str, Any], sealed: Mapping[str, Any]) -> Answers:
    """The answers as they were before `part`."""
    whole: Answers = dict(plain)
    for name, value in sealed.items():
        if is_group(value):
            open_ones = plain.get(name) or [{} for _ in value]
            whole[name] = [{**instance, **hidden} for instance, hidden in zip(open_ones, value, strict=True)]
        else:
            whole[name] = value
    return whole


def is_group(value: object) -> bool:
    """Whether an answer is that of a repeat group: a list of objects."""
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def places_of(answers: Mapping[str, Any], names: frozenset[str] | set[str]) -> Iterator[tuple[str, str, Any]]:
    """(place such as `family[2].job`, item name, answer) of the answers of `names`, in document order."""
    for name, value in answers.items():
        if is_group(value):
            for number, instance in enumerate(value, start=1):
                for item, inner in instance.items():
                    if item in names:
                        yield f"{name}[{number}].{item}", item, inner
        elif name in names:
            yield name, name, value
