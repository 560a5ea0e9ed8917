"""Questionnaires through the services: drafts from XLSForms, published once, frozen for ever."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from survey.audit.models import AuditEntry
from survey.audit.services import COMMAND
from survey.common.errors import Problem
from survey.questionnaires.document import document_hash
from survey.questionnaires.models import QuestionnaireVersion
from survey.questionnaires.services import (
    discard_draft,
    import_xlsform,
    outline,
    publish_version,
    read_form,
    store_draft,
)
from tests import factories
from tests.survey.questionnaires.forms import workbook

pytestmark = [pytest.mark.django_db, pytest.mark.database]

CORE = Path(__file__).resolve().parents[3] / "survey" / "questionnaires" / "data" / "minyi_core.xlsx"


@pytest.fixture(scope="module")
def core():
    """The shipped questionnaire, read once."""
    document, _problems = read_form(CORE)
    return document


@pytest.fixture
def lead(regions):
    return factories.make_user("li", "study_lead", regions["370100000000"])


def draft(core, lead, **changes):
    return store_draft(document={**core, **changes}, acting_user=lead, source_name="core.xlsx")


def test_the_shipped_form_becomes_a_draft_with_its_hash_and_an_entry(lead):
    version = import_xlsform(path=CORE, acting_user=lead)
    assert (version.state, version.number) == ("draft", 1)
    assert version.document_hash == document_hash(version.document)
    assert version.source_name == "minyi_core.xlsx"
    assert AuditEntry.objects.get(action="questionnaires.version.imported").actor_name == "li"
    assert len(outline(version.document, "zh-hans")) >= 20


def test_the_same_form_again_is_the_same_version(core, lead):
    assert draft(core, lead) == draft(core, lead)
    other = draft(core, lead, version="2")
    assert other.number == 2


def test_publishing_freezes_and_can_be_repeated(core, lead):
    version = publish_version(version=draft(core, lead), acting_user=lead)
    again = publish_version(version=version, acting_user=lead)
    assert version.state == "published"
    assert again.published_at == version.published_at
    assert AuditEntry.objects.filter(action="questionnaires.version.published").count() == 1


def test_a_draft_whose_document_was_altered_is_not_published(core, lead):
    version = draft(core, lead)
    changed = json.loads(json.dumps(version.document))
    changed["title"]["zh-hans"] = "改了"
    QuestionnaireVersion.objects.filter(pk=version.pk).update(document=changed)
    with pytest.raises(Problem) as refusal:
        publish_version(version=version, acting_user=lead)
    assert refusal.value.code == "common.locked"


def test_a_document_with_errors_is_not_published(core, lead):
    broken = json.loads(json.dumps(core))
    broken["blocks"][0]["items"][0].pop("type")
    version = draft(broken, lead)
    with pytest.raises(Problem) as refusal:
        publish_version(version=version, acting_user=lead)
    assert refusal.value.code == "questionnaire.invalid"
    version.refresh_from_db()
    assert version.state == "draft"


@pytest.mark.parametrize("field", ["document", "document_hash", "number", "questionnaire"])
def test_a_published_version_cannot_be_saved_with_another_content(core, lead, field):
    version = publish_version(version=draft(core, lead), acting_user=lead)
    other = draft(core, lead, name="other")
    values = {
        "document": {**version.document, "version": "9"},
        "document_hash": "0" * 64,
        "number": 7,
        "questionnaire": other.questionnaire,
    }
    setattr(version, field, values[field])
    with pytest.raises(Problem) as refusal:
        version.save()
    assert refusal.value.code == "common.locked"
    stored = QuestionnaireVersion.objects.get(pk=version.pk)
    assert stored.document_hash == document_hash(stored.document)


def test_a_published_version_is_neither_updated_in_bulk_nor_deleted(core, lead):
    version = publish_version(version=draft(core, lead), acting_user=lead)
    rows = QuestionnaireVersion.objects.filter(pk=version.pk)
    for deed in (lambda: rows.update(document={}), lambda: rows.delete(), version.delete):
        with pytest.raises(Problem) as refusal:
            deed()
        assert refusal.value.code == "common.locked"
    with pytest.raises(Problem):
        discard_draft(version=version, acting_user=lead)
    assert QuestionnaireVersion.objects.get(pk=version.pk).document == version.document


def test_a_draft_can_be_discarded_and_that_is_recorded(core, lead):
    version = draft(core, lead)
    discard_draft(version=version, acting_user=lead)
    assert not QuestionnaireVersion.objects.exists()
    assert AuditEntry.objects.filter(action="questionnaires.version.discarded").exists()


@pytest.mark.parametrize("role", ["supervisor", "interviewer", "analyst", "official"])
def test_only_leads_bring_and_publish_questionnaires(core, lead, regions, role):
    user = factories.make_user("x", role, regions["370100000000"])
    version = draft(core, lead)
    for deed in (
        lambda: import_xlsform(path=CORE, acting_user=user),
        lambda: publish_version(version=version, acting_user=user),
        lambda: discard_draft(version=version, acting_user=user),
    ):
        with pytest.raises(Problem) as refusal:
            deed()
        assert refusal.value.code == "common.forbidden"


def test_a_form_with_mistakes_is_refused_with_their_cells(tmp_path, lead):
    path = tmp_path / "bad.xlsx"
    path.write_bytes(
        workbook(
            survey=[
                ["type", "name", "label"],
                ["select_one nowhere", "Q1", "题"],
                ["integer", "Q1", "题"],
            ]
        )
    )
    with pytest.raises(Problem) as refusal:
        import_xlsform(path=path, acting_user=lead)
    assert refusal.value.code == "questionnaire.invalid"
    assert refusal.value.errors
    assert not QuestionnaireVersion.objects.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nonsense", b"not a workbook", b"\x00" * 4096])
def test_what_is_no_workbook_is_refused_in_words(tmp_path, lead, content):
    path = tmp_path / "x.xlsx"
    path.write_bytes(content)
    with pytest.raises(Problem):
        import_xlsform(path=path, acting_user=lead)


def test_the_command_checks_imports_and_publishes(capsys, db):
    call_command("import_xlsform", str(CORE), "--check")
    assert "可以发布" in capsys.readouterr().out
    assert not QuestionnaireVersion.objects.exists()
    call_command("import_xlsform", str(CORE))
    assert "草稿" in capsys.readouterr().out
    call_command("import_xlsform", str(CORE), "--publish")
    assert "已发布" in capsys.readouterr().out
    assert QuestionnaireVersion.objects.get().state == "published"
    assert AuditEntry.objects.get(action="questionnaires.version.published").actor_name == str(COMMAND)


def test_the_command_says_what_it_cannot_do(tmp_path, db):
    with pytest.raises(CommandError, match="找不到文件"):
        call_command("import_xlsform", str(tmp_path / "none.xlsx"))
    with pytest.raises(CommandError, match="只能选一个"):
        call_command("import_xlsform", str(CORE), "--check", "--publish")
    bad = tmp_path / "bad.xlsx"
    bad.write_bytes(b"nothing")
    with pytest.raises(CommandError):
        call_command("import_xlsform", str(bad))
