"""A resident's way from the letter to the thanks, seen by a real browser at two widths."""

import pytest

from survey.common.clock import now
from survey.questionnaires.document import document_hash
from survey.questionnaires.models import Questionnaire, QuestionnaireVersion
from survey.questionnaires.services import read_form
from survey.responses.models import DataRequest, Response
from survey.settings import BASE_DIR
from tests import factories
from tests.residents import make_open_round, write_letter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CORE_FORM = BASE_DIR / "survey" / "questionnaires" / "data" / "minyi_core.xlsx"
WIDTHS = pytest.mark.parametrize("width", [390, 1280])
MAX_SCREENS = 60


@pytest.fixture
def open_round(transactional_db):
    """天桥区 in the field with the questionnaire that ships."""
    document, _warnings = read_form(CORE_FORM)
    version = QuestionnaireVersion.objects.create(
        questionnaire=Questionnaire.objects.create(code="core", title="居民满意度"),
        number=1,
        state=QuestionnaireVersion.State.PUBLISHED,
        document=document,
        document_hash=document_hash(document),
        published_at=now(),
    )
    regions = factories.make_regions()
    return make_open_round(regions["370105000000"], questionnaire_version=version)


@pytest.fixture
def letter(open_round):
    """(QR secret, typed code) of the first household."""
    return write_letter(open_round.cases.order_by("number").first())


def open_letter(walker, letter):
    walker.page.goto(f"/s/{letter[0]}")
    walker.page.get_by_role("button", name="打开看看").click()


def agree(walker):
    walker.page.get_by_role("button", name="我愿意，开始答题").click()


def choose_me(walker, adults: int = 3):
    walker.page.locator(f"input[name=n][value='{adults}']").check()
    walker.page.get_by_role("button", name="下一步").click()
    walker.page.get_by_label("是我自己").check()
    walker.page.get_by_role("button", name="下一步").click()


def answer_screen(page):
    """Answer whatever is on the screen as a quick person would: the second option, or a number."""
    main = page.locator(".mf-main, .mf-body").first
    radios, boxes = main.locator("input[type=radio]"), main.locator("input[type=checkbox]")
    if radios.count():
        radios.nth(min(1, radios.count() - 1)).check(force=True)
    elif boxes.count():
        boxes.nth(0).check(force=True)
    elif main.locator("input").count():
        main.locator("input").first.fill("45")
    elif main.locator("textarea").count():
        main.locator("textarea").first.fill("楼下的路灯坏了")


def answer_all(walker, look: tuple[int, ...] = ()):
    """Through the questionnaire to the thanks; a picture of the screens numbered in `look`."""
    page = walker.page
    for number in range(1, MAX_SCREENS):
        page.locator("#mf-title").wait_for()
        answer_screen(page)
        if number in look:
            walker.look(f"question-{number:02d}")
        title = page.locator("#mf-title").inner_text()
        page.locator(".mf-next").click()
        page.wait_for_function(
            "before => !document.querySelector('#mf-title') "
            "|| document.querySelector('#mf-title').innerText !== before",
            arg=title,
        )
        if page.url.endswith("/thanks"):
            return
    raise AssertionError("the questionnaire does not end")


@WIDTHS
def test_from_the_letter_to_the_thanks(walk, letter, width):
    walker = walk(f"resident-{width}", width=width)
    page = walker.page
    page.goto(f"/s/{letter[0]}")
    walker.look("01-entry")
    page.get_by_role("button", name="打开看看").click()
    assert letter[0] not in page.url
    walker.look("02-welcome")
    page.get_by_role("link", name="看完整的个人信息保护说明").click()
    walker.look("03-privacy")
    page.get_by_role("link", name="返回").click()
    agree(walker)
    walker.look("04-adults")
    page.locator("input[name=n][value='3']").check()
    page.get_by_role("button", name="下一步").click()
    walker.look("05-birthday")
    page.get_by_label("是我自己").check()
    page.get_by_role("button", name="下一步").click()
    page.locator("#mf-title").wait_for()
    walker.look("06-question")
    answer_all(walker, look=(2, 8))
    walker.look("07-thanks")
    assert "收到了，谢谢您" in page.inner_text("main")
    assert Response.objects.get().mode == "web"
    page.get_by_role("link", name="查看或撤回我的回答").click()
    walker.look("08-mine")
    page.get_by_role("link", name="撤回我的回答").click()
    walker.look("09-withdraw")
    page.get_by_role("button", name="撤回并销毁").click()
    walker.look("10-withdrawn")
    assert Response.objects.get().state == "withdrawn"


@WIDTHS
def test_the_other_ways_it_can_go(walk, letter, width):
    walker = walk(f"resident-{width}", width=width)
    page = walker.page
    page.goto("/s/")
    walker.look("20-code")
    page.get_by_label("信上的码").fill("0000-0000-0001")
    page.get_by_role("button", name="下一步").click()
    walker.look("21-code-wrong")
    page.get_by_label("信上的码").fill(letter[1])
    page.get_by_role("button", name="下一步").click()
    page.get_by_role("button", name="不想参加").click()
    walker.look("22-refused")
    page.get_by_role("link", name="点错了，我要参加").click()
    walker.look("23-welcome-after-refusal")
    agree(walker)
    page.locator("input[name=n][value='2']").check()
    page.get_by_role("button", name="下一步").click()
    page.get_by_label("说不准，帮我算一下").check()
    page.get_by_role("button", name="下一步").click()
    walker.look("24-birthdays")
    for row, (month, day) in enumerate((("3", "5"), ("7", "1"))):
        page.locator(f"select[name=month{row}]").select_option(month)
        page.locator(f"select[name=day{row}]").select_option(day)
    page.get_by_role("button", name="算一下").click()
    walker.look("25-birthday-found")
    page.get_by_label("是家里另一位").check()
    page.get_by_role("button", name="下一步").click()
    walker.look("26-hand-over")
    page.get_by_role("button", name="晚点再答").click()
    walker.look("27-later")


@WIDTHS
def test_without_scripts_the_same_questionnaire_is_plain_forms(walk, letter, width):
    walker = walk(f"resident-{width}", width=width, java_script_enabled=False)
    page = walker.page
    open_letter(walker, letter)
    agree(walker)
    choose_me(walker)
    page.wait_for_url("**/plain")
    for number in range(1, MAX_SCREENS):
        for group in page.locator("fieldset").all():
            choices = group.locator("input[type=radio], input[type=checkbox]")
            written = group.locator("input[type=text], textarea")
            if written.count():
                written.first.fill("45")
            elif choices.count():
                choices.nth(min(1, choices.count() - 1)).check(force=True)
        walker.look(f"31-plain-{number:02d}", check=False)
        page.locator("button[name=forward]").click()
        if page.url.endswith("/thanks"):
            break
    assert Response.objects.get().paradata == {"plain": True}


def test_a_second_phone_of_the_household_sees_no_answers(walk, letter):
    first = walk("resident-390")
    open_letter(first, letter)
    agree(first)
    choose_me(first)
    answer_all(first)
    second = walk("resident-390")
    open_letter(second, letter)
    second.look("40-answered")
    assert "您家已经答过了" in second.page.inner_text("main")
    second.page.get_by_role("link", name="手机换了，要提出申请").click()
    second.look("41-cannot-prove")
    second.page.get_by_role("button", name="申请删除").click()
    second.look("42-request-noted")
    assert DataRequest.objects.get().done_at is None


@pytest.mark.parametrize("face", ["dark", "large", "english"])
def test_dark_large_and_english(walk, letter, face):
    options = {"color_scheme": "dark"} if face == "dark" else {}
    walker = walk(f"resident-{face}", **options)
    page = walker.page
    page.goto(f"/s/{letter[0]}{'?lang=en' if face == 'english' else ''}")
    walker.look("01-entry")
    page.locator("button[type=submit]").click()
    if face == "large":
        page.get_by_role("button", name="大字").click()
    walker.look("02-welcome")
    page.locator("button[type=submit]").first.click()
    walker.look("04-adults")
    page.locator("input[name=n][value='3']").check()
    page.locator("button[type=submit]").click()
    walker.look("05-birthday")
    page.locator("input[name=who][value=me]").check()
    page.locator("button[type=submit]").click()
    page.locator("#mf-title").wait_for()
    walker.look("06-question")
    assert page.locator("html.mf-care").count() == (face == "large"), "one choice holds on every page"
    answer_all(walker)
    walker.look("07-thanks")
    page.locator("main a").click()
    walker.look("08-mine")


def test_answers_given_without_a_signal_are_kept_and_sent_later(walk, letter):
    walker = walk("resident-390")
    open_letter(walker, letter)
    agree(walker)
    choose_me(walker)
    page = walker.page
    page.locator("#mf-title").wait_for()
    page.route("**/submit", lambda route: route.abort("internetdisconnected"))
    for _ in range(MAX_SCREENS):
        answer_screen(page)
        title = page.locator("#mf-title").inner_text()
        page.locator(".mf-next").click()
        page.wait_for_function(
            "before => document.querySelector('#mf-title').innerText !== before", arg=title
        )
        if page.locator(".mf-retry").count():
            break
    walker.look("50-no-signal")
    assert not Response.objects.exists()
    page.unroute("**/submit")
    page.locator(".mf-retry").click()
    page.wait_for_url("**/thanks")
    assert Response.objects.count() == 1
    walker.complaints = [line for line in walker.complaints if "ERR_INTERNET_DISCONNECTED" not in line]
