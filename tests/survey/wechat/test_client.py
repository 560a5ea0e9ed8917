"""The adapter against a scripted Tencent (answers from the contract file) and against the sandbox."""

import json
import logging
import socket
import threading
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from survey.wechat import client, errors
from survey.wechat.client import AccountSettings, WeChat
from survey.wechat.errors import OwnCode, WeChatError
from tests.survey.wechat.conftest import APP_ID, SECRET, MemoryTokens

CONTRACT = json.loads((Path(__file__).parents[2] / "vectors" / "wechat_contract.json").read_text())["answers"]
USER_INFO = "/cgi-bin/user/info"
STABLE = "/cgi-bin/stable_token"
EXCHANGE = "/sns/oauth2/access_token"
REFUSED = '{"errcode":40001,"errmsg":"invalid credential, access_token is invalid or not latest rid: 1-2-3"}'
GOOD = '{"subscribe":1,"openid":"o1"}'


def ids(answers):
    return [answer["id"] for answer in answers]


READABLE = [answer for answer in CONTRACT if "expect" in answer]
REFUSALS = [answer for answer in CONTRACT if "error" in answer]


# --- the browser leg --------------------------------------------------------------------------------
def test_the_address_has_tencents_parameter_order_and_fragment():
    wechat = WeChat(AccountSettings(APP_ID, SECRET), MemoryTokens())
    assert wechat.authorize_url("https://a.cn/back?x=1&y=民", "snsapi_base", "Abc1") == (
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx0123456789abcdef"
        "&redirect_uri=https%3A%2F%2Fa.cn%2Fback%3Fx%3D1%26y%3D%E6%B0%91"
        "&response_type=code&scope=snsapi_base&state=Abc1#wechat_redirect"
    )


@pytest.mark.parametrize("state", ["", "a b", "a&scope=x", "a-b", "民", "a" * 129, "a#b"])
def test_a_state_that_tencent_would_not_take_is_refused_here(state):
    with pytest.raises(ValueError, match="state"):
        WeChat(AccountSettings(APP_ID, SECRET), MemoryTokens()).authorize_url(
            "https://a.cn", "snsapi_base", state
        )


def test_an_unknown_scope_is_refused_here():
    with pytest.raises(ValueError, match="scope"):
        WeChat(AccountSettings(APP_ID, SECRET), MemoryTokens()).authorize_url(
            "https://a.cn", "snsapi_login", "A"
        )


# --- exchanging a code ------------------------------------------------------------------------------
@pytest.mark.parametrize("answer", READABLE, ids=ids(READABLE))
def test_it_reads_the_answers_of_the_contract(answer, against, tencent):
    tencent.answers[EXCHANGE] = answer["body"]
    identity = against.exchange_code("CODE")
    assert vars(identity) == answer["expect"]
    assert parse_qs(tencent.asked[0][1]) == {
        "appid": [APP_ID],
        "secret": [SECRET],
        "code": ["CODE"],
        "grant_type": ["authorization_code"],
    }


@pytest.mark.parametrize("answer", REFUSALS, ids=ids(REFUSALS))
def test_it_understands_the_refusals_of_the_contract(answer, against, tencent):
    path = EXCHANGE if answer["call"] == "oauth" else USER_INFO
    tencent.answers[path] = answer["body"]
    with pytest.raises(WeChatError) as refusal:
        if answer["call"] == "oauth":
            against.exchange_code("CODE")
        else:
            against.request("get", "user/info", params={"openid": "o1"})
    error = refusal.value
    found = {"code": error.code, "message": error.message, "rid": error.rid, "restart": error.restart}
    assert found == answer["error"]
    assert error.action


def test_an_empty_code_needs_no_call(against, tencent):
    with pytest.raises(WeChatError) as refusal:
        against.exchange_code("")
    assert (refusal.value.code, refusal.value.restart, tencent.asked) == (41008, True, [])


def test_an_http_failure_is_a_network_error(against, tencent):
    tencent.status = "503 Service Unavailable"
    with pytest.raises(WeChatError) as refusal:
        against.exchange_code("CODE")
    assert (refusal.value.code, refusal.value.restart) == (OwnCode.NETWORK, False)


# --- tokens -----------------------------------------------------------------------------------------
def test_the_token_is_asked_for_once_and_kept(against, tencent, tokens, clock):
    tencent.answers[USER_INFO] = GOOD
    for _ in range(3):
        assert against.request("get", "user/info", params={"openid": "o1"})["subscribe"] == 1
    assert (tencent.count(STABLE), tencent.count(USER_INFO)) == (1, 3)
    assert tokens.held == ("TOKEN", clock() + timedelta(seconds=7200))
    assert json.loads(tencent.asked[0][2]) == {
        "grant_type": "client_credential",
        "appid": APP_ID,
        "secret": SECRET,
        "force_refresh": False,
    }
    assert tencent.asked[0][1] == "access_token="
    assert "access_token=TOKEN" in tencent.asked[1][1]


def test_the_token_is_renewed_before_it_ends(against, tencent, clock):
    tencent.answers[USER_INFO] = GOOD
    against.request("get", "user/info")
    clock.advance(7200 - client.TOKEN_MARGIN_S - 1)
    against.request("get", "user/info")
    assert tencent.count(STABLE) == 1
    clock.advance(2)
    against.request("get", "user/info")
    assert tencent.count(STABLE) == 2


@pytest.mark.parametrize("code", sorted(errors.STALE_TOKEN_CODES))
def test_a_refused_token_is_replaced_once(code, against, tencent, tokens):
    tencent.answers[USER_INFO] = [json.dumps({"errcode": code, "errmsg": "x"}), GOOD]
    tencent.answers[STABLE] = [
        '{"access_token":"T1","expires_in":7200}',
        '{"access_token":"T2","expires_in":7200}',
    ]
    assert against.request("get", "user/info", params={"openid": "o1"})["openid"] == "o1"
    assert (tencent.count(STABLE), tencent.count(USER_INFO), tokens.stored) == (2, 2, 2)
    sent = [parse_qs(query)["access_token"] for path, query, _ in tencent.asked if path == USER_INFO]
    assert sent == [["T1"], ["T2"]]


def test_a_token_refused_for_good_costs_two_token_fetches_and_then_is_an_error(against, tencent):
    tencent.answers[USER_INFO] = REFUSED
    with pytest.raises(WeChatError) as refusal:
        against.request("get", "user/info", params={"openid": "o1"})
    assert (refusal.value.code, refusal.value.rid) == (40001, "1-2-3")
    assert (tencent.count(STABLE), tencent.count(USER_INFO)) == (2, 2)


def test_other_refusals_are_not_tried_again(against, tencent):
    tencent.answers[USER_INFO] = '{"errcode":45009,"errmsg":"x"}'
    with pytest.raises(WeChatError):
        against.request("get", "user/info")
    assert (tencent.count(STABLE), tencent.count(USER_INFO)) == (1, 1)


def test_a_refused_token_request_is_an_error_at_once(against, tencent, tokens):
    tencent.answers[STABLE] = '{"errcode":40125,"errmsg":"invalid appsecret"}'
    with pytest.raises(WeChatError) as refusal:
        against.request("get", "user/info")
    assert (refusal.value.code, tencent.count(STABLE), tokens.held) == (40125, 1, None)


@pytest.mark.parametrize("body", ["{}", '{"access_token":""}', '{"access_token":"T","expires_in":"x"}', "[]"])
def test_a_token_answer_without_a_token_is_an_error(body, against, tencent, tokens):
    tencent.answers[STABLE] = body
    with pytest.raises(WeChatError) as refusal:
        against.access_token()
    assert (refusal.value.code, tokens.held) == (OwnCode.GARBLED, None)


def test_another_workers_new_token_is_used_instead_of_fetching(against, tencent, tokens, clock):
    tencent.answers[USER_INFO] = [REFUSED, GOOD]
    tokens.held = ("OLD", clock() + timedelta(hours=1))

    class OtherWorkerWasFaster:
        def __enter__(self):
            tokens.held = ("NEW", clock() + timedelta(hours=2))

        def __exit__(self, *_):
            return False

    tokens.lock = OtherWorkerWasFaster
    against.request("get", "user/info")
    assert (tencent.count(STABLE), "access_token=NEW" in tencent.asked[-1][1]) == (0, True)


def test_ten_cold_workers_fetch_one_token(against, tencent):
    tencent.answers[USER_INFO] = GOOD
    workers = [threading.Thread(target=against.request, args=("get", "user/info")) for _ in range(10)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=20)
    assert (tencent.count(STABLE), tencent.count(USER_INFO)) == (1, 10)


def test_wechatpys_own_groups_go_through_the_same_gate(against, tencent):
    tencent.answers[USER_INFO] = [REFUSED, GOOD]
    assert against.call("user/info", lambda wechatpy: wechatpy.user.get("o1"))["openid"] == "o1"
    assert (tencent.count(STABLE), tencent.count(USER_INFO)) == (2, 2)


# --- time and secrets -------------------------------------------------------------------------------
def test_a_server_that_never_answers_does_not_hold_a_worker(monkeypatch, tokens, clock):
    monkeypatch.setattr(client, "TIMEOUT", (0.3, 0.3))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        wechat = WeChat(AccountSettings(APP_ID, SECRET, base, base), tokens, now=clock)
        for call in (lambda: wechat.exchange_code("CODE"), wechat.access_token):
            started = time.monotonic()
            with pytest.raises(WeChatError) as refusal:
                call()
            assert refusal.value.code == OwnCode.NETWORK
            assert time.monotonic() - started < 3


def test_no_secret_code_token_or_openid_is_logged_or_raised(against, tencent, caplog, tokens, clock):
    caplog.set_level(logging.INFO)
    secrets = {SECRET, "C0DE-of-a-resident", "T0KEN-of-the-account", "0penid-of-a-resident"}
    tencent.answers[STABLE] = '{"access_token":"T0KEN-of-the-account","expires_in":7200}'
    tencent.answers[EXCHANGE] = '{"errcode":40029,"errmsg":"invalid code"}'
    tencent.answers[USER_INFO] = REFUSED
    closed = WeChat(
        AccountSettings(APP_ID, SECRET, "http://127.0.0.1:1", "http://127.0.0.1:1"), tokens, now=clock
    )
    calls = [
        lambda: against.exchange_code("C0DE-of-a-resident"),
        lambda: against.request("get", "user/info", params={"openid": "0penid-of-a-resident"}),
        lambda: closed.exchange_code("C0DE-of-a-resident"),
        lambda: closed.request("get", "user/info", params={"openid": "0penid-of-a-resident"}),
    ]
    for call in calls:
        with pytest.raises(WeChatError) as refusal:
            call()
        assert refusal.value.__suppress_context__
        said = f"{refusal.value!r} {refusal.value.__cause__!r}"
        assert not [secret for secret in secrets if secret in said + caplog.text]
    assert "rid=1-2-3" in caplog.text
    assert SECRET not in repr(AccountSettings(APP_ID, SECRET))


# --- the catalogue ----------------------------------------------------------------------------------
def test_every_code_of_the_protocol_file_has_an_action():
    """Section 14 of the protocol file, all codes of its table."""
    named = (
        -1, 40001, 40014, 42001, 40013, 40125, 40164, 40003, 40029, 40163, 41008, 42003, 42007, 40030, 42002,
        40037, 43004, 50005, 43019, 43101, 45009, 45011, 45015, 45047, 45065, 45072, 46003, 47001, 47003,
        48001, 48004, 50001, 50002, 61450, 65303, 65320, 87014,
    )  # fmt: skip
    general = str(errors.action_for(123456))
    assert [code for code in named if str(errors.action_for(code)) == general] == []
    assert str(errors.action_for(9001008)) == str(errors.action_for(61450))
    assert [code for code in named if WeChatError(code, "").restart] == [40029, 40163, 41008, 42003]
    assert "白名单" in WeChatError(40164, "").action


# --- against the sandbox ----------------------------------------------------------------------------
def test_only_the_base_address_differs_for_the_sandbox(wechat, sandbox, tokens):
    sandbox.control.follow(APP_ID, "wang")
    openid = sandbox.control.openid(APP_ID, "wang")
    assert wechat.request("get", "user/info", params={"openid": openid})["subscribe"] == 1
    assert len(tokens.held[0]) == 512


def test_a_token_killed_elsewhere_heals_by_itself(wechat, sandbox):
    openid = sandbox.control.openid(APP_ID, "wang")
    wechat.request("get", "user/info", params={"openid": openid})
    sandbox.control.kill_tokens(APP_ID)
    assert wechat.request("get", "user/info", params={"openid": openid})["openid"] == openid
    assert sandbox.control.calls(APP_ID)[STABLE] == 2


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("drop", 0, OwnCode.NETWORK),
        ("drop_after", 0, OwnCode.NETWORK),
        ("garble", 0, OwnCode.GARBLED),
        ("error", -1, -1),
        ("error", 45009, 45009),
    ],
)
def test_each_fault_of_the_sandbox_is_one_typed_error(kind, value, code, wechat, sandbox):
    sandbox.control.add_fault("/sns/", kind, value)
    with pytest.raises(WeChatError) as refusal:
        wechat.exchange_code("CODE")
    assert refusal.value.code == code
    with pytest.raises(WeChatError) as refusal:
        wechat.exchange_code("CODE")
    assert refusal.value.code == 40029
