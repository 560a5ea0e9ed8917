"""Rows of the choices sheet into choice lists."""

import re
from collections.abc import Mapping
from typing import Any

from survey.questionnaires.document import MISSING_CODES
from survey.questionnaires.said import said as _
from survey.questionnaires.xlsform.items import CODE_NUMBER, NAME, YES
from survey.questionnaires.xlsform.parts import with_parts

READ_CHOICES = {
    "list_name", "name", "label", "minyi_missing", "minyi_specify", "minyi_exclusive", "minyi_code",
    "minyi_parts",
}  # fmt: skip
DIGITS = re.compile(r"-?[0-9]{1,18}")
MEDIA = {"image", "audio", "video", "media", "big-image", "geometry"}
# The option that or_other adds, in our languages.
OTHER = {"zh-hans": "其他", "zh-hant": "其他", "en": "Other"}
MISSING_WORDS = {"不了解": "dont_know", "拒答": "refused"} | {kind: kind for kind in MISSING_CODES}


class ChoiceReader:
    """Reads the choices with the texts and problems of a builder."""

    def __init__(self, builder: Any) -> None:
        self.b, self.sheet = builder, builder.choices
        self.own = self.columns()

    def columns(self) -> set[str]:
        """Columns that are nobody's but a filter's."""
        return {
            key
            for key in self.sheet.columns
            if key not in READ_CHOICES and key not in MEDIA and NAME.fullmatch(self.sheet.headers[key])
        }

    def lists(self, or_other: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
        """The lists, with those that or_other makes (its name → the list it is made from)."""
        lists: dict[str, list[dict[str, Any]]] = {}
        for number, row in self.sheet.rows:
            name, code = row.get("list_name", ""), row.get("name", "")
            if not name or not code:
                cell = self.sheet.cell(number, "name")
                self.b.add("error", "choices", _("选项要写 list_name 和 name"), cell)
            else:
                lists.setdefault(name, []).append(self._choice(number, row, name))
        for made, source in or_other.items():
            other = {language: OTHER[language] for language in self.b.languages}
            lists[made] = [*lists.get(source, []), {"code": "other", "label": other, "specify": True}]
        return lists

    def _choice(self, number: int, row: Mapping[str, str], list_name: str) -> dict[str, Any]:
        choice: dict[str, Any] = {"code": self._code(number, row), "label": self.b.texts(row, "label")}
        if row.get("minyi_missing"):
            choice["missing"] = self._missing_kind(row["minyi_missing"], number)
        for flag in ("specify", "exclusive"):
            if row.get(f"minyi_{flag}", "").lower() in YES:
                choice[flag] = True
        columns = {self.sheet.headers[key]: text for key, text in row.items() if key in self.own and text}
        if columns:
            choice["columns"] = columns
        place = f"{list_name}/{choice['code']}"
        label = self.b.text_column(self.sheet, "label")
        for field, column in {
            "columns": "name",
            "name": "name",
            "label": label,
            "missing": "minyi_missing",
        }.items():
            self.b.cells[place, field] = self.sheet.cell(number, column)
        return with_parts(self.b, choice, row, self.sheet.cell(number, "minyi_parts"), ("code",))

    def _code(self, number: int, row: Mapping[str, str]) -> int | str:
        """`minyi_code` says whether digits are a number or a text, where that is not what one would think."""
        code, kind = row["name"], row.get("minyi_code", "")
        if kind not in ("", "text", "number") or (kind == "number" and not DIGITS.fullmatch(code)):
            message = _("minyi_code 只能写 text 或 number，代码要合得上，这里是“{kind}”", kind=kind)
            self.b.add("error", "code", message, self.sheet.cell(number, "minyi_code"))
            return code
        if kind == "text":
            return code
        return int(code) if kind == "number" or is_number(code) else code

    def _missing_kind(self, text: str, number: int) -> str:
        kind = MISSING_WORDS.get(text.strip().lower())
        if kind is None:
            message = _("minyi_missing 只能写 dont_know 或 refused，这里是“{text}”", text=text)
            self.b.add("error", "missing_code", message, self.sheet.cell(number, "minyi_missing"))
        return kind or "dont_know"


def is_number(code: str) -> bool:
    """Whether a code written in a sheet is read as a number."""
    return bool(CODE_NUMBER.fullmatch(code)) and code != "-0"
