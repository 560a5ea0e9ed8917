"""Conditions as rows and as expressions: each turns into the other and means the same."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.questionnaires import conditions
from survey.questionnaires.conditions import (
    Condition,
    Row,
    Unwritable,
    normalised,
    read_text,
    write,
)
from survey.questionnaires.expressions import Environment, evaluate, parse, to_boolean
from tests.survey.questionnaires.forms import document, item

NAMES = st.sampled_from(["Q01", "age", "P-04", "a.b"])
TEXTS = st.text(st.characters(exclude_characters="\"'", exclude_categories=("Cs", "Cc")), min_size=1)
NUMBERS = st.integers(-(10**9), 10**9) | st.decimals(-1000, 1000, places=3).map(float).filter(
    lambda value: not value.is_integer()
)
VALUES = NUMBERS | TEXTS | st.dates()
CODES = TEXTS


@st.composite
def rows(draw):
    operator = draw(st.sampled_from(sorted({op for ops in conditions.OPERATORS.values() for op in ops})))
    if operator in conditions.NO_VALUE:
        values = ()
    elif operator in conditions.SEVERAL:
        codes = CODES if operator.startswith("has") else VALUES
        values = tuple(draw(st.lists(codes, min_size=1, max_size=4)))
    elif operator.startswith("count_"):
        values = (draw(st.integers(0, 20)),)
    else:
        values = (draw(CODES if operator.startswith("has") else VALUES),)
    return Row(draw(NAMES), operator, values)


CONDITIONS = st.builds(
    Condition, st.lists(rows(), min_size=1, max_size=5).map(tuple), st.sampled_from(["and", "or"])
)


@given(CONDITIONS)
def test_what_was_picked_comes_back_from_the_expression(condition):
    assert read_text(write(condition)) == normalised(condition)


@given(CONDITIONS)
def test_the_normal_form_is_normal_and_is_written_the_same(condition):
    assert normalised(normalised(condition)) == normalised(condition)
    assert write(normalised(condition)) == write(condition)


ATOMS = st.sampled_from(
    [
        "${a} = 1", "${a} = 2", "${b} != 3", "${c} > 18", "${c} <= 60.5", "${a} = -1", "selected(${m}, '1')",
        "selected(${m}, 2)", "not(selected(${m}, '3'))", "count-selected(${m}) >= 2", "${b} = ''",
        "${b} != ''", "not(${a} = 1)", "(${a} = 1 or ${a} = 2)", "not(${a} = 1 or ${a} = 2)",
    ]
)  # fmt: skip


@given(
    st.lists(ATOMS, min_size=1, max_size=4),
    st.sampled_from([" and ", " or "]),
    st.fixed_dictionaries(
        {"a": st.sampled_from(["", "1", "2", "-1"]), "b": st.sampled_from(["", "3"]),
         "c": st.sampled_from(["", "18", "19", "60.5"]), "m": st.sampled_from(["", "1", "1 2", "2 3"])}
    ),
)  # fmt: skip
def test_rewriting_an_authors_expression_by_rows_keeps_its_meaning(atoms, joiner, values):
    text = joiner.join(atoms)
    found = read_text(text)
    assert found is not None
    env = Environment(values=values)
    truth = [to_boolean(evaluate(parse(each), env), "UTC") for each in (text, write(found))]
    assert truth[0] == truth[1]


@pytest.mark.parametrize(
    "text",
    [
        "${a} = 1 and (${b} = 2 or ${c} = 3)", "${a} + 1 = 2", "${a} = ${b}", "if(${a} = 1, true(), false())",
        "regex(${a}, '^x')", "${d} < today()", "1 = ${a}", "not(${a} > 3)", "${d} = date('2026-1-1')",
        ". > 3", "not(${a} = 1 and ${b} = 2)",
    ],
)  # fmt: skip
def test_what_rows_cannot_say_stays_a_text(text):
    assert read_text(text) is None


def test_a_value_with_both_kinds_of_quotes_is_refused():
    with pytest.raises(Unwritable):
        write(Condition((Row("a", "eq", ("'\"",)),)))


def test_a_long_chain_is_read_without_recursion():
    text = " or ".join(f"${{a}} = {n}" for n in range(140))
    assert len(read_text(text).rows[0].values) == 140


def test_what_was_picked_gets_the_type_of_the_code():
    doc = document(
        item("Q1", "select_one"), item("M", "select_multiple"), item("D", "date"), item("N", "integer")
    )
    items = {each["name"]: each for each in doc["blocks"][0]["items"]}
    assert conditions.typed_value(doc, items["Q1"], "eq", "5") == 5
    assert conditions.typed_value(doc, items["Q1"], "eq", "7") is None
    assert conditions.typed_value(doc, items["M"], "has", "b") == "b"
    assert conditions.typed_value(doc, items["M"], "has", "1") == "1"
    assert conditions.typed_value(doc, items["M"], "count_ge", "2") == 2
    assert conditions.typed_value(doc, items["D"], "lt", "2026-11-22") == date(2026, 11, 22)
    assert conditions.typed_value(doc, items["D"], "lt", "明天") is None
    assert conditions.typed_value(doc, items["N"], "gt", "18.5") == 18.5
    assert conditions.typed_value(doc, items["N"], "gt", "十八") is None
    row = Row("Q1", "any_of", (5, 4, 77))
    assert conditions.answer_words(doc, row, "zh-hans") == ["选项5", "选项4", "77"]
