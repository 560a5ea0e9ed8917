"""The analysts' files: what is in them, what is not, and that a headline figure comes out of them again."""

import io
import shutil
import subprocess
import zipfile
from xml.etree import ElementTree as Xml

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest

from survey.audit.models import AuditEntry
from survey.common.errors import Problem
from survey.questionnaires.document import DONT_KNOW, REFUSED
from survey.reports.inputs import read_inputs
from survey.reports.microdata.package import make_package
from survey.reports.microdata.table import build_table
from survey.reports.microdata.variables import item_variables
from survey.reports.services import create_run, freeze_recipe
from survey.reports.snapshots import take_snapshot
from survey.reports.weighting import default_spec
from survey.responses.models import Response
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def kept(run):
    """The run with its snapshot."""
    if run.snapshot is None:
        run.snapshot = take_snapshot(run.round, read_inputs(run.round))
        run.save(update_fields=["snapshot"])
    return run


@pytest.fixture
def analyst(regions):
    return factories.make_user("ana", "analyst", regions["370105000000"])


def unpack(content, folder):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
        return set(archive.namelist())


def headline_of(run):
    """(estimate, standard error) of the first indicator over the whole round, as the report has them."""
    figure = run.document["estimates"]["score"]["all"]
    return figure["estimate"], figure["se"]


def test_every_format_says_the_same(kept, analyst, tmp_path):
    names = unpack(make_package(run=kept, is_fine=False, acting_user=analyst), tmp_path)
    assert {"data.csv", "data.parquet", "data.sav", "data.dta", "codebook.xml", "codebook.md"} < names
    csv = pd.read_csv(tmp_path / "data.csv", encoding="utf-8-sig")
    parquet = pq.read_table(tmp_path / "data.parquet")
    spss, labels = pyreadstat.read_sav(tmp_path / "data.sav", user_missing=True)
    stata, _ = pyreadstat.read_dta(tmp_path / "data.dta")
    assert len(csv) == Response.objects.filter(round=kept.round).count() == len(spss) == len(stata)
    for frame in (parquet.to_pandas(), spss, stata):
        assert list(frame.columns) == list(csv.columns)
        assert np.allclose(frame["weight"], csv["weight"], rtol=1e-12)
        assert (frame["Q20"] == csv["Q20"]).all()
        assert (frame["psu"] == csv["psu"]).all()
    assert labels.column_names_to_labels["Q20"] == "总的来说，您满意吗？"
    assert labels.variable_value_labels["Q20"][5.0] == "非常满意"
    assert labels.missing_ranges["Q20"] == [{"lo": -4.0, "hi": -1.0}]
    assert parquet.schema.field("Q20").metadata[b"code:-1.0"].decode() == "不了解"


def test_weights_are_the_run_s_and_their_factors_multiply(kept, analyst):
    data = build_table(kept, is_fine=False).frame
    assert data["weight"].sum() == pytest.approx(kept.document["weights"]["sum"])
    product = np.prod([data[name] for name in data.columns if name.startswith("f_")], axis=0)
    assert np.allclose(product, data["weight"], rtol=1e-12)
    cells = data.groupby("poststratum")["weight"].sum()
    population = [cell["population"] for cell in kept.document["weights"]["cells"] if cell["n"]]
    assert np.allclose(sorted(cells), sorted(population))


def test_nobody_is_named_and_places_are_coarse(kept, analyst, tmp_path):
    unpack(make_package(run=kept, is_fine=False, acting_user=analyst), tmp_path)
    text = (tmp_path / "data.csv").read_text(encoding="utf-8-sig")
    header = text.splitlines()[0].split(",")
    assert not {"S02", "street", "response_id", "case_id", "path"} & set(header)
    for case in kept.round.cases.select_related("community"):
        assert str(case.opaque_id) not in text and case.community.code not in text
    for response in Response.objects.filter(round=kept.round):
        assert str(response.pk) not in text and str(response.client_id) not in text
    ages = pd.read_csv(io.StringIO(text))["age_group"]
    assert set(ages) <= {1, 2, 3, 4, 5}


def test_streets_and_years_of_age_need_the_named_role_too(kept, analyst, regions):
    with pytest.raises(Problem) as refused:
        make_package(run=kept, is_fine=True, acting_user=analyst)
    assert refused.value.code == "common.forbidden"
    only_steward = factories.make_user("only", "data_steward", regions["370105000000"])
    with pytest.raises(Problem):
        make_package(run=kept, is_fine=True, acting_user=only_steward)
    factories.Grant.objects.create(user=analyst, role="data_steward", region=regions["370105000000"])
    both = factories.User.objects.get(pk=analyst.pk)
    make_package(run=kept, is_fine=True, acting_user=both)
    assert AuditEntry.objects.filter(action="reports.microdata.downloaded").last().detail["fine"] is True
    fine = build_table(kept, is_fine=True).frame
    assert {"S02", "street"} <= set(fine.columns)


def test_pseudonyms_join_rounds_and_tell_nothing(kept):
    first, second = build_table(kept, is_fine=False).frame, build_table(kept, is_fine=True).frame
    assert list(first["psu"]) == list(second["psu"])
    inputs = read_inputs(kept.round)
    drawn = {(s, p) for s, p in zip(inputs.stratum, inputs.psu, strict=True)}
    assert first.groupby(["stratum", "psu"]).ngroups == len(drawn)
    assert all(len(value) == 11 and value[0] == "P" for value in first["psu"])


def test_the_codebook_lists_every_column_with_counts(kept, analyst, tmp_path):
    unpack(make_package(run=kept, is_fine=False, acting_user=analyst), tmp_path)
    root = Xml.parse(tmp_path / "codebook.xml").getroot()
    space = {"d": "ddi:codebook:2_5"}
    frame = pd.read_csv(tmp_path / "data.csv", encoding="utf-8-sig")
    assert [v.get("name") for v in root.iterfind(".//d:var", space)] == list(frame.columns)
    asked = next(v for v in root.iterfind(".//d:var", space) if v.get("name") == "Q20")
    counts = {
        c.findtext("d:catValu", namespaces=space): int(c.findtext("d:catStat", namespaces=space))
        for c in asked.iterfind("d:catgry", space)
    }
    assert counts["5"] == (frame["Q20"] == 5).sum() and counts["-1"] == (frame["Q20"] == -1).sum() > 0
    assert sum(counts.values()) == len(frame)
    words = (tmp_path / "codebook.md").read_text(encoding="utf-8")
    assert "最小的一组" in words and "`weight`" in words


def test_cases_say_who_was_drawn_and_nothing_of_what_was_said(kept, analyst, tmp_path):
    unpack(make_package(run=kept, is_fine=False, acting_user=analyst), tmp_path)
    cases = pd.read_csv(tmp_path / "cases.csv", encoding="utf-8-sig")
    data = pd.read_csv(tmp_path / "data.csv", encoding="utf-8-sig")
    assert len(cases) == kept.round.cases.count() and cases["responded"].sum() == len(data)
    assert cases["base"].sum() == pytest.approx(180)  # households of the frame
    answered = cases[cases["responded"] == 1].groupby("psu").size()
    assert (answered == data.groupby("psu").size()).all()
    assert not set(cases.columns) & {"Q20", "street", "weight", "id"}


def test_the_same_run_gives_the_same_file(kept, analyst):
    first = make_package(run=kept, is_fine=False, acting_user=analyst)
    again = make_package(run=kept, is_fine=False, acting_user=analyst)
    for name in ("data.csv", "codebook.xml", "population.csv", "reproduce.R"):
        with zipfile.ZipFile(io.BytesIO(first)) as a, zipfile.ZipFile(io.BytesIO(again)) as b:
            assert a.read(name) == b.read(name)


def test_r_gives_the_headline_figure_again(measured, lead, tmp_path):
    rscript = shutil.which("Rscript")
    found = rscript and subprocess.run([rscript, "-e", "library(survey)"], capture_output=True, check=False)
    if not found or found.returncode:
        pytest.skip("R with the package survey is not installed")
    spec = default_spec(measured)
    spec["variance"]["method"] = "taylor"
    recipe = freeze_recipe(round=measured, acting_user=lead, spec=spec)
    run = create_run(round=measured, acting_user=lead, recipe=recipe)
    run.snapshot = run.snapshot or take_snapshot(measured, read_inputs(measured))
    unpack(make_package(run=run, is_fine=False, acting_user=lead), tmp_path)
    done = subprocess.run([rscript, "reproduce.R"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    estimate, se = map(float, done.stdout.split("RESULT ")[1].split())
    assert (estimate, se) == pytest.approx(headline_of(run), rel=1e-8)


def test_an_outsider_finds_nothing(client, kept, official):
    client.force_login(official)
    assert client.get(f"/reports/runs/{kept.pk}/microdata.zip").status_code == 403


class TestColumns:
    """Items of every type as columns."""

    def document(self, *items, **block):
        lists = {
            "ways": [
                {"code": "bus", "label": {"zh-hans": "公交"}},
                {"code": "bike", "label": {"zh-hans": "自行车"}},
            ],
            "no": [{"code": -2, "label": {"zh-hans": "不想说"}, "missing": "refused"}],
        }
        return {
            "default_language": "zh-hans",
            "choice_lists": lists,
            "blocks": [{"name": "b", "items": list(items), **block}],
        }

    def item(self, name, kind, **parts):
        return {"name": name, "type": kind, "label": {"zh-hans": name}, **parts}

    def test_several_choices_become_yes_and_no(self):
        document = self.document(self.item("W", "select_multiple", list="ways", missing="no"))
        columns, _ = item_variables(document, "zh-hans")
        assert [c.name for c in columns] == ["W_bus", "W_bike", "W_m2"]
        assert [c.read(["bike"]) for c in columns] == [0, 1, 0]
        assert [c.read([REFUSED]) for c in columns] == [0, 0, 1]
        assert {c.read(None) for c in columns} == {-3}

    def test_a_ranking_becomes_places(self):
        columns, _ = item_variables(self.document(self.item("R", "ranking", list="ways")), "zh-hans")
        assert [c.read(["bike", "bus"]) for c in columns] == [2, 1]
        assert [c.read(["bus"]) for c in columns] == [1, 0]

    def test_one_choice_with_words_for_codes_stays_words(self):
        (column,), _ = item_variables(self.document(self.item("V", "select_one", list="ways")), "zh-hans")
        assert column.is_text and column.read("bus") == "bus" and column.labels["bus"] == "公交"

    def test_numbers_keep_their_missing_codes(self):
        (column,), _ = item_variables(self.document(self.item("N", "integer", missing="no")), "zh-hans")
        assert column.read(70) == 70 and column.read(DONT_KNOW) == -1 and column.read(None) == -3
        assert column.missing == (-4, -3, -2, -1)

    def test_personal_and_repeated_items_are_named_as_left_out(self):
        kinds = ("text", "place", "photo", "signature")
        document = self.document(*(self.item(f"x{i}", kind) for i, kind in enumerate(kinds)))
        columns, withheld = item_variables(document, "zh-hans")
        assert columns == [] and [w.reason for w in withheld] == ["personal"] * 4
        document = self.document(self.item("age", "integer"), repeat={"min": 1})
        assert [w.reason for w in item_variables(document, "zh-hans")[1]] == ["repeat"]

    def test_long_and_equal_names_stay_apart(self):
        names = ("a" * 40 + "1", "a" * 40 + "2", "Aa", "aA")
        document = self.document(*(self.item(name, "integer") for name in names))
        made = [c.name for c in item_variables(document, "zh-hans")[0]]
        assert len({name.lower() for name in made}) == 4 and max(map(len, made)) == 32
