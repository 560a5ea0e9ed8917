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

from survey.questionnaires.dependencies import dependencies, find_cycles
from survey.questionnaires.document import (
    CHOICE_TYPES,
    FORMAT,
    FORMAT_2,
    MISSING_CODES,
    MODES,
    Block,
    Document,
    Item,
    Problem,
    additions_of,
    all_choices,
    column_names,
    is_expression,
    item_index,
    items_of,
    total_seconds,
)
from survey.questionnaires.expressions import references
from survey.questionnaires.kinds import Names, Scope, kind_problems
from survey.questionnaires.reachability import Reach
from survey.questionnaires.said import said as _
from survey.questionnaires.structure import document_reports, item_reports

SCHEMA_PATH = Path(__file__).resolve().parents[2] / "docs" / "questionnaire.schema.json"
EXPRESSION_FIELDS = ("relevant", "constraint", "required", "calculation", "filter", "count", "where")
LONGEST = 480  # seconds; 5 minutes is the aim, 8 the limit
LANGUAGE_NAMES = {"zh-hans": _("简体中文"), "zh-hant": _("繁體中文"), "en": "English"}

Cells = Mapping[tuple[str, str], str]


@lru_cache(maxsize=1)
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))


def check_document(document: Document, cells: Cells | None = None) -> list[Problem]:
    """All problems, errors first. No error means that the document may be published."""
    shape = [
        Problem(
            "error",
            "shape",
            _("格式不对：{message}", message=error.message),
            "/".join(map(str, error.absolute_path)),
        )
        for error in _validator().iter_errors(document)
    ]
    if shape:
        return shape
    checks = _Checks(document, cells or {})
    problems = list(checks.run())
    return sorted(problems, key=lambda problem: ("error", "warning", "lost").index(problem.level))


def expressions_of(thing: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(field, stored expression) of an item, block, repeat or quota."""
    for field in EXPRESSION_FIELDS:
        if isinstance(thing.get(field), dict):
            yield field, thing[field]


class _Checks:
    def __init__(self, document: Document, cells: Cells) -> None:
        self.document, self.cells = document, cells
        self.index, self.names = item_index(document), Names(document)
        self.broken = False  # an expression that later checks could not run
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
            yield from self.block(block)
        for item in items_of(self.document):
            yield from self.item(item)
            yield from self.expressions(item["name"], item)
        yield from self.matrices_and_quotas()
        for level, code, name, field, message in document_reports(self.document):
            yield self.problem(level, code, name, field, message)
        if not self.broken:
            yield from self.cycles()
            yield from self.unreachable()
        yield from self.length()

    def whole(self) -> Iterator[Problem]:
        document = self.document
        if document["default_language"] not in document["languages"]:
            yield self.problem("error", "language", "", "default_language", _("默认语言不在语言列表里"))
        try:
            ZoneInfo(document["timezone"])
        except (ZoneInfoNotFoundError, ValueError):
            yield self.problem(
                "error",
                "timezone",
                "",
                "timezone",
                _("没有“{timezone}”这个时区", timezone=document["timezone"]),
            )
        yield from self.texts("settings", "title", document["title"], needed=True)
        if document["format"] == FORMAT and (added := additions_of(document)):
            message = _("用了新版格式才有的内容，format 要写 {format}", format=FORMAT_2)
            name, _dot, field = added[0].rpartition(".")
            yield self.problem("error", "format", name or "settings", field, message)

    def length(self) -> Iterator[Problem]:
        for mode in MODES:
            seconds = total_seconds(self.document, mode)
            if seconds > LONGEST:
                way = {"web": _("自己填"), "door": _("上门问")}[mode]
                message = _(
                    "{way}要约 {minutes} 分 {seconds} 秒，超过 8 分钟，答完的人会明显减少",
                    way=way,
                    minutes=seconds // 60,
                    seconds=seconds % 60,
                )
                yield self.problem("warning", "time", "settings", "seconds", message)
        stated = self.document.get("reading_seconds", {})
        for mode, seconds in stated.items():
            if seconds != total_seconds(self.document, mode):
                message = _("写明的时间和各题的时间对不上，请重新计算")
                yield self.problem("error", "time", "settings", "reading_seconds", message)

    def block(self, block: Block) -> Iterator[Problem]:
        yield from self.texts(block["name"], "title", block.get("title"), needed=False)
        yield from self.expressions(block["name"], block)
        if "repeat" in block:
            yield from self.texts(block["name"], "repeat", block["repeat"]["label"], needed=True)
            yield from self.expressions(block["name"], block["repeat"])

    def matrices_and_quotas(self) -> Iterator[Problem]:
        for name, matrix in self.document.get("matrices", {}).items():
            yield from self.texts(name, "label", matrix["label"], needed=True)
            yield from self.texts(name, "hint", matrix.get("hint"), needed=False)
        for quota in self.document.get("quotas", []):
            yield from self.texts(quota["name"], "label", quota["label"], needed=True)
            yield from self.texts(quota["name"], "full_text", quota.get("full_text"), needed=False)
            yield from self.expressions(quota["name"], quota)

    def duplicates(self) -> Iterator[Problem]:
        names = Counter(item["name"] for item in items_of(self.document))
        names.update(block["name"] for block in self.document["blocks"])
        names.update(list(self.document.get("matrices", {})))
        for name, count in names.items():
            if count > 1:
                yield self.problem(
                    "error",
                    "duplicate",
                    name,
                    "name",
                    _("名字“{name}”用了 {count} 次，每个名字只能用一次", name=name, count=count),
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
                yield self.problem("error", "translation", name, field, _("缺少{label}文字", label=label))

    def choice_list(self, list_name: str, choices: list[dict]) -> Iterator[Problem]:
        codes = Counter(str(choice["code"]) for choice in choices)
        for choice in choices:
            place = f"{list_name}/{choice['code']}"
            if codes[str(choice["code"])] > 1:
                yield self.problem(
                    "error",
                    "duplicate",
                    place,
                    "name",
                    _("选项代码 {code} 在“{list_name}”里重复", code=choice["code"], list_name=list_name),
                )
                codes[str(choice["code"])] = 1
            if isinstance(choice["code"], str) and (
                not choice["code"].strip() or len(choice["code"].split()) > 1
            ):
                yield self.problem("error", "code", place, "name", _("选项代码里不能有空格"))
            yield from self.texts(place, "label", choice["label"], needed=True)
            yield from self.missing_code(place, choice)

    def missing_code(self, place: str, choice: dict) -> Iterator[Problem]:
        kind, code = choice.get("missing"), choice["code"]
        if kind and code != MISSING_CODES[kind]:
            message = _(
                "{kind} 的代码要用 {wanted}，这里是 {code}", kind=kind, wanted=MISSING_CODES[kind], code=code
            )
            yield self.problem("error", "missing_code", place, "missing", message)
        if not kind and code in MISSING_CODES.values():
            message = _("代码 {code} 留给缺失回答，请在 minyi_missing 列写明种类，或换一个代码", code=code)
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
            yield self.problem("error", "calculation", name, "calculation", _("计算题要写计算公式"))
        if kind == "scale" and not (0 <= item.get("from", -1) < item.get("to", -1) <= 100):
            yield self.problem("error", "scale", name, "parameters", _("分数题要写起止分，如 start=0 end=10"))
        if "with" in item:
            yield from self.companion(item)
        for level, code, where, field, message in item_reports(self.document, item):
            yield self.problem(level, code, where, field, message)

    def lists(self, item: Item) -> Iterator[Problem]:
        name, lists = item["name"], self.document["choice_lists"]
        if item["type"] in CHOICE_TYPES and item.get("list") not in lists:
            yield self.problem(
                "error", "choices", name, "type", _("没有“{list}”这个选项表", list=item.get("list", ""))
            )
        if "missing" in item:
            offered = lists.get(item["missing"])
            if offered is None:
                yield self.problem(
                    "error",
                    "choices",
                    name,
                    "missing",
                    _("没有“{missing}”这个选项表", missing=item["missing"]),
                )
            elif any(not choice.get("missing") for choice in offered):
                message = _("选项表“{missing}”里有不是缺失回答的选项", missing=item["missing"])
                yield self.problem("error", "choices", name, "missing", message)
        codes = Counter(str(choice["code"]) for choice in all_choices(self.document, item))
        for code, count in codes.items():
            if count > 1 and "missing" in item:
                yield self.problem(
                    "error", "duplicate", name, "missing", _("选项代码 {code} 在这题里重复", code=code)
                )

    def companion(self, item: Item) -> Iterator[Problem]:
        host = item["with"]
        if host not in self.index or self.places[host] >= self.places[item["name"]]:
            message = _("minyi_with 要写前面一题的名字，没有找到“{host}”", host=host)
            yield self.problem("error", "with", item["name"], "with", message)
        elif self.index[host][0] is not self.index[item["name"]][0] and (
            "repeat" in self.index[host][0] or "repeat" in self.index[item["name"]][0]
        ):
            yield self.problem("error", "with", item["name"], "with", _("附在一起的两题要在同一个重复组里"))
        elif "with" in self.index[host][1] or item["type"] in ("note", "calculate"):
            yield self.problem("error", "with", item["name"], "with", _("这题不能附在那一题下面"))

    def expressions(self, name: str, thing: Mapping[str, Any]) -> Iterator[Problem]:
        for field, stored in expressions_of(thing):
            if not is_expression(stored):
                self.broken = True
                yield self.problem(
                    "error", "expression", name, field, _("表达式和它的文字对不上，请重新导入")
                )
                continue
            known = self.index.keys() | self.names.repeats
            unknown = [ref for ref in references(stored["tree"]) if ref not in known]
            for ref in unknown:
                yield self.problem("error", "unknown_name", name, field, _("没有“{ref}”这一题", ref=ref))
            if unknown:
                self.broken = True
                continue
            for level, code, message in kind_problems(stored["tree"], self.scope(name, thing, field)):
                yield self.problem(level, code, name, field, message)
            yield from self.later(name, field, stored["tree"])

    def scope(self, name: str, thing: Mapping[str, Any], field: str) -> Scope:
        """What an expression of an item, block, repeat or quota may speak of."""
        own = thing if field == "constraint" else None
        repeat = self.names.homes.get(name, "")
        if field != "filter":
            return Scope(self.names, own, repeat)
        columns = [*column_names(self.document["choice_lists"].get(thing.get("list", ""), [])), "name"]
        return Scope(self.names, own, repeat, columns, filtering=True)

    def later(self, name: str, field: str, tree: Any) -> Iterator[Problem]:
        """Relevance that waits for a later answer would show the item after the person has passed it."""
        if field != "relevant" or name not in self.places:
            return
        for ref in references(tree):
            if ref in self.places and self.places[ref] > self.places[name]:
                yield self.problem(
                    "warning",
                    "forward",
                    name,
                    field,
                    _("跳转条件用到了后面的“{ref}”，答到那里才会出现", ref=ref),
                )
        modes = set(self.index[name][1].get("modes", MODES))
        for ref in references(tree):
            if ref in self.index and not modes & set(self.index[ref][1].get("modes", MODES)):
                yield self.problem(
                    "warning",
                    "mode",
                    name,
                    field,
                    _("条件里的“{ref}”不在同一种方式下出现，永远是空", ref=ref),
                )

    def cycles(self) -> Iterator[Problem]:
        """Names that wait for each other: relevance, calculations, filters, numbers of repeats."""
        for cycle in find_cycles(dependencies(self.document)):
            thing = self.index[cycle[0]][1] if cycle[0] in self.index else {}
            field = next((each for each in ("calculation", "filter") if each in thing), "relevant")
            chain = " → ".join([*cycle, cycle[0]])
            yield self.problem("error", "cycle", cycle[0], field, _("条件绕成了圈：{chain}", chain=chain))

    def unreachable(self) -> Iterator[Problem]:
        """Conditions that can never be true, for what is known without answers."""
        reach = Reach(self.names, {name: block for name, (block, _item) in self.index.items()})
        hidden = set()
        for block in self.document["blocks"]:
            if "relevant" in block and reach.impossible([block["relevant"]["tree"]]):
                hidden.add(block["name"])
                message = _("这一组的条件永远不成立，里面的题谁也答不到")
                yield self.problem("warning", "unreachable", block["name"], "relevant", message)
        for name, (block, item) in self.index.items():
            if "relevant" not in item or block["name"] in hidden:
                continue
            if reach.impossible(reach.conditions_of(name), block["name"] if "repeat" in block else ""):
                message = _("这题的条件永远不成立（和自己、和所在组或和别的题矛盾），谁也答不到")
                yield self.problem("warning", "unreachable", name, "relevant", message)
        for quota in self.document.get("quotas", []):
            if reach.impossible([quota["where"]["tree"]]):
                message = _("这个配额的条件永远不成立，没有人会算进去")
                yield self.problem("error", "quota", quota["name"], "where", message)
