"""The random order of options and items: decided by the response's id alone, so that anyone can redo it.

The sort key of an element is the SHA-256 of `seed/list/element` in hexadecimal, ascending; `seed` is the
response's client id, `list` the name of the item, block or matrix, `element` a code or an item's name.
`static/questionnaires/ordering.js` is the twin. What was shown is recorded in the paradata and compared with
the rule by `order_problems`.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from survey.questionnaires.document import (
    Block,
    Choice,
    Document,
    Item,
    block_items,
    substantive_choices,
)


def sort_key(seed: str, name: str, element: str) -> str:
    """Hex SHA-256 by which the elements of a list are sorted."""
    return hashlib.sha256(f"{seed}/{name}/{element}".encode("utf-8", "replace")).hexdigest()


def permute(
    elements: Sequence[str],
    seed: str,
    name: str,
    first: int = 0,
    last: int = 0,
    fixed: Collection[str] = (),
) -> list[str]:
    """`elements` in random order; the `first` and `last` ones and those of `fixed` keep their places."""
    end = len(elements) - last
    movable = [
        place for place, element in enumerate(elements) if first <= place < end and element not in fixed
    ]
    shuffled = sorted((elements[place] for place in movable), key=lambda e: sort_key(seed, name, e))
    out = list(elements)
    for place, element in zip(movable, shuffled, strict=True):
        out[place] = element
    return out


def _in_order(
    elements: list[str], order: Mapping[str, Any], seed: str, name: str, fixed: Collection[str] = ()
):
    if not order.get("random"):
        return elements
    return permute(elements, seed, name, order.get("first", 0), order.get("last", 0), fixed)


def ordered_choices(document: Document, item: Item, seed: str, offered: list[Choice]) -> list[Choice]:
    """`offered` (of `Run.offered`) as this person sees them: the rule is applied to the whole list, then what
    is not offered is left out; missing choices stay at the end."""
    order = item.get("order") or {}
    choices = substantive_choices(document, item)
    kept = (
        ()
        if order.get("all")
        else {str(c["code"]) for c in choices if c.get("exclusive") or c.get("specify")}
    )
    codes = _in_order([str(choice["code"]) for choice in choices], order, seed, item["name"], kept)
    places = {code: place for place, code in enumerate(codes)}
    substantive = [choice for choice in offered if not choice.get("missing")]
    missing = [choice for choice in offered if choice.get("missing")]
    return sorted(substantive, key=lambda choice: places[str(choice["code"])]) + missing


def units_of(items: Sequence[Item]) -> list[list[Item]]:
    """Items that stay together: an item with its companions (`with`), the rows of a matrix."""
    units: list[list[Item]] = []
    homes: dict[str, int] = {}
    for item in items:
        place = homes.get(item.get("with", ""))
        if place is None and "matrix" in item:
            place = homes.get(f"matrix {item['matrix']}")
        if place is None:
            place = len(units)
            units.append([])
        units[place].append(item)
        homes[item["name"]] = place
        if "matrix" in item:
            homes.setdefault(f"matrix {item['matrix']}", place)
    return units


def _rows_in_order(document: Document, unit: list[Item], seed: str) -> list[Item]:
    """The rows of a matrix by its own order; other units as they are."""
    matrix = unit[0].get("matrix", "")
    order = document.get("matrices", {}).get(matrix, {}).get("order") or {}
    rows = {item["name"]: item for item in unit if item.get("matrix") == matrix}
    if not matrix or not order.get("random"):
        return unit
    names = _in_order(list(rows), order, seed, matrix)
    others = [item for item in unit if item["name"] not in rows]
    return [rows[name] for name in names] + others


def ordered_items(document: Document, block: Block, seed: str) -> list[Item]:
    """The block's items in the order in which this person meets them."""
    units = {unit[0]["name"]: unit for unit in units_of(block_items(block))}
    names = _in_order(list(units), block.get("order") or {}, seed, block["name"])
    return [item for name in names for item in _rows_in_order(document, units[name], seed)]


def orders_of(document: Document, seed: str) -> dict[str, list[str]]:
    """What the rule says for every random list: item, block or matrix name → elements in order."""
    found: dict[str, list[str]] = {}
    for block in document["blocks"]:
        if (block.get("order") or {}).get("random"):
            units = [unit[0]["name"] for unit in units_of(block_items(block))]
            found[block["name"]] = _in_order(units, block["order"], seed, block["name"])
        for item in block_items(block):
            if (item.get("order") or {}).get("random"):
                choices = ordered_choices(document, item, seed, substantive_choices(document, item))
                found[item["name"]] = [str(choice["code"]) for choice in choices]
    for name, matrix in document.get("matrices", {}).items():
        if (matrix.get("order") or {}).get("random"):
            rows = [
                i["name"]
                for block in document["blocks"]
                for i in block_items(block)
                if i.get("matrix") == name
            ]
            found[name] = _in_order(rows, matrix["order"], seed, name)
    return found


def order_problems(document: Document, seed: str, recorded: Any) -> list[str]:
    """Names of the lists whose recorded order is not what the rule gives: flagged, never refused.

    A recorded list may leave out elements (options that a filter did not offer, items that logic skipped).
    """
    if not isinstance(recorded, Mapping):
        return []
    rules = orders_of(document, seed)
    wrong = []
    for name, shown in recorded.items():
        if name not in rules or not isinstance(shown, list):
            wrong.append(str(name))
            continue
        seen = {str(element) for element in shown}
        if [str(element) for element in shown] != [element for element in rules[name] if element in seen]:
            wrong.append(str(name))
    return wrong
