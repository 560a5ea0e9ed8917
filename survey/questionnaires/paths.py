"""Test runs of a questionnaire: which items can be reached, by which answers, how long each way takes. Pure.

Walks answer item by item as a person would, through the same `Run` as the server. Random walks come first;
for what they miss, the conditions are solved: values that make each comparison true are tried out and the
item is walked to on purpose. What no walk reaches is listed. The search is wide but not a proof: a condition
over more than `MOST_NAMES` answers at once is only met by luck.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from survey.questionnaires.answers import read_answer
from survey.questionnaires.document import (
    ANSWERED_TYPES,
    CHOICE_TYPES,
    MODES,
    Block,
    Document,
    Item,
    all_choices,
    block_items,
    document_hash,
    item_index,
    items_of,
    max_instances,
    score_range,
)
from survey.questionnaires.expressions import (
    Environment,
    ExpressionError,
    evaluate,
    references,
    to_boolean,
)
from survey.questionnaires.logic import DATE_KINDS, Run, seen_by_expressions
from survey.questionnaires.references import holders_of

RANDOM_WALKS = 30
MOST_NAMES = 3  # answers that one comparison may look at together
MOST_WAYS = 40  # ways to fulfil a condition that are kept
MOST_TRIES = 8  # walks on purpose for one item
USUAL = {
    "integer": [0, 1, 2, 18, 45, 70],
    "decimal": [0, 0.5, 1, 45.5],
    "text": ["文字"],
    "date": ["2026-01-01"],
    "time": ["10:30"],
    "datetime": ["2026-11-22T10:30"],
    "place": [{"lat": 36.65, "lon": 117.12, "accuracy": 20}],
    "acknowledge": ["OK"],
}
FILE = {"id": "00000000-0000-4000-8000-000000000000", "sha256": "0" * 64, "bytes": 1}
Way = dict[str, Any]  # item name → answer


@dataclass(frozen=True)
class Walk:
    """One way through: the answers given, the names met in order, the seconds that they state."""

    answers: dict[str, Any]
    names: tuple[str, ...]
    seconds: int


@dataclass(frozen=True)
class Coverage:
    """What test runs of one mode found.

    `never` are items of the mode that no walk met; `cases` a small set of walks that meets every other
    (greedy: each takes the most that is still missing); the seconds are over `n_random` random walks.
    """

    mode: str
    n_items: int
    n_walks: int
    n_random: int
    never: tuple[str, ...]
    cases: tuple[Walk, ...]
    fastest: int
    median: int
    slowest: int


def cover(document: Document, mode: str, *, walks: int = RANDOM_WALKS) -> Coverage:
    """Walk through the questionnaire. The same document gives the same walks."""
    rng = random.Random(document_hash(document) + mode)  # noqa: S311 - repeatable test runs, no secret
    walker = _Walker(document, mode, rng)
    wanted = [item["name"] for item in items_of(document) if mode in item.get("modes", MODES)]
    found = [walker.walk({}) for _each in range(walks)]
    n_random = len(found)
    reached = {name for walk in found for name in walk.names}
    for name in wanted:
        if name in reached:
            continue
        for way in walker.ways_to(name)[:MOST_TRIES]:
            walk = walker.walk(way)
            found.append(walk)
            if name in walk.names:
                reached.update(walk.names)
                break
    times = sorted(walk.seconds for walk in found[:n_random])
    return Coverage(
        mode=mode,
        n_items=len(wanted),
        n_walks=len(found),
        n_random=n_random,
        never=tuple(name for name in wanted if name not in reached),
        cases=tuple(_few(found, set(wanted) & reached)),
        fastest=times[0],
        median=times[len(times) // 2],
        slowest=times[-1],
    )


def _few(walks: list[Walk], goal: set[str]) -> Iterator[Walk]:
    left = set(goal)
    while left:
        best = max(walks, key=lambda walk: len(left & set(walk.names)))
        yield best
        left -= set(best.names)


def deciding_names(document: Document) -> list[str]:
    """Items that some condition, count or filter looks at, in document order: they make the ways differ."""
    asked = {
        name
        for _holder, thing, key in holders_of(document)
        if key != "constraint"
        for name in references(thing[key]["tree"])
    }
    return [item["name"] for item in items_of(document) if item["name"] in asked]


class _Walker:
    def __init__(self, document: Document, mode: str, rng: random.Random) -> None:
        self.document, self.mode, self.rng = document, mode, rng
        self.index = item_index(document)
        self.constants = _constants(document)

    # ---- walking -------------------------------------------------------------------------------------

    def walk(self, way: Way) -> Walk:
        """Answer item by item: what `way` asks for, else at random; then read everything anew."""
        answers: dict[str, Any] = {}
        for block in self.document["blocks"]:
            if "repeat" in block:  # a run reads the rows once, so they are there before it looks
                answers[block["name"]] = [{} for _each in range(self._people(block, way))]
        run = Run(self.document, answers, self.mode)
        for item, at in self._steps(run):
            if item["type"] in ANSWERED_TYPES and run.shown(item["name"], at):
                value = self._answer(run, item, at, way)
                if value is not None:
                    self._row(answers, item["name"], at)[item["name"]] = value
        for name in run.repeats:
            answers[name] = answers[name][: run.instances(name)]
        met = Run(self.document, answers, self.mode)
        steps = [item for item, at in met.steps() if met.shown(item["name"], at)]
        names = tuple(dict.fromkeys(item["name"] for item in steps))
        return Walk(answers, names, sum(item.get("seconds", 0) for item in steps))

    def _steps(self, run: Run) -> Iterator[tuple[Item, int]]:
        """As `Run.steps`, but a repeat is counted only when the walk has come to it: a run remembers."""
        for block in self.document["blocks"]:
            repeated = "repeat" in block
            for at in range(1, run.instances(block["name"]) + 1) if repeated else (0,):
                for item in block_items(block):
                    yield item, at

    def _people(self, block: Block, way: Way) -> int:
        """Rows that are laid out for a repeat: as many as a count can ask for, else a few."""
        least = block["repeat"].get("min", 0)
        if "count" in block["repeat"]:
            return max_instances(block)
        most = min(max_instances(block), max(least, 2))
        return self.rng.randint(min(max(least, 1 if way else 0), most), most)

    def _row(self, answers: dict[str, Any], name: str, at: int) -> dict[str, Any]:
        return answers[self.index[name][0]["name"]][at - 1] if at else answers

    def _answer(self, run: Run, item: Item, at: int, way: Way) -> Any:
        if item.get("readonly"):
            return None
        offered = run.offered(item["name"], at)
        candidates = self.candidates(item)
        tries = [self.rng.choice(candidates) for _try in range(12)]
        for value in [way[item["name"]], *tries] if item["name"] in way else tries:
            reading = read_answer(self.document, item, value, self.mode, offered)
            if not reading.error and (reading.missing or run.constraint_holds(item, at, reading)):
                return value
        return None

    def candidates(self, item: Item) -> list[Any]:
        """Answers worth trying: every option, the numbers and dates of conditions and their neighbours."""
        kind = item["type"]
        if kind in CHOICE_TYPES:
            codes = [choice["code"] for choice in all_choices(self.document, item)]
            return codes if kind == "select_one" else self._sets(item, codes)
        if kind in ("scale", "rating"):
            low, high = score_range(item)
            missing = [choice["code"] for choice in all_choices(self.document, item)]
            return [*range(low, high + 1), *missing]
        if kind in ("photo", "signature"):
            return [FILE]
        if kind == "region":
            return [item.get("root", "370104001001")]
        return self._named(item) + USUAL.get(kind, [])

    def _sets(self, item: Item, codes: list[Any]) -> list[Any]:
        most = item.get("max_choices", len(codes))
        least = item.get("min_choices", len(codes) if item["type"] == "ranking" else 1)
        sizes = {least, most, min(2, most), 1} if item["type"] != "ranking" else {least, most}
        choices = {str(c["code"]): c for c in all_choices(self.document, item)}
        free = [c for c in codes if not (choices[str(c)].get("missing") or choices[str(c)].get("exclusive"))]
        sets = [[code] for code in codes if least <= 1 or code not in free]
        for size in sorted(sizes):
            if least <= size <= min(most, len(free)):
                sets += [self.rng.sample(free, size) for _each in range(3)]
        return sets or [codes]

    def _named(self, item: Item) -> list[Any]:
        near: list[Any] = []
        for constant in self.constants.get(item["name"], []):
            if item["type"] in ("integer", "decimal") and isinstance(constant, int | float):
                near += [constant - 1, constant, constant + 1]
            elif item["type"] == "date" and isinstance(constant, str):
                near += _days_around(constant)
            elif item["type"] == "text" and isinstance(constant, str) and constant:
                near.append(constant)
        if item["type"] == "integer":
            near = [int(value) for value in near]
        return list(dict.fromkeys(near))

    # ---- solving -------------------------------------------------------------------------------------

    def ways_to(self, name: str) -> list[Way]:
        """Answers under which the item is shown, with those under which the asked items are shown."""
        ways = self._ways_for(name, set())
        self.rng.shuffle(ways)
        return sorted(ways, key=len)

    def _ways_for(self, name: str, above: set[str]) -> list[Way]:
        if name in above or name not in self.index:
            return []
        block, item = self.index[name]
        ways: list[Way] = [{}]
        for condition in (block.get("relevant"), item.get("relevant"), _wanted_count(block)):
            if condition is not None:
                ways = _merged(ways, self._solved(condition["tree"], True))
        needed = {asked for way in ways for asked in way}
        for asked in sorted(needed):
            before = self._ways_for(asked, above | {name})
            ways = [way for way in ways if asked not in way] + _merged(
                [way for way in ways if asked in way], before
            )
        return ways[:MOST_WAYS]

    def _solved(self, tree: Any, truth: bool) -> list[Way]:
        operator = tree[0] if isinstance(tree, list) else ""
        if operator in ("and", "or"):
            left, right = self._solved(tree[1], truth), self._solved(tree[2], truth)
            both = (operator == "and") == truth
            return _merged(left, right) if both else _spread(left, right)
        if tree[:2] == ["call", "not"] if isinstance(tree, list) else False:
            return self._solved(tree[2], not truth)
        return self._tried(tree, truth)

    def _tried(self, tree: Any, truth: bool) -> list[Way]:
        """Ways for one comparison, by trying the candidates of the few items that it looks at."""
        tree = self._inlined(tree, 0)
        names = [name for name in references(tree) if name in self.index]
        if len(names) > MOST_NAMES:
            return []
        pools = [self._allowed(self.index[name][1]) for name in names]
        limit = {1: 200, 2: 30, 3: 10}.get(len(names), 1)
        pools = [pool if len(pool) <= limit else self.rng.sample(pool, limit) for pool in pools]
        ways = []
        for values in itertools.product(*pools):
            way = dict(zip(names, values, strict=True))
            if self._truth(tree, way) == truth:
                ways.append(way)
        self.rng.shuffle(ways)
        return ways[:MOST_WAYS]

    def _allowed(self, item: Item) -> list[Any]:
        """Candidates that the item's constraint lets stand, where it looks at nothing else."""
        candidates = self.candidates(item)
        if "constraint" not in item or references(item["constraint"]["tree"]):
            return candidates
        run = Run(self.document, {}, self.mode)
        readings = [(value, read_answer(self.document, item, value, self.mode)) for value in candidates]
        return [
            value for value, reading in readings if reading.missing or run.constraint_holds(item, 0, reading)
        ]

    def _inlined(self, tree: Any, depth: int) -> Any:
        """A reference to a calculated item becomes its formula."""
        if not isinstance(tree, list) or depth > 20:
            return tree
        if tree[0] == "ref" and tree[1] in self.index:
            item = self.index[tree[1]][1]
            if item["type"] == "calculate" and "calculation" in item:
                return self._inlined(item["calculation"]["tree"], depth + 1)
        return [self._inlined(part, depth + 1) for part in tree]

    def _truth(self, tree: Any, way: Way) -> bool | None:
        values, kinds = {}, {}
        for name, value in way.items():
            item = self.index[name][1]
            values[name] = seen_by_expressions(item, read_answer(self.document, item, value, self.mode))
            if item["type"] in DATE_KINDS:
                kinds[name] = DATE_KINDS[item["type"]]
        env = Environment(values=values, kinds=kinds, zone=self.document["timezone"])
        try:
            return to_boolean(evaluate(tree, env), env.zone)
        except ExpressionError:
            return None


def _wanted_count(block: Block) -> dict[str, Any] | None:
    count = block.get("repeat", {}).get("count")
    return {"tree": [">=", count["tree"], 1]} if isinstance(count, dict) else None


def _merged(left: list[Way], right: list[Way]) -> list[Way]:
    """Ways that fulfil both: pairs that do not contradict each other."""
    both = []
    for first, second in itertools.product(left, right):
        if all(second.get(name, value) == value for name, value in first.items()):
            both.append(first | second)
            if len(both) >= MOST_WAYS:
                break
    return both


def _spread(left: list[Way], right: list[Way]) -> list[Way]:
    mixed = itertools.zip_longest(left, right)
    return [way for pair in mixed for way in pair if way is not None][:MOST_WAYS]


def _constants(document: Document) -> dict[str, list[Any]]:
    """Name → literals that stand in an expression which mentions it."""
    found: dict[str, list[Any]] = {}
    for holder, thing, key in holders_of(document):
        tree = thing[key]["tree"]
        names = references(tree) + ([holder] if key == "constraint" else [])
        literals = list(_literals(tree))
        for name in names:
            found.setdefault(name, []).extend(literals)
    return found


def _literals(tree: Any) -> Iterator[Any]:
    if isinstance(tree, int | float | str):
        yield tree
    elif isinstance(tree, list) and tree[0] == "neg" and isinstance(tree[1], int | float):
        yield -tree[1]
    elif isinstance(tree, list) and tree[0] not in ("ref", "name"):
        for part in tree[2:] if tree[0] == "call" else tree[1:]:
            yield from _literals(part)


def _days_around(text: str) -> list[str]:
    try:
        day = date.fromisoformat(text)
        return [(day + timedelta(days=by)).isoformat() for by in (-1, 0, 1)]
    except (ValueError, OverflowError):
        return []
