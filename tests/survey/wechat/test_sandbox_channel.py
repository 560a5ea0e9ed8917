"""The sandbox's chats, pushes, windows, templates, menu and articles, against the protocol file's facts.

What the sandbox encrypts is opened by wechatpy here, and wechatpy's answers are opened by it: two programs
that share nothing with each other.
"""

import base64
import json
import struct
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import requests
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import check_signature

from survey.wechat.sandbox import faults, wire
from survey.wechat.sandbox.articles import menu_of
from survey.wechat.sandbox.directory import BATCH
from survey.wechat.sandbox.fault_panel import OFFERS
from survey.wechat.sandbox.pushing import OUT_OF_SERVICE, Pusher, verify
from survey.wechat.sandbox.server import SandboxServer
from tests.survey.wechat.conftest import APP_ID, SECRET

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "wechat" / "vectors.json"
TOKEN, KEY = "spamtest", base64.b64encode(bytes(range(32))).decode().rstrip("=")
TRY_S = 0.4


@dataclass
class Team:
    """The account's own server: remembers what is pushed and answers as told."""

    url: str = ""
    answer: object = b"success"
    delay: float = 0.0
    seen: list = field(default_factory=list)
    port: int = 0

    def __call__(self, environ, start_response):
        query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        body = environ["wsgi.input"].read()
        if environ["REQUEST_METHOD"] == "GET":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [query["echostr"].encode()]
        self.seen.append((query, body))
        time.sleep(self.delay)
        answer = self.answer(query, body) if callable(self.answer) else self.answer
        start_response("200 OK", [("Content-Type", "text/xml")])
        return [answer]

    def opened(self, place=-1):
        """A push as wechatpy opens it."""
        query, body = self.seen[place]
        crypto = WeChatCrypto(TOKEN, KEY, APP_ID)
        return crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])


@pytest.fixture
def team():
    team = Team()
    server = SandboxServer("127.0.0.1", 0, team)
    server.start_in_background()
    team.url = f"http://127.0.0.1:{server.port}/wechat/"
    yield team
    server.shutdown()
    server.server_close()


@pytest.fixture
def channel(sandbox, team, wechat):
    """The sandbox with an account whose server is the team's, in secure mode."""
    sandbox.control.set_server(APP_ID, team.url, TOKEN, KEY)
    pusher = Pusher(sandbox.store, threads=2, try_seconds=TRY_S)
    yield sandbox.control
    pusher.close()


def wait_for(found, seconds=8.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def settled(channel, count=1):
    wait_for(
        lambda: (
            len(channel.pushes(APP_ID)) >= count
            and all(push["state"] not in ("waiting", "sending") for push in channel.pushes(APP_ID))
        )
    )
    return channel.pushes(APP_ID)


# --- pushes -------------------------------------------------------------------------------------------
def test_its_encryption_opens_the_official_vectors():
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    rows = vectors["vectors"] if isinstance(vectors, dict) else vectors
    opened = set()
    for row in rows:
        if row["kind"] == "mp_msg_decrypt":
            text = wire.decrypt(row["encrypt"], row["encoding_aes_key"], row["appid"])
            fields = wire.from_xml(text.encode())
            assert {name: fields[name] for name in row["expect_fields"]} == row["expect_fields"]
            parts = (row["token"], row["timestamp"], row["nonce"], row["encrypt"])
            assert wire.signature(*parts) == row["msg_signature"]
        elif row["kind"] == "mp_aes_encrypt":
            again = wire.encrypt(row["plain"], row["encoding_aes_key"], row["appid"])
            for sealed in (row["expect_b64"], again):
                assert wire.decrypt(sealed, row["encoding_aes_key"], row["appid"]) == row["plain"]
        elif row["kind"] == "server_signature":
            assert wire.signature(row["token"], row["timestamp"], row["nonce"]) == row["signature"]
        else:
            continue
        opened.add(row["kind"])
    assert opened == {"mp_msg_decrypt", "mp_aes_encrypt", "server_signature"}


def test_a_follow_is_pushed_encrypted_and_signed(channel, team):
    channel.follow(APP_ID, "wang")
    settled(channel)
    message = team.opened()
    assert "<![CDATA[subscribe]]>" in message and channel.openid(APP_ID, "wang") in message
    query, body = team.seen[0]
    assert query["encrypt_type"] == "aes" and b"FromUserName" not in body, "secure mode shows no plain field"
    check_signature(TOKEN, query["signature"], query["timestamp"], query["nonce"])


def test_plain_and_compatible_mode_show_the_fields(channel, team):
    channel.set_server(APP_ID, team.url, TOKEN, KEY, mode="plain")
    channel.say(APP_ID, "wang", "你好 ]]> <b>")
    settled(channel)
    query, body = team.seen[-1]
    assert "encrypt_type" not in query and "Encrypt" not in body.decode()
    assert wire.from_xml(body)["Content"] == "你好 ]]> <b>" and int(wire.from_xml(body)["MsgId"]) > 2**60
    channel.set_server(APP_ID, team.url, TOKEN, KEY, mode="compatible")
    channel.say(APP_ID, "wang", "再来")
    settled(channel, 2)
    fields = wire.from_xml(team.seen[-1][1])
    assert fields["Content"] == "再来" and fields["Encrypt"]


def test_an_encrypted_answer_is_shown_in_the_chat(channel, team):
    def answer(query, body):
        to = team.opened()
        openid = to.split("<FromUserName><![CDATA[")[1].split("]]>")[0]
        reply = (
            f"<xml><ToUserName><![CDATA[{openid}]]></ToUserName><FromUserName>gh</FromUserName>"
            "<CreateTime>1</CreateTime><MsgType>news</MsgType><ArticleCount>1</ArticleCount><Articles>"
            "<item><Title>说说您的看法</Title><Description>d</Description><PicUrl>p</PicUrl><Url>http://x/p/1</Url>"
            "</item></Articles></xml>"
        )
        return WeChatCrypto(TOKEN, KEY, APP_ID).encrypt_message(reply, "n1", "1").encode()

    team.answer = answer
    channel.say(APP_ID, "wang", "调查")
    settled(channel)
    said = channel.chat(APP_ID, "wang")
    assert [each["from_account"] for each in said] == [0, 1]
    assert said[1]["content"]["articles"][0]["Url"] == "http://x/p/1"


def test_no_answer_in_time_is_tried_three_times_with_one_body(channel, team):
    team.delay = TRY_S * 2
    channel.say(APP_ID, "wang", "在吗")
    push = settled(channel)[0]
    assert (push["tries"], push["state"]) == (3, "failed")
    ids = {team.opened(place).split("<MsgId>")[1].split("<")[0] for place in range(3)}
    assert len(ids) == 1, "the message id stays, so that it can be told for the same"
    assert len({query["nonce"] for query, _ in team.seen}) == 3
    assert channel.chat(APP_ID, "wang")[-1]["content"]["Content"] == OUT_OF_SERVICE


@pytest.mark.parametrize("answer", [b"{}", b"<xml></xml>", b"hello", b"<xml><Encrypt>x</Encrypt></xml>"])
def test_rubbish_is_told_to_the_resident(channel, team, answer):
    team.answer = answer
    channel.say(APP_ID, "wang", "在吗")
    assert settled(channel)[0]["state"] == "failed"
    assert channel.chat(APP_ID, "wang")[-1]["content"]["Content"] == OUT_OF_SERVICE


def test_success_and_nothing_say_nothing(channel, team):
    channel.say(APP_ID, "wang", "一")
    team.answer = b""
    channel.say(APP_ID, "wang", "二")
    settled(channel, 2)
    assert all(not each["from_account"] for each in channel.chat(APP_ID, "wang"))


@pytest.mark.parametrize(
    ("kind", "seen", "state"),
    [(faults.DROP, 0, "lost"), (faults.DOUBLE, 2, "done"), (faults.DELAY, 1, "done")],
)
def test_faults_of_pushes(channel, team, kind, seen, state):
    channel.add_fault("push:", kind, value=0.1)
    channel.follow(APP_ID, "wang")
    assert settled(channel)[0]["state"] == state and len(team.seen) == seen


def test_a_push_with_a_wrong_signature_is_recognisable(channel, team):
    channel.add_fault("push:", faults.SWAP_SIGNATURE)
    channel.follow(APP_ID, "wang")
    settled(channel)
    query, body = team.seen[0]
    expected = wire.signature(TOKEN, query["timestamp"], query["nonce"], wire.from_xml(body)["Encrypt"])
    assert query["msg_signature"] != expected


def test_unfollowing_and_revoking_are_pushed(channel, team):
    channel.follow(APP_ID, "wang")
    channel.follow(APP_ID, "wang", follows=False)
    channel.revoke(APP_ID, "wang")
    settled(channel, 3)
    assert [push["event"] for push in channel.pushes(APP_ID)] == [
        "subscribe",
        "unsubscribe",
        "user_authorization_revoke",
    ]
    revoked = next(
        message for message in map(team.opened, range(3)) if "user_authorization_revoke" in message
    )
    openid = channel.openid(APP_ID, "wang")
    assert f"<OpenID><![CDATA[{openid}]]>" in revoked and f"<FromUserName><![CDATA[{openid}]]>" not in revoked


def test_the_back_office_asks_for_the_echo_before_it_saves(sandbox, team, wechat):
    assert verify(sandbox.store, APP_ID, team.url, TOKEN) == ""
    assert verify(sandbox.store, APP_ID, "http://127.0.0.1:9/", TOKEN) == "请求URL超时"
    form = {"url": "http://127.0.0.1:9/", "token": TOKEN, "key": KEY, "mode": "secure"}
    requests.post(f"{sandbox.url}/mp/{APP_ID}/server", data=form, timeout=10)
    assert not sandbox.store.setup(APP_ID)["is_on"]
    requests.post(f"{sandbox.url}/mp/{APP_ID}/server", data={**form, "url": team.url}, timeout=10)
    assert sandbox.store.setup(APP_ID)["is_on"]


# --- messages -----------------------------------------------------------------------------------------
def custom(wechat, openid, text="提醒"):
    data = {"touser": openid, "msgtype": "text", "text": {"content": text}}
    return wechat.request("post", "message/custom/send", data=data)


def refused(call, *args, **kwargs):
    with pytest.raises(Exception) as refusal:
        call(*args, **kwargs)
    return refusal.value.code


def test_a_message_opens_48_hours_for_five(channel, wechat, clock):
    openid = channel.openid(APP_ID, "wang")
    assert refused(custom, wechat, openid) == 45015
    channel.say(APP_ID, "wang", "你好")
    for _ in range(5):
        custom(wechat, openid)
    assert refused(custom, wechat, openid) == 45047
    channel.say(APP_ID, "wang", "还在")
    custom(wechat, openid)
    clock.advance(48 * 3600 + 1)
    assert refused(custom, wechat, openid) == 45015


def test_a_follow_opens_one_minute_for_three(channel, wechat, clock):
    channel.follow(APP_ID, "wang")
    openid = channel.openid(APP_ID, "wang")
    for _ in range(3):
        custom(wechat, openid)
    assert refused(custom, wechat, openid) == 45047
    clock.advance(61)
    assert refused(custom, wechat, openid) == 45015
    assert refused(custom, wechat, "nobody") == 40003


def template(wechat, openid, template_id, **fields):
    data = {
        "touser": openid,
        "template_id": template_id,
        "data": {"thing1": {"value": "济南民意"}, "time2": {"value": "11月30日"}},
        **fields,
    }
    return wechat.request("post", "message/template/send", data=data)


CONTENT = "项目：{{thing1.DATA}}\n截止：{{time2.DATA}}"


def test_template_messages_go_to_followers_and_report_back(channel, wechat, team):
    template_id = channel.add_template(APP_ID, "template", "答卷提醒", CONTENT)
    openid = channel.openid(APP_ID, "wang")
    assert refused(template, wechat, openid, template_id) == 43004
    channel.follow(APP_ID, "wang")
    assert refused(template, wechat, openid, "unknown") == 40037
    long = {"thing1": {"value": "字" * 21}, "time2": {"value": "x"}}
    assert refused(template, wechat, openid, template_id, data=long) == 47003
    sent = template(wechat, openid, template_id, client_msg_id="m1")
    again = template(wechat, openid, template_id, client_msg_id="m1")
    assert sent["msgid"] == again["msgid"], "the same client id is the same message for ten minutes"
    settled(channel, 2)
    assert len([m for m in channel.chat(APP_ID, "wang") if m["kind"] == "template"]) == 1
    finished = next(m for m in map(team.opened, range(2)) if "TEMPLATESENDJOBFINISH" in m)
    assert f"<MsgID>{sent['msgid']}</MsgID>" in finished and "<![CDATA[success]]>" in finished


def test_a_blocked_template_message_says_so_only_in_the_event(channel, wechat, team):
    template_id = channel.add_template(APP_ID, "template", "答卷提醒", CONTENT)
    channel.follow(APP_ID, "wang")
    channel.block(APP_ID, "wang")
    assert template(wechat, channel.openid(APP_ID, "wang"), template_id)["errcode"] == 0
    settled(channel, 2)
    assert "failed:user block" in "".join(team.opened(place) for place in range(len(team.seen)))


def test_a_client_id_is_forgotten_after_ten_minutes(channel, wechat, clock):
    template_id = channel.add_template(APP_ID, "template", "答卷提醒", CONTENT)
    channel.follow(APP_ID, "wang")
    openid = channel.openid(APP_ID, "wang")
    first = template(wechat, openid, template_id, client_msg_id="m1")
    clock.advance(601)
    assert template(wechat, openid, template_id, client_msg_id="m1")["msgid"] != first["msgid"]


def test_one_consent_is_one_subscription_message(channel, wechat):
    template_id = channel.add_template(APP_ID, "subscribe", "进度", "项目：{{thing1.DATA}}")
    openid = channel.openid(APP_ID, "wang")
    data = {"touser": openid, "template_id": template_id, "data": {"thing1": {"value": "济南民意"}}}
    send = lambda: wechat.request("post", "message/subscribe/bizsend", data=data)  # noqa: E731
    assert refused(send) == 43101
    channel.subscribe(APP_ID, "wang", template_id, accepts=False)
    assert refused(send) == 43101
    channel.subscribe(APP_ID, "wang", template_id)
    assert send()["errcode"] == 0
    assert refused(send) == 43101
    events = [push["event"] for push in settled(channel, 3)]
    assert events.count("subscribe_msg_popup_event") == 2 and "subscribe_msg_sent_event" in events


def test_mass_messages_reach_a_follower_four_times_a_month(channel, wechat):
    channel.follow(APP_ID, "wang")
    channel.follow(APP_ID, "zhao")
    data = {"filter": {"is_to_all": True}, "msgtype": "text", "text": {"content": "公告"}}
    for n in range(5):
        wechat.request("post", "message/mass/sendall", data={**data, "clientmsgid": f"c{n}"})
    assert len([m for m in channel.chat(APP_ID, "wang") if m["kind"] == "text"]) == 4
    same = {**data, "clientmsgid": "c1"}
    assert refused(wechat.request, "post", "message/mass/sendall", data=same) == 45065
    settled(channel, 7)
    assert [push["event"] for push in channel.pushes(APP_ID)].count("MASSSENDJOBFINISH") == 5


def test_followers_are_listed_and_described_without_names(channel, wechat):
    channel.follow(APP_ID, "wang")
    channel.openid(APP_ID, "zhao")
    listed = wechat.request("get", "user/get")
    assert listed["total"] == 1 and listed["data"]["openid"] == [channel.openid(APP_ID, "wang")]
    users = [{"openid": channel.openid(APP_ID, name)} for name in ("wang", "zhao")]
    found = wechat.request("post", "user/info/batchget", data={"user_list": users})["user_info_list"]
    assert [row["subscribe"] for row in found] == [1, 0] and "nickname" not in found[0]
    too_many = {"user_list": users * BATCH}
    assert refused(wechat.request, "post", "user/info/batchget", data=too_many) == 40032


# --- quotas, menu, articles ---------------------------------------------------------------------------
def test_quotas_are_counted_and_cleared(channel, wechat):
    ask = {"cgi_path": "/cgi-bin/message/custom/send"}
    refused(custom, wechat, "nobody")
    quota = wechat.request("post", "openapi/quota/get", data=ask)["quota"]
    assert quota == {"daily_limit": 500_000, "used": 1, "remain": 499_999}
    sns = {"cgi_path": "/sns/userinfo"}
    assert refused(wechat.request, "post", "openapi/quota/get", data=sns) == 76022
    wechat.request("post", "clear_quota", data={"appid": APP_ID})
    assert wechat.request("post", "openapi/quota/get", data=ask)["quota"]["used"] == 0


def test_the_menu_keeps_to_its_limits(channel, wechat, sandbox):
    view = {"type": "view", "name": "答题", "url": "https://survey.example/s/"}
    assert refused(wechat.request, "get", "menu/get") == 46003
    assert refused(wechat.request, "post", "menu/create", data={"button": [view] * 4}) == 40016
    wechat.request(
        "post", "menu/create", data={"button": [view, {"type": "click", "name": "帮助", "key": "k"}]}
    )
    assert [button["name"] for button in menu_of(sandbox.store, APP_ID)] == ["答题", "帮助"]
    assert wechat.request("get", "menu/get")["menu"]["button"][0]["url"] == view["url"]
    wechat.request("get", "menu/delete")
    assert refused(wechat.request, "get", "menu/get") == 46003


def png():
    """One white pixel."""
    chunk = lambda kind, data: (  # noqa: E731
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    )
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\xff")) + chunk(b"IEND", b"")


def test_an_article_goes_from_picture_to_page(channel, wechat, sandbox, team):
    cover = wechat.call(
        "add",
        lambda client: client.post(
            "material/add_material", params={"type": "image"}, files={"media": ("c.png", png())}
        ),
    )
    article = {"title": "有一项调查", "content": "<p>信是这个样子</p>", "thumb_media_id": cover["media_id"]}
    wrong = {**article, "thumb_media_id": "none"}
    assert refused(wechat.request, "post", "draft/add", data={"articles": [wrong]}) == 40007
    draft = wechat.request("post", "draft/add", data={"articles": [article]})["media_id"]
    assert wechat.request("get", "draft/count")["total_count"] == 1
    taken = wechat.request("post", "freepublish/submit", data={"media_id": draft})
    state = wechat.request("post", "freepublish/get", data={"publish_id": taken["publish_id"]})
    assert state["publish_status"] == 0
    url = state["article_detail"]["item"][0]["article_url"]
    assert "信是这个样子" in requests.get(url, timeout=5).text
    settled(channel)
    assert "<PublishEventInfo>" in team.opened()


def test_every_offer_of_the_fault_panel_is_a_fault_that_the_sandbox_knows():
    for _words, rows in OFFERS.values():
        assert rows and all(kind in faults.KINDS for _path, kind, _value, _times in rows)


def test_a_scene_code_lands_in_the_chat_and_says_its_scene(channel, wechat, sandbox, team):
    asked = {
        "action_name": "QR_STR_SCENE",
        "action_info": {"scene": {"scene_str": "gate"}},
        "expire_seconds": 60,
    }
    url = wechat.request("post", "qrcode/create", data=asked)["url"]
    jar = {"minyi_sandbox_resident": "wang"}
    scan = lambda: requests.post(  # noqa: E731
        f"{sandbox.url}/phone/scan", data={"scanned": url}, cookies=jar, allow_redirects=False, timeout=10
    )
    assert "chat=" in scan().headers["Location"]
    scan()
    settled(channel, 2)
    assert "<![CDATA[qrscene_gate]]>" in team.opened(0) and "<![CDATA[SCAN]]>" in team.opened(1)
    assert "<![CDATA[gate]]>" in team.opened(1) and "<Ticket>" in team.opened(1)


def test_the_phone_pages_show_chat_office_and_faults(channel, sandbox):
    channel.follow(APP_ID, "wang")
    channel.say(APP_ID, "wang", "<script>")
    jar = {"minyi_sandbox_resident": "wang"}
    pages = {
        path: requests.get(sandbox.url + path, cookies=jar, timeout=10).text
        for path in (f"/?chat={APP_ID}", "/mp", f"/mp/{APP_ID}", "/faults")
    }
    assert "&lt;script&gt;" in pages[f"/?chat={APP_ID}"] and "<script>" not in pages[f"/?chat={APP_ID}"]
    assert SECRET in pages[f"/mp/{APP_ID}"] and "subscribe" in pages["/faults"]
    stranger = requests.post(
        f"{sandbox.url}/faults/clear", headers={"Origin": "http://evil.example"}, timeout=5
    )
    assert stranger.status_code == 403
