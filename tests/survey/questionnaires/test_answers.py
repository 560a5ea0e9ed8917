"""Answers of every type in their canonical form, and what is wrong with the others."""

import pytest

from survey.questionnaires.answers import read_answer
from survey.questionnaires.document import expression
from survey.questionnaires.logic import Run
from survey.questionnaires.validation import validate_answers, with_not_applicable
from tests.survey.questionnaires.forms import document, item

FILE = {"id": "3F2B6C1E-1111-4111-8111-111111111111", "sha256": "AB" * 32, "bytes": 5}
AREAS = [
    {"code": code, "label": {"zh-hans": code}, "columns": {"side": side}}
    for code, side in (("a1", "a"), ("a2", "a"), ("b1", "b"))
]


def read(kind, raw, mode="web", **more):
    doc = document(item("q", kind, **more))
    reading = read_answer(doc, doc["blocks"][0]["items"][0], raw, mode)
    return reading.error or reading.value


def roster(*items, **repeat):
    label = {"label": {"zh-hans": "第 {0} 位"}}
    return {"name": "member", "repeat": label | repeat, "items": list(items)}


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("rating", "４", 4),
        ("rating", 6, "scale"),
        ("rating", 0, "scale"),
        ("time", "9:05", "09:05"),
        ("time", "１８：３０", "18:30"),
        ("time", "23:59:59.000", "23:59"),
        ("time", "24:00", "time"),
        ("time", 930, "time"),
        ("datetime", "2026-11-22T10:30", "2026-11-22T10:30"),
        ("datetime", " 2026-11-22 10:30:15 ", "2026-11-22T10:30"),
        ("datetime", "2026-02-30T10:30", "datetime"),
        ("datetime", "2026-11-22T10:30+08:00", "datetime"),
        (
            "place",
            {"lat": 36.5, "lon": 117.0, "accuracy": 8, "speed": 3},
            {"lat": 36.5, "lon": 117, "accuracy": 8},
        ),
        ("place", "36.5 117 0 8", {"lat": 36.5, "lon": 117, "accuracy": 8}),
        ("place", {"lat": 90.1, "lon": 0, "accuracy": 8}, "place"),
        ("place", {"lat": 36.5, "lon": 117, "accuracy": -1}, "place"),
        ("place", {"lat": "36", "lon": 117, "accuracy": 1}, "place"),
        ("photo", FILE, {"id": FILE["id"].lower(), "sha256": "ab" * 32, "bytes": 5}),
        ("signature", FILE | {"name": "x"}, {"id": FILE["id"].lower(), "sha256": "ab" * 32, "bytes": 5}),
        ("photo", FILE | {"bytes": 0}, "file"),
        ("photo", FILE["id"], "file"),
        ("acknowledge", "OK", "OK"),
        ("acknowledge", True, "OK"),
        ("acknowledge", False, None),
        ("acknowledge", "yes", "choice"),
    ],
)
def test_an_answer_is_read_in_its_canonical_form(kind, raw, value):
    assert read(kind, raw) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("370102001001", "370102001001"),
        ("３７０１０２００１００１", "370102001001"),
        ("370102001000", "region"),  # a street where a community is asked
        ("370103001001", "region"),  # another district
        ("37010200100", "region"),
        (370102001001, "region"),
    ],
)
def test_a_region_is_of_the_deepest_level_within_the_root(raw, value):
    assert read("region", raw, root="370102000000", levels=["street", "community"]) == value


def test_a_region_may_end_above_the_community():
    assert (
        read("region", "370102001000", root="370100000000", levels=["district", "street"]) == "370102001000"
    )
    assert read("region", "370102001001", root="370100000000", levels=["district", "street"]) == "region"


@pytest.mark.parametrize(
    ("raw", "more", "value"),
    [
        ([3, 5, 4, 1, 2], {}, [3, 5, 4, 1, 2]),
        ("3 5 4 1 2", {}, [3, 5, 4, 1, 2]),
        ([3, 5], {}, "few"),
        ([3, 5], {"max_choices": 3}, [3, 5]),
        ([3, 5, 1, 2], {"max_choices": 3}, "many"),
        ([3], {"min_choices": 2, "max_choices": 3}, "few"),
        ([3, 3], {"max_choices": 3}, "ranking"),
        ([3, -2], {"max_choices": 3, "missing": "skip"}, "exclusive"),
        ([-2], {"missing": "skip"}, [-2]),
        ([7], {}, "choice"),
    ],
)
def test_a_ranking_keeps_the_order_of_the_person(raw, more, value):
    assert read("ranking", raw, list="satisfied", **more) == value


def test_limits_of_several_choices_spare_the_exclusive_one_and_keep_the_value_beside_the_error():
    assert read("select_multiple", [9], min_choices=2) == [9]
    doc = document(item("m", "select_multiple", min_choices=2, required=True))
    checked = validate_answers(doc, {"m": [1]}, "web")
    assert [(e.code, e.message) for e in checked.errors] == [("few", "至少要选 2 项。")]
    assert checked.clean == {}
    assert Run(doc, {"m": [1]}, "web").reading("m").value == [1]
    doc = document(item("m", "select_multiple", max_choices=1))
    assert [e.message for e in validate_answers(doc, {"m": [1, "b"]}, "web", language="en").errors] == [
        "Please choose at most 1."
    ]


def test_expressions_see_odk_texts():
    place = {"lat": 36.5, "lon": 117, "accuracy": 8.25}
    doc = document(
        item("p", "place"),
        item("f", "photo"),
        item("rk", "ranking", list="satisfied", max_choices=2),
        item("d", "datetime"),
        item(
            "c",
            "calculate",
            calculation="concat(${p}, '|', ${f}, '|', ${rk}, '|', format-date(${d}, '%H:%M'))",
        ),
    )
    answers = {"p": place, "f": FILE, "rk": [5, 1], "d": "2026-11-22T10:30"}
    clean = validate_answers(doc, answers, "web").clean
    assert clean["c"] == f"36.5 117 0 8.25|{FILE['id'].lower()}|5 1|10:30"


def test_an_option_that_is_not_offered_is_no_answer():
    doc = document(
        item("side", "text"),
        item("area", "select_one", list="areas", filter=expression("side = ${side}"), missing="dk"),
        item("more", "text", relevant="${area} != ''"),
        choice_lists=document()["choice_lists"] | {"areas": AREAS},
    )
    run = Run(doc, {"side": "a"}, "web")
    assert [choice["code"] for choice in run.offered("area")] == ["a1", "a2", -1, -2]
    assert validate_answers(doc, {"side": "a", "area": "a2"}, "web").errors == []
    moved = validate_answers(doc, {"side": "b", "area": "a2", "more": "x"}, "web")
    assert [(e.name, e.code) for e in moved.errors] == [("area", "choice")]
    assert moved.path == ["side", "area"]
    assert validate_answers(doc, {"side": "none", "area": -1}, "web").errors == []


def test_a_ranking_never_asks_for_more_than_the_filter_leaves():
    doc = document(
        item("rk", "ranking", list="areas", filter=expression("side = 'a'"), min_choices=3),
        choice_lists=document()["choice_lists"] | {"areas": AREAS},
    )
    assert Run(doc, {}, "web").limits("rk") == (2, 2)
    assert validate_answers(doc, {"rk": ["a2", "a1"]}, "web").clean == {"rk": ["a2", "a1"]}


def test_a_default_counts_until_it_is_taken_back():
    doc = document(item("a", "select_one", default=3), item("b", "text", relevant="${a} = 3"))
    assert validate_answers(doc, {}, "web").clean == {"a": 3}
    assert validate_answers(doc, {}, "web").path == ["a", "b"]
    for blank in (None, "", []):
        assert validate_answers(doc, {"a": blank}, "web").path == ["a"]
    draft = validate_answers(doc, {}, "web", partial=True)
    assert (draft.clean, draft.path) == ({}, ["a", "b"])


def test_a_default_that_was_taken_back_does_not_return_when_accepted_answers_are_read_again():
    doc = document(item("a", "select_one", default=3), item("b", "text"))
    clean = validate_answers(doc, {"a": "", "b": "x"}, "web").clean
    assert clean == {"b": "x"}
    assert validate_answers(doc, clean, "web", defaults=False).clean == clean
    assert Run(doc, clean, "web", defaults=False).stored("a") == ""


def test_a_fixed_answer_cannot_be_changed():
    doc = document(item("a", "select_one", default=3, readonly=True))
    assert validate_answers(doc, {"a": 5}, "web").clean == {"a": 3}


def household():
    return document(
        blocks=[
            {"name": "before", "items": [item("n", "integer")]},
            roster(
                item("age", "integer", constraint=". < 130", required=True),
                item("school", "text", relevant="${age} < 18"),
                item("order", "calculate", calculation="position(..)"),
                count=expression("${n}"),
            ),
            {"name": "after", "items": [item("sum", "calculate", calculation="sum(${age})")]},
        ]
    )


def test_each_instance_has_its_own_relevance_and_errors_name_it():
    answers = {"n": 3, "member": [{"age": 40, "school": "x"}, {"age": 7, "school": "一小"}, {"age": 200}]}
    checked = validate_answers(household(), answers, "web")
    assert checked.clean["member"] == [
        {"age": 40, "order": 1},
        {"age": 7, "school": "一小", "order": 2},
        {"order": 3},
    ]
    assert checked.path[1:4] == ["member[1].age", "member[1].order", "member[2].age"]
    assert [(e.name, e.code) for e in checked.errors] == [("member[3].age", "constraint")]
    assert checked.clean["sum"] == 247


def test_the_number_of_instances_follows_its_expression():
    doc = household()
    assert Run(doc, {"n": 2, "member": [{}] * 5}, "web").instances("member") == 2
    assert Run(doc, {"n": 99}, "web").instances("member") == 20
    assert Run(doc, {"n": -1}, "web").instances("member") == 0
    assert Run(doc, {}, "web").instances("member") == 0
    fewer = validate_answers(doc, {"n": 1, "member": [{"age": 5}, {"age": 6}]}, "web")
    assert (fewer.clean["member"], fewer.clean["sum"], fewer.errors) == ([{"age": 5, "order": 1}], 5, [])
    missing = validate_answers(doc, {"n": 2, "member": [{"age": 5}]}, "web")
    assert [(e.name, e.code) for e in missing.errors] == [("member[2].age", "required")]


def test_a_repeat_without_a_number_takes_what_is_sent_within_its_bounds():
    doc = document(blocks=[roster(item("age", "integer"), min=1, max=2)])
    assert validate_answers(doc, {}, "web").clean == {"member": [{}]}
    assert validate_answers(doc, {"member": [{"age": 1}, {"age": 2}]}, "web").errors == []
    many = validate_answers(doc, {"member": [{"age": 1}] * 3}, "web")
    assert [(e.name, e.code, e.message) for e in many.errors] == [
        ("member", "repeat_many", "最多填 2 组，请去掉几组。")
    ]


@pytest.mark.parametrize("sent", ["x", 5, {"age": 1}, [1], ["x", {}], [None], [[{"age": 1}]]])
def test_a_repeat_that_is_no_list_of_objects_is_refused(sent):
    doc = document(blocks=[roster(item("age", "integer"))])
    assert ("member", "repeat") in [
        (e.name, e.code) for e in validate_answers(doc, {"member": sent}, "web").errors
    ]


def test_strangers_are_named_inside_and_outside_repeats():
    doc = document(blocks=[roster(item("age", "integer"))])
    sent = {"age": 1, "member": [{"age": 1, "height": 2}]}
    assert [e.name for e in validate_answers(doc, sent, "web").errors] == ["age", "member[1].height"]


def test_a_repeat_that_is_not_shown_is_cleared():
    block = roster(item("age", "integer")) | {"relevant": expression("${a} = 1")}
    after = {"name": "after", "items": [item("n", "calculate", calculation="count(${member})")]}
    doc = document(blocks=[{"name": "first", "items": [item("a", "integer")]}, block, after])
    checked = validate_answers(doc, {"a": 2, "member": [{"age": 5}]}, "web")
    assert (checked.clean, checked.path, checked.errors) == ({"a": 2, "n": 0}, ["a", "n"], [])


def test_an_export_says_what_was_skipped_in_each_instance():
    doc = household()
    checked = validate_answers(doc, {"n": 2, "member": [{"age": 40}, {"age": 7}]}, "web")
    assert with_not_applicable(doc, checked.clean, checked.path, "web")["member"] == [
        {"age": 40, "school": -3, "order": 1},
        {"age": 7, "school": None, "order": 2},
    ]


def test_quotas_are_told_by_their_conditions():
    label = {"zh-hans": "配额"}
    quotas = [
        {"name": name, "label": label, "where": expression(text), "limit": 5}
        for name, text in (("old", "${n} >= 60"), ("young", "${n} < 60"), ("broken", "date('x') = 1"))
    ]
    doc = document(item("n", "integer"), quotas=quotas)
    assert Run(doc, {"n": 70}, "web").quotas() == ["old"]
    assert Run(doc, {}, "web").quotas() == []
