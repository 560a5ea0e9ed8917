"""Every kind of question on the real site, from the letter to the thanks, in three languages.

Also on a connection that drops requests, with the page killed on the way, and on a kernel without modules."""

import random

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from survey.responses.models import Attachment, Response
from tests import factories
from tests.browser.conftest import JOURNEYS, Walker
from tests.residents import make_open_round, make_version, write_letter
from tests.survey.questionnaires.every_type import every_type
from tests.survey.questionnaires.phone import axe_faults
from tests.survey.questionnaires.test_types_on_the_phone import photo_of_a_camera

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCREENS = 40
SPOT = {"latitude": 36.67, "longitude": 117.02, "accuracy": 20}
AT = """JSON.parse(Object.keys(localStorage).filter(key => key.startsWith('minyi:draft:'))
  .map(key => localStorage[key])[0] || '{}').at"""


@pytest.fixture
def letter(transactional_db, settings, tmp_path):
    """The QR secret of a household that is asked everything."""
    settings.MEDIA_ROOT = tmp_path
    regions = factories.make_regions()
    round_ = make_open_round(regions["370105000000"], questionnaire_version=make_version(every_type()))
    return write_letter(round_.cases.order_by("number").first())[0]


def to_the_questions(walker: Walker, letter: str, language: str, look: bool = False) -> None:
    """Letter, consent, two adults, me."""
    page = walker.page
    page.goto(f"/s/{letter}?lang={language}")
    seen(walker, "entry", look)
    page.locator("button[type=submit]").first.click()
    seen(walker, "welcome", look)
    page.locator("form[action$=consent] button").click()
    seen(walker, "adults", look)
    page.locator("input[name=n][value='2']").check(force=True)
    page.locator(".foot button[type=submit]").click()
    seen(walker, "birthday", look)
    page.locator("input[name=who][value=me]").check(force=True)
    page.locator(".foot button[type=submit]").click()


def seen(walker: Walker, name: str, look: bool) -> None:
    """A picture, and nothing for axe to find in light or dark."""
    if not look:
        return
    walker.look(name)
    for scheme in ("light", "dark"):
        walker.page.emulate_media(color_scheme=scheme)
        assert axe_faults(walker.page) == [], (name, scheme)


def at(page) -> str:
    """The screen that the phone notes."""
    return page.evaluate(AT)


def rows(page):
    for row in page.locator("tbody tr").all():
        row.locator(".mf-cell").nth(1).click()
    while page.locator(".mf-opened").count():
        page.locator(".mf-opened .mf-chip").nth(1).click()


def rank(page):
    while page.locator(".mf-rest-row").count():
        page.locator(".mf-rest-row").first.click()


def written(page):
    page.fill("input[type=date]", "2020-01-02")
    page.fill("input[type=time]", "18:30")
    page.locator("input[name=matter][value='5']").check()
    page.fill("[name=matter_other]", "路灯")


def region(page):
    for depth in range(3):
        page.locator(".mf-region select").nth(depth).select_option(index=1)
    page.locator(".mf-region select").nth(2).wait_for()


def place(page):
    page.locator(".mf-ask .mf-button").click()
    page.locator(".mf-ask .mf-link").wait_for()


def photo(page):
    buffer = photo_of_a_camera(page)
    page.locator(".mf-file").first.set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": buffer}
    )
    page.locator(".mf-view img").wait_for()


def sign(page):
    page.locator(".mf-ask .mf-link").click()
    page.fill(".mf-ask input", "王秀英")
    page.locator(".mf-strong").click()
    page.locator("img.mf-sign").wait_for()


def people(page):
    if page.locator(".mf-person").count() == 0:
        page.locator(".mf-add").click()
        return "added"
    return None


ANSWERS = {
    "rules": lambda page: page.locator(".mf-row input").check(),
    "age": lambda page: page.fill(".mf-input", "70"),
    "share": lambda page: page.fill(".mf-input", "88.5"),
    "stars": lambda page: page.locator(".mf-key").nth(3).click(),
    "life": lambda page: page.locator(".mf-key").nth(7).click(),
    "estate*": rows,
    "first": rank,
    "ways": lambda page: page.locator(".mf-main .mf-row").first.click(),
    "times*": written,
    "family[]": people,
    "family[1].called": lambda page: page.fill(".mf-input", "王秀英"),
    "family[1].years": lambda page: page.fill(".mf-input", "12"),
    "area": region,
    "spot": place,
    "picture": photo,
    "sign": sign,
    "remark": lambda page: page.fill("textarea", "谢谢"),
}


def answer(walker: Walker, look: bool = False, stop: str = "") -> None:
    """Through the questions, until the screen `stop` or the last is handed in."""
    page = walker.page
    for _screen in range(SCREENS):
        page.locator("#mf-title").wait_for()
        key = at(page)
        if key == stop:
            return
        act = ANSWERS.get(key)
        if act and act(page) == "added":
            continue
        if look:
            walker.look(f"question-{key.replace('*', '-all').replace('[]', '-list')}", check=False)
        page.locator(".mf-next").click()
        if key == "remark":
            return


def the_response() -> Response:
    """The one that arrived; what is written in words is kept elsewhere, encrypted."""
    response = Response.objects.get()
    assert {"rules", "stars", "clean", "first", "ways", "matter", "area"} <= response.answers.keys()
    return response


@JOURNEYS
def test_from_the_letter_through_every_type_to_the_thanks(walk, letter, width, language):
    """On a line that drops a fifth of what the page asks for."""
    walker = walk(f"types-{width}-{language}", width=width, geolocation=SPOT, permissions=["geolocation"])
    walker.lose_requests(seed=width)
    to_the_questions(walker, letter, language, look=True)
    answer_through_losses(walker, look=True)
    until_thanks(walker.page)
    seen(walker, "thanks", True)
    walker.forgive_lost_requests()
    response = the_response()
    assert (response.language, response.answers["family"]) == (language, [{"years": 12}])
    assert Attachment.objects.count() == 2
    assert response.paradata["orders"].keys() >= {"estate", "first", "ways"}


def test_on_a_connection_that_drops_a_third_of_all_requests_nothing_is_lost(walk, letter):
    walker = walk("types-flaky", geolocation=SPOT, permissions=["geolocation"])
    page, dice = walker.page, random.Random(20261122)

    def maybe_drop(route):
        lost = route.request.resource_type != "document" and dice.random() < 1 / 3
        route.abort("connectionfailed") if lost else route.continue_()

    to_the_questions(walker, letter, "zh-hans")
    walker.context.route("**/*", maybe_drop)
    open_until_it_opens(page)
    answer_through_losses(walker, "first")
    form = page.url
    page.close()  # the phone kills the page
    walker.page = page = walker.context.new_page()
    page.goto(form)
    open_until_it_opens(page)
    assert at(page) == "first", "it goes on where it stopped"
    page.evaluate("localStorage.clear()")
    page.goto("about:blank")
    page.goto(form)
    open_until_it_opens(page)
    page.locator(".mf-notice").wait_for()  # from the server: at the latest the block before
    answer_through_losses(walker, "")
    until_thanks(page)
    the_response()
    assert Attachment.objects.count() == 2
    walker.forgive_lost_requests()
    assert [line for line in walker.complaints if "MinyiDom" not in line and "undefined" not in line] == []
    walker.complaints.clear()


def until_thanks(page) -> None:
    """The page sends by itself; where it offers to try again, a person does."""
    for _try in range(10 * SCREENS):
        if page.url.endswith("/thanks"):
            return
        if page.locator(".mf-retry:enabled").count():
            page.locator(".mf-retry:enabled").click()
        page.wait_for_timeout(200)
    raise AssertionError("the answers do not arrive")


def open_until_it_opens(page) -> None:
    """A patient person: the page tries by itself, then it is opened again."""
    for _try in range(8):
        try:
            page.locator("#mf-title").wait_for(timeout=20_000)
            return
        except PlaywrightTimeout:
            page.reload()
    raise AssertionError("the questionnaire does not open")


def answer_through_losses(walker: Walker, stop: str = "", look: bool = False) -> None:
    """As `answer`; a list that did not arrive is asked for again by its button."""
    page = walker.page
    page.locator("#mf-title").wait_for()
    again = page.locator(".mf-answer > .mf-soft .mf-link")
    page.add_locator_handler(again, lambda button: button.click())
    answer(walker, look, stop)
    page.remove_locator_handler(again)


def test_a_kernel_without_modules_is_led_to_plain_forms_that_ask_everything(walk, letter):
    walker = walk("types-plain", width=360)
    page = walker.page

    def as_an_old_kernel_sees_it(route):
        reply = route.fetch()
        body = (
            reply.text().replace('type="module"', 'type="not-known"').replace("<script nomodule", "<script")
        )
        route.fulfill(response=reply, body=body)

    to_the_questions(walker, letter, "zh-hans")
    page.locator("#mf-title").wait_for()
    page.route("**/form", as_an_old_kernel_sees_it)
    page.goto(page.url)
    page.wait_for_url("**/plain")
    for number in range(1, SCREENS):
        fill_plain(page)
        walker.look(f"plain-{number:02d}", check=False)
        assert axe_faults(page) == []
        page.locator("button[name=forward]").click()
        if page.url.endswith("/thanks"):
            break
    assert the_response().paradata["plain"] is True
    assert Attachment.objects.count() == 2


WRITTEN = {"years": "12", "called": "王秀英", "spot": "36.67，117.02"}


def fill_plain(page) -> None:
    """The first option of everything, a number or a word where one is written."""
    for group in page.locator("fieldset").all():
        name = (group.get_attribute("id") or "").removeprefix("q-")
        files = group.locator("input[type=file]")
        if files.count():
            buffer = photo_of_a_camera(page)
            files.set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": buffer})
            continue
        lists = group.locator("select")
        for place in range(lists.count()):
            lists.nth(place).select_option(index=place + 1)
        if lists.count():
            continue
        choices = group.locator("input[type=radio], input[type=checkbox]")
        typed = group.locator("input[type=text], textarea")
        if typed.count():
            typed.first.fill(next((word for end, word in WRITTEN.items() if name.endswith(end)), "45"))
        elif choices.count():
            choices.nth(1 if name == "family" else 0).check(force=True)
