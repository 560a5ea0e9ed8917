"""From an empty account to a settled funnel: a newcomer sets up the channel with the page alone, in a real
browser, with the sandbox in Tencent's place, and prints the sheet. Residents scan what a decoder reads from
the paper, answer on the sandbox's phone, and get exactly what is planned. Then everything fails at once.
"""

import re
from datetime import time, timedelta

import pytest
from playwright.sync_api import expect

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.contacts.models import Contact
from survey.contacts.services import prepare_letters
from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.responses.models import Respondent, Response
from survey.sampling.models import Case
from survey.studies.models import Round
from survey.wechat.identity import hash_openid
from survey.wechat.models import OutboundMessage, Poster, ReceivedPush, WeChatAccount, WeChatUser
from survey.wechat.planning import plan_round, store_plan
from survey.wechat.posters import make_posters
from survey.wechat.publishing import make_scene_code
from tests import factories
from tests.browser.channel_setup import check, log_in, set_up
from tests.browser.wechat_stage import (
    PEOPLE,
    Clock,
    PhoneInHand,
    Reader,
    account_at_work,
    codes_in,
    in_tencents_place,
    photograph,
    sent_to,
    work_off,
)
from tests.residents import make_open_round
from tests.survey.console.test_channel_pages import push_of
from tests.survey.wechat.outbox import set_plan, steps

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def tencent(transactional_db, live_server, settings, tmp_path):
    """The sandbox in Tencent's place, empty."""
    settings.MEDIA_ROOT = tmp_path / "media"
    with in_tencents_place(settings, live_server.url) as stage:
        yield stage


@pytest.fixture
def clock(tencent, monkeypatch):
    """The time, for the site and for the sandbox; it begins at ten in the morning."""
    clock = Clock(tencent, monkeypatch)
    clock.pass_to(time(10, 0))
    return clock


@pytest.fixture
def round_(tencent):
    """An open round of twelve households, its lead, nobody written to yet."""
    regions = factories.make_regions()
    factories.make_user("li", "study_lead", regions["370100000000"], display_name="李敏")
    return make_open_round(regions["370105000000"])


# --- the journey --------------------------------------------------------------------------------------
def run_the_job(walker, button):
    """Press a button that starts a job, let the worker do it, and go to what came of it."""
    page = walker.page
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    waiting = page.url
    # Looked away: the page asks how far it is, and the tests' database is one connection for all threads.
    page.goto("about:blank")
    run_job(str(Job.objects.get(state=Job.State.PENDING).pk))
    page.goto(waiting)
    expect(page.get_by_text("做完了。")).to_be_visible()
    page.get_by_role("link", name="去看结果").click()


def print_sheet(walker, round_, folder):
    """Prepare the sheet, download it, print it, and read the codes off the paper, page by page."""
    page = walker.page
    page.goto(f"/console/rounds/{round_.pk}/letters/")
    page.get_by_label(re.compile("一页 8 个的二维码")).check()
    walker.look("06-letters")
    run_the_job(walker, "备信")
    walker.look("07-sheet-ready")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载 PDF").click()
    sheet = folder / "sheet.pdf"
    download.value.save_as(sheet)
    pictures = photograph(sheet, walker.folder)
    return [codes_in(picture) for picture in pictures]


def steps_of(case):
    """What a household got: (mode, step), in the order in which it got them. What it did is not ours."""
    rows = Contact.objects.filter(case=case, detail__has_key="step").order_by("at", "pk")
    return [(contact.mode, contact.detail["step"]) for contact in rows]


def test_a_newcomer_sets_up_the_channel_and_each_resident_gets_what_is_planned(
    walk, tencent, clock, round_, live_server, tmp_path
):
    walker = walk("channel-1280", width=1280)
    log_in(walker)
    office = walker.context.new_page()
    app_id = set_up(walker, office, tencent)
    office.close()

    sheets = print_sheet(walker, round_, tmp_path)
    assert [len(codes) for codes in sheets] == [8, 4], "eight to a page, each readable"
    codes = [code for page in sheets for code in page]
    assert len(set(codes)) == round_.cases.count()
    assert all(re.fullmatch(re.escape(live_server.url) + r"/s/[0-9a-z]{26}", code) for code in codes)

    # Two answer, one of them follows; two do not, one of them follows.
    phones = {}
    for name, code in zip(("wang", "sun", "zhao", "qian"), codes, strict=False):
        phones[name] = phone = PhoneInHand(walk(f"channel-{name}-390"), tencent, name)
        if name in ("wang", "zhao"):
            phone.follow()
            phone.look("follows")
        phone.open_letter(code)
        if name in ("wang", "sun"):
            phone.answer()
    work_off(tencent, app_id)
    households = {name: _household(tencent, app_id, name) for name in phones}
    assert len({case.pk for case in households.values()}) == 4
    assert WeChatUser.objects.filter(is_follower=True).count() == 2
    assert Response.objects.counted().count() == 2

    _the_seventh_day(walker, clock, tencent, app_id, round_, phones)
    assert not sent_to(tencent, app_id, "wang") and not sent_to(tencent, app_id, "sun"), "she has answered"
    assert len(sent_to(tencent, app_id, "zhao")) == 1
    assert not sent_to(tencent, app_id, "qian"), "no follower: a letter, not a message"
    _the_fourteenth_day(walker, clock, tencent, app_id, round_)
    letter, door = ("letter", "letter"), {"door"}
    assert steps_of(households["wang"]) == steps_of(households["sun"]) == [letter]
    assert steps_of(households["zhao"]) == [letter, ("wechat", "reminder")]
    assert steps_of(households["qian"]) == [letter, ("letter", "reminder")]
    due = {decision.case_id: decision.mode for decision in plan_round(round_)}
    assert {due[households[name].pk] for name in ("zhao", "qian")} == door
    assert {due[households[name].pk] for name in ("wang", "sun")} == {""}

    _look_at_the_board(walker, round_)
    walker.page.goto(f"/console/wechat/{WeChatAccount.objects.get().pk}/")
    expect(check(walker.page, "domains")).to_contain_text("有手机从微信的网页授权回来过")


def _household(tencent, app_id, name):
    """The household whose letter this resident opened."""
    account = WeChatAccount.objects.get()
    known = hash_openid(account, tencent.control.openid(app_id, name))
    return Respondent.objects.get(identity_hash=known).case


def _the_seventh_day(walker, clock, tencent, app_id, round_, phones):
    """The reminder: by WeChat to whom it may go, by letter to the other silent ones, to nobody twice."""
    clock.pass_by(days=6)
    phones["zhao"].say("这几天忙，过两天再答")
    work_off(tencent, app_id)
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == 0, "not yet"
    clock.pass_by(days=1)
    page = walker.page
    log_in(walker)
    page.goto(f"/console/rounds/{round_.pk}/contact-plan/?dry=1")
    walker.look("08-dry-run")
    page.get_by_role("button", name="现在就排微信消息").click()
    expect(page.get_by_text("排好了 1 条微信消息")).to_be_visible()
    work_off(tencent, app_id)
    message = OutboundMessage.objects.get()
    assert (message.step, message.channel, message.state) == ("reminder", "custom", "sent")
    phones["zhao"].chat()
    expect(phones["zhao"].page.get_by_text("您家的问卷还没有交")).to_be_visible()
    phones["zhao"].look("reminded")
    phones["zhao"].page.locator("button.link").filter(has_text="/r/").click()
    expect(phones["zhao"].view.get_by_role("button", name="我愿意，开始答题")).to_be_visible()
    phones["zhao"].look("reminder-opened")
    phones["wang"].chat()
    expect(phones["wang"].page.get_by_text("您家的问卷还没有交")).to_have_count(0)
    phones["wang"].look("not-reminded")

    page.goto(f"/console/rounds/{round_.pk}/letters/")
    silent = round_.cases.count() - 3
    expect(page.get_by_text(f"{silent} 户还没有回音")).to_be_visible()
    run_the_job(walker, "备提醒信")
    walker.look("09-reminders-printed")
    assert Contact.objects.filter(detail__step="reminder", mode="letter").count() == silent


def _the_fourteenth_day(walker, clock, tencent, app_id, round_):
    """Nothing more by WeChat or letter: whoever is silent is visited."""
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == 0, "each step once"
    clock.pass_by(days=7)
    late = store_plan(round=round_, acting_user=SYSTEM)
    assert late.due["door", "door", ""] == round_.cases.count() - 2 and late.n_stored == 0
    work_off(tencent, app_id)
    assert OutboundMessage.objects.count() == 1
    log_in(walker)
    walker.page.goto(f"/console/rounds/{round_.pk}/letters/")
    expect(walker.page.get_by_role("button", name="备提醒信")).to_have_count(0)


def _look_at_the_board(walker, round_):
    page = walker.page
    page.goto(f"/console/rounds/{round_.pk}/contact-plan/?dry=1")
    expect(page.get_by_role("term").filter(has_text="已经答完")).to_be_visible()
    walker.look("10-door")
    page.goto(f"/console/rounds/{round_.pk}/delivery/")
    expect(page.locator('tr[data-stage="completed"]')).to_contain_text("2")
    expect(page.locator('tr[data-stage="opened"]')).to_contain_text("4")
    walker.look("11-delivery")
    page.goto(f"/console/rounds/{round_.pk}/posters/")
    walker.look("12-posters-empty")


# --- the worst day ------------------------------------------------------------------------------------
def households_with_phones(round_, tencent, app_id, site):
    """Six followers, each with a household's letter opened and the survey agreed to; name → case."""
    secrets = {}
    prepare_letters(
        round=round_,
        acting_user=SYSTEM,
        as_sheet=True,
        deliver=lambda part: secrets.update({case: qr for case, qr, _typed in part}),
    )
    cases = dict(zip(PEOPLE, sorted(secrets, key=lambda case: case.pk), strict=False))
    for name, case in cases.items():
        tencent.control.follow(app_id, name)
        Reader(site, tencent, name).scan(f"{site}/s/{secrets[case]}").agree()
    work_off(tencent, app_id)
    return cases


def test_the_fault_panel_at_its_worst_loses_and_doubles_nothing(walk, tencent, clock, round_, live_server):
    app_id = account_at_work(tencent, round_, live_server.url)
    template = tencent.control.add_template(app_id, "template", "问卷进度", "进度：{{thing1.DATA}}")
    set_plan(round_, steps("custom", "template", template_id=template))
    cases = households_with_phones(round_, tencent, app_id, live_server.url)
    clock.pass_by(days=7)
    walker = walk("worst-1280", width=1280)
    walker.page.goto(f"{tencent.url}/faults")
    walker.page.get_by_role("button", name=re.compile("最坏的一天")).click()
    walker.look("01-faults")

    writers = list(PEOPLE)[::2]  # they may get a customer-service message, the others a template message
    for name in writers:
        tencent.control.say(app_id, name, "怎么答？")
    work_off(tencent, app_id)
    assert ReceivedPush.objects.filter(kind="text").count() == len(writers), "arrived twice, kept once"
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == len(PEOPLE)
    for minutes in [1] * 9 + [24 * 60] + [1] * 3:
        work_off(tencent, app_id)
        clock.pass_by(minutes=minutes)
    work_off(tencent, app_id)
    left = [fault["path"] for fault in tencent.store.all("SELECT * FROM faults")]
    assert left == ["push:"], "every other fault of the panel has struck"

    messages = {name: OutboundMessage.objects.get(case=case) for name, case in cases.items()}
    got = {name: len(sent_to(tencent, app_id, name)) for name in PEOPLE}
    assert max(got.values()) == 1, "nobody gets a message twice"
    unknown = [name for name in PEOPLE if messages[name].state == "unknown"]
    assert all(got[name] == 1 for name in PEOPLE if name not in unknown), "what is called sent was sent"
    told = {name: (row.channel, row.state, row.attempts, row.n_busy) for name, row in messages.items()}
    assert {messages[name].state for name in PEOPLE if name not in writers} == {"delivered"}, told
    assert any(messages[name].n_busy and messages[name].state == "sent" for name in writers)
    # Two customer-service messages whose answer was lost or unreadable: nobody can tell, and it says so.
    assert len(unknown) == 2 and set(unknown) < set(writers)
    assert {messages[name].reason for name in unknown} == {"no_answer"}
    _what_the_team_sees(walker, round_, cases, unknown)
    assert not ReceivedPush.objects.exclude(state="handled").exists()
    assert Response.objects.count() == 0 and Case.objects.filter(status="opened").count() == len(PEOPLE)


def _what_the_team_sees(walker, round_, cases, unknown):
    """The unknown stand on the board with the reason, and their households are not lost: the next step is
    theirs as it is the others'."""
    log_in(walker)
    walker.page.goto(f"/console/rounds/{round_.pk}/delivery/")
    row = walker.page.get_by_role("row").filter(has_text="结果不明")
    expect(row).to_contain_text("没有等到读得懂的回音")
    expect(row).to_contain_text(str(len(unknown)))
    walker.look("02-delivery")
    later = {d.case_id: d.mode for d in plan_round(round_, moment=now() + timedelta(days=6))}
    assert {later[cases[name].pk] for name in PEOPLE} == {"door"}


# --- a poster, seen on the phone ----------------------------------------------------------------------
def test_a_scan_lands_in_the_chat_and_its_card_opens_the_poster(walk, tencent, round_, live_server):
    site = live_server.url
    app_id = account_at_work(tencent, round_, site)
    account = WeChatAccount.objects.get()
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
    walker = walk("phone-390", width=390)
    page = walker.page
    PhoneInHand(walker, tencent, "wang").scan(code.url)
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
    push_of(account, "event:subscribe", state="failed", attempts=6, last_error="OperationalError")
    push_of(account, "event:a_kind_that_came_after_this_version", state="unknown")
    for name, path in (
        ("01-accounts", "/console/wechat/"),
        ("02-set-up", f"/console/wechat/{account.pk}/"),
        ("03-publish", f"/console/wechat/{account.pk}/publish/"),
        ("04-posters", f"/console/rounds/{round_.pk}/posters/"),
        ("05-delivery", f"/console/rounds/{round_.pk}/delivery/"),
        ("06-plan", f"/console/rounds/{round_.pk}/contact-plan/?dry=1"),
        ("07-letters", f"/console/rounds/{round_.pk}/letters/"),
        ("10-events", f"/console/wechat/{account.pk}/events/"),
    ):
        walker.page.goto(path)
        walker.look(name)
    walker.page.get_by_role("button", name="再处理一次").click()
    expect(walker.page.get_by_text("排着再处理")).to_be_visible()
    walker.page.set_viewport_size({"width": 1280, "height": 900})
    walker.look("10-events-1280")
    walker.page.set_viewport_size({"width": 390, "height": 844})
    walker.page.goto(f"/p/{Poster.objects.get().code}")
    walker.look("08-poster-outside-wechat")
    Round.objects.update(state="draft")
    walker.page.goto(f"/console/rounds/{round_.pk}/contact-plan/")
    walker.look("09-plan-form")
    walker.page.get_by_role("button", name="存成新的一版").click()
    expect(walker.page.get_by_text("联系计划存好了")).to_be_visible()
