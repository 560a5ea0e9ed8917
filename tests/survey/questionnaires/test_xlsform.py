"""XLSForm in: what is read, and how a problem names its cell."""

from pathlib import Path

import pytest

from survey.questionnaires.document import items_of
from survey.questionnaires.xlsform import read_xlsform
from tests.survey.questionnaires.forms import workbook

HEADER = ("type", "name", "label::简体中文 (zh-hans)", "relevant", "constraint", "required", "minyi_missing")
CHOICES = (
    ("list_name", "name", "label::简体中文 (zh-hans)", "minyi_missing"),
    ("yn", 1, "是", None),
    ("yn", 2, "否", None),
    ("dk", -1, "不了解", "dont_know"),
)


def read(*rows, header=HEADER, choices=CHOICES, **more):
    return read_xlsform(workbook([header, *rows], choices, **more))


def places(problems, level="error"):
    return [(problem.code, problem.cell) for problem in problems if problem.level == level]


def test_a_form_becomes_a_document_with_codes_and_missing_answers():
    document, problems = read(
        ("begin_group", "g", "一组"),
        ("select_one yn", "Q1", "您知道吗？", None, None, "yes", "dk"),
        ("integer", "Q2", "几岁？", "${Q1} = 1", ". >= 18"),
        ("end_group",),
    )
    assert problems == []
    first, second = items_of(document)
    assert (first["list"], first["missing"], first["required"]) == ("yn", "dk", True)
    assert document["choice_lists"]["yn"][0]["code"] == 1
    assert document["choice_lists"]["dk"][0]["missing"] == "dont_know"
    assert second["relevant"] == {"text": "${Q1} = 1", "tree": ["=", ["ref", "Q1"], 1]}
    assert document["blocks"][0]["title"] == {"zh-hans": "一组"}


@pytest.mark.parametrize(
    ("row", "code", "cell"),
    [
        (("integer", "Q2", "几岁？", "${Q1} = "), "expression", "survey!D3"),
        (("integer", "Q2", "几岁？", "${Q1} = 3"), "code", "survey!D3"),
        (("integer", "Q2", "几岁？", None, "regex(., '(?<=a)')"), "regex", "survey!E3"),
        (("integer", "Q2", "几岁？", None, None, None, "nowhere"), "choices", "survey!G3"),
        (("integer", "Q2", None), "pyxform", "survey!B3"),
        (("barcode", "Q2", "在哪？"), "unsupported", "survey!A3"),
    ],
)
def test_a_problem_names_the_sheet_and_cell(row, code, cell):
    document, problems = read(("select_one yn", "Q1", "您知道吗？"), row)
    assert document is None
    assert (code, cell) in places(problems)


def test_an_unknown_name_is_found_with_its_row():
    document, problems = read(("integer", "Q2", "几岁？", "${nobody} = 1"))
    assert document is None
    assert any(problem.cell.startswith("survey!") and "2" in problem.cell for problem in problems)


def test_a_repeat_group_becomes_a_block_that_is_answered_for_each_instance():
    document, _problems = read(("begin_repeat", "r", "每个人"), ("text", "Q1", "叫什么？"), ("end_repeat",))
    assert document["blocks"][0]["repeat"] == {"label": {"zh-hans": "每个人 {0}"}}
    assert document["format"] == "minyi-questionnaire/2"


def test_a_repeat_within_a_repeat_is_refused_not_dropped():
    document, problems = read(
        ("begin_repeat", "r", "每个人"),
        ("begin_repeat", "s", "每件事"),
        ("text", "Q1", "叫什么？"),
        ("end_repeat",),
        ("end_repeat",),
    )
    assert document is None
    assert ("unsupported", "survey!A3") in places(problems)


def test_or_other_adds_an_option_and_a_text():
    document, _problems = read(("select_one yn or_other", "Q2", "哪个？"))
    assert [item["name"] for item in items_of(document)] == ["Q2", "Q2_other"]
    assert document["choice_lists"]["yn_or_other"][-1]["specify"] is True


def test_what_cannot_be_carried_is_listed():
    header = (*HEADER, "media::image", "appearance")
    document, problems = read(
        ("start", "start"),
        ("text", "Q1", "写一写", None, None, None, None, "a.png", "numbers"),
        header=header,
    )
    assert document is not None
    assert places(problems, "lost") == [
        ("column", "survey!H1"),
        ("metadata", "survey!A2"),
        ("appearance", "survey!I3"),
    ]


def test_a_choice_filter_is_carried():
    header = (*HEADER, "choice_filter")
    document, _problems = read(
        ("select_one yn", "Q1", "哪个？", None, None, None, None, "name = 1"), header=header
    )
    assert next(items_of(document))["filter"]["text"] == "name = 1"


def test_a_duplicate_option_code_is_found():
    choices = (*CHOICES, ("yn", 2, "又一个否", None))
    document, problems = read(("select_one yn", "Q1", "哪个？"), choices=choices)
    assert document is None
    assert problems[0].level == "error"


def test_languages_are_recognised_and_must_be_complete():
    header = ("type", "name", "label::简体中文 (zh-hans)", "label::English (en)")
    document, problems = read(("text", "Q1", "写一写"), header=header, choices=())
    assert document is None
    assert ("translation", "survey!C2") in places(problems)


def test_nested_groups_join_their_conditions():
    document, problems = read(
        ("select_one yn", "Q1", "哪个？"),
        ("begin_group", "outer", "外", "${Q1} = 1"),
        ("begin_group", "inner", "内", "${Q1} != 2"),
        ("text", "Q2", "写一写"),
        ("end_group",),
        ("text", "Q3", "再写写"),
        ("end_group",),
    )
    assert [block["name"] for block in document["blocks"]] == ["block", "inner", "outer"]
    assert document["blocks"][1]["relevant"]["text"] == "(${Q1} = 1) and (${Q1} != 2)"
    assert document["blocks"][2]["relevant"]["text"] == "${Q1} = 1"
    assert places(problems, "lost") == [("nested", "survey!B4")]


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04broken"])
def test_a_file_that_is_no_workbook_is_refused_in_words(content):
    document, problems = read_xlsform(content)
    assert document is None
    assert problems[0].code == "file"


def test_a_workbook_without_survey_is_refused():
    document, problems = read_xlsform(workbook([("type", "name")]).replace(b"survey", b"surveX"))
    assert document is None
    assert problems


def test_a_path_and_a_file_read_alike(tmp_path):
    path = tmp_path / "form.xlsx"
    path.write_bytes(workbook([HEADER, ("text", "Q1", "写一写")]))
    with Path(path).open("rb") as file:
        assert read_xlsform(path) == read_xlsform(file)
