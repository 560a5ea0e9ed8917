"""The callback: who is believed, what is stored once, what is answered, and how soon."""

import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.wechat import chat, handover, inbox, keywords, receiving, signature
from survey.wechat.models import ReceivedPush, WeChatAccount
from survey.wechat.push import MAX_PUSH_BYTES, read_xml
from survey.wechat.receiving import WINDOW_S, accounts
from survey.wechat.services import save_account
from tests.survey.wechat.conftest import APP_ID, SECRET
from tests.survey.wechat.pushes import AES_KEY, TOKEN, Tencent, event, text

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def account():
    accounts.clear()
    return save_account(
        slug="jinan",
        name="济南民意",
        app_id=APP_ID,
        app_secret=SECRET,
        callback_token=TOKEN,
        encoding_aes_key=AES_KEY,
        acting_user=SYSTEM,
    )


@pytest.fixture
def tencent(account):
    return Tencent(Client(), "jinan", APP_ID)


@pytest.fixture
def greeting():
    """A responder for one test: who writes 你好 is greeted, and the greeting counts up."""
    greeted = []

    def greet(push):
        if push.kind == "text" and push.text == "你好":
            greeted.append(push)
            return chat.TextAnswer(f"第 {len(greeted)} 次问好 ]]><x/>")
        return None

    chat.register_responder(greet, order=1)
    yield greeted
    chat._RESPONDERS.remove((1, greet))


# --- the address check ------------------------------------------------------------------------------
def test_the_address_check_gets_its_echo_back_and_nothing_else(tencent, account):
    answer = tencent.verify("1234567890<x>")
    assert (answer.status_code, answer.content) == (200, b"1234567890<x>")
    assert answer["Content-Type"].startswith("text/plain")
    account.refresh_from_db()
    assert account.verified_at is not None


def test_another_token_gets_no_echo(tencent):
    answer = tencent.verify("1234", token="another")
    assert answer.status_code == 403 and b"1234" not in answer.content


@pytest.mark.parametrize("age", [WINDOW_S + 5, -WINDOW_S - 5])
def test_an_old_or_future_timestamp_is_refused(tencent, age):
    assert tencent.verify("1", age=age).status_code == 403
    assert tencent.post(text("o1", "旧"), age=age).status_code == 403
    assert tencent.post(text("o1", "旧"), age=age, mode="secure").status_code == 403
    assert not ReceivedPush.objects.exists()


@pytest.mark.parametrize("stamp", ["", "abc", "１７００００００００", "9" * 30, "-5"])
def test_a_timestamp_that_is_none_is_refused(tencent, stamp):
    assert tencent.post(text("o1", "x"), timestamp=stamp).status_code == 403


def test_an_unknown_or_inactive_account_has_no_callback(tencent, account):
    assert Tencent(Client(), "elsewhere", APP_ID).verify("1").status_code == 404
    WeChatAccount.objects.update(is_active=False)
    accounts.clear()
    assert tencent.verify("1").status_code == 404
    assert tencent.post(text("o1", "x")).status_code == 404


# --- the three modes --------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", ["plain", "compatible", "secure"])
def test_a_push_of_each_mode_is_stored_and_answered_with_success(tencent, mode):
    answer = tencent.post(text("o-resident", "想问信的事"), mode=mode)
    assert (answer.status_code, answer.content) == (200, b"success")
    push = ReceivedPush.objects.get()
    assert (push.kind, push.state) == ("text", "pending")
    assert b"o-resident" not in bytes(push.content_cipher)


@pytest.mark.parametrize("mode", ["plain", "compatible", "secure"])
def test_an_answer_comes_in_the_mode_of_the_push(tencent, greeting, mode):
    answer = tencent.read(tencent.post(text("o1", "你好"), mode=mode))
    assert answer["Content"] == "第 1 次问好 ]]><x/>"
    assert (answer["ToUserName"], answer["FromUserName"], answer["MsgType"]) == ("o1", "gh_1", "text")


def test_json_is_read_like_xml(tencent):
    body = json.dumps({**text("o1", "你好"), "CreateTime": int(time.time())}).encode()
    assert tencent.post_raw(body).content == b"success"
    assert ReceivedPush.objects.get().kind == "text"


def test_secure_mode_refuses_what_is_not_encrypted(tencent):
    WeChatAccount.objects.update(message_mode="secure")
    accounts.clear()
    assert tencent.post(text("o1", "x"), mode="plain").status_code == 403
    assert tencent.post(text("o1", "x"), mode="secure").status_code == 200


@pytest.mark.parametrize("mode", ["plain", "compatible", "secure"])
def test_a_wrong_signature_is_refused_and_nothing_is_stored(tencent, mode):
    assert tencent.post(text("o1", "x"), mode=mode, token="another").status_code == 403
    assert not ReceivedPush.objects.exists()


def test_a_message_for_another_account_is_refused(tencent):
    other = Tencent(tencent.client, "jinan", "wxanother0000000")
    assert other.post(text("o1", "x"), mode="secure").status_code == 403


def test_an_altered_ciphertext_is_refused(tencent):
    assert tencent.post(text("o1", "x"), mode="secure", alter=True).status_code == 403


def test_after_a_change_of_the_key_the_old_one_opens_for_a_while(tencent, account):
    save_account(slug="jinan", name="济南民意", app_id=APP_ID, encoding_aes_key="b" * 43, acting_user=SYSTEM)
    assert tencent.post(text("o1", "旧钥匙"), mode="secure").status_code == 200
    WeChatAccount.objects.update(previous_aes_key_until=now() - timedelta(seconds=1))
    accounts.clear()
    assert tencent.post(text("o2", "旧钥匙"), mode="secure").status_code == 403


# --- hostile bodies ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml>",
        b"{",
        b"[" * 30000,
        b'{"a":' * 5000,
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><xml><ToUserName>&a;</ToUserName></xml>",
        b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><xml/>",
        b"<a>" * 3000,
        b'{"ToUserName":"g","FromUserName":"o","CreateTime":1,"MsgType":"a\\u0000b"}',
        b'{"ToUserName":"g","FromUserName":"\\ud800","CreateTime":1,"MsgType":"text"}',
        b'{"ToUserName":"g","FromUserName":"o","CreateTime":999999999999,"MsgType":"text"}',
        b'{"ToUserName":["g"],"FromUserName":"o","CreateTime":1,"MsgType":{}}',
        b"<xml><ToUserName>g</ToUserName><Encrypt>abc</Encrypt></xml>",
    ],
    ids=range(13),
)
def test_a_hostile_body_is_refused_in_a_word(tencent, body):
    for query in ({}, {"encrypt_type": "aes", "msg_signature": "0" * 40}):
        answer = tencent.post_raw(body, **query)
        assert answer.status_code in (400, 403) and len(answer.content) < 40
    assert not ReceivedPush.objects.exists()


def test_a_body_above_the_cap_is_refused_before_it_is_read(tencent):
    assert tencent.post_raw(b"x" * (MAX_PUSH_BYTES + 1)).status_code == 413


def test_other_methods_are_refused(tencent):
    assert tencent.client.put("/wechat/jinan/").status_code == 405


# --- once -------------------------------------------------------------------------------------------
def test_a_second_try_is_stored_once_and_gets_the_first_answer(tencent, greeting):
    message = text("o1", "你好")
    answers = [tencent.read(tencent.post(message, mode=mode)) for mode in ("plain", "secure", "compatible")]
    assert {answer["Content"] for answer in answers} == {"第 1 次问好 ]]><x/>"}
    assert ReceivedPush.objects.count() == 1


def test_two_messages_with_the_same_words_are_two(tencent):
    tencent.post(text("o1", "好"))
    tencent.post(text("o1", "好"))
    assert ReceivedPush.objects.count() == 2


def test_events_are_told_apart_by_their_fields(tencent):
    moment = int(time.time())
    first = event("o1", "SCAN", EventKey="12", Ticket="T", CreateTime=moment)
    for again in (first, {**first}, {**first, "EventKey": "13"}, {**first, "FromUserName": "o2"}):
        assert tencent.post(again).content == b"success"
    tencent.post({**first, "CreateTime": moment + 1})
    tencent.post({**first, "Event": "CLICK"})
    assert ReceivedPush.objects.count() == 5


def test_lists_inside_an_event_tell_it_apart(tencent):
    moment = int(time.time())
    for template in ("a", "b", "b"):
        inner = {"List": {"TemplateId": template, "SubscribeStatusString": "accept", "PopupScene": "1"}}
        tencent.post(
            event("o1", "subscribe_msg_popup_event", CreateTime=moment, SubscribeMsgPopupEvent=inner)
        )
    assert ReceivedPush.objects.count() == 2


@pytest.mark.parametrize(
    "make", [lambda: event("o1", "VIEW"), lambda: text("o1", "计数")], ids=["event", "text"]
)
def test_one_push_costs_one_statement_and_no_session(tencent, monkeypatch, make):
    monkeypatch.setattr(receiving, "KEEP_ACCOUNT_S", 600.0)  # however slow this machine is
    monkeypatch.setattr(keywords, "KEEP_S", 600.0)
    tencent.post(text("o1", "先热身"))
    statements = []

    def note(execute, sql, params, many, context):
        statements.append(sql.strip())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        answer = tencent.post(make())
    assert len(statements) == 1 and statements[0].startswith("INSERT")
    assert not answer.cookies


def test_a_responder_that_fails_costs_nobody_the_answer(tencent):
    def broken(push):
        raise RuntimeError("no")

    chat.register_responder(broken, order=0)
    try:
        assert tencent.post(text("o1", "你好")).content == b"success"
    finally:
        chat._RESPONDERS.remove((0, broken))


# --- whatever the broker does -----------------------------------------------------------------------
@pytest.mark.parametrize("broker", ["hangs", "is gone"])
def test_the_answer_does_not_wait_for_the_broker(
    tencent, monkeypatch, broker, django_capture_on_commit_callbacks
):
    asked, release = threading.Event(), threading.Event()

    def send():
        asked.set()
        if broker == "hangs":
            release.wait(20)
        raise ConnectionError("no broker")

    monkeypatch.setattr(handover, "_inbox", handover.Waker(send, pause_s=0.01))
    started = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(5):
            assert tencent.post(text("o1", f"第 {number} 条")).content == b"success"
    assert time.monotonic() - started < 15  # of the 20 s that the broker hangs
    assert asked.wait(5)
    release.set()
    assert ReceivedPush.objects.filter(state="pending").count() == 5
    assert inbox.has_pending() and inbox.handle_pending() == 5
    assert not inbox.has_pending()


def test_many_calls_make_few_messages():
    sent = []
    waker = handover.Waker(lambda: sent.append(time.monotonic()), pause_s=0.2)
    for _ in range(200):
        waker.wake()
        time.sleep(0.001)
    time.sleep(0.5)
    assert 1 <= len(sent) <= 6


# --- the passive reply ------------------------------------------------------------------------------
def test_a_card_is_one_article_and_words_cannot_break_out():
    card = chat.NewsAnswer("标题 ]]>", "说明", "https://a.cn/?x=1&y=2")
    fields = read_xml(chat.render(card, to="o1", sender="gh_1", created_at=1).encode())
    assert fields["ArticleCount"] == "1"
    assert fields["Articles"]["item"]["Title"] == "标题 ]]>"
    assert fields["Articles"]["item"]["Url"] == "https://a.cn/?x=1&y=2"
    assert chat.restore(chat.store(card)) == card


def test_events_that_cannot_be_answered_are_not_offered(greeting):
    offered = []

    def any_answer(push):
        offered.append(push.kind)
        return chat.TextAnswer("好")

    chat.register_responder(any_answer, order=0)
    try:
        for kind in ("event:VIEW", "event:unsubscribe", "event:TEMPLATESENDJOBFINISH"):
            assert chat.answer_to(chat.Incoming(1, kind)) is None
        assert chat.answer_to(chat.Incoming(1, "event:SCAN", key="12")).text == "好"
    finally:
        chat._RESPONDERS.remove((0, any_answer))
    assert offered == ["event:SCAN"]


def test_the_scene_of_a_code_has_no_prefix():
    fields = {"EventKey": "qrscene_poster-7"}
    assert chat.incoming(1, "event:subscribe", fields).key == "poster-7"


def test_signature_module_still_refuses_before_it_decrypts(tencent):
    """The envelope's own signature parameter does not count in secure mode; msg_signature does."""
    message = text("o1", "x")
    answer = tencent.post(message, mode="secure", msg_signature="0" * 40)
    assert answer.status_code == 403
    assert signature.message_signature("a", "b") != "0" * 40
