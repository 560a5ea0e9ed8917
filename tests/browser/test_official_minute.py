"""An official opens the report on a phone inside WeChat: how satisfied is my street, is that better than last
time, what first. The answers stand on the first screen."""

import re
import time

import pytest
from playwright.sync_api import expect

from survey.reports.services import create_run, publish_report
from tests import factories
from tests.survey.reports.conftest import answers_of
from tests.survey.reports.sample import full_document

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

STREET = "370105003000"
WECHAT = (
    "Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/116.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.49.2600 Language/zh_CN"
)


@pytest.fixture
def report(transactional_db, settings, tmp_path):
    """A second round of a city, and the official of one of its streets."""
    settings.MEDIA_ROOT = tmp_path
    regions = factories.make_regions()
    lead = factories.make_user("li", "study_lead", regions["370100000000"], display_name="李敏")
    round_ = factories.make_measured_round(regions["370105000000"], take=20, state="open")
    round_.small_cell_floor = 10
    round_.save()
    factories.make_responses(round_, answers_of)
    made = publish_report(
        run=create_run(round=round_, acting_user=lead), title="满意度报告", acting_user=lead
    )
    made.document = full_document(made.document)
    made.save()
    factories.make_user("zhou", "official", regions[STREET], display_name="周主任")
    return made


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (360, "dark")])
def test_an_official_finds_three_answers_in_a_minute_on_the_first_screen(walk, report, width, scheme):
    walker = walk(f"official-{width}-{scheme}", width=width, color_scheme=scheme, user_agent=WECHAT)
    page = walker.page
    page.goto("/accounts/login/?next=/reports/")
    page.fill("input[name=username]", "zhou")
    page.fill("input[name=password]", "zhou-password")
    page.press("input[name=password]", "Enter")
    label = next(d["label"] for d in report.document["domains"] if d["key"] == STREET)
    started = time.monotonic()
    expect(page.get_by_role("link", name=label, exact=True)).to_be_visible()
    walker.look("01-list")
    page.get_by_role("link", name=label, exact=True).click()
    cell = report.document["estimates"]["score"][STREET]
    change = report.document["change"]["indicators"]["score"]["domains"][STREET]
    answers = page.locator(".answers3 > div")
    for found in (page.locator(".hero-number"), answers.nth(0), answers.nth(1)):
        box = found.bounding_box()
        assert box and box["y"] + box["height"] <= 844 * 0.85, "WeChat's own bars take the rest"
    assert page.locator(".hero-number").inner_text() == f"{cell['estimate']:.1f}"
    assert f"{abs(change['difference']):.1f}" in answers.nth(0).inner_text()
    assert "停车秩序" in answers.nth(1).inner_text()
    assert time.monotonic() - started < 60
    walker.look("02-street")


def test_everything_can_be_reached_from_the_street_s_page_with_keys_and_taps(walk, report):
    walker = walk("official-taps", width=390, user_agent=WECHAT)
    page = walker.page
    page.goto(f"/accounts/login/?next=/reports/{report.number}/")
    page.fill("input[name=username]", "zhou")
    page.fill("input[name=password]", "zhou-password")
    page.press("input[name=password]", "Enter")
    walker.look("01-whole")
    page.locator(".own-place a").click()
    expect(page).to_have_url(re.compile(STREET))
    page.locator(".answers3 a").first.click()
    expect(page.locator("#change")).to_be_in_viewport()
    page.locator("summary", has_text="这一项怎么问、怎么算").click()
    expect(page.locator(".asked dd").first).to_contain_text("总的来说，您满意吗？")
    for summary in page.locator("#change details > summary, #trend details > summary, #first summary").all():
        summary.click()
    tile = page.locator("a.tile").nth(1)
    tile.focus()
    page.keyboard.press("Enter")
    row = page.locator("tr:target")
    expect(row).to_be_in_viewport()
    walker.look("02-open")
    page.goto(page.url.split("#")[0] + "&wall=1")
    page.set_viewport_size({"width": 1920, "height": 1080})
    walker.look("03-wall")
