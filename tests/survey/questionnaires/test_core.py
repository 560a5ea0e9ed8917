"""The questionnaire that ships with Minyi, its indicators, and the workbook they come from."""

import json
from pathlib import Path

import pytest

from survey.questionnaires.data.build_core import PATH, build
from survey.questionnaires.document import (
    MODES,
    all_choices,
    item_index,
    items_of,
    own_choices,
    total_seconds,
)
from survey.questionnaires.validation import validate_answers
from survey.questionnaires.xlsform import read_xlsform


@pytest.fixture(scope="module")
def core():
    document, problems = read_xlsform(PATH)
    assert problems == []
    return document


def best_answers(core, **changed):
    """The first option of every item."""
    answers = {}
    for item in items_of(core):
        choices = own_choices(core, item)
        if item["type"] == "select_one":
            answers[item["name"]] = choices[0]["code"]
    return answers | {"S02": 45, "H02": 8, "O01": -1} | changed


def test_the_workbook_is_what_its_script_writes(core, tmp_path):
    build(tmp_path / "again.xlsx")
    assert read_xlsform(tmp_path / "again.xlsx")[0] == core


def test_it_speaks_three_languages_and_takes_under_five_minutes(core):
    assert core["languages"] == ["zh-hans", "zh-hant", "en"]
    assert 180 <= total_seconds(core, "web") <= 300


def test_a_resident_can_answer_it(core):
    answers = best_answers(core)
    clean, path, errors = validate_answers(core, {k: v for k, v in answers.items() if k[0] != "M"}, "web")
    assert errors == []
    assert "M01" not in path
    assert set(clean) == set(path)


def test_every_item_of_the_resident_can_be_skipped(core):
    for item in items_of(core):
        if "web" in item.get("modes", MODES) and item.get("required"):
            assert -2 in [choice["code"] for choice in all_choices(core, item)], item["name"]


def test_the_skips_follow_the_answers(core):
    asked = validate_answers(core, best_answers(core), "door").path
    assert "Q14" in asked and "Q16" in asked and "A03" not in asked and "M02" in asked
    asked = validate_answers(core, best_answers(core, P04=2, K05=-1, A01=2, A03=[1, 96]), "door").path
    assert "Q14" not in asked and "Q16" not in asked and "A03" in asked and "A03_other" in asked


def test_age_is_between_18_and_120(core):
    for age, bad in ((17, True), (18, False), (120, False), (121, True)):
        errors = validate_answers(core, best_answers(core, S02=age), "door").errors
        assert any(error.name == "S02" for error in errors) is bad


def test_a_higher_code_is_better_on_every_scale(core):
    for name in ("satisfied", "support", "change", "agree", "happy"):
        assert [choice["code"] for choice in core["choice_lists"][name]] == [5, 4, 3, 2, 1]
    assert [choice["code"] for choice in core["choice_lists"]["safe"]] == [4, 3, 2, 1]


def test_each_indicator_names_real_items_and_codes(core):
    path = Path(PATH).with_name("indicators.json")
    index = item_index(core)
    indicators = json.loads(path.read_text(encoding="utf-8"))["indicators"]
    assert len({indicator["code"] for indicator in indicators}) == len(indicators)
    for indicator in indicators:
        definition = indicator["definition"]
        for part in definition["items"]:
            item = index[part["name"]][1]
            if item["type"] == "scale":
                codes = {str(score) for score in range(item["from"], item["to"] + 1)}
            else:
                codes = {str(choice["code"]) for choice in own_choices(core, item)}
            if indicator["kind"] == "mean_score":
                assert set(part["points"]) == codes
            else:
                assert {str(code) for code in definition["top_codes"]} < codes
