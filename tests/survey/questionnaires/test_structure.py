"""What publishing says about what format 2 adds: limits, orders, matrices, repeats, quotas, filters."""

import copy

import pytest

from survey.questionnaires.checking import check_document
from survey.questionnaires.document import FORMAT, document_hash, expression, format_for, total_seconds
from tests.survey.questionnaires.forms import document, item

FIRST = {"random": True, "first": 3, "last": 3}


def shaped(*items, **more):
    """A document that says which format it is."""
    doc = document(*items, **more)
    return doc | {"format": format_for(doc)}


def found(doc, level="error"):
    return [(problem.code, problem.where) for problem in check_document(doc) if problem.level == level]


def roster(*items, **repeat):
    label = {"label": {"zh-hans": "第 {0} 位家人"}}
    return {"name": "member", "repeat": label | repeat, "items": list(items)}


def quota(where, **more):
    label = {"zh-hans": "六十岁以上"}
    return {"name": "old", "label": label, "where": expression(where), "limit": 50} | more


@pytest.mark.parametrize(
    ("problem", "where", "items"),
    [
        ("part", "a.min_choices", [item("a", "select_one", min_choices=1)]),
        ("part", "a.filter", [item("a", "text", filter=expression("1 = 1"))]),
        ("part", "a.consent", [item("a", "photo", consent=True)]),
        ("limits", "a.max_choices", [item("a", "select_multiple", max_choices=4)]),
        ("limits", "a.min_choices", [item("a", "select_multiple", min_choices=3, max_choices=2)]),
        ("limits", "a.min_choices", [item("a", "ranking", list="satisfied", min_choices=6)]),
        ("ranking", "a.list", [item("a", "ranking", list="named")]),
        ("order", "a.order", [item("a", "select_one", order=FIRST)]),
        ("scale", "a.parameters", [item("a", "rating", to=2)]),
        ("region", "a.root", [item("a", "region", levels=["street"])]),
        ("region", "a.levels", [item("a", "region", root="370102000000", levels=["district", "street"])]),
        ("region", "a.levels", [item("a", "region", root="370100000000", levels=["district", "community"])]),
        ("default", "a.default", [item("a", "select_one", default=7)]),
        ("default", "a.default", [item("a", "integer", default="")]),
        ("default", "a.default", [item("a", "integer", readonly=True)]),
        ("default", "a.default", [item("a", "place", default="36 117")]),
        ("scoring", "a.scoring", [item("a", "select_one", scoring={"rule": "five", "points": {"7": 10}})]),
        ("scoring", "a.scoring", [item("a", "scale", scoring={"rule": "ten", "points": {"-1": 10}})]),
        ("column", "a.filter", [item("a", "select_one", filter=expression("area = 1"))]),
        ("self", "a.filter", [item("a", "select_one", filter=expression(". = 1"))]),
        ("unknown_name", "a.filter", [item("a", "select_one", filter=expression("name = ${z}"))]),
        ("cycle", "a.filter", [item("a", "select_one", filter=expression("name = ${a}"))]),
        ("type", "b.relevant", [item("a", "time"), item("b", "text", relevant="${a} > '10:00'")]),
        ("matrix", "a.matrix", [item("a", "select_one", matrix="m")]),
    ],
)
def test_a_mistake_is_found_with_its_place(problem, where, items):
    assert (problem, where) in found(shaped(*items))


def test_additions_need_the_second_format():
    doc = document(item("a", "rating"))
    assert found(doc) == [("format", "a.type")]
    assert found(shaped(item("a", "rating"))) == []


def test_a_document_of_the_first_format_keeps_its_hash():
    doc = document(item("a", "select_one", missing="dk"), item("b", "text", relevant="${a} = 5"))
    before = document_hash(copy.deepcopy(doc))
    assert check_document(doc) == []
    assert format_for(doc) == FORMAT
    assert document_hash(doc) == before


def test_every_new_type_can_be_published():
    doc = shaped(
        item("rk", "ranking", list="satisfied", max_choices=3, missing="skip"),
        item("m", "select_multiple", min_choices=1, max_choices=3, order={"random": True, "last": 1}),
        *(item(name, name) for name in ("rating", "time", "datetime", "place", "photo", "acknowledge")),
        item("signature", "signature", consent=True),
        item("region", "region", root="370102000000", levels=["street", "community"]),
        item("d", "select_one", default=3, readonly=True),
    )
    assert check_document(doc) == []


def test_a_filter_speaks_of_the_columns_of_its_choices():
    areas = [
        {"code": n, "label": {"zh-hans": str(n)}, "columns": {"area": "s" if n < 3 else "n"}}
        for n in (1, 2, 3)
    ]
    lists = document()["choice_lists"] | {"areas": areas}
    doc = shaped(
        item("side", "text"),
        item("a", "select_one", list="areas", filter=expression("area = ${side} and name != '1'")),
        choice_lists=lists,
    )
    assert check_document(doc) == []
    areas[0]["columns"]["name"] = "x"
    assert ("column", "areas/1.columns") in found(doc)


def test_the_rows_of_a_matrix_are_alike_and_adjacent():
    stem = {"m": {"label": {"zh-hans": "满意吗"}}}
    rows = [item(name, "select_one", matrix="m") for name in ("a", "b")]
    assert check_document(shaped(*rows, matrices=stem)) == []
    assert ("matrix", "a.matrix") in found(shaped(rows[0], item("x", "text"), rows[1], matrices=stem))
    other = item("b", "select_one", matrix="m", missing="dk")
    assert ("matrix", "b.matrix") in found(shaped(rows[0], other, matrices=stem))
    assert ("matrix", "m.matrix") in found(shaped(item("x", "text"), matrices=stem))
    assert ("duplicate", "a.name") in found(shaped(*rows, matrices=stem | {"a": stem["m"]}))
    pinned = {"m": stem["m"] | {"order": {"random": True, "first": 3}}}
    assert ("order", "m.order") in found(shaped(*rows, matrices=pinned))


def test_a_shuffled_block_holds_no_condition_on_an_item_that_may_come_later():
    items = [item("a", "select_one"), item("b", "text", relevant="${a} = 1"), item("c", "text")]
    block = {"name": "block", "order": {"random": True}, "items": items}
    assert ("order", "b.relevant") in found(shaped(blocks=[block]))
    block["order"]["first"] = 1
    assert found(shaped(blocks=[block])) == []
    items[1]["with"] = "a"
    block["order"]["first"] = 0
    assert found(shaped(blocks=[block])) == []


def test_a_repeat_may_speak_of_itself_and_be_counted_from_outside():
    doc = shaped(
        blocks=[
            {"name": "before", "items": [item("n", "integer")]},
            roster(
                item("age", "integer", constraint=". < 130"),
                item("school", "text", relevant="${age} < 18 and position(..) <= ${n}"),
                item("next", "calculate", calculation="../age + 1"),
                count=expression("${n}"),
            ),
            {
                "name": "after",
                "items": [
                    item("total", "calculate", calculation="sum(${age})"),
                    item("adults", "calculate", calculation="count(${member}[age >= 18])"),
                    item("second", "calculate", calculation="indexed-repeat(${age}, ${member}, 2)"),
                ],
            },
        ]
    )
    assert check_document(doc) == []


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ("column", "count(${member}[height >= 18])"),
        ("repeat", "count(${n}/age)"),
        ("type", "${member} + 1"),
        ("type", "${member} = 1"),
        ("repeat", "indexed-repeat(${n}, ${member}, 1)"),
        ("repeat", "../age"),
        ("repeat", "last()"),
        ("unknown_name", "sum(${member}/height)"),
        ("code", "count(${member}[sex = 9])"),
        ("cycle", "sum(${twice})"),
    ],
)
def test_a_mistake_about_a_repeat_is_found(problem, text):
    doc = shaped(
        blocks=[
            roster(
                item("age", "integer"),
                item("sex", "select_one"),
                item("twice", "calculate", calculation="${age} * ${out}"),
            ),
            {"name": "rest", "items": [item("n", "integer"), item("out", "calculate", calculation=text)]},
        ]
    )
    assert problem in {code for code, _where in found(doc)}


def test_one_answer_of_many_where_a_single_one_counts_is_a_warning():
    after = {"name": "rest", "items": [item("out", "calculate", calculation="${age} + 1")]}
    doc = shaped(blocks=[roster(item("age", "integer")), after])
    assert found(doc, "warning") == [("first", "out.calculation")]


def test_a_cycle_through_the_number_of_a_repeat_is_found():
    after = {"name": "rest", "items": [item("n", "calculate", calculation="count(${member})")]}
    doc = shaped(blocks=[roster(item("age", "integer"), count=expression("${n}")), after])
    assert [code for code, _where in found(doc)] == ["cycle"]


def test_a_repeat_has_sensible_numbers_and_names():
    assert ("repeat", "member.repeat") in found(shaped(blocks=[roster(item("a", "text"), min=9, max=3)]))
    doc = shaped(blocks=[roster(item("a", "text"), min=2, count=expression("3"))])
    assert ("repeat", "member.repeat") in found(doc)
    doc = shaped(blocks=[roster(item("a", "text"), label={"zh-hans": "家人"})])
    assert found(doc, "warning") == [("repeat", "member.repeat")]


def test_the_selection_in_the_household_comes_first_and_once():
    household = {"name": "who", "kind": "household", "method": "kish", "title": {"zh-hans": "请谁来答"}}
    asked = {"name": "q", "items": [item("a", "text")]}
    assert check_document(shaped(blocks=[household, asked])) == []
    assert ("household", "who.kind") in found(shaped(blocks=[asked, household]))
    again = household | {"name": "again"}
    assert ("household", "again.kind") in found(shaped(blocks=[household, again, asked]))


def test_a_quota_must_be_reachable_and_named_once():
    age = item("age", "integer", constraint=". >= 18 and . <= 120")
    assert check_document(shaped(age, quotas=[quota("${age} >= 60")])) == []
    assert ("quota", "old.where") in found(shaped(age, quotas=[quota("${age} > 130")]))
    assert ("unknown_name", "old.where") in found(shaped(age, quotas=[quota("${year} > 130")]))
    assert ("duplicate", "old.name") in found(shaped(age, quotas=[quota("${age} > 60")] * 2))


def test_a_long_questionnaire_is_a_warning_and_a_wrong_stated_time_an_error():
    doc = shaped(*(item(f"q{n}", "text", seconds=25) for n in range(20)))
    assert found(doc, "warning") == [("time", "settings.seconds")] * 2
    doc["reading_seconds"] = {"web": 1}
    doc["format"] = format_for(doc)
    assert ("time", "settings.reading_seconds") in found(doc)
    doc["reading_seconds"] = {"web": 500, "door": 500}
    assert found(doc) == []


def test_a_repeat_takes_as_long_as_its_least_number_of_instances():
    assert total_seconds(shaped(blocks=[roster(item("a", "text", seconds=10), min=3)])) == 30
    assert total_seconds(shaped(blocks=[roster(item("a", "text", seconds=10))])) == 10


def test_what_an_old_phone_cannot_do_needs_a_way_out():
    doc = shaped(item("p", "photo", required=True))
    assert found(doc, "warning") == [("way_out", "p.required")]
    assert found(shaped(item("p", "photo", required=True, missing="skip")), "warning") == []


def test_a_problem_of_a_filter_names_its_cell():
    doc = shaped(item("a", "select_one", filter=expression("area = 1")))
    problems = check_document(doc, {("a", "filter"): "survey!K4"})
    assert [str(problem).split("：")[0] for problem in problems] == ["survey!K4"]
