"""The expression language: shared vectors through both evaluators, and what the parser refuses."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.questionnaires.expressions import ExpressionError, parse, references
from survey.questionnaires.expressions.dates import civil_from_days, days_from_civil
from survey.questionnaires.expressions.regex import portable
from tests.expressions.__main__ import main
from tests.expressions.engines import NODE, agrees, run_javascript, run_python

VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "expressions").glob("*.json"))
needs_node = pytest.mark.skipif(
    NODE is None, reason="this machine has no `node`, which runs the phone's half"
)


def cases(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_python_gives_the_value_of_each_vector(path):
    wrong = [
        (case["id"], case["expr"], case["result"], got)
        for case, got in zip(cases(path), run_python(cases(path)), strict=True)
        if not agrees(got, case["result"])
    ]
    assert wrong == []


@needs_node
@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_javascript_gives_the_value_of_each_vector(path):
    wrong = [
        (case["id"], case["expr"], case["result"], got)
        for case, got in zip(cases(path), run_javascript(cases(path)), strict=True)
        if not agrees(got, case["result"])
    ]
    assert wrong == []


def test_the_vectors_cover_every_kind_of_value():
    kinds = {case["result"]["type"] for path in VECTORS for case in cases(path)}
    assert kinds == {"string", "number", "boolean", "error"}


@needs_node
def test_the_command_counts_a_case_that_fails(tmp_path, capsys):
    file = tmp_path / "cases.json"
    file.write_text(
        json.dumps(
            [
                {"id": "good", "expr": "1 + 1", "result": {"type": "number", "value": 2}},
                {"id": "bad", "expr": "1 + 1", "result": {"type": "number", "value": 3}},
                {"id": "open", "expr": "1 + 1", "proposed": {"type": "number", "value": 3}},
            ]
        )
    )
    assert main([str(file)]) == 1
    printed = capsys.readouterr().out
    assert "2 cases, 1 without a result" in printed
    assert "Python: 1 passed, 1 failed" in printed
    assert "JavaScript: 1 passed, 1 failed" in printed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 +", "写到末尾还不完整"),
        ("${a} && 1", "第 6 个字符"),
        ("Round(1)", "没有 Round() 这个函数"),
        ("round()", "要 1 到 2 个参数，这里写了 0 个"),
        ("uuid()", "不支持函数 uuid()"),
        ("", "表达式是空的"),
        ("1" * 4001, "表达式太长"),
        ("-" * 300 + "1", "套得太深"),
    ],
)
def test_a_bad_expression_is_refused_with_its_reason(text, reason):
    with pytest.raises(ExpressionError, match=reason.replace("(", r"\(").replace(")", r"\)")):
        parse(text)


def test_references_are_named_once_with_the_question_of_choice_name():
    tree = parse("if(${a} = ${b}, jr:choice-name(${a}, '${c}'), count(${d}[x > 1]))")
    assert references(tree) == ["a", "b", "c", "d"]


@given(st.integers(-800_000, 3_000_000))
def test_days_and_calendar_dates_are_inverse(days):
    assert days_from_civil(*civil_from_days(days)) == days


@given(st.dates())
def test_days_agree_with_the_standard_library(day):
    assert days_from_civil(day.year, day.month, day.day) == day.toordinal() - 719163


@pytest.mark.parametrize(
    "pattern", ["(?<=a)b", "(?P<n>a)", "(?i)a", r"\1", r"\p{L}", "a++", "a{,3}", "[]", "}", "\\"]
)
def test_a_pattern_that_phones_read_differently_is_refused(pattern):
    with pytest.raises(ExpressionError, match="regex"):
        portable(pattern)
