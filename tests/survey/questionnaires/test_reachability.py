"""Conditions that nobody can fulfil are reported; conditions that somebody can are not."""

import pytest

from survey.questionnaires.checking import check_document
from survey.questionnaires.document import expression, format_for
from tests.survey.questionnaires.forms import document, item

ITEMS = [
    item("one", "select_one", missing="dk"),
    item("some", "select_multiple"),
    item("age", "integer", constraint=". >= 18 and . <= 120"),
    item("kg", "decimal"),
    item("stars", "rating", to=3),
    item("words", "text"),
    item("sub", "text", relevant="${one} = 1"),
    item("fixed", "select_one", default=3, readonly=True),
    item("calc", "calculate", calculation="${age} * 2"),
    item("born", "date"),
]
NEVER = [
    "${one} = 1 and ${one} = 2",
    "${one} = 5 and not(${one} > 4)",
    "${one} > 5",
    "${one} < 1 and ${one} > -1",
    "(${one} = 1 or ${one} = 2) and ${one} >= 3",
    "${age} < 18 and ${age} > 0",
    "${age} > 30 and ${age} < 31",
    "${age} > 30 and ${age} <= 29",
    "${kg} > 3 and ${kg} < 2",
    "${stars} > 3",
    "selected(${some}, '1') and not(selected(${some}, '1'))",
    "count-selected(${some}) > 4",
    "selected(${some}, '1') and count-selected(${some}) = 0",
    "${words} = 'a' and ${words} = 'b'",
    "${words} = '' and ${words} != ''",
    "${sub} = 'x' and ${one} = 2",
    "${fixed} = 4",
    "1 = 2",
    "false()",
    "true() and not(true())",
    "string-length(${one}) > 2",
]
SOMETIMES = [
    "${one} = 1 or ${one} = 2",
    "${one} = -1 and ${one} != -2",
    "${one} != 1 and ${one} != 2",
    "${one} = ''",
    "not(${one} > 0)",
    "${age} >= 18 and ${age} < 19",
    "not(${age} >= 18)",
    "${kg} > 2 and ${kg} < 2.1",
    "${kg} = 0.3",
    "selected(${some}, '1') and selected(${some}, 'b')",
    "count-selected(${some}) = 3",
    "${words} != 'a' and ${words} != 'b' and ${words} != ''",
    "${sub} != '' and ${one} = 1",
    "${fixed} = 3",
    "${calc} = 1 and ${calc} = 2",
    "${born} > today() and ${born} < today()",
    "${age} mod 7 = 3",
    "${kg} + ${age} < ${stars}",
    "date('x') = 1",
]


def unreachable(text):
    doc = document(*ITEMS, item("last", "text", relevant=text))
    doc["format"] = format_for(doc)
    problems = check_document(doc)
    return [problem.where for problem in problems if problem.code == "unreachable"] == ["last.relevant"]


@pytest.mark.parametrize("text", NEVER)
def test_a_condition_that_never_holds_is_reported(text):
    assert unreachable(text)


@pytest.mark.parametrize("text", SOMETIMES)
def test_a_condition_that_may_hold_is_not_reported(text):
    assert not unreachable(text)


def test_a_condition_against_its_own_block_is_reported():
    first = {"name": "first", "items": [item("a", "select_one")]}
    second = {
        "name": "second",
        "relevant": expression("${a} = 1"),
        "items": [item("b", "text", relevant="${a} = 2")],
    }
    problems = check_document(document(blocks=[first, second]))
    assert [(problem.level, problem.where) for problem in problems] == [("warning", "b.relevant")]


def test_a_block_that_nobody_meets_is_reported_once():
    first = {"name": "first", "items": [item("a", "select_one")]}
    second = {
        "name": "second",
        "relevant": expression("${a} > 5"),
        "items": [item("b", "text", relevant="${a} = 2")],
    }
    problems = check_document(document(blocks=[first, second]))
    assert [problem.where for problem in problems] == ["second.relevant"]


def test_an_answer_of_another_instance_does_not_contradict():
    repeat = {"label": {"zh-hans": "第 {0} 位"}}
    items = [item("sex", "select_one"), item("b", "text", relevant="${sex} = 1 and ${sex} = 2")]
    after = item("c", "text", relevant="${sex} = 1 and ${sex} = 2")
    doc = document(blocks=[{"name": "m", "repeat": repeat, "items": items}, {"name": "z", "items": [after]}])
    doc["format"] = format_for(doc)
    assert [p.where for p in check_document(doc) if p.code == "unreachable"] == ["b.relevant"]


def test_very_many_alternatives_count_as_possible():
    text = " and ".join(f"(${{one}} = 1 or ${{age}} = {n})" for n in range(20, 40))
    assert not unreachable(text)
