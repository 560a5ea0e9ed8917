"""Answers against a document: what is kept, what is cleared, what is refused."""

from datetime import UTC, datetime

import pytest

from survey.questionnaires.validation import MESSAGES, validate_answers, with_not_applicable
from tests.survey.questionnaires.forms import document, item


def validate(doc, answers, mode="web", **more):
    result = validate_answers(doc, answers, mode, **more)
    return result.clean, [(error.name, error.code) for error in result.errors]


def skipping():
    return document(
        item("a", "select_one", missing="dk", required=True),
        item("b", "text", relevant="${a} = 1", required=True),
        item("c", "text", relevant="${b} != ''"),
    )


def test_a_skipped_answer_is_cleared_and_what_hangs_on_it_too():
    result = validate_answers(skipping(), {"a": 5, "b": "旧的", "c": "旧的"}, "web")
    assert result.clean == {"a": 5}
    assert result.path == ["a"]
    assert result.errors == []


def test_an_item_skipped_by_logic_is_exported_as_not_applicable():
    doc = skipping()
    clean, path, _errors = validate_answers(doc, {"a": 5}, "web")
    assert with_not_applicable(doc, clean, path, "web") == {"a": 5, "b": -3, "c": -3}
    clean, path, _errors = validate_answers(doc, {"a": 1, "b": "x"}, "web")
    assert with_not_applicable(doc, clean, path, "web") == {"a": 1, "b": "x", "c": None}


def test_a_required_item_is_met_by_a_refusal_that_it_offers():
    assert validate(skipping(), {"a": -2}) == ({"a": -2}, [])
    assert validate(skipping(), {}) == ({}, [("a", "required")])


def test_a_draft_may_leave_required_items_open():
    assert validate(skipping(), {}, partial=True) == ({}, [])


def test_an_unknown_name_is_refused():
    clean, errors = validate(skipping(), {"a": 5, "zzz": 1})
    assert errors == [("zzz", "unknown")]
    assert clean == {"a": 5}


@pytest.mark.parametrize(
    ("kind", "raw", "kept"),
    [
        ("select_one", "5", 5),
        ("select_one", 5.0, 5),
        ("select_multiple", ["b", 1], [1, "b"]),
        ("select_multiple", "96 1", [1, 96]),
        ("select_multiple", [1, 1], [1]),
        ("select_multiple", -1, [-1]),
        ("integer", "４５", 45),
        ("integer", " -7 ", -7),
        ("integer", 3.0, 3),
        ("integer", -2, -2),
        ("decimal", "3.50", 3.5),
        ("scale", "10", 10),
        ("date", "2026-11-22", "2026-11-22"),
        ("text", "  路灯\r\n坏了\x00 ", "路灯\n坏了"),
        ("text", "-2", "-2"),
        ("text", -2, -2),
    ],
)
def test_an_answer_is_kept_in_its_canonical_form(kind, raw, kept):
    assert validate(document(item("q", kind, missing="dk")), {"q": raw}) == ({"q": kept}, [])


@pytest.mark.parametrize(
    ("kind", "raw", "code"),
    [
        ("select_one", 7, "choice"),
        ("select_one", True, "choice"),
        ("select_one", [5], "choice"),
        ("select_multiple", [1, "zzz"], "choice"),
        ("select_multiple", [1, 9], "exclusive"),
        ("select_multiple", [1, -1], "exclusive"),
        ("select_multiple", {"a": 1}, "choice"),
        ("integer", 3.5, "integer"),
        ("integer", "many", "integer"),
        ("integer", True, "number"),
        ("decimal", "1e5", "number"),
        ("decimal", float("nan"), "number"),
        ("decimal", 10**400, "number"),
        ("scale", 11, "scale"),
        ("date", "2026-02-30", "date"),
        ("date", 20260222, "date"),
        ("text", 12, "text"),
        ("text", "长" * 501, "long"),
    ],
)
def test_an_answer_of_the_wrong_kind_is_named(kind, raw, code):
    assert validate(document(item("q", kind, missing="dk")), {"q": raw}) == ({}, [("q", code)])


def test_a_missing_answer_that_is_not_offered_is_refused():
    assert validate(document(item("q", "select_one", missing="skip")), {"q": -1})[1] == [("q", "choice")]
    assert validate(document(item("q", "select_one")), {"q": -2})[1] == [("q", "choice")]


def test_only_an_interviewer_may_note_a_missed_item():
    doc = document(item("q", "select_one", required=True))
    assert validate(doc, {"q": -4}, "door") == ({"q": -4}, [])
    assert validate(doc, {"q": -4}, "web")[1] == [("q", "choice")]


def test_a_constraint_spares_a_missing_answer_and_speaks_the_authors_words():
    doc = document(
        item(
            "n",
            "integer",
            missing="skip",
            constraint=". >= 18",
            constraint_message={"zh-hans": "要满 18 岁。"},
        )
    )
    assert validate(doc, {"n": -2}) == ({"n": -2}, [])
    error = validate_answers(doc, {"n": 12}, "web").errors[0]
    assert (error.name, error.code, error.message) == ("n", "constraint", "要满 18 岁。")


def test_a_refused_number_reads_as_blank_in_conditions():
    doc = document(item("n", "integer", missing="skip"), item("m", "text", relevant="${n} < 30"))
    assert validate_answers(doc, {"n": -2, "m": "x"}, "web").path == ["n"]


def test_an_invalid_answer_reads_as_blank_in_conditions():
    doc = document(item("n", "integer"), item("m", "text", relevant="${n} = ''"))
    assert validate_answers(doc, {"n": "??"}, "web").path == ["n", "m"]


def test_an_interviewers_item_is_not_asked_on_the_web():
    doc = document(item("m", "select_one", modes=["door"], required=True))
    assert validate(doc, {"m": 5}, "web") == ({}, [])
    assert validate(doc, {"m": 5}, "door") == ({"m": 5}, [])


def test_a_block_hides_all_its_items():
    hidden = {
        "name": "two",
        "relevant": item("x", "text", relevant="${a} = 5")["relevant"],
        "items": [item("b", "text")],
    }
    doc = document(blocks=[{"name": "one", "items": [item("a", "select_one")]}, hidden])
    assert validate_answers(doc, {"a": 4, "b": "x"}, "web").clean == {"a": 4}
    assert validate_answers(doc, {"a": 5, "b": "x"}, "web").clean == {"a": 5, "b": "x"}


def test_a_calculated_value_is_worked_out_here_whatever_was_sent():
    doc = document(item("n", "integer"), item("c", "calculate", calculation="${n} * 2"))
    assert validate(doc, {"n": 4, "c": 99}) == ({"n": 4, "c": 8}, [])
    assert validate(doc, {"c": 99}) == ({}, [])


def test_a_calculated_truth_stays_a_truth():
    doc = document(
        item("n", "integer"),
        item("c", "calculate", calculation="${n} > 3"),
        item("t", "text", relevant="${c}"),
    )
    assert validate_answers(doc, {"n": 1}, "web").path == ["n", "c"]
    assert validate_answers(doc, {"n": 4}, "web").path == ["n", "c", "t"]


def test_today_is_the_day_of_answering_in_the_forms_zone():
    doc = document(item("d", "date", constraint=". <= today()"))
    late = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)  # 01:00 on the 23rd in Shanghai
    assert validate(doc, {"d": "2026-11-23"}, now=late)[1] == []
    assert validate(doc, {"d": "2026-11-24"}, now=late)[1] == [("d", "constraint")]


def test_an_authors_broken_expression_stops_nobody():
    doc = document(
        item("t", "text", constraint="date(.) > date('2020-01-01')"),
        item("u", "text", relevant="date(${t}) > 1"),
        item("c", "calculate", calculation="date(${t})"),
    )
    assert validate(doc, {"t": "no date"}) == ({"t": "no date"}, [])


def test_required_may_be_a_condition():
    doc = document(item("a", "select_one"), item("t", "text", required="${a} = 1"))
    assert validate(doc, {"a": 5})[1] == []
    assert validate(doc, {"a": 1})[1] == [("t", "required")]


def test_a_cycle_ends_and_shows_nothing():
    doc = document(item("a", "text", relevant="${b} = ''"), item("b", "text", relevant="${a} = 'x'"))
    assert validate_answers(doc, {}, "web").path in (["a"], ["b"], [])


def test_each_message_speaks_three_languages():
    assert all(set(texts) == {"zh-hans", "zh-hant", "en"} for texts in MESSAGES.values())
    error = validate_answers(document(item("n", "integer")), {"n": "x"}, "web", language="en").errors[0]
    assert error.message == "Please enter a whole number, such as 45."


def test_an_unknown_mode_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="mode"):
        validate_answers(document(item("a", "text")), {}, "phone")
