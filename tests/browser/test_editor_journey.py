"""An author's way: XLSForm in, edit, preview, publish, a new version, the difference; at two widths."""

import re

import pytest
from playwright.sync_api import expect

from survey.audit.services import COMMAND
from survey.questionnaires.document import item_index, items_of
from survey.questionnaires.models import QuestionnaireVersion
from survey.questionnaires.services import read_form, store_draft
from survey.settings import BASE_DIR
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CORE_FORM = BASE_DIR / "survey" / "questionnaires" / "data" / "minyi_core.xlsx"
WIDTHS = pytest.mark.parametrize("width", [390, 1280])


@pytest.fixture
def round_(transactional_db, settings, tmp_path):
    """A round, and somebody who may write its questionnaire."""
    settings.MEDIA_ROOT = tmp_path / "media"
    regions = factories.make_regions()
    factories.make_user("li", "study_lead", regions["370100000000"], display_name="李敏")
    return factories.make_round(factories.make_study(regions["370105000000"]))


def log_in(page, address):
    page.goto(f"/accounts/login/?next={address}")
    page.get_by_label("用户名").fill("li")
    page.get_by_label("密码").fill("li-password")
    page.get_by_role("button", name="登录").click()


def saved(page):
    expect(page.locator("[data-status]")).to_contain_text("已保存", timeout=15_000)


def draft():
    return QuestionnaireVersion.objects.get(state="draft")


def open_item(page, width, name):
    """By the outline; on a narrow screen it is on the page of the whole."""
    if width < 861:
        page.goto(re.sub(r"\?.*", "", page.url))
    page.locator(f"[data-item='{name}'] a").click()


@WIDTHS
def test_an_author_brings_edits_previews_publishes_and_compares(walk, round_, width):
    walker = walk(f"editor-{width}", width=width)
    page = walker.page
    log_in(page, f"/console/rounds/{round_.pk}/questionnaire/")
    walker.look("01-none-yet")
    page.get_by_role("link", name="新建问卷").click()
    walker.look("02-ways-to-begin")
    page.get_by_role("link", name="去上传").click()
    page.get_by_label("XLSForm 文件").set_input_files(CORE_FORM)
    page.get_by_role("button", name="上传").click()
    page.get_by_role("link", name="看一遍").click()
    walker.look("03-version")
    page.get_by_role("link", name="编辑").click()
    walker.look("04-whole")

    _write(walker, width)
    _pick_a_condition(walker, width)
    _add_from_the_bank(walker, width)
    _translate(walker)
    _publish_and_compare(walker, round_)


def _write(walker, width):
    page = walker.page
    page.locator("[data-item='Q15'] a").click()
    page.get_by_label("题目", exact=False).first.fill("您对本地的社会治安和停车秩序满意吗？")
    page.get_by_label("提示语").focus()
    saved(page)
    expect(page.get_by_text("这一问里有两件事")).to_be_visible()
    walker.look("05-two-things")
    phone = page.frame_locator("[data-phone]")
    expect(phone.get_by_text("您对本地的社会治安和停车秩序满意吗？")).to_be_visible(timeout=15_000)
    page.get_by_role("button", name="拆成两题").click()
    expect(page.get_by_text("这一问里有两件事")).to_have_count(0)
    index = item_index(draft().document)
    assert index["Q15"][1]["label"] == {"zh-hans": "您对本地的社会治安满意吗？"}
    assert index["Q15_2"][1]["label"] == {"zh-hans": "您对停车秩序满意吗？"}
    page.get_by_role("button", name="撤销").click()
    page.get_by_role("button", name="重做").click()
    assert "Q15_2" in item_index(draft().document)
    walker.look("06-split")
    # An option is added, named, and dragged upwards by its handle.
    page.get_by_role("button", name="加一个选项").click()
    page.keyboard.type("说法换一个")
    page.get_by_label("只改这一题").check()
    saved(page)
    rows = page.locator("[data-rows] [data-row]")
    grip, goal = rows.last.locator("[data-grip]"), rows.nth(1)
    grip.scroll_into_view_if_needed()
    box, there = grip.bounding_box(), goal.bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(there["x"] + 8, there["y"] + 4, steps=12)
    page.mouse.up()
    page.wait_for_timeout(1500)
    saved(page)
    made = draft().document
    labels = [c["label"]["zh-hans"] for c in made["choice_lists"][item_index(made)["Q15"][1]["list"]]]
    assert labels[1] == "说法换一个"
    walker.look("07-options")


def _pick_a_condition(walker, width):
    page = walker.page
    open_item(page, width, "Q15_2")
    page.get_by_text("什么时候问").click()
    page.locator("[data-cond='new'] select").select_option("P04")
    page.get_by_label("哪个答案").select_option(label="是")
    saved(page)
    assert item_index(draft().document)["Q15_2"][1]["relevant"]["text"] == "${P04} = 1"
    page.locator("[data-cond='new'] select").select_option("Q01")
    expect(page.get_by_label("怎么比")).to_have_count(2)
    page.get_by_label("怎么比").last.select_option("any_of")
    page.get_by_label("不太满意").check()
    page.get_by_label("很不满意").check()
    page.get_by_label("满足一个就问").check()
    saved(page)
    text = item_index(draft().document)["Q15_2"][1]["relevant"]["text"]
    assert text == "${P04} = 1 or ${Q01} = 2 or ${Q01} = 1"
    page.reload()
    expect(page.get_by_text("选了“是”，或者")).to_be_visible()
    walker.look("08-condition")


def _add_from_the_bank(walker, width):
    page = walker.page
    page.goto(re.sub(r"\?.*", "", page.url))
    page.get_by_role("link", name="从题库拿题").click()
    page.get_by_label("找什么").fill("物业")
    page.get_by_role("button", name="找", exact=True).click()
    page.get_by_label("您对所在小区的物业服务满意吗").check()
    walker.look("09-bank")
    page.get_by_role("button", name="放进草稿").click()
    expect(page.locator("[data-item='Q07']")).to_be_visible()
    if width > 861:
        _drag_an_item(page)


def _drag_an_item(page):
    before = [item["name"] for item in items_of(draft().document)]
    page.locator("[data-item='K03']").drag_to(page.locator("[data-item='K01']"))
    expect(page.locator("[data-item='K03'] + [data-item='K01']")).to_be_visible(timeout=15_000)
    after = [item["name"] for item in items_of(draft().document)]
    assert after.index("K03") == after.index("K01") - 1
    assert sorted(before) == sorted(after)


def _translate(walker):
    page = walker.page
    page.goto(re.sub(r"edit/.*", "translate/", page.url))
    walker.look("10-translate")
    page.get_by_role("link", name="只看没译的").click()
    page.get_by_role("button", name="这一页都先用建议").click()
    page.get_by_role("button", name="保存这一页").click()
    expect(page.get_by_text("译文存好了")).to_be_visible()
    page.goto(f"{page.url.split('?')[0]}?language=en&show=missing")
    for field in page.locator("textarea").all():
        field.fill("A text in English")
    page.get_by_role("button", name="保存这一页").click()
    expect(page.get_by_text("都译好了")).to_be_visible()


def _publish_and_compare(walker, round_):
    page = walker.page
    page.goto(re.sub(r"translate/.*", "paths/", page.url))
    expect(page.get_by_text("每一题都走得到").first).to_be_visible()
    walker.look("11-paths")
    page.goto(re.sub(r"paths/", "", page.url))
    page.get_by_role("link", name="在手机上试填").click()
    expect(page.get_by_text("试填，不保存")).to_be_visible()
    expect(page.get_by_text("正在打开问卷")).to_have_count(0)
    page.get_by_role("link", name="回到问卷").click()
    walker.look("12-before-publishing")
    page.get_by_role("button", name="发布这一版").click()
    published = QuestionnaireVersion.objects.get(state="published")
    page.goto(f"/console/rounds/{round_.pk}/questionnaire/{published.pk}/")
    page.get_by_role("button", name="出新的一版").click()
    page.goto(f"{page.url}?item=Q15")
    page.get_by_label("题目", exact=False).first.fill("总的来说，您对本地的社会治安满意吗？")
    page.get_by_label("提示语").focus()
    saved(page)
    page.get_by_role("link", name="比较").click()
    expect(page.get_by_text("趋势图在这里断开").first).to_be_visible()
    expect(page.locator("ins").first).to_have_text("总的来说，")
    walker.look("13-difference")
    page.goto(f"/console/rounds/{round_.pk}/questionnaire/")
    walker.look("14-versions")


def test_two_windows_on_one_item_lose_nothing(walk, round_):
    store_draft(document=read_form(CORE_FORM)[0], acting_user=COMMAND)
    address = f"/console/rounds/{round_.pk}/questionnaire/{draft().pk}/edit/?item=O01"
    first, second = walk("editor-first", width=1280), walk("editor-second", width=1280)
    for walker in (first, second):
        log_in(walker.page, address)
    first.page.get_by_label("题目", exact=False).first.fill("最要紧的一件事是什么？")
    first.page.get_by_label("提示语").focus()
    saved(first.page)
    page = second.page
    page.get_by_label("题目", exact=False).first.fill("您最想改的一件事是什么？")
    page.get_by_label("提示语").focus()
    expect(page.locator("[data-status]")).to_contain_text("李敏", timeout=15_000)
    page.get_by_role("button", name="保存", exact=True).last.click()
    expect(page.get_by_role("alert")).to_contain_text("也改了这份草稿")
    second.look("told")
    page.get_by_role("button", name="保存", exact=True).last.click()
    expect(page.get_by_role("alert")).to_have_count(0)
    label = item_index(draft().document)["O01"][1]["label"]["zh-hans"]
    assert label == "您最想改的一件事是什么？"
    page.get_by_role("button", name="撤销").click()
    assert item_index(draft().document)["O01"][1]["label"]["zh-hans"] == "最要紧的一件事是什么？"


def test_an_item_is_written_without_scripts(walk, round_):
    walker = walk("editor-no-script", width=390, java_script_enabled=False)
    page = walker.page
    log_in(page, f"/console/rounds/{round_.pk}/questionnaire/new/")
    page.locator("#blank-title").fill("小区问卷")
    page.get_by_role("button", name="开始写").click()
    page.get_by_role("button", name="单选").click()
    page.get_by_label("题目", exact=False).first.fill("您住几楼？")
    page.locator("[name=row_0_label]").fill("一楼")
    page.locator("[name=row_1_label]").fill("二楼以上")
    page.get_by_role("button", name="保存", exact=True).last.click()
    assert [c["label"]["zh-hans"] for c in next(iter(draft().document["choice_lists"].values()))] == [
        "一楼",
        "二楼以上",
    ]
    assert [item["label"]["zh-hans"] for item in items_of(draft().document)] == ["您住几楼？"]
