"""The pages of a document that holds everything: what is said, what is not, who may see it."""

import copy
import re
from xml.etree import ElementTree

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from survey.audit.models import AuditEntry
from survey.common.clock import now
from survey.reports import charts, plots
from survey.reports.changing import change_of, signed, trend_of
from survey.reports.models import Report
from survey.reports.pages import page_context, regions_of
from survey.reports.plots import Matter, Point
from survey.reports.priorities import priorities_of
from survey.reports.reading import Reading
from survey.reports.services import create_run, publish_report
from survey.sampling.models import Draw
from tests import factories
from tests.survey.reports.sample import full_document

pytestmark = [pytest.mark.django_db, pytest.mark.database]

STREET, NEXT, ELSEWHERE = "370105003000", "370105001000", "370102003000"


@pytest.fixture
def full(measured, lead):
    """A published report whose document has all sections; 天桥区's codes are those of the region table."""
    measured.small_cell_floor = 10
    measured.save()
    report = publish_report(run=create_run(round=measured, acting_user=lead), title="报告", acting_user=lead)
    report.document = full_document(report.document)
    report.save()
    return report


@pytest.fixture
def reader(client, regions):
    """Opens a page as the official of a region; gives its text."""

    def read(report, code=None, region="370105000000", **query):
        user = factories.make_user(f"o{region}{len(query)}{code}", "official", regions[region])
        client.force_login(user)
        args = [report.number, code] if code else [report.number]
        page = client.get(reverse("reports:place" if code else "reports:report", args=args), query)
        assert page.status_code == 200
        return page.content.decode()

    return read


def words_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def context(document, key, code="score", allowed=None):
    reading = Reading(document)
    mine = set(regions_of(reading)) if allowed is None else allowed
    return page_context(reading, code, key, own=None, allowed=mine, link=lambda place: None)


def test_the_first_things_said_answer_the_official_s_three_questions(full, reader):
    html = reader(full, STREET)
    cell = full.document["estimates"]["score"][STREET]
    change = full.document["change"]["indicators"]["score"]["domains"][STREET]
    top = words_of(html[html.index('id="headline"') : html.index('class="hero-chart"')])
    assert f"{cell['estimate']:.1f}" in top and "±" in top and "份答卷" in top and "目标 75 分" in top
    assert "比上一轮" in top and signed(change["difference"]) in top
    assert "先办哪件" in top and "停车秩序" in top
    assert top.index("比上一轮") < top.index("先办哪件") < top.index("排第几")


def test_an_arrow_stands_only_where_the_change_is_claimed(full):
    document = full.document
    for key in ("all", *(d["key"] for d in document["domains"] if d["kind"] in ("district", "street"))):
        for row in change_of(Reading(document), "score", key).rows:
            found = document["change"]["indicators"][row.code]["domains"].get(key)
            assert row.is_claimed == bool(found and found["claimed"])
            if found and row.is_claimed:
                assert row.mark == ("up" if found["difference"] > 0 else "down")
    marks = {row.mark for key in ("all", STREET) for row in change_of(Reading(document), "score", key).rows}
    assert marks >= {"up", "down", "flat", "none"}


def test_the_page_has_as_many_arrows_as_claims(full, reader):
    html = reader(full)
    section = html[html.index('id="change"') : html.index('id="first"')]
    claimed = [c for c in full.document["claims"]["list"] if c["kind"] == "change" and c["domain"] == "all"]
    assert section.count('aria-label="上升"') + section.count('aria-label="下降"') == len(claimed) > 0


def test_another_wording_is_not_compared_but_both_figures_stand_there(full, reader):
    html = reader(full, indicator="parking")
    assert "问法变了，不能比" in html and "换了问法" in html
    before = full.document["trend"]["parking"][-1]["domains"]["all"]["estimate"]
    assert f"{before:.1f}" in html[html.index('id="change"') :]


def test_the_same_mode_s_change_is_folded_and_says_that_it_claims_nothing(full, reader):
    html = reader(full)
    assert "同一种答法的变化" in html and "不能据此说升降" in html and "上门访问" in html


def test_the_line_is_broken_where_rounds_do_not_compare(full):
    trend = trend_of(Reading(full.document), "score", "all")
    assert [row.broken for row in trend.rows] == ["换了问法", "", "", ""]
    assert trend.chart.count("<polyline") == 1 and 'class="break"' in trend.chart
    whole = trend_of(Reading(full.document), "parking", "all")
    assert "<polyline" not in whole.chart and whole.chart.count('class="whisker"') == 4
    assert trend.rows[-1].n == f"{full.document['estimates']['score']['all']['n']:,}"


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
    opened = [href for href in tiles if not href.startswith("#")]
    assert len(opened) == 1 and STREET in opened[0]


def test_only_what_is_sure_is_named_in_its_quarter(full):
    found = priorities_of(Reading(full.document), "all")
    drivers = {d["name"]: d for d in full.document["drivers"]["domains"]["all"]["drivers"]}
    for row in found.rows:
        assert (row.quarter == "还说不准") == (not drivers[row.name]["sure"])
    assert [row.name for row in found.first] == ["停车秩序", "物业服务"]
    sure = sum(d["sure"] for d in drivers.values())
    assert found.chart.count('class="dot"') == sure
    assert found.chart.count('class="hollow"') == len(drivers) - sure > 0


def test_a_street_is_told_whose_answers_the_priorities_come_from(full):
    reading = Reading(full.document)
    assert priorities_of(reading, STREET).place == "天桥区" and not priorities_of(reading, STREET).is_own
    assert priorities_of(reading, ELSEWHERE).place == "济南市"  # its district's are refused


def test_story_top_and_section_name_the_same_first_matter(full):
    for key in ("all", STREET, ELSEWHERE):
        made = context(full.document, key)
        told = [s.text for s in made["story"] if s.kind == "drivers"]
        names = [row.name for row in made["priorities"].first]
        assert len(told) == 1 and told[0].startswith(made["priorities"].place)
        answer = next(a for a in made["answers"] if a.question == "先办哪件")
        assert answer.strong == "、".join(names) and all(name in told[0] for name in names)


def test_a_drawn_community_has_no_figure_before_the_certificate_names_it(full, reader):
    assert "济洛路社区居委会" not in reader(full, NEXT, region=NEXT)


def test_model_based_figures_are_labelled_and_stay_inside_the_grant(full, reader):
    Draw.objects.update(revealed_at=now())
    html = reader(full, NEXT, region=NEXT)
    table = html[html.index('class="sheet modelled"') :].split("</section>")[0]
    assert "模型推算的" in table and "Fay–Herriot" in table and "济洛路社区居委会" in table
    assert "66.0 ± 4.0" in html[: html.index('class="sheet modelled"')]  # the masked street's stand-in
    whole = reader(full, region=STREET)
    assert 'class="sheet modelled"' not in whole  # the only modelled street is another's
    assert context(full.document, NEXT, allowed=set())["modelled"] == []


def test_no_league_holds_a_model_based_figure(full):
    for league in context(full.document, "all")["leagues"]:
        assert NEXT not in [row.key for row in league.rows]


@pytest.mark.parametrize("code", [None, STREET, NEXT])
def test_every_page_with_figures_shows_its_notices(full, reader, code):
    html = reader(full, code)
    assert "用到的题 Q20 和上一轮问法不同" in html.split('id="story"')[0]
    assert "作答方式比例不同" in html


def test_themes_and_modes_have_their_base(full, reader):
    html = words_of(reader(full))
    assert "停车难、乱停车" in html and "收到 812 段，已归类 770 段" in html and "28–34%" in html
    assert "上门访问 38%，自己在网上填 62%" in html


def test_targets_stand_beside_the_figures_with_what_may_be_said(full):
    rows = {row["indicator"]["code"]: row for row in context(full.document, STREET)["indicators"]}
    verdict = full.document["targets"]["score"][STREET]
    expected = {"above": "超过了", "below": "没有达到", "unsure": "还说不准"}[verdict["verdict"]]
    assert (rows["score"]["target"], rows["score"]["verdict"]) == ("目标 75 分", expected)
    assert rows["share"]["target"] == "目标 80%" and rows["parking"]["target"] == ""


LATER = (
    "snapshot", "communities", "targets", "ranks", "claims", "change", "trend", "drivers", "small_areas",
    "modes", "themes", "errors", "masks", "notices",
)  # fmt: skip


@pytest.mark.parametrize("empty", ["absent", "null"])
def test_older_documents_and_empty_sections_are_read_too(full, empty):
    document = copy.deepcopy(full.document)
    for name in LATER:
        if empty == "absent":
            del document[name]
        elif name not in ("claims", "errors", "notices"):
            document[name] = None
    for key in ("all", "370105000000", STREET):
        for code in ("score", "share"):
            made = context(document, key, code)
            assert made["change"] is None and made["trend"] is None and made["priorities"] is None
            assert made["rank"] is None and made["modelled"] == [] and made["themes"] == []
            assert "这是第一份报告" in made["answers"][0].text


PARTS = [{"indicator": "score", "weight": 85}, {"external": "巡查", "weight": 15}]


def test_a_composite_says_what_its_interval_leaves_out(full):
    document = full.document
    cell = document["estimates"]["office"]["all"]
    cell |= {"external": {"巡查": 91.0}, "covers": "survey"}
    document["indicators"][1] |= {"kind": "composite", "definition": {"components": PARTS}}
    del document["change"]["indicators"]["office"]
    made = context(document, "all", "office")
    assert "误差只算了调查的部分" in made["covers"] and "巡查 91.0" in made["covers"]
    assert any("满意度得分占 85%" in text and "巡查" in text for text in made["rule"])
    row = next(row for row in made["change"].rows if row.code == "office")
    assert row.mark == "none" and row.verdict == "合成的分数不作比较"


@pytest.mark.parametrize("code", [None, "370105000000", STREET, NEXT])
@pytest.mark.parametrize("indicator", ["score", "share", "parking"])
def test_no_page_has_a_nan_an_inline_style_or_a_broken_drawing(full, reader, code, indicator):
    html = reader(full, code, indicator=indicator)
    assert " style=" not in html and "<style" not in html and "<script" not in html
    assert not re.search(r"\b(nan|None|inf)\b", words_of(html), re.IGNORECASE)
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for drawing in re.findall(r'<svg class="chart (?!chart-trend).*?</svg>', html, re.DOTALL):
        ElementTree.fromstring(drawing)
        assert 'aria-hidden="true"' in drawing


def test_each_chart_section_has_a_table_behind_it(full, reader):
    html = reader(full)
    for section in ("trend", "first", "change"):
        body = html[html.index(f'id="{section}"') :].split("</section>")[0]
        assert "<table" in body and "95% 区间" in body


def test_the_files_are_one_tap_away(full, reader):
    html = reader(full, STREET)
    for name in ("pdf", "csv", "xlsx", "docx", "briefs"):
        assert reverse(f"reports:{name}", args=[full.number]) in html
    assert f"place={STREET}" in html


def test_the_method_has_the_items_of_the_transparency_initiative(full):
    terms = [term for term, _paragraphs in context(full.document, "all")["method"]]
    for term in (
        "什么调查", "谁做的", "用的问卷", "问的是谁", "名录", "怎么抽的", "怎么问的", "什么时候",
        "样本多大、多准", "回答率", "权数", "误差", "质量怎么管", "局限",
    ):  # fmt: skip
        assert term in terms
    assert all(paragraphs for _term, paragraphs in context(full.document, "all")["method"])


def test_the_page_counts_nobody_in_a_cell_under_the_floor(full):
    cells = [c for c in full.document["weights"]["cells"] if len(c["bands"]) > 1]
    text = "".join(p for _term, paragraphs in context(full.document, "all")["method"] for p in paragraphs)
    assert cells and "合并：天桥区" in text
    assert not re.search(r"合并：[^。]*\d+ 份", text)


def test_the_wall_has_the_same_figures_in_large(full, reader):
    assert 'class="reports report wall"' in reader(full, wall="1")
    assert 'class="reports report"' in reader(full)


def test_nobody_drills_into_a_place_that_is_not_his(full, client, regions):
    client.force_login(factories.make_user("zhou", "official", regions[STREET]))
    assert client.get(reverse("reports:place", args=[full.number, NEXT])).status_code == 404
    assert client.get(reverse("reports:place", args=[full.number, STREET])).status_code == 200
    briefs = reverse("reports:briefs", args=[full.number])
    assert client.get(briefs, {"place": NEXT}).status_code == 404


def test_answers_in_detail_are_those_of_the_reader_s_own_places(full, reader):
    html = reader(full, region="370105000000")
    bars = html[html.index("大家怎么答") :].split("</table>")[0]
    assert "天桥区" in bars and "历下区" not in bars and "济南市" in bars
    assert "历下区" in html.split("大家怎么答")[0]  # whose figure stands in the league


def test_a_result_under_embargo_is_shown_to_no_official_and_the_team_s_look_is_recorded(
    full, client, regions, lead
):
    Report.objects.filter(pk=full.pk).update(state=Report.State.DRAFT)
    client.force_login(factories.make_user("zhou", "official", regions["370105000000"]))
    for name in ("report", "pdf", "csv", "xlsx", "docx", "briefs"):
        assert client.get(reverse(f"reports:{name}", args=[full.number])).status_code == 404
    client.force_login(lead)
    assert client.get(reverse("reports:run", args=[full.run_id])).status_code == 200
    assert AuditEntry.objects.filter(action="reports.run.viewed").count() == 1


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 30), st.booleans()), min_size=1, max_size=8),
    st.text(max_size=6),
)
def test_any_trend_is_well_formed(cells, name):
    points = [
        Point(name, value, max(value - half, 0), min(value + half, 100), joined and place > 0,
              "" if joined or not place else name)
        for place, (value, half, joined) in enumerate(cells)
    ]  # fmt: skip
    axis = charts.make_axis([p.low for p in points], [p.high for p in points])
    name_ok = all(ch.isprintable() for ch in name)
    drawn = plots.trend(points, axis)
    assert "nan" not in drawn.replace(name, "")
    if name_ok:
        ElementTree.fromstring(drawn)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100), st.booleans()), min_size=1, max_size=12))
def test_any_quadrants_are_well_formed(cells):
    matters = [
        Matter(n, (p, max(p - 5, 0), min(p + 5, 100)), (i, max(i - 5, 0), min(i + 5, 100)), sure, sure)
        for n, (p, i, sure) in enumerate(cells, start=1)
    ]
    axis = charts.make_axis([0], [100])
    drawn = ElementTree.fromstring(plots.quadrants(matters, axis, axis, (50.0, 50.0), ("甲", "<", "&", "丁")))
    circles = [e for e in drawn.iter() if e.tag.endswith("circle")]
    assert len(circles) == len(matters)


@given(st.integers(1, 200), st.integers(0, 199), st.integers(0, 199))
def test_a_rank_strip_marks_the_places_of_the_range(total, a, b):
    best, worst = sorted((a % total + 1, b % total + 1))
    for drawn in (plots.rank_strip(best, worst, total), plots.rank_bar(best, worst, total, 36)):
        marked = [e for e in ElementTree.fromstring(drawn).iter() if e.get("class") == "rank-in"]
        many = total <= plots.MOST_BOXES and "chart-ranks" in drawn
        assert len(marked) == (worst - best + 1 if many else 1)


@pytest.mark.parametrize(("value", "text"), [(4.06, "+4.1"), (-5.2, "−5.2"), (-0.04, "0.0"), (0.0, "0.0")])
def test_differences_carry_their_sign(value, text):
    assert signed(value) == text
