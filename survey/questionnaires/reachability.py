"""Conditions that can never hold, found without answers: `${a} = 1 and ${a} = 2`, or against a block's own.

A condition is taken apart into alternatives of atoms. An atom that looks at one item with few possible
answers is decided by evaluating it on each of them; one that compares a number or a text with a literal, on
the literals and the points between them. Whatever else an atom says counts as possible, so that what is
reported is certain. Constraints of the items narrow the answers; an item that must be answered brings in the
conditions under which it is asked. Pure.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any

from survey.questionnaires.answers import read_answer
from survey.questionnaires.document import INTERVIEWER_MISSED, Block, Item, score_range
from survey.questionnaires.expressions import Environment, ExpressionError, evaluate, to_boolean
from survey.questionnaires.expressions.values import DECIMAL
from survey.questionnaires.kinds import FLIPPED, Names, literal
from survey.questionnaires.logic import seen_by_expressions

MOST = 200  # alternatives looked at before a condition counts as possible
COMPARING = ("=", "!=", *FLIPPED)
# What depends on the moment, the place or more than one item's answer.
MOVING = {"today", "now", "once", "position", "last", "current", "indexed-repeat", "jr:choice-name"}
FINITE = ("select_one", "scale", "rating")
OTHER_TEXT = "\u4e00\ufffd"  # stands for every text that no condition mentions

Atom = tuple[Any, bool]  # (tree, whether it must hold)


class _TooMany(Exception):
    """More alternatives than are looked at."""


class Reach:
    """Whether conditions of a document can hold."""

    def __init__(self, names: Names, blocks: dict[str, Block]) -> None:
        self.names, self.blocks = names, blocks

    def impossible(self, trees: list[Any], repeat: str = "") -> bool:
        """Whether all `trees` together can never be true; `repeat` is the repeat they stand in."""
        try:
            alternatives = _all_of([_alternatives(tree, True) for tree in trees])
            return not any(self._possible(atoms, repeat, frozenset()) for atoms in alternatives)
        except _TooMany:
            return False

    def conditions_of(self, name: str) -> list[Any]:
        """Trees that must hold for the item to be asked: its block's and its own."""
        things = (self.blocks[name], self.names.items[name])
        return [thing["relevant"]["tree"] for thing in things if "relevant" in thing]

    def _possible(self, atoms: list[Atom], repeat: str, seen: frozenset[str]) -> bool:
        groups: dict[str, list[Atom]] = {}
        for tree, wanted in atoms:
            about = _about(tree)
            if about == "":
                if _truth(tree, {}) is (not wanted):
                    return False
            elif about and self._decidable(tree, about, repeat):
                groups.setdefault(about, []).append((tree, wanted))
        forced = []
        for name, group in groups.items():
            left = [
                value
                for value in self._candidates(name, group)
                if all(_truth(tree, {name: value}) is wanted for tree, wanted in group)
            ]
            if not left:
                return False
            if "" not in left and name not in seen:
                forced.append(name)
        return self._asked(forced[0], atoms, repeat, seen) if forced else True

    def _asked(self, name: str, atoms: list[Atom], repeat: str, seen: frozenset[str]) -> bool:
        """Whether `atoms` can hold together with the conditions under which `name` is asked."""
        further = _all_of([[atoms], *(_alternatives(tree, True) for tree in self.conditions_of(name))])
        return any(self._possible(each, repeat, seen | {name}) for each in further)

    def _decidable(self, tree: Any, name: str, repeat: str) -> bool:
        item = self.names.items.get(name)
        if item is None or self.names.homes.get(name, repeat) != repeat:
            return False
        kind = item["type"]
        if kind in FINITE:
            return True
        compared = tree[0] in COMPARING and _compared(tree)
        if kind in ("integer", "decimal"):
            return bool(compared) and compared[0] == ["ref", name] and _number(compared[1]) is not None
        if kind == "text":
            simple = tree[0] in ("=", "!=") and compared
            return bool(simple) and compared[0] == ["ref", name]
        if kind != "select_multiple":
            return False
        if tree[:3] == ["call", "selected", ["ref", name]]:
            return bool(literal(tree[3]))
        counted = compared and compared[0] == ["call", "count-selected", ["ref", name]]
        return bool(counted) and _number(compared[1]) is not None

    def _candidates(self, name: str, group: list[Atom]) -> Iterator[Any]:
        """Stored values that stand for all that the item can have; "" is not asked or not answered."""
        item = self.names.items[name]
        yield ""
        if item.get("readonly"):
            reading = read_answer(self.names.document, item, item.get("default"), "web")
            yield seen_by_expressions(item, reading)
            return
        limits = _bounds(item)
        for value in self._answers(item, [tree for tree, _wanted in group] + limits):
            codes = [str(code) for code in self._missing(name)]
            if value in codes or all(_truth(tree, {}, own=value) is not False for tree in limits):
                yield value

    def _missing(self, name: str) -> list[Any]:
        return [code for code in self.names.codes(name) if code.startswith("-")] + [INTERVIEWER_MISSED]

    def _answers(self, item: Item, trees: list[Any]) -> Iterator[Any]:
        kind = item["type"]
        if kind == "select_one":
            yield from self.names.codes(item["name"])
            yield str(INTERVIEWER_MISSED)
        elif kind in ("scale", "rating"):
            low, high = score_range(item)
            yield from map(float, range(low, high + 1))
        elif kind in ("integer", "decimal"):
            yield from _points([n for tree in trees for n in _numbers(tree)], whole=kind == "integer")
        elif kind == "text":
            yield from (text for tree in trees for text in [literal(_compared(tree)[1])] if text)
            yield OTHER_TEXT
        else:
            yield from self._sets(item, trees)

    def _sets(self, item: Item, trees: list[Any]) -> Iterator[str]:
        """Answers of several: every subset of the options mentioned, with some of the others."""
        asked = {literal(tree[3]).strip() for tree in trees if tree[:2] == ["call", "selected"]}
        codes = self.names.codes(item["name"])
        named = [code for code in codes if code in asked]
        others = [code for code in codes if code not in asked]
        if len(named) > 8:
            raise _TooMany
        for number in range(len(named) + 1):
            for chosen in itertools.combinations(named, number):
                for more in range(len(others) + 1):
                    yield " ".join([*chosen, *others[:more]])


def _bounds(item: Item) -> list[Any]:
    """The parts of the item's constraint that compare `.` with a number; they narrow a written number."""
    tree = (item.get("constraint") or {}).get("tree")
    if item["type"] not in ("integer", "decimal", "scale", "rating") or tree is None:
        return []
    parts, found = [tree], []
    while parts:
        part = parts.pop()
        if isinstance(part, list) and part[0] == "and":
            parts += part[1:]
        elif isinstance(part, list) and part[0] in COMPARING:
            compared = _compared(part)
            if compared and compared[0] == ["self"] and _number(compared[1]) is not None:
                found.append(part)
    return found


def _alternatives(tree: Any, wanted: bool) -> list[list[Atom]]:
    """The ways in which `tree` is true (or false), each a list of atoms that must all be so."""
    if isinstance(tree, list) and tree[0] in ("and", "or"):
        sides = [_alternatives(side, wanted) for side in tree[1:]]
        return _all_of(sides) if (tree[0] == "and") == wanted else [*sides[0], *sides[1]]
    if isinstance(tree, list) and tree[:2] == ["call", "not"]:
        return _alternatives(tree[2], not wanted)
    return [[(tree, wanted)]]


def _all_of(parts: list[list[list[Atom]]]) -> list[list[Atom]]:
    if math.prod(len(part) for part in parts) > MOST:
        raise _TooMany
    return [[atom for atoms in choice for atom in atoms] for choice in itertools.product(*parts)]


def _about(tree: Any) -> str | None:
    """The one name that an atom looks at; "" when at none, None when it cannot be decided."""
    names: set[str] = set()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, list):
            continue
        if node[0] == "ref":
            names.add(node[1])
        elif node[0] in ("self", "up", "child", "filter", "name") or (
            node[0] == "call" and node[1] in MOVING
        ):
            return None
        waiting += node[2:] if node[0] == "call" else node[1:]
    return None if len(names) > 1 else next(iter(names), "")


def _compared(tree: list) -> tuple[Any, Any] | None:
    """(what is compared, the literal) of a comparison, whichever side the literal stands on."""
    for side, other in ((tree[1], tree[2]), (tree[2], tree[1])):
        if literal(other) is not None or isinstance(other, float):
            return side, other
    return None


def _number(tree: Any) -> float | None:
    if isinstance(tree, float):
        return tree
    text = (literal(tree) or "").strip()
    return float(text) if DECIMAL.fullmatch(text) else None


def _numbers(tree: list) -> list[float]:
    number = _number(_compared(tree)[1])
    return [] if number is None else [number]


def _points(numbers: list[float], *, whole: bool) -> Iterator[float]:
    """Numbers that stand for all: between the given ones, on them, below and above."""
    if whole:
        yield from sorted({math.floor(n) + step + 0.0 for n in [*numbers, 0.0] for step in (-1, 0, 1, 2)})
        return
    marks = sorted({*numbers, 0.0})
    yield from marks
    yield marks[0] - 1
    yield marks[-1] + 1
    yield from ((a + b) / 2 for a, b in itertools.pairwise(marks))


def _truth(tree: Any, values: dict[str, Any], own: Any = "") -> bool | None:
    """Whether an atom holds with these answers; None when it has no value."""
    env = Environment(values=values, own=own, now=0.0, _paths=dict.fromkeys(values, ()))
    try:
        return to_boolean(evaluate(tree, env), env.zone)
    except ExpressionError:
        return None
