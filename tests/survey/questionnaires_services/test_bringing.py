"""Questionnaires brought as files of every kind and as texts, and taken away as XLSForm."""

import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.audit.models import AuditEntry
from survey.common.errors import Problem
from survey.questionnaires.models import Questionnaire, QuestionnaireVersion
from survey.questionnaires.services import import_text, import_xlsform
from survey.questionnaires.xlsform import read_xlsform, template_xlsx
from tests import factories
from tests.survey.questionnaires.test_sample_forms import FOLDER
from tests.survey.questionnaires.test_xlsform_kinds import CSV, MARKDOWN

pytestmark = [pytest.mark.django_db, pytest.mark.database]

TEXT = "居民问卷\n1. 您满意吗？[单选题] *\nA. 满意\nB. 不满意\n2. 还想说什么？[填空题]"
FILES = {
    "form.csv": CSV.encode(),
    "form.md": MARKDOWN.encode(),
    "form.xls": (FOLDER / "old_excel.xls").read_bytes(),
    "form.xlsx": template_xlsx(),
    "form.txt": TEXT.encode("gb18030"),
}
BAD = {
    "form.csv": CSV.replace("${Q1} = 1", "${Q1} =").encode(),
    "form.md": MARKDOWN.replace("| integer ", "| barcode ").encode(),
    "form.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 broken",
    "form.xlsx": b"PK\x03\x04 broken",
    "form.txt": "1. 甲 [火箭题]".encode(),
}
PLACES = {"form.csv": "survey!E4", "form.md": "survey!B6", "form.txt": "第 1 行"}


@pytest.fixture
def lead(regions):
    return factories.make_user("li", "study_lead", regions["370100000000"])


@pytest.mark.parametrize("name", FILES)
def test_the_command_checks_every_kind_of_file_and_stores_nothing(name, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    call_command("import_xlsform", path, check=True)
    assert "可以发布" in capsys.readouterr().out
    assert not QuestionnaireVersion.objects.exists()


@pytest.mark.parametrize("name", BAD)
def test_the_command_refuses_with_the_place_and_stores_nothing(name, tmp_path, capsys):
    path = tmp_path / name
    path.write_bytes(BAD[name])
    with pytest.raises(CommandError):
        call_command("import_xlsform", path, check=True)
    assert PLACES.get(name, "error") in capsys.readouterr().err
    assert not QuestionnaireVersion.objects.exists()


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_becomes_a_draft(name, tmp_path, lead):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    version = import_xlsform(path=path, acting_user=lead)
    assert version.state == "draft"
    assert version.source_name == name


def test_a_version_is_written_as_an_xlsform_and_read_again(tmp_path, lead, capsys):
    first = import_xlsform(path=FOLDER / "old_excel.xls", acting_user=lead)
    out = tmp_path / "out.xlsx"
    call_command("export_xlsform", first.questionnaire.code, out=out)
    assert read_xlsform(out)[0] == first.document
    call_command("export_xlsform", "old_form", "--version", "1", "--out", str(out))
    assert read_xlsform(out)[0] == first.document
    assert "第 1 版" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "version", "words"), [("nobody", None, "没有代码为 nobody"), ("old_form", 7, "没有第 7 版")]
)
def test_a_version_that_is_not_there_is_told(code, version, words, tmp_path, lead):
    import_xlsform(path=FOLDER / "old_excel.xls", acting_user=lead)
    with pytest.raises(CommandError, match=words):
        call_command("export_xlsform", code, number=version, out=tmp_path / "out.xlsx")


def test_a_folder_that_is_not_there_is_told(tmp_path, lead):
    import_xlsform(path=FOLDER / "old_excel.xls", acting_user=lead)
    with pytest.raises(CommandError, match="没有文件夹"):
        call_command("export_xlsform", "old_form", out=tmp_path / "nowhere" / "out.xlsx")


def test_a_pasted_text_becomes_a_questionnaire_of_its_own(lead):
    version = import_text(text=TEXT, title="", acting_user=lead)
    assert version.questionnaire.title == "居民问卷"
    assert version.document["name"] == version.questionnaire.code
    assert AuditEntry.objects.get(action="questionnaires.draft.pasted").actor_name == "li"
    again = import_text(text=TEXT, title="另一份", acting_user=lead)
    assert again.questionnaire.title == "另一份"
    assert Questionnaire.objects.count() == 2


def test_a_title_of_digits_gives_a_name_that_a_document_may_have(lead):
    version = import_text(text=TEXT, title="2026", acting_user=lead)
    assert version.document["name"] == "q_2026"


def test_a_text_with_mistakes_is_refused_by_line_and_stores_nothing(lead):
    with pytest.raises(Problem) as caught:
        import_text(text="1. 甲 [火箭题]\n2. 乙 [填空题]", title="问卷", acting_user=lead)
    assert caught.value.code == "questionnaire.invalid"
    assert caught.value.errors[0]["where"] == "第 1 行"
    assert not Questionnaire.objects.exists()


def test_who_may_not_write_questionnaires_may_not_paste_one(regions):
    official = factories.make_user("wang", "official", regions["370100000000"])
    with pytest.raises(Problem) as caught:
        import_text(text=TEXT, title="", acting_user=official)
    assert caught.value.code == "common.forbidden"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60), st.text(max_size=20))
def test_any_text_is_stored_or_refused_by_a_problem_of_the_catalogue(lead, text, title):
    try:
        version = import_text(text=f"1. {text}\nA. {text}\nB. 否", title=title, acting_user=lead)
    except Problem as problem:
        assert problem.code in ("questionnaire.invalid", "common.bad_file")
    else:
        assert version.pk
