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
from survey.reports.pages import page_context
from survey.reports.plots import Matter, Point
from survey.reports.priorities import priorities_of
from survey.reports.reading import Reading, regions_of
from survey.sampling.models import Draw
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

STREET, NEXT, ELSEWHERE = "370105003000", "370105001000", "370102003000"


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


def test_a_change_beyond_its_own_error_that_is_not_claimed_is_not_told_as_within_it(full, reader):
    row = full.document["change"]["indicators"]["score"]["domains"]["all"]
    row |= {"difference": 3.1, "low": 1.0, "high": 5.2, "claimed": False, "verdict": "unsure"}
    claims = full.document["claims"]
    claims["list"] = [c for c in claims["list"] if (c["kind"], c["indicator"]) != ("change", "score")]
    full.save()
    html = words_of(reader(full))
    top = html[: html.index("看数以前")]
    assert "说不准 +3.1 ± 2.1" in top and "全报告 400 项比较一起判断时还不够稳" in top
    assert "变化没有超过误差" not in top
    change = html[html.index("+1.0 到 +5.2") :]
    assert change.split("份")[0].count("单看超过误差，一起判断还不够稳，先不下结论") == 1


def test_only_a_difference_within_its_own_error_is_said_to_be_so(full):
    document = full.document
    places = [d["key"] for d in document["domains"] if d["kind"] in ("all", "district", "street")]
    unsteady = 0
    for key in places:
        made = context(document, key)
        found = document["change"]["indicators"]["score"]["domains"].get(key)
        if not found:
            continue
        told = " ".join(s.text for s in made["story"] if s.kind == "change")
        within = not found["claimed"] and found["low"] <= 0 <= found["high"]
        assert ("没有超过误差" in told) == within
        unsteady += "还不够稳" in told
    assert unsteady


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


@pytest.mark.parametrize("code", [None, STREET, NEXT])
def test_every_page_with_figures_shows_its_notices(full, reader, code):
    html = reader(full, code)
    assert "用到的题 Q20 和上一轮问法不同" in html.split('id="story"')[0]
    assert "作答方式比例不同" in html


def test_themes_and_modes_have_their_base(full, reader):
    html = words_of(reader(full))
    assert "停车难、乱停车" in html and "收到 812 段，已归类 770 段" in html and "28–34%" in html
    assert "上门访问 38%，自己在网上填 62%" in html


def test_a_theme_s_item_is_called_by_its_wording(full, reader):
    assert "大家自己写的话：开放题 Q24" in words_of(reader(full))  # a document that did not keep it
    full.document["items"]["Q24"] = {"label": {"zh-hans": "您最想让政府先办哪件事？"}, "choices": []}
    full.save()
    assert "大家自己写的话：您最想让政府先办哪件事？" in words_of(reader(full))


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
    named = [PARTS[0], PARTS[1] | {"name": "实地检查（模拟）"}]
    document["indicators"][1]["definition"] = {"components": named}
    called = context(document, "all", "office")
    assert "实地检查（模拟） 91.0" in called["covers"]
    assert any("实地检查（模拟）" in text for text in called["rule"])
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
