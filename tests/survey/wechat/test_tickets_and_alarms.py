"""The JS-SDK's ticket has one holder, like the token; what only a person can put right opens one alarm."""

import json
from datetime import timedelta

import pytest

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.wechat.alarms import open_alarms, settle_alarm
from survey.wechat.client import AccountSettings, WeChat
from survey.wechat.errors import ALARM_CODES, STALE_TOKEN_CODES, WeChatError, action_for
from survey.wechat.models import Alarm, JsapiTicket
from survey.wechat.services import save_account, wechat_for
from tests.survey.wechat.conftest import APP_ID, SECRET, MemoryTokens

TICKET, USER_INFO, STABLE = "/cgi-bin/ticket/getticket", "/cgi-bin/user/info", "/cgi-bin/stable_token"
EXCHANGE = "/sns/oauth2/access_token"
GOOD_TICKET = '{"errcode":0,"errmsg":"ok","ticket":"TICKET","expires_in":7200}'


def refusal(code, message="no"):
    return json.dumps({"errcode": code, "errmsg": f"{message} rid: 6a-7b"})


@pytest.fixture
def heard():
    return []


@pytest.fixture
def holder(tencent, tokens, clock, heard):
    """A client with a ticket store, whose alarms are heard."""
    settings = AccountSettings(APP_ID, SECRET, tencent.url, tencent.url)
    return WeChat(settings, tokens, now=clock, ticket_store=MemoryTokens(), alarm=heard.append)


# --- the ticket ---------------------------------------------------------------------------------------
def test_the_ticket_is_asked_for_once_and_renewed_before_its_end(holder, tencent, clock):
    tencent.answers[TICKET] = GOOD_TICKET
    assert [holder.jsapi_ticket() for _ in range(3)] == ["TICKET"] * 3
    assert tencent.count(TICKET) == 1
    assert "type=jsapi" in next(asked[1] for asked in tencent.asked if asked[0] == TICKET)
    clock.advance(7200 - 200)
    tencent.answers[TICKET] = GOOD_TICKET.replace("TICKET", "NEXT")
    assert holder.jsapi_ticket() == "NEXT"


def test_a_refused_token_costs_the_ticket_one_more_call(holder, tencent):
    tencent.answers[TICKET] = [refusal(40001), GOOD_TICKET]
    assert holder.jsapi_ticket() == "TICKET"
    assert (tencent.count(TICKET), tencent.count(STABLE)) == (2, 2)


@pytest.mark.parametrize("body", ["{}", '{"ticket":""}', '{"ticket":"T"}', '{"ticket":5,"expires_in":7200}'])
def test_an_answer_without_a_ticket_is_an_error_and_nothing_is_kept(holder, tencent, body):
    tencent.answers[TICKET] = body
    for _ in range(2):
        with pytest.raises(WeChatError):
            holder.jsapi_ticket()
    assert tencent.count(TICKET) == 2


# --- alarms: when ------------------------------------------------------------------------------------
@pytest.mark.parametrize("code", sorted(STALE_TOKEN_CODES))
def test_a_token_refused_twice_is_one_alarm_and_refused_once_is_none(holder, tencent, heard, code):
    tencent.answers[USER_INFO] = [refusal(code), '{"subscribe":1}']
    holder.request("get", "user/info")
    assert heard == []
    tencent.answers[USER_INFO] = refusal(code)
    with pytest.raises(WeChatError):
        holder.request("get", "user/info")
    assert [alarm.code for alarm in heard] == [code]


@pytest.mark.parametrize("code", sorted(ALARM_CODES))
@pytest.mark.parametrize("path", [STABLE, USER_INFO, EXCHANGE, TICKET])
def test_what_a_person_must_put_right_is_one_alarm_wherever_it_is_met(holder, tencent, heard, code, path):
    tencent.answers[path] = refusal(code)
    call = {
        STABLE: holder.access_token,
        USER_INFO: lambda: holder.request("get", "user/info"),
        EXCHANGE: lambda: holder.exchange_code("CODE"),
        TICKET: holder.jsapi_ticket,
    }[path]
    with pytest.raises(WeChatError):
        call()
    assert [(alarm.code, alarm.rid) for alarm in heard] == [(code, "6a-7b")]


@pytest.mark.parametrize("code", [-1, 40029, 43004, 45011])
def test_what_passes_or_concerns_one_person_is_no_alarm(holder, tencent, heard, code):
    tencent.answers[USER_INFO] = refusal(code)
    with pytest.raises(WeChatError):
        holder.request("get", "user/info")
    assert heard == []


def test_the_missing_address_is_named():
    message = "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist"
    assert "203.0.113.7" in action_for(40164, message) and "白名单" in action_for(40164, message)
    assert "203.0.113.7" in WeChatError(40164, message).action
    assert "白名单" in str(action_for(40164, "not in whitelist"))


# --- alarms: kept -----------------------------------------------------------------------------------
@pytest.fixture
def account(db, tencent, settings):
    settings.WECHAT_API_BASE = tencent.url
    return save_account(slug="jinan", name="济南民意", app_id=APP_ID, app_secret=SECRET, acting_user=SYSTEM)


def fail(account):
    with pytest.raises(WeChatError):
        wechat_for(account).access_token()


@pytest.mark.database
def test_the_same_refusal_again_counts_in_the_open_alarm(account, tencent):
    tencent.answers[STABLE] = refusal(40164, "invalid ip 203.0.113.7, not in whitelist")
    for _ in range(3):
        fail(account)
    alarm = open_alarms(account).get()
    assert (alarm.n, alarm.code, alarm.rid) == (3, 40164, "6a-7b") and "203.0.113.7" in alarm.message
    settle_alarm(alarm=alarm, acting_user=SYSTEM)
    assert not open_alarms(account).exists()
    assert AuditEntry.objects.filter(action="wechat.alarm.settled").exists()
    fail(account)
    assert Alarm.objects.count() == 2


@pytest.mark.database
def test_new_credentials_settle_what_they_put_right_and_throw_the_ticket_away(account, tencent):
    tencent.answers[STABLE] = [refusal(40125), refusal(48001)]
    fail(account)
    fail(account)
    JsapiTicket.objects.create(account=account)
    save_account(slug="jinan", name="济南民意", app_id=APP_ID, app_secret="f" * 32, acting_user=SYSTEM)
    assert [alarm.code for alarm in open_alarms(account)] == [48001]
    assert not JsapiTicket.objects.exists()


@pytest.mark.database
def test_the_ticket_is_kept_encrypted_for_all_processes(account, tencent):
    tencent.answers[TICKET] = GOOD_TICKET
    assert wechat_for(account).jsapi_ticket() == wechat_for(account).jsapi_ticket() == "TICKET"
    held = JsapiTicket.objects.get()
    assert tencent.count(TICKET) == 1 and b"TICKET" not in bytes(held.token_cipher)
    assert now() < held.expires_at <= now() + timedelta(hours=2)
