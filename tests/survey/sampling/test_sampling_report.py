"""The sampling report: what it says, that its figures add up, who may read it, and that it stays small."""

import subprocess

import pytest
from django.urls import reverse
from django.utils import translation

from survey.audit.services import SYSTEM
from survey.sampling.models import Draw, FrameCommunity
from survey.sampling.probability_summary import summarise
from survey.sampling.region_tree import district_tree, region_tree
from survey.sampling.report import build_report
from survey.sampling.services import release_replicate
from survey.studies.models import Round
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

DISTRICT = "370105000000"


@pytest.fixture
def drawn(regions):
    """天桥区, drawn by hand: 6 communities of 30 households; 4 taken, 12 cases."""
    return factories.make_drawn_round(regions[DISTRICT])


@pytest.fixture
def draw(drawn):
    return Draw.objects.get(design__round=drawn)


def open_report(client, user, round_, suffix="", **query):
    client.force_login(user)
    return client.get(f"/sampling/{round_.pk}/report{suffix}", query)


def test_every_item_of_the_transparency_initiative_is_there(client, lead, drawn, draw):
    page = open_report(client, lead, drawn, "/")
    text = page.content.decode()
    assert page.status_code == 200
    for words in (
        "济南市居民满意度调查组",  # sponsor
        "18 岁及以上常住居民",  # population
        "180 户",  # frame
        "集体户 0 户",  # who is excluded
        "按家庭户数成比例的系统抽样",  # stage 1
        "简单随机抽 3 户",  # stage 2
        "生日最近的一位（准随机）",  # stage 3
        "按街道（镇）分层，共 2 层",
        "一定抽中，自成一层",
        "没有备用样本",
        "Kish 1992",
        "没有导入普查的户数",
        "ρ＝0.05：设计效应 1.02",  # 1 + (3 · 0.5 - 1) · 0.05, times 1 for equal weights
        draw.commitment_hash,
    ):
        assert words in text, words


def test_the_head_figures_tell_the_sample_from_what_it_was_drawn_from(regions):
    round_ = factories.make_round(factories.make_study(regions[DISTRICT]))
    frame = factories.make_frame(regions[DISTRICT])
    stages = [
        {"unit": "psu", "method": "pps_systematic"},
        {"unit": "household", "method": "srs", "take": 5},
    ]
    spec = {"stages": stages, "n_psus": 4, "reserve_replicates": 2, "reserve_take": 3}
    design = factories.create_design(round=round_, frame=frame, spec=spec, acting_user=SYSTEM)
    draw = factories.draw_now(design)
    with translation.override("zh-hans"):
        report = build_report(draw)
    figures = {label: (value, base) for value, label, base in report.figures}
    assert figures["抽中的户（已放出）"] == ("20", "从名录的 180 户里抽，另有备用 24 户")


def test_the_spread_of_probabilities_is_exact(draw):
    # Both streets have three communities: 2/3 of them, then 3 of 30 households.
    summary = summarise(draw.cases.all())
    assert summary.n == 12
    assert summary.stage1 == (2 / 3, 2 / 3, 2 / 3)
    assert summary.stage2 == (0.1, 0.1, 0.1)
    assert summary.weights_sum == pytest.approx(180)
    assert summary.deff_weights == 1.0


def test_nothing_is_summed_up_before_a_draw(draw):
    assert summarise(draw.cases.none()) is None


def test_the_tree_adds_up_to_the_plan(draw):
    (district,) = region_tree(draw)
    assert (district.name, district.n_households, district.n_communities) == ("天桥区", 180, 6)
    assert (district.n_psus, district.n_drawn, district.n_cases) == (6, 4, 12)
    assert [street.n_cases for street in district.children] == [6, 6]
    assert not any(street.children for street in district.children)
    whole = district_tree(draw, DISTRICT)
    communities = [c for street in whole.children for c in street.children]
    assert len(communities) == 6
    assert sum(c.n_cases for c in communities) == 12
    assert sum(c.n_households for c in communities) == 180
    assert district_tree(draw, "370104000000") is None


def test_communities_joined_into_one_unit_say_so(regions):
    study = factories.make_study(regions[DISTRICT])
    round_ = factories.make_round(study)
    frame = factories.make_frame(regions[DISTRICT], households=4)
    spec = {
        "stages": [
            {"unit": "psu", "method": "pps_systematic"},
            {"unit": "household", "method": "srs", "take": 5},
        ],
        "n_psus": 2,
    }
    design = factories.create_design(round=round_, frame=frame, spec=spec, acting_user=SYSTEM)
    draw = factories.Draw.objects.create(
        design=design, number=1, commitment_hash="0" * 64, secret_hash="0" * 64, committed_at=factories.now()
    )
    tree = district_tree(draw, DISTRICT)
    joined = [c.name for street in tree.children for c in street.children if c.psu]
    assert len(joined) == 6
    assert sum(c.n_psus for street in tree.children for c in street.children) == 2


def test_streets_joined_into_one_stratum_say_why(client, lead, regions):
    round_ = factories.make_round(factories.make_study(regions[DISTRICT]))
    frame = factories.make_frame(regions[DISTRICT])
    spec = {
        "stages": [
            {"unit": "psu", "method": "pps_systematic"},
            {"unit": "household", "method": "srs", "take": 5},
        ],
        "n_psus": 3,
    }
    design = factories.create_design(round=round_, frame=frame, spec=spec, acting_user=SYSTEM)
    factories.draw_now(design)
    text = open_report(client, lead, round_, "/").content.decode()
    assert "1 层由相邻街道合并而成" in text
    assert "要抽的社区数不够每层分两个，户数最少的层先合并：1 层" in text


def test_a_released_reserve_is_reported_with_its_reason(client, lead, regions, draw, drawn):
    factories.ReserveReplicate.objects.create(draw=draw, number=1, n_cases=0)
    release_replicate(draw=draw, number=1, reason="回收率比预计低", acting_user=lead)
    text = open_report(client, lead, drawn, "/").content.decode()
    assert "回收率比预计低" in text and "第 1 份" in text


def test_the_seed_is_not_shown_before_it_is_revealed(client, lead, drawn, draw):
    assert draw.seed not in open_report(client, lead, drawn, "/").content.decode()


def test_only_the_team_reads_it(client, lead, official, interviewer, regions, drawn):
    for user in (official, interviewer):
        for suffix in ("/", ".pdf", f"/{DISTRICT}/"):
            assert open_report(client, user, drawn, suffix).status_code == 403
    neighbour = factories.make_user("chen", "study_lead", regions["370104000000"])
    assert open_report(client, neighbour, drawn, "/").status_code == 404
    client.logout()
    assert client.get(f"/sampling/{drawn.pk}/report/").status_code == 302


def test_a_round_without_a_draw_has_no_report(client, lead, regions):
    round_ = factories.make_round(factories.make_study(regions[DISTRICT]))
    assert open_report(client, lead, round_, "/").status_code == 404


def test_a_district_opens_down_to_its_communities(client, lead, drawn):
    page = open_report(client, lead, drawn, f"/{DISTRICT}/")
    assert page.status_code == 200
    assert "济洛路社区居委会" in page.content.decode()
    assert open_report(client, lead, drawn, "/370199000000/").status_code == 404


def test_the_pdf_says_what_the_page_says(client, lead, drawn, draw, tmp_path):
    answer = open_report(client, lead, drawn, ".pdf")
    assert answer["Content-Type"] == "application/pdf"
    path = tmp_path / "report.pdf"
    path.write_bytes(answer.content)
    text = subprocess.run(
        ["pdftotext", "-layout", path, "-"], capture_output=True, check=True
    ).stdout.decode()
    squeezed = "".join(text.split()).replace("\u200b", "")
    for section in build_report(draw).sections:
        assert section.title in squeezed
    assert "天桥东街街道" in squeezed and "180" in squeezed
    assert draw.commitment_hash in squeezed


@pytest.mark.parametrize("language", ["zh-hant", "en"])
def test_it_opens_in_every_language(client, lead, drawn, language):
    client.cookies["django_language"] = language
    assert open_report(client, lead, drawn, "/").status_code == 200
    assert open_report(client, lead, drawn, ".pdf").status_code == 200


def test_a_city_of_thousands_of_communities_stays_a_small_page(client, lead, drawn, draw, regions):
    city = factories.Region.objects.bulk_create(
        factories.Region(
            code=f"370105{200 + i // 60:03d}{i % 60 + 1:03d}",
            path=f"370105{200 + i // 60:03d}{i % 60 + 1:03d}",
            name=f"模拟第 {i} 社区居民委员会",
            level="community",
        )
        for i in range(1200)
    )
    FrameCommunity.objects.bulk_create(
        FrameCommunity(
            frame=draw.design.frame, community=community, n_family=500, n_collective=0, root="0" * 64
        )
        for community in city
    )
    page = open_report(client, lead, drawn, "/")
    assert len(page.content) < 60_000
    assert len(open_report(client, lead, drawn, f"/{DISTRICT}/").content) < 1_200_000
    assert reverse("sampling:report", args=[drawn.pk]) == f"/sampling/{drawn.pk}/report/"


def test_a_closed_round_still_has_its_report(client, lead, drawn):
    Round.objects.filter(pk=drawn.pk).update(state=Round.State.CLOSED)
    assert open_report(client, lead, drawn, "/").status_code == 200
