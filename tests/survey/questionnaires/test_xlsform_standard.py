"""Mistakes against the standard, which pyxform finds: told in Chinese, each with its cell."""

from io import BytesIO

import pytest
from openpyxl import load_workbook

from survey.questionnaires.xlsform import read_xlsform
from tests.survey.questionnaires.forms import workbook

LABEL = "label::简体中文 (zh-hans)"
HEADER = ("type", "name", LABEL, "relevant", "calculation")
CHOICES = (("list_name", "name", LABEL), ("yn", 1, "是"), ("yn", 2, "否"))


@pytest.mark.parametrize(
    ("rows", "cell", "words"),
    [
        ([("text", None, "写")], "survey!A2", "没有写题名"),
        ([(None, "Q1", "写"), ("text", "Q2", "写")], "survey!A2", "没有写题型"),
        ([("text", "1Q", "写")], "survey!B2", "名字以字母开头"),
        ([("text", "Q1", "写"), ("text", "Q1", "写")], "survey!B3", "同一组里有两个一样的题名"),
        ([("text", "Q1", "写", "${Q9} = 1")], "survey!D2", "没有“Q9”这一题"),
        ([("select_one none", "Q1", "选")], "survey!A2", "没有“none”这张选项表"),
        ([("begin_group", "g", "组"), ("text", "Q1", "写")], "survey!A2", "没有对应的 end_group"),
        ([("text", "Q1", "写"), ("end_group",)], "survey!A3", "没有对应的 begin_group"),
        ([("calculate", "Q1", None)], "survey!A2", "没有写计算公式"),
        ([("rocket", "Q1", "飞")], "survey!A2", "没有“rocket”这种题型"),
    ],
)
def test_a_mistake_is_told_in_chinese_at_its_cell(rows, cell, words):
    document, problems = read_xlsform(workbook([HEADER, *rows], CHOICES))
    assert document is None
    assert [(each.cell, words in each.message) for each in problems if each.level == "error"] == [
        (cell, True)
    ]


def test_an_option_without_a_code_is_told_at_its_cell():
    document, problems = read_xlsform(
        workbook([HEADER, ("select_one yn", "Q1", "选")], (*CHOICES, ("yn", None, "又一个")))
    )
    assert document is None
    assert [each.cell for each in problems if each.level == "error"] == ["choices!B4"]


def test_a_workbook_of_several_sheets_without_survey_names_those_that_are_there():
    content = workbook([HEADER, ("text", "Q1", "写")], CHOICES)
    document, problems = read_xlsform(_renamed(content))
    assert document is None
    assert [(each.code, each.cell) for each in problems] == [("sheet", "问题!A1")]
    assert "问题、choices、settings" in problems[0].message


def test_a_sheet_without_questions_is_told_once():
    document, problems = read_xlsform(workbook([HEADER, ("start", "start")]))
    assert document is None
    assert [(each.code, each.cell) for each in problems if each.level == "error"] == [("empty", "survey!A2")]
    _none, problems = read_xlsform(workbook([HEADER, ("audio", "Q1", "说")]))
    assert [(each.code, each.cell) for each in problems] == [("unsupported", "survey!A2")]


def _renamed(content):
    """The workbook with its survey under another name."""
    book = load_workbook(BytesIO(content))
    book["survey"].title = "问题"
    out = BytesIO()
    book.save(out)
    return out.getvalue()
