"""Two versions side by side: what changed, and what that means for a trend."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from survey.questionnaires import diff
from survey.questionnaires.document import expression
from survey.questionnaires.editing import Edit, apply_edit
from tests.survey.questionnaires.forms import document, item


def base():
    return document(
        item("Q01", "select_one", missing="dk"),
        item("Q02", "select_one"),
        item("Q03", "text"),
        item("Q04", "scale"),
    )


def kinds(old, new):
    return {each.name: [change.kind for change in each.changes] for each in diff.compare(old, new)}


def held(doc, name):
    return next(each for each in doc["blocks"][0]["items"] if each["name"] == name)


def test_a_version_does_not_differ_from_itself():
    assert diff.compare(base(), copy.deepcopy(base())) == []


def test_another_wording_breaks_the_trend_and_shows_which_characters():
    new = copy.deepcopy(base())
    held(new, "Q01")["label"]["zh-hans"] = "问题 Q01"
    (found,) = diff.compare(base(), new)
    assert (found.meaning, [change.kind for change in found.changes]) == ("broken", ["label"])
    assert found.changes[0].segments == [("in", "问"), ("same", "题"), ("out", "目"), ("same", " Q01")]


def test_a_new_translation_changes_nothing_for_those_who_answered():
    new = copy.deepcopy(base())
    held(new, "Q01")["label"]["en"] = "Question"
    (found,) = diff.compare(base(), new)
    assert (found.meaning, found.changes[0].kind) == ("same", "translation")


def test_codes_and_options_break_for_every_item_with_the_list():
    new = copy.deepcopy(base())
    new["choice_lists"]["satisfied"][0]["label"]["zh-hans"] = "很满意"
    assert kinds(base(), new) == {"Q01": ["options"], "Q02": ["options"]}
    new["choice_lists"]["satisfied"].pop()
    assert kinds(base(), new) == {"Q01": ["codes"], "Q02": ["codes"]}
    assert {each.meaning for each in diff.compare(base(), new)} == {"broken"}


def test_added_removed_and_moved_items_are_told():
    new = copy.deepcopy(base())
    items = new["blocks"][0]["items"]
    items.append(items.pop(0))
    items.pop(1)
    items.insert(0, item("Q09", "text"))
    assert kinds(base(), new) == {"Q09": ["added"], "Q01": ["moved"], "Q03": ["removed"]}
    assert [each.meaning for each in diff.compare(base(), new)] == ["new", "look", "gone"]


def test_an_item_that_only_got_another_name_is_the_same_item():
    new = apply_edit(base(), Edit("put_item", "Q02", {"item": {**held(base(), "Q02"), "name": "parking"}}))
    (found,) = diff.compare(base(), new)
    assert (found.old_name, found.meaning) == ("Q02", "same")


def test_conditions_missing_answers_scales_and_modes_are_told():
    new = copy.deepcopy(base())
    held(new, "Q03")["relevant"] = expression("${Q01} = 5")
    held(new, "Q01").pop("missing")
    held(new, "Q04")["to"] = 7
    held(new, "Q02")["modes"] = ["door"]
    assert kinds(base(), new) == {"Q01": ["missing"], "Q02": ["modes"], "Q03": ["relevant"], "Q04": ["scale"]}


def test_a_block_condition_counts_for_its_items():
    new = copy.deepcopy(base())
    new["blocks"][0]["relevant"] = expression("${Q01} = 5")
    assert set(kinds(base(), new)) == {"Q01", "Q02", "Q03", "Q04"}
    assert not diff.blocks_changed(base(), new)
    new["blocks"].append({"name": "more", "items": [item("z", "text")]})
    assert diff.blocks_changed(base(), new)


@given(st.permutations([f"q{n}" for n in range(8)]))
def test_the_fewest_moves_explain_an_order(order):
    old = document(*[item(f"q{n}", "text") for n in range(8)])
    new = document(*[item(name, "text") for name in order])
    moved = {each.name for each in diff.compare(old, new)}
    assert [name for name in order if name not in moved] == sorted(set(order) - moved)
    if order == sorted(order):
        assert not moved
    else:
        assert 1 <= len(moved) < 8


@given(st.text(max_size=20), st.text(max_size=20))
def test_the_pieces_of_a_comparison_give_both_texts(before, after):
    segments = diff.word_diff(before, after)
    assert "".join(text for side, text in segments if side != "in") == before
    assert "".join(text for side, text in segments if side != "out") == after
