"""Build the document from the rows of the sheets, noting the cell of every field."""

import re
from collections.abc import Mapping
from typing import Any

from survey.questionnaires.document import (
    CHOICE_TYPES,
    FORMAT,
    LANGUAGES,
    MODES,
    Document,
    Problem,
    expression,
)
from survey.questionnaires.expressions import ExpressionError
from survey.questionnaires.xlsform.sheets import Sheet, language_of

TYPES = {
    "text": "text",
    "string": "text",
    "integer": "integer",
    "int": "integer",
    "decimal": "decimal",
    "note": "note",
    "date": "date",
    "calculate": "calculate",
    "calculation": "calculate",
    "range": "scale",
}
# Device data that Minyi records in its own way, or not at all; dropping them changes no question.
METADATA = {
    "start",
    "end",
    "today",
    "deviceid",
    "device id",
    "subscriberid",
    "simserial",
    "phonenumber",
    "phone number",
    "username",
    "email",
    "audit",
    "start-geopoint",
    "background-audio",
}
SELECT = re.compile(
    r"^(select_one|select_multiple|select one|select multiple)\s+(?:from\s+)?(\S+)(\s+or[_ ]other)?$"
)
READ_SURVEY = {
    "type", "name", "label", "hint", "relevant", "constraint", "constraint_message", "required",
    "required_message", "calculation", "parameters", "minyi_missing", "minyi_modes", "minyi_seconds",
    "minyi_with", "minyi_low", "minyi_high", "minyi_topic", "minyi_index", "minyi_max_length", "appearance",
}  # fmt: skip
READ_CHOICES = {"list_name", "name", "label", "minyi_missing", "minyi_specify", "minyi_exclusive"}
READ_SETTINGS = {"form_title", "form_id", "version", "default_language", "minyi_timezone"}
CHANGES_MEANING = {
    "choice_filter": "选项会随前面的回答变化（choice_filter）",
    "repeat_count": "重复组",
    "trigger": "触发式计算（trigger）",
    "default": "默认答案（default）会替受访者先选好",
}
CODE_NUMBER = re.compile(r"-?(0|[1-9]\d{0,8})")
YES = {"yes", "true", "true()", "1", "y", "是"}
NO = {"", "no", "false", "false()", "0", "n", "否"}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


class Builder:
    """Collects `problems` and `cells` ((name, field) → cell) while it builds."""

    def __init__(self, sheets: Mapping[str, Sheet]) -> None:
        self.survey = sheets["survey"]
        self.choices = sheets.get("choices", Sheet("choices"))
        self.settings = sheets.get("settings", Sheet("settings"))
        self.sheets = sheets
        self.problems: list[Problem] = []
        self.cells: dict[tuple[str, str], str] = {}
        self.languages = self._languages()

    def document(self) -> Document | None:
        """The document as far as it could be built; see `problems`."""
        row = self.settings.rows[0] if self.settings.rows else (1, {})
        settings = row[1]
        if not self._speaks():
            return None
        blocks = _Blocks(self).build()
        title = self._title(row)
        self._lost_columns()
        if not blocks:
            self._add("error", "empty", "survey 工作表里没有题目", "")
            return None
        return {
            "format": FORMAT,
            "name": self._form_name(settings.get("form_id", "")),
            "version": settings.get("version", "1"),
            "title": title,
            "languages": self.languages,
            "default_language": self._default_language(settings.get("default_language", "")),
            "timezone": settings.get("minyi_timezone", "Asia/Shanghai"),
            "choice_lists": self._choice_lists(),
            "blocks": blocks,
        }

    # ---- settings ------------------------------------------------------------------------------------

    def _languages(self) -> list[str]:
        found = {
            key.split("::")[1]
            for sheet in (self.survey, self.choices)
            for key in sheet.columns
            if key.startswith("label::") and key.split("::")[1] in LANGUAGES
        }
        return [language for language in LANGUAGES if language in found] or ["zh-hans"]

    def _speaks(self) -> bool:
        """Whether the sheet has texts in a language of ours; said once rather than at each row."""
        keys = self.survey.columns
        if "label" in keys or any(key == f"label::{language}" for language in LANGUAGES for key in keys):
            return True
        named = [header for key, header in self.survey.headers.items() if key.startswith("label")]
        wanted = "label::简体中文 (zh-hans)、label::繁體中文 (zh-hant) 或 label::English (en)"
        message = f"没有找到题目文字。列名要写成 {wanted}"
        found = f"；现在是{'、'.join(named)}" if named else ""
        self._add("error", "language", message + found, f"{self.survey.name}!1")
        return False

    def _default_language(self, text: str) -> str:
        match = re.search(r"\(\s*([A-Za-z-]+)\s*\)", text)
        named = language_of(match[1] if match else text)
        return named if named in self.languages else self.languages[0]

    def _title(self, row: tuple[int, dict[str, str]]) -> dict[str, str]:
        number, values = row
        self.cells["settings", "title"] = self.settings.cell(number, "form_title")
        title = self.texts(values, "form_title")
        plain = values.get("form_title") or "问卷"
        return {language: title.get(language, plain) for language in self.languages}

    @staticmethod
    def _form_name(form_id: str) -> str:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", form_id) or "questionnaire"
        return (name if NAME.fullmatch(name) else f"q_{name}")[:64]

    # ---- shared --------------------------------------------------------------------------------------

    def _add(self, level: str, code: str, message: str, cell: str) -> None:
        self.problems.append(Problem(level, code, message, cell=cell))

    def texts(self, row: Mapping[str, str], column: str) -> dict[str, str]:
        """A translated column; an untranslated one counts as the first language."""
        found = {
            language: row[f"{column}::{language}"]
            for language in self.languages
            if row.get(f"{column}::{language}")
        }
        if not found and row.get(column):
            found = {self.languages[0]: row[column]}
        return found

    def text_column(self, sheet: Sheet, column: str) -> str:
        """The column of a text for the cell of a problem: the first language that has one."""
        keys = [f"{column}::{language}" for language in self.languages] + [column]
        return next((key for key in keys if key in sheet.columns), column)

    def expression(self, text: str, cell: str) -> dict[str, Any] | None:
        """A parsed cell; None, and a problem, when it cannot be read."""
        try:
            return expression(text)
        except ExpressionError as error:
            self._add("error", "expression", f"表达式看不懂：{error.reason}", cell)
            return None

    # ---- choices -------------------------------------------------------------------------------------

    def _choice_lists(self) -> dict[str, list[dict[str, Any]]]:
        lists: dict[str, list[dict[str, Any]]] = {}
        for number, row in self.choices.rows:
            name, code = row.get("list_name", ""), row.get("name", "")
            if not name or not code:
                self._add("error", "choices", "选项要写 list_name 和 name", self.choices.cell(number, "name"))
                continue
            choice: dict[str, Any] = {
                "code": int(code) if CODE_NUMBER.fullmatch(code) and code != "-0" else code,
                "label": self.texts(row, "label"),
            }
            if row.get("minyi_missing"):
                choice["missing"] = self._missing_kind(row["minyi_missing"], number)
            for flag in ("specify", "exclusive"):
                if row.get(f"minyi_{flag}", "").lower() in YES:
                    choice[flag] = True
            place = f"{name}/{choice['code']}"
            self.cells[place, "name"] = self.choices.cell(number, "name")
            self.cells[place, "label"] = self.choices.cell(number, self.text_column(self.choices, "label"))
            self.cells[place, "missing"] = self.choices.cell(number, "minyi_missing")
            lists.setdefault(name, []).append(choice)
        return lists

    def _missing_kind(self, text: str, number: int) -> str:
        kinds = {"不了解": "dont_know", "拒答": "refused", "dont_know": "dont_know", "refused": "refused"}
        kind = kinds.get(text.strip().lower())
        if kind is None:
            cell = self.choices.cell(number, "minyi_missing")
            self._add(
                "error", "missing_code", f"minyi_missing 只能写 dont_know 或 refused，这里是“{text}”", cell
            )
        return kind or "dont_know"

    # ---- what is left behind -------------------------------------------------------------------------

    def _lost_columns(self) -> None:
        plan = ((self.survey, READ_SURVEY), (self.choices, READ_CHOICES), (self.settings, READ_SETTINGS))
        for sheet, read in plan:
            for key, letter in sheet.columns.items():
                base, _, language = key.partition("::")
                if base in read and (not language or language in self.languages):
                    continue
                used = [number for number, row in sheet.rows if row.get(key)]
                if not used:
                    continue
                cell = f"{sheet.name}!{letter}{used[0]}"
                if base in CHANGES_MEANING and sheet is self.survey:
                    self._add(
                        "error", "unsupported", f"还不支持{CHANGES_MEANING[base]}，去掉会改变问卷", cell
                    )
                else:
                    message = f"“{sheet.headers[key]}”这一列没有带过来（{len(used)} 行有内容）"
                    self._add("lost", "column", message, f"{sheet.name}!{letter}1")
        for name, sheet in self.sheets.items():
            if name not in ("survey", "choices", "settings") and sheet.rows:
                self._add("lost", "sheet", f"工作表“{sheet.name}”没有带过来", f"{sheet.name}!A1")


class _Blocks:
    """Rows of the survey sheet into blocks; nested groups are flattened, their conditions joined."""

    def __init__(self, builder: Builder) -> None:
        self.b, self.sheet = builder, builder.survey
        self.blocks: list[dict[str, Any]] = []
        self.groups: list[dict[str, Any]] = []  # open groups: name, title, relevant (text), cell
        self.open = False

    def build(self) -> list[dict[str, Any]]:
        for number, row in self.sheet.rows:
            kind = " ".join(row.get("type", "").split())
            lowered = kind.lower().replace("begin group", "begin_group").replace("end group", "end_group")
            lowered = lowered.replace("begin repeat", "begin_repeat").replace("end repeat", "end_repeat")
            if lowered == "begin_group":
                self._begin(number, row)
            elif lowered == "end_group":
                self.groups.pop()
                self.open = False
            elif lowered in ("begin_repeat", "end_repeat"):
                if lowered == "begin_repeat":
                    self._refuse("重复组", number)
            elif lowered in METADATA:
                self.b._add(
                    "lost", "metadata", f"“{kind}”由平台自己记录，没有带过来", self.sheet.cell(number, "type")
                )
            elif kind:
                self._item(number, row, kind)
        return [block for block in self.blocks if block["items"]]

    def _refuse(self, what: str, number: int) -> None:
        self.b._add(
            "error", "unsupported", f"还不支持{what}，去掉会改变问卷", self.sheet.cell(number, "type")
        )

    def _begin(self, number: int, row: dict[str, str]) -> None:
        cell = self.sheet.cell(number, "relevant")
        if self.groups:
            self.b._add("lost", "nested", "嵌套的组并进了外层，标题没有保留", self.sheet.cell(number, "name"))
        self.groups.append(
            {
                "name": row.get("name", f"group_{number}"),
                "title": self.b.texts(row, "label"),
                "relevant": row.get("relevant", ""),
                "cell": cell,
                "row": number,
            }
        )
        self.open = False

    def _block(self) -> list[dict[str, Any]]:
        """The items of the block that is being filled; a new block after a group begins or ends."""
        if self.open:
            return self.blocks[-1]["items"]
        used = {block["name"] for block in self.blocks}
        name = self.groups[-1]["name"] if self.groups else "block"
        unique, again = name, 2
        while unique in used:
            unique, again = f"{name}_{again}", again + 1
        block: dict[str, Any] = {"name": unique, "items": []}
        if self.groups:
            group = self.groups[-1]
            self.b.cells[unique, "name"] = self.sheet.cell(group["row"], "name")
            column = self.b.text_column(self.sheet, "label")
            self.b.cells[unique, "title"] = self.sheet.cell(group["row"], column)
            self.b.cells[unique, "relevant"] = group["cell"]
            if self.groups[0]["title"]:
                block["title"] = self.groups[0]["title"]
            conditions = [group["relevant"] for group in self.groups if group["relevant"]]
            parsed = [self.b.expression(text, group["cell"]) for text in conditions]
            if conditions and all(parsed):
                whole = conditions[0] if len(conditions) == 1 else " and ".join(f"({c})" for c in conditions)
                block["relevant"] = self.b.expression(whole, group["cell"])
        self.blocks.append(block)
        self.open = True
        return block["items"]

    def _item(self, number: int, row: dict[str, str], kind: str) -> None:
        name = row.get("name", "")
        select = SELECT.match(kind)
        item: dict[str, Any] = {"name": name}
        if select:
            item["type"] = select[1].lower().replace(" ", "_")
            item["list"] = select[2]
            if select[3]:
                self._refuse("or_other（请改写成一个“其他”选项和一道文字题）", number)
        elif kind.lower() in TYPES:
            item["type"] = TYPES[kind.lower()]
        else:
            self._refuse(f"题型“{kind}”", number)
            return
        texts = ("label", "hint", "constraint_message", "required_message")
        column_of = {field: self.b.text_column(self.sheet, field) for field in texts}
        column_of |= {end: self.b.text_column(self.sheet, f"minyi_{end}") for end in ("low", "high")}
        column_of |= {field: f"minyi_{field}" for field in ("missing", "with", "modes")}
        plain = ("name", "type", "relevant", "constraint", "required", "calculation", "parameters")
        column_of |= {field: field for field in plain}
        for field, column in column_of.items():
            self.b.cells.setdefault((name, field), self.sheet.cell(number, column))
        self._fill(item, number, row)
        self._block().append(item)

    def _fill(self, item: dict[str, Any], number: int, row: dict[str, str]) -> None:
        cell = lambda column: self.sheet.cell(number, column)  # noqa: E731
        for field in ("label", "hint", "constraint_message", "required_message"):
            texts = self.b.texts(row, field)
            if texts:
                item[field] = texts
        for field in ("relevant", "constraint", "calculation"):
            if row.get(field):
                stored = self.b.expression(row[field], cell(field))
                if stored:
                    item[field] = stored
        required = row.get("required", "").strip()
        if required.lower() in YES:
            item["required"] = True
        elif required.lower() not in NO:
            stored = self.b.expression(required, cell("required"))
            if stored:
                item["required"] = stored
        if item["type"] == "scale":
            self._scale(item, row, cell("parameters"))
        for field, column in (("missing", "minyi_missing"), ("with", "minyi_with"), ("topic", "minyi_topic"),
                              ("index", "minyi_index")):  # fmt: skip
            if row.get(column):
                item[field] = row[column]
        if item["type"] in CHOICE_TYPES and not item.get("list"):
            self.b._add("error", "choices", "选择题要写选项表的名字", cell("type"))
        self._small(item, row, cell)

    def _small(self, item: dict[str, Any], row: dict[str, str], cell: Any) -> None:
        if row.get("minyi_modes"):
            modes = row["minyi_modes"].split()
            if set(modes) <= set(MODES):
                item["modes"] = [mode for mode in MODES if mode in modes]
            else:
                self.b._add("error", "modes", "minyi_modes 只能写 web 和 door", cell("minyi_modes"))
        for field, column in (("seconds", "minyi_seconds"), ("max_length", "minyi_max_length")):
            text = row.get(column, "")
            if text.isascii() and text.isdigit():
                item[field] = int(text)
            elif text:
                self.b._add("error", field, f"{column} 要写整数，这里是“{text}”", cell(column))
        if "seconds" not in item and item["type"] != "calculate":
            item["seconds"] = default_seconds(item)
        appearance = row.get("appearance", "")
        if "multiline" in appearance.split():
            item["multiline"] = True
        elif appearance:
            message = f"外观“{appearance}”没有带过来，题目照常显示"
            self.b._add("lost", "appearance", message, cell("appearance"))

    def _scale(self, item: dict[str, Any], row: dict[str, str], cell: str) -> None:
        given = dict(
            part.split("=", 1) for part in re.split(r"[ ,;]+", row.get("parameters", "")) if "=" in part
        )
        try:
            item["from"], item["to"] = int(given.get("start", "1")), int(given.get("end", "10"))
            if float(given.get("step", "1")) != 1:
                self.b._add("error", "scale", "分数题只能一分一档（step=1）", cell)
        except ValueError:
            self.b._add("error", "scale", "分数题的 parameters 要写成 start=0 end=10 step=1", cell)
        low, high = self.b.texts(row, "minyi_low"), self.b.texts(row, "minyi_high")
        if low or high:
            item["ends"] = {"low": low, "high": high}


def default_seconds(item: Mapping[str, Any]) -> int:
    """Stated time when the author gives none: our own working assumption of 4 Chinese characters a second for
    reading aloud at ease, plus 3 seconds to tap, 6 to type a number, 25 to write; paradata replace it."""
    label = (item.get("label") or {}).get("zh-hans") or next(iter((item.get("label") or {}).values()), "")
    act = {"text": 25, "integer": 6, "decimal": 6, "date": 10, "select_multiple": 6, "note": 0}
    return act.get(item["type"], 3) + -(-len(label) // 4)
