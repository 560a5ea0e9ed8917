"""Open answers read, decided upon and coded by the keyboard alone, at two widths."""

import pytest
from playwright.sync_api import expect

from survey.accounts.models import User
from survey.responses.models import OpenText, OpenTextReview, TextCoding, Theme
from survey.responses.open_texts import quotable, theme_rows
from survey.responses.services import code_text
from tests import factories
from tests.residents import make_open_round
from tests.survey.responses.test_open_texts import answer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SAID = (
    "3号楼2单元501室楼道灯坏了三个月，请打13800138000找我，物业的王主任说等通知",
    "停车太难了，晚上八点以后根本没有车位，堵在消防通道上",
    "希望楼下装一盏路灯",
    "路灯太暗",
    "公交车间隔太长，老人等半小时",
    "小区门口的路灯一直不亮，老人晚上出门怕摔",
    "没有",
    "多种点树，少修点路。" * 20,
)


@pytest.fixture
def round_(transactional_db):
    """A round in which eight people wrote something, and two who read it."""
    regions = factories.make_regions()
    for name, role in (("reader", "text_reviewer"), ("second", "text_reviewer")):
        factories.make_user(name, role, regions["370100000000"], display_name=f"审核员 {name}")
    found = make_open_round(regions["370105000000"])
    for case, wording in zip(found.cases.order_by("number"), SAID, strict=False):
        answer(case, wording)
    return found


def open_page(walker, name, address):
    page = walker.page
    page.goto(f"/accounts/login/?next={address}")
    page.get_by_label("用户名").fill(name)
    page.get_by_label("密码").fill(f"{name}-password")
    page.get_by_role("button", name="登录").click()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_answers_are_read_decided_and_coded_by_the_keyboard(walk, round_, width, scheme):
    walker = walk(f"texts-{width}", width=width, color_scheme=scheme)
    page, keyboard = walker.page, walker.page.keyboard
    open_page(walker, "reader", f"/console/rounds/{round_.pk}/texts/themes/")
    walker.look("01-no-themes")
    page.get_by_label("加主题").fill("路灯和照明\n停车\n公交\n绿化\n" + "名字特别长的一个主题" * 4)
    page.get_by_role("button", name="加上").click()
    walker.look("02-themes")
    page.goto(f"/console/rounds/{round_.pk}/texts/")
    cards = page.locator("[data-card]")
    expect(cards).to_have_count(len(SAID))
    walker.look("03-unread")

    personal = cards.filter(has_text="13800138000")
    personal.focus()
    keyboard.press("2")
    walker.look("04-redact")
    expect(personal.locator("textarea")).to_have_value(
        "（楼号门牌）楼道灯坏了三个月，请打（电话）找我，物业的（某人）说等通知"
    )
    keyboard.press("Control+Enter")
    expect(page.locator("[data-verdict=redacted]")).to_have_count(1)
    first = cards.filter(has_text="希望楼下装一盏路灯")
    first.focus()
    keyboard.press("1")
    expect(page.locator("[data-verdict=cleared]")).to_have_count(1)
    keyboard.press("q")
    keyboard.press("Enter")
    expect(first.get_by_role("button", name="改主题")).to_be_visible()
    cards.filter(has_text="没有").first.focus()
    keyboard.press("3")
    expect(page.locator("[data-verdict=withheld]")).to_have_count(1)
    walker.look("05-some-read")
    assert len(quotable(round_)["wording"]) == 2 and OpenTextReview.objects.count() == 3
    assert theme_rows(round_)["themes"] == [[1]]
    page.goto(f"{page.url.split('?')[0]}?list=all&q=路灯")
    expect(cards).to_have_count(3)
    walker.look("06-found")


def test_two_people_code_the_same_answers_and_settle(walk, round_):
    reader, second = User.objects.get(username="reader"), User.objects.get(username="second")
    walker = walk("texts-two", width=1280)
    page = walker.page
    open_page(walker, "reader", f"/console/rounds/{round_.pk}/texts/themes/")
    page.get_by_label("加主题").fill("路灯和照明\n停车")
    page.get_by_role("button", name="加上").click()
    lamps, cars = Theme.objects.order_by("code")
    texts = list(OpenText.objects.order_by("shuffle"))
    for place, text in enumerate(texts):
        code_text(text=text, themes=[lamps.code] * (place % 2), acting_user=reader)
        code_text(
            text=text,
            themes=[cars.code if place == 3 else lamps.code] * (place % 2),
            purpose="check",
            acting_user=second,
        )
    page.reload()
    expect(page.get_by_text("其中 7 条完全一样")).to_be_visible()
    walker.look("01-agreement")
    page.get_by_role("link", name="看不一致的").click()
    expect(page.locator("[data-card]")).to_have_count(1)
    walker.look("02-differ")
    page.get_by_label("停车").check()
    page.get_by_role("button", name="存下主题").click()
    expect(page.get_by_role("button", name="改主题")).to_be_visible()
    assert list(TextCoding.objects.get(purpose="settled").themes.all()) == [cars]
    page.reload()
    expect(page.get_by_text("没有不一致的")).to_be_visible()
