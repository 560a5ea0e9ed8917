"""Drafts: every save is a step, nobody is overwritten unseen, what is published stays."""

import pytest

from survey.audit.models import AuditEntry
from survey.common.errors import Problem
from survey.questionnaires.document import document_hash, item_index, items_of
from survey.questionnaires.editing import Edit
from survey.questionnaires.models import BankItem, DraftStep, QuestionnaireVersion
from survey.questionnaires.services import (
    add_bank_items,
    copy_version,
    drafts,
    edit_draft,
    own_bank_items,
    publish_version,
    redo_edit,
    remove_bank_item,
    save_bank_item,
    start_questionnaire,
    store_draft,
    undo_edit,
)
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def lead(regions):
    return factories.make_user("li", "study_lead", regions["370100000000"], display_name="李敏")


@pytest.fixture
def draft(lead):
    return start_questionnaire(title="小区问卷", languages=["zh-hans"], acting_user=lead)


def add(version, lead, label="您满意吗？", kind="text"):
    item = {"name": "", "type": kind, "label": {"zh-hans": label}}
    edit = Edit("add_items", "", {"items": [item], "block": "block"})
    return edit_draft(version=version, edit=edit, seen=version.document_hash, acting_user=lead)


def labels(version):
    return [item["label"]["zh-hans"] for item in items_of(version.document)]


def test_a_questionnaire_begins_empty_and_two_of_one_name_are_two(lead, draft):
    again = start_questionnaire(title="小区问卷", languages=["en", "zh-hans"], acting_user=lead)
    assert draft.questionnaire != again.questionnaire
    assert (draft.number, draft.state, draft.step) == (1, "draft", None)
    assert again.document["default_language"] == "en"
    assert again.document["languages"] == ["zh-hans", "en"]
    with pytest.raises(Problem):
        start_questionnaire(title="  ", languages=["zh-hans"], acting_user=lead)


def test_each_save_is_a_step_that_can_be_taken_back_and_made_again(lead, draft):
    first = add(draft, lead, "甲")
    second = add(first, lead, "乙")
    assert labels(second) == ["甲", "乙"]
    back = undo_edit(version=second, seen=second.document_hash, acting_user=lead)
    assert labels(back) == ["甲"]
    assert back.document_hash == first.document_hash == document_hash(back.document)
    start = undo_edit(version=back, seen=back.document_hash, acting_user=lead)
    assert start.document == draft.document
    with pytest.raises(Problem, match="撤销"):
        undo_edit(version=start, seen=start.document_hash, acting_user=lead)
    forth = redo_edit(version=start, seen=start.document_hash, acting_user=lead)
    assert labels(redo_edit(version=forth, seen=forth.document_hash, acting_user=lead)) == ["甲", "乙"]
    assert AuditEntry.objects.filter(action="questionnaires.draft.edited").count() == 6


def test_a_change_after_undoing_forgets_what_was_undone(lead, draft):
    second = add(add(draft, lead, "甲"), lead, "乙")
    back = undo_edit(version=second, seen=second.document_hash, acting_user=lead)
    other = add(back, lead, "丙")
    assert labels(other) == ["甲", "丙"]
    with pytest.raises(Problem, match="重做"):
        redo_edit(version=other, seen=other.document_hash, acting_user=lead)


def test_whoever_saves_second_is_told_who_was_first_and_nothing_is_stored(lead, draft):
    add(draft, lead, "甲")
    with pytest.raises(Problem) as refusal:
        add(draft, lead, "乙")
    assert refusal.value.code == "questionnaire.edited_elsewhere"
    assert "李敏" in refusal.value.message
    draft.refresh_from_db()
    assert labels(draft) == ["甲"]
    with pytest.raises(Problem):
        undo_edit(version=draft, seen="0" * 64, acting_user=lead)


def test_a_change_that_changes_nothing_is_no_step(lead, draft):
    same = edit_draft(
        version=draft,
        edit=Edit("set_document", "", {"changes": {"title": draft.document["title"]}}),
        seen=draft.document_hash,
        acting_user=lead,
    )
    assert same.step is None
    assert not DraftStep.objects.exists()


def test_a_refused_change_says_why_in_words(lead, draft):
    with pytest.raises(Problem, match="没有“Q9”这一题"):
        edit_draft(version=draft, edit=Edit("delete_item", "Q9"), seen=draft.document_hash, acting_user=lead)


def test_old_steps_go(lead, draft, monkeypatch):
    monkeypatch.setattr(drafts, "KEPT_STEPS", 3)
    version = draft
    for n in range(6):
        version = add(version, lead, f"题{n}")
    assert [step.number for step in version.steps.all()] == [4, 5, 6]


def test_what_is_published_is_neither_edited_nor_undone_but_copied(lead, draft):
    version = publish_version(version=add(draft, lead), acting_user=lead)
    for deed in (
        lambda: add(version, lead),
        lambda: undo_edit(version=version, seen=version.document_hash, acting_user=lead),
    ):
        with pytest.raises(Problem) as refusal:
            deed()
        assert refusal.value.code == "common.locked"
    following = copy_version(version=version, acting_user=lead)
    assert (following.number, following.state, following.based_on) == (2, "draft", version)
    own = copy_version(version=version, acting_user=lead, title="Another one")
    assert own.questionnaire != version.questionnaire
    assert own.document["name"] == own.questionnaire.code == "Another-one"


def test_publishing_states_the_time_of_a_new_document_and_a_copy_states_it_anew(lead, draft):
    version = publish_version(version=add(draft, lead, kind="rating"), acting_user=lead)
    assert version.document["format"] == "minyi-questionnaire/2"
    assert version.document["reading_seconds"]["web"] > 0
    assert version.document_hash == document_hash(version.document)
    copied = copy_version(version=version, acting_user=lead)
    assert "reading_seconds" not in copied.document
    again = store_draft(document=copied.document, acting_user=lead)
    assert again in (version, copied)
    old = start_questionnaire(title="旧的", languages=["zh-hans"], acting_user=lead)
    old = publish_version(version=add(old, lead, kind="text"), acting_user=lead)
    assert old.document["format"] == "minyi-questionnaire/1"
    assert "reading_seconds" not in old.document


def test_an_empty_draft_is_not_published(lead, draft):
    with pytest.raises(Problem) as refusal:
        publish_version(version=draft, acting_user=lead)
    assert "还没有题目" in refusal.value.message


def test_items_go_into_the_bank_and_come_back(lead, draft):
    version = add_bank_items(
        version=draft, keys=["Q01", "Q04", "A03"], block="block", seen=draft.document_hash, acting_user=lead
    )
    index = item_index(version.document)
    assert list(index) == ["Q01", "Q04", "A03"]
    assert index["Q01"][1]["list"] == index["Q04"][1]["list"]
    row = save_bank_item(version=version, name="Q04", source="2026 年试调查", acting_user=lead)
    assert list(own_bank_items(words="停车 试调查")) == [row]
    assert not own_bank_items(words="停车 没有这个词").exists()
    again = add_bank_items(
        version=version,
        keys=[f"own-{row.pk}"],
        block="block",
        after="Q01",
        seen=version.document_hash,
        acting_user=lead,
    )
    assert [item["name"] for item in items_of(again.document)] == ["Q01", "Q04_2", "Q04", "A03"]
    remove_bank_item(item=row, acting_user=lead)
    assert not BankItem.objects.exists()
    for keys in ([], ["own-999999"], ["own-x"], ["没有"]):
        with pytest.raises(Problem):
            add_bank_items(
                version=again, keys=keys, block="block", seen=again.document_hash, acting_user=lead
            )


@pytest.mark.parametrize("role", ["supervisor", "interviewer", "analyst", "official"])
def test_only_leads_write(lead, draft, regions, role):
    user = factories.make_user("x", role, regions["370100000000"])
    version = add(draft, lead)
    row = save_bank_item(version=version, name="Q01", source="", acting_user=lead)
    seen = version.document_hash
    for deed in (
        lambda: start_questionnaire(title="t", languages=["zh-hans"], acting_user=user),
        lambda: copy_version(version=version, acting_user=user),
        lambda: add(version, user),
        lambda: undo_edit(version=version, seen=seen, acting_user=user),
        lambda: redo_edit(version=version, seen=seen, acting_user=user),
        lambda: save_bank_item(version=version, name="Q01", source="", acting_user=user),
        lambda: remove_bank_item(item=row, acting_user=user),
        lambda: add_bank_items(version=version, keys=["Q02"], block="block", seen=seen, acting_user=user),
    ):
        with pytest.raises(Problem) as refusal:
            deed()
        assert refusal.value.code == "common.forbidden"
    assert QuestionnaireVersion.objects.get().document_hash == seen
