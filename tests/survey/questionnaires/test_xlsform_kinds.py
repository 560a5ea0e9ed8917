"""XLSForms as .xls, CSV and Markdown, and whose language a plain column is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.questionnaires.document import items_of
from survey.questionnaires.xlsform import read_xlsform
from tests.survey.questionnaires.forms import workbook

CSV = """survey,,,,
,type,name,label::简体中文 (zh-hans),relevant
,select_one yn,Q1,您知道吗？,
,integer,Q2,"几岁？
（周岁）",${Q1} = 1
choices,,,,
,list_name,name,label::简体中文 (zh-hans),
,yn,1,是,
,yn,2,否,
settings,,,,
,form_title,form_id,,
,小问卷,small,,
"""
MARKDOWN = """# 给同事看的
| survey   |               |      |                               |          |
|----------|---------------|------|-------------------------------|----------|
|          | type          | name | label::简体中文 (zh-hans)      | relevant |
|          | select_one yn | Q1   | 您知道吗？甲\\|乙               |          |
|          | integer       | Q2   | 几岁？                         | ${Q1} = 1 |
| choices  |               |      |                               |          |
|          | list_name     | name | label::简体中文 (zh-hans)      |          |
|          | yn            | 1    | 是                             |          |
|          | yn            | 2    | 否                             |          |
| settings |               |      |                               |          |
|          | form_title    | form_id |                            |          |
|          | 小问卷         | small |                              |          |
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_with_three_sheets_becomes_a_document(encoding):
    document, problems = read_xlsform(CSV.encode(encoding))
    assert problems == []
    assert [item["name"] for item in items_of(document)] == ["Q1", "Q2"]
    assert document["name"] == "small"
    assert [choice["code"] for choice in document["choice_lists"]["yn"]] == [1, 2]


def test_a_markdown_table_becomes_a_document():
    document, problems = read_xlsform(MARKDOWN.encode())
    assert problems == []
    first, second = items_of(document)
    assert first["label"] == {"zh-hans": "您知道吗？甲|乙"}
    assert second["relevant"]["text"] == "${Q1} = 1"


def test_a_csv_and_the_same_workbook_give_the_same_document():
    header = ("type", "name", "label::简体中文 (zh-hans)", "relevant")
    same = workbook(
        [header, ("select_one yn", "Q1", "您知道吗？"), ("integer", "Q2", "几岁？\n（周岁）", "${Q1} = 1")],
        [("list_name", "name", "label::简体中文 (zh-hans)"), ("yn", 1, "是"), ("yn", 2, "否")],
    )
    assert read_xlsform(CSV.encode())[0] == read_xlsform(same)[0]


@pytest.mark.parametrize(
    ("text", "old", "new", "code", "cell"),
    [
        (CSV, "${Q1} = 1", "${Q1} =", "expression", "survey!E4"),
        (CSV, ",integer,Q2", ",barcode,Q2", "unsupported", "survey!B4"),
        (CSV, ",yn,2,", ",yn,1,", "duplicate", "choices!C8"),
        (CSV, ",Q2,", ",,", "pyxform", "survey!B4"),
        (MARKDOWN, "${Q1} = 1", "${Q1} =", "expression", "survey!E6"),
        (MARKDOWN, "integer ", "barcode ", "unsupported", "survey!B6"),
        (MARKDOWN, "| yn            | 2 ", "| yn            | 1 ", "duplicate", "choices!C10"),
        (MARKDOWN, "| Q2 ", "|    ", "pyxform", "survey!B6"),
    ],
)
def test_a_problem_in_a_text_names_its_line_as_a_row(text, old, new, code, cell):
    assert old in text
    document, problems = read_xlsform(text.replace(old, new).encode())
    assert document is None
    assert (code, cell) in [(each.code, each.cell) for each in problems if each.level == "error"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "空"),
        (b"hello", "问卷文件"),
        ("type,name,label\ntext,Q1,姓名\n,,\n".encode(), "第一列要写工作表的名字"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 broken", ".xls"),
        (b"PK\x03\x04 broken", ".xlsx"),
        (b"\xff\xfe\x00\x01,,,,,\x00", "问卷文件"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(content, words):
    document, problems = read_xlsform(content)
    assert document is None
    assert any(words in problem.message for problem in problems)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400), st.text("survey|,type\nnametext#-\"' 题${}.", max_size=300).map(str.encode)
    )
)
def test_no_file_makes_the_reader_fall_over(content):
    document, problems = read_xlsform(content)
    assert document is not None or any(problem.level == "error" for problem in problems)


# ---- languages -----------------------------------------------------------------------------------------


def plain(*labels, settings_=(("form_title",), ("Form",)), header="label"):
    rows = [("text", f"Q{place}", label) for place, label in enumerate(labels)]
    return read_xlsform(workbook([("type", "name", header), *rows], (), settings_))


@pytest.mark.parametrize(
    ("labels", "language"),
    [
        (["What is your name?"], "en"),
        (["您怎么称呼？", "OK"], "zh-hans"),
        (["請問您怎麼稱呼？"], "zh-hant"),
        (["¿Cómo?"], "en"),
        (["${Q9} 5"], "zh-hans"),
    ],
)
def test_a_plain_label_is_in_the_language_of_its_script(labels, language):
    document, problems = plain(*[label.replace("${Q9}", "3") for label in labels])
    assert document["languages"] == [language]
    assert next(items_of(document))["label"].keys() == {language}
    warned = [problem.cell for problem in problems if problem.code == "language"]
    assert warned == (["survey!C1"] if language == "en" else [])


def test_a_plain_label_is_in_the_default_language():
    document, problems = plain(
        "OK", settings_=(("form_title", "default_language"), ("F", "繁體中文 (zh-hant)"))
    )
    assert document["languages"] == ["zh-hant"]
    assert problems == []


def test_a_named_language_and_a_plain_one_stand_beside_each_other():
    header = ("type", "name", "label", "label::简体中文 (zh-hans)")
    settings_ = (("form_title", "default_language"), ("F", "English (en)"))
    document, _problems = read_xlsform(workbook([header, ("text", "Q1", "Name?", "姓名？")], (), settings_))
    assert next(items_of(document))["label"] == {"zh-hans": "姓名？", "en": "Name?"}
    assert document["default_language"] == "en"


def test_a_form_in_another_language_is_refused_where_it_says_so():
    document, problems = plain("Wie?", settings_=(("form_title", "default_language"), ("F", "Deutsch (de)")))
    assert document is None
    assert [(problem.code, problem.cell) for problem in problems] == [("language", "settings!B2")]


@pytest.mark.parametrize(("label", "header"), [("Как вас зовут?", "label"), ("Wie?", "label::Deutsch (de)")])
def test_a_form_without_a_language_of_ours_is_refused_at_its_label(label, header):
    document, problems = plain(label, header=header)
    assert document is None
    assert ("language", "survey!C1") in [(problem.code, problem.cell) for problem in problems]


def test_a_language_that_only_options_speak_is_left_behind_and_listed():
    survey = [("type", "name", "label::English (en)"), ("select_one yn", "Q1", "Really?")]
    choices = [
        ("list_name", "name", "label", "label::中文"),
        ("yn", "y", "Yes", "是"),
        ("yn", "n", "No", "否"),
    ]
    document, problems = read_xlsform(workbook(survey, choices))
    assert document["languages"] == ["en"]
    assert ("lost", "choices!D1") in [(problem.level, problem.cell) for problem in problems]
