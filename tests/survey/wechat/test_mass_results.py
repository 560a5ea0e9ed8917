"""What WeChat reports of a mass message: numbers, matched back to its list."""

import pytest

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.contacts.models import Contact
from survey.wechat import inbox, mass
from survey.wechat.board import mass_lists
from survey.wechat.models import MassSend, OutboundMessage
from survey.wechat.planning import plan_round, store_plan
from survey.wechat.receiving import accounts
from tests.survey.wechat.outbox import lettered_round, make_account, opened_in_wechat, set_plan, steps
from tests.survey.wechat.pushes import Tencent, event

pytestmark = [pytest.mark.django_db, pytest.mark.database]
MASS = "/cgi-bin/message/mass/send"
TAKEN = '{"errcode":0,"errmsg":"send job submission success","msg_id":1000000338,"msg_data_id":2247}'


@pytest.fixture
def round_(regions):
    return lettered_round(regions["370105000000"])


@pytest.fixture
def account(round_, tencent, settings):
    accounts.clear()
    settings.WECHAT_API_BASE = tencent.url
    tencent.answers[MASS] = TAKEN
    set_plan(round_, steps("mass"))
    account = make_account(round_)
    for number, case in enumerate(round_.cases.order_by("pk")[:3]):
        opened_in_wechat(account, case, str(number))
    store_plan(round=round_, acting_user=SYSTEM)
    return account


@pytest.fixture
def wechat(account, client):
    return Tencent(client, "jinan", account.app_id)


def finished(number="1000000338", status="send success", total=3, sent=3, errors=0):
    counts = {"TotalCount": total, "FilterCount": sent + errors, "SentCount": sent, "ErrorCount": errors}
    return event("o-0", "MASSSENDJOBFINISH", MsgID=number, Status=status, **counts)


def report(wechat, *pushes):
    for push in pushes:
        assert wechat.post(push).status_code == 200
    while inbox.handle_pending():
        pass


def states():
    return sorted(OutboundMessage.objects.values_list("state", flat=True))


def test_everybody_reached_is_delivered(wechat, round_):
    assert mass.send_mass_due() == 3
    report(wechat, finished())
    assert states() == ["delivered"] * 3
    assert Contact.objects.filter(mode="wechat").count() == 3
    list_ = mass_lists(round_).get()
    assert (list_.n_listed, list_.n_total, list_.n_sent, list_.n_errors) == (3, 3, 3, 0)


def test_some_reached_stay_sent_with_the_numbers_beside_the_list(wechat, round_):
    mass.send_mass_due()
    report(wechat, finished(sent=2, errors=1))
    assert states() == ["sent"] * 3, "nobody says who it was"
    assert (mass_lists(round_).get().n_sent, mass_lists(round_).get().n_errors) == (2, 1)


@pytest.mark.parametrize(
    "told", [{"status": "err(10008)"}, {"status": "send fail"}, {"sent": 0, "errors": 3}], ids=str
)
def test_nobody_reached_has_failed_and_gets_a_letter(wechat, round_, told):
    mass.send_mass_due()
    report(wechat, finished(**told))
    assert states() == ["failed"] * 3
    cases = set(OutboundMessage.objects.values_list("case", flat=True))
    assert {d.mode for d in plan_round(round_) if d.case_id in cases} == {"letter"}


def test_the_first_report_counts(wechat):
    mass.send_mass_due()
    again = finished(status="err(10008)")
    report(wechat, finished(), {**again, "CreateTime": str(int(again["CreateTime"]) + 1)})
    assert states() == ["delivered"] * 3


def test_a_list_of_unknown_outcome_is_settled_by_its_event(wechat, tencent):
    tencent.answers[MASS] = "<html/>"
    mass.send_mass_due()
    assert states() == ["unknown"] * 3
    report(wechat, finished("77"))
    assert states() == ["delivered"] * 3 and MassSend.objects.get().tencent_id == "77"


def test_what_somebody_sent_by_hand_settles_no_list_of_ours(wechat, tencent):
    tencent.answers[MASS] = "<html/>"
    mass.send_mass_due()
    report(wechat, finished("77", total=296, sent=295))
    assert states() == ["unknown"] * 3 and MassSend.objects.get().reported_at is None


def test_two_lists_of_unknown_outcome_are_not_mixed_up(wechat, tencent, account, round_):
    tencent.answers[MASS] = "<html/>"
    mass.send_mass_due()
    MassSend.objects.create(
        account=account, round=round_, step="news", client_msg_id="x", n_listed=3, called_at=now()
    )
    report(wechat, finished("77"))
    assert states() == ["unknown"] * 3


@pytest.mark.parametrize("nonsense", ["", "-3", "many", "9" * 40])
def test_numbers_that_are_none_are_left_out(wechat, nonsense):
    mass.send_mass_due()
    report(wechat, finished(sent=3) | {"SentCount": nonsense, "TotalCount": nonsense})
    assert states() == ["sent"] * 3 and MassSend.objects.get().n_sent is None
