"""An author's way: XLSForm in, edit, preview, publish, a new version, the difference; at two widths."""

import re

import pytest
from playwright.sync_api import expect

from survey.accounts.models import User
from survey.audit.services import COMMAND
from survey.questionnaires.document import item_index, items_of
from survey.questionnaires.models import QuestionnaireVersion
from survey.questionnaires.services import read_form, store_draft
from survey.settings import BASE_DIR
from tests import factories
from tests.browser.conftest import JOURNEYS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CORE_FORM = BASE_DIR / "survey" / "questionnaires" / "data" / "minyi_core.xlsx"


@pytest.fixture
def round_(transactional_db, settings, tmp_path):
    """A round, and somebody who may write its questionnaire."""
    settings.MEDIA_ROOT = tmp_path / "media"
    regions = factories.make_regions()
    factories.make_user("li", "study_lead", regions["370100000000"], display_name="李敏")
    return factories.make_round(factories.make_study(regions["370105000000"]))


def log_in(walker, address):
    page = walker.page
    page.goto(f"/accounts/login/?next={address}")
    page.locator("[name=username]").fill("li")
    page.locator("[name=password]").fill("li-password")
    page.locator("form:has([name=password]) [type=submit]").click()


def saved(walker):
    told = re.compile(walker.say("%s 已保存", whole=True).replace("%s", ".*"))
    expect(walker.page.locator("[data-status]")).to_contain_text(told, timeout=30_000)


def draft():
    return QuestionnaireVersion.objects.get(state="draft")


def open_item(page, width, name):
    """By the outline; on a narrow screen it is on the page of the whole."""
    if width < 861:
        page.goto(re.sub(r"\?.*", "", page.url))
    page.locator(f"[data-item='{name}'] a").click()


@JOURNEYS
def test_an_author_brings_edits_previews_publishes_and_compares(walk, round_, width, language):
    """On a line that drops a fifth of what scripts ask for."""
    User.objects.update(language=language)
    walker = walk(f"editor-{width}-{language}", width=width, language=language)
    page, say = walker.page, walker.say
    log_in(walker, f"/console/rounds/{round_.pk}/questionnaire/")
    walker.lose_requests(seed=width)
    walker.look("01-none-yet")
    page.get_by_role("link", name=say("新建问卷")).click()
    walker.look("02-ways-to-begin")
    page.get_by_role("link", name=say("去上传")).click()
    page.get_by_label(say("XLSForm 文件")).set_input_files(CORE_FORM)
    page.get_by_role("button", name=say("上传")).click()
    page.get_by_role("link", name=say("看一遍")).click()
    walker.look("03-version")
    page.get_by_role("link", name=say("编辑")).click()
    walker.look("04-whole")

    _write(walker, width)
    _pick_a_condition(walker, width)
    _add_from_the_bank(walker, width)
    _translate(walker)
    _publish_and_compare(walker, round_)
    walker.forgive_lost_requests()


def _write(walker, width):
    page, say = walker.page, walker.say
    page.locator("[data-item='Q15'] a").click()
    page.locator("#f-label").fill("您对本地的社会治安和停车秩序满意吗？")
    page.locator("#f-hint").focus()
    saved(walker)
    expect(page.get_by_text(say("这一问里有两件事：{first}、{second}。"))).to_be_visible()
    walker.look("05-two-things")
    phone = page.frame_locator("[data-phone]")
    expect(phone.get_by_text("您对本地的社会治安和停车秩序满意吗？")).to_be_visible(timeout=15_000)
    page.get_by_role("button", name=say("拆成两题")).click()
    expect(page.get_by_text(say("这一问里有两件事：{first}、{second}。"))).to_have_count(0)
    index = item_index(draft().document)
    assert index["Q15"][1]["label"] == {"zh-hans": "您对本地的社会治安满意吗？"}
    assert index["Q15_2"][1]["label"] == {"zh-hans": "您对停车秩序满意吗？"}
    page.get_by_role("button", name=say("撤销")).click()
    page.get_by_role("button", name=say("重做")).click()
    assert "Q15_2" in item_index(draft().document)
    walker.look("06-split")
    # An option is added, named, and dragged upwards by its handle.
    page.get_by_role("button", name=say("加一个选项")).click()
    page.keyboard.type("说法换一个")
    page.get_by_label(say("只改这一题")).check()
    saved(walker)
    rows = page.locator("[data-rows] [data-row]")
    grip, goal = rows.last.locator("[data-grip]"), rows.nth(1)
    grip.scroll_into_view_if_needed()
    box, there = grip.bounding_box(), goal.bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(there["x"] + 8, there["y"] + 4, steps=12)
    page.mouse.up()
    page.wait_for_timeout(1500)
    saved(walker)
    made = draft().document
    labels = [c["label"]["zh-hans"] for c in made["choice_lists"][item_index(made)["Q15"][1]["list"]]]
    assert labels[1] == "说法换一个"
    walker.look("07-options")


def _pick_a_condition(walker, width):
    page, say = walker.page, walker.say
    open_item(page, width, "Q15_2")
    page.get_by_text(say("什么时候问")).click()
    page.locator("[data-cond='new'] select").select_option("P04")
    page.get_by_label(say("哪个答案")).select_option(label="是")
    stored_condition(walker, "${P04} = 1")
    page.locator("[data-cond='new'] select").select_option("Q01")
    expect(page.get_by_label(say("怎么比"))).to_have_count(2)
    page.get_by_label(say("怎么比")).last.select_option("any_of")
    page.get_by_label("不太满意").check()
    page.get_by_label("很不满意").check()
    page.get_by_label(say("满足一个就问")).check()
    stored_condition(walker, "${P04} = 1 or ${Q01} = 2 or ${Q01} = 1")
    page.reload()
    expect(page.locator(".cond-words")).to_contain_text(say("，或者"))
    walker.look("08-condition")


def stored_condition(walker, text):
    """What was picked is stored, at the latest when the line lets it through."""
    for _try in range(60):
        saved(walker)
        held = item_index(draft().document)["Q15_2"][1].get("relevant")
        if held and held["text"] == text:
            return
        walker.page.wait_for_timeout(500)
    raise AssertionError((held, text))


def _add_from_the_bank(walker, width):
    page, say = walker.page, walker.say
    page.goto(re.sub(r"\?.*", "", page.url))
    page.get_by_role("link", name=say("从题库拿题")).click()
    page.get_by_label(say("找什么")).fill("物业")
    page.get_by_role("button", name=say("找"), exact=True).click()
    page.get_by_label("您对所在小区的物业服务满意吗").check()
    walker.look("09-bank")
    page.get_by_role("button", name=say("放进草稿")).click()
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
    page, say = walker.page, walker.say
    page.goto(re.sub(r"edit/.*", "translate/", page.url))
    walker.look("10-translate")
    page.get_by_role("link", name=say("只看没译的")).click()
    page.get_by_role("button", name=say("这一页都先用建议")).click()
    page.get_by_role("button", name=say("保存这一页")).click()
    expect(page.get_by_text(say("译文存好了。"))).to_be_visible()
    page.goto(f"{page.url.split('?')[0]}?language=en&show=missing")
    for field in page.locator("textarea").all():
        field.fill("A text in English")
    page.get_by_role("button", name=say("保存这一页")).click()
    expect(page.get_by_text(say("都译好了"))).to_be_visible()


def _publish_and_compare(walker, round_):
    page, say = walker.page, walker.say
    page.goto(re.sub(r"translate/.*", "paths/", page.url))
    expect(page.get_by_text(say("每一题都走得到。")).first).to_be_visible()
    walker.look("11-paths")
    page.goto(re.sub(r"paths/", "", page.url))
    page.get_by_role("link", name=say("在手机上试填")).click()
    expect(page.get_by_text(say("试填，不保存"))).to_be_visible()
    expect(page.get_by_text(say("正在打开问卷……"))).to_have_count(0)
    page.get_by_role("link", name=say("回到问卷")).click()
    walker.look("12-before-publishing")
    page.get_by_role("button", name=say("发布这一版")).click()
    published = QuestionnaireVersion.objects.get(state="published")
    page.goto(f"/console/rounds/{round_.pk}/questionnaire/{published.pk}/")
    page.get_by_role("button", name=say("出新的一版")).click()
    page.goto(f"{page.url}?item=Q15")
    page.locator("#f-label").fill("总的来说，您对本地的社会治安满意吗？")
    page.locator("#f-hint").focus()
    saved(walker)
    page.get_by_role("link", name=say("比较两版")).click()
    expect(page.get_by_text(say("不能和前几轮直接比，趋势图在这里断开")).first).to_be_visible()
    expect(page.locator("ins").first).to_have_text("总的来说，")
    walker.look("13-difference")
    page.goto(f"/console/rounds/{round_.pk}/questionnaire/")
    walker.look("14-versions")


def test_two_windows_on_one_item_lose_nothing(walk, round_):
    store_draft(document=read_form(CORE_FORM)[0], acting_user=COMMAND)
    address = f"/console/rounds/{round_.pk}/questionnaire/{draft().pk}/edit/?item=O01"
    first, second = walk("editor-first", width=1280), walk("editor-second", width=1280)
    for walker in (first, second):
        log_in(walker, address)
    first.page.get_by_label("题目", exact=False).first.fill("最要紧的一件事是什么？")
    first.page.get_by_label("提示语").focus()
    saved(first)
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
    log_in(walker, f"/console/rounds/{round_.pk}/questionnaire/new/")
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


def _options(*labels):
    return {"options": labels}


def _fill_in(page, more):
    for name, value in more.items():
        if name == "options":
            page.locator("[data-rows] [name$=_label]").first.focus()
            for place, label in enumerate(value):
                page.keyboard.press("Control+A")
                page.keyboard.type(label)
                if place + 1 < len(value):
                    page.keyboard.press("Enter")
        elif name == "today":
            page.locator("[name=today]").select_option(value)
        else:
            page.locator(f"[name={name}]").fill(value)


# (type or preset, what is asked, what else is filled in)
TWELVE = (
    ("preset:satisfied", "您对小区的环境卫生满意吗？", {}),
    ("preset:satisfied", "您对小区的停车秩序满意吗？", {}),
    (
        "select_multiple",
        "哪几样最该先办？",
        _options("停车", "路灯", "绿化"),
    ),
    ("preset:score", "0 到 10 分，您给居委会打几分？", {}),
    ("preset:yes_no", "近一年，您给 12345 打过电话吗？", {}),
    ("integer", "一共打过几次？", {"least": "1", "most": "99"}),
    ("date", "最近一次是哪天？", {"today": "past"}),
    ("text", "当时反映的是什么事？", {"shortest": "2"}),
    ("rating", "您给办理结果几颗星？", {}),
    (
        "ranking",
        "下面几样，请按要紧的次序排一排。",
        _options("快", "好", "省事"),
    ),
    ("select_one", "您的性别？", _options("男", "女")),
    ("integer", "请问您今年多少周岁？", {"least": "18", "most": "120"}),
)


def test_twelve_questions_are_written_from_an_empty_page_and_published(walk, round_):
    walker = walk("editor-twelve", width=1280)
    page = walker.page
    log_in(walker, f"/console/rounds/{round_.pk}/questionnaire/new/")
    page.locator("#blank-title").fill("小区十二问")
    page.get_by_role("button", name="开始写").click()
    walker.look("01-empty")
    for number, (kind, label, more) in enumerate(TWELVE, start=1):
        if number > 1:
            page.get_by_text("在下面加一题").click()
        page.locator(f"button[name=type][value='{kind}']").last.click()
        page.locator("#f-label").fill(label)
        _fill_in(page, more)
        page.locator("#f-label").focus()
        page.locator("#f-hint").focus()
        saved(walker)
        walker.look(f"{number + 1:02d}-{kind.removeprefix('preset:')}", check=number in (3, 7, 8))
    names = [item["name"] for item in items_of(draft().document)]
    assert len(names) == 12
    page.locator(f"[data-item={names[5]}] a").click()
    page.get_by_text("什么时候问").click()
    page.locator("[data-cond='new'] select").select_option(names[4])
    page.get_by_label("哪个答案").select_option(label="是")
    page.locator("#f-hint").focus()
    for _try in range(30):
        if "relevant" in item_index(draft().document)[names[5]][1]:
            break
        page.wait_for_timeout(300)
    walker.look("20-condition")
    page.goto(re.sub(r"\?.*", "", page.url))
    walker.look("21-whole")
    page.get_by_role("link", name="检查和发布").click()
    walker.look("22-check")
    page.get_by_role("button", name="发布这一版").click()
    assert QuestionnaireVersion.objects.get().state == "published"
