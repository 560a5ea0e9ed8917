"""Type errors that can be seen without answers: checked when a questionnaire is published.

Kinds: "number", "text", "boolean", "date", "time", "one" (a single choice), "many" (several choices), "set"
(a repeat, or an instance of it), "any". A warning is for what runs but seldom does what its author thinks.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from survey.questionnaires.document import Document, Item, all_choices, block_items, item_index, repeats_of
from survey.questionnaires.expressions.errors import ExpressionError
from survey.questionnaires.expressions.parser import QUOTED_REF
from survey.questionnaires.expressions.regex import portable
from survey.questionnaires.expressions.signatures import SIGNATURES
from survey.questionnaires.expressions.values import DECIMAL
from survey.questionnaires.said import said as _

ITEM_KINDS = {
    "select_one": "one",
    "select_multiple": "many",
    "ranking": "many",
    "integer": "number",
    "decimal": "number",
    "scale": "number",
    "rating": "number",
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
ARITHMETIC = ("+", "-", "*", "div", "mod", "neg")
Found = tuple[str, str, str]  # level, code, message


class Names:
    """What the checks know about a document's names."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.items: dict[str, Item] = {}
        self.homes: dict[str, str] = {}  # item → the repeat it is in
        self.repeats = repeats_of(document)
        for name, (block, item) in item_index(document).items():
            self.items[name] = item
            if "repeat" in block:
                self.homes[name] = block["name"]

    def kind(self, name: str) -> str:
        return "set" if name in self.repeats else ITEM_KINDS[self.items[name]["type"]]

    def inside(self, repeat: str) -> list[str]:
        """Names of the items of a repeat."""
        return [item["name"] for item in block_items(self.repeats[repeat])]

    def codes(self, name: str) -> list[str]:
        return [str(choice["code"]) for choice in all_choices(self.document, self.items[name])]

    def has_missing(self, name: str) -> bool:
        return any(choice.get("missing") for choice in all_choices(self.document, self.items[name]))


@dataclass(frozen=True)
class Scope:
    """Where an expression stands.

    `own` is the item that `.` stands for, `repeat` the repeat around it, `columns` the bare names that mean
    something there (None outside brackets and choice filters), `filtering` whether those are choice columns.
    """

    names: Names
    own: Item | None = None
    repeat: str = ""
    columns: Collection[str] | None = None
    filtering: bool = False


def kind_problems(tree: Any, scope: Scope) -> Iterator[Found]:
    """(level, code, message) for each trouble in `tree`, whose names all exist."""
    if not isinstance(tree, list):
        return
    operator = tree[0]
    if operator == "self" and scope.own is None and (scope.columns is None or scope.filtering):
        yield "error", "self", _("“.”只能用在约束里")
    elif operator == "name":
        yield from _bare_name(tree[1], scope)
    elif operator in ("up", "filter", "child"):
        yield from _path_problems(tree, scope)
        return
    elif operator == "call":
        yield from _call_problems(tree[1], tree[2:], scope)
    elif operator in ("=", "!="):
        yield from _equality_problems(tree, scope)
    elif operator in FLIPPED:
        yield from _order_problems(tree, scope)
    elif operator in ARITHMETIC:
        for side in tree[1:]:
            yield from _must_count(side, scope, f"“{operator.replace('neg', '-')}”")
            yield from _only_first(side, scope)
    for child in tree[2:] if operator == "call" else tree[1:]:
        yield from kind_problems(child, scope)


def kind_of(tree: Any, scope: Scope) -> str:
    """The kind of value a tree gives."""
    if isinstance(tree, str):
        return "text"
    if isinstance(tree, int | float):
        return "number"
    operator = tree[0]
    name = _item_name(tree, scope)
    if name:
        return scope.names.kind(name)
    if operator == "self":
        return ITEM_KINDS[scope.own["type"]] if scope.own else "any"
    if operator == "up":
        return "set"
    if operator == "filter":
        return kind_of(tree[1], scope)
    if operator == "call":
        return {"string": "text"}.get(SIGNATURES[tree[1]][2], SIGNATURES[tree[1]][2])
    if operator in ARITHMETIC:
        return "number"
    return "boolean" if operator in ("or", "and", "=", "!=", *FLIPPED) else "any"


def _item_name(tree: Any, scope: Scope) -> str:
    """The item or repeat that a reference, a step of a path or a bare name means; "" for other trees."""
    if not isinstance(tree, list):
        return ""
    if tree[0] == "ref":
        return tree[1]
    known = scope.names.items
    if tree[0] == "name" and not scope.filtering and tree[1] in known:
        return tree[1]
    return tree[2] if tree[0] == "child" and tree[2] in known else ""


# ---- repeats: paths, brackets, bare names ------------------------------------------------------------


def _bare_name(name: str, scope: Scope) -> Iterator[Found]:
    if scope.columns is None:
        yield "error", "name", _("“{name}”不是数值也不是函数，题名要写成 ${{{name}}}", name=name)
    elif name not in scope.columns:
        known = "、".join(scope.columns) or _("没有")
        what = _("选项表里没有这一列") if scope.filtering else _("重复组里没有这一题")
        yield "error", "column", _("“{name}”：{what}（有的是：{known}）", name=name, what=what, known=known)


def _members(tree: Any, scope: Scope) -> list[str] | None:
    """Names that may follow a node-set: the items of the repeat it points at; None when it is no repeat."""
    if isinstance(tree, list) and tree[0] == "filter":
        return _members(tree[1], scope)
    if isinstance(tree, list) and tree[0] == "up" and scope.repeat:
        inner = scope.names.inside(scope.repeat)
        return (
            inner if tree[1] == 1 else [name for name in scope.names.items if name not in scope.names.homes]
        )
    if isinstance(tree, list) and tree[0] == "ref" and tree[1] in scope.names.repeats:
        return scope.names.inside(tree[1])
    return None


def _path_problems(tree: list, scope: Scope) -> Iterator[Found]:
    operator = tree[0]
    if operator == "up":
        if not scope.repeat:
            yield "error", "repeat", _("这里不在重复组里，不能用“..”")
        return
    members = _members(tree[1], scope)
    if operator == "child":
        if members is None:
            yield "error", "repeat", _("“/”前面要是重复组，如 ${家人} 或 ..")
        elif tree[2] not in members:
            yield "error", "unknown_name", _("这里没有“{name}”这一题", name=tree[2])
        yield from kind_problems(tree[1], scope)
        return
    if members is None and not (isinstance(tree[1], list) and tree[1][0] in ("ref", "child")):
        yield "error", "repeat", _("方括号前面要是重复组或重复组里的题")
    yield from kind_problems(tree[1], scope)
    yield from kind_problems(tree[2], replace(scope, columns=members or [], filtering=False))


def _spread(side: Any, scope: Scope) -> str:
    """The item of which `side` gives one answer for each instance; "" when it gives a single one."""
    if isinstance(side, list) and side[0] == "ref":
        home = scope.names.homes.get(side[1], "")
        return side[1] if home and home != scope.repeat else ""
    return ""


def _only_first(side: Any, scope: Scope) -> Iterator[Found]:
    name = _spread(side, scope)
    if name:
        hint = _(
            "每组都有一个，这里只取第一组的；要合计请用 sum(${{{name}}})，要某一组请用 indexed-repeat()",
            name=name,
        )
        yield "warning", "first", f"{name} {hint}"


# ---- kinds -------------------------------------------------------------------------------------------


def _shown(tree: Any, scope: Scope) -> str:
    if isinstance(tree, list) and tree[0] == "ref":
        return f"${{{tree[1]}}}"
    if isinstance(tree, list) and tree[0] == "self":
        return _("{name} 自己（.）", name=scope.own["name"] if scope.own else "")
    return f"“{tree}”" if isinstance(tree, str) else _("这一边")


def _must_count(side: Any, scope: Scope, where: str) -> Iterator[Found]:
    kind = kind_of(side, scope)
    stored = isinstance(side, list) and side[0] in ("ref", "self", "child", "name")
    if kind == "set":
        yield (
            "error",
            "type",
            _(
                "{where}要数值，{shown} 是重复组，要数有几组请用 count()",
                where=where,
                shown=_shown(side, scope),
            ),
        )
    elif kind == "time":
        yield (
            "error",
            "type",
            _("{where}要数值，{shown} 是时刻，请用 decimal-time()", where=where, shown=_shown(side, scope)),
        )
    elif kind in ("many", "none") or (kind == "text" and stored):
        yield "error", "type", _("{where}要数值，{shown} 不是数值题", where=where, shown=_shown(side, scope))
    elif isinstance(side, str) and side.strip() and not DECIMAL.fullmatch(side.strip()):
        yield "error", "type", _("{where}要数值，“{side}”不是数值", where=where, side=side)


def _choice_item(side: Any, scope: Scope) -> Item | None:
    name = _item_name(side, scope)
    if name and scope.names.kind(name) in ("one", "many"):
        return scope.names.items[name]
    own = scope.own
    if isinstance(side, list) and side[0] == "self" and own and ITEM_KINDS[own["type"]] in ("one", "many"):
        return own
    return None


def literal(side: Any) -> str | None:
    """A literal as the text of a code: 1, -1 (also written with a minus) and 'a'."""
    if isinstance(side, list) and side[0] == "neg" and isinstance(side[1], int):
        return str(-side[1])
    return str(side) if isinstance(side, str | int) and not isinstance(side, bool) else None


def _equality_problems(tree: list, scope: Scope) -> Iterator[Found]:
    for side, other in ((tree[1], tree[2]), (tree[2], tree[1])):
        if kind_of(side, scope) == "set":
            yield (
                "error",
                "type",
                _("{shown} 是重复组，不能直接比较，要数有几组请用 count()", shown=_shown(side, scope)),
            )
        item, code = _choice_item(side, scope), literal(other)
        if item is None or code is None or code == "":
            continue
        if ITEM_KINDS[item["type"]] == "many":
            yield (
                "warning",
                "many",
                _(
                    "{name} 是多选题，判断选没选请用 selected(${{{name}}}, '{code}')",
                    name=item["name"],
                    code=code,
                ),
            )
        if code not in scope.names.codes(item["name"]):
            yield "error", "code", _("{name} 没有代码为 {code} 的选项", name=item["name"], code=code)


def _order_problems(tree: list, scope: Scope) -> Iterator[Found]:
    for side in tree[1:]:
        kind = kind_of(side, scope)
        if kind != "date" and not (isinstance(side, str) and _other_is_date(tree, side, scope)):
            yield from _must_count(side, scope, f"“{tree[0]}”")
    for operator, side, other in ((tree[0], tree[1], tree[2]), (FLIPPED[tree[0]], tree[2], tree[1])):
        item = _choice_item(side, scope)
        if (
            item
            and operator in ("<", "<=")
            and scope.names.has_missing(item["name"])
            and not isinstance(other, list)
        ):
            yield (
                "warning",
                "missing",
                _(
                    "{name} 的“不了解”等代码是负数，也会满足“{operator} {other}”，请加上“> 0”",
                    name=item["name"],
                    operator=operator,
                    other=other,
                ),
            )


def _other_is_date(tree: list, side: Any, scope: Scope) -> bool:
    other = tree[2] if tree[1] is side else tree[1]
    return kind_of(other, scope) in ("date", "any")


# ---- functions ---------------------------------------------------------------------------------------


def _call_problems(name: str, args: list, scope: Scope) -> Iterator[Found]:
    if name in ("selected", "selected-at", "count-selected"):
        kind = kind_of(args[0], scope)
        if kind in ("number", "boolean", "date", "time", "none", "set"):
            yield "error", "type", _("{name}() 的第一个参数要是选择题", name=name)
        item, code = _choice_item(args[0], scope), literal(args[1]) if len(args) > 1 else None
        known = item and code is not None and code.strip() in scope.names.codes(item["name"])
        if name == "selected" and item and code is not None and not known:
            yield "error", "code", _("{name} 没有代码为 {code} 的选项", name=item["name"], code=code)
        yield from _only_first(args[0], scope)
    if name in ("position", "last", "indexed-repeat"):
        yield from _repeat_call(name, args, scope)
    if name in ("count", "count-non-empty", "sum") and kind_of(args[0], scope) in ("text", "boolean"):
        stored = isinstance(args[0], list) and args[0][0] in ("ref", "child", "filter")
        if name == "sum" or not stored:
            yield "error", "type", _("{name}() 里要写题名", name=name)
    if name == "regex" and isinstance(args[1], str):
        try:
            portable(args[1])
        except ExpressionError as error:
            yield "error", "regex", error.reason
    if name == "jr:choice-name":
        asked = QUOTED_REF.match(args[1])[1]
        if scope.names.kind(asked) not in ("one", "many"):
            yield "error", "type", _("jr:choice-name() 里的 {asked} 不是选择题", asked=asked)


def _repeat_call(name: str, args: list, scope: Scope) -> Iterator[Found]:
    if name in ("position", "last") and not args:
        if scope.columns is None:
            yield "error", "repeat", _("{name}() 不写参数时只能用在方括号里", name=name)
        return
    if name == "position":
        if kind_of(args[0], scope) != "set":
            yield "error", "repeat", _("position() 里要写重复组，如 position(..)")
        return
    if name != "indexed-repeat":
        return
    for place in (0, *range(1, len(args), 2)):
        if not (isinstance(args[place], list) and args[place][0] == "ref"):
            yield "error", "repeat", _("indexed-repeat() 的题名和重复组要写成 ${Q1}")
            return
    home = scope.names.homes.get(args[0][1])
    if home is None or any(args[place][1] != home for place in range(1, len(args), 2)):
        wanted = _("，它在 {home} 里", home=home) if home else _("，它不在重复组里")
        yield (
            "error",
            "repeat",
            _("indexed-repeat() 的 {item} 和重复组对不上{wanted}", item=args[0][1], wanted=wanted),
        )
