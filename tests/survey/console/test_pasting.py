"""Questionnaires pasted as text, brought as files of other kinds, and taken away as XLSForm."""

import html
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from survey.questionnaires.models import QuestionnaireVersion
from survey.questionnaires.services import store_draft
from survey.questionnaires.xlsform import read_xlsform
from tests import factories
from tests.survey.questionnaires.every_type import every_type
from tests.survey.questionnaires.test_sample_forms import FOLDER
from tests.survey.questionnaires.test_xlsform_kinds import CSV, MARKDOWN

pytestmark = [pytest.mark.django_db, pytest.mark.database]

TEXT = "居民问卷\n1. 您满意吗？[单选题] *\nA. 满意\nB. 不满意\n2. 还想说什么？[填空题]"
WRONG = "居民问卷\n1. 您满意吗？[单选题]\nA. 只有<b>一个\n2. 乙 [火箭题]"


@pytest.fixture(autouse=True)
def media(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def base(regions):
    round_ = factories.make_round(factories.make_study(regions["370105000000"]))
    return f"/console/rounds/{round_.pk}/questionnaire/"


def body(answer):
    return html.unescape(answer.content.decode())


def test_a_text_is_read_while_it_is_written_and_nothing_is_stored(team, base):
    said = body(team.post(f"{base}new/check/", {"text": TEXT, "title": ""}))
    assert "读出 2 题" in said
    assert "您满意吗？" in said
    assert "2 个选项" in said
    wrong = team.post(f"{base}new/check/", {"text": WRONG, "title": ""}).content.decode()
    assert "有 2 处要改" in wrong
    assert "第 3 行" in wrong
    assert "第 4 行" in wrong
    assert team.post(f"{base}new/check/", {"text": " "}).content.strip() == b""
    assert not QuestionnaireVersion.objects.exists()


def test_what_the_author_wrote_is_not_taken_for_html(team, base):
    said = team.post(
        f"{base}new/check/", {"text": "1. <script>x</script> [填空题]", "title": "t"}
    ).content.decode()
    assert "<script>" not in said
    assert "&lt;script&gt;" in said


def test_a_pasted_text_becomes_a_draft_in_the_editor(team, base):
    assert "粘贴文字" in body(team.get(f"{base}new/"))
    answer = team.post(f"{base}new/", {"do": "paste", "text": TEXT, "title": ""})
    version = QuestionnaireVersion.objects.get()
    assert answer.url == f"{base}{version.pk}/edit/"
    assert version.document["title"] == {"zh-hans": "居民问卷"}


def test_a_wrong_text_comes_back_with_its_lines_and_without_a_draft(team, base):
    answer = team.post(f"{base}new/", {"do": "paste", "text": WRONG, "title": "我的"})
    said = body(answer)
    assert answer.status_code == 400
    assert "第 3 行" in said
    assert 'value="我的"' in said
    assert "只有<b>一个" in said
    assert not QuestionnaireVersion.objects.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("form.csv", CSV.encode()),
        ("form.md", MARKDOWN.encode()),
        ("form.xls", (FOLDER / "old_excel.xls").read_bytes()),
        ("form.txt", TEXT.encode()),
    ],
)
def test_a_file_of_every_kind_is_read(team, base, name, content):
    answer = team.post(f"{base}import/", {"file": SimpleUploadedFile(name, content)})
    assert answer.status_code == 200, body(answer)
    assert QuestionnaireVersion.objects.get().source_name == name


def test_a_csv_with_mistakes_shows_their_cells(team, base):
    wrong = CSV.replace("${Q1} = 1", "${Q1} =").encode()
    answer = team.post(f"{base}import/", {"file": SimpleUploadedFile("form.csv", wrong)})
    assert answer.status_code == 400
    assert "survey!E4" in body(answer)


def test_the_page_of_the_upload_offers_the_blank_form_and_names_the_kinds(team, base):
    said = body(team.get(f"{base}import/"))
    assert f'href="{base}template.xlsx"' in said
    assert 'accept=".xlsx,.xls,.csv,.md,.txt"' in said
    answer = team.get(f"{base}template.xlsx")
    assert answer["Content-Disposition"] == 'attachment; filename="minyi-xlsform.xlsx"'
    assert read_xlsform(BytesIO(answer.content))[0] is not None


def test_a_version_is_downloaded_as_an_xlsform(team, base, lead):
    version = store_draft(document=every_type(), acting_user=lead)
    assert f'href="{base}{version.pk}/export/"' in body(team.get(f"{base}{version.pk}/"))
    answer = team.get(f"{base}{version.pk}/export/")
    assert answer["Content-Disposition"] == 'attachment; filename="every_type-v1.xlsx"'
    assert read_xlsform(BytesIO(answer.content))[0] == version.document
