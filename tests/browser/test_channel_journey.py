"""From an empty account to a settled funnel: a newcomer sets up the channel with the page alone, in a real
browser, with the sandbox in Tencent's place; residents scan, answer, and get exactly what is planned.
"""

import copy
import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.contacts.models import Contact
from survey.contacts.services import current_plan, prepare_letters
from survey.responses.models import Response
from survey.sampling.models import Case
from survey.studies.models import Round
from survey.wechat import inbox, sending
from survey.wechat.models import OutboundMessage, Poster, ReceivedPush, SendBudget, WeChatAccount, WeChatUser
from survey.wechat.planning import store_plan
from survey.wechat.posters import make_posters
from survey.wechat.publishing import make_scene_code
from survey.wechat.sandbox.app import Sandbox
from survey.wechat.sandbox.fault_panel import OFFERS
from survey.wechat.sandbox.handset import COOKIE
from survey.wechat.sandbox.phone import Phone, SandboxControl
from survey.wechat.sandbox.pushing import Pusher
from survey.wechat.sandbox.server import SandboxServer
from survey.wechat.sandbox.store import Store
from survey.wechat.sandbox.webview import WebViews
from survey.wechat.setup import begin_account, callback_address, server_secrets
from tests import factories
from tests.residents import ANSWERS, make_open_round
from tests.survey.wechat.test_sandbox_channel import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
REMINDER = "您家的问卷还没有交"
PEOPLE = {"wang": "王秀英", "zhao": "赵强", "sun": "孙丽", "qian": "钱大伟", "li": "李静", "zhou": "周建国"}


@dataclass
class Tencent:
    """The sandbox, its own API, and what it has stored."""

    url: str
    control: SandboxControl
    store: Store


@pytest.fixture
def tencent(transactional_db, live_server, settings, tmp_path):
    """An empty sandbox in Tencent's place: no account, four people."""
    settings.MEDIA_ROOT = tmp_path / "media"
    store = Store(":memory:")
    views = WebViews(store, "127.0.0.1", range(0))
    server = SandboxServer("127.0.0.1", 0, Sandbox(store, views))
    server.start_in_background()
    pusher = Pusher(store, threads=2, try_seconds=5)
    control = SandboxControl(f"http://127.0.0.1:{server.port}")
    control.add_residents(PEOPLE)
    settings.WECHAT_API_BASE = settings.WECHAT_OPEN_BASE = control.url
    settings.WECHAT_JS_URL = "/sandbox/static/jweixin.js"
    settings.PUBLIC_URL = live_server.url
    policy = copy.deepcopy(settings.CONTENT_SECURITY_POLICY)
    policy["DIRECTIVES"]["form-action"].append(control.url)
    settings.CONTENT_SECURITY_POLICY = policy
    yield Tencent(control.url, control, store)
    pusher.close()
    server.shutdown()
    server.server_close()
    views.close()
    store.close()


@pytest.fixture
def round_(tencent):
    """An open round, its lead, nobody written to yet."""
    regions = factories.make_regions()
    factories.make_user("li", "study_lead", regions["370100000000"], display_name="李敏")
    return make_open_round(regions["370105000000"])


def log_in(walker):
    page = walker.page
    page.goto("/console/")
    page.get_by_label("用户名").fill("li")
    page.get_by_label("密码").fill("li-password")
    page.get_by_role("button", name="登录").click()


def value_of(page, name):
    """What a page shows to be copied, folded away or not."""
    return page.locator(f'[data-value="{name}"]').first.text_content().strip()


def check(page, step):
    """Press a step's button; what WeChat says."""
    page.locator(f"#{step}").get_by_role("button", name=re.compile("检查")).click()
    return page.locator(f"#{step}")


# --- the set-up ---------------------------------------------------------------------------------------
def register(office, tencent):
    """What the newcomer has at Tencent: a service account that nobody has set up."""
    office.goto(f"{tencent.url}/mp")
    office.get_by_label("账号名称").fill("济南民意")
    office.get_by_role("button", name="注册").click()
    return value_of(office, "app-id"), value_of(office, "secret")


def set_up(walker, office, tencent):
    """Every step of the page, each with its refusal first where there is one."""
    page = walker.page
    app_id, secret = register(office, tencent)
    page.goto("/console/wechat/")
    walker.look("01-no-account")
    page.get_by_label("公众号名称").fill("济南民意")
    page.get_by_label("开发者ID（AppID）").fill(app_id)
    page.get_by_label("开发者密码（AppSecret）").fill(secret)
    page.locator('input[name="studies"]').first.check()
    page.get_by_role("button", name="登记，下一步").click()
    walker.look("02-nothing-checked")

    expect(check(page, "token")).to_contain_text("AppID 和 AppSecret 对")
    refused = check(page, "white_list")
    expect(refused).to_contain_text("没通过")
    expect(refused).to_contain_text("127.0.0.1")
    walker.look("03-not-in-the-white-list")
    office.get_by_label("每行一个地址").fill("127.0.0.1")
    office.get_by_role("button", name="保存白名单").click()
    expect(check(page, "white_list")).to_contain_text("微信认得本机的地址")

    expect(check(page, "address")).to_contain_text("微信还没有来核对过这个地址")
    office.get_by_label("服务器地址(URL)").fill(value_of(page, "url"))
    office.get_by_label("令牌(Token)").fill(value_of(page, "token"))
    office.get_by_label("消息加解密密钥(EncodingAESKey)").fill(value_of(page, "key"))
    office.get_by_role("button", name="提交").click()
    expect(office.get_by_text("提交成功，已启用")).to_be_visible()
    expect(check(page, "address")).to_contain_text("微信来核对过这个地址")

    page.get_by_label("文件名").fill(value_of(office, "check-file"))
    page.get_by_label("文件里的内容").fill(value_of(office, "check-content"))
    page.get_by_role("button", name="放到网站上").click()
    for label in ("业务域名", "JS接口安全域名", "网页授权域名"):
        office.get_by_label(re.compile(label)).fill(value_of(page, "host"))
    office.get_by_role("button", name="保存域名").click()
    expect(office.get_by_text("域名：保存成功")).to_be_visible()
    expect(check(page, "domains")).to_contain_text("还没有手机走通过")

    for kind in ("模板消息", "订阅通知"):
        office.get_by_role("button", name=re.compile(kind)).click()
    expect(check(page, "templates")).to_contain_text("选用了 2 个模板")
    _publish_menu(walker)
    expect(check(page, "menu")).to_contain_text("答题")
    walker.look("05-set-up")
    return app_id


def _publish_menu(walker):
    page = walker.page
    page.get_by_role("link", name="菜单、二维码和文章").click()
    page.locator("#name0").fill("答题")
    page.locator("#target0").fill(f"{page.url.split('/console')[0]}/s/")
    page.locator("#name1").fill("怎么答")
    page.locator("#type1").select_option("click")
    page.locator("#target1").fill("typed_code")
    page.get_by_role("button", name="交给微信").click()
    expect(page.get_by_text("微信收下了菜单")).to_be_visible()
    walker.look("04-published")
    page.get_by_role("link", name="济南民意").first.click()


# --- residents ----------------------------------------------------------------------------------------
class Resident:
    """One person's WeChat, from the scan to the answer."""

    def __init__(self, site, tencent, name):
        self.phone = Phone(tencent.url, name)
        self.site = site

    def scan(self, address):
        """The printed code, its button, the log-in, the welcome."""
        assert self.phone.open(address).status_code == 200
        welcome = self.phone.post(address, data={"lang": "zh-hans"})
        assert welcome.status_code == 200 and "form_token" in welcome.text, welcome.text[:300]
        self.home = self.site + re.match(r"(/r/[0-9a-f-]{36}/)", urlsplit(welcome.url).path)[1]
        self.token = re.search(r'name="form_token" value="([0-9a-f]+)"', welcome.text)[1]
        return self

    def tap(self, page, **fields):
        answer = self.phone.post(self.home + page, data={"form_token": self.token, **fields})
        assert answer.status_code == 200, answer.text[:300]
        return answer

    def answer(self):
        """Agree, say who answers, hand in."""
        form = self.tap("consent")
        if "minyi-form" not in form.text:
            form = self.tap("who", n=1, step="who", who="me")
        body = {
            "id": re.search(r"/r/([0-9a-f-]{36})/", self.home)[1],
            "document": re.search(r'data-document-hash="([0-9a-f]+)"', form.text)[1],
            "language": "zh-hans",
            "answers": ANSWERS,
        }
        headers = {"X-CSRFToken": self.token, "Accept": "application/json"}
        taken = self.phone.session.post(self.home + "submit", json=body, headers=headers, timeout=30)
        assert taken.status_code == 201, taken.text
        return taken


def work_off():
    """What the workers would do now: received pushes, then messages that are due."""
    while inbox.handle_pending():
        pass
    while sending.send_due() > 0:
        pass
    while inbox.handle_pending():
        pass


def all_settled(tencent, app_id):
    wait_for(
        lambda: all(p["state"] not in ("waiting", "sending") for p in tencent.control.pushes(app_id)), 40
    )


def days_pass(days):
    """Move the past back: letters, windows and messages are `days` older."""
    for model, columns in (
        (Contact, ("at",)),
        (OutboundMessage, ("planned_at", "due_at", "first_called_at", "called_at", "settled_at")),
    ):
        for row in model.objects.all():
            for name in columns:
                if getattr(row, name):
                    setattr(row, name, getattr(row, name) - timedelta(days=days))
            row.save()


def stay_awake(round_):
    """No quiet hours in this round, whenever the test runs."""
    plan = current_plan(round_)
    plan.quiet_from = plan.quiet_to
    plan.save()


def reminders_to(tencent, app_id, name):
    """What the account sent of its own accord; its answers in the chat do not count."""
    said = [m["content"].get("Content", "") for m in tencent.control.chat(app_id, name) if m["from_account"]]
    return [text for text in said if REMINDER in text]


def print_sheet(round_):
    """The codes of every household on one sheet, as the job prints them; case number → address path."""
    issued = []
    batch = prepare_letters(
        round=round_, acting_user=SYSTEM, as_sheet=True, deliver=lambda part: issued.extend(part)
    )
    return batch, {case.number: f"/s/{qr}" for case, qr, _typed in issued}


def test_a_newcomer_sets_up_the_channel_and_each_resident_gets_what_is_planned(
    walk, tencent, round_, live_server
):
    walker = walk("channel-1280", width=1280)
    log_in(walker)
    office = walker.context.new_page()
    app_id = set_up(walker, office, tencent)

    batch, letters = print_sheet(round_)
    assert batch.n_letters == len(letters) == round_.cases.count()
    walker.page.goto(f"/console/rounds/{round_.pk}/letters/")
    expect(walker.page.get_by_role("link", name="下载 PDF").first).to_be_visible()
    walker.look("06-sheet-printed")

    first, second, third = sorted(letters)[:3]
    # One follows, writes and answers; one follows, writes and does not; one is no follower and does not.
    for name in ("wang", "zhao"):
        tencent.control.follow(app_id, name)
        tencent.control.say(app_id, name, "收到信了")
    site = live_server.url
    Resident(site, tencent, "wang").scan(site + letters[first]).answer()
    Resident(site, tencent, "zhao").scan(site + letters[second])
    Resident(site, tencent, "sun").scan(site + letters[third])
    all_settled(tencent, app_id)
    work_off()
    assert WeChatUser.objects.filter(is_follower=True).count() == 2

    stay_awake(round_)
    days_pass(7)
    summary = store_plan(round=round_, acting_user=SYSTEM)
    assert summary.due["reminder", "wechat", "custom"] == 1, summary
    assert summary.reasons["answered"] == 1
    store_plan(round=round_, acting_user=SYSTEM)
    work_off()
    assert len(reminders_to(tencent, app_id, "zhao")) == 1 and not reminders_to(tencent, app_id, "wang")
    assert not reminders_to(tencent, app_id, "sun"), "no follower: a letter, not a message"
    message = OutboundMessage.objects.get()
    assert (message.case.number, message.step, message.state) == (second, "reminder", "sent")

    days_pass(7)
    late = store_plan(round=round_, acting_user=SYSTEM)
    assert late.due["door", "door", ""] == len(letters) - 1 and late.n_stored == 0
    work_off()
    assert OutboundMessage.objects.count() == 1

    _look_at_the_board(walker, round_)
    expect(check_domains(walker)).to_contain_text("有手机从微信的网页授权回来过")


def check_domains(walker):
    walker.page.goto(f"/console/wechat/{WeChatAccount.objects.get().pk}/")
    return check(walker.page, "domains")


def _look_at_the_board(walker, round_):
    page = walker.page
    page.goto(f"/console/rounds/{round_.pk}/contact-plan/?dry=1")
    expect(page.get_by_role("term").filter(has_text="已经答完")).to_be_visible()
    walker.look("07-dry-run")
    page.goto(f"/console/rounds/{round_.pk}/delivery/")
    row = page.locator('tr[data-stage="completed"]')
    expect(row).to_contain_text("1")
    expect(page.locator('tr[data-stage="opened"]')).to_contain_text("3")
    walker.look("08-delivery")
    page.goto(f"/console/rounds/{round_.pk}/posters/")
    walker.look("09-posters-empty")


# --- the worst day ------------------------------------------------------------------------------------
def account_at_work(tencent, round_, site):
    """The channel as the page leaves it, set up in one go."""
    app_id, secret = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef"
    tencent.control.save_account(app_id, secret, "济南民意", oauth_domains=[urlsplit(site).netloc])
    account = begin_account(
        name="济南民意", app_id=app_id, app_secret=secret, studies=[round_.study], acting_user=SYSTEM
    )
    token, key = server_secrets(account, acting_user=SYSTEM)
    tencent.control.set_server(app_id, callback_address(account), token, key)
    return app_id


def test_the_fault_panel_at_its_worst_loses_and_doubles_nothing(tencent, round_, live_server):
    site = live_server.url
    app_id = account_at_work(tencent, round_, site)
    _batch, letters = print_sheet(round_)
    numbers = dict(zip(PEOPLE, sorted(letters), strict=False))
    for name, number in numbers.items():
        tencent.control.follow(app_id, name)
        Resident(site, tencent, name).scan(site + letters[number])
    all_settled(tencent, app_id)
    work_off()

    for path, kind, value, times in OFFERS["worst"][1]:
        tencent.control.add_fault(path, kind, value, times)
    for name in PEOPLE:
        tencent.control.say(app_id, name, "怎么答？")
    all_settled(tencent, app_id)
    work_off()
    assert ReceivedPush.objects.filter(kind="text").count() == len(PEOPLE), "each arrived twice, is kept once"
    assert not ReceivedPush.objects.exclude(state="handled").exists()

    stay_awake(round_)
    days_pass(7)
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == len(PEOPLE)
    for _attempt in range(8):
        work_off()
        SendBudget.objects.update(rests_until=None)
        OutboundMessage.objects.filter(state="planned").update(due_at=now() - timedelta(seconds=1))
        lost = OutboundMessage.objects.filter(state="sending")
        lost.update(called_at=now() - timedelta(minutes=5), first_called_at=now() - timedelta(minutes=15))
    tencent.control.clear_faults()
    work_off()
    got = {name: len(reminders_to(tencent, app_id, name)) for name in PEOPLE}
    states = {
        name: OutboundMessage.objects.get(case__number=number).state for name, number in numbers.items()
    }
    assert max(got.values()) == 1, "nobody gets a message twice"
    assert set(states.values()) == {"sent", "unknown"}, "whatever is not known to be sent says so"
    assert all(got[name] == 1 for name in PEOPLE if states[name] == "sent")
    unknown = [name for name in PEOPLE if states[name] == "unknown"]
    # Two answers were lost (sent), two calls were refused as busy (not sent): nobody can tell them apart.
    assert len(unknown) == 4 and sum(got[name] for name in unknown) == 2
    assert Response.objects.count() == 0 and Case.objects.filter(status="opened").count() == len(PEOPLE)


# --- a poster, seen on the phone ----------------------------------------------------------------------
def phone_of(walk, tencent, name, journey):
    """The sandbox's page as this resident holds it."""
    walker = walk(journey, width=390)
    walker.context.add_cookies([{"name": COOKIE, "value": name, "url": tencent.url}])
    return walker


def test_a_scan_lands_in_the_chat_and_its_card_opens_the_poster(walk, tencent, round_, live_server):
    site = live_server.url
    app_id = account_at_work(tencent, round_, site)
    host = urlsplit(site).netloc
    account = WeChatAccount.objects.get()
    token, key = server_secrets(account, acting_user=SYSTEM)
    tencent.control.set_server(app_id, callback_address(account), token, key, js_domains=[host])
    place = round_.cases.order_by("number").first().community
    poster = make_posters(round=round_, regions=[place], label="北门公告栏", acting_user=SYSTEM)[0]
    code = make_scene_code(
        account=account,
        scene="gate",
        name="北门",
        card_title="说说您对小区的看法",
        card_text="约 8 分钟，随时可停",
        poster=poster,
        is_permanent=False,
        acting_user=SYSTEM,
    )
    walker = phone_of(walk, tencent, "wang", "phone-390")
    page = walker.page
    page.goto(tencent.url)
    page.get_by_label("信上的链接或 12 位码").fill(code.url)
    page.get_by_role("button", name="打开").click()
    expect(page.get_by_text("说说您对小区的看法")).to_be_visible()
    walker.look("01-chat", check=False)
    page.locator('li[data-kind="news"]').get_by_role("button", name="打开").click()
    view = page.frame_locator("iframe.view")
    expect(view.get_by_text("北门公告栏")).to_be_visible()
    expect(view.locator("html")).to_have_attribute("data-wx-config", "config:ok")
    expect(view.locator("[data-share]")).to_be_visible()
    card = view.locator("html").get_attribute("data-wx-share")
    assert f"{site}/p/{poster.code}" in card
    walker.look("02-poster", check=False)
    view.get_by_role("button", name="打开看看").click()
    expect(view.get_by_role("button", name="我愿意，开始答题")).to_be_visible()
    expect(view.get_by_text("海报贴在")).to_be_visible()
    walker.look("03-welcome", check=False)
    page.goto(f"{tencent.url}/faults")
    walker.look("04-faults")
    page.goto(f"{tencent.url}/mp/{app_id}")
    walker.look("05-back-office")


def test_the_teams_pages_fit_a_phone(walk, tencent, round_, live_server):
    account_at_work(tencent, round_, live_server.url)
    place = round_.cases.order_by("number").first().community
    make_posters(round=round_, regions=[place], label="北门公告栏", acting_user=SYSTEM)
    walker = walk("channel-390", width=390)
    log_in(walker)
    account = WeChatAccount.objects.get()
    for name, path in (
        ("01-accounts", "/console/wechat/"),
        ("02-set-up", f"/console/wechat/{account.pk}/"),
        ("03-publish", f"/console/wechat/{account.pk}/publish/"),
        ("04-posters", f"/console/rounds/{round_.pk}/posters/"),
        ("05-delivery", f"/console/rounds/{round_.pk}/delivery/"),
        ("06-plan", f"/console/rounds/{round_.pk}/contact-plan/?dry=1"),
        ("07-letters", f"/console/rounds/{round_.pk}/letters/"),
    ):
        walker.page.goto(path)
        walker.look(name)
    walker.page.goto(f"/p/{Poster.objects.get().code}")
    walker.look("08-poster-outside-wechat")
    Round.objects.update(state="draft")
    walker.page.goto(f"/console/rounds/{round_.pk}/contact-plan/")
    walker.look("09-plan-form")
    walker.page.get_by_role("button", name="存成新的一版").click()
    expect(walker.page.get_by_text("联系计划存好了")).to_be_visible()
