"""What publishing refuses, and what it warns about."""

import copy

import pytest

from survey.questionnaires.checking import check_document
from survey.questionnaires.dependencies import find_cycles
from survey.questionnaires.document import document_hash
from tests.survey.questionnaires.forms import document, item


def found(doc, level="error"):
    return [(problem.code, problem.where) for problem in check_document(doc) if problem.level == level]


def test_a_sound_document_has_no_problem():
    doc = document(
        item("a", "select_one", missing="dk"),
        item("n", "integer", constraint=". >= 18 and . <= 120", missing="skip"),
        item("d", "date", constraint=". <= today()"),
        item("c", "calculate", calculation="${n} * 2"),
        item("t", "text", relevant="${a} = 5 and ${c} > 40", constraint="regex(., '[0-9]+')"),
    )
    assert check_document(doc) == []


@pytest.mark.parametrize(
    ("problem", "where", "items"),
    [
        ("unknown_name", "b.relevant", [item("b", "text", relevant="${nobody} = 1")]),
        ("duplicate", "a.name", [item("a", "text"), item("a", "text")]),
        ("choices", "a.type", [item("a", "select_one", list="nowhere")]),
        ("choices", "a.missing", [item("a", "text", missing="satisfied")]),
        ("code", "b.relevant", [item("a", "select_one"), item("b", "text", relevant="${a} = 7")]),
        ("code", "b.relevant", [item("a", "select_one"), item("b", "text", relevant="${a} = -1")]),
        (
            "code",
            "b.relevant",
            [item("a", "select_multiple"), item("b", "text", relevant="selected(${a}, 'z')")],
        ),
        ("type", "b.relevant", [item("a", "text"), item("b", "text", relevant="${a} > 3")]),
        ("type", "b.relevant", [item("a", "select_multiple"), item("b", "text", relevant="${a} + 1 = 2")]),
        ("type", "b.relevant", [item("a", "integer"), item("b", "text", relevant="${a} < 'many'")]),
        ("type", "b.relevant", [item("a", "integer"), item("b", "text", relevant="selected(${a}, '1')")]),
        ("self", "b.relevant", [item("a", "integer"), item("b", "text", relevant=". = 1")]),
        ("name", "b.relevant", [item("a", "integer"), item("b", "text", relevant="a = 1")]),
        ("repeat", "b.relevant", [item("a", "integer"), item("b", "text", relevant="position(..) = 1")]),
        ("regex", "a.constraint", [item("a", "text", constraint="regex(., '(?<=x)y')")]),
        ("calculation", "c.calculation", [item("c", "calculate")]),
        ("scale", "s.parameters", [item("s", "scale", **{"from": 5, "to": 5})]),
        ("with", "b.with", [item("b", "text", **{"with": "later"}), item("later", "select_one")]),
    ],
)
def test_a_mistake_is_found_with_its_place(problem, where, items):
    assert (problem, where) in found(document(*items))


def test_a_cycle_is_found_with_its_chain():
    doc = document(
        item("a", "text", relevant="${c} > 1"),
        item("b", "integer", relevant="${a} = 'x'"),
        item("c", "calculate", calculation="${b} + 1"),
    )
    cycles = [problem for problem in check_document(doc) if problem.code == "cycle"]
    assert len(cycles) == 1
    assert "a → c → b → a" in cycles[0].message


def test_an_item_that_waits_for_itself_is_a_cycle():
    assert find_cycles({"a": ["a"], "b": ["a"]}) == [["a"]]


def test_a_long_chain_of_conditions_is_no_cycle():
    chain = {f"q{i}": [f"q{i - 1}"] if i else [] for i in range(5000)}
    assert find_cycles(dict(reversed(chain.items()))) == []


def test_a_text_missing_in_one_language_is_an_error():
    doc = document(item("a", "text"), languages=["zh-hans", "en"])
    assert ("translation", "a.label") in found(doc)


def test_a_negative_code_needs_its_kind():
    doc = document(item("a", "select_one"))
    doc["choice_lists"]["satisfied"] = [{"code": -1, "label": {"zh-hans": "不了解"}}]
    assert ("missing_code", "satisfied/-1.name") in found(doc)
    doc["choice_lists"]["satisfied"] = [{"code": 8, "label": {"zh-hans": "不了解"}, "missing": "dont_know"}]
    assert ("missing_code", "satisfied/8.missing") in found(doc)


def test_an_order_that_dont_know_also_meets_is_a_warning():
    doc = document(item("a", "select_one", missing="dk"), item("b", "text", relevant="${a} <= 2"))
    assert found(doc) == []
    assert found(doc, "warning") == [("missing", "b.relevant")]


def test_a_condition_on_a_later_item_is_a_warning():
    doc = document(item("b", "text", relevant="${a} = 5"), item("a", "select_one"))
    assert ("forward", "b.relevant") in found(doc, "warning")


def test_a_tree_that_is_not_its_text_is_refused():
    doc = document(item("a", "select_one"), item("b", "text", relevant="${a} = 5"))
    forged = copy.deepcopy(doc)
    forged["blocks"][0]["items"][1]["relevant"]["tree"] = ["=", ["ref", "a"], 1]
    assert ("expression", "b.relevant") in found(forged)
    assert document_hash(forged) != document_hash(doc)


@pytest.mark.parametrize("broken", [{}, {"format": "other"}, [], {"blocks": "no"}])
def test_a_wrong_shape_is_told_and_nothing_else_is_tried(broken):
    problems = check_document(broken)
    assert problems
    assert {problem.code for problem in problems} == {"shape"}
