"""An author's changes: each gives a new, whole document, and the old one stays as it was."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.questionnaires import bank, parts, translating
from survey.questionnaires.document import (
    ITEM_TYPES,
    block_items,
    document_hash,
    item_index,
    items_of,
)
from survey.questionnaires.drafting import blank_document, check_draft
from survey.questionnaires.editing import EDITS, Edit, EditError, all_names, apply_edit, next_item_name
from survey.questionnaires.references import users_of
from tests.survey.questionnaires.forms import document, item


def edit(doc, do, subject="", **arguments):
    return apply_edit(doc, Edit(do, subject, arguments))


def names(doc):
    return [[each["name"] for each in block_items(block)] for block in doc["blocks"]]


@pytest.fixture
def doc():
    made = document(
        item("Q01", "select_one"),
        item("Q02", "select_one", relevant="${Q01} = 5"),
        item("Q03", "text", **{"with": "Q02"}),
    )
    made["blocks"].append({"name": "b2", "items": [item("Q04", "integer", constraint=". > 0")]})
    return made


def test_a_blank_questionnaire_says_what_it_lacks():
    made = blank_document(name="x", title="问卷")
    assert [problem.code for problem in check_draft(made)] == ["empty_block"]
    filled = edit(made, "add_items", items=[{"type": "text", "label": {"zh-hans": "说说看"}}], block="block")
    assert names(filled) == [["Q01"]]
    assert check_draft(filled) == []
    assert filled["blocks"][0]["items"][0]["seconds"] > 0


@pytest.mark.parametrize(
    ("language", "label"), [("zh-hans", "选项一"), ("zh-hant", "選項一"), ("en", "Option 1")]
)
def test_a_new_choice_question_begins_with_options_in_the_language_that_is_written_in(language, label):
    new = {"type": "select_one", "label": {language: "?"}}
    made = edit(
        blank_document(name="x", title="?", language=language), "add_items", items=[new], block="block"
    )
    (choices,) = made["choice_lists"].values()
    assert choices[0]["label"] == {language: label}


@pytest.mark.parametrize("kind", ITEM_TYPES)
def test_an_item_of_every_type_is_added_and_has_a_valid_shape(kind):
    new = parts.retyped({"name": "", "type": "note", "label": {"zh-hans": "问"}}, kind)
    made = edit(blank_document(name="x", title="问卷"), "add_items", items=[new], block="block")
    assert not [problem for problem in check_draft(made) if problem.code == "shape"]


@pytest.mark.parametrize("before", ITEM_TYPES)
@pytest.mark.parametrize("after", ITEM_TYPES)
def test_any_type_can_become_any_other(before, after):
    first = parts.retyped({"name": "", "type": "note", "label": {"zh-hans": "问"}}, before)
    made = edit(blank_document(name="x", title="问卷"), "add_items", items=[first], block="block")
    held = made["blocks"][0]["items"][0]
    made = edit(made, "put_item", held["name"], item=parts.retyped(held, after))
    assert not [problem for problem in check_draft(made) if problem.code == "shape"]


def test_a_new_name_is_carried_into_conditions_and_screens(doc):
    changed = edit(doc, "put_item", "Q01", item={**doc["blocks"][0]["items"][0], "name": "first"})
    assert item_index(changed)["Q02"][1]["relevant"]["text"] == "${first} = 5"
    assert item_index(changed)["Q02"][1]["relevant"]["tree"] == ["=", ["ref", "first"], 5]
    changed = edit(changed, "put_item", "Q02", item={**item_index(changed)["Q02"][1], "name": "second"})
    assert item_index(changed)["Q03"][1]["with"] == "second"
    assert not [problem for problem in check_draft(changed) if problem.level == "error"]


@pytest.mark.parametrize("name", ["Q02", "b2", "1x", "有", "", "a b"])
def test_a_name_that_is_taken_or_no_name_is_refused(doc, name):
    with pytest.raises(EditError):
        edit(doc, "put_item", "Q01", item={**doc["blocks"][0]["items"][0], "name": name})


def test_what_others_need_is_not_deleted(doc):
    with pytest.raises(EditError) as refusal:
        edit(doc, "delete_item", "Q01")
    assert refusal.value.values == {"users": "Q02"}
    assert names(edit(doc, "delete_item", "Q04")) == [["Q01", "Q02", "Q03"], []]
    assert [block["name"] for block in edit(doc, "delete_block", "b2")["blocks"]] == ["block"]
    with pytest.raises(EditError):
        edit(edit(doc, "delete_block", "b2"), "delete_block", "block")
    assert users_of(doc, {"Q01"}) == ["Q02"]


def test_items_walk_up_and_down_over_the_ends_of_blocks(doc):
    assert names(edit(doc, "shift_item", "Q02", by=-1)) == [["Q02", "Q01", "Q03"], ["Q04"]]
    assert names(edit(doc, "shift_item", "Q03", by=1)) == [["Q01", "Q02"], ["Q03", "Q04"]]
    assert names(edit(doc, "shift_item", "Q04", by=-1)) == [["Q01", "Q02", "Q03", "Q04"], []]
    assert names(edit(doc, "shift_item", "Q01", by=-1)) == names(doc)
    assert names(edit(doc, "move_item", "Q04", block="block", before="Q02")) == [
        ["Q01", "Q04", "Q02", "Q03"],
        [],
    ]
    assert names(edit(doc, "move_item", "Q01", block="b2")) == [["Q02", "Q03"], ["Q04", "Q01"]]
    moved = edit(doc, "move_block", "b2", place=0)
    assert [block["name"] for block in moved["blocks"]] == ["b2", "block"]


def test_a_shared_list_is_changed_for_all_or_copied_for_one(doc):
    held = doc["blocks"][0]["items"][0]
    choices = [{"code": 1, "label": {"zh-hans": "是"}}, {"code": 2, "label": {"zh-hans": "否"}}]
    together = edit(doc, "put_item", "Q01", item=held, choices=choices)
    assert together["choice_lists"]["satisfied"] == choices
    alone = edit(doc, "put_item", "Q01", item=held, choices=choices, only_here=True)
    assert alone["choice_lists"]["satisfied"] == doc["choice_lists"]["satisfied"]
    assert alone["choice_lists"][item_index(alone)["Q01"][1]["list"]] == choices
    with pytest.raises(EditError):
        edit(doc, "put_item", "Q01", item=held, choices=[])


def test_a_list_goes_with_its_last_item_but_lists_that_nobody_used_stay(doc):
    changed = edit(doc, "put_item", "Q02", item={**doc["blocks"][0]["items"][1], "list": "named"})
    changed = edit(changed, "put_item", "Q01", item={**doc["blocks"][0]["items"][0], "list": "named"})
    assert "satisfied" not in changed["choice_lists"]
    assert "dk" in changed["choice_lists"]


def test_a_question_about_two_things_becomes_two(doc):
    changed = edit(doc, "split_item", "Q01", first="停车满意吗？", second="物业满意吗？")
    assert names(changed)[0] == ["Q01", "Q01_2", "Q02", "Q03"]
    assert item_index(changed)["Q01_2"][1]["label"] == {"zh-hans": "物业满意吗？"}


def test_items_of_the_bank_bring_their_lists_and_share_them():
    made = blank_document(name="x", title="问卷")
    made["languages"] = ["zh-hans", "zh-hant", "en"]
    made["title"] |= {"zh-hant": "問卷", "en": "Questionnaire"}
    for entry in bank.entries():
        new, lists = bank.to_item(entry, made["languages"])
        made = edit(made, "add_items", items=[new], block="block", lists=lists)
    assert len(list(items_of(made))) == 61
    assert len([name for name in made["choice_lists"] if name.startswith("s5")]) == 1
    problems = [p for p in check_draft(made) if p.level == "error"]
    assert {p.code for p in problems} == {"translation"}  # English that nobody has written yet
    simple = blank_document(name="y", title="问卷")
    for entry in bank.entries():
        new, lists = bank.to_item(entry, ["zh-hans"])
        simple = edit(simple, "add_items", items=[new], block="block", lists=lists)
    assert [p for p in check_draft(simple) if p.level == "error"] == []


def test_texts_are_set_by_place_and_counted(doc):
    doc["languages"] = ["zh-hans", "en"]
    before = translating.progress(doc)
    changed = edit(
        doc, "set_texts", texts={"item:Q01:label": {"en": " How? "}, "choice:satisfied:5": {"en": "Very"}}
    )
    assert item_index(changed)["Q01"][1]["label"]["en"] == "How?"
    assert translating.progress(changed)["en"][0] == before["en"][0] + 2
    assert (
        "en"
        not in item_index(edit(changed, "set_texts", texts={"item:Q01:label": {"en": ""}}))["Q01"][1]["label"]
    )
    with pytest.raises(EditError):
        edit(doc, "set_texts", texts={"item:Q99:label": {"en": "x"}})


def test_a_translation_that_was_left_behind_is_told(doc):
    doc["languages"] = ["zh-hans", "en"]
    doc["blocks"][0]["items"][0]["label"]["en"] = "Old"
    new = edit(doc, "set_texts", texts={"item:Q01:label": {"zh-hans": "新题目"}})
    assert translating.stale(doc, new) == {"Q01": ["en"]}
    done = edit(new, "set_texts", texts={"item:Q01:label": {"en": "New"}})
    assert translating.stale(doc, done) == translating.stale(doc, doc) == {}


def test_a_traditional_proposal_follows_the_phrase():
    assert translating.traditional("皇后以后") == "皇后以後"


def test_a_matrix_stem_goes_with_its_last_row(doc):
    row = {**item("", "select_one"), "matrix": "m"}
    made = edit(
        doc, "add_items", items=[row, dict(row)], block="b2", matrices={"m": {"label": {"zh-hans": "满意吗"}}}
    )
    assert made["format"] == "minyi-questionnaire/2"
    assert [p for p in check_draft(made) if p.level == "error"] == []
    made = edit(edit(made, "delete_item", "Q05"), "delete_item", "Q06")
    assert "matrices" not in made
    assert made["format"] == doc["format"]


def test_blocks_repeat_and_the_household_comes_first(doc):
    made = edit(
        doc,
        "add_block",
        "home",
        block={"kind": "household", "method": "uniform", "title": {"zh-hans": "选人"}},
    )
    assert made["blocks"][0]["name"] == "home"
    with pytest.raises(EditError):
        edit(made, "add_block", "again", block={"kind": "household", "method": "kish"})
    with pytest.raises(EditError):
        edit(made, "move_item", "Q01", block="home")
    made = edit(
        made, "set_block", "b2", changes={"repeat": {"label": {"zh-hans": "第 {0} 位"}}}, name="family"
    )
    assert made["blocks"][-1]["name"] == "family"
    made = edit(made, "set_block", "family", changes={"repeat": None})
    assert "repeat" not in made["blocks"][-1]


CHANGES = st.one_of(
    st.tuples(st.just("shift"), st.integers(0, 30), st.sampled_from([-1, 1])),
    st.tuples(st.just("add"), st.integers(0, 30), st.sampled_from(sorted(ITEM_TYPES))),
    st.tuples(st.just("delete"), st.integers(0, 30), st.just(0)),
    st.tuples(st.just("twin"), st.integers(0, 30), st.just(0)),
    st.tuples(st.just("rename"), st.integers(0, 30), st.integers(0, 99)),
    st.tuples(st.just("move"), st.integers(0, 30), st.integers(0, 30)),
    st.tuples(st.just("retype"), st.integers(0, 30), st.sampled_from(sorted(ITEM_TYPES))),
)


def as_edit(doc, change):
    deed, place, more = change
    held = list(items_of(doc))
    blocks = [block["name"] for block in doc["blocks"]]
    if deed == "add":
        new = parts.retyped({"name": next_item_name(doc), "type": "note", "label": {"zh-hans": "问"}}, more)
        return Edit("add_items", "", {"items": [new], "block": blocks[place % len(blocks)]})
    if not held:
        return None
    chosen = held[place % len(held)]
    name = chosen["name"]
    if deed == "rename":
        return Edit("put_item", name, {"item": {**chosen, "name": f"n{more}"}})
    if deed == "retype":
        return Edit("put_item", name, {"item": parts.retyped(chosen, more)})
    if deed == "move":
        return Edit(
            "move_item", name, {"block": blocks[more % len(blocks)], "before": held[more % len(held)]["name"]}
        )
    return {
        "shift": Edit("shift_item", name, {"by": more}),
        "delete": Edit("delete_item", name),
        "twin": Edit("duplicate_item", name),
    }[deed]


@settings(max_examples=60, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=12))
def test_any_row_of_changes_keeps_names_single_mentions_true_and_the_shape_valid(changes):
    doc = document(item("Q01", "select_one"), item("Q02", "select_one", relevant="${Q01} = 5"))
    doc["blocks"].append({"name": "b2", "items": [item("Q04", "integer", relevant="${Q02} != ''")]})
    for change in changes:
        step = as_edit(doc, change)
        if step is None:
            continue
        before, digest = copy.deepcopy(doc), document_hash(doc)
        try:
            doc = apply_edit(doc, step)
        except EditError:
            continue
        assert document_hash(before) == digest
        found = [each["name"] for each in items_of(doc)] + [block["name"] for block in doc["blocks"]]
        assert len(found) == len(set(found)) == len(all_names(doc))
        codes = {problem.code for problem in check_draft(doc)}
        assert not codes & {"shape", "unknown_name", "duplicate", "choices"}


def test_every_edit_is_known_by_the_name_of_its_function():
    assert set(EDITS) >= {"put_item", "add_items", "move_item", "set_texts"}
    with pytest.raises(KeyError):
        apply_edit(document(item("Q01", "text")), Edit("no_such_edit"))
