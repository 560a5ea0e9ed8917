"""A small round of 天桥区 with answers, and its run."""

import pytest

from survey.reports.services import create_run, publish_report
from tests import factories


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
