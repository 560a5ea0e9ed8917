"""What an official may take away: figures of all places, everything in detail of his own subtree only."""

import io
import subprocess

import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from survey.common.clock import now
from survey.reports.reach import cut_to
from survey.sampling.models import Draw
from tests import factories
from tests.api.test_api import api

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MINE, OTHERS = "370105003000", "370102003000"  # a street of 天桥区, one of 历下区
ELSEWHERE = "历下区 姚家街道"


@pytest.fixture
def taken(client, full, regions):
    """Downloads a file as the official of a region."""

    def take(suffix, region="370105000000"):
        client.force_login(factories.make_user(f"o{region}{suffix}", "official", regions[region]))
        answer = client.get(f"/reports/{full.number}{suffix}")
        assert answer.status_code == 200
        return answer.content

    return take


def rows(book, sheet):
    return [[cell.value for cell in row] for row in book[sheet].iter_rows()]


def answer_tables(content):
    """Tables of the Word file that hold answers to an item."""
    tables = Document(io.BytesIO(content)).tables
    return [t for t in tables if "不了解" in [cell.text for cell in t.rows[0].cells]]


def names(tables):
    return {row.cells[0].text for table in tables for row in table.rows[1:]}


def test_a_district_s_workbook_has_the_answers_of_its_own_streets_only(taken):
    book = load_workbook(io.BytesIO(taken(".xlsx")))
    places = {row[0] for row in rows(book, "大家怎么答")}
    assert "天桥区 姚家街道" in places and "天桥区" in places and "济南市" in places and "男" in places
    assert not any(str(place).startswith(("历下区", "市中区")) for place in places)
    city = load_workbook(io.BytesIO(taken(".xlsx", "370100000000")))
    assert {ELSEWHERE, "历下区", "天桥区 姚家街道"} <= {row[0] for row in rows(city, "大家怎么答")}


def test_figures_of_units_ranked_beside_his_own_stay_in_every_file(taken):
    book = load_workbook(io.BytesIO(taken(".xlsx")))
    assert ELSEWHERE in {row[0] for row in rows(book, "街道（镇）")}
    assert ELSEWHERE in {row[1] for row in rows(book, "名次范围")}
    assert OTHERS in taken(".csv").decode()


def test_changes_and_targets_of_other_places_are_not_listed(full, taken):
    listed = full.document["claims"]["list"]
    others = [
        c for c in listed if c["kind"] != "against_all" and c["domain"].startswith(("370102", "370103"))
    ]
    assert others
    told = rows(load_workbook(io.BytesIO(taken(".xlsx"))), "说得准的差别")
    kept = [c for c in listed if c not in others]
    assert len(told) - 1 == len(kept)
    city = rows(load_workbook(io.BytesIO(taken(".xlsx", "370100000000"))), "说得准的差别")
    assert len(city) - 1 == len(listed)


def test_word_tells_the_answers_of_the_reader_s_own_places(taken):
    mine = names(answer_tables(taken(".docx")))
    assert {"天桥区", "济南市", "姚家街道"} <= mine and "历下区" not in mine
    city = names(answer_tables(taken(".docx", "370100000000")))
    assert {"历下区", "天桥区", "济南市"} <= city


def test_the_pdf_prints_the_answers_of_the_reader_s_own_places(taken, tmp_path):
    def printed(content):
        (tmp_path / "x.pdf").write_bytes(content)
        done = subprocess.run(
            ["pdftotext", "-layout", str(tmp_path / "x.pdf"), "-"], capture_output=True, text=True, check=True
        )
        behind_the_cover = done.stdout.split("\f", 1)[1]  # which lists the headings
        return behind_the_cover.split("大家怎么答")[1].split("这些数是怎么来的")[0]

    mine, city = printed(taken(".pdf")), printed(taken(".pdf", "370100000000"))
    assert "天桥区" in mine and "历下区" not in mine
    assert "历下区" in city


def test_a_street_s_official_takes_the_answers_of_his_street(taken):
    places = {row[0] for row in rows(load_workbook(io.BytesIO(taken(".xlsx", MINE))), "大家怎么答")}
    assert "天桥区 姚家街道" in places and "天桥区 龙洞街道" not in places and "天桥区" not in places
    assert names(answer_tables(taken(".docx", MINE))) == {"姚家街道", "济南市"}


def test_the_api_serves_no_detail_of_other_places(full, regions):
    def tables(region):
        user = factories.make_user(f"a{region}", "official", regions[region])
        return api(user).get(f"/api/v1/reports/{full.number}/tables/").json()

    mine, city = tables("370105000000"), tables("370100000000")
    for found, expected in ((mine, False), (city, True)):
        held = {
            "distributions": found["distributions"]["Q20"]["domains"],
            "change": found["change"]["indicators"]["score"]["domains"],
            "targets": found["targets"]["score"],
            "trend": found["trend"]["score"][0]["domains"],
            "modes": found["modes"]["mix"],
        }
        for name, part in held.items():
            assert MINE in part and "all" in part, name
            assert (OTHERS in part) == expected, name
        assert OTHERS in found["estimates"]["score"] and OTHERS in found["ranks"]["score"]["street"]["low"]
    assert set(mine["drivers"]["domains"]) == {"all", "370105000000"}


def test_his_street_s_page_says_why_communities_are_not_there_yet(full, client, regions):
    client.force_login(factories.make_user("zhou", "official", regions[MINE]))
    page = f"/reports/{full.number}/{MINE}/"
    before = client.get(page).content.decode()
    assert "社区（村）的推算值" in before and "抽样证书公布以前是秘密" in before
    Draw.objects.update(revealed_at=now())
    after = client.get(page).content.decode()
    assert "是秘密" not in after and "64.0 ± 4.9" in after.split('class="sheet modelled"')[1]
    areas = full.document["small_areas"]["score"]
    areas["community"] = {}
    full.save()
    assert "没有一个社区的答卷够用来推算" in client.get(page).content.decode()
    areas["refused"] = {"community": "too few areas"}
    full.save()
    assert "不到 8 个，模型没有东西可借" in client.get(page).content.decode()


def test_the_team_sees_communities_before_the_certificate(full, client, lead):
    client.force_login(lead)
    html = client.get(f"/reports/{full.number}/370105001000/").content.decode()
    assert "济洛路社区居委会" in html and "是秘密" not in html


PATHS = st.sampled_from(["37", "3701", "370105", "370102", "370105003", "370102003"])


@given(st.sets(PATHS, max_size=3))
def test_no_section_keeps_a_place_outside_the_grants(granted):
    keys = ["all", "sex:male", "370105000000", "370102000000", MINE, OTHERS]
    cells = dict.fromkeys(keys, 1)
    part = {"domains": cells}
    document = {
        "estimates": {"score": cells},
        "distributions": {"Q1": part},
        "small_areas": {"score": {"street": cells, "community": cells, "refused": {}}},
        "targets": {"score": cells},
        "trend": {"score": [part]},
        "change": {"indicators": {"score": part | {"same_mode": {"web": cells}}}},
        "claims": {"list": [{"kind": k, "domain": d} for k in ("change", "against_all") for d in keys]},
        "modes": {"mix": cells},
        "drivers": part,
        "themes": None,
    }
    found = cut_to(document, granted)
    mine = {key for key in keys if not key.isdigit() or key.startswith(tuple(granted))}
    assert found["estimates"] == document["estimates"]
    assert set(found["distributions"]["Q1"]["domains"]) == mine
    assert set(found["small_areas"]["score"]["community"]) == mine
    assert set(found["targets"]["score"]) == set(found["modes"]["mix"]) == mine
    assert set(found["trend"]["score"][0]["domains"]) == mine
    change = found["change"]["indicators"]["score"]
    assert set(change["domains"]) == set(change["same_mode"]["web"]) == mine
    assert {r["domain"] for r in found["claims"]["list"] if r["kind"] == "change"} == mine
    assert {r["domain"] for r in found["claims"]["list"] if r["kind"] == "against_all"} == set(keys)
    near = mine | {key for key in keys for path in granted if path.startswith(key.rstrip("0"))}
    assert set(found["drivers"]["domains"]) == near
    assert cut_to(document, ["37"]) == document
