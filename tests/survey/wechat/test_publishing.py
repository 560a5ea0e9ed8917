"""What the account publishes, against the sandbox; answers in the chat; the share card; set-up and board."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from django.test import Client

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.errors import Problem
from survey.contacts.models import Contact
from survey.responses.models import Response
from survey.wechat import keywords
from survey.wechat.alarms import open_alarms
from survey.wechat.board import by_community, by_hour, funnel
from survey.wechat.chat import Incoming, NewsAnswer, TextAnswer, answer_to
from survey.wechat.client import WeChatError
from survey.wechat.inbox import _HANDLERS
from survey.wechat.models import Article, KeywordReply, Menu, OutboundMessage, SceneCode, WeChatAccount
from survey.wechat.posters import close_poster, make_posters
from survey.wechat.publishing import (
    draft_article,
    make_scene_code,
    publish_article,
    publish_menu,
    refresh_article,
    remove_keyword,
    save_keyword,
    settle_article,
    write_article,
)
from survey.wechat.services import wechat_for
from survey.wechat.setup import (
    STEPS,
    begin_account,
    callback_address,
    check_all,
    check_step,
    keep_domain_file,
    server_secrets,
)
from survey.wechat.share import sign_page
from survey.wechat.signature import jssdk_signature
from tests.residents import WECHAT_AGENT, Phone, make_open_round, write_letter
from tests.survey.wechat.conftest import APP_ID, SECRET

pytestmark = [pytest.mark.django_db, pytest.mark.database]
STATIC = Path(__file__).resolve().parents[3] / "survey" / "wechat" / "static" / "wechat"


@pytest.fixture
def round_(regions):
    return make_open_round(regions["370105000000"])


@pytest.fixture
def account(round_, sandbox, settings):
    settings.WECHAT_API_BASE = settings.WECHAT_OPEN_BASE = sandbox.url
    settings.PUBLIC_URL = "http://testserver"
    sandbox.control.save_account(APP_ID, SECRET, "济南民意", oauth_domains=["testserver"])
    return begin_account(
        name="济南民意", app_id=APP_ID, app_secret=SECRET, studies=[round_.study], acting_user=SYSTEM
    )


@pytest.fixture
def poster(account, round_):
    region = round_.cases.order_by("number").first().community
    return make_posters(round=round_, regions=[region], label="北门", acting_user=SYSTEM)[0]


def scene(account, **fields):
    given = {
        "scene": "gate",
        "name": "北门",
        "card_title": "说说您的看法",
        "card_text": "约 8 分钟",
        "poster": None,
    }
    return make_scene_code(account=account, is_permanent=False, acting_user=SYSTEM, **{**given, **fields})


def told(account, kind, **fields):
    return answer_to(Incoming(account_id=account.pk, kind=kind, **fields))


# --- scene codes and the chat -------------------------------------------------------------------------
def test_a_scan_that_lands_in_the_chat_is_answered_with_the_card(account, poster):
    code = scene(account, poster=poster)
    assert code.url.startswith("http://weixin.qq.com/q/") and code.expires_at
    for kind in ("event:subscribe", "event:SCAN"):
        card = told(account, kind, key="gate")
        assert isinstance(card, NewsAnswer) and card.url == f"http://testserver/p/{poster.code}"
    assert isinstance(told(account, "event:subscribe"), TextAnswer), "a follow without a scene: a welcome"
    assert told(account, "event:SCAN", key="unknown") is None


def test_the_card_of_a_poster_that_was_taken_down_says_so(account, poster):
    scene(account, poster=poster)
    close_poster(poster=poster, acting_user=SYSTEM)
    assert "已经结束" in told(account, "event:SCAN", key="gate").text


def test_the_same_scene_again_is_a_new_ticket_and_no_second_row(account):
    first = scene(account).ticket
    assert scene(account, name="南门").ticket != first and SceneCode.objects.get().name == "南门"
    assert scene(account, scene="wall").poster is None
    for bad in ("", "北门", "x" * 65):
        with pytest.raises(Problem):
            scene(account, scene=bad)


def test_the_longest_keyword_answers_and_a_whole_match_comes_first(account):
    for keyword, match, text in (
        ("码", "part", "看信的中间"),
        ("手输码", "part", "十二位"),
        ("码", "whole", "只有一个字"),
    ):
        save_keyword(account=account, keyword=keyword, match=match, text=text, acting_user=SYSTEM)
    assert KeywordReply.objects.count() == 2, "one rule for a word"
    assert told(account, "text", text="我的手输码在哪").text == "十二位"
    assert told(account, "text", text="码").text == "只有一个字"
    assert told(account, "text", text="码在哪") is None, "the whole word is asked for now"
    assert told(account, "event:CLICK", key="手输码").text == "十二位"
    assert "/s/" in told(account, "event:CLICK", key="typed_code").text
    remove_keyword(rule=KeywordReply.objects.get(keyword="码"), acting_user=SYSTEM)
    assert told(account, "text", text="码") is None
    with pytest.raises(Problem):
        save_keyword(account=account, keyword=" ", match="part", text="x", acting_user=SYSTEM)


def test_another_accounts_keywords_stay_with_it(account):
    save_keyword(account=account, keyword="帮助", match="part", text="看信", acting_user=SYSTEM)
    other = begin_account(
        name="别的", app_id="wx99999999999999", app_secret=SECRET, studies=[], acting_user=SYSTEM
    )
    assert told(other, "text", text="帮助") is None


# --- menu ---------------------------------------------------------------------------------------------
def view(name="答题", url="https://survey.example/s/"):
    return {"type": "view", "name": name, "url": url}


def test_a_menu_is_kept_when_wechat_has_taken_it(account):
    publish_menu(account=account, buttons=[view()], acting_user=SYSTEM)
    assert wechat_for(account).request("get", "menu/get")["menu"]["button"][0]["name"] == "答题"
    assert Menu.objects.get().published_at


@pytest.mark.parametrize(
    "buttons",
    [
        [],
        [view()] * 4,
        [view(name="五个字太长了")],
        [view(name="")],
        [view(url="javascript:alert(1)")],
        [{"type": "click", "name": "帮助"}],
        [{"name": "更多", "sub_button": [view()] * 6}],
    ],
)
def test_a_menu_that_wechat_would_refuse_is_refused_before(account, buttons):
    with pytest.raises(Problem):
        publish_menu(account=account, buttons=buttons, acting_user=SYSTEM)
    assert not Menu.objects.exists()


def test_a_menu_that_wechat_refuses_is_not_kept(account, sandbox):
    sandbox.control.add_fault("/cgi-bin/menu/create", "error", 48001)
    with pytest.raises(WeChatError):
        publish_menu(account=account, buttons=[view()], acting_user=SYSTEM)
    assert not Menu.objects.exists()


# --- articles -----------------------------------------------------------------------------------------
def test_an_article_goes_from_words_to_a_page(account, sandbox):
    article = write_article(
        account=account,
        title="有一项调查",
        digest="信是这个样子",
        body="第一段 <b>\n\n第二段",
        link="",
        acting_user=SYSTEM,
    )
    with pytest.raises(Problem):
        publish_article(article=article, acting_user=SYSTEM)
    draft_article(article=article, acting_user=SYSTEM)
    with pytest.raises(Problem):
        draft_article(article=article, acting_user=SYSTEM)
    publish_article(article=article, acting_user=SYSTEM)
    assert article.state == Article.State.PUBLISHING
    refresh_article(article=article, acting_user=SYSTEM)
    assert article.state == Article.State.PUBLISHED and article.url
    kept = wechat_for(account).request("post", "freepublish/batchget", data={"offset": 0, "count": 1})
    content = kept["item"][0]["content"]["news_item"][0]["content"]
    assert content == "<p>第一段 &lt;b&gt;</p><p>第二段</p>"


def test_the_event_of_a_publishing_settles_it_once(account):
    article = write_article(account=account, title="一", digest="", body="二", link="", acting_user=SYSTEM)
    Article.objects.update(state=Article.State.PUBLISHING, publish_id="2247483650")
    # Numbers come as text in events; shape: protocol file, section 3.
    event = {
        "publish_id": "2247483650",
        "publish_status": "0",
        "article_detail": {"count": "1", "item": {"idx": "1", "article_url": "http://mp.weixin.qq.com/s/x"}},
    }
    handler = _HANDLERS["event:PUBLISHJOBFINISH"][-1]
    for _ in range(2):
        handler(account, {"PublishEventInfo": event}, None)
    article.refresh_from_db()
    assert (article.state, article.url) == ("published", "http://mp.weixin.qq.com/s/x")


def test_a_refused_publishing_says_why(account):
    article = write_article(account=account, title="一", digest="", body="二", link="", acting_user=SYSTEM)
    Article.objects.update(state=Article.State.PUBLISHING, publish_id="7")
    settle_article(account=account, event={"publish_id": 7, "publish_status": 4}, acting_user=SYSTEM)
    article.refresh_from_db()
    assert article.state == "failed" and "4" in article.why


# --- the share card -----------------------------------------------------------------------------------
def test_a_page_is_signed_with_its_whole_address_and_for_our_site_only(account):
    signed = sign_page(account=account, page="/p/abc?x=1#top")
    ticket = wechat_for(account).jsapi_ticket()
    expected = jssdk_signature(
        ticket=ticket,
        noncestr=signed["nonceStr"],
        timestamp=signed["timestamp"],
        url="http://testserver/p/abc?x=1",
    )
    assert signed["signature"] == expected
    for bad in ("//evil.example/", "https://evil.example/", "", "p/abc", "/" + "x" * 600):
        with pytest.raises(Problem):
            sign_page(account=account, page=bad)


def test_the_ticket_is_fetched_once(account, sandbox):
    for n in range(5):
        sign_page(account=account, page=f"/p/{n}")
    assert sandbox.control.calls(APP_ID)["/cgi-bin/ticket/getticket"] == 1


def test_the_sdk_is_on_a_posters_page_inside_wechat_and_nowhere_else(poster, round_):
    inside = Client(HTTP_USER_AGENT=WECHAT_AGENT).get(f"/p/{poster.code}").content.decode()
    outside = Client().get(f"/p/{poster.code}").content.decode()
    assert "share.js" in inside and "share.js" not in outside and "jweixin" not in outside
    phone = Phone()
    phone.get_ready(write_letter(round_.cases.order_by("number").first())[0])
    pages = [phone.http.get(phone.home + page).content.decode() for page in ("form", "privacy")]
    assert all("share.js" not in page and "jweixin" not in page for page in pages)


def test_the_posters_page_stays_light():
    """Its own parts beside what every resident's page has; jweixin itself comes from WeChat's cache."""
    assert len((STATIC / "share.js").read_bytes()) < 3_000 and len((STATIC / "card.png").read_bytes()) < 1_000


@pytest.mark.parametrize(
    ("agent", "apple", "expected"),
    [("iPhone MicroMessenger/8", True, "/p/first?a=1"), ("Android MicroMessenger/8", False, "/p/later")],
)
def test_ios_signs_the_first_address_and_android_the_current_one(tmp_path, agent, apple, expected):
    script = f"""
    const asked = [];
    const node = {{ dataset: {{ sign: "/p/x/jssdk", script: "s.js" }}, hidden: true }};
    const made = {{}};
    global.location = {{ pathname: "/p/first", search: "?a=1" }};
    global.window = {{ __wxjs_is_wkwebview: {json.dumps(apple)} }};
    const navigator = {{ value: {{ userAgent: {json.dumps(agent)} }}, configurable: true }};
    Object.defineProperty(global, "navigator", navigator);
    const head = {{ appendChild() {{}} }};
    global.document = {{ querySelector: () => node, createElement: () => made, head }};
    global.fetch = (url) => {{ asked.push(url); return new Promise(() => {{}}); }};
    require({json.dumps(str(STATIC / "share.js"))});
    global.location = {{ pathname: "/p/later", search: "" }};
    made.onload();
    console.log(decodeURIComponent(asked[0].split("page=")[1]));
    """
    file = tmp_path / "share_test.cjs"
    file.write_text(script, encoding="utf-8")
    done = subprocess.run(["node", str(file)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


# --- the set-up ---------------------------------------------------------------------------------------
def test_a_new_account_gets_a_token_and_a_key_that_tencent_takes(account):
    token, key = server_secrets(account, acting_user=SYSTEM)
    assert re.fullmatch(r"[A-Za-z0-9]{3,32}", token) and re.fullmatch(r"[A-Za-z0-9]{43}", key)
    assert account.message_mode == "secure" and callback_address(account).endswith(f"/wechat/{APP_ID}/")
    assert AuditEntry.objects.filter(action="wechat.account.secrets_shown").exists()
    assert token not in str(AuditEntry.objects.values())
    with pytest.raises(Problem):
        begin_account(name="又", app_id=APP_ID, app_secret=SECRET, studies=[], acting_user=SYSTEM)
    assert WeChatAccount.objects.count() == 1


def test_each_check_keeps_what_wechat_said(account, sandbox):
    checks = {check.step: check for check in check_all(account=account, acting_user=SYSTEM)}
    assert list(checks) == list(STEPS)
    states = {step: check.state for step, check in checks.items()}
    assert states == {
        "token": "good",
        "white_list": "good",
        "address": "bad",
        "domains": "bad",
        "templates": "bad",
        "menu": "bad",
    }
    sandbox.control.add_template(APP_ID, "subscribe", "进度", "项目：{{thing1.DATA}}")
    found = check_step(account=account, step="templates", acting_user=SYSTEM)
    assert found.state == "good" and found.detail["templates"][0]["title"] == "进度"


def test_a_wrong_secret_and_a_missing_address_are_told_apart(account, sandbox):
    sandbox.control.save_account(APP_ID, SECRET, "济南民意", ip_white_list=["10.0.0.9"])
    good = check_step(account=account, step="token", acting_user=SYSTEM)
    bad = check_step(account=account, step="white_list", acting_user=SYSTEM)
    assert good.state == "good" and bad.state == "bad" and "127.0.0.1" in bad.said
    assert open_alarms(account).get().code == 40164
    sandbox.control.save_account(APP_ID, SECRET, "济南民意", ip_white_list=["127.0.0.1"])
    assert check_step(account=account, step="white_list", acting_user=SYSTEM).state == "good"
    assert not open_alarms(account).exists(), "what was put right asks for nobody any more"
    sandbox.control.save_account(APP_ID, "another", "济南民意")
    refused = check_step(account=account, step="token", acting_user=SYSTEM)
    assert refused.state == "bad" and refused.detail["code"] == 40125 and SECRET not in str(refused.detail)


def test_the_check_file_is_served_as_it_is(account):
    name = "MP_verify_Ab3dEf6hIj9kLm2n.txt"
    assert Client().get(f"/{name}").status_code == 404
    keep_domain_file(account=account, name=name, content="Ab3dEf6hIj9kLm2n", acting_user=SYSTEM)
    served = Client().get(f"/{name}")
    assert served.content == b"Ab3dEf6hIj9kLm2n" and served["Content-Type"].startswith("text/plain")
    for bad in ("../../etc/passwd", "MP_verify_.txt", "index.html"):
        with pytest.raises(Problem):
            keep_domain_file(account=account, name=bad, content="x", acting_user=SYSTEM)


# --- the board ----------------------------------------------------------------------------------------
def test_the_board_counts_a_household_once_in_each_stage(account, round_, poster):
    cases = list(round_.cases.order_by("number"))
    for case in cases[:3]:
        qr = write_letter(case)[0]
        Contact.objects.create(case=case, mode="letter", at=case.round.opened_at, detail={"step": "letter"})
        phone = Phone()
        phone.scan(qr)
        if case == cases[0]:
            phone.consent()
            phone.choose()
            assert phone.submit().status_code == 201
            Phone().scan(qr)
        elif case == cases[1]:
            phone.tap("refuse")
    whole = funnel(round_)
    assert (whole.n, whole.sent, whole.opened) == (len(cases), 3, 3)
    assert (whole.consented, whole.completed, whole.refused) == (1, 1, 1)
    assert (whole.messaged, whole.delivered) == (0, 0)
    rows = by_community(round_)
    assert sum(row.n for row in rows) == whole.n and sum(row.opened for row in rows) == 3
    hours = by_hour(round_)
    assert len(hours) == 24 and sum(row["completed"] for row in hours) == 1
    assert sum(row["opened"] for row in hours) == 4, "events, not households"


def test_an_unknown_message_is_sent_and_not_delivered(account, round_):
    case = round_.cases.order_by("number").first()
    message = OutboundMessage.objects.create(
        account=account,
        round=round_,
        case=case,
        step="reminder",
        channel="custom",
        client_msg_id="a",
        state="unknown",
        planned_at=round_.opened_at,
        due_at=round_.opened_at,
        called_at=round_.opened_at,
    )
    assert (funnel(round_).messaged, funnel(round_).sent, funnel(round_).delivered) == (1, 1, 0)
    message.state = "delivered"
    message.save()
    assert funnel(round_).delivered == 1
    assert not Response.objects.exists()


def test_keyword_rules_are_read_once_in_a_few_seconds_and_a_change_shows_at_once(
    account, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(keywords, "KEEP_S", 600.0)  # however slow this machine is
    rule = save_keyword(account=account, keyword="帮助", match="part", text="看信", acting_user=SYSTEM)
    assert told(account, "text", text="要帮助").text == "看信"
    with django_assert_num_queries(0):
        assert told(account, "text", text="要帮助").text == "看信"
        assert told(account, "event:CLICK", key="帮助").text == "看信"
    save_keyword(account=account, keyword="帮助", match="part", text="打电话", acting_user=SYSTEM)
    assert told(account, "text", text="要帮助").text == "打电话"
    KeywordReply.objects.filter(pk=rule.pk).update(text="别的进程改的")
    assert told(account, "text", text="要帮助").text == "打电话"
    monkeypatch.setattr(keywords, "KEEP_S", 0.0)  # the seconds are over
    assert told(account, "text", text="要帮助").text == "别的进程改的"
    remove_keyword(rule=rule, acting_user=SYSTEM)
    assert told(account, "text", text="要帮助") is None
