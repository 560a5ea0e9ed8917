"""Asking for the volunteers' page when a computation is started."""

import pytest
from django.urls import reverse

from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.reports.models import Run
from tests import factories
from tests.survey.reports.conftest import answers_of
from tests.survey.reports.test_volunteers import volunteer

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def measured(regions):
    round_ = factories.make_measured_round(regions["370105000000"], take=20, state="open")
    factories.make_responses(round_, lambda i, case: None if i % 4 == 3 else answers_of(i, case))
    return round_


def test_the_box_is_there_only_where_volunteers_came(team, measured, regions):
    page = reverse("console:weighting", args=[measured.pk])
    assert 'name="volunteers"' not in team.get(page).content.decode()
    volunteer(measured, regions["370105001001"], S02=40, D01=1, Q20=4).save()
    shown = team.get(page).content.decode()
    assert 'name="volunteers"' in shown and "checked" not in shown


def test_a_ticked_box_adds_the_part_and_an_empty_one_takes_it_away(team, measured, regions):
    volunteer(measured, regions["370105001001"], S02=40, D01=1, Q20=4).save()
    address = reverse("console:compute", args=[measured.pk])
    for body, wanted in (({"volunteers": "1"}, True), ({}, False)):
        team.post(address, body)
        job = Job.objects.filter(kind="reports.run", params__volunteers=wanted).get()
        run_job(str(job.pk))
        run = Run.objects.get(pk=job.pk)
        assert ("volunteers" in run.document) is wanted
        page = team.get(reverse("console:weighting", args=[measured.pk]) + f"?run={run.pk}").content.decode()
        assert (reverse("reports:run_volunteers", args=[run.pk]) in page) is wanted
        assert ("checked" in page) is wanted
