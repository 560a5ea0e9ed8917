"""The whole list of refused rows is one click away for whoever started the import, and for nobody else."""

import pytest
from django.urls import reverse

from survey.jobs.services import run_job, start_job
from survey.sampling.services import refused_file

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def job(tmp_path, settings, lead):
    settings.MEDIA_ROOT = tmp_path
    path = tmp_path / "h.csv"
    lines = ["社区代码,地址", *(f"370105009999,{i} 号" for i in range(510))]
    path.write_text("\n".join(lines), encoding="utf-8")
    params = {"path": str(path), "name": "名录", "region_code": "370105000000"}
    job = start_job(kind="sampling.import_households", params=params, acting_user=lead, send=lambda job: None)
    run_job(str(job.pk))
    return job


def test_whoever_started_it_downloads_every_row(client, lead, job):
    client.force_login(lead)
    page = client.get(reverse("console:job", args=[job.pk])).content.decode()
    address = reverse("console:job_refused", args=[job.pk])
    assert address in page
    assert "只列出前 500 处" in page
    answer = client.get(address)
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert len(lines) == 511
    assert lines[-1].startswith("511,")
    assert "attachment" in answer["Content-Disposition"]


def test_others_and_jobs_without_such_rows_find_nothing(client, lead, official, job):
    address = reverse("console:job_refused", args=[job.pk])
    assert client.get(address).status_code == 302
    client.force_login(official)
    assert client.get(address).status_code in (403, 404)
    client.force_login(lead)
    refused_file(job).unlink()
    assert client.get(address).status_code == 404
    assert address not in client.get(reverse("console:job", args=[job.pk])).content.decode()
