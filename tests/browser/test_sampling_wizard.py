"""A newcomer designs and draws a district in seven steps, seen by a real browser at two widths."""

import hashlib
import re

import pytest
from playwright.sync_api import expect

from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.sampling.models import Case, Design, Draw, FrameVersion, PlanDraft
from survey.sampling.services import import_households
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = pytest.mark.parametrize("width", [390, 1280])


@pytest.fixture
def district(transactional_db, settings, tmp_path):
    """A draft round of 天桥区 with a simulated list: 6 communities of 60 households."""
    settings.MEDIA_ROOT = tmp_path / "media"
    regions = factories.make_regions()
    lead = factories.make_user("li", "study_lead", regions["370100000000"], display_name="李敏")
    round_ = factories.make_round(factories.make_study(regions["370105000000"]))
    lines = ["社区代码,地址"]
    for code, region in regions.items():
        if region.level == "community" and code.startswith("370105"):
            lines += [f"{code},{region.name} {n // 4 + 1} 号楼 {n} 室" for n in range(1, 61)]
    path = tmp_path / "households.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    import_households(
        path=path, name="社区台账", region=regions["370105000000"], acting_user=lead, is_simulated=True
    )
    return round_


def open_wizard(walker, round_):
    page = walker.page
    page.goto(f"/accounts/login/?next=/console/rounds/{round_.pk}/sampling/")
    page.get_by_label("用户名").fill("li")
    page.get_by_label("密码").fill("li-password")
    page.get_by_role("button", name="登录").click()
    return page


@WIDTHS
def test_a_newcomer_goes_from_the_list_to_the_cases(walk, district, width):
    walker = walk(f"wizard-{width}", width=width)
    page = open_wizard(walker, district)
    walker.look("01-start")
    page.get_by_role("link", name="做设计").click()
    walker.look("02-population")
    page.get_by_role("button", name="总体就是这些，下一步").click()
    _say_how_exact(walker)
    _divide(walker)
    _simulate(walker)
    _commit(walker)
    _draw(walker)
    assert Case.objects.count() == Design.objects.get().plan["n_cases"]


def _say_how_exact(walker):
    page = walker.page
    page.get_by_label(re.compile("每个街道的误差")).fill("6")
    page.get_by_label(re.compile("预计应答率")).fill("50")
    page.get_by_label(re.compile("预计应答率")).blur()
    # Saved and worked out again without a button.
    expect(page.get_by_text("每个街道 2 个")).to_be_visible()
    assert PlanDraft.objects.get().answers["precision"]["margin_street"] == ["6"]
    expect(page.get_by_text("做不到：要分清一个街道 0.1 分的变化")).to_be_visible()
    page.get_by_text("怎么算的").click()
    expect(page.get_by_text("deff = 1 +").first).to_be_visible()
    walker.look("03-precision")
    page.get_by_text("更细的假定（不懂就不用动）").click()
    page.get_by_label(re.compile("个别区县、街道另有要求")).fill("火星街道 2")
    page.get_by_label(re.compile("每个社区问多少户")).fill("10")
    page.get_by_role("button", name="就按这个精度，下一步").click()
    expect(page.get_by_text("没有找到“火星街道”").first).to_be_visible()
    walker.look("04-precision-refused")
    page.get_by_label(re.compile("个别区县、街道另有要求")).fill("")
    page.get_by_role("button", name="就按这个精度，下一步").click()


def _divide(walker):
    page = walker.page
    expect(page.get_by_label("按第 2 步要求的误差，花钱最少")).to_be_checked()
    walker.look("05-design")
    page.get_by_label("按住户数：大街道多抽").check()
    page.get_by_label("抽多少个社区").fill("4")
    page.get_by_label("每个社区抽多少户").fill("10")
    page.get_by_label("每个社区抽多少户").blur()
    expect(page.get_by_text("会这样分层")).to_be_visible()
    page.get_by_role("button", name="看看每个街道会有多准，下一步").click()


def _simulate(walker):
    page = walker.page
    walker.look("06-before-simulation")
    page.get_by_role("button", name="开始模拟").click()
    expect(page.get_by_role("row", name=re.compile("无影山街道"))).to_be_visible()
    walker.look("07-simulation")
    page.get_by_role("link", name="误差大的在前").click()
    page.get_by_role("button", name="定下这个方案：40 户").click()
    walker.look("08-design-stored")


def _commit(walker):
    page = walker.page
    page.get_by_role("link", name="去承诺").click()
    page.get_by_label("彩票开奖号码").check()
    expect(page.get_by_label("哪一种彩票")).to_be_visible()
    page.get_by_text("请别人也出一份秘密").click()
    walker.look("09-commit")
    page.get_by_label("演示用").check()
    page.get_by_label("第 2 方的名称").fill("居民代表")
    page.get_by_label("它的秘密指纹").first.fill(hashlib.sha256(bytes(32)).hexdigest())
    page.get_by_label("我看过方案了").check()
    page.get_by_role("button", name="承诺：抽 40 户").click()
    expect(page.get_by_text(Draw.objects.get().commitment_hash)).to_be_visible()
    walker.look("10-commitment")
    page.get_by_label("公证处").check()
    page.get_by_label("谁作证").fill("济南市某公证处")
    page.get_by_role("button", name="记下").click()
    walker.look("11-witness-refused")
    page.get_by_role("link", name="去等揭晓").click()


def _draw(walker):
    page = walker.page
    expect(page.get_by_text("还差 1 方的秘密")).to_be_visible()
    walker.look("12-secret")
    page.get_by_label("它的秘密").fill("00" * 32)
    page.get_by_role("button", name="交出秘密").click()
    page.get_by_label("开出来的是").fill("演示")
    walker.look("13-ready")
    page.get_by_role("button", name="抽取 40 户").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    run_job(str(Job.objects.get(state=Job.State.PENDING).pk))
    expect(page.get_by_text("做完了。")).to_be_visible(timeout=15_000)
    page.get_by_role("link", name="去看结果").click()
    expect(page.get_by_role("heading", name="抽样结果")).to_be_visible()
    walker.look("14-drawn")


def test_the_wizard_works_without_scripts(walk, district):
    walker = walk("wizard-no-script", width=390, java_script_enabled=False)
    page = open_wizard(walker, district)
    page.get_by_role("link", name="做设计").click()
    page.get_by_role("button", name="总体就是这些，下一步").click()
    page.get_by_label(re.compile("每个街道的误差")).fill("6")
    page.get_by_role("button", name="重算").click()
    expect(page.get_by_text("每个街道 2 个")).to_be_visible()
    page.get_by_role("button", name="就按这个精度，下一步").click()
    page.get_by_label("按住户数：大街道多抽").check()
    page.get_by_label("抽多少个社区").fill("4")
    page.get_by_label("每个社区抽多少户").fill("10")
    page.get_by_role("button", name="看看每个街道会有多准，下一步").click()
    page.get_by_role("button", name="开始模拟").click()
    page.get_by_role("button", name="定下这个方案：40 户").click()
    page.get_by_role("link", name="去承诺").click()
    page.get_by_label("演示用").check()
    page.get_by_label("我看过方案了").check()
    page.get_by_role("button", name="承诺：抽 40 户").click()
    assert Draw.objects.get().beacon_kind == "demo"
    assert FrameVersion.objects.get().is_simulated
