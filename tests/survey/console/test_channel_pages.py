"""The channel's pages in the console: what their forms do, and what they do with nonsense."""

import json

import pytest
from django.test import Client

from survey.audit.models import AuditEntry
from survey.common.clock import now
from survey.common.crypto import encrypt
from survey.contacts.models import ContactPlan
from survey.contacts.plan import DEFAULT_STEPS
from survey.jobs.models import Job
from survey.studies.models import Round
from survey.wechat import inbox
from survey.wechat.models import (
    DomainFile,
    KeywordReply,
    MassSend,
    OutboundMessage,
    Poster,
    ReceivedPush,
    WeChatAccount,
)
from survey.wechat.receiving import CONTENT_PURPOSE
from survey.wechat.setup import begin_account
from tests import factories
from tests.residents import make_open_round
from tests.survey.wechat.conftest import APP_ID, SECRET

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def round_(regions):
    return make_open_round(regions["370105000000"])


@pytest.fixture
def client(lead):
    client = Client()
    client.force_login(lead, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def account(round_, lead):
    return begin_account(
        name="济南民意", app_id=APP_ID, app_secret=SECRET, studies=[round_.study], acting_user=lead
    )


@pytest.fixture
def community(round_):
    return round_.cases.order_by("number").first().community


def said(client, path, data):
    """What the page says after a form."""
    return client.post(path, data, follow=True).content.decode()


# --- posters ------------------------------------------------------------------------------------------
def test_posters_are_made_printed_and_taken_down(client, round_, community):
    path = f"/console/rounds/{round_.pk}/posters/"
    assert "还没有海报" in client.get(path).content.decode()
    assert client.get(f"{path}8.pdf").status_code == 302, "nothing to print yet"
    assert "做好了 1 张海报" in said(client, path, {"do": "make", "region": community.code, "label": "北门"})
    poster = Poster.objects.get()
    sheet = client.get(f"{path}8.pdf")
    assert sheet["Content-Type"] == "application/pdf" and sheet.content.startswith(b"%PDF")
    assert client.get(f"{path}3.pdf").status_code == 404
    assert "不再能用" in said(client, path, {"do": "close", "poster": poster.pk})
    poster.refresh_from_db()
    assert poster.closed_at is not None


def test_a_place_outside_the_study_gets_no_poster(client, round_, regions):
    path = f"/console/rounds/{round_.pk}/posters/"
    outside = next(c for c, r in regions.items() if r.level == "community" and not c.startswith("370105"))
    assert "请选 1 到" in said(client, path, {"do": "make", "region": outside})
    assert "请选 1 到" in said(client, path, {"do": "make"})
    assert not Poster.objects.exists()


def test_places_are_found_by_name_and_code(client, round_, community):
    path = f"/console/rounds/{round_.pk}/posters/"
    for search in (community.name[:3], community.code[:9]):
        assert community.name in client.get(path, {"q": search}).content.decode()
    assert "没有找到" in client.get(path, {"q": "不存在的地方"}).content.decode()


def test_a_sheet_is_prepared_where_letters_are(client, round_):
    client.post(f"/console/rounds/{round_.pk}/letters/prepare/", {"do": "letter", "as_sheet": "1"})
    assert Job.objects.get().params["as_sheet"] is True


# --- accounts -----------------------------------------------------------------------------------------
def test_an_account_is_registered_once_and_its_secret_is_never_shown(client, round_):
    given = {"name": "济南民意", "app_id": APP_ID, "app_secret": SECRET, "studies": round_.study_id}
    page = said(client, "/console/wechat/", given)
    assert "一步一步来" in page and SECRET not in page
    account = WeChatAccount.objects.get()
    assert list(account.studies.all()) == [round_.study]
    again = client.post("/console/wechat/", given)
    assert again.status_code == 400 and "已经登记过" in again.content.decode()
    assert SECRET not in again.content.decode() and APP_ID in again.content.decode(), "what was typed stays"
    wrong = client.post("/console/wechat/", {**given, "app_id": "nonsense"})
    assert wrong.status_code == 400 and "以 wx 开头" in wrong.content.decode()


def test_the_form_changes_the_account_and_keeps_a_secret_that_is_left_empty(client, account, round_):
    before = bytes(account.app_secret_cipher)
    said(client, f"/console/wechat/{account.pk}/", {"do": "account", "name": "新的名字", "app_secret": ""})
    account.refresh_from_db()
    assert account.name == "新的名字" and bytes(account.app_secret_cipher) == before
    assert not account.studies.exists(), "no study was ticked"


def test_the_check_file_is_kept_and_a_wrong_one_refused(client, account):
    path = f"/console/wechat/{account.pk}/"
    good = {"do": "file", "file_name": "MP_verify_Ab3dEf6hIj9kLm2n.txt", "content": "Ab3dEf6hIj9kLm2n"}
    assert "文件放好了" in said(client, path, good)
    assert "文件名要像" in said(client, path, {**good, "file_name": "robots.txt"})
    assert DomainFile.objects.count() == 1


def test_keywords_are_written_and_removed(client, account):
    path = f"/console/wechat/{account.pk}/publish/"
    said(client, path, {"do": "keyword", "keyword": "码在哪", "match": "part", "text": "信的中间"})
    assert "码在哪" in client.get(path).content.decode()
    said(client, path, {"do": "remove_keyword", "rule": KeywordReply.objects.get().pk})
    assert not KeywordReply.objects.exists()


@pytest.mark.parametrize("key", ["", "abc", "-1", "99999999999999999999", "٣"])
def test_nonsense_in_a_key_is_not_found_and_never_a_fault(client, account, round_, key):
    publish, own = f"/console/wechat/{account.pk}/publish/", f"/console/wechat/{account.pk}/"
    assert client.post(publish, {"do": "remove_keyword", "rule": key}).status_code in (302, 404)
    assert client.post(publish, {"do": "draft", "article": key}).status_code in (302, 404)
    assert client.post(own, {"do": "alarm", "alarm": key}).status_code in (302, 404)
    assert client.post(own, {"do": key}).status_code == 404
    posters = f"/console/rounds/{round_.pk}/posters/"
    assert client.post(posters, {"do": "close", "poster": key}).status_code in (302, 404)
    assert client.post(f"{own}check/", {"step": key or "x"}).status_code == 400


def test_what_wechat_refuses_is_said_and_nothing_is_kept(client, account, settings):
    settings.WECHAT_API_BASE = "http://127.0.0.1:9"  # nobody listens
    menu = {"do": "menu", "name0": "答题", "type0": "view", "target0": "https://survey.example/s/"}
    page = said(client, f"/console/wechat/{account.pk}/publish/", menu)
    assert "微信没有答应" in page and "连不上微信服务器" in page


def test_another_leads_account_is_not_found(round_, account, regions):
    other = factories.make_user("sun", "study_lead", regions["370104000000"])
    client = Client()
    client.force_login(other, backend="django.contrib.auth.backends.ModelBackend")
    for path in (f"/console/wechat/{account.pk}/", f"/console/rounds/{round_.pk}/posters/"):
        assert client.get(path).status_code == 404


# --- what could not be worked on ------------------------------------------------------------------------
@pytest.fixture
def failing():
    """Work on one kind of event that fails."""

    @inbox.on_push("event:test_failing")
    def handler(account, fields, push):
        raise RuntimeError("not today")

    yield handler
    inbox._HANDLERS.pop("event:test_failing", None)


def push_of(account, kind, **values):
    at = now()
    fields = {"ToUserName": "gh", "FromUserName": "o-wang", "MsgType": "event", "Detail": "secret words"}
    return ReceivedPush.objects.create(
        account=account,
        dedupe_key=kind,
        kind=kind,
        content_cipher=encrypt(json.dumps(fields), CONTENT_PURPOSE),
        sent_at=at,
        received_at=at,
        next_try_at=at,
        **values,
    )


def test_pushes_that_failed_are_listed_and_worked_on_again(client, account, failing):
    path = f"/console/wechat/{account.pk}/events/"
    assert "都处理好了" in client.get(path).content.decode()
    push = push_of(account, "event:test_failing", state="failed", attempts=6, last_error="RuntimeError")
    page = client.get(path).content.decode()
    assert "试了 6 次没有成" in page and "RuntimeError" in page and "带着：Detail" in page
    assert "secret words" not in page and "o-wang" not in page
    assert "几秒钟以后会再处理一次" in said(client, path, {"push": push.pk})
    assert AuditEntry.objects.filter(action="wechat.push.again").count() == 1
    push.refresh_from_db()
    assert push.state == "pending" and "排着再处理" in client.get(path).content.decode()
    assert "不用再处理" in said(client, path, {"push": push.pk})


def test_a_kind_that_nobody_knows_is_shown_without_a_button(client, account):
    push_of(account, "event:new_in_2027", state="unknown")
    page = client.get(f"/console/wechat/{account.pk}/events/").content.decode()
    assert "没见过的一种" in page and "event:new_in_2027" in page and "再处理一次</button>" not in page
    own = client.get(f"/console/wechat/{account.pk}/").content.decode()
    assert "没处理成的推送" in own and f"/console/wechat/{account.pk}/events/" in own


@pytest.mark.parametrize("key", ["", "abc", "-1", "99999999999999999999"])
def test_no_such_push_is_not_found(client, account, key):
    assert client.post(f"/console/wechat/{account.pk}/events/", {"push": key}).status_code == 404


def test_another_leads_pushes_are_not_found(account, regions):
    other = factories.make_user("sun", "study_lead", regions["370104000000"])
    client = Client()
    client.force_login(other, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/console/wechat/{account.pk}/events/").status_code == 404


# --- plan and board -----------------------------------------------------------------------------------
def steps_form(steps):
    data = {"do": "save", "quiet_from": "22:00", "quiet_to": "08:00"}
    for place, step in enumerate(steps):
        data |= {f"step{place}": step["step"], f"day{place}": step["day"]}
        for part, mode in zip(("first", "second"), step["modes"], strict=False):
            data[f"{part}{place}"] = mode
        if "wechat" in step["modes"]:
            data[f"custom{place}"] = "1"
    return data


def test_the_plan_is_edited_before_the_field_and_only_paused_in_it(client, round_):
    path = f"/console/rounds/{round_.pk}/contact-plan/"
    locked = client.post(path, steps_form(DEFAULT_STEPS))
    assert "已经锁定" in locked.content.decode()
    assert "暂停" in said(client, path, {"do": "pause"})
    assert ContactPlan.objects.get().paused_at is not None
    said(client, path, {"do": "resume"})
    Round.objects.update(state="draft")
    moved = [DEFAULT_STEPS[0], {**DEFAULT_STEPS[1], "day": 9}]
    assert "联系计划存好了" in said(client, path, steps_form(moved))
    plan = ContactPlan.objects.order_by("-number").first()
    assert [step["day"] for step in plan.steps] == [0, 9] and plan.quiet_from.hour == 22


def test_a_plan_that_cannot_stand_keeps_what_was_typed(client, round_):
    Round.objects.update(state="draft")
    wrong = [DEFAULT_STEPS[0], {"step": "reminder", "day": "soon", "modes": ["letter"]}]
    page = client.post(f"/console/rounds/{round_.pk}/contact-plan/", steps_form(wrong))
    assert page.status_code == 400 and "第 2 步" in page.content.decode() and "soon" in page.content.decode()


def test_the_dry_run_says_who_and_why_and_sends_nothing(client, round_):
    page = client.get(f"/console/rounds/{round_.pk}/contact-plan/", {"dry": "1"}).content.decode()
    n = round_.cases.count()
    assert f"{n} 户里，现在有 {n} 户该联系" in page and "第一封信" in page
    assert not OutboundMessage.objects.exists()


def test_an_empty_board_says_what_comes_first(client, round_):
    page = client.get(f"/console/rounds/{round_.pk}/delivery/").content.decode()
    assert "还没有服务号" in page and "还没有人打开" in page


def test_the_board_says_in_words_why_and_what_became_of_a_mass_message(client, account, round_):
    at = now()
    list_ = MassSend.objects.create(
        account=account, round=round_, step="reminder", client_msg_id="l", n_listed=120, called_at=at
    )
    for number, (state, reason) in enumerate(
        [("unknown", "no_answer"), ("failed", "refused_43004"), ("failed", "busy"), ("stopped", "odd status")]
    ):
        OutboundMessage.objects.create(
            account=account,
            round=round_,
            step="reminder",
            channel="custom",
            state=state,
            reason=reason,
            client_msg_id=str(number),
            planned_at=at,
            due_at=at,
        )
    path = f"/console/rounds/{round_.pk}/delivery/"
    page = client.get(path).content.decode()
    for words in ("没有等到读得懂的回音", "这个人没有关注公众号", "一直说系统繁忙", "微信报告：odd status"):
        assert words in page
    assert "no_answer" not in page and "微信还没报告" in page
    MassSend.objects.filter(pk=list_.pk).update(n_sent=117, n_total=120, n_errors=3, reported_at=at)
    page = client.get(path).content.decode()
    assert "微信还没报告" not in page and ">117<" in page and ">3<" in page
