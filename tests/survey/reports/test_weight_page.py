"""The page about weights: what officials read of them, and what only the team does."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from survey.accounts.models import User
from survey.audit.models import AuditEntry
from survey.reports import weight_plots
from survey.reports.charts import make_axis
from survey.reports.models import ResponseWeight
from survey.reports.reading import Reading
from survey.reports.services import create_run, freeze_recipe, publish_report
from survey.reports.weight_page import team_context, weights_context
from survey.reports.weighting import default_spec
from tests import factories
from tests.survey.reports.test_results import make_uneven

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def words_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


@pytest.fixture
def read(client, regions):
    def page(address, role="official", region="370105000000"):
        user = User.objects.filter(username=role).first()
        client.force_login(user or factories.make_user(role, role, regions[region]))
        return client.get(address)

    return page


def test_each_step_s_factors_are_those_of_the_passports(run):
    rows = {row["step"]: row for row in run.document["weights"]["diagnostics"]["steps"]}
    passports = list(ResponseWeight.objects.filter(run=run).values_list("factors", flat=True))
    for place, step in enumerate(entry["step"] for entry in passports[0]):
        factors = [passport[place]["factor"] for passport in passports]
        expected = np.quantile(factors, [0, 0.25, 0.5, 0.75, 1])
        found = [rows[step][name] for name in ("minimum", "q1", "median", "q3", "maximum")]
        assert found == pytest.approx(expected.tolist())


def test_margins_before_and_after_are_shares_of_the_weights(run):
    rows = run.document["weights"]["diagnostics"]["margins"]
    for margin in ("district", "sex", "age"):
        mine = [row for row in rows if row["margin"] == margin]
        for name in ("before", "after", "population"):
            assert sum(row[name] for row in mine) == pytest.approx(1)
    sexes = {row["level"]: row for row in rows if row["margin"] == "sex"}
    before = {"male": 0.0, "female": 0.0}
    for found in ResponseWeight.objects.filter(run=run).select_related("response"):
        weight = np.prod([row["factor"] for row in found.factors if row["step"] != "poststratification"])
        before["male" if found.response.answers["D01"] == 1 else "female"] += weight
    assert sexes["male"]["before"] == pytest.approx(before["male"] / sum(before.values()))
    assert all(row["after"] == pytest.approx(row["population"], abs=0.02) for row in sexes.values())


def test_an_official_reads_in_plain_words_what_the_weights_cost(report, read):
    page = read(reverse("reports:weights", args=[report.number]))
    text = words_of(page.content.decode())
    found = report.document["weights"]["diagnostics"]
    assert page.status_code == 200
    assert f"{found['n']:,} 份答卷代表" in text and f"{found['n_effective']:,.0f} 份" in text
    assert f"Kish 的权数设计效应 1 + 变异系数² = {found['kish_effect']:.2f}" in text
    assert "没有一份答卷的权数被截短" in text and "对齐人口普查以前，差得最多的是" in text
    assert not re.search(r"\b(nan|None|inf)\b", text)
    assert AuditEntry.objects.latest("sequence").detail["part"] == "weights"


def test_the_shortcut_s_error_stands_beside_the_recipe_s(report):
    made = weights_context(Reading(report.document))
    cell = report.document["estimates"]["score"]["all"]
    if report.document["errors"]["method"] == "bootstrap":
        row = next(row for row in made["errors"] if row.name == "满意度得分")
        assert (row.recipe, row.fixed) == (f"{cell['se']:.2f}", f"{cell['se_fixed']:.2f}")
        assert row.ratio == f"{cell['se_fixed'] / cell['se']:.2f}" and "固定的" in made["error_words"]
    else:
        assert made["errors"] == [] and "没有可以对照的捷径" in made["error_words"]


def test_the_recipe_s_own_error_and_the_shortcut_are_both_printed(report):
    document = report.document
    document["errors"] = {"method": "bootstrap", "ratio_fixed": 0.81, "ratio_linearised": 0.97}
    document["estimates"]["score"]["all"] |= {"se": 2.0, "se_fixed": 1.5, "se_linearised": None}
    made = weights_context(Reading(document))
    row = next(row for row in made["errors"] if row.name == "满意度得分")
    assert (row.recipe, row.fixed, row.linear, row.ratio) == ("2.00", "1.50", "—", "0.75")
    assert "0.81 倍：捷径把误差算小了" in made["error_words"]


def test_officials_see_no_class_cell_or_passport(report, read, regions):
    html = read(reverse("reports:weights", args=[report.number])).content.decode()
    assert "只有项目组看得到的" not in html and "权数护照" not in html
    response = report.run.weights.first().response_id
    for address in (
        reverse("reports:run_weights", args=[report.run_id]),
        reverse("reports:passport", args=[report.run_id, response]),
    ):
        assert read(address).status_code == 404


def test_the_team_sees_classes_cells_and_one_response_s_passport(report, client, lead):
    client.force_login(lead)
    html = client.get(reverse("reports:run_weights", args=[report.run_id])).content.decode()
    made = team_context(Reading(report.document))
    assert "只有项目组看得到的" in html and made["classes"][0]["label"] in html
    heaviest = report.run.weights.order_by("-weight", "response_id").first()
    address = reverse("reports:passport", args=[report.run_id, heaviest.response_id])
    assert address in html
    text = words_of(client.get(address).content.decode())
    for row in heaviest.factors:
        assert f"{row['factor']:,.4f}" in text
    assert f"{heaviest.weight:.1f}" in text
    entry = AuditEntry.objects.filter(action="reports.run.viewed").latest("sequence")
    assert entry.detail["part"] == "passport" and entry.detail["response"] == str(heaviest.response_id)


def test_a_response_of_another_round_has_no_passport_here(run, client, lead):
    client.force_login(lead)
    unknown = "00000000-0000-4000-8000-000000000000"
    assert client.get(reverse("reports:passport", args=[run.pk, unknown])).status_code == 404


def test_trimmed_answers_are_counted(measured, lead):
    make_uneven(measured)
    rule = {"rule": "times_mean", "times": 2.0, "iterate": True}
    recipe = freeze_recipe(round=measured, acting_user=lead, spec=default_spec(measured) | {"trimming": rule})
    run = create_run(round=measured, acting_user=lead, recipe=recipe)
    cut = run.document["weights"]["diagnostics"]["n_trimmed"]
    assert cut > 0
    summary = weights_context(Reading(run.document))["summary"]
    assert f"有 {cut} 份答卷的权数截到了上限，截下的分给了其余答卷。" in summary


@pytest.mark.parametrize("missing", ["all", "new"])
def test_older_reports_have_the_page_too(report, read, missing):
    weights = report.document["weights"]
    if missing == "all":
        del weights["diagnostics"]
    else:
        for name in ("steps", "margins", "n_trimmed"):
            del weights["diagnostics"][name]
    report.save()
    page = read(reverse("reports:weights", args=[report.number]))
    text = words_of(page.content.decode())
    assert page.status_code == 200 and "权数合计" in text and not re.search(r"\b(nan|None)\b", text)


def test_the_page_obeys_the_content_security_policy_and_its_drawings_are_whole(report, read):
    html = read(reverse("reports:weights", args=[report.number])).content.decode()
    assert " style=" not in html and "<style" not in html and "<script" not in html
    drawings = re.findall(r'<svg class="chart .*?</svg>', html, re.DOTALL)
    assert len(drawings) > 6
    for drawing in drawings:
        ElementTree.fromstring(drawing)


def test_one_district_is_not_compared_with_itself(report):
    headings = {row.heading for row in weights_context(Reading(report.document))["margins"]}
    assert headings == {"性别", "年龄"}


def test_shares_before_the_margins_are_withheld_where_a_category_is_masked(report):
    """In a self-weighting design they are counts."""
    shown = weights_context(Reading(report.document))["margins"]
    document = report.document
    for figures in document["estimates"].values():
        for key, cell in figures.items():
            if key.startswith("sex:"):
                cell.pop("suppressed", None)
            if key.startswith("age:"):
                cell["suppressed"] = "masked"
    masked = weights_context(Reading(document))
    assert {row.before for row in masked["margins"] if row.heading == "年龄"} == {"—"}
    some = next(iter(document["estimates"].values()))
    for key in [key for key in some if key.startswith("age:")]:
        some[key] = dict(some["all"])  # one indicator prints how many answered
    assert "—" not in {row.before for row in weights_context(Reading(document))["margins"]}
    assert "—" not in {row.before for row in masked["margins"] if row.heading == "性别"}
    assert any("差得最多的是" in text and "岁" not in text for text in masked["summary"])
    assert [row.after for row in masked["margins"]] == [row.after for row in shown]
    assert all("hollow" not in row.chart for row in masked["margins"] if row.heading == "年龄")


def test_a_new_edition_keeps_the_page_at_its_own_number(run, lead, read, report):
    newer = publish_report(run=run, title="更正版", acting_user=lead)
    assert read(reverse("reports:weights", args=[newer.number])).status_code == 200
    assert read(reverse("reports:weights", args=[report.number])).status_code == 404


@given(
    st.lists(st.floats(0.01, 90), min_size=5, max_size=5).map(sorted),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=40),
    st.floats(1, 500),
)
def test_any_drawing_is_well_formed(quartiles, counts, mean):
    axis = make_axis([0], [max(quartiles)])
    edges = [float(k) for k in range(len(counts) + 1)]
    for drawn in (
        weight_plots.spread(axis, quartiles),
        weight_plots.moved(axis, quartiles[0], quartiles[4]),
        weight_plots.histogram(edges, counts, mean),
    ):
        ElementTree.fromstring(drawn)
        assert "nan" not in drawn
