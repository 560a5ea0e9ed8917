"""XLSForm → questionnaire document.

pyxform reads the form and finds the author's mistakes against the standard (validate=False: its Java checker
is not needed, our own checks follow). What the document cannot carry is an error when dropping it would
change the questionnaire, otherwise it is listed as lost. Columns of ours, which ODK and Kobo ignore, are
listed in docs/questionnaire-format.md.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from survey.questionnaires.checking import check_document
from survey.questionnaires.document import Document, Problem
from survey.questionnaires.xlsform.building import Builder
from survey.questionnaires.xlsform.files import open_form
from survey.questionnaires.xlsform.sheets import BadWorkbook
from survey.questionnaires.xlsform.standard import standard_problems

CELL = re.compile(r"(.+)![A-Z]*(\d+)")
LEVELS = ("error", "warning", "lost")


def read_xlsform(source: str | Path | bytes | BinaryIO) -> tuple[Document | None, list[Problem]]:
    """Read an XLSForm: .xlsx, .xls, or its sheets as a CSV or Markdown text.

    Parameters
    ----------
    source : path, bytes, or a binary file.

    Returns
    -------
    The document, or None when there is at least one error; and all problems, each with its sheet and cell
    (of a text: line as row, field as letter), errors first.
    """
    try:
        form = open_form(_content(source))
    except BadWorkbook as error:
        return None, [Problem("error", "file", error.args[0])]
    problems = standard_problems(form)
    if any(problem.level == "error" for problem in problems):
        return None, problems
    builder = Builder(form.sheets)
    document = builder.document()
    problems += builder.problems
    if document is not None and not any(problem.level == "error" for problem in problems):
        problems += [_with_cell(each, document, builder) for each in check_document(document, builder.cells)]
    refused = document is None or any(problem.level == "error" for problem in problems)
    problems.sort(key=lambda problem: _place(problem, list(form.sheets)))
    return (None if refused else document), problems


def _place(problem: Problem, sheets: list[str]) -> tuple[int, int, int]:
    """Errors first, then as an author walks down the sheets."""
    found = CELL.fullmatch(problem.cell)
    sheet = found[1].lower() if found else ""
    at = sheets.index(sheet) if sheet in sheets else len(sheets)
    return LEVELS.index(problem.level), at, int(found[2]) if found else 0


def _content(source: str | Path | bytes | BinaryIO) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, str | Path):
        return Path(source).read_bytes()
    return source.read()


def _with_cell(problem: Problem, document: Document, builder: Builder) -> Problem:
    """A problem of the document's shape (`blocks/0/items/3/label`) with the cell of what stands there."""
    if problem.cell or problem.code != "shape":
        return problem
    thing: Any = document
    cell, steps = f"{builder.survey.name}!1", problem.where.split("/")
    for place, step in enumerate(steps):
        thing = thing[int(step)] if isinstance(thing, list) else thing.get(step, {})
        owner = f"{steps[1]}/{thing['code']}" if isinstance(thing, dict) and "code" in thing else None
        owner = owner or (thing.get("name") if isinstance(thing, dict) else None)
        field = steps[place + 1] if place + 1 < len(steps) else "name"
        cell = builder.cells.get((owner, field)) or builder.cells.get((owner, "name")) or cell
        if not isinstance(thing, dict | list):
            break
    return replace(problem, cell=cell)
