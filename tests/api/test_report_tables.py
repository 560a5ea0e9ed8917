"""The tables of a report over the REST face: the published ones, and no others."""

import pytest

from survey.audit.models import AuditEntry
from survey.common.clock import now
from survey.regions.models import Region
from survey.reports.services import create_run, publish_report
from survey.sampling.models import Draw
from tests import factories
from tests.api.test_api import api
from tests.survey.reports.conftest import answers_of

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def report(regions, lead, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    round_ = factories.make_measured_round(regions["370105000000"], take=20, state="open")
    round_.small_cell_floor = 5
    round_.save()
    factories.make_responses(round_, lambda i, case: None if i % 4 == 3 else answers_of(i, case))
    return publish_report(run=create_run(round=round_, acting_user=lead), title="报告", acting_user=lead)


def test_the_tables_are_the_document_without_the_team_s_part(report, official):
    answer = api(official).get(f"/api/v1/reports/{report.number}/tables/")
    assert answer.status_code == 200
    tables = answer.json()
    assert tables["estimates"] == report.document["estimates"]
    assert "masks" not in tables and set(tables["weights"]) == {"spec", "margins", "steps", "sum"}
    entry = AuditEntry.objects.filter(action="reports.report.viewed").latest("pk")
    assert entry.detail["part"] == "tables"


def test_drawn_communities_stay_hidden_until_the_certificate_names_them(report, official, lead):
    def communities(user):
        tables = api(user).get(f"/api/v1/reports/{report.number}/tables/").json()
        figures = {key for found in tables["small_areas"].values() for key in found["community"]}
        return {place["key"] for place in tables["communities"]} | figures

    drawn = {case.community.code for case in report.round.cases.select_related("community")}
    assert communities(lead) >= drawn
    assert communities(official) == set()
    Draw.objects.update(revealed_at=now())
    assert communities(official) >= drawn


def test_answers_in_detail_stay_inside_the_grant(report, regions):
    street = Region.objects.get(code="370105001000")
    user = factories.make_user("street_official", "official", street)
    tables = api(user).get(f"/api/v1/reports/{report.number}/tables/").json()
    keys = {key for key in tables["distributions"]["Q20"]["domains"] if key.isdigit()}
    assert keys == {"370105001000"}
    assert "370105003000" in tables["estimates"]["score"]


def test_a_report_of_elsewhere_is_not_found(report, regions):
    user = factories.make_user("other", "official", Region.objects.get(code="370104000000"))
    assert api(user).get(f"/api/v1/reports/{report.number}/tables/").status_code == 404
