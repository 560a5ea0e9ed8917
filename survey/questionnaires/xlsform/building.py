"""Build the document from the rows of the sheets, noting the cell of every field."""

import re
from collections.abc import Mapping
from typing import Any

from survey.questionnaires.document import (
    FORMAT,
    Document,
    Problem,
    expression,
    format_for,
)
from survey.questionnaires.expressions import ExpressionError
from survey.questionnaires.said import said as _
from survey.questionnaires.xlsform.choices import READ_CHOICES, ChoiceReader
from survey.questionnaires.xlsform.items import NAME
from survey.questionnaires.xlsform.languages import LANGUAGE_NAMES, spoken_by
from survey.questionnaires.xlsform.parts import order_of, quota_rows, with_parts
from survey.questionnaires.xlsform.rows import Rows
from survey.questionnaires.xlsform.sheets import Sheet
from survey.questionnaires.xlsform.writing import TEXTS, text_problems

READ_SURVEY = {
    "type", "name", "label", "hint", "relevant", "constraint", "constraint_message", "required",
    "required_message", "calculation", "parameters", "minyi_missing", "minyi_modes", "minyi_seconds",
    "minyi_with", "minyi_low", "minyi_high", "minyi_topic", "minyi_index", "minyi_max_length", "appearance",
    "choice_filter", "repeat_count", "default", "readonly", "minyi_type", "minyi_order", "minyi_limits",
    "minyi_matrix", "minyi_root", "minyi_levels", "minyi_scoring", "minyi_consent", "minyi_repeat_label",
    "minyi_method", "minyi_parts",
}  # fmt: skip
READ_SETTINGS = {
    "form_title", "form_id", "version", "default_language", "minyi_timezone", "allow_choice_duplicates",
    "name", "minyi_title", "minyi_parts",
}  # fmt: skip
READ_SHEETS = ("survey", "choices", "settings", "matrices", "quotas")
TITLES = ("form_title", "minyi_title")
CHANGES_MEANING = {
    "trigger": _("触发式计算（trigger）"),
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
        setting = self.settings.rows[0][1] if self.settings.rows else {}
        self.spoken = spoken_by(self.survey, self.choices, setting.get("default_language", ""))
        self.languages = self.spoken.languages

    def document(self) -> Document | None:
        """The document as far as it could be built; see `problems`."""
        row = self.settings.rows[0] if self.settings.rows else (1, {})
        settings = row[1]
        if not self._speaks():
            return None
        rows, choices = Rows(self), ChoiceReader(self)
        for sheet in (self.survey, self.choices):
            self.problems += text_problems(sheet, self._text_keys(sheet))
        blocks = rows.build()
        title = self._title(row)
        self._lost_columns(choices.columns())
        if not blocks:
            if not any(problem.level == "error" for problem in self.problems):
                self.add("error", "empty", _("survey 工作表里没有题目"), f"{self.survey.name}!A2")
            return None
        document = {
            "format": FORMAT,
            "name": self._form_name(settings.get("form_id", "")),
            "version": settings.get("version", "1"),
            "title": title,
            "languages": self.languages,
            "default_language": self.spoken.default,
            "timezone": settings.get("minyi_timezone", "Asia/Shanghai"),
            "choice_lists": choices.lists(rows.or_other),
            "blocks": blocks,
        }
        if "matrices" in self.sheets or rows.matrices:
            document["matrices"] = rows.matrices | self._matrices()
        if "quotas" in self.sheets:
            document["quotas"] = quota_rows(self)
        document["format"] = format_for(document)
        kept = ("blocks", "choice_lists")
        return with_parts(self, document, settings, self.settings.cell(row[0], "minyi_parts"), kept)

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
            found[name] = with_parts(self, found[name], row, sheet.cell(number, "minyi_parts"))
            for field in ("label", "hint", "minyi_order"):
                self.cells[name, field.removeprefix("minyi_")] = sheet.cell(
                    number, self.text_column(sheet, field)
                )
        return found

    # ---- settings ------------------------------------------------------------------------------------

    def _speaks(self) -> bool:
        """Whether the sheet has texts in a language of ours; said once rather than at each row."""
        spoken, cell = self.spoken, self.survey.cell(self.survey.header_row, "label")
        if spoken.languages:
            if spoken.guessed and spoken.plain == "en":
                message = _(
                    "“label”没有写语言，按文字当作英文。不是的话，请在 settings 里写 default_language，"
                    "或把列名写成 label::语言"
                )
                self.add("warning", "language", message, cell)
            return True
        wanted = [f"label::{name}" for name in LANGUAGE_NAMES.values()]
        if spoken.foreign:
            cell = self.settings.cell(self.settings.rows[0][0], "default_language")
            message = _(
                "问卷只能用简体中文、繁体中文和英文，这里的语言是“{foreign}”。请加一列 {wanted}",
                foreign=spoken.foreign,
                wanted=wanted,
            )
        else:
            named = [key for key in self.survey.headers if key.startswith("label")]
            cell = self.survey.cell(self.survey.header_row, named[0]) if named else cell
            found = [self.survey.headers[key] for key in named]
            message = _("没有找到简体中文、繁体中文或英文的题目文字。列名要写成 {wanted}", wanted=wanted)
            if found:
                message = _("{message}；现在是{found}", message=message, found=found)
        self.add("error", "language", message, cell)
        return False

    def _title(self, row: tuple[int, dict[str, str]]) -> dict[str, str]:
        number, values = row
        self.cells["settings", "title"] = self.settings.cell(number, "form_title")
        title = self.texts(values, "form_title") | self.texts(values, "minyi_title")
        plain = values.get("form_title") or "问卷"
        return {language: title.get(language, plain) for language in self.languages}

    @staticmethod
    def _form_name(form_id: str) -> str:
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", form_id) or "questionnaire"
        return (name if NAME.fullmatch(name) else f"q_{name}")[:64]

    def _text_keys(self, sheet: Sheet) -> set[str]:
        """Columns whose texts are read."""
        plain = set(TEXTS) if self._plain_read() else set()
        return sheet.columns.keys() & (
            plain | {f"{base}::{each}" for base in TEXTS for each in self.languages}
        )

    # ---- shared --------------------------------------------------------------------------------------

    def add(self, level: str, code: str, message: str, cell: str) -> None:
        self.problems.append(Problem(level, code, message, cell=cell))

    def texts(self, row: Mapping[str, str], column: str) -> dict[str, str]:
        """A translated column; the plain one holds the language that `languages` found for it."""
        found = {
            language: row[f"{column}::{language}"]
            for language in self.languages
            if row.get(f"{column}::{language}")
        }
        if row.get(column) and self.spoken.plain in self.languages:
            found.setdefault(self.spoken.plain, row[column])
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
            self.add("error", "expression", _("表达式看不懂：{reason}", reason=error.reason), cell)
            return None

    # ---- what is left behind -------------------------------------------------------------------------

    def _lost_columns(self, for_filters: set[str]) -> None:
        plan = (
            (self.survey, READ_SURVEY),
            (self.choices, READ_CHOICES | for_filters),
            (self.settings, READ_SETTINGS),
        )
        for sheet, read in plan:
            for key, letter in sheet.columns.items():
                base, _colons, language = key.partition("::")
                speaks = (
                    language in self.languages
                    if language
                    else base not in (*TEXTS, *TITLES) or self._plain_read()
                )
                if base in read and speaks:
                    continue
                self._lost_column(sheet, key, letter)
        for name, sheet in self.sheets.items():
            if name not in READ_SHEETS and not name.startswith("minyi_") and sheet.rows:
                self.add("lost", "sheet", _("工作表“{name}”没有带过来", name=sheet.name), f"{sheet.name}!A1")

    def _plain_read(self) -> bool:
        return self.spoken.plain in self.languages

    def _lost_column(self, sheet: Sheet, key: str, letter: str) -> None:
        used = [number for number, row in sheet.rows if row.get(key)]
        base = key.partition("::")[0]
        if used and base in CHANGES_MEANING and sheet is self.survey:
            message = _("还不支持{what}，去掉会改变问卷", what=CHANGES_MEANING[base])
            self.add("error", "unsupported", message, f"{sheet.name}!{letter}{used[0]}")
        elif used:
            message = _(
                "“{name}”这一列没有带过来（{count} 行有内容）", name=sheet.headers[key], count=len(used)
            )
            self.add("lost", "column", message, f"{sheet.name}!{letter}{sheet.header_row}")
