"""XLSForm out: reading an export gives the document again, and pyxform makes a form of it that ODK opens.

ODK Validate (a Java program) is not run; pyxform's own conversion is what Kobo and ODK Central do first.
"""

import copy
import json
import random
from io import BytesIO
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from pyxform.xls2xform import convert

from survey.questionnaires.checking import check_document
from survey.questionnaires.document import ITEM_TYPES, expression, format_for, items_of
from survey.questionnaires.drafting import blank_document
from survey.questionnaires.xlsform import export_xlsform, read_xlsform, template_xlsx
from survey.questionnaires.xlsform.building import Builder
from survey.questionnaires.xlsform.files import open_form
from tests.survey.questionnaires.every_type import every_type
from tests.survey.questionnaires.forms import document, item
from tests.survey.questionnaires.random_forms import random_document

SEEDS = 150


def built(content):
    """What the reader makes of a file before it is checked, and its problems."""
    builder = Builder(open_form(content).sheets)
    return builder.document(), builder.problems


def cells(content, sheet):
    """Rows of a sheet as {header: value}."""
    header, *rows = load_workbook(BytesIO(content))[sheet].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def as_json(made):
    """Text that tells 5 from 5.0 and 1 from true, as == does not."""
    return json.dumps(made, sort_keys=True)


def test_an_export_of_every_type_reads_back_through_all_checks():
    made = every_type()
    read, problems = read_xlsform(export_xlsform(made))
    assert as_json(read) == as_json(made)
    assert [problem for problem in problems if problem.level == "lost"] == []


@pytest.mark.parametrize("seed", range(SEEDS))
def test_an_export_of_a_random_document_reads_back(seed):
    made = random_document(random.Random(seed))
    read, problems = built(export_xlsform(made))
    assert as_json(read) == as_json(made)
    assert problems == []


@pytest.mark.parametrize("seed", range(0, SEEDS, 10))
def test_pyxform_opens_the_export_of_a_random_document(seed):
    made = random_document(random.Random(seed))
    result = convert(xlsform=BytesIO(export_xlsform(made)), validate=False, file_type=".xlsx")
    ElementTree.fromstring(result.xform)


TEXT = st.text(max_size=30)
ANSWER = st.one_of(
    TEXT, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.lists(TEXT)
)


@settings(max_examples=60, deadline=None)
@given(TEXT, TEXT, ANSWER, st.one_of(st.integers(-5, 10**12), TEXT.filter(bool)), st.booleans())
def test_texts_codes_and_defaults_of_any_kind_come_back(label, title, default, code, flag):
    made = document(item("Q1", "text"), item("Q2", "select_one", list="odd"))
    first, second = items_of(made)
    first |= {"label": {"zh-hans": label}, "default": default, "readonly": flag, "required": flag}
    first |= {"multiline": flag, "hint": {"zh-hans": title, "en": label}, "topic": label}
    second |= {"scoring": {"rule": label, "points": {title: 1.0}}, "min_choices": 1}
    made["title"] = {"zh-hans": title}
    made["version"] = label
    if str(code).strip() == str(code) and str(code).isprintable():
        made["choice_lists"]["odd"] = [
            {"code": code, "label": {"zh-hans": label, "en": title}, "columns": {"label": title, "区": label}}
        ]
    made["format"] = format_for(made)
    read, problems = built(export_xlsform(made))
    assert as_json(read) == as_json(made)
    assert problems == []


def test_a_text_that_looks_like_a_formula_stays_a_text():
    made = document(item("Q1", "text") | {"label": {"zh-hans": "=1+1"}})
    content = export_xlsform(made)
    sheet = load_workbook(BytesIO(content))["survey"]
    assert all(cell.data_type in ("s", "n") for row in sheet.iter_rows() for cell in row)
    assert next(items_of(built(content)[0]))["label"] == {"zh-hans": "=1+1"}


@pytest.mark.parametrize("text", [" 1 = 1 ", "'\x08' = 'a'", "'\r' = 'x005F_'"])
def test_an_expression_that_no_cell_can_hold_comes_back(text):
    made = document(item("Q1", "text", relevant=text, constraint=text, required=text))
    made["quotas"] = [{"name": "c", "label": {"zh-hans": "配额"}, "where": expression(text), "limit": 3}]
    made["format"] = format_for(made)
    assert built(export_xlsform(made)) == (made, [])


def test_a_text_that_looks_like_an_inserted_answer_stays_a_text():
    made = document(item("Q1", "text") | {"label": {"zh-hans": "价格 ${price}"}})
    made["choice_lists"] = {"odd": [{"code": 1, "label": {"zh-hans": "${x}"}}]}
    assert built(export_xlsform(made)) == (made, [])


def test_the_languages_of_a_document_keep_their_order_and_default():
    made = document(item("Q1", "text") | {"label": {"zh-hans": "名", "en": "Name"}})
    made |= {"languages": ["en", "zh-hans"], "default_language": "zh-hans"}
    made["title"] = {"zh-hans": "表", "en": "Form"}
    assert built(export_xlsform(made))[0] == made


def test_what_publishing_adds_comes_back_too():
    made = every_type() | {"reading_seconds": {"web": 5, "door": 6}, "quotas": []}
    assert built(export_xlsform(made))[0] == made


def test_odk_finds_its_own_words():
    content = export_xlsform(every_type())
    rows = {row["name"]: row for row in cells(content, "survey") if not row["type"].startswith("end")}
    assert rows["first"]["type"] == "rank matters"
    assert rows["first"]["parameters"] == "randomize=true"
    assert rows["stars"]["type"] == "range"
    assert (rows["stars"]["appearance"], rows["stars"]["parameters"]) == ("rating", "start=1 end=5 step=1")
    assert rows["sign"]["type"] == "image"
    assert rows["sign"]["appearance"] == "signature"
    assert rows["spot"]["type"] == "geopoint"
    assert rows["town"]["choice_filter"] == "province = '37'"
    assert rows["family"]["type"] == "begin_repeat"
    assert rows["times"]["appearance"] == "field-list"
    result = convert(xlsform=BytesIO(content), validate=False, file_type=".xlsx")
    for part in ("odk:rank", "<repeat", "randomize(", "province = '37'", 'type="geopoint"', "Very satisfied"):
        assert part in result.xform


def test_a_repeat_that_is_called_as_the_root_of_a_form_is_exported_all_the_same():
    made = document(
        blocks=[{"name": "data", "items": [item("Q1", "text")], "repeat": {"label": {"zh-hans": "{0}"}}}]
    )
    made["format"] = format_for(made)
    assert read_xlsform(export_xlsform(made))[0] == made


@pytest.mark.parametrize("kind", ITEM_TYPES)
def test_a_draft_that_lacks_nearly_everything_is_exported_all_the_same(kind):
    bare = blank_document(name="q", title="")
    bare["blocks"] += [{"name": "b", "items": [{"name": "Q1", "type": kind}]}]
    rows = cells(export_xlsform(bare), "survey")
    assert [row["name"] for row in rows] == ["block", "block", "b", "Q1", "b"]


def test_a_document_that_passes_the_checks_passes_them_again():
    passed = 0
    for seed in range(400):
        made = random_document(random.Random(seed))
        if any(problem.level == "error" for problem in check_document(made)):
            continue
        passed += 1
        read, problems = read_xlsform(export_xlsform(made))
        assert as_json(read) == as_json(made), [str(problem) for problem in problems]
    assert passed >= 3


def test_the_blank_form_imports_as_it_stands():
    read, problems = read_xlsform(template_xlsx())
    assert read is not None
    assert problems == []
    assert {each["type"] for each in items_of(read)} >= {"select_one", "ranking", "scale", "calculate"}
    assert "minyi_说明" in load_workbook(BytesIO(template_xlsx())).sheetnames


def test_an_export_changes_nothing_of_the_document():
    made = document(item("Q1", "text", relevant="1 = 1"), item("Q2", "calculate", calculation="1"))
    before = copy.deepcopy(made)
    export_xlsform(made)
    assert made == before
    assert expression("1 = 1") == made["blocks"][0]["items"][0]["relevant"]
