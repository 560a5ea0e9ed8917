"""An author pastes a questionnaire: wrong lines are named while one writes, then it is a draft."""

import re

import pytest
from playwright.sync_api import expect

from survey.questionnaires.models import QuestionnaireVersion
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TEXT = """2026 年度某某街道居民公共服务满意度和获得感、幸福感、安全感调查问卷

1. 您的性别 [单选题] *
A. 男  B. 女
2. 您用过哪些办法反映问题？[多选题][最多选 2 项]
○ 打 12345 热线
○ 找社区居委会
○ 其他____
3. 您对下面几样满意吗？[矩阵量表题]
很满意 满意 一般 不满意 很不满意
环境卫生
楼道照明
4. 还有什么想说的？[火箭题]
"""


@pytest.fixture
def round_(transactional_db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    regions = factories.make_regions()
    factories.make_user("li", "study_lead", regions["370100000000"], display_name="李敏")
    return factories.make_round(factories.make_study(regions["370105000000"]))


def log_in(page, address):
    page.goto(f"/accounts/login/?next={address}")
    page.get_by_label("用户名").fill("li")
    page.get_by_label("密码").fill("li-password")
    page.get_by_role("button", name="登录").click()


@pytest.mark.parametrize("width", [390, 1280])
def test_an_author_pastes_a_text_mends_a_line_and_goes_on_in_the_editor(walk, round_, width):
    walker = walk(f"pasting-{width}", width=width)
    page = walker.page
    log_in(page, f"/console/rounds/{round_.pk}/questionnaire/new/")
    found = page.locator("[data-paste-found]")
    box = page.locator("#paste-text")
    box.fill(TEXT)
    expect(found).to_contain_text("第 13 行", timeout=15_000)
    walker.look("01-a-wrong-line")
    box.fill(TEXT.replace("火箭题", "简答题"))
    expect(found).to_contain_text("读出 6 题", timeout=15_000)
    page.get_by_text("怎么写").click()
    walker.look("02-all-read")
    page.get_by_role("button", name="存成草稿").click()
    page.wait_for_url(re.compile(r"/edit/$"))
    walker.look("03-in-the-editor")
    version = QuestionnaireVersion.objects.get()
    page.goto(f"/console/rounds/{round_.pk}/questionnaire/{version.pk}/")
    walker.look("04-the-version")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载 XLSForm").click()
    assert download.value.suggested_filename.endswith("-v1.xlsx")
    page.goto(f"/console/rounds/{round_.pk}/questionnaire/import/")
    walker.look("05-the-upload")
