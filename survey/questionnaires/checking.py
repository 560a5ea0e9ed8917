"""Find what is wrong with a questionnaire document before it is published. Pure.

Each problem carries the path in the document and, when the document came from a sheet, the cell. `cells` maps
(name, field) to a cell: ("Q14", "relevant") → "survey!H12"; a choice is ("S5/5", "label").
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jsonschema import Draft202012Validator

from survey.questionnaires.document import (
    CHOICE_TYPES,
    FORMAT,
    FORMAT_2,
    MISSING_CODES,
    MODES,
    Document,
    Item,
    Problem,
    additions_of,
    all_choices,
    is_expression,
    item_index,
    items_of,
)
from survey.questionnaires.expressions import references
from survey.questionnaires.kinds import Names, kind_problems

SCHEMA_PATH = Path(__file__).resolve().parents[2] / "docs" / "questionnaire.schema.json"
EXPRESSION_FIELDS = ("relevant", "constraint", "required", "calculation", "filter")
LANGUAGE_NAMES = {"zh-hans": "简体中文", "zh-hant": "繁體中文", "en": "English"}

Cells = Mapping[tuple[str, str], str]


@lru_cache(maxsize=1)
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


def check_document(document: Document, cells: Cells | None = None) -> list[Problem]:
    """All problems, errors first. No error means that the document may be published."""
    shape = [
        Problem("error", "shape", f"格式不对：{error.message}", "/".join(map(str, error.absolute_path)))
        for error in _validator().iter_errors(document)
    ]
    if shape:
        return shape
    checks = _Checks(document, cells or {})
    problems = list(checks.run())
    return sorted(problems, key=lambda problem: ("error", "warning", "lost").index(problem.level))


def expressions_of(thing: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(field, stored expression) of an item or block."""
    for field in EXPRESSION_FIELDS:
        if isinstance(thing.get(field), dict):
            yield field, thing[field]


class _Checks:
    def __init__(self, document: Document, cells: Cells) -> None:
        self.document, self.cells = document, cells
        self.index = item_index(document)
        self.places = {item["name"]: place for place, item in enumerate(items_of(document))}

    def problem(self, level: str, code: str, name: str, field: str, message: str) -> Problem:
        cell = self.cells.get((name, field)) or self.cells.get((name, "name"), "")
        return Problem(level, code, message, f"{name}.{field}" if field else name, cell)

    def run(self) -> Iterator[Problem]:
        yield from self.whole()
        yield from self.duplicates()
        for list_name, choices in self.document["choice_lists"].items():
            yield from self.choice_list(list_name, choices)
        for block in self.document["blocks"]:
            yield from self.texts(block["name"], "title", block.get("title"), needed=False)
            yield from self.expressions(block["name"], block)
        for item in items_of(self.document):
            yield from self.item(item)
            yield from self.expressions(item["name"], item)
        yield from self.cycles()

    def whole(self) -> Iterator[Problem]:
        document = self.document
        if document["default_language"] not in document["languages"]:
            yield self.problem("error", "language", "", "default_language", "默认语言不在语言列表里")
        try:
            ZoneInfo(document["timezone"])
        except (ZoneInfoNotFoundError, ValueError):
            yield self.problem("error", "timezone", "", "timezone", f"没有“{document['timezone']}”这个时区")
        yield from self.texts("settings", "title", document["title"], needed=True)
        if document["format"] == FORMAT and (added := additions_of(document)):
            message = f"用了新版格式才有的内容，format 要写 {FORMAT_2}"
            yield self.problem("error", "format", "", added[0], message)

    def duplicates(self) -> Iterator[Problem]:
        names = Counter(item["name"] for item in items_of(self.document))
        names.update(block["name"] for block in self.document["blocks"])
        for name, count in names.items():
            if count > 1:
                yield self.problem(
                    "error", "duplicate", name, "name", f"名字“{name}”用了 {count} 次，每个名字只能用一次"
                )

    def texts(
        self, name: str, field: str, texts: dict[str, str] | None, *, needed: bool
    ) -> Iterator[Problem]:
        """A text is there in every language of the questionnaire, or in none where it is optional."""
        texts = texts or {}
        if not any(texts.values()) and not needed:
            return
        for language in self.document["languages"]:
            if not texts.get(language):
                label = LANGUAGE_NAMES[language]
                yield self.problem("error", "translation", name, field, f"缺少{label}文字")

    def choice_list(self, list_name: str, choices: list[dict]) -> Iterator[Problem]:
        codes = Counter(str(choice["code"]) for choice in choices)
        for choice in choices:
            place = f"{list_name}/{choice['code']}"
            if codes[str(choice["code"])] > 1:
                yield self.problem(
                    "error", "duplicate", place, "name", f"选项代码 {choice['code']} 在“{list_name}”里重复"
                )
                codes[str(choice["code"])] = 1
            if isinstance(choice["code"], str) and (
                not choice["code"].strip() or len(choice["code"].split()) > 1
            ):
                yield self.problem("error", "code", place, "name", "选项代码里不能有空格")
            yield from self.texts(place, "label", choice["label"], needed=True)
            yield from self.missing_code(place, choice)

    def missing_code(self, place: str, choice: dict) -> Iterator[Problem]:
        kind, code = choice.get("missing"), choice["code"]
        if kind and code != MISSING_CODES[kind]:
            message = f"{kind} 的代码要用 {MISSING_CODES[kind]}，这里是 {code}"
            yield self.problem("error", "missing_code", place, "missing", message)
        if not kind and code in MISSING_CODES.values():
            message = f"代码 {code} 留给缺失回答，请在 minyi_missing 列写明种类，或换一个代码"
            yield self.problem("error", "missing_code", place, "name", message)

    def item(self, item: Item) -> Iterator[Problem]:
        name, kind = item["name"], item["type"]
        yield from self.texts(name, "label", item.get("label"), needed=kind != "calculate")
        for field in ("hint", "constraint_message", "required_message"):
            yield from self.texts(name, field, item.get(field), needed=False)
        for end, texts in (item.get("ends") or {}).items():
            yield from self.texts(name, end, texts, needed=True)
        yield from self.lists(item)
        if kind == "calculate" and "calculation" not in item:
            yield self.problem("error", "calculation", name, "calculation", "计算题要写计算公式")
        if kind == "scale" and not (0 <= item.get("from", -1) < item.get("to", -1) <= 100):
            yield self.problem("error", "scale", name, "parameters", "分数题要写起止分，如 start=0 end=10")
        if "with" in item:
            yield from self.companion(item)

    def lists(self, item: Item) -> Iterator[Problem]:
        name, lists = item["name"], self.document["choice_lists"]
        if item["type"] in CHOICE_TYPES and item.get("list") not in lists:
            yield self.problem("error", "choices", name, "type", f"没有“{item.get('list', '')}”这个选项表")
        if "missing" in item:
            offered = lists.get(item["missing"])
            if offered is None:
                yield self.problem("error", "choices", name, "missing", f"没有“{item['missing']}”这个选项表")
            elif any(not choice.get("missing") for choice in offered):
                message = f"选项表“{item['missing']}”里有不是缺失回答的选项"
                yield self.problem("error", "choices", name, "missing", message)
        codes = Counter(str(choice["code"]) for choice in all_choices(self.document, item))
        for code, count in codes.items():
            if count > 1 and "missing" in item:
                yield self.problem("error", "duplicate", name, "missing", f"选项代码 {code} 在这题里重复")

    def companion(self, item: Item) -> Iterator[Problem]:
        host = item["with"]
        if host not in self.index or self.places[host] >= self.places[item["name"]]:
            message = f"minyi_with 要写前面一题的名字，没有找到“{host}”"
            yield self.problem("error", "with", item["name"], "with", message)
        elif "with" in self.index[host][1] or item["type"] in ("note", "calculate"):
            yield self.problem("error", "with", item["name"], "with", "这题不能附在那一题下面")

    def expressions(self, name: str, thing: Mapping[str, Any]) -> Iterator[Problem]:
        names = Names(self.document)
        for field, stored in expressions_of(thing):
            if not is_expression(stored):
                yield self.problem("error", "expression", name, field, "表达式和它的文字对不上，请重新导入")
                continue
            unknown = [ref for ref in references(stored["tree"]) if ref not in self.index]
            for ref in unknown:
                yield self.problem("error", "unknown_name", name, field, f"没有“{ref}”这一题")
            if not unknown:
                own = thing if field == "constraint" else None
                for level, code, message in kind_problems(stored["tree"], names, own):
                    yield self.problem(level, code, name, field, message)
            yield from self.later(name, field, stored["tree"])

    def later(self, name: str, field: str, tree: Any) -> Iterator[Problem]:
        """Relevance that waits for a later answer would show the item after the person has passed it."""
        if field != "relevant" or name not in self.places:
            return
        for ref in references(tree):
            if ref in self.places and self.places[ref] > self.places[name]:
                yield self.problem(
                    "warning", "forward", name, field, f"跳转条件用到了后面的“{ref}”，答到那里才会出现"
                )
        modes = set(self.index[name][1].get("modes", MODES))
        for ref in references(tree):
            if ref in self.index and not modes & set(self.index[ref][1].get("modes", MODES)):
                yield self.problem(
                    "warning", "mode", name, field, f"条件里的“{ref}”不在同一种方式下出现，永远是空"
                )

    def cycles(self) -> Iterator[Problem]:
        """Names that wait for each other, through relevance (their own and the block's) and calculation."""
        waits: dict[str, list[str]] = {}
        for name, (block, item) in self.index.items():
            needed: list[str] = []
            for thing, fields in ((block, ("relevant",)), (item, ("relevant", "calculation"))):
                for field in fields:
                    if isinstance(thing.get(field), dict):
                        needed += [ref for ref in references(thing[field]["tree"]) if ref in self.index]
            waits[name] = needed
        for cycle in find_cycles(waits):
            field = "calculation" if "calculation" in self.index[cycle[0]][1] else "relevant"
            chain = " → ".join([*cycle, cycle[0]])
            yield self.problem("error", "cycle", cycle[0], field, f"条件绕成了圈：{chain}")


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
