"""Sending: the intent is committed before the call, each outcome has its place, nobody is asked twice."""

import json
from datetime import timedelta

import pytest
from django.db.models import F

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.contacts.models import Contact
from survey.responses.models import Respondent
from survey.sampling.models import Case
from survey.wechat import inbox, outcomes, sending
from survey.wechat.identity import remember_user
from survey.wechat.models import (
    Alarm,
    OutboundMessage,
    ReceivedPush,
    SendBudget,
    SubscriptionGrant,
    WeChatUser,
)
from survey.wechat.planning import plan_round, store_plan
from survey.wechat.receiving import accounts
from tests.survey.wechat.outbox import (
    lettered_round,
    make_account,
    opened_in_wechat,
    planned_message,
    set_plan,
    steps,
)
from tests.survey.wechat.pushes import Tencent, event, text

pytestmark = [pytest.mark.django_db, pytest.mark.database]
CUSTOM, TEMPLATE_API = "/cgi-bin/message/custom/send", "/cgi-bin/message/template/send"
BIZSEND, STABLE = "/cgi-bin/message/subscribe/bizsend", "/cgi-bin/stable_token"
OK = '{"errcode":0,"errmsg":"ok"}'


@pytest.fixture
def round_(regions):
    return lettered_round(regions["370105000000"])


@pytest.fixture
def account(round_, tencent, settings):
    accounts.clear()
    settings.WECHAT_API_BASE = tencent.url
    settings.PUBLIC_URL = "http://survey.example"
    for path in (CUSTOM, BIZSEND):
        tencent.answers[path] = OK
    tencent.answers[TEMPLATE_API] = '{"errcode":0,"errmsg":"ok","msgid":200163840}'
    set_plan(round_, steps("custom", text="请接着答：{link}"))
    return make_account(round_)


@pytest.fixture
def case(round_, account):
    return round_.cases.order_by("pk").first()


@pytest.fixture
def custom(account, case, round_):
    """One planned customer-service message."""
    opened_in_wechat(account, case, "wang", last_message_at=now())
    return planned_message(round_)


@pytest.fixture
def template(account, case, round_):
    """One planned template message."""
    set_plan(round_, steps("template"))
    opened_in_wechat(account, case, "wang")
    return planned_message(round_)


def later(**delta):
    """As if so much time had passed since the calls."""
    earlier = timedelta(**delta)
    for name in ("called_at", "first_called_at", "due_at"):
        OutboundMessage.objects.update(**{name: F(name) - earlier})


def refuse(tencent, path, code, message="no"):
    tencent.answers[path] = json.dumps({"errcode": code, "errmsg": f"{message} rid: 6a-7b"})


# --- it works -----------------------------------------------------------------------------------------
def test_a_message_goes_out_with_the_link_of_its_household_and_is_a_contact(custom, tencent, case):
    assert sending.send_due() == 1
    (body,) = [json.loads(asked[2]) for asked in tencent.asked if asked[0] == CUSTOM]
    assert body == {
        "touser": "o-wang",
        "msgtype": "text",
        "text": {"content": f"请接着答：http://survey.example/r/{custom.link_key}/"},
    }
    custom.refresh_from_db()
    assert (custom.state, custom.attempts) == ("sent", 1)
    contact = Contact.objects.get(case=case, mode="wechat")
    assert contact.detail == {"step": "reminder", "channel": "custom"}
    assert sending.send_due() == 0 and tencent.count(CUSTOM) == 1


def test_a_template_message_carries_its_own_id(template, tencent):
    sending.send_due()
    (body,) = [json.loads(asked[2]) for asked in tencent.asked if asked[0] == TEMPLATE_API]
    assert body["client_msg_id"] == template.client_msg_id and body["template_id"] == "tmpl-1"
    assert body["data"] == {"thing1": {"value": "问卷还没有交"}} and body["url"].endswith("/")
    template.refresh_from_db()
    assert (template.state, template.tencent_id) == ("sent", "200163840")


def test_a_subscription_message_uses_up_the_agreement(account, case, round_, tencent):
    set_plan(round_, steps("subscribe"))
    user = opened_in_wechat(account, case, "wang")
    SubscriptionGrant.objects.create(user=user, template_id="tmpl-1", n_left=1, changed_at=now())
    store_plan(round=round_, acting_user=SYSTEM)
    assert sending.send_due() == 1 and tencent.count(BIZSEND) == 1
    assert SubscriptionGrant.objects.get().n_left == 0


# --- looked at again before the call --------------------------------------------------------------------
@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (lambda m: Case.objects.update(status="completed"), "settled"),
        (lambda m: Case.objects.update(status="refused"), "settled"),
        (lambda m: WeChatUser.objects.update(opted_out_at=now()), "opted_out"),
        (lambda m: WeChatUser.objects.update(is_follower=False), "not_follower"),
        (lambda m: WeChatUser.objects.all().delete(), "left"),
        (lambda m: WeChatUser.objects.update(last_message_at=now() - timedelta(hours=49)), "window_closed"),
        (lambda m: type(m.round).objects.update(state="closed"), "closed"),
    ],
    ids=["answered", "refused", "opted out", "unfollowed", "left", "window", "round closed"],
)
def test_what_happens_between_plan_and_call_stops_it(custom, tencent, happens, reason):
    happens(custom)
    assert sending.send_due() == 0 and tencent.count(CUSTOM) == 0
    custom.refresh_from_db()
    assert (custom.state, custom.reason) == ("stopped", reason)


def test_in_a_pause_and_at_night_it_waits(custom, tencent, round_):
    set_plan(round_, steps("custom"), paused_at=now())
    assert sending.send_due() == 0
    OutboundMessage.objects.update(due_at=now())
    set_plan(round_, steps("custom"), quiet_from="00:00", quiet_to="23:59:59")
    assert sending.send_due() == 0 and tencent.count(CUSTOM) == 0
    custom.refresh_from_db()
    assert custom.state == "planned" and custom.due_at > now()


def test_unfollowing_stops_what_is_planned_at_once(custom, account, tencent, client):
    wechat = Tencent(client, "jinan", account.app_id)
    wechat.post(event("o-wang", "unsubscribe"))
    inbox.handle_pending()
    custom.refresh_from_db()
    assert (custom.state, custom.reason, custom.user_id) == ("stopped", "unfollowed", None)


def test_the_way_out_stops_what_is_planned_at_once(custom, account, client):
    Tencent(client, "jinan", account.app_id).post(text("o-wang", "退订"))
    inbox.handle_pending()
    custom.refresh_from_db()
    assert (custom.state, custom.reason) == ("stopped", "opted_out")


# --- the outcome is not known -----------------------------------------------------------------------------
def test_a_lost_answer_is_unknown_and_never_sent_again(custom, tencent):
    tencent.answers[CUSTOM] = "<html>gateway</html>"
    assert sending.send_due() == 1
    custom.refresh_from_db()
    assert (custom.state, custom.reason) == ("unknown", "no_answer")
    for hours in (0, 1, 24, 100):
        later(hours=hours)
        sending.send_due()
    assert tencent.count(CUSTOM) == 1
    assert OutboundMessage.objects.get().state == "unknown"


def test_a_worker_that_died_leaves_an_unknown_message(custom, tencent):
    OutboundMessage.objects.update(state="sending", attempts=1, called_at=now(), first_called_at=now())
    assert sending.send_due() == 0 and OutboundMessage.objects.get().state == "sending"
    later(seconds=61)
    assert sending.has_due() and sending.send_due() == 0
    message = OutboundMessage.objects.get()
    assert (message.state, message.reason) == ("unknown", "worker_lost")
    assert tencent.count(CUSTOM) == 0


def test_a_template_message_of_unknown_outcome_is_repeated_soon_under_its_own_id(template, tencent):
    tencent.answers[TEMPLATE_API] = ["<html/>", '{"errcode":0,"errmsg":"ok","msgid":7}']
    sending.send_due()
    assert sending.send_due() == 0  # not at once
    later(seconds=40)
    assert sending.send_due() == 1
    ids = {json.loads(asked[2])["client_msg_id"] for asked in tencent.asked if asked[0] == TEMPLATE_API}
    assert ids == {template.client_msg_id}
    assert OutboundMessage.objects.get().state == "sent"
    assert Contact.objects.filter(mode="wechat").count() == 1


def test_outside_tencents_window_a_template_message_is_not_repeated(template, tencent):
    tencent.answers[TEMPLATE_API] = "<html/>"
    sending.send_due()
    later(minutes=8)
    assert sending.send_due() == 0 and tencent.count(TEMPLATE_API) == 1


def test_a_template_message_is_not_repeated_without_end_and_not_after_an_answer(template, tencent):
    tencent.answers[TEMPLATE_API] = "<html/>"
    for _ in range(6):
        sending.send_due()
        OutboundMessage.objects.update(called_at=F("called_at") - timedelta(seconds=40))
    assert tencent.count(TEMPLATE_API) == 3
    OutboundMessage.objects.update(attempts=1)
    Case.objects.update(status="completed")
    sending.send_due()
    assert tencent.count(TEMPLATE_API) == 3 and OutboundMessage.objects.get().state == "unknown"


def test_a_refusal_of_a_repetition_says_nothing_about_the_first_call(template, tencent):
    tencent.answers[TEMPLATE_API] = ["<html/>", '{"errcode":45009,"errmsg":"quota"}']
    sending.send_due()
    later(seconds=40)
    sending.send_due()
    assert OutboundMessage.objects.get().state == "unknown"


# --- refusals -------------------------------------------------------------------------------------------
def test_a_call_that_never_left_is_tried_again_later(custom, settings, tencent):
    settings.WECHAT_API_BASE = "http://127.0.0.1:9"
    sending.send_due()
    message = OutboundMessage.objects.get()
    assert (message.state, message.called_at) == ("planned", None) and message.due_at > now()
    settings.WECHAT_API_BASE = tencent.url
    OutboundMessage.objects.update(due_at=now())
    assert sending.send_due() == 1 and OutboundMessage.objects.get().state == "sent"


def test_without_a_token_nothing_was_said(custom, tencent):
    refuse(tencent, STABLE, 40164, "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist")
    sending.send_due()
    assert OutboundMessage.objects.get().state == "planned" and tencent.count(CUSTOM) == 0
    alarm = Alarm.objects.get()
    assert alarm.code == 40164 and "203.0.113.7" in alarm.message and alarm.rid == "6a-7b"


@pytest.mark.parametrize(("code", "wait"), [(45011, 1), (45009, 5), (48001, 14)])
def test_a_quota_or_a_withdrawn_right_lets_the_channel_rest(custom, tencent, code, wait):
    refuse(tencent, CUSTOM, code)
    sending.send_due()
    message = OutboundMessage.objects.get()
    assert (message.state, message.errcode) == ("planned", code)
    assert sending.send_due() == 0 and tencent.count(CUSTOM) == 1
    budget = SendBudget.objects.get()
    assert budget.rest_code == code and budget.rests_until > now() + timedelta(minutes=wait, seconds=-10)
    SendBudget.objects.update(rests_until=now())
    tencent.answers[CUSTOM] = OK
    assert sending.send_due() == 1 and OutboundMessage.objects.get().state == "sent"


def test_busy_is_a_refusal_that_is_tried_again_later_and_later(custom, tencent, case):
    """-1: "系统繁忙，此时请开发者稍候再试" [D commErrCode]; back-off, three times at most [R, section 14]."""
    refuse(tencent, CUSTOM, -1)
    for n_calls, wait in enumerate(outcomes.BUSY_WAITS, start=1):
        moment = now()
        sending.send_due()
        message = OutboundMessage.objects.get()
        assert (message.state, message.errcode, message.n_busy) == ("planned", -1, n_calls)
        assert wait - timedelta(seconds=5) < message.due_at - moment < wait + timedelta(seconds=5)
        assert sending.send_due() == 0 and tencent.count(CUSTOM) == n_calls
        OutboundMessage.objects.update(due_at=now())
        SendBudget.objects.update(rests_until=now())
    tencent.answers[CUSTOM] = OK
    assert sending.send_due() == 1
    message = OutboundMessage.objects.get()
    assert (message.state, message.pk) == ("sent", custom.pk) and tencent.count(CUSTOM) == 4
    assert Contact.objects.filter(case=case, mode="wechat").count() == 1


def test_busy_without_end_fails_and_the_household_gets_a_letter(custom, tencent, round_):
    refuse(tencent, CUSTOM, -1)
    for _ in range(6):
        sending.send_due()
        OutboundMessage.objects.update(due_at=now())
        SendBudget.objects.update(rests_until=now())
    message = OutboundMessage.objects.get()
    assert (message.state, message.reason, message.errcode) == ("failed", "busy", -1)
    assert tencent.count(CUSTOM) == 4 and message.settled_at is not None
    (decision,) = [d for d in plan_round(round_) if d.case_id == message.case_id]
    assert (decision.mode, decision.reason) == ("letter", "failed")


def test_a_busy_wechat_is_left_alone_for_a_moment(account, round_, tencent):
    for number, case in enumerate(round_.cases.order_by("pk")[:4]):
        opened_in_wechat(account, case, str(number), last_message_at=now())
    store_plan(round=round_, acting_user=SYSTEM)
    refuse(tencent, CUSTOM, -1)
    assert sending.send_due() == 1 and tencent.count(CUSTOM) == 1
    assert sorted(OutboundMessage.objects.values_list("n_busy", flat=True)) == [0, 0, 0, 1]


def test_busy_gives_an_agreement_back(account, case, round_, tencent):
    set_plan(round_, steps("subscribe"))
    user = opened_in_wechat(account, case, "wang")
    SubscriptionGrant.objects.create(user=user, template_id="tmpl-1", n_left=1, changed_at=now())
    store_plan(round=round_, acting_user=SYSTEM)
    refuse(tencent, BIZSEND, -1)
    sending.send_due()
    assert SubscriptionGrant.objects.get().n_left == 1
    OutboundMessage.objects.update(due_at=now(), n_busy=len(outcomes.BUSY_WAITS))
    SendBudget.objects.update(rests_until=now())
    sending.send_due()
    assert OutboundMessage.objects.get().reason == "busy" and SubscriptionGrant.objects.get().n_left == 1


def test_all_tries_of_a_busy_message_fit_into_the_life_of_its_client_id():
    assert sum(outcomes.BUSY_WAITS, timedelta()) < sending.SAME_ID_WITHIN


def test_busy_said_of_a_repetition_says_nothing_about_the_first_call(template, tencent):
    tencent.answers[TEMPLATE_API] = ["<html/>", '{"errcode":-1,"errmsg":"system error"}']
    sending.send_due()
    later(seconds=40)
    sending.send_due()
    message = OutboundMessage.objects.get()
    assert (message.state, message.n_busy, message.errcode) == ("unknown", 1, -1)
    tencent.answers[TEMPLATE_API] = "<html/>"
    for _ in range(6):
        later(seconds=40)
        sending.send_due()
    assert tencent.count(TEMPLATE_API) == sending.SAME_ID_TRIES + 1, "the busy one costs no repetition"


def test_a_template_message_that_was_busy_keeps_its_id_and_its_repetitions(template, tencent):
    tencent.answers[TEMPLATE_API] = ['{"errcode":-1,"errmsg":"system error"}', *["<html/>"] * 9]
    sending.send_due()
    SendBudget.objects.update(rests_until=now())
    OutboundMessage.objects.update(due_at=now())
    for _ in range(6):
        sending.send_due()
        OutboundMessage.objects.update(called_at=F("called_at") - timedelta(seconds=40))
    assert tencent.count(TEMPLATE_API) == 1 + sending.SAME_ID_TRIES
    ids = {json.loads(asked[2])["client_msg_id"] for asked in tencent.asked if asked[0] == TEMPLATE_API}
    assert ids == {template.client_msg_id}


def test_a_template_that_wechat_refuses_costs_one_call_and_an_alarm(template, tencent):
    refuse(tencent, TEMPLATE_API, 47003)
    sending.send_due()
    sending.send_due()
    assert tencent.count(TEMPLATE_API) == 1 and Alarm.objects.get().code == 47003
    assert OutboundMessage.objects.get().state == "planned"


@pytest.mark.parametrize("code", [43004, 50005, 40003, 43019, 45015, 45047])
def test_a_refusal_about_the_person_fails_the_message_for_good(custom, tencent, code):
    refuse(tencent, CUSTOM, code)
    sending.send_due()
    message = OutboundMessage.objects.get()
    assert (message.state, message.reason, message.rid) == ("failed", f"refused_{code}", "6a-7b")
    assert WeChatUser.objects.get().is_follower == (code not in (43004, 50005))
    sending.send_due()
    assert tencent.count(CUSTOM) == 1


def test_a_known_client_id_means_it_was_done(template, tencent):
    refuse(tencent, TEMPLATE_API, 45065)
    sending.send_due()
    assert OutboundMessage.objects.get().state == "sent"


def test_a_refused_subscription_ends_the_agreement(account, case, round_, tencent):
    set_plan(round_, steps("subscribe"))
    user = opened_in_wechat(account, case, "wang")
    SubscriptionGrant.objects.create(user=user, template_id="tmpl-1", n_left=3, changed_at=now())
    store_plan(round=round_, acting_user=SYSTEM)
    refuse(tencent, BIZSEND, 43101)
    sending.send_due()
    assert SubscriptionGrant.objects.get().n_left == 0
    assert OutboundMessage.objects.get().state == "failed"


# --- allowances -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("limit", ["minute_limit", "day_limit"])
def test_no_more_than_the_allowance_goes_out(account, round_, tencent, limit):
    for number, case in enumerate(round_.cases.order_by("pk")[:4]):
        opened_in_wechat(account, case, str(number), last_message_at=now())
    store_plan(round=round_, acting_user=SYSTEM)
    SendBudget.objects.create(account=account, channel="custom", **{limit: 3})
    assert sending.send_due() == 3 and sending.send_due() == 0
    if limit == "minute_limit":
        SendBudget.objects.update(minute=F("minute") - 1)
    else:
        SendBudget.objects.update(day=now() - timedelta(days=1))
    assert sending.send_due() == 1 and tencent.count(CUSTOM) == 4


# --- what WeChat reports back -----------------------------------------------------------------------------
@pytest.fixture
def wechat(account, client):
    return Tencent(client, "jinan", account.app_id)


def report(wechat, *pushes):
    for push in pushes:
        assert wechat.post(push).status_code == 200
    inbox.handle_pending()


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        ("success", "delivered", ""),
        ("failed:user block", "failed", "userblock"),
        ("failed: system failed", "failed", "systemfailed"),
    ],
)
def test_the_result_is_matched_by_tencents_id(template, wechat, status, state, reason):
    sending.send_due()
    report(wechat, event("o-wang", "TEMPLATESENDJOBFINISH", MsgID="200163840", Status=status))
    message = OutboundMessage.objects.get()
    assert (message.state, message.reason) == (state, reason) and message.settled_at is not None
    assert (WeChatUser.objects.get().opted_out_at is not None) == (status == "failed:user block")


def test_an_unknown_message_is_settled_by_the_event_of_its_only_receiver(template, tencent, wechat, case):
    tencent.answers[TEMPLATE_API] = "<html/>"
    sending.send_due()
    assert OutboundMessage.objects.get().state == "unknown"
    report(wechat, event("o-wang", "TEMPLATESENDJOBFINISH", MsgID="99", Status="success"))
    message = OutboundMessage.objects.get()
    assert (message.state, message.tencent_id) == ("delivered", "99")
    assert Contact.objects.filter(case=case, mode="wechat").count() == 1


def test_an_event_that_overtakes_the_answer_is_not_taken_back_by_it(template, wechat):
    message = sending._claim(set(), None)
    report(wechat, event("o-wang", "TEMPLATESENDJOBFINISH", MsgID="200163840", Status="success"))
    sending._deliver(message)
    message.refresh_from_db()
    assert (message.state, message.tencent_id) == ("delivered", "200163840")
    assert Contact.objects.filter(mode="wechat").count() == 1


def test_doubled_and_contradicting_events_change_nothing(template, wechat):
    sending.send_due()
    first = event("o-wang", "TEMPLATESENDJOBFINISH", MsgID="200163840", Status="success")
    other = {**first, "Status": "failed: system failed", "CreateTime": str(int(first["CreateTime"]) + 1)}
    report(wechat, first, first, other)
    assert OutboundMessage.objects.get().state == "delivered"


def test_an_event_about_a_message_that_is_not_ours_is_handled_and_changes_nothing(wechat):
    report(wechat, event("o-somebody", "TEMPLATESENDJOBFINISH", MsgID="1", Status="success"))
    assert ReceivedPush.objects.get().state == "handled"


def popup(openid, status, name="subscribe_msg_popup_event", field="SubscribeMsgPopupEvent"):
    entry = {"TemplateId": "tmpl-1", "SubscribeStatusString": status, "PopupScene": "1"}
    return event(openid, name, **{field: {"List": [entry, {**entry, "TemplateId": "tmpl-2"}]}})


def test_agreements_are_counted_and_taken_back(wechat):
    first = popup("o-wang", "accept")
    report(wechat, first, {**first, "CreateTime": str(int(first["CreateTime"]) + 1)})
    assert sorted(SubscriptionGrant.objects.values_list("template_id", "n_left")) == [
        ("tmpl-1", 2),
        ("tmpl-2", 2),
    ]
    report(wechat, popup("o-zhao", "reject"))
    assert WeChatUser.objects.count() == 1
    report(wechat, popup("o-wang", "reject", "subscribe_msg_change_event", "SubscribeMsgChangeEvent"))
    assert set(SubscriptionGrant.objects.values_list("n_left", flat=True)) == {0}


@pytest.mark.parametrize(("code", "state"), [("0", "delivered"), ("43101", "failed")])
def test_a_subscription_message_is_settled_by_its_event(account, case, round_, tencent, wechat, code, state):
    set_plan(round_, steps("subscribe"))
    user = opened_in_wechat(account, case, "wang")
    SubscriptionGrant.objects.create(user=user, template_id="tmpl-1", n_left=1, changed_at=now())
    store_plan(round=round_, acting_user=SYSTEM)
    tencent.answers[BIZSEND] = '{"errcode":0,"errmsg":"ok","msgid":31}'
    sending.send_due()
    entry = {"TemplateId": "tmpl-1", "MsgID": "31", "ErrorCode": code, "ErrorStatus": "x"}
    report(wechat, event("o-wang", "subscribe_msg_sent_event", SubscribeMsgSentEvent={"List": entry}))
    assert OutboundMessage.objects.get().state == state


# --- nothing personal leaks -------------------------------------------------------------------------------
OPENID = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc"  # of the usual form: o and 27 letters, digits, - and _


def test_no_openid_stands_in_a_log_an_address_or_a_row(account, case, round_, tencent, wechat, caplog):
    caplog.set_level("DEBUG")
    set_plan(round_, steps("template"))
    opened_in_wechat(account, case, OPENID[2:])
    WeChatUser.objects.all().delete()
    user = remember_user(account, OPENID, is_follower=True)
    Respondent.objects.update(identity_hash=user.openid_hash)
    store_plan(round=round_, acting_user=SYSTEM)
    tencent.answers[TEMPLATE_API] = ["<html/>", json.dumps({"errcode": 43004, "errmsg": f"no {OPENID}"})]
    sending.send_due()
    later(seconds=40)
    sending.send_due()
    report(wechat, text(OPENID, "你好"), event(OPENID, "a_new_kind"), event(OPENID, "unsubscribe"))
    assert tencent.count(TEMPLATE_API) == 2
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("django.db")]
    assert len(ours) > 3 and not [line for line in ours if OPENID in line]
    assert not [asked for asked in tencent.asked if OPENID in asked[0] + asked[1]]
    for table in (OutboundMessage, ReceivedPush, WeChatUser, Alarm, AuditEntry, Contact):
        assert OPENID not in str(list(table.objects.values()))
