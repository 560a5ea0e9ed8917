"""The questionnaire as plain HTML forms."""

import pytest

from survey.questionnaires.data.build_core import PATH
from survey.questionnaires.document import expression
from survey.questionnaires.ordering import ordered_items, orders_of
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


SEED = "3f2b6c1e-1111-4111-8111-111111111111"


def roster(*items, **repeat):
    label = {"label": {"zh-hans": "第 {0} 位家人"}}
    return {"name": "member", "title": {"zh-hans": "家人"}, "repeat": label | repeat, "items": list(items)}


def test_a_ranking_is_a_list_for_each_place_and_gaps_are_closed():
    doc = document(item("rk", "ranking", list="satisfied", max_choices=3, missing="skip"))
    field = plain_form_fields(doc, {}, "zh-hans", "web").fields[0]
    assert (field.widget, [rank.name for rank in field.ranks]) == ("ranks", ["rk__1", "rk__2", "rk__3"])
    assert [option.code for option in field.ranks[0].options] == ["5", "4", "3", "2", "1"]
    assert [(option.code, option.apart) for option in field.options] == [("-2", True)]
    answers = read_plain_post(doc, 0, "web", {"rk__1": ["3"], "rk__2": [""], "rk__3": ["5"]})
    assert answers == {"rk": ["3", "5"]}
    field = plain_form_fields(doc, answers, "zh-hans", "web").fields[0]
    assert [[o.code for o in rank.options if o.checked] for rank in field.ranks] == [["3"], ["5"], []]
    assert validate_answers(doc, answers, "web").clean == {"rk": [3, 5]}
    assert read_plain_post(doc, 0, "web", {"rk__1": [""], "rk__missing": ["-2"]}) == {"rk": [-2]}
    twice = read_plain_post(doc, 0, "web", {"rk__1": ["3"], "rk__2": ["3"]})
    page = plain_form_fields(doc, twice, "zh-hans", "web", 0, check=True)
    assert [error.code for error in page.errors] == ["ranking"]


def test_where_a_script_would_be_needed_words_say_what_to_do_instead():
    doc = document(item("p", "place", missing="skip"), item("s", "signature"), item("f", "photo"))
    fields = plain_form_fields(doc, {}, "zh-hans", "web").fields
    assert [field.widget for field in fields] == ["text", "file", "file"]
    assert ["跳过" in fields[0].sentence, "签在纸上" in fields[1].sentence] == [True, True]
    assert read_plain_post(doc, 0, "web", {"p__missing": ["-2"], "s": ["x"]}) == {"p": -2}


@pytest.mark.parametrize(
    ("required", "words"), [(False, "空着就行"), (True, "换一台手机打开，或者拨信上的电话")]
)
def test_a_place_is_two_numbers_and_who_does_not_know_them_is_told_how_to_go_on(required, words):
    doc = document(item("p", "place", required=required))
    (field,) = plain_form_fields(doc, {}, "zh-hans", "web").fields
    assert words in field.sentence
    answers = read_plain_post(doc, 0, "web", {"p": ["36.67，117.02"]})
    clean, _path, errors = validate_answers(doc, answers, "web")
    assert errors == [] and clean["p"] == {"lat": 36.67, "lon": 117.02, "accuracy": 0}
    page = plain_form_fields(doc, {"p": "somewhere"}, "zh-hans", "web", 0, check=True)
    assert [error.code for error in page.errors] == ["place"]


def test_a_picture_that_came_stays_until_another_does_or_it_is_skipped():
    doc = document(item("f", "photo", missing="skip"))
    named = {"id": "6b5c1f0a-7e6e-4a10-9c3b-2c6f1c2b3d4e", "sha256": "a" * 64, "bytes": 9}
    answers = read_plain_post(doc, 0, "web", {}, files={"f": named})
    assert answers == {"f": named}
    assert "已经收到" in plain_form_fields(doc, answers, "zh-hans", "web").fields[0].sentence
    assert read_plain_post(doc, 0, "web", {}, answers) == {}
    assert read_plain_post(doc, 0, "web", {"f__missing": ["-2"]}, answers) == {"f": -2}


def test_stars_times_and_the_acknowledgement_are_ordinary_fields():
    doc = document(item("r", "rating"), item("t", "time"), item("d", "datetime"), item("ok", "acknowledge"))
    answers = {"t": "9:05:00", "d": "2026-11-22 08:30", "ok": "OK", "r": "4"}
    fields = plain_form_fields(doc, answers, "zh-hans", "web").fields
    assert [field.widget for field in fields] == ["radio", "time", "datetime-local", "checkbox"]
    assert [option.code for option in fields[0].options if option.checked] == ["4"]
    assert (fields[1].value, fields[2].value) == ("09:05", "2026-11-22T08:30")
    assert [(option.code, option.checked) for option in fields[3].options] == [("OK", True)]
    posted = {name: [value] for name, value in answers.items()}
    assert validate_answers(doc, read_plain_post(doc, 0, "web", posted), "web").errors == []


def test_a_region_is_a_list_when_the_server_has_one():
    doc = document(item("area", "region", root="370102000000", levels=["street"]))
    field = plain_form_fields(doc, {}, "zh-hans", "web").fields[0]
    assert (field.widget, field.sentence) == ("text", "请填 12 位区划代码。")
    listed = plain_form_fields(
        doc,
        {"area": "370102001000"},
        "zh-hans",
        "web",
        regions=lambda _item: [("370102001000", "解放路街道")],
    )
    assert [(o.label, o.checked) for o in listed.fields[0].options] == [("解放路街道", True)]


def test_a_repeat_asks_how_many_and_then_each():
    doc = document(
        blocks=[
            roster(item("age", "integer"), item("school", "text", relevant="${age} < 18"), max=3),
            {"name": "end", "items": [item("last", "text")]},
        ]
    )
    pages = plain_pages(doc, "web")
    assert pages[:3] == [["member"], ["member[1].age"], ["member[1].school"]]
    assert pages[-1] == ["last"]
    first = plain_form_fields(doc, {}, "zh-hans", "web", check=True)
    assert [option.code for option in first.fields[0].options] == ["0", "1", "2", "3"]
    assert [error.code for error in first.errors] == ["required"]
    assert first.total == 2
    answers = read_plain_post(doc, 0, "web", {"member": ["2"]}, {})
    assert answers == {"member": [{}, {}]}
    answers |= read_plain_post(doc, 3, "web", {"member[2].age": ["7"]}, answers)
    assert answers == {"member": [{}, {"age": "7"}]}
    page = plain_form_fields(doc, answers, "zh-hans", "web", 3)
    assert (page.title, page.fields[0].name, page.fields[0].value) == (
        "家人 · 第 2 位家人",
        "member[2].age",
        "7",
    )
    assert page.next == 4  # school, of the second one only
    assert plain_form_fields(doc, answers, "zh-hans", "web", 1).next == 3
    fewer = read_plain_post(doc, 0, "web", {"member": ["1"]}, answers)
    assert fewer == {"member": [{}]}
    assert read_plain_post(doc, 0, "web", {"member": ["x"]}, answers) == {}


def test_a_repeat_with_a_number_of_its_own_asks_nothing_about_it():
    doc = document(
        blocks=[
            {"name": "begin", "items": [item("n", "integer")]},
            roster(item("age", "integer"), count=expression("${n}"), max=2),
        ]
    )
    assert plain_pages(doc, "web") == [["n"], ["member[1].age"], ["member[2].age"]]
    assert plain_form_fields(doc, {"n": "1"}, "zh-hans", "web").total == 2
    page = plain_form_fields(doc, {"n": 1, "member": [{"age": "x"}]}, "zh-hans", "web", 1, check=True)
    assert [(error.name, error.code) for error in page.errors] == [("member[1].age", "integer")]


def test_the_rows_of_a_matrix_stand_under_its_question():
    rows = [item(name, "select_one", matrix="m") for name in ("a", "b")]
    doc = document(*rows, matrices={"m": {"label": {"zh-hans": "您满意吗"}}})
    assert [field.stem for field in plain_form_fields(doc, {}, "zh-hans", "web").fields] == ["您满意吗", ""]


def test_a_default_is_chosen_until_it_is_taken_back_and_a_fixed_answer_is_only_said():
    doc = document(
        item("a", "select_multiple", default=[1]), item("b", "select_one", default=3, readonly=True)
    )
    fields = plain_form_fields(doc, {}, "zh-hans", "web").fields
    assert [option.code for option in fields[0].options if option.checked] == ["1"]
    assert (fields[1].widget, fields[1].sentence) == ("none", "已经填好：选项3")
    answers = read_plain_post(doc, 0, "web", {})
    assert answers == {"a": []}
    assert validate_answers(doc, answers, "web").clean == {"b": 3}


def test_a_random_order_is_kept_on_every_page_of_a_response():
    items = [item(f"q{n}", "select_one", order={"random": True}) for n in range(6)]
    doc = document(blocks=[{"name": "block", "order": {"random": True, "first": 1}, "items": items}])
    pages = plain_pages(doc, "web", SEED)
    assert pages == [[each["name"] for each in ordered_items(doc, doc["blocks"][0], SEED)]]
    assert (pages[0][0], sorted(pages[0])) == ("q0", [f"q{n}" for n in range(6)])
    field = plain_form_fields(doc, {}, "zh-hans", "web", seed=SEED).fields[0]
    assert [option.code for option in field.options] == orders_of(doc, SEED)["q0"]


def test_an_option_that_the_filter_leaves_out_is_not_drawn():
    doc = document(
        item("a", "integer"), item("b", "select_one", filter=expression("name > ${a}"), missing="dk")
    )
    assert plain_pages(doc, "web") == [["a"], ["b"]]
    field = plain_form_fields(doc, {"a": "3"}, "zh-hans", "web", 1).fields[0]
    assert [option.code for option in field.options] == ["5", "4", "-1", "-2"]
