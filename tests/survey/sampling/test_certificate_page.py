"""The certificate on paper: always one sheet, whatever the names, and the same bytes each time."""

import subprocess

import pytest
from django.utils import translation

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.common.errors import Problem
from survey.sampling.certificate import certificate_of
from survey.sampling.certificate_page import certificate_pdf
from survey.sampling.commitment import hash_secret
from survey.sampling.models import Draw
from survey.sampling.services import create_design, draw_sample, give_secret, record_timestamp, void_draw
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

ADDRESS = "https://diaocha.example.cn/draws/12/"
SPEC = {
    "stages": [
        {"unit": "psu", "method": "pps_systematic"},
        {"unit": "household", "method": "srs", "take": 3},
    ],
    "n_psus": 4,
}
SECRETS = ["5a" * 32, "6b" * 32]


def design_of(regions, **study):
    round_ = factories.make_round(factories.make_study(regions["370105000000"], **study))
    frame = factories.make_frame(regions["370105000000"], households=12)
    return create_design(round=round_, frame=frame, spec=SPEC, acting_user=SYSTEM)


def sheet(draw):
    draw = Draw.objects.select_related("design__frame", "design__round__study").get(pk=draw.pk)
    return certificate_pdf(draw, address=ADDRESS, signature=certificate_of(draw)["signature"])


def tool(name, pdf, *args):
    command = [name, *args, "-", *(["-"] if name == "pdftotext" else [])]
    return subprocess.run(command, input=pdf, capture_output=True, check=True).stdout.decode()


def pages(pdf):
    return int(
        next(line for line in tool("pdfinfo", pdf).splitlines() if line.startswith("Pages")).split()[1]
    )


def words(pdf):
    return "".join(tool("pdftotext", pdf, "-layout").split())


def test_a_commitment_is_titled_as_one_and_says_what_is_to_come(regions):
    pdf = sheet(factories.commit_now(design_of(regions)))
    text = words(pdf)
    assert pages(pdf) == 1
    assert "随机抽样承诺书" in text and "还没有开出" in text and "还没有抽" in text
    assert "演示用随机数，不能当证据" in text


def test_a_draw_has_all_fingerprints_in_full(regions):
    draw = factories.draw_now(design_of(regions), beacon="03 09 14 21 26 32+07")
    text = words(sheet(draw))
    for digest in (draw.commitment_hash, draw.result_hash, draw.design.frame.frame_hash):
        assert digest in text
    assert certificate_of(draw)["signature"]["value"] in text
    assert "0309142126" in text and draw.seed not in text


def test_the_same_draw_gives_the_same_bytes(regions):
    draw = factories.draw_now(design_of(regions))
    assert sheet(draw) == sheet(draw)


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant", "en"])
def test_long_names_many_parties_and_void_commitments_still_fit_one_sheet(regions, language):
    design = design_of(
        regions,
        title="二〇二六年度济南市城乡居民对政府公共服务、社区治理和人居环境满意程度抽样调查（含新划入地区）"
        * 2,
        sponsor="济南市统计局社会情况民意调查中心、济南市社情民意调查工作联席会议办公室",
    )
    parties = [
        ("天桥区居民代表王秀兰、李建国、欧阳淑芬（由各街道推选，任期两年）", SECRETS[0]),
        ("山东大学政治学与公共管理学院社会调查与数据研究中心", SECRETS[1]),
    ]
    hashed = [(name, hash_secret(bytes.fromhex(secret))) for name, secret in parties]
    for reason in (
        "公证处当天没有盖章，" * 8,
        "彩票停售",
        "换了名录",
        "写错日期",
        "方案改了",
        "又改了",
        "再改",
    ):
        void_draw(draw=factories.commit_now(design, parties=hashed), reason=reason, acting_user=SYSTEM)
    draw = factories.commit_now(design, parties=hashed)
    for authority in ("中国科学院国家授时中心联合信任时间戳服务中心", "山东省济南市天桥公证处"):
        record_timestamp(
            draw=draw,
            kind="notary",
            authority=authority,
            stamped_at=now(),
            note="（2026）鲁济天桥证民字第 001234 号",
            acting_user=SYSTEM,
        )
    for number, secret in enumerate(SECRETS, start=2):
        give_secret(draw=draw, party_number=number, secret_hex=secret, acting_user=SYSTEM)
    draw = draw_sample(draw=draw, beacon_value="03 09 14 21 26 32+07", acting_user=SYSTEM)
    with translation.override(language):
        pdf = sheet(draw)
    assert pages(pdf) == 1
    assert "欧阳淑芬" in words(pdf) and "时间戳服务中心" in words(pdf)


def test_a_name_that_no_font_draws_is_refused(regions):
    draw = factories.commit_now(design_of(regions, sponsor="调查组\U0001f9ff"))
    with pytest.raises(Problem) as refused:
        sheet(draw)
    assert refused.value.code == "reports.font"


def test_the_code_on_the_sheet_leads_to_the_page(regions):
    # The picture is made of the address alone; the address is printed under it for those without a camera.
    assert ADDRESS in words(sheet(factories.commit_now(design_of(regions))))
