"""A whole field with both sides in their own windows: ten doors without a signal, one interview sent back and
mended, back-checks, the closed field, and its rates worked out by hand."""

from datetime import timedelta
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from survey.common.clock import today
from survey.contacts.models import Contact
from survey.fieldwork.models import Assignment, BackCheck, FieldOutcome, Review, VisitPhoto
from survey.responses.models import Attachment, Response
from survey.responses.services import open_answers
from tests import factories
from tests.browser.field_app import Interviewer, allow_storage, launch
from tests.residents import make_open_round

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FAMILY = [("王先生", "male", 67), ("李女士", "female", 64), ("小王", "male", 38)]
# What happens at the ten doors, in the interviewer's words, with AAPOR's code and class.
DAY = (
    ("完成访问", "1.1", "I"),
    ("完成访问", "1.1", "I"),
    ("完成访问", "1.1", "I"),
    ("家里人拒绝", "2.111", "R"),
    ("选中的人拒绝", "2.112", "R"),
    ("没人应门", "2.24", "NC"),
    ("病重、听不清等", "2.32", "O"),
    ("商铺、办公", "4.51", "NE"),
    ("空置，没人住", "4.61", "NE"),  # moved away
    ("拆了或找不到", "3.18", "UH"),
)
# By hand, with the formulas of AAPOR, Standard Definitions (9th edition 2016), "Response rates", from
# I = 3, P = 0, R = 2, NC = 1, O = 1, UH = 1, UO = 0; NE = 2 are in no denominator:
# e   = (3 + 0 + 2 + 1 + 1) / (3 + 0 + 2 + 1 + 1 + 2) = 7/9                  (CASRO)
# RR1 = I / ((I + P) + (R + NC + O) + (UH + UO))      = 3 / (3 + 4 + 1)      = 3/8
# RR3 = I / ((I + P) + (R + NC + O) + e(UH + UO))     = 3 / (3 + 4 + 7/9)    = 27/70
# RR5 = I / ((I + P) + (R + NC + O))                  = 3 / (3 + 4)          = 3/7
# RR2, RR4, RR6 have I + P above the line; there is no partial interview, so they are the same.
E = Fraction(7, 9)
BY_HAND = {
    "RR1": (Fraction(3, 8), "37.5%"),
    "RR2": (Fraction(3, 8), "37.5%"),
    "RR3": (Fraction(27, 70), "38.6%"),
    "RR4": (Fraction(27, 70), "38.6%"),
    "RR5": (Fraction(3, 7), "42.9%"),
    "RR6": (Fraction(3, 7), "42.9%"),
}


@pytest.fixture
def field(transactional_db):
    """A round with ten households, an interviewer and her supervisor; nothing is handed out yet."""
    district = factories.make_regions()["370105000000"]
    factories.make_user("sun", "supervisor", district, display_name="孙督导")
    factories.make_user("zhao", "interviewer", district, display_name="赵敏")
    round_ = make_open_round(
        district, closes_on=today() + timedelta(days=14), retention_until=today() + timedelta(days=400)
    )
    for case in round_.cases.order_by("-number")[:2]:  # twelve were drawn
        case.delete()
    return round_


@pytest.fixture
def phone(chromium, live_server, tmp_path):
    """Zhao's phone: a browser of its own, with storage that stays."""
    context = launch(chromium.browser_type, tmp_path / "profile")
    allow_storage(context, live_server.url)
    person = Interviewer(context, live_server.url, look="journey")
    yield person
    context.close()
    assert person.complaints == []


@pytest.fixture
def door_pictures(tmp_path):
    """Two doors as a camera sees them."""
    paths = []
    for seed in (1, 2):
        shades = np.random.default_rng(seed).integers(0, 256, (8, 9), dtype=np.uint8)
        paths.append(tmp_path / f"door-{seed}.jpg")
        Image.fromarray(shades).resize((900, 800)).convert("RGB").save(paths[-1])
    return paths


def interview(phone, case, people, *, age="43", picture=None, number=""):
    phone.go_to_case(case)
    phone.list_household(people)
    phone.agree(picture)
    phone.answer(age=age)
    if number:
        phone.look("2-number")
        phone.leave_number(number)
    phone.home()


def ten_doors(phone, cases, pictures):
    """The day, without a signal."""
    results = [label for label, _code, _class in DAY]
    interview(phone, cases[0], FAMILY, picture=pictures[0], number="0531-8888 0001")
    interview(phone, cases[1], FAMILY[:1])  # leaves no number
    interview(phone, cases[2], FAMILY[:2], number="13800000002")
    phone.go_to_case(cases[3])
    phone.record(results[3], "门里说没空")
    phone.go_to_case(cases[4])
    phone.list_household(FAMILY[1:])
    phone.page.click(".f-foot a:has-text('就访')")
    phone.page.wait_for_selector("canvas")
    phone.page.click("text=对方不愿意")
    phone.page.wait_for_selector("#note")
    phone.save_visit("听完说明，不愿意")
    phone.go_to_case(cases[5])
    phone.page.click(".f-pair a:has-text('没人应门')")
    phone.photograph(pictures[1])
    phone.look("3-visit")
    phone.save_visit("晚上有灯")
    for case, result, note in zip(cases[6:], results[6:], ("老人卧床", "", "上个月搬走了", ""), strict=True):
        phone.go_to_case(case)
        phone.record(result, note)


def log_in(desk, path):
    desk.page.goto(path)
    desk.page.get_by_label("用户名").fill("sun")
    desk.page.get_by_label("密码").fill("sun-password")
    desk.page.get_by_role("button", name="登录").click()


def tab(desk, name):
    desk.page.get_by_role("navigation", name="入户的各页").get_by_role("link", name=name).click()


def approve_the_rest(desk):
    tab(desk, "审核")
    rows = desk.page.get_by_role("main").get_by_role("link", name="号户")
    for left in (3, 2, 1):
        expect(rows).to_have_count(left)
        rows.first.click()
        desk.page.get_by_role("button", name="通过", exact=True).click()
        expect(desk.page.get_by_text("通过了。")).to_be_visible()
    assert Review.objects.filter(verdict="approved").count() == 3


def check_back(desk, cases):
    """The draw takes all three; the one with a number is called."""
    tab(desk, "回访")
    desk.page.get_by_role("button", name="按规则抽").click()
    expect(desk.page.get_by_text("抽了 3 户，种子已经留痕。")).to_be_visible()
    desk.look("5-backchecks")
    desk.page.get_by_role("link", name=f"{cases[0].number} 号户").click()
    expect(desk.page.get_by_role("link", name="053188880001")).to_be_visible()
    desk.page.get_by_label("电话", exact=True).check()
    desk.page.get_by_label("联系上了", exact=True).check()
    for said in ("有人来访问过", "答题的就是抽中的那位", "题目都念给他听了"):
        desk.page.get_by_label(said).check()
    desk.look("6-backcheck")
    desk.page.get_by_role("button", name="记下结果").click()
    expect(desk.page.get_by_text("回访结果记下了。")).to_be_visible()
    assert BackCheck.objects.get(outcome="confirmed").response.case == cases[0]
    desk.page.get_by_role("link", name=f"{cases[1].number} 号户").click()
    expect(desk.page.get_by_text("没留电话，要上门")).to_be_visible()


def test_a_field_of_ten_doors_from_the_log_in_page_to_the_rates_by_hand(phone, walk, field, door_pictures):
    cases = list(field.cases.order_by("number"))
    assert len(cases) == len(DAY) == 10
    desk = walk("field-journey", width=1280)
    log_in(desk, f"/console/rounds/{field.pk}/fieldwork/")
    tab(desk, "访员")
    desk.page.get_by_role("button", name="派没派的户").click()
    expect(desk.page.get_by_text("派了 10 户，路线排好了。")).to_be_visible()
    desk.look("1-handed-out")

    # The interviewer installs the app from the log-in page and works a day without a signal.
    phone.open("/accounts/login/")
    phone.page.click("text=装手机应用")
    phone.page.wait_for_selector("text=三步就好")
    phone.page.wait_for_selector("text=点浏览器菜单里的“安装应用”或“添加到主屏幕”")
    manifest, faults = phone.installability()
    assert (manifest["name"], manifest["display"], faults) == ("民意入户", "standalone", [])
    phone.begin("zhao")
    phone.page.wait_for_selector("h1:has-text('今天 10 户')")
    phone.look("1-today")
    phone.cut()
    phone.page.reload()
    phone.unlock()
    phone.page.wait_for_selector("h1:has-text('今天 10 户')")
    ten_doors(phone, cases, door_pictures)
    phone.look("4-evening")
    assert not Contact.objects.exists() and not Response.objects.exists()

    # Home again: everything goes up.
    phone.reconnect()
    phone.page.evaluate("minyiField.sync()")
    phone.wait_uploaded()
    phone.page.evaluate("location.hash = '#/sync'")
    phone.page.wait_for_selector("text=12 条上传好了")  # ten doors and two numbers
    phone.look("5-uploaded")
    found = [Contact.objects.get(case=case).disposition for case in cases]
    assert found == [code for _label, code, _class in DAY]
    assert Attachment.objects.filter(item="consent_signature").count() == 3
    assert Attachment.objects.get(item="door_plate").response.case == cases[0]
    assert VisitPhoto.objects.get().case == cases[5]

    # The supervisor sees it all and sends one back.
    tab(desk, "进度")
    expect(desk.page.locator(".figures").get_by_text("共 10 户").first).to_be_visible()
    desk.look("2-board")
    tab(desk, "审核")
    desk.look("3-interviews")
    desk.page.get_by_role("link", name=f"{cases[2].number} 号户").click()
    desk.page.get_by_text("指出要再看的题").click()
    desk.page.get_by_label("age 您的周岁年龄").check()
    desk.page.get_by_label("写给访员的话").fill("名单上是 64 岁，答卷上是 43 岁，请核对年龄")
    desk.look("4-interview")
    desk.page.get_by_role("button", name="退回修改").click()
    expect(desk.page.get_by_text("退回给访员了")).to_be_visible()

    # The interviewer mends it.
    phone.page.evaluate("minyiField.sync()")
    phone.home()
    phone.page.wait_for_selector("text=请核对年龄")
    phone.look("6-returned")
    phone.page.click("text=打开，改好再交")
    assert phone.at() == "age"
    phone.answer(age="64")
    phone.wait_uploaded()
    mended = Response.objects.counted().get(case=cases[2])
    assert (open_answers(mended)["age"], mended.revision) == (64, 2)
    assert Review.objects.get(verdict="returned").answered_with == mended

    approve_the_rest(desk)
    check_back(desk, cases)

    # The field is closed; its rates are those of the ten doors by hand.
    desk.page.goto(f"/console/rounds/{field.pk}/close/")
    desk.page.get_by_label("我知道结束以后").check()
    desk.page.get_by_role("button", name="结束收卷").click()
    expect(desk.page.get_by_role("heading", name="收卷结束时的结果")).to_be_visible()
    desk.page.get_by_text("六种回答率和算式").click()
    desk.look("7-closed")
    outcome = FieldOutcome.objects.get().outcome
    assert outcome["counts"] == {"I": 3, "P": 0, "R": 2, "NC": 1, "O": 1, "UH": 1, "UO": 0, "NE": 2}
    assert outcome["e"] == pytest.approx(float(E))
    for name, (rate, shown) in BY_HAND.items():
        assert outcome["rates"][name] == pytest.approx(float(rate))
        row = desk.page.locator("tr", has=desk.page.get_by_role("rowheader", name=name, exact=True))
        expect(row.locator("td").first).to_have_text(shown)
    expect(desk.page.get_by_text("情况不明的户按 77.8% 合格估算")).to_be_visible()
    assert not Assignment.objects.filter(ended_at__isnull=True).exists()
    phone.page.evaluate("minyiField.sync()")
    phone.home()
    phone.page.wait_for_selector("text=今天没有要上门的户")
