"""Each part of a document that an XLSForm can say, in XLSForm's words or in columns of ours."""

import pytest

from survey.questionnaires.document import items_of
from survey.questionnaires.xlsform import read_xlsform
from tests.survey.questionnaires.forms import workbook

LABEL = "label::简体中文 (zh-hans)"
CHOICES = (
    ("list_name", "name", LABEL, "minyi_missing", "minyi_specify", "minyi_exclusive", "area"),
    ("yn", 1, "是", None, None, None, "n"),
    ("yn", 2, "否", None, None, None, "s"),
    ("yn", 96, "其他", None, "yes", None, None),
    ("yn", 9, "都没有", None, None, "yes", None),
    ("things", "a", "甲"),
    ("things", "b", "乙"),
    ("things", "c", "丙"),
    ("dk", -1, "不了解", "dont_know"),
    ("dk", -2, "跳过", "拒答"),
)


def read(*rows, choices=CHOICES, **more):
    """`rows` are {column: text}; the label is made up where there is none."""
    columns = list(dict.fromkeys(["type", "name", LABEL, *(key for row in rows for key in row)]))
    lines = [[{LABEL: "题目", **row}.get(column) for column in columns] for row in rows]
    return read_xlsform(workbook([columns, *lines], choices, **more))


def only(*rows, **more):
    document, problems = read(*rows, **more)
    assert document is not None, [str(problem) for problem in problems]
    return next(items_of(document)), document, problems


def refused(*rows, **more):
    document, problems = read(*rows, **more)
    assert document is None
    return [(problem.code, problem.cell) for problem in problems if problem.level == "error"]


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ({"type": "rank things"}, {"type": "ranking", "list": "things"}),
        ({"type": "rank things", "minyi_limits": "min=1 max=2"}, {"min_choices": 1, "max_choices": 2}),
        ({"type": "select_multiple yn", "minyi_limits": "max=2"}, {"max_choices": 2}),
        ({"type": "range", "appearance": "rating"}, {"type": "rating", "to": 10}),
        (
            {"type": "range", "appearance": "rating", "parameters": "start=1 end=7"},
            {"type": "rating", "to": 7},
        ),
        ({"type": "integer", "minyi_type": "rating"}, {"type": "rating"}),
        ({"type": "range", "parameters": "start=0 end=10"}, {"type": "scale", "from": 0, "to": 10}),
        ({"type": "time"}, {"type": "time"}),
        ({"type": "dateTime"}, {"type": "datetime"}),
        ({"type": "date", "default": "2026-11-22"}, {"default": "2026-11-22"}),
        ({"type": "integer", "default": 5}, {"default": 5}),
        ({"type": "select_one yn", "default": "2", "readonly": "yes"}, {"default": 2, "readonly": True}),
        ({"type": "select_multiple things", "default": "a c"}, {"default": ["a", "c"]}),
        (
            {"type": "image", "appearance": "signature", "minyi_consent": "yes"},
            {"type": "signature", "consent": True},
        ),
        ({"type": "geopoint"}, {"type": "place"}),
        (
            {
                "type": "text",
                "minyi_type": "region",
                "minyi_root": "370100000000",
                "minyi_levels": "district street",
            },
            {"type": "region", "root": "370100000000", "levels": ["district", "street"]},
        ),
        ({"type": "select_one things", "parameters": "randomize=true"}, {"order": {"random": True}}),
        (
            {"type": "select_one things", "minyi_order": "random first=1 last=1 all"},
            {"order": {"random": True, "first": 1, "last": 1, "all": True}},
        ),
        ({"type": "select_one yn", "choice_filter": "area = 'n'"}, {"list": "yn"}),
        (
            {"type": "text", "appearance": "multiline", "minyi_max_length": 80},
            {"multiline": True, "max_length": 80},
        ),
        ({"type": "text", "minyi_modes": "door"}, {"modes": ["door"]}),
        (
            {"type": "text", "minyi_seconds": 12, "minyi_topic": "卫生", "minyi_index": "sat"},
            {"seconds": 12, "topic": "卫生", "index": "sat"},
        ),
        (
            {"type": "select_one things", "minyi_scoring": "five a=100 b=50 c=0"},
            {"scoring": {"rule": "five", "points": {"a": 100, "b": 50, "c": 0}}},
        ),
        ({"type": "select_one things", "minyi_missing": "dk"}, {"missing": "dk"}),
    ],
)
def test_a_row_gives_its_part(row, part):
    item, _document, _problems = only({"name": "Q1"} | row)
    assert part.items() <= item.items()


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"type": "range", "appearance": "rating", "parameters": "start=0 end=5"}, ("scale", "survey!E2")),
        ({"type": "range", "parameters": "start=0 end=10 step=2"}, ("scale", "survey!D2")),
        ({"type": "integer", "default": "today()"}, ("default", "survey!D2")),
        ({"type": "integer", "default": "x"}, ("default", "survey!D2")),
        ({"type": "geopoint", "default": "1 2"}, ("default", "survey!D2")),
        ({"type": "text", "readonly": "maybe"}, ("readonly", "survey!D2")),
        ({"type": "select_one things", "minyi_order": "first=x"}, ("order", "survey!D2")),
        ({"type": "rank things", "minyi_limits": "two"}, ("limits", "survey!D2")),
        ({"type": "text", "minyi_modes": "phone"}, ("modes", "survey!D2")),
        ({"type": "text", "minyi_seconds": "long"}, ("seconds", "survey!D2")),
        ({"type": "text", "minyi_type": "audio"}, ("type", "survey!D2")),
        ({"type": "text", "minyi_scoring": "five a"}, ("scoring", "survey!D2")),
        ({"type": "text", "minyi_parts": "no json"}, ("parts", "survey!D2")),
        ({"type": "text", "minyi_parts": '{"type": "note"}'}, ("parts", "survey!D2")),
        ({"type": "text", "minyi_parts": '{"strange": 1}'}, ("shape", "survey!B2")),
        ({"type": "audit", "name": "audit", "calculation": "1"}, ("unsupported", "survey!A2")),
        ({"type": "select_one things or_other", "choice_filter": "name != 'a'"}, ("or_other", "survey!D2")),
        ({"type": "text", "name": "x" * 65}, ("shape", "survey!B2")),
        ({"type": "text", LABEL: "长" * 2001}, ("shape", "survey!C2")),
    ],
)
def test_a_part_that_is_wrong_is_refused_at_its_cell(row, place):
    assert place in refused({"name": "Q1"} | row)


def test_a_seed_of_a_random_order_is_listed_as_left_behind():
    item, _document, problems = only(
        {"type": "select_one things", "name": "Q1", "parameters": "randomize=true, seed=7"}
    )
    assert item["order"] == {"random": True}
    assert [(each.level, each.code, each.cell) for each in problems] == [("lost", "parameters", "survey!D2")]


def test_a_matrix_by_table_list_and_by_our_columns():
    rows = [
        {"type": "begin_group", "name": "g", LABEL: "满意吗？", "appearance": "table-list"},
        {"type": "select_one things", "name": "Q1"},
        {"type": "select_one things", "name": "Q2"},
        {"type": "end_group"},
    ]
    _item, document, _problems = only(*rows)
    assert [item["matrix"] for item in items_of(document)] == ["g_things_matrix"] * 2
    assert document["matrices"] == {"g_things_matrix": {"label": {"zh-hans": "满意吗？"}}}


def test_duplicate_codes_are_all_named_also_where_a_setting_allows_them():
    choices = (*CHOICES, ("things", "a", "又一个"), ("things", "b", "又一个"))
    settings = (("form_title", "form_id", "allow_choice_duplicates"), ("小", "small", "yes"))
    found = refused({"type": "select_one things", "name": "Q1"}, choices=choices, settings=settings)
    assert found == [("duplicate", "choices!B11"), ("duplicate", "choices!B12")]


def test_the_setting_for_duplicates_alone_is_nothing_to_tell():
    settings = (("form_title", "form_id", "allow_choice_duplicates"), ("小", "small", "yes"))
    _item, _document, problems = only({"type": "select_one things", "name": "Q1"}, settings=settings)
    assert problems == []


def test_a_name_that_two_groups_have_gets_the_name_of_its_group():
    rows = []
    for group in ("g", "h"):
        rows += [
            {"type": "begin_group", "name": group},
            {"type": "text", "name": "Q1"},
            {"type": "end_group"},
        ]
    _item, document, problems = only(*rows)
    assert [item["name"] for item in items_of(document)] == ["Q1", "h_Q1"]
    assert [(each.code, each.cell) for each in problems if each.level == "lost"] == [("name", "survey!B6")]


def test_a_household_block_takes_no_items():
    rows = [
        {"type": "begin_group", "name": "home", "minyi_method": "kish"},
        {"type": "text", "name": "Q1"},
        {"type": "end_group"},
        {"type": "text", "name": "Q2"},
    ]
    assert ("household", "survey!A3") in refused(*rows)


@pytest.mark.parametrize(
    ("row", "cell"),
    [
        ({"type": "text", "name": "Q2", LABEL: "您说 ${Q1} 岁，对吗？"}, "survey!C3"),
        ({"type": "text", "name": "Q2", "hint": "${Q1}"}, "survey!D3"),
    ],
)
def test_an_answer_put_into_a_text_is_refused_at_its_cell(row, cell):
    assert ("inserted", cell) in refused({"type": "integer", "name": "Q1"}, row)


def test_marks_in_a_text_are_told_once_for_a_column():
    _item, _document, problems = only(
        {"type": "note", "name": "Q1", LABEL: "看<b>清楚</b>"},
        {"type": "note", "name": "Q2", LABEL: "**再看**"},
    )
    assert [(each.level, each.code, each.cell) for each in problems] == [("lost", "markup", "survey!C2")]


def test_columns_twice_are_refused_at_the_second():
    header = ("type", "name", LABEL, LABEL)
    document, problems = read_xlsform(workbook([header, ("text", "Q1", "一", "二")]))
    assert document is None
    assert [(each.code, each.cell) for each in problems] == [("header", "survey!D1")]
