"""Whatever the line does to requests and answers, each finished interview arrives once, byte for byte."""

import json
import uuid

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.contacts.models import Contact
from survey.fieldwork.models import SyncItem
from survey.fieldwork.sync.keys import open_item
from survey.responses.models import Response
from survey.responses.services import open_answers
from tests.phones import FieldPhone, picture
from tests.residents import ANSWERS

pytestmark = [pytest.mark.django_db, pytest.mark.database]
MOST = 8  # tries of the sender before the line gets better

# What the line does to one push: which of the waiting items go, in which order, and what is lost.
faults = st.lists(
    st.fixed_dictionaries(
        {
            "order": st.randoms(use_true_random=False),
            "take": st.integers(1, 12),
            "twice": st.booleans(),
            "lost": st.sampled_from(["nothing", "request", "answer"]),
        }
    ),
    max_size=MOST,
)


class Rolled(Exception):
    """Ends one example: what it wrote goes."""


@pytest.fixture
def phone(client, interviewer, cases):
    client.force_login(interviewer)
    return FieldPhone(client).register().pull()


def days_work(phone):
    """A visit, an interview with its signature, one with its correction, and a plain one: id → text."""
    ids = list(phone.cases)
    sealed, texts = [], {}

    def add(kind, case_id, body, item_id=None):
        item_id = item_id or str(uuid.uuid4())
        texts[item_id] = phone.text(kind, case_id, body)
        sealed.append(phone.sealed(texts[item_id], item_id))
        return item_id

    add("visit", ids[0], {"result": "no_answer", "present": []})
    file = phone.file(ids[0], picture("王"))
    sealed.append(file)
    consent = {"given_at": phone.now().isoformat(), "language": "zh-hans", "signature": file["id"]}
    add("interview", ids[0], phone.interview_body(ids[0], consent=consent))
    first = add("interview", ids[1], phone.interview_body(ids[1]))
    mended = phone.interview_body(ids[1], answers={**ANSWERS, "age": 64}, replaces=first)
    add("interview", ids[1], mended)
    add("interview", ids[2], phone.interview_body(ids[2]))
    return sealed, texts


def deliver(phone, sealed, line):
    """What the app does: send what waits until the server has said of each item that it is stored."""
    waiting = {item["id"]: item for item in sealed}
    for fault in [*line, {"order": None, "take": 12, "twice": False, "lost": "nothing"}]:
        batch = list(waiting.values())
        if fault["order"] is not None:
            fault["order"].shuffle(batch)
        batch = batch[: fault["take"]]
        if fault["lost"] == "request" or not batch:
            continue
        results = phone.push(*batch)
        if fault["twice"]:
            results = phone.push(*batch)
        if fault["lost"] == "answer":
            continue
        for result in results:
            if result["state"] != "not_stored":
                waiting.pop(result["id"], None)
    return waiting


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=faults)
def test_each_interview_arrives_once_byte_for_byte_whatever_the_line_does(phone, line):
    try:
        with transaction.atomic():
            check(phone, line)
            raise Rolled
    except Rolled:
        pass


def check(phone, line):
    sealed, texts = days_work(phone)
    assert deliver(phone, sealed, line) == {}
    phone.pull()
    states = {str(row.pk): row.state for row in SyncItem.objects.all()}
    assert set(states) == {item["id"] for item in sealed}
    assert set(states.values()) <= {"accepted", "kept"}
    for row in SyncItem.objects.exclude(kind="file"):
        text = open_item(row.seal_key, str(row.pk), json.loads(bytes(row.payload)))
        assert text == json.dumps(texts[str(row.pk)], ensure_ascii=False).encode()
    counted = {str(each.case_id): each for each in Response.objects.counted()}
    ids = list(phone.cases)
    assert set(counted) == set(ids)
    assert [open_answers(counted[each])["age"] for each in ids] == [43, 64, 43]
    assert counted[ids[0]].attachments.count() == 1
    assert Contact.objects.filter(detail__result="complete").count() == 3
    assert Contact.objects.filter(detail__result="no_answer").count() == 1
