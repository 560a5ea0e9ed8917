"""Type errors that can be seen without answers: checked when a questionnaire is published.

Kinds: "number", "text", "boolean", "date", "one" (a single choice), "many" (several choices), "any".
A warning is for what runs but seldom does what its author thinks.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from survey.questionnaires.document import Document, all_choices, item_index
from survey.questionnaires.expressions.errors import ExpressionError
from survey.questionnaires.expressions.parser import QUOTED_REF
from survey.questionnaires.expressions.regex import portable
from survey.questionnaires.expressions.signatures import SIGNATURES
from survey.questionnaires.expressions.values import DECIMAL

ITEM_KINDS = {
    "select_one": "one",
    "select_multiple": "many",
    "integer": "number",
    "decimal": "number",
    "scale": "number",
    "rating": "number",
    "ranking": "many",
    "text": "text",
    "date": "date",
    "datetime": "date",
    "time": "time",
    "region": "text",
    "place": "text",
    "photo": "text",
    "signature": "text",
    "acknowledge": "text",
    "note": "none",
    "calculate": "any",
}
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
Found = tuple[str, str, str]  # level, code, message


class Names:
    """What the checks know about a document's names."""

    def __init__(self, document: Document) -> None:
        self.items = {name: item for name, (_block, item) in item_index(document).items()}
        self.document = document

    def kind(self, name: str) -> str:
        return ITEM_KINDS[self.items[name]["type"]]

    def codes(self, name: str) -> list[str]:
        return [str(choice["code"]) for choice in all_choices(self.document, self.items[name])]

    def has_missing(self, name: str) -> bool:
        return any(choice.get("missing") for choice in all_choices(self.document, self.items[name]))


def kind_problems(tree: Any, names: Names, own: Mapping[str, Any] | None) -> Iterator[Found]:
    """(level, code, message) for each trouble in `tree`; `own` is the item that `.` stands for."""
    if not isinstance(tree, list):
        return
    operator = tree[0]
    if operator == "self" and own is None:
        yield "error", "self", "“.”只能用在约束里"
    if operator in ("up", "filter", "child"):
        yield "error", "repeat", "这里没有重复组，不能用“..”、“/”和方括号"
        return
    if operator == "name":
        yield "error", "name", f"“{tree[1]}”不是数值也不是函数，题名要写成 ${{{tree[1]}}}"
        return
    if operator == "call":
        yield from _call_problems(tree[1], tree[2:], names, own)
    elif operator in ("=", "!="):
        yield from _equality_problems(tree, names, own)
    elif operator in FLIPPED:
        yield from _order_problems(tree, names, own)
    elif operator in ("+", "-", "*", "div", "mod", "neg"):
        for side in tree[1:]:
            yield from _must_count(side, names, own, f"“{operator.replace('neg', '-')}”")
    for child in tree[2:] if operator == "call" else tree[1:]:
        yield from kind_problems(child, names, own)


def kind_of(tree: Any, names: Names, own: Mapping[str, Any] | None) -> str:
    """The kind of value a tree gives."""
    if isinstance(tree, str):
        return "text"
    if isinstance(tree, int | float):
        return "number"
    operator = tree[0]
    if operator == "ref":
        return names.kind(tree[1])
    if operator == "self":
        return ITEM_KINDS[own["type"]] if own else "any"
    if operator == "call":
        return {"string": "text"}.get(SIGNATURES[tree[1]][2], SIGNATURES[tree[1]][2])
    if operator in ("+", "-", "*", "div", "mod", "neg"):
        return "number"
    return "boolean" if operator in ("or", "and", "=", "!=", *FLIPPED) else "any"


def _shown(tree: Any, own: Mapping[str, Any] | None) -> str:
    if isinstance(tree, list) and tree[0] == "ref":
        return f"${{{tree[1]}}}"
    if isinstance(tree, list) and tree[0] == "self":
        return f"{own['name'] if own else ''} 自己（.）"
    return f"“{tree}”" if isinstance(tree, str) else "这一边"


def _must_count(side: Any, names: Names, own: Mapping[str, Any] | None, where: str) -> Iterator[Found]:
    kind = kind_of(side, names, own)
    if kind in ("many", "none") or (kind == "text" and isinstance(side, list) and side[0] in ("ref", "self")):
        yield "error", "type", f"{where}要数值，{_shown(side, own)} 不是数值题"
    elif isinstance(side, str) and side.strip() and not DECIMAL.fullmatch(side.strip()):
        yield "error", "type", f"{where}要数值，“{side}”不是数值"


def _choice_item(side: Any, names: Names, own: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if isinstance(side, list) and side[0] == "ref" and names.kind(side[1]) in ("one", "many"):
        return names.items[side[1]]
    if isinstance(side, list) and side[0] == "self" and own and ITEM_KINDS[own["type"]] in ("one", "many"):
        return own
    return None


def _literal(side: Any) -> str | None:
    """A literal as the text of a code: 1, -1 (also written with a minus) and 'a'."""
    if isinstance(side, list) and side[0] == "neg" and isinstance(side[1], int):
        return str(-side[1])
    return str(side) if isinstance(side, str | int) and not isinstance(side, bool) else None


def _equality_problems(tree: list, names: Names, own: Mapping[str, Any] | None) -> Iterator[Found]:
    for side, other in ((tree[1], tree[2]), (tree[2], tree[1])):
        item, code = _choice_item(side, names, own), _literal(other)
        if item is None or code is None or code == "":
            continue
        if ITEM_KINDS[item["type"]] == "many":
            yield (
                "warning",
                "many",
                f"{item['name']} 是多选题，判断选没选请用 selected(${{{item['name']}}}, '{code}')",
            )
        if code not in names.codes(item["name"]):
            yield "error", "code", f"{item['name']} 没有代码为 {code} 的选项"


def _order_problems(tree: list, names: Names, own: Mapping[str, Any] | None) -> Iterator[Found]:
    for side in tree[1:]:
        kind = kind_of(side, names, own)
        if kind != "date" and not (isinstance(side, str) and _other_is_date(tree, side, names, own)):
            yield from _must_count(side, names, own, f"“{tree[0]}”")
    for operator, side, other in ((tree[0], tree[1], tree[2]), (FLIPPED[tree[0]], tree[2], tree[1])):
        item = _choice_item(side, names, own)
        if (
            item
            and operator in ("<", "<=")
            and names.has_missing(item["name"])
            and not isinstance(other, list)
        ):
            yield (
                "warning",
                "missing",
                f"{item['name']} 的“不了解”等代码是负数，也会满足“{operator} {other}”，请加上“> 0”",
            )


def _other_is_date(tree: list, side: Any, names: Names, own: Mapping[str, Any] | None) -> bool:
    other = tree[2] if tree[1] is side else tree[1]
    return kind_of(other, names, own) in ("date", "any")


def _call_problems(name: str, args: list, names: Names, own: Mapping[str, Any] | None) -> Iterator[Found]:
    if name in ("selected", "selected-at", "count-selected"):
        kind = kind_of(args[0], names, own)
        if kind in ("number", "boolean", "date", "none"):
            yield "error", "type", f"{name}() 的第一个参数要是选择题"
        item, code = _choice_item(args[0], names, own), _literal(args[1]) if len(args) > 1 else None
        if name == "selected" and item and code is not None and code.strip() not in names.codes(item["name"]):
            yield "error", "code", f"{item['name']} 没有代码为 {code} 的选项"
    if name in ("position", "indexed-repeat", "last"):
        yield "error", "repeat", f"这里没有重复组，不能用 {name}()"
    if name in ("count", "count-non-empty", "sum") and kind_of(args[0], names, own) in ("text", "boolean"):
        yield "error", "type", f"{name}() 里要写题名"
    if name == "regex" and isinstance(args[1], str):
        try:
            portable(args[1])
        except ExpressionError as error:
            yield "error", "regex", error.reason
    if name == "jr:choice-name":
        asked = QUOTED_REF.match(args[1])[1]
        if names.kind(asked) not in ("one", "many"):
            yield "error", "type", f"jr:choice-name() 里的 {asked} 不是选择题"
