"""Test runs find what can be reached and name what cannot."""

import pytest

from survey.questionnaires.document import expression
from survey.questionnaires.paths import cover, deciding_names
from survey.questionnaires.validation import validate_answers
from tests.survey.questionnaires.forms import document, item


def test_everything_without_conditions_is_met_by_one_walk():
    found = cover(document(item("a", "select_one"), item("b", "text"), item("c", "scale")), "web")
    assert (found.never, len(found.cases), found.n_items) == ((), 1, 3)


def test_an_item_behind_a_rare_answer_is_walked_to_on_purpose():
    doc = document(
        item("age", "integer", constraint=". >= 0 and . <= 120"),
        item("one", "select_one"),
        item("deep", "text", relevant="${age} = 77 and ${one} = 3"),
        item("deeper", "text", relevant="${deep} = '钥匙'"),
        item("other", "text", relevant="not(${age} > 5) or ${one} = -9"),
    )
    found = cover(doc, "web")
    assert found.never == ()
    deep = next(walk for walk in found.cases if "deeper" in walk.names)
    assert (deep.answers["age"], deep.answers["one"], deep.answers["deep"]) == (77, 3, "钥匙")


@pytest.mark.parametrize(
    "condition",
    ["${a} = 5 and ${a} = 4", "${n} > 10 and ${n} < 10", "${a} = 77", "false()", "${hidden} = 5"],
)
def test_what_nobody_can_reach_is_named(condition):
    doc = document(
        item("a", "select_one"),
        item("n", "integer"),
        item("hidden", "select_one", relevant="${a} = 1 and ${a} = 2"),
        item("last", "text", relevant=condition),
    )
    assert cover(doc, "web").never == ("hidden", "last")


def test_modes_have_walks_of_their_own():
    doc = document(item("a", "select_one"), item("m", "text", modes=["door"]))
    assert cover(doc, "web").n_items == 1
    assert cover(doc, "door").never == ()


def test_conditions_on_sets_counts_dates_and_formulas_are_solved():
    doc = document(
        item("m", "select_multiple"),
        item("d", "date"),
        item("sum", "calculate", calculation="count-selected(${m}) * 10"),
        item("x", "text", relevant="selected(${m}, 'b') and not(selected(${m}, '1'))"),
        item("y", "text", relevant="count-selected(${m}) >= 2"),
        item("z", "text", relevant="${d} < date('1950-06-01')"),
        item("w", "text", relevant="${sum} = 20"),
        item("r", "ranking", list="satisfied", max_choices=2, min_choices=2),
        item("v", "text", relevant="selected(${r}, '5')"),
    )
    assert cover(doc, "web").never == ()


def test_repeats_are_walked_with_people_in_them():
    doc = document(item("n", "integer", constraint=". >= 0 and . <= 4"))
    doc["blocks"].append(
        {
            "name": "people",
            "repeat": {"label": {"zh-hans": "第 {0} 位"}, "count": expression("${n}")},
            "items": [item("age", "integer"), item("school", "text", relevant="${age} < 18")],
        }
    )
    doc["blocks"].append({"name": "end", "items": [item("many", "text", relevant="count(${age}) > 1")]})
    found = cover(doc, "web")
    assert found.never == ()
    for walk in found.cases:
        assert validate_answers(doc, walk.answers, "web").errors == []


def test_the_walks_are_valid_answers_and_their_time_is_the_stated_time():
    doc = document(
        item("a", "select_one", seconds=5, required=True),
        item("n", "integer", seconds=7, constraint=". > 40", required=True),
        item("b", "text", seconds=11, relevant="${a} = 1", required=True),
    )
    found = cover(doc, "web")
    assert (found.fastest, found.slowest) == (12, 23)
    for walk in found.cases:
        checked = validate_answers(doc, walk.answers, "web")
        assert checked.errors == []
        assert tuple(checked.path) == walk.names


def test_the_same_document_gives_the_same_walks():
    doc = document(item("a", "select_one"), item("b", "text", relevant="${a} = 1"))
    assert cover(doc, "web") == cover(doc, "web")


def test_the_items_that_make_ways_differ_are_listed():
    doc = document(item("a", "select_one"), item("b", "text", relevant="${a} = 1"), item("c", "text"))
    assert deciding_names(doc) == ["a"]
