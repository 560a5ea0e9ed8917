"""After a round's date, what led to a person is gone; the answers stay."""

import datetime
from io import StringIO

import pytest
from django.core.management import call_command

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.contacts.services import lock_roster
from survey.responses.models import Respondent, Response
from survey.responses.retention import destroy_contact_data
from survey.sampling.models import Design, FrameUnit
from survey.studies.models import Round
from survey.wechat.models import WeChatUser
from survey.wechat.services import save_account

pytestmark = [pytest.mark.django_db, pytest.mark.database]
YESTERDAY = datetime.date.today() - datetime.timedelta(days=1)


@pytest.fixture
def past(phone, open_round, case):
    """A round past its date, with an answer, a roster and an openid."""
    phone.submit()
    lock_roster(
        case=open_round.cases.last(),
        members=[{"label": "大儿子", "sex": "male", "age": 41}],
        acting_user=SYSTEM,
    )
    account = save_account(
        slug="jinan", name="济南", app_id="wx0123456789abcdef", app_secret="s" * 32, acting_user=SYSTEM
    )
    Respondent.objects.update(identity_hash="h" * 64)
    for openid_hash in ("h" * 64, "g" * 64):
        WeChatUser.objects.create(account=account, openid_cipher=b"x", openid_hash=openid_hash)
    open_round.state, open_round.retention_until = "closed", YESTERDAY
    open_round.save()
    return open_round


def run() -> str:
    out = StringIO()
    call_command("destroy_contact_data", stdout=out)
    return out.getvalue()


def test_addresses_rosters_identities_and_written_words_are_destroyed_and_answers_stay(past):
    run()
    units = FrameUnit.objects.filter(frame__designs__round=past)
    assert units.exists()
    assert {(bytes(u.address_cipher), u.address_hash, bytes(u.salt)) for u in units} == {(b"", "", b"")}
    roster = past.cases.last().rosters.get()
    assert bytes(roster.members_cipher) == b"" and roster.n_eligible == 1
    respondent = Respondent.objects.get()
    assert (respondent.identity_hash, respondent.device_hash) == ("", "")
    assert not WeChatUser.objects.exists()
    response = Response.objects.get()
    assert response.answers["Q01"] == 2 and response.path
    assert response.open_text_cipher is None  # written words are personal data, codes and numbers are not


def test_it_is_recorded_once_and_running_again_does_nothing(past):
    run()
    assert "住址 0" in run()
    entries = AuditEntry.objects.filter(action="responses.contact_data.destroyed")
    assert entries.count() == 1 and entries[0].detail["identities"] == 1


def test_a_list_that_another_round_still_uses_keeps_its_addresses(past):
    design = Design.objects.get(round=past)
    later = Round.objects.create(study=past.study, number=2, name="2027 年上半年")
    Design.objects.create(round=later, frame=design.frame, spec={}, spec_hash="0" * 64)
    assert "还在用" in run()
    assert bytes(FrameUnit.objects.filter(frame=design.frame).first().address_cipher)
    later.retention_until = YESTERDAY
    later.save()
    run()
    assert not bytes(FrameUnit.objects.filter(frame=design.frame).first().address_cipher)


def test_a_follower_of_the_account_stays(past):
    WeChatUser.objects.filter(openid_hash="g" * 64).update(is_follower=True)
    run()
    assert WeChatUser.objects.get().openid_hash == "g" * 64


def test_nothing_is_destroyed_before_its_time(past):
    past.retention_until = datetime.date.today()
    past.save()
    run()
    assert bytes(FrameUnit.objects.first().address_cipher) and Respondent.objects.get().device_hash
    with pytest.raises(ValueError, match="not passed"):
        destroy_contact_data(round=past, acting_user=SYSTEM)
