"""Rows of the survey sheet into blocks: groups flattened, repeats, matrices, or_other."""

import re
from typing import Any

from survey.questionnaires.document import expression
from survey.questionnaires.said import said as _
from survey.questionnaires.xlsform.items import ItemReader
from survey.questionnaires.xlsform.parts import limits_of, order_of, with_parts

# Device data that Minyi records in its own way, or not at all; dropping them changes no question.
METADATA = {
    "start", "end", "today", "deviceid", "device id", "subscriberid", "simserial", "phonenumber",
    "phone number", "username", "email", "audit", "start-geopoint", "background-audio", "background-geopoint",
    "start time", "end time", "get start time", "get end time", "get today", "get device id", "hidden",
    "imei", "subscriber id", "get subscriber id", "sim id", "get sim id", "get phone number",
    "uri:deviceid", "uri:subscriberid", "uri:simserial", "uri:phonenumber", "uri:username", "uri:email",
}  # fmt: skip
BRACKET = re.compile(r"^(begin|end)[ _](group|repeat)$", re.IGNORECASE)
BLOCK_KEPT = ("name", "items", "kind")
REPEAT = re.compile(r"^begin[ _]repeat$", re.IGNORECASE)
SPECIFY = {"zh-hans": "请说明", "zh-hant": "請說明", "en": "Please specify"}
INSTANCE = {"zh-hans": "第 {0} 份", "zh-hant": "第 {0} 份", "en": "No. {0}"}


class Rows:
    """`build()` once; then `matrices`, and `or_other` (name of a list with 其他 → its source list)."""

    def __init__(self, builder: Any) -> None:
        self.b, self.sheet = builder, builder.survey
        self.items = ItemReader(builder)
        self.blocks: list[dict[str, Any]] = []
        self.groups: list[dict[str, Any]] = []  # open groups and repeats
        self.matrices: dict[str, Any] = {}
        self.or_other: dict[str, str] = {}
        self.open = False
        # XLSForm lets a name stand once in each group; a document has one namespace.
        kinds = {number: " ".join(row.get("type", "").split()) for number, row in self.sheet.rows}
        self.item_names = {
            row.get("name") for number, row in self.sheet.rows if not BRACKET.match(kinds[number])
        }
        self.used = {row.get("name") for number, row in self.sheet.rows if REPEAT.match(kinds[number])}

    def build(self) -> list[dict[str, Any]]:
        """The blocks, without the empty ones."""
        for number, row in self.sheet.rows:
            kind = " ".join(row.get("type", "").split())
            bracket = BRACKET.match(kind)
            if bracket and bracket[1].lower() == "begin":
                self._begin(number, row, repeat=bracket[2].lower() == "repeat")
            elif bracket:
                self._end()
            elif kind.lower() in METADATA and not row.get("calculation"):
                message = _("“{kind}”由平台自己记录，没有带过来", kind=kind)
                self.b.add("lost", "metadata", message, self.sheet.cell(number, "type"))
            elif kind.lower() == "minyi_household":
                self._household(number, row)
            elif kind:
                self._item(number, row, "calculate" if kind.lower() == "hidden" else kind)
            elif row.get("name"):
                cell = self.sheet.cell(number, "name")
                self.b.add("lost", "row", _("这一行没有写题型（type），没有带过来"), cell)
        return [block for block in self.blocks if block.get("items") or "kind" in block]

    def _begin(self, number: int, row: dict[str, str], *, repeat: bool) -> None:
        if repeat and self._repeat():
            self.items.refuse(_("重复组里再套重复组"), number)
            repeat = False
        elif row.get("minyi_method"):
            self._household(number, row)
            self.groups.append({"household": True, "relevant": "", "title": {}, "name": row.get("name", "")})
            return
        elif self.groups:
            self.b.add(
                "lost", "nested", _("嵌套的组并进了外层，标题没有保留"), self.sheet.cell(number, "name")
            )
        self.groups.append(
            {
                "name": row.get("name", f"group_{number}"),
                "title": self.b.texts(row, "label"),
                "relevant": row.get("relevant", ""),
                "cell": self.sheet.cell(number, "relevant"),
                "row": number,
                "values": row,
                "repeat": repeat,
            }
        )
        looks = row.get("appearance", "").split()
        if lost := [look for look in looks if look not in ("field-list", "table-list")]:
            message = _("组的外观“{looks}”没有带过来", looks=" ".join(lost))
            self.b.add("lost", "appearance", message, self.sheet.cell(number, "appearance"))
        if self._repeat() is None or repeat:
            self.open = False

    def _end(self) -> None:
        if not self.groups:
            return
        inside = self._repeat()
        closed = self.groups.pop()
        if inside is None or inside is closed:
            self.open = False

    def _repeat(self) -> dict[str, Any] | None:
        return next((group for group in self.groups if group.get("repeat")), None)

    def _household(self, number: int, row: dict[str, str]) -> None:
        block = {"name": row.get("name", "household"), "kind": "household"}
        block["method"] = row.get("minyi_method", "kish")
        if title := self.b.texts(row, "label"):
            block["title"] = title
        self.b.cells[block["name"], "kind"] = self.sheet.cell(number, "minyi_method")
        cell = self.sheet.cell(number, "minyi_parts")
        self.blocks.append(with_parts(self.b, block, row, cell, BLOCK_KEPT))
        self.open = False

    def _condition(self, groups: list[dict[str, Any]]) -> dict[str, Any] | None:
        """The conditions of nested groups joined by and."""
        written = [group for group in groups if group["relevant"]]
        parsed = [self.b.expression(group["relevant"], group["cell"]) for group in written]
        if not written or not all(parsed):
            return None
        if len(parsed) == 1:
            return parsed[0]
        return expression(" and ".join(f"({group['relevant']})" for group in written))

    def _block(self) -> list[dict[str, Any]]:
        """The items of the block that is being filled; a new block after a group begins or ends."""
        if self.open:
            return self.blocks[-1]["items"]
        used = {block["name"] for block in self.blocks} | self.item_names
        name = self.groups[-1]["name"] if self.groups else "block"
        unique, again = name, 2
        while unique in used:
            unique, again = f"{name}_{again}", again + 1
        block: dict[str, Any] = {"name": unique, "items": []}
        if self.groups:
            self._describe(block)
        self.blocks.append(block)
        self.open = True
        return block["items"]

    def _describe(self, block: dict[str, Any]) -> None:
        repeat = self._repeat()
        outer = self.groups if repeat is None else self.groups[: self.groups.index(repeat) + 1]
        group = outer[-1]
        block["name"] = group["name"] if repeat else block["name"]
        unique, row, number = block["name"], group["values"], group["row"]
        column = self.b.text_column(self.sheet, "label")
        plan = {"name": "name", "title": column, "relevant": "relevant", "repeat": "type"}
        plan |= {"count": "repeat_count", "order": "minyi_order"}
        for field, key in plan.items():
            self.b.cells[unique, field] = self.sheet.cell(number, key)
        titled = group if repeat else self.groups[0]
        if titled["title"]:
            block["title"] = titled["title"]
        if condition := self._condition(outer):
            block["relevant"] = condition
        order = order_of(self.b, row.get("minyi_order", ""), self.sheet.cell(number, "minyi_order"))
        if order:
            block["order"] = order
        looks = " ".join(each["values"].get("appearance", "") for each in outer)
        if "field-list" in looks or "table-list" in looks:
            block["appearance"] = "page"
        if repeat:
            block["repeat"] = self._repeat_part(group)
        described = with_parts(self.b, block, row, self.sheet.cell(number, "minyi_parts"), BLOCK_KEPT)
        for part in block.keys() - described.keys():
            del block[part]
        block.update(described)

    def _repeat_part(self, group: dict[str, Any]) -> dict[str, Any]:
        row, number = group["values"], group["row"]
        label = self.b.texts(row, "minyi_repeat_label")
        made = {
            language: f"{group['title'].get(language, '')} {{0}}" if group["title"] else INSTANCE[language]
            for language in self.b.languages
        }
        part: dict[str, Any] = {"label": label or made}
        if row.get("repeat_count"):
            count = self.b.expression(row["repeat_count"], self.sheet.cell(number, "repeat_count"))
            if count:
                part["count"] = count
        return part | limits_of(self.b, row.get("minyi_limits", ""), self.sheet.cell(number, "minyi_limits"))

    def _item(self, number: int, row: dict[str, str], kind: str) -> None:
        if any(group.get("household") for group in self.groups):
            self.b.add("error", "household", _("户内选人的组里不放题目"), self.sheet.cell(number, "type"))
            return
        read = self.items.read(number, self._own_name(number, row), kind)
        if read is None:
            return
        item, other = read
        repeat = self._repeat()
        if repeat is not None:
            self._join_inner(item, self.groups[self.groups.index(repeat) + 1 :])
        items = self._block()
        if self._matrix_row(item, row, number):
            return
        items.append(item)
        if other:
            items.append(self._specify(item))

    def _own_name(self, number: int, row: dict[str, str]) -> dict[str, str]:
        """The row with a name of its own. Nothing can refer to a name that stands twice."""
        name = row.get("name", "")
        if name in self.used:
            group = self.groups[-1]["name"] if self.groups else "item"
            unique, again = f"{group}_{name}", 2
            while unique in self.used | self.item_names:
                unique, again = f"{group}_{name}_{again}", again + 1
            message = _("题名“{name}”在别的组里用过了，改成了“{unique}”", name=name, unique=unique)
            self.b.add("lost", "name", message, self.sheet.cell(number, "name"))
            row, name = {**row, "name": unique}, unique
        self.used.add(name)
        return row

    def _join_inner(self, item: dict[str, Any], inner: list[dict[str, Any]]) -> None:
        """A group within a repeat has no block of its own: its condition goes to each item."""
        condition = self._condition(inner)
        if condition and "relevant" in item:
            item["relevant"] = expression(f"({condition['text']}) and ({item['relevant']['text']})")
        elif condition:
            item["relevant"] = condition

    def _matrix_row(self, item: dict[str, Any], row: dict[str, str], number: int) -> bool:
        """Makes rows of a table-list group the rows of a matrix; True for a head row that is no question."""
        looks = row.get("appearance", "").split()
        group = self.groups[-1] if self.groups else {"values": {}, "name": "", "title": {}}
        table = "table-list" in group.get("values", {}).get("appearance", "").split()
        if item["type"] != "select_one" or not (table or {"label", "list-nolabel"} & set(looks)):
            return False
        name = f"{group['name'] or 'block'}_{item['list']}_matrix"
        if "label" in looks:
            self.matrices[name] = {"label": item.get("label") or group["title"]}
            message = _("表头这一行并进了矩阵题的题干，不再是一道题")
            self.b.add("lost", "matrix", message, self.sheet.cell(number, "name"))
            return True
        stem = group["title"] or {language: item["label"].get(language, "") for language in self.b.languages}
        self.matrices.setdefault(name, {"label": stem})
        item["matrix"] = name
        return False

    def _specify(self, item: dict[str, Any]) -> dict[str, Any]:
        """The text that or_other adds, as pyxform names it."""
        made = f"{item['list']}_or_other"
        self.or_other[made] = item["list"]
        item["list"] = made
        return {
            "name": f"{item['name']}_other",
            "type": "text",
            "label": {language: SPECIFY[language] for language in self.b.languages},
            "relevant": expression(f"selected(${{{item['name']}}}, 'other')"),
            "with": item["name"],
            "seconds": 25,
        }
