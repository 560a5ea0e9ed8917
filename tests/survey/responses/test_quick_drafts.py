"""The one statement that saves a draft keeps the rules of the plain way, whatever stands in the way."""

import uuid
from datetime import timedelta

import pytest

from survey.common.clock import now
from survey.common.errors import Problem
from survey.responses.device import COOKIE, hash_device
from survey.responses.models import Consent, Respondent, Response, SavedDraft
from survey.responses.services import save_draft, save_draft_at_once
from survey.studies.models import ConsentText, Round
from tests.residents import Phone

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def closed(respondent, draft):
    Round.objects.update(state="closed")


def withdrawn(respondent, draft):
    Consent.objects.update(withdrawn_at=now())


def another_text(respondent, draft):
    text = respondent.round.consent_text
    newer = ConsentText.objects.create(
        study=text.study, number=text.number + 1, texts=text.texts, text_hash="b" * 64
    )
    Round.objects.update(consent_text=newer)


def answered(respondent, draft):
    Phone.submit(draft["phone"])


def handed_in(respondent, draft):
    """The same client id is in, then withdrawn: the draft must not come back."""
    phone = draft["phone"]
    phone.client_id = str(draft["client_id"])
    phone.submit()
    Response.objects.update(state="withdrawn")


def overtaken(respondent, draft):
    SavedDraft.objects.create(
        client_id=draft["client_id"],
        respondent=respondent,
        sequence=draft["sequence"],
        document_hash="",
        content_cipher=b"x",
        saved_at=now(),
        received_at=now(),
    )


def earlier(respondent, draft):
    overtaken(respondent, draft)
    SavedDraft.objects.update(sequence=draft["sequence"] - 1)


def somebody_elses(respondent, draft):
    overtaken(respondent, draft)
    other = Respondent.objects.create(round=respondent.round, case=respondent.case, channel="browser")
    SavedDraft.objects.update(respondent=other, sequence=1)


def nothing(respondent, draft):
    pass


@pytest.mark.parametrize(
    ("happens", "takes"),
    [
        (nothing, True),
        (earlier, True),
        (closed, False),
        (withdrawn, False),
        (another_text, False),
        (answered, False),
        (handed_in, False),
        (overtaken, False),
        (somebody_elses, False),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_both_ways_take_and_refuse_the_same(phone, happens, takes):
    respondent = Respondent.objects.get(public_id=phone.key)
    draft = {
        "client_id": uuid.uuid4(),
        "sequence": 7,
        "document_hash": "d" * 64,
        "content": {"answers": {"remark": "路灯"}},
        "saved_at": now() - timedelta(minutes=1),
    }
    happens(respondent, {**draft, "phone": phone})
    before = list(SavedDraft.objects.values_list("sequence", "respondent", "content_cipher"))
    device_hash = hash_device(phone.http.cookies[COOKIE].value)
    at_once = save_draft_at_once(public_id=respondent.public_id, device_hash=device_hash, **draft)
    assert at_once == (7 if takes or happens is overtaken else None)
    if takes:
        row = SavedDraft.objects.get()
        assert (row.sequence, row.respondent_id, row.document_hash) == (7, respondent.pk, "d" * 64)
        assert row.saved_at == draft["saved_at"]
        SavedDraft.objects.all().delete()
        happens(respondent, {**draft, "phone": phone})
    else:
        assert list(SavedDraft.objects.values_list("sequence", "respondent", "content_cipher")) == before
    fresh = Respondent.objects.get(pk=respondent.pk)
    try:
        plainly = save_draft(respondent=fresh, **draft) == 7 and happens is not overtaken
    except Problem:
        plainly = False
    assert plainly is takes


def test_a_strangers_secret_or_an_open_wechat_login_stores_nothing(phone):
    respondent = Respondent.objects.get(public_id=phone.key)
    draft = {
        "client_id": uuid.uuid4(),
        "sequence": 1,
        "document_hash": "",
        "content": {},
        "saved_at": now(),
    }
    key = respondent.public_id
    right = hash_device(phone.http.cookies[COOKIE].value)
    assert save_draft_at_once(public_id=key, device_hash=hash_device("x" * 43), **draft) is None
    assert save_draft_at_once(public_id=uuid.uuid4(), device_hash=right, **draft) is None
    Respondent.objects.update(channel="wechat")
    assert None is save_draft_at_once(public_id=key, device_hash=right, **draft)
    Respondent.objects.update(identity_hash="i" * 64)
    assert save_draft_at_once(public_id=key, device_hash=right, **draft) == 1
