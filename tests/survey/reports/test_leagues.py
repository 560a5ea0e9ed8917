"""Leagues and tiles of a page: ties, ranges, what is folded, and what is never said."""

import re

import pytest
from django.urls import reverse

from survey.reports.pages import page_context
from survey.reports.reading import Reading
from survey.reports.services import create_run, publish_report
from tests import factories
from tests.survey.reports.sample import full_document
from tests.survey.reports.test_pages_full import ELSEWHERE, NEXT, PARTS, STREET, context, words_of

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_nothing_is_said_of_who_is_higher_where_nothing_was_tested(full):
    document = full.document
    document["indicators"][1] |= {"kind": "composite", "definition": {"components": PARTS, "items": []}}
    for section in ("comparisons", "ranks", "targets"):
        document[section].pop("office", None)
    reading = Reading(document)
    made = page_context(reading, "office", "all", own=STREET, allowed=set(), link=lambda place: None)
    for league, _short in made["leagues"]:
        assert "没有检验谁高谁低" in league.title and "没有作检验" in league.note and league.legend == []
        assert {row.emphasis for row in league.rows} <= {"", "own"}
    words = {tile.words for branch in made["tiles"] for tile in branch.tiles}
    assert words == {""} and made["tested"] is False
    assert context(full.document, "all", "score")["tested"]


def test_a_league_of_one_claims_nothing(full):
    document = full.document
    mine = {"all", "370105000000", STREET}
    document["domains"] = [d for d in document["domains"] if d["key"] in mine or not d["key"].isdigit()]
    document["design"]["pooled_streets"] = []
    document["comparisons"]["score"]["street"] = {"against_all": {}, "apart": {}, "median_margin": None}
    ((league, short),) = page_context(
        Reading(document), "score", "all", own=STREET, allowed=mine, link=lambda place: None
    )["leagues"]
    assert len(short.stretches[0].rows) == 1 and not short.is_folded
    assert "超过了误差" not in league.title and "没有检验谁高谁低" in league.title


def test_a_league_is_searched_by_name_without_a_script(full, reader):
    html = reader(full, q="姚家")
    shown = html[html.index('id="league-street"') : html.index('class="league-all"')]
    assert shown.count('class="row') == 3 and "名字带“姚家”的有 3 个" in words_of(shown)
    assert 'value="姚家"' in shown and '<form class="league-find" method="get"' in shown
    assert "没有名字带“&lt;b&gt;”的" in reader(full, q="<b>")


def test_the_rest_of_a_league_is_folded_until_it_is_asked_for(full, reader):
    fold = re.compile(r'<details class="league-all"[^>]*>')
    closed, opened = fold.search(reader(full)), fold.search(reader(full, list="all"))
    assert closed and " open" not in closed[0] and opened and " open" in opened[0]
    html = reader(full, region=STREET)
    seen = html[html.index('id="league-street"') : html.index('class="league-all"')]
    assert "天桥区" in seen and 'class="row own"' in seen and "后面还有" in seen
    assert seen.count('class="row') < 12
    assert "全部 35 个" in words_of(html)


def test_many_tiles_are_folded_by_district_and_the_reader_s_own_is_open(measured, lead, client, regions):
    report = publish_report(run=create_run(round=measured, acting_user=lead), title="报告", acting_user=lead)
    report.document = full_document(report.document, streets=30)
    report.save()
    client.force_login(factories.make_user("zhou", "official", regions["370105000000"]))
    html = client.get(reverse("reports:report", args=[report.number])).content.decode()
    folds = re.findall(r'<details class="branch-more"([^>]*)>', html)
    assert sorted(folds) == ["", "", " open"]
    wall = client.get(reverse("reports:report", args=[report.number]), {"wall": "1"}).content.decode()
    assert "branch-more" not in wall


def test_a_league_gives_ranges_of_places(full, reader):
    html = reader(full)
    ranks = full.document["ranks"]["score"]["street"]
    for key in list(ranks["low"])[:5]:
        row = html[html.index(f'id="row-{key}"') :].split("</tr>")[0]
        low, high = ranks["low"][key], ranks["high"][key]
        assert f"<span>{low}–{high}</span>" in row or (low == high and f"<span>{low}</span>" in row)


def test_tiles_are_tinted_only_by_a_claim_and_keep_their_order(full):
    (*_, branch) = made = context(full.document, "all")["tiles"]
    against = full.document["comparisons"]["score"]["street"]["against_all"]
    for tile in (tile for found in made for tile in found.tiles):
        row = against.get(tile.key)
        expected = "hidden" if not row else "near" if not row["claimed"] else row["verdict"]
        assert tile.side == expected
        assert row is None or ("95% 区间" in tile.title and tile.value in tile.title)
    assert [t.key for t in branch.tiles] == sorted(t.key for t in branch.tiles)
    assert len(made) == 3 and len(context(full.document, ELSEWHERE)["tiles"]) == 1


def test_every_tile_can_be_reached_and_leads_somewhere(full, reader):
    html = reader(full, region=STREET)
    tiles = re.findall(r'<a class="tile[^>]*href="([^"]+)"', html)
    assert len(tiles) == 39
    inside = {href[1:] for href in tiles if href.startswith("#")}
    assert inside <= set(re.findall(r'id="([^"]+)"', html))
    opened = [href for href in tiles if href.startswith("/")]
    assert len(opened) == 1 and STREET in opened[0]
    behind = [href for href in tiles if href.startswith("?")]
    assert len(behind) > 30 and len(tiles) == len(inside) + len(opened) + len(behind)
    query, key = behind[-1].split("#")
    assert "list=all" in query and f'id="{key}"' in html


def test_no_league_holds_a_model_based_figure(full):
    for league, _short in context(full.document, "all")["leagues"]:
        assert NEXT not in [row.key for row in league.rows]
