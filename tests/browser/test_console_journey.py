"""The team's way from logging in to printed letters, seen by a real browser at two widths."""

import re

import pytest
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import expect

from survey.contacts.models import LetterBatch
from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.questionnaires.models import QuestionnaireVersion
from survey.sampling.models import Case, FrameVersion
from survey.settings import BASE_DIR
from survey.studies.models import Round
from tests import factories
from tests.survey.console.world import make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CORE_FORM = BASE_DIR / "survey" / "questionnaires" / "data" / "minyi_core.xlsx"
WIDTHS = pytest.mark.parametrize("width", [390, 1280])


@pytest.fixture
def city(transactional_db, settings, tmp_path):
    """The small district, its lead, and a list of its households."""
    settings.MEDIA_ROOT = tmp_path / "media"
    regions = factories.make_regions()
    factories.make_user("li", "study_lead", regions["370100000000"], display_name="李敏")
    lines = ["社区代码,地址"]
    for code, region in regions.items():
        if region.level == "community" and code.startswith("370105"):
            lines += [f"{code},{region.name} {n // 4 + 1} 号楼 {n} 室" for n in range(1, 61)]
    path = tmp_path / "households.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join([lines[0], "999999999999,某路 1 号", lines[1]]), encoding="utf-8")
    return {"list": path, "bad": bad}


def work_off(page):
    """Do what the worker would do; the open page notices by itself."""
    run_job(str(Job.objects.get(state=Job.State.PENDING).pk))


def finished(page):
    expect(page.get_by_text("做完了。")).to_be_visible(timeout=15_000)


@WIDTHS
def test_the_team_walks_from_log_in_to_letters(walk, city, width):
    walker = walk(f"console-{width}", width=width)
    page = walker.page

    page.goto("/console/")
    walker.look("01-log-in")
    page.get_by_label("用户名").fill("li")
    page.get_by_label("密码").fill("li-password")
    page.get_by_role("button", name="登录").click()
    walker.look("02-no-study-yet")

    page.get_by_role("link", name="新建项目").click()
    page.get_by_label("名称").first.fill("2026 年济南市居民满意度调查")
    page.get_by_label("在哪里做").fill("济南市")
    page.get_by_label("只做其中几个区县或街道").fill("天桥区")
    page.get_by_label("谁在问").fill("济南市居民满意度调查组")
    page.get_by_label("为什么问").fill("看看哪些事该先办，办了以后有没有变好")
    page.get_by_label("居民打哪个电话问").fill("0531-12345")
    walker.look("03-new-study")
    page.get_by_role("button", name="建好，下一步").click()
    page.get_by_label("这一轮叫什么").fill("第 6 轮 · 下半年")
    page.get_by_role("button", name="建好，去总览").click()
    expect(page.get_by_role("heading", name="导入住户名录")).to_be_visible()
    walker.look("04-overview-new")

    _import_frame(walker, city)
    _bring_questionnaire(walker)
    _draw(walker)
    _print_letters(walker)
    _open_the_field(walker)


def _import_frame(walker, city):
    page = walker.page
    page.get_by_role("link", name="去导入").click()
    walker.look("05-no-frame-yet")
    for file, name in ((city["bad"], "台账（有错）"), (city["list"], "2026 年 9 月社区台账")):
        if page.url.endswith("/frame/"):
            page.get_by_role("link", name=re.compile("导入名录|导入新的一版")).click()
        page.get_by_label("名录文件").set_input_files(file)
        page.get_by_label("给名录起个名字").fill(name)
        page.get_by_label("名录管哪里").fill("天桥区")
        if file == city["list"]:
            walker.look("07-import-frame")
        page.get_by_role("button", name="上传并导入").click()
        expect(page.get_by_role("progressbar")).to_be_visible()
        if file == city["bad"]:
            walker.look("06-job-running")
            work_off(page)
            expect(page.get_by_text("第 2 行", exact=True)).to_be_visible(timeout=15_000)
            walker.look("06-refused-rows")
            page.get_by_role("link", name="改好再来").click()
    work_off(page)
    finished(page)
    page.get_by_role("link", name="去看结果").click()
    assert FrameVersion.objects.get(state="ready").n_households == 360
    walker.look("08-frame")


def _bring_questionnaire(walker):
    page = walker.page
    page.get_by_role("link", name="去定问卷").click()
    walker.look("09-no-questionnaire-yet")
    page.get_by_role("link", name="上传 XLSForm").click()
    page.get_by_label("XLSForm 文件").set_input_files(CORE_FORM)
    page.get_by_role("button", name="上传").click()
    walker.look("10-questionnaire-read")
    page.get_by_role("link", name="看一遍").click()
    walker.look("11-questionnaire-version")
    page.get_by_role("link", name="在手机上试填").click()
    expect(page.get_by_text("试填，不保存")).to_be_visible()
    expect(page.get_by_text("正在打开问卷")).to_have_count(0)
    walker.look("12-preview", check=False)
    page.get_by_role("link", name="回到问卷").click()
    page.get_by_role("button", name="发布这一版").click()
    page.get_by_role("button", name="装上常用指标").click()
    walker.look("13-set-up-round")
    page.get_by_role("button", name="定下来").click()
    expect(page.get_by_text("问卷、说明书和指标都定好了。")).to_be_visible()
    walker.look("14-questionnaire-pinned")
    assert QuestionnaireVersion.objects.get().state == "published"


def _draw(walker):
    """The shortest way through the wizard; `test_sampling_wizard` looks at every step of it."""
    page = walker.page
    FrameVersion.objects.update(is_simulated=True)  # a draw that need not wait for an evening's lottery
    page.goto(f"/console/rounds/{Round.objects.get().pk}/")
    page.get_by_role("link", name="去设计").click()
    page.get_by_role("button", name="总体就是这些，下一步").click()
    page.get_by_role("button", name="就按这个精度，下一步").click()
    page.get_by_label("按住户数：大街道多抽").check()
    page.get_by_label("抽多少个社区").fill("99")
    page.get_by_label("每个社区抽多少户").fill("5")
    page.get_by_role("button", name="看看每个街道会有多准，下一步").click()
    expect(page.get_by_text("最多抽 6 个社区")).to_be_visible()
    walker.look("15-design-refused")
    page.get_by_label("抽多少个社区").fill("4")
    page.get_by_role("button", name="看看每个街道会有多准，下一步").click()
    page.get_by_role("button", name="不模拟，直接定下方案").click()
    walker.look("16-plan")
    page.get_by_role("link", name="去承诺").click()
    page.get_by_label("我看过方案了").check()
    page.get_by_role("button", name="承诺：抽 20 户").click()
    page.get_by_role("link", name="去等揭晓").click()
    page.get_by_label("开出来的是").fill("演示")
    page.get_by_role("button", name="抽取 20 户").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    work_off(page)
    finished(page)
    page.get_by_role("link", name="去看结果").click()
    expect(page.get_by_role("heading", name="抽样结果")).to_be_visible()
    walker.look("17-drawn")
    assert Case.objects.count() == 20


def _print_letters(walker):
    page = walker.page
    page.get_by_role("link", name="去备信").click()
    walker.look("18-letters")
    page.get_by_role("button", name="备信").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    work_off(page)
    finished(page)
    page.get_by_role("link", name="去看结果").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="下载 PDF").click()
    assert download.value.path().read_bytes().startswith(b"%PDF")
    walker.look("19-letters-ready")
    assert LetterBatch.objects.get().n_letters == 20


def _open_the_field(walker):
    page = walker.page
    page.goto(f"/console/rounds/{Round.objects.get().pk}/")
    walker.look("20-overview-ready")
    page.get_by_role("link", name="去开始").click()
    page.get_by_label("我知道开始以后").check()
    walker.look("21-open")
    page.get_by_role("button", name="开始收卷").click()
    walker.look("22-overview-open")
    page.goto(f"/console/rounds/{Round.objects.get().pk}/fieldwork/")
    walker.look("23-fieldwork")
    for step, name in (("sampling", "24-sampling"), ("weighting", "25-weighting"), ("reports", "26-reports")):
        page.goto(f"/console/rounds/{Round.objects.get().pk}/{step}/")
        walker.look(name)
    page.goto("/console/jobs/")
    walker.look("27-jobs")
    page.goto("/console/")
    walker.look("28-home")
    page.goto("/accounts/me/")
    walker.look("29-me")
    assert Round.objects.get().state == "open"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_menu_of_a_narrow_screen_opens_by_key_and_closes_by_escape(walk, city, scheme):
    walker = walk(f"console-menu-{scheme}", width=390, color_scheme=scheme)
    page = walker.page
    regions = factories.Region.objects.get(code="370105000000")
    round_ = factories.make_drawn_round(regions)
    page.goto(f"/accounts/login/?next=/console/rounds/{round_.pk}/")
    page.get_by_label("用户名").fill("li")
    page.get_by_label("密码").fill("li-password")
    page.get_by_role("button", name="登录").click()
    walker.look("overview")
    assert not page.get_by_role("link", name="任务").is_visible()
    menu = page.get_by_role("button", name="菜单")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="任务")).to_be_visible()
    walker.look("menu")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="任务")).to_be_hidden()
    assert menu.evaluate("node => node === document.activeElement")


def test_without_scripts_the_menu_is_simply_there(walk, city):
    walker = walk("console-no-script", width=390, java_script_enabled=False)
    page = walker.page
    page.goto("/accounts/login/")
    page.get_by_label("用户名").fill("li")
    page.get_by_label("密码").fill("li-password")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("link", name="任务")).to_be_visible()


def test_an_administrator_enrols_a_phone_and_manages_members(walk, city):
    regions = factories.Region.objects.get(code="370100000000")
    factories.make_user("admin", "administrator", regions, display_name="管理员")
    for n in range(60):
        factories.make_user(f"member{n}", "interviewer", regions, display_name=f"赵访员{n}" + "长" * (n % 9))

    walker = walk("console-admin", width=390)
    page = walker.page
    page.goto("/accounts/login/")
    page.get_by_label("用户名").fill("admin")
    page.get_by_label("密码").fill("admin-password")
    page.get_by_role("button", name="登录").click()
    walker.look("01-enrol")
    page.get_by_label("6 位数字").fill(f"{totp(TOTPDevice.objects.get().bin_key):06d}")
    page.get_by_role("button", name="绑定").click()
    walker.look("02-recovery-codes")
    page.get_by_role("link", name="抄好了，继续").click()
    page.goto("/accounts/members/")
    walker.look("03-members")
    page.get_by_role("link", name="加一位成员").click()
    page.get_by_label("用户名").fill("qian")
    page.get_by_label("姓名").fill("钱分析")
    page.get_by_label("角色").select_option("analyst")
    page.get_by_label("区域").fill("天桥区")
    walker.look("04-new-member")
    page.get_by_role("button", name="建账号").click()
    expect(page.get_by_text("/accounts/invitation/")).to_be_visible()
    walker.look("05-invited", check=True)
    page.get_by_role("link", name="好了").click()
    walker.look("06-member")
    page.goto("/accounts/audit/?verify=1")
    walker.look("07-audit")
    page.goto("/accounts/me/tokens/")
    page.get_by_role("button", name="做一个").click()
    walker.look("08-token")
    page.goto("/admin/")
    walker.look("09-admin", check=False)
    walker.complaints.clear()


@WIDTHS
def test_the_pages_of_a_field_under_way_hold_their_figures(walk, transactional_db, settings, tmp_path, width):
    settings.MEDIA_ROOT = tmp_path
    world = make_world(factories.make_regions())
    walker = walk(f"console-figures-{width}", width=width)
    page = walker.page
    page.goto("/accounts/login/")
    page.get_by_label("用户名").fill("u-study_lead")
    page.get_by_label("密码").fill("u-study_lead-password")
    page.get_by_role("button", name="登录").click()
    for name in ("", "fieldwork", "weighting", "reports", "letters"):
        page.goto(f"/console/rounds/{world.round.pk}/{name + '/' if name else ''}")
        walker.look(name or "overview")
    page.goto(f"/console/rounds/{world.round.pk}/weighting/")
    expect(page.get_by_text("对齐普查：区县、性别、年龄")).to_be_visible()
    page.goto(f"/console/rounds/{world.round.pk}/close/")
    walker.look("close")
