"""A round in the field, an interviewer with one community's cases, and one without."""

import json
import uuid

import pytest
from django.urls import reverse

from survey.common.clock import now
from survey.fieldwork.services import assign_cases
from tests import factories
from tests.residents import ANSWERS, make_open_round

MEMBERS = [
    {"label": "王先生", "sex": "male", "age": 67},
    {"label": "李女士", "sex": "female", "age": 64},
    {"label": "小王", "sex": "male", "age": 38},
]


@pytest.fixture
def round_(regions):
    return make_open_round(regions["370105000000"])


@pytest.fixture
def supervisor(regions):
    """Sun, who supervises 天桥区."""
    return factories.make_user("sun", "supervisor", regions["370105000000"])


@pytest.fixture
def other_interviewer(regions):
    """Qian, an interviewer of the same district with nothing assigned."""
    return factories.make_user("qian", "interviewer", regions["370105000000"])


@pytest.fixture
def cases(round_, interviewer, supervisor):
    """Zhao's cases: those of the first drawn community."""
    first = round_.cases.order_by("community__path").first().community
    mine = list(round_.cases.filter(community=first).order_by("number"))
    assign_cases(cases=mine, interviewer=interviewer, acting_user=supervisor)
    return mine


@pytest.fixture
def case(cases):
    return cases[0]


class Field:
    """An interviewer's phone, over HTTP with session and CSRF as a program would."""

    def __init__(self, client):
        self.client = client

    def url(self, name, case):
        return reverse(f"fieldwork:{name}", args=[case.opaque_id])

    def send(self, name, case, body, query=""):
        return self.client.post(
            self.url(name, case) + query, json.dumps(body), content_type="application/json"
        )

    def body(self, **values):
        """An interview as form.js sends it."""
        return {
            "id": str(uuid.uuid4()),
            "document": values.pop("document"),
            "language": "zh-hans",
            "answers": ANSWERS,
            "started_at": now().isoformat(),
            "completed_at": now().isoformat(),
            "paradata": {"device": "phone"},
            **values,
        }

    def ready(self, case, present=()):
        """Roster and consent are done; returns the submit address and the document's hash."""
        assert self.send("roster", case, {"members": MEMBERS}).status_code == 200
        reply = self.send("consent", case, {"present": list(present)})
        assert reply.status_code == 200, reply.content
        return reply.json()


@pytest.fixture
def field(client, interviewer, cases):
    client.force_login(interviewer)
    return Field(client)
