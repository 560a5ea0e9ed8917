"""What pyxform says about a form, in Chinese and with its cell; and what it cannot place itself."""

import re
from collections.abc import Iterator
from io import BytesIO

from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert

from survey.questionnaires.document import Problem
from survey.questionnaires.said import said as _
from survey.questionnaires.xlsform.files import FormFile
from survey.questionnaires.xlsform.items import SELECT
from survey.questionnaires.xlsform.sheets import Sheet

ROW_IN_MESSAGE = re.compile(r"\[row\s*:\s*(\d+)\]")
SHEET_IN_MESSAGE = re.compile(
    r"'(survey|choices|settings|external_choices|entities|osm)' sheet|sheet: '(\w+)'"
)
COLUMN_IN_MESSAGE = re.compile(r"the '([\w: ]+)' value")
NAME_IN_MESSAGE = re.compile(r"(?:named|name|type|value) ['\"]([^'\"]+)['\"]")
# Warnings of pyxform that our own checks say better, or that do not concern us.
QUIET_WARNINGS = (
    "is missing the survey column", "is missing the choices column", "machine-readable codes", "max-pixels",
    "Group has no label", "Repeat has no label",
)  # fmt: skip
# What pyxform means, in words; the message itself follows where there is none. {first} and {second} are what
# the pattern holds.
MEANINGS = (
    (r"Duplicate column header: (.+)", _("有两列都叫“{first}”，只留一列")),
    (
        r"for the same column were found: '(.+?)', '(.+?)'",
        _("“{first}”和“{second}”是同一列的两个名字，只留一列"),
    ),
    (r"Choice names must be unique for each choice list", _("同一张选项表里，这个代码用了两次")),
    (r"Choices should have a label", _("这个选项没有写文字（label）")),
    (r"Choices must have a name", _("这个选项没有写代码（name）")),
    (r"Unmatched 'begin_(\w+)'", _("这个 begin_{first} 没有对应的 end_{first}")),
    (r"Unmatched 'end_(\w+)'", _("这个 end_{first} 没有对应的 begin_{first}")),
    (r"Question with no type", _("这一行没有写题型（type）")),
    (r"Question or group with no name", _("这一行没有写题名（name）")),
    (r"Missing calculation", _("计算题没有写计算公式（calculation）")),
    (r"must be unique within their nearest parent group", _("同一组里有两个一样的题名")),
    (r"Names must begin with a letter or underscore", _("名字以字母开头，只用字母、数字、点、横线和下划线")),
    (r"Could not find the name '(.+?)'", _("没有“{first}”这一题，核对 ${{ }} 里的题名")),
    (r"The name '(.+?)' appears more than once", _("“{first}”不止一题，${{ }} 分不清是哪一题")),
    (r"Unknown question type '(.+?)'", _("没有“{first}”这种题型")),
    (r"List name not in choices sheet: (\S+)", _("choices 工作表里没有“{first}”这张选项表")),
    (r"Choice filter not supported with or_other", _("用了 choice_filter 就不能用 or_other")),
    (r"must have a label", _("这一题没有写文字（label）")),
    (r"has no label", _("这一题没有写文字（label）")),
    (r"One or more required column headers were not found: (.+?)\.", _("少了必须有的列：{first}")),
)  # fmt: skip


def standard_problems(form: FormFile) -> list[Problem]:
    """pyxform's own errors and warnings, each with its cell; first what can be placed better beforehand."""
    if "survey" not in form.sheets:
        found = [sheet.name for sheet in form.sheets.values()] or _("没有工作表")
        message = _("没有名为 survey 的工作表；文件里现在有：{found}", found=found)
        if form.kind in (".csv", ".md"):
            message = _("{message}。第一列要写工作表的名字（survey、choices、settings）", message=message)
        where = next((f"{sheet.name}!A1" for sheet in form.sheets.values()), "")
        return [Problem("error", "sheet", message, cell=where)]
    if early := list(_before(form.sheets)):
        return early
    try:
        result = convert(xlsform=BytesIO(form.content), validate=False, file_type=form.kind)
    except PyXFormError as error:
        return [_placed("error", str(error), form.sheets)]
    except Exception as error:  # pyxform 4.5 lets AttributeError and the like through on odd columns
        cell = form.sheets["survey"].cell(1, "")
        message = _("pyxform 读不了这份表：{kind}: {error}", kind=type(error).__name__, error=str(error))
        return [Problem("error", "pyxform", message, cell=cell)]
    return [
        _placed("warning", warning, form.sheets)
        for warning in result.warnings
        if not any(quiet in warning for quiet in QUIET_WARNINGS)
    ]


def _before(sheets: dict[str, Sheet]) -> Iterator[Problem]:
    """Mistakes that pyxform finds without a place."""
    for name in ("survey", "choices", "settings"):
        sheet = sheets.get(name, Sheet(name))
        for header, letter in sheet.repeated:
            message = _("有两列都叫“{header}”，只留一列", header=header)
            yield Problem("error", "header", message, cell=f"{sheet.name}!{letter}{sheet.header_row}")
    yield from _twice(sheets.get("choices", Sheet("choices")))
    survey = sheets["survey"]
    for number, row in survey.rows:
        kind = row.get("type", "").split(" ")[0].lower()
        if kind == "include":
            message = _("还不支持“{type}”：它要别的文件。请把那份表的题抄进来", type=row["type"])
            yield Problem("error", "unsupported", message, cell=survey.cell(number, "type"))
        select = SELECT.match(" ".join(row.get("type", "").split()))
        if select and select[3] and row.get("choice_filter"):
            message = _(
                "用了 choice_filter 就不能用 or_other：请在选项表里自己写一个“其他”（minyi_specify 写 yes）"
            )
            yield Problem("error", "or_other", message, cell=survey.cell(number, "choice_filter"))


def _twice(choices: Sheet) -> Iterator[Problem]:
    """All codes that a list has twice: pyxform names the first and lets them pass with a setting."""
    seen: dict[tuple[str, str], int] = {}
    for number, row in choices.rows:
        key = row.get("list_name", ""), row.get("name", "")
        if all(key) and key in seen:
            message = _(
                "选项代码“{code}”在“{list}”里用过了（第 {line} 行）。每个选项要有自己的代码，"
                "写 allow_choice_duplicates 也一样：同一个代码的回答分不开",
                code=key[1],
                list=key[0],
                line=seen[key],
            )
            yield Problem("error", "duplicate", message, cell=choices.cell(number, "name"))
        seen.setdefault(key, number)


def _placed(level: str, message: str, sheets: dict[str, Sheet]) -> Problem:
    """The message with the cell that it is about: by the row and column it names, else by a name in it."""
    named = SHEET_IN_MESSAGE.search(message)
    wanted = (named[1] or named[2]) if named else "choices" if "choice list" in message.lower() else "survey"
    sheet = sheets.get(wanted, sheets["survey"])
    column = COLUMN_IN_MESSAGE.search(message)
    key = column[1] if column and column[1] in sheet.columns else "name" if wanted == "choices" else "type"
    row = ROW_IN_MESSAGE.search(message)
    cell = sheet.cell(sheet.row_of(int(row[1])), key) if row else _by_name(message, sheet)
    return Problem(level, "pyxform", _words(message), cell=cell or sheet.cell(sheet.header_row, key))


def _by_name(message: str, sheet: Sheet) -> str:
    for word in NAME_IN_MESSAGE.findall(message):
        for number, row in sheet.rows:
            for key in ("name", "type", "list_name"):
                if row.get(key) == word:
                    return sheet.cell(number, key)
    return ""


def _words(message: str) -> str:
    """In Chinese where we know it, with pyxform's own words behind."""
    plain = " ".join(ROW_IN_MESSAGE.sub("", message).split())
    for pattern, meaning in MEANINGS:
        if match := re.search(pattern, plain):
            values = dict(zip(("first", "second"), match.groups(), strict=False))
            return _("{meaning}（XLSForm 规范检查）", meaning=_(meaning, **values))
    return _("XLSForm 规范检查：{plain}", plain=plain)
