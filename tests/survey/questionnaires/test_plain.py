"""The questionnaire as plain HTML forms."""

import pytest

from survey.questionnaires.data.build_core import PATH
from survey.questionnaires.plain import plain_form_fields, plain_pages, read_plain_post
from survey.questionnaires.validation import validate_answers
from survey.questionnaires.xlsform import read_xlsform
from tests.survey.questionnaires.forms import document, item


@pytest.fixture(scope="module")
def core():
    return read_xlsform(PATH)[0]


def test_no_page_asks_what_another_item_of_it_decides(core):
    pages = plain_pages(core, "web")
    assert [name for page in pages for name in page][:3] == ["S02", "K01", "K02"]
    assert not any("A01" in page and "A03" in page for page in pages)
    assert not any("A03" in page and "A03_other" in page for page in pages)


def test_a_condition_through_a_calculation_also_cuts_the_page():
    doc = document(
        item("n", "integer"),
        item("c", "calculate", calculation="${n} * 2"),
        item("t", "text", relevant="${c} > 4"),
    )
    assert plain_pages(doc, "web") == [["n"], ["t"]]


def test_walking_the_pages_gives_valid_answers(core):
    answers, page, seen = {}, plain_form_fields(core, {}, "zh-hans", "web"), 0
    while page is not None:
        posted = {}
        for field in page.fields:
            if field.widget in ("radio", "checkbox"):
                posted[field.name] = [field.options[0].code]
            elif field.widget == "number":
                posted[field.name] = ["45"]
            else:
                posted[field.missing_name] = [field.options[-1].code]
        answers.update(read_plain_post(core, page.page, "web", posted))
        assert plain_form_fields(core, answers, "zh-hans", "web", page.page, check=True).errors == []
        seen += 1
        page = None if page.next is None else plain_form_fields(core, answers, "zh-hans", "web", page.next)
    clean, _path, errors = validate_answers(core, answers, "web")
    assert errors == []
    assert clean["O01"] == -2
    assert seen == len(plain_pages(core, "web")) - 2  # feeling safe, the pages of A03 are passed over


def test_a_page_shows_what_was_answered_and_what_is_wrong(core):
    page = plain_form_fields(core, {"S02": "7"}, "zh-hans", "web", 0, check=True)
    assert page.fields[0].value == "7"
    assert page.fields[0].error == "周岁年龄要在 18 到 120 之间，请再看一下。"
    page = plain_form_fields(core, {"S02": -2}, "en", "web", 0)
    assert page.fields[0].value == ""
    assert [(option.label, option.checked) for option in page.fields[0].options] == [
        ("Skip this question", True)
    ]


def test_a_page_that_nobody_meets_is_passed_over():
    doc = document(
        item("a", "select_one"),
        item("b", "text", relevant="${a} = 1"),
        item("c", "select_one", relevant="${b} = '' or ${a} = 5"),
    )
    assert plain_pages(doc, "web") == [["a"], ["b"], ["c"]]
    first = plain_form_fields(doc, {"a": 5}, "zh-hans", "web", 0)
    assert (first.next, first.number, first.total) == (2, 1, 2)
    assert plain_form_fields(doc, {"a": 5}, "zh-hans", "web", 1).page == 2
    assert plain_form_fields(doc, {"a": 5}, "zh-hans", "web", 9) is None


def test_taking_an_answer_back_clears_it(core):
    assert read_plain_post(core, 0, "web", {}) == {"S02": ""}
