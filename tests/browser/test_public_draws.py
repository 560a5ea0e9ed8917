"""A resident and a journalist look at a draw: seen by a real browser at two widths, light and dark."""

import pytest
from playwright.sync_api import expect

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.common.crypto import decrypt
from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.sampling.models import Draw
from survey.sampling.services import (
    create_design,
    draw_sample,
    household_proof,
    record_timestamp,
    reveal_draw,
    void_draw,
)
from survey.studies.models import Round
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SPEC = {
    "stages": [
        {"unit": "psu", "method": "pps_systematic"},
        {"unit": "household", "method": "srs", "take": 3},
    ],
    "n_psus": 4,
    "reserve_replicates": 1,
}


@pytest.fixture
def draws(transactional_db, settings, tmp_path):
    """A void commitment, a revealed draw of the same round, and another round's commitment."""
    settings.MEDIA_ROOT = tmp_path
    regions = factories.make_regions()
    factories.make_user("li", "study_lead", regions["370100000000"], display_name="李敏")
    frame = factories.make_frame(regions["370105000000"], households=12)
    study = factories.make_study(regions["370105000000"], title="2026 年天桥区城乡居民对公共服务满意度调查")
    design = create_design(round=factories.make_round(study), frame=frame, spec=SPEC, acting_user=SYSTEM)
    void_draw(draw=factories.commit_now(design), reason="公证处当天没有盖章", acting_user=SYSTEM)
    draw = factories.commit_now(design, beacon_name="双色球 2026136 期")
    record_timestamp(
        draw=draw,
        kind="notary",
        authority="济南市天桥公证处",
        stamped_at=now(),
        note="（2026）济天桥证字第 12 号",
        acting_user=SYSTEM,
    )
    draw = draw_sample(draw=draw, beacon_value="03 09 14 21 26 32+07", acting_user=SYSTEM)
    Round.objects.filter(pk=design.round_id).update(state=Round.State.CLOSED, closed_at=now())
    reveal_draw(draw=Draw.objects.get(pk=draw.pk), acting_user=SYSTEM)
    other = factories.make_round(factories.make_study(regions["370105000000"]))
    factories.commit_now(create_design(round=other, frame=frame, spec=SPEC, acting_user=SYSTEM))
    return draw


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "light"), (390, "dark")])
def test_anybody_can_follow_a_draw_and_do_it_again(walk, draws, width, scheme):
    walker = walk(f"draws-{width}-{scheme}", width=width, color_scheme=scheme)
    page = walker.page
    page.goto("/draws/")
    walker.look("01-list")
    page.get_by_role("link", name="2026 年天桥区城乡居民对公共服务满意度调查").first.click()
    walker.look("02-draw")
    page.locator("details.hash summary").first.click()
    expect(page.get_by_text(draws.commitment_hash)).to_be_visible()
    walker.look("03-fingerprint")
    with page.expect_download() as download:
        page.get_by_role("link", name="证书全文（JSON，机器能读）").click()
    assert download.value.suggested_filename == f"certificate-{draws.pk}.json"
    certificate = download.value.path()
    page.get_by_role("link", name="各社区的户数和指纹").click()
    walker.look("04-communities")
    page.go_back()

    page.get_by_role("link", name="在网上核验").click()
    walker.look("05-verify")
    page.get_by_role("button", name="核验", exact=True).click()
    expect(page.get_by_text("正在重算")).to_be_visible()
    walker.look("06-verifying")
    run_job(str(Job.objects.get(kind="sampling.verify").pk))
    expect(page.locator(".verdict-word")).to_have_text("是", timeout=15_000)
    walker.look("07-yes")

    forged = certificate.read_text(encoding="utf-8").replace("03 09 14", "03 09 15")
    page.goto(f"/draws/{draws.pk}/verify")
    page.get_by_label("证书文件").set_input_files(
        {"name": "certificate.json", "mimeType": "application/json", "buffer": forged.encode()}
    )
    page.get_by_role("button", name="上传并核验").click()
    expect(page.get_by_text("正在重算")).to_be_visible()
    run_job(str(Job.objects.get(kind="sampling.verify", state=Job.State.PENDING).pk))
    expect(page.locator(".verdict-word")).to_have_text("否", timeout=15_000)
    walker.look("08-no")

    page.get_by_role("link", name="查我家在不在名录里").first.click()
    walker.look("09-my-line")
    unit = draws.design.frame.units.select_related("frame").first()
    page.get_by_label("信封上的地址").fill(decrypt(unit.address_cipher, "sampling.address"))
    page.get_by_label("名录凭证").fill("\n".join(household_proof(frame_unit=unit)))
    page.get_by_role("button", name="查一查").click()
    expect(page.locator(".verdict-word")).to_have_text("是")
    walker.look("10-my-line-yes")
    page.get_by_role("link", name="签名公钥").click()
    walker.look("11-keys")
    page.goto("/draws/999/")
    walker.look("12-not-found")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_team_reads_the_sampling_report(walk, draws, width):
    walker = walk(f"sampling-report-{width}", width=width)
    page = walker.page
    page.goto(f"/accounts/login/?next=/sampling/{draws.design.round_id}/report/")
    page.get_by_label("用户名").fill("li")
    page.get_by_label("密码").fill("li-password")
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", name="抽样报告")).to_be_visible()
    page.locator(".tree > details > summary").first.click()
    walker.look("01-report")
    page.get_by_role("link", name="到社区").first.click()
    walker.look("02-district")
