"""A small round of 天桥区 with answers, and its run."""

import pytest
from django.urls import reverse

from survey.accounts.models import User
from survey.reports.services import create_run, publish_report
from tests import factories
from tests.survey.reports.sample import full_document


def answers_of(i, case, *, code=None):
    """Deterministic answers: sexes alternate, ages 20–79, satisfaction by community, one in 11 不了解."""
    score = 1 + (i + case.community_id) % 5 if code is None else code
    return {"S02": 20 + (7 * i) % 60, "D01": 1 + i % 2, "Q20": -1 if i % 11 == 5 else score}


@pytest.fixture
def measured(regions):
    """天桥区: 2 streets with 2 of 3 communities each, 20 of 30 households, 3 of 4 answered."""
    round_ = factories.make_measured_round(regions["370105000000"], take=20, state="open")
    factories.make_responses(round_, lambda i, case: None if i % 4 == 3 else answers_of(i, case))
    return round_


@pytest.fixture
def run(measured, lead):
    return create_run(round=measured, acting_user=lead)


@pytest.fixture
def report(run, lead):
    return publish_report(run=run, title="天桥区满意度报告", acting_user=lead)


@pytest.fixture
def full(measured, lead):
    """A published report whose document has all sections; 天桥区's codes are those of the region table."""
    measured.small_cell_floor = 10
    measured.save()
    report = publish_report(run=create_run(round=measured, acting_user=lead), title="报告", acting_user=lead)
    report.document = full_document(report.document)
    report.save()
    return report


@pytest.fixture
def reader(client, regions):
    """Opens a page as the official of a region; gives its text."""

    def read(report, code=None, region="370105000000", **query):
        name = f"o{region}"
        user = User.objects.filter(username=name).first()
        client.force_login(user or factories.make_user(name, "official", regions[region]))
        args = [report.number, code] if code else [report.number]
        page = client.get(reverse("reports:place" if code else "reports:report", args=args), query)
        assert page.status_code == 200
        return page.content.decode()

    return read
