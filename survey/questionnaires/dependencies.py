"""Which name waits for which: cycles through relevance, calculations, filters and the numbers of repeats."""

from collections.abc import Iterator, Mapping
from typing import Any

from survey.questionnaires.document import Block, Document, Item, block_items
from survey.questionnaires.expressions import references


def dependencies(document: Document) -> dict[str, list[str]]:
    """Name of an item or repeat → names whose answers or whose number of instances it needs."""
    items = {item["name"] for block in document["blocks"] for item in block_items(block)}
    repeats = {block["name"] for block in document["blocks"] if "repeat" in block}
    waits: dict[str, list[str]] = {}
    for block in document["blocks"]:
        around = _needed_by_block(block, items | repeats)
        if "repeat" in block:
            waits[block["name"]] = around
            around = [block["name"]]
        for item in block_items(block):
            waits[item["name"]] = [*around, *_needed_by_item(item, items, repeats)]
    return waits


def _needed_by_block(block: Block, known: set[str]) -> list[str]:
    stored = [block.get("relevant"), (block.get("repeat") or {}).get("count")]
    return [name for each in stored if each for name in names_in(each["tree"]) if name in known]


def _needed_by_item(item: Item, items: set[str], repeats: set[str]) -> list[str]:
    needed: list[str] = []
    for field in ("relevant", "calculation"):
        if isinstance(item.get(field), dict):
            needed += [name for name in names_in(item[field]["tree"]) if name in items | repeats]
    if "filter" in item:  # bare names are columns there
        needed += [name for name in references(item["filter"]["tree"]) if name in items | repeats]
    return needed


def names_in(tree: Any) -> Iterator[str]:
    """Names asked for by ${name}, and bare names and steps of paths, which are items of a repeat."""
    yield from references(tree)
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            if node[0] == "name":
                yield node[1]
            elif node[0] == "child":
                yield node[2]
            waiting += node[1:]


def find_cycles(waits: Mapping[str, list[str]]) -> list[list[str]]:
    """One cycle for each group of names that wait for each other; explicit stack, so long chains are safe."""
    state: dict[str, int] = {}
    found: list[list[str]] = []
    for start in waits:
        if start in state:
            continue
        trail: list[tuple[str, Iterator[str]]] = [(start, iter(waits[start]))]
        state[start] = 1
        while trail:
            name, rest = trail[-1]
            following = next(rest, None)
            if following is None:
                state[name] = 2
                trail.pop()
            elif state.get(following) == 1:
                names = [step for step, _rest in trail]
                found.append(names[names.index(following) :])
            elif following not in state:
                state[following] = 1
                trail.append((following, iter(waits[following])))
    return found
