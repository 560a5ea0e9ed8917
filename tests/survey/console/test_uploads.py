"""Files that people bring: limits, clear refusals, nothing left behind."""

import io
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from survey.common.errors import Problem
from survey.console import uploads
from survey.console.uploads import keep_upload
from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.questionnaires.models import QuestionnaireVersion
from survey.sampling.models import FrameVersion
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

CORE = Path(__file__).resolve().parents[3] / "survey" / "questionnaires" / "data" / "minyi_core.xlsx"


@pytest.fixture(autouse=True)
def media(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def round_(regions):
    return factories.make_round(factories.make_study(regions["370105000000"]))


def left(media):
    return [path for path in media.rglob("*") if path.is_file()]


def frame_file(rows, name="households.csv", encoding="utf-8"):
    lines = ["社区代码,地址", *(",".join(row) for row in rows)]
    return SimpleUploadedFile(name, "\n".join(lines).encode(encoding))


def post_frame(team, round_, file):
    body = {"file": file, "name": "台账", "region": "370105000000"}
    return team.post(f"/console/rounds/{round_.pk}/frame/import/", body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_household_list_is_imported_by_a_job_and_the_file_goes(team, round_, media, encoding):
    rows = [("370105001001", f"济洛路 {n} 号") for n in range(1, 41)]
    answer = post_frame(team, round_, frame_file(rows, encoding=encoding))
    job = Job.objects.get()
    assert answer.url == f"/console/jobs/{job.pk}/"
    assert "data-job=" in team.get(answer.url).content.decode()
    run_job(str(job.pk))
    assert team.get(f"{answer.url}state/").json() == {
        "state": "done",
        "over": True,
        "progress": 1.0,
        "message": team.get(f"{answer.url}state/").json()["message"],
    }
    page = team.get(answer.url).content.decode()
    assert f"/console/rounds/{round_.pk}/frame/" in page
    frame = FrameVersion.objects.get()
    assert (frame.state, frame.n_households) == ("ready", 40)
    assert left(media) == []
    assert "40" in team.get(f"/console/rounds/{round_.pk}/frame/").content.decode()


def test_bad_rows_are_listed_by_number_and_nothing_is_kept(team, round_, media):
    rows = [("370105001001", "甲"), ("999999999999", "乙"), ("370105001001", "")]
    answer = post_frame(team, round_, frame_file(rows))
    run_job(str(Job.objects.get().pk))
    page = team.get(answer.url).content.decode()
    assert "第 3 行" in page
    assert "第 4 行" in page
    assert not FrameVersion.objects.filter(state="ready").exists()
    # The upload with its addresses is gone; what stays is the list of rows and reasons to download.
    (refused,) = left(media)
    listed = refused.read_text(encoding="utf-8-sig")
    assert refused.parent.name == "refused" and "999999999999" in listed
    assert "甲" not in listed and "乙" not in listed


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("list.pdf", b"%PDF-1.4", "只收"),
        ("list.csv", b"", "空"),
        ("list.xlsx", b"not a workbook at all", "不是有效的 Excel"),
        ("list", b"a,b", "只收"),
        ("../../etc/passwd", b"root", "只收"),
    ],
)
def test_a_file_of_another_kind_is_refused_at_its_field(team, round_, media, name, content, words):
    answer = post_frame(team, round_, SimpleUploadedFile(name, content))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Job.objects.exists()
    assert left(media) == []


def test_a_file_beyond_the_limit_is_refused_with_both_sizes(team, round_, media, monkeypatch):
    monkeypatch.setattr("survey.console.views.frames.TABLE_MAX_BYTES", uploads.MB)
    big = SimpleUploadedFile("list.csv", b"x" * (3 * uploads.MB))
    page = post_frame(team, round_, big).content.decode()
    assert "3 MB" in page
    assert "1 MB" in page
    assert left(media) == []


def test_a_lead_of_one_district_imports_no_list_of_another(client, regions, round_):
    user = factories.make_user("he", "study_lead", regions["370105000000"])
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    body = {"file": frame_file([("370104001001", "甲")]), "name": "台账", "region": "槐荫区"}
    answer = client.post(f"/console/rounds/{round_.pk}/frame/import/", body)
    assert answer.status_code == 403
    assert not Job.objects.exists()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=40), content=st.binary(max_size=64))
def test_no_name_and_no_content_writes_outside_the_folder(media, name, content):
    file = SimpleUploadedFile("x", content)
    file._name = name
    try:
        path = keep_upload(file, kinds=uploads.TABLE_KINDS, max_bytes=uploads.MB)
    except Problem as problem:
        assert problem.code == "common.bad_file"
    else:
        assert path.parent == media / "uploads"
        assert path.read_bytes() == content
        path.unlink()


def form_file(name="form.xlsx", content=None):
    return SimpleUploadedFile(name, content if content is not None else CORE.read_bytes())


def test_a_form_is_read_previewed_published_and_pinned(team, round_, media):
    base = f"/console/rounds/{round_.pk}/questionnaire/"
    page = team.post(f"{base}import/", {"file": form_file()})
    version = QuestionnaireVersion.objects.get()
    assert page.status_code == 200
    assert left(media) == []
    listed = team.get(f"{base}{version.pk}/").content.decode()
    assert version.document["blocks"][0]["items"][0]["name"] in listed
    assert team.post(f"{base}{version.pk}/publish/").url == f"{base}setup/"
    team.post(f"{base}setup/", {"do": "indicators"})
    form = team.get(f"{base}setup/").context["form"]
    body = {name: field.initial for name, field in form.fields.items() if field.initial is not None}
    body |= {
        "questionnaire_version": version.pk,
        "modes": ["web", "door"],
        "indicators": list(form.fields["indicators"].queryset.values_list("pk", flat=True)),
    }
    answer = team.post(f"{base}setup/", body)
    assert answer.status_code == 302, answer.context["form"].errors
    assert answer.url == base
    round_.refresh_from_db()
    assert round_.questionnaire_version == version
    assert round_.consent_text.study == round_.study
    assert round_.indicator_versions.count() == len(body["indicators"])


def test_a_form_with_mistakes_shows_their_cells(team, round_, media):
    book = Workbook()
    book.active.title = "survey"
    for row in (["type", "name", "label"], ["select_one none", "Q1", "题"]):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    file = form_file(content=out.getvalue())
    page = team.post(f"/console/rounds/{round_.pk}/questionnaire/import/", {"file": file})
    assert page.status_code == 400
    assert "必须改" in page.content.decode()
    assert not QuestionnaireVersion.objects.exists()
    assert left(media) == []


def test_an_empty_consent_part_is_marked_at_its_field(team, round_):
    page = team.post(f"/console/rounds/{round_.pk}/questionnaire/setup/", {"do": "pin"})
    assert page.status_code == 200
    assert "还有几处没填好" in page.content.decode()
