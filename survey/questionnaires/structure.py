"""Checks of how a document is put together: options, orders, matrices, repeats, quotas, regions. Pure.

Each check yields (level, code, name, field, message); `checking` adds the place in the sheet.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from survey.questionnaires.answers import REGION_ENDS, read_answer, root_prefix
from survey.questionnaires.document import (
    ANSWERED_TYPES,
    CHOICE_TYPES,
    FILE_TYPES,
    LIST_TYPES,
    MATRIX_TYPES,
    MISSING_CODES,
    Block,
    Document,
    Item,
    all_choices,
    block_items,
    missing_choices,
    substantive_choices,
)
from survey.questionnaires.expressions import references
from survey.questionnaires.ordering import units_of
from survey.questionnaires.said import said as _

Report = tuple[str, str, str, str, str]  # level, code, name, field, message
# What every item may say only for some types.
ONLY_FOR = {
    "min_choices": LIST_TYPES,
    "max_choices": LIST_TYPES,
    "order": CHOICE_TYPES,
    "filter": CHOICE_TYPES,
    "default": ANSWERED_TYPES,
    "readonly": ANSWERED_TYPES,
    "matrix": MATRIX_TYPES,
    "root": ("region",),
    "levels": ("region",),
    "consent": ("signature",),
}
# Words of the parts for the author.
PART_WORDS = {
    "min_choices": _("最少选几项"),
    "max_choices": _("最多选几项"),
    "order": _("选项随机"),
    "filter": _("选项筛选"),
    "default": _("默认答案"),
    "readonly": _("只读"),
    "matrix": _("矩阵"),
    "root": _("地区范围"),
    "levels": _("地区级别"),
    "consent": _("签名同意"),
}


def item_reports(document: Document, item: Item) -> Iterator[Report]:
    """What is wrong with one item's parts."""
    name, kind = item["name"], item["type"]
    for part, kinds in ONLY_FOR.items():
        if part in item and kind not in kinds:
            yield "error", "part", name, part, _("这种题不能用“{part}”", part=PART_WORDS[part])
    if kind in LIST_TYPES:
        yield from _limits(document, item)
    if kind in CHOICE_TYPES and item.get("list") in document["choice_lists"]:
        yield from _pins(name, item.get("order"), len(substantive_choices(document, item)), _("选项"))
    if kind == "rating" and not 3 <= item.get("to", 5) <= 10:
        yield "error", "scale", name, "parameters", _("星级题的星数要在 3 到 10 之间")
    if kind == "region":
        yield from _region(item)
    if ("default" in item or item.get("readonly")) and kind in ANSWERED_TYPES:
        yield from _default(document, item)
    if "scoring" in item:
        yield from _points(document, item)
    way_out = any(choice.get("missing") for choice in missing_choices(document, item))
    if kind in (*FILE_TYPES, "place") and item.get("required") and not way_out:
        message = _("必答的定位、照片和签名在旧手机上做不了，请加一个“跳过”（minyi_missing）")
        yield "warning", "way_out", name, "required", message


def _limits(document: Document, item: Item) -> Iterator[Report]:
    name, low, high = item["name"], item.get("min_choices"), item.get("max_choices")
    count = sum(not choice.get("exclusive") for choice in substantive_choices(document, item))
    if item["type"] == "ranking":
        if any(choice.get("exclusive") for choice in substantive_choices(document, item)):
            yield "error", "ranking", name, "list", _("排序题里不能有“和别的互斥”的选项")
        if count == 1:
            yield "error", "ranking", name, "list", _("排序题至少要有两个选项")
    if low is not None and high is not None and low > high:
        yield (
            "error",
            "limits",
            name,
            "min_choices",
            _("最少选 {low} 项，比最多 {high} 项还多", low=low, high=high),
        )
    for part, number in (("min_choices", low), ("max_choices", high)):
        if number is not None and count and number > count:
            yield (
                "error",
                "limits",
                name,
                part,
                _(
                    "只有 {count} 个选项，{part}写了 {number}",
                    count=count,
                    part=PART_WORDS[part],
                    number=number,
                ),
            )


def _pins(name: str, order: dict[str, Any] | None, count: int, what: str) -> Iterator[Report]:
    pinned = (order or {}).get("first", 0) + (order or {}).get("last", 0)
    if pinned > count:
        yield (
            "error",
            "order",
            name,
            "order",
            _("固定在头尾的有 {pinned} 个，可是只有 {count} 个{what}", pinned=pinned, count=count, what=what),
        )
    elif order and order["random"] and count - pinned < 2:
        yield "warning", "order", name, "order", _("除去固定的，不到两个{what}可以随机", what=what)


def _region(item: Item) -> Iterator[Report]:
    name = item["name"]
    for part in ("root", "levels"):
        if part not in item:
            yield "error", "region", name, part, _("地区题要写{part}", part=PART_WORDS[part])
    if "root" not in item or "levels" not in item:
        return
    order = list(REGION_ENDS)
    places = [order.index(level) for level in item["levels"]]
    if places != list(range(places[0], places[0] + len(places))):
        yield "error", "region", name, "levels", _("地区级别要从大到小一级接一级")
    if list(REGION_ENDS.values())[places[0]] <= len(root_prefix(item["root"])):
        yield "error", "region", name, "levels", _("第一级要比地区范围低一级")


def _default(document: Document, item: Item) -> Iterator[Report]:
    name, given = item["name"], item.get("default")
    if item["type"] in (*FILE_TYPES, "place", "acknowledge"):
        yield "error", "default", name, "default", _("定位、照片、签名和确认要本人来做，不能有默认答案或只读")
        return
    reading = read_answer(document, item, given, "web")
    if reading.error:
        yield "error", "default", name, "default", _("默认答案“{given}”不是这题的回答", given=given)
    elif reading.value is None:
        what = _("只读的题要有默认答案") if item.get("readonly") else _("默认答案是空的")
        yield "error", "default", name, "default", what


def _points(document: Document, item: Item) -> Iterator[Report]:
    codes = {str(choice["code"]) for choice in all_choices(document, item)}
    missing = {str(code) for code in MISSING_CODES.values()}
    for code in item["scoring"].get("points", {}):
        if item["type"] in CHOICE_TYPES and code not in codes:
            yield (
                "error",
                "scoring",
                item["name"],
                "scoring",
                _("计分里的代码 {code} 不是这题的选项", code=code),
            )
        elif code in missing:
            yield (
                "error",
                "scoring",
                item["name"],
                "scoring",
                _("代码 {code} 是缺失回答，不能计分", code=code),
            )


def document_reports(document: Document) -> Iterator[Report]:
    """What is wrong between items: matrices, repeats, orders, the household's block, columns, names."""
    yield from _matrices(document)
    for block in document["blocks"]:
        yield from _repeat(block)
        yield from _block_order(block)
    yield from _household(document)
    for name, choices in document["choice_lists"].items():
        for choice in choices:
            if "name" in choice.get("columns", {}):
                yield "error", "column", f"{name}/{choice['code']}", "columns", _("列名“name”留给选项代码用")
    names = Counter(quota["name"] for quota in document.get("quotas", []))
    for name, count in names.items():
        if count > 1:
            yield "error", "duplicate", name, "name", _("配额“{name}”写了 {count} 次", name=name, count=count)


def _matrices(document: Document) -> Iterator[Report]:
    rows: dict[str, list[tuple[Block, int, Item]]] = {}
    for block in document["blocks"]:
        for place, item in enumerate(block_items(block)):
            if "matrix" in item:
                rows.setdefault(item["matrix"], []).append((block, place, item))
    for name in document.get("matrices", {}):
        if name not in rows:
            yield "error", "matrix", name, "matrix", _("矩阵“{name}”没有题", name=name)
    for name, members in rows.items():
        first = members[0][2]
        if name not in document.get("matrices", {}):
            yield "error", "matrix", first["name"], "matrix", _("矩阵“{name}”没有写题干", name=name)
            continue
        yield from _pins(name, document["matrices"][name].get("order"), len(members), _("题"))
        places = [place for _block, place, _item in members]
        together = places == list(range(places[0], places[0] + len(places)))
        if not together or len({block["name"] for block, _place, _item in members}) > 1:
            message = _("矩阵“{name}”的题要在同一组里挨在一起", name=name)
            yield "error", "matrix", first["name"], "matrix", message
        for _block, _place, item in members:
            same = all(
                item.get(part) == first.get(part) for part in ("type", "list", "from", "to", "missing")
            )
            if not same:
                message = _("矩阵“{name}”的题要用同样的题型和选项", name=name)
                yield "error", "matrix", item["name"], "matrix", message
            if "with" in item:
                yield "error", "matrix", item["name"], "with", _("矩阵里的题不能附在别的题下面")


def _repeat(block: Block) -> Iterator[Report]:
    repeat = block.get("repeat")
    if not repeat:
        return
    if repeat.get("min", 0) > repeat.get("max", 20):
        yield "error", "repeat", block["name"], "repeat", _("重复组最少的个数比最多的还多")
    if "count" in repeat and "min" in repeat:
        yield "error", "repeat", block["name"], "repeat", _("重复组写了个数（count），就不用再写最少的个数")
    for language, text in repeat["label"].items():
        if text and "{0}" not in text:
            message = _("每组的名字里最好有 {{0}}（第几组），{language} 的没有", language=language)
            yield "warning", "repeat", block["name"], "repeat", message


def _block_order(block: Block) -> Iterator[Report]:
    """A condition on an item that may come later, when the block's items are shuffled."""
    order = block.get("order") or {}
    units = units_of(block_items(block))
    yield from _pins(block["name"], block.get("order"), len(units), _("题"))
    if not order.get("random"):
        return
    homes = {item["name"]: place for place, unit in enumerate(units) for item in unit}
    movable = range(order.get("first", 0), len(units) - order.get("last", 0))
    for item in block_items(block):
        for field in ("relevant", "filter"):
            if field not in item:
                continue
            for name in references(item[field]["tree"]):
                here, there = homes[item["name"]], homes.get(name, homes[item["name"]])
                if here != there and (here in movable and there in movable):
                    message = _(
                        "这一组的题随机出现，“{name}”要看“{other}”的回答，可能排在它前面",
                        name=item["name"],
                        other=name,
                    )
                    yield "error", "order", item["name"], field, message


def _household(document: Document) -> Iterator[Report]:
    blocks = [block for block in document["blocks"] if block.get("kind") == "household"]
    for block in blocks[1:]:
        yield "error", "household", block["name"], "kind", _("户内抽样只能有一处")
    for block in blocks[:1]:
        before = document["blocks"][: document["blocks"].index(block)]
        asked = [item for each in before for item in block_items(each) if item["type"] in ANSWERED_TYPES]
        if asked:
            message = _("户内抽样要在所有问题前面，现在排在“{name}”后面", name=asked[0]["name"])
            yield "error", "household", block["name"], "kind", message
