"""XLSForm → questionnaire document.

pyxform reads the form and finds the author's mistakes against the standard (validate=False: its Java checker
is not needed, our own checks follow). What the document cannot carry is an error when dropping it would
change the questionnaire, otherwise it is listed as lost. Columns of ours, which ODK and Kobo ignore:

survey:  minyi_missing (choice list of don't-know and refused), minyi_modes (web, door), minyi_seconds,
         minyi_with (earlier item whose screen this one shares), minyi_low, minyi_high (ends of a scale, one
         column per language), minyi_topic, minyi_index, minyi_max_length
choices: minyi_missing (dont_know, refused), minyi_specify (yes), minyi_exclusive (yes)
settings: minyi_timezone
"""

import re
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert

from survey.questionnaires.checking import check_document
from survey.questionnaires.document import Document, Problem
from survey.questionnaires.xlsform.building import Builder
from survey.questionnaires.xlsform.sheets import BadWorkbook, Sheet, read_sheets

ROW_IN_MESSAGE = re.compile(r"\[row\s*:\s*(\d+)\]")
NAME_IN_MESSAGE = re.compile(r"named ['\"]([^'\"]+)['\"]")
# Warnings of pyxform that our own checks say better, or that do not concern us.
QUIET_WARNINGS = ("is missing the survey column", "is missing the choices column", "machine-readable codes")


def read_xlsform(source: str | Path | bytes | BinaryIO) -> tuple[Document | None, list[Problem]]:
    """Read an .xlsx XLSForm.

    Parameters
    ----------
    source : path, bytes, or a binary file.

    Returns
    -------
    The document, or None when there is at least one error; and all problems, each with its sheet and cell.
    """
    content = _content(source)
    try:
        sheets = read_sheets(content)
    except BadWorkbook as error:
        return None, [Problem("error", "file", str(error))]
    problems = _by_pyxform(content, sheets)
    if any(problem.level == "error" for problem in problems):
        return None, problems
    builder = Builder(sheets)
    document = builder.document()
    problems += builder.problems
    if document is not None and not any(problem.level == "error" for problem in problems):
        problems += check_document(document, builder.cells)
    refused = document is None or any(problem.level == "error" for problem in problems)
    problems.sort(key=lambda problem: ("error", "warning", "lost").index(problem.level))
    return (None if refused else document), problems


def _content(source: str | Path | bytes | BinaryIO) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str | Path):
        return Path(source).read_bytes()
    return source.read()


def _by_pyxform(content: bytes, sheets: dict[str, Sheet]) -> list[Problem]:
    """pyxform's own errors and warnings, with the cell where the message names a row."""
    if "survey" not in sheets:
        return [Problem("error", "sheet", "没有名为 survey 的工作表")]
    try:
        result = convert(xlsform=BytesIO(content), validate=False, file_type=".xlsx")
    except PyXFormError as error:
        return [_pyxform_problem("error", str(error), sheets)]
    except Exception as error:  # pyxform 4.5 lets AttributeError and the like through on odd columns
        return [Problem("error", "pyxform", f"pyxform 读不了这份表：{type(error).__name__}: {error}")]
    return [
        _pyxform_problem("warning", warning, sheets)
        for warning in result.warnings
        if not any(quiet in warning for quiet in QUIET_WARNINGS)
    ]


def _pyxform_problem(level: str, message: str, sheets: dict[str, Sheet]) -> Problem:
    """The message with the cell that it is about: by the row it names, else by the question it names."""
    on_choices = "'choices'" in message or "choice list" in message.lower()
    sheet = sheets.get("choices" if on_choices else "survey", sheets["survey"])
    row = ROW_IN_MESSAGE.search(message)
    cell = sheet.cell(int(row[1]), "name" if on_choices else "type") if row else ""
    for name in NAME_IN_MESSAGE.findall(message) if not cell else []:
        cell = next((sheet.cell(at, "name") for at, values in sheet.rows if values.get("name") == name), cell)
    return Problem(level, "pyxform", f"XLSForm 规范检查：{' '.join(message.split())}", cell=cell)
