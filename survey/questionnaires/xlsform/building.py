"""Build the document from the rows of the sheets, noting the cell of every field."""

import re
from collections.abc import Mapping
from typing import Any

from survey.questionnaires.document import (
    FORMAT,
    LANGUAGES,
    MISSING_CODES,
    Document,
    Problem,
    expression,
    format_for,
)
from survey.questionnaires.expressions import ExpressionError
from survey.questionnaires.xlsform.items import CODE_NUMBER, NAME, YES
from survey.questionnaires.xlsform.parts import order_of, quota_rows
from survey.questionnaires.xlsform.rows import Rows
from survey.questionnaires.xlsform.sheets import Sheet, language_of

READ_SURVEY = {
    "type", "name", "label", "hint", "relevant", "constraint", "constraint_message", "required",
    "required_message", "calculation", "parameters", "minyi_missing", "minyi_modes", "minyi_seconds",
    "minyi_with", "minyi_low", "minyi_high", "minyi_topic", "minyi_index", "minyi_max_length", "appearance",
    "choice_filter", "repeat_count", "default", "readonly", "minyi_type", "minyi_order", "minyi_limits",
    "minyi_matrix", "minyi_root", "minyi_levels", "minyi_scoring", "minyi_consent", "minyi_repeat_label",
    "minyi_method",
}  # fmt: skip
READ_CHOICES = {"list_name", "name", "label", "minyi_missing", "minyi_specify", "minyi_exclusive"}
READ_SETTINGS = {"form_title", "form_id", "version", "default_language", "minyi_timezone"}
MEDIA = {"image", "audio", "video", "media", "big-image", "geometry"}
# The option that or_other adds, in our languages.
OTHER = {"zh-hans": "其他", "zh-hant": "其他", "en": "Other"}
CHANGES_MEANING = {
    "trigger": "触发式计算（trigger）",
}


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
        rows = Rows(self)
        blocks = rows.build()
        title = self._title(row)
        self._lost_columns()
        if not blocks:
            self.add("error", "empty", "survey 工作表里没有题目", "")
            return None
        document = {
            "format": FORMAT,
            "name": self._form_name(settings.get("form_id", "")),
            "version": settings.get("version", "1"),
            "title": title,
            "languages": self.languages,
            "default_language": self._default_language(settings.get("default_language", "")),
            "timezone": settings.get("minyi_timezone", "Asia/Shanghai"),
            "choice_lists": self._choice_lists(rows.or_other),
            "blocks": blocks,
        }
        if matrices := rows.matrices | self._matrices():
            document["matrices"] = matrices
        if quotas := quota_rows(self):
            document["quotas"] = quotas
        document["format"] = format_for(document)
        return document

    def _matrices(self) -> dict[str, Any]:
        sheet = self.sheets.get("matrices", Sheet("matrices"))
        found: dict[str, Any] = {}
        for number, row in sheet.rows:
            name = row.get("name", "")
            found[name] = {"label": self.texts(row, "label")}
            if hint := self.texts(row, "hint"):
                found[name]["hint"] = hint
            if order := order_of(self, row.get("minyi_order", ""), sheet.cell(number, "minyi_order")):
                found[name]["order"] = order
            for field in ("label", "hint", "minyi_order"):
                self.cells[name, field.removeprefix("minyi_")] = sheet.cell(
                    number, self.text_column(sheet, field)
                )
        return found

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
        self.add("error", "language", message + found, f"{self.survey.name}!1")
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

    def add(self, level: str, code: str, message: str, cell: str) -> None:
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
            self.add("error", "expression", f"表达式看不懂：{error.reason}", cell)
            return None

    # ---- choices -------------------------------------------------------------------------------------

    def _choice_lists(self, or_other: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
        lists: dict[str, list[dict[str, Any]]] = {}
        for number, row in self.choices.rows:
            name, code = row.get("list_name", ""), row.get("name", "")
            if not name or not code:
                self.add("error", "choices", "选项要写 list_name 和 name", self.choices.cell(number, "name"))
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
            columns = {
                self.choices.headers[key]: text
                for key, text in row.items()
                if key in self._columns() and text
            }
            if columns:
                choice["columns"] = columns
            place = f"{name}/{choice['code']}"
            self.cells[place, "columns"] = self.choices.cell(number, "name")
            self.cells[place, "name"] = self.choices.cell(number, "name")
            self.cells[place, "label"] = self.choices.cell(number, self.text_column(self.choices, "label"))
            self.cells[place, "missing"] = self.choices.cell(number, "minyi_missing")
            lists.setdefault(name, []).append(choice)
        for made, source in or_other.items():
            other = {language: OTHER[language] for language in self.languages}
            lists[made] = [*lists.get(source, []), {"code": "other", "label": other, "specify": True}]
        return lists

    def _columns(self) -> set[str]:
        """Columns of choices that are nobody's but a filter's."""
        return {
            key
            for key in self.choices.columns
            if key not in READ_CHOICES and key not in MEDIA and NAME.fullmatch(self.choices.headers[key])
        }

    def _missing_kind(self, text: str, number: int) -> str:
        kinds = {"不了解": "dont_know", "拒答": "refused", "dont_know": "dont_know", "refused": "refused"}
        kinds |= {kind: kind for kind in MISSING_CODES}
        kind = kinds.get(text.strip().lower())
        if kind is None:
            cell = self.choices.cell(number, "minyi_missing")
            self.add(
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
                if sheet is self.choices and key in self._columns():
                    continue
                used = [number for number, row in sheet.rows if row.get(key)]
                if not used:
                    continue
                cell = f"{sheet.name}!{letter}{used[0]}"
                if base in CHANGES_MEANING and sheet is self.survey:
                    self.add("error", "unsupported", f"还不支持{CHANGES_MEANING[base]}，去掉会改变问卷", cell)
                else:
                    message = f"“{sheet.headers[key]}”这一列没有带过来（{len(used)} 行有内容）"
                    self.add("lost", "column", message, f"{sheet.name}!{letter}1")
        for name, sheet in self.sheets.items():
            if name not in ("survey", "choices", "settings", "matrices", "quotas") and sheet.rows:
                self.add("lost", "sheet", f"工作表“{sheet.name}”没有带过来", f"{sheet.name}!A1")
