import numpy as np
import pandas as pd
import pytest

from analysis.design import SurveyDesign
from analysis.errors import ColumnError, DesignError, LonelyPSUError
from analysis.estimation import mean, total
from tests.analysis.samples import two_stage


def test_it_accepts_a_frame_or_a_mapping_with_the_same_result():
    data = two_stage()
    a = SurveyDesign(data, weights="w", strata="h", clusters="psu")
    b = SurveyDesign(pd.DataFrame(data), weights=data["w"], strata="h", clusters=data["psu"])
    assert mean(a, "y").se == pytest.approx(mean(b, "y").se, rel=1e-14)


def test_it_cannot_be_changed():
    design = SurveyDesign(two_stage(), weights="w")
    with pytest.raises(AttributeError):
        design.weights = np.ones(60)


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({"w": -1.0}, {}, "row 7"),
        ({"w": np.nan}, {}, "row 7"),
        ({"psu": 99}, {"clusters": "psu", "strata": "h", "fpc": "N1"}, None),
        ({"psu": 11}, {"clusters": "psu", "strata": "h"}, "two strata"),
        ({"N1": 1.5}, {"clusters": "psu", "strata": "h", "fpc": "N1"}, "stratum"),
        ({"h": np.nan}, {"strata": "h"}, "row 7"),
    ],
)
def test_it_names_the_row_or_stratum_at_fault(change, options, words):
    data = {k: np.asarray(v, dtype=float) if k != "g" else v for k, v in two_stage().items()}
    for column, value in change.items():
        data[column] = data[column].copy()
        data[column][7] = value
    if words is None:
        SurveyDesign(data, weights="w", **options)
        return
    with pytest.raises(DesignError, match=words):
        SurveyDesign(data, weights="w", **options)


def test_a_population_smaller_than_the_sample_is_refused():
    data = two_stage()
    data["N1"] = np.full(60, 2)
    with pytest.raises(DesignError, match="3 sampled units but a population of 2"):
        SurveyDesign(data, weights="w", strata="h", clusters="psu", fpc="N1")


def test_an_unknown_column_lists_those_there_are():
    with pytest.raises(ColumnError, match="no column 'weight'"):
        SurveyDesign(two_stage(), weights="weight")


def test_without_any_weight_it_refuses():
    with pytest.raises(DesignError, match="whom a row stands for"):
        SurveyDesign(two_stage(), strata="h")


def test_reused_cluster_ids_need_nest():
    data = two_stage()
    data["psu"] = data["psu"] % 3
    with pytest.raises(DesignError, match="nest=True"):
        SurveyDesign(data, weights="w", strata="h", clusters="psu")
    assert SurveyDesign(data, weights="w", strata="h", clusters="psu", nest=True).df == 8


def test_a_lonely_psu_fails_by_name_unless_told_otherwise():
    data = two_stage()
    keep = (data["h"] != 2) | (data["psu"] == 6)
    data = {k: v[keep] for k, v in data.items()}
    design = SurveyDesign(data, weights="w", strata="h", clusters="psu")
    with pytest.raises(LonelyPSUError, match=r"stage 1.*\(2\)"):
        mean(design, "y")
    removed = mean(design.with_lonely("remove"), "y").se[0]
    averaged = mean(design.with_lonely("average"), "y").se[0]
    assert averaged == pytest.approx(removed * np.sqrt(4 / 3))
    assert mean(design.with_lonely("adjust"), "y").se[0] > removed


def test_fractions_and_counts_mean_the_same():
    data = two_stage()
    data["f1"], data["f2"] = 3 / data["N1"], 5 / data["N2"]
    options = {"strata": "h", "clusters": ["psu", "hh"]}
    a = total(SurveyDesign(data, weights="w", fpc=["N1", "N2"], **options), "y")
    b = total(SurveyDesign(data, weights="w", fpc=["f1", "f2"], **options), "y")
    assert a.se == pytest.approx(b.se, rel=1e-12)


def test_weights_come_from_fpc_when_none_are_given():
    data = two_stage()
    design = SurveyDesign(data, strata="h", clusters=["psu", "hh"], fpc=["N1", "N2"])
    assert design.weights == pytest.approx(np.full(60, 8.0))


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_other_data_frames_give_the_same_figures(library):
    module = pytest.importorskip(library)
    data = two_stage(1)
    frame = module.DataFrame(data) if library == "polars" else module.table(data)
    a = mean(SurveyDesign(frame, weights="w", strata="h", clusters="psu"), "y", by="g")
    b = mean(SurveyDesign(data, weights="w", strata="h", clusters="psu"), "y", by="g")
    assert a.estimate == pytest.approx(b.estimate)
    assert list(a.domains["g"]) == list(b.domains["g"])


def test_a_categorical_column_keeps_its_order_and_its_empty_levels_are_no_rows():
    data = pd.DataFrame(two_stage(2))
    data["g"] = pd.Categorical(data["g"], categories=["男", "不详", "女"])
    result = mean(SurveyDesign(data, weights="w"), "y", by="g")
    assert list(result.domains["g"]) == ["男", "女"]
    kept = mean(SurveyDesign(data, weights="w"), "y", by="g", drop_empty=False)
    assert list(kept.domains["g"]) == ["男", "不详", "女"]
    assert np.isnan(kept.estimate[1])


def test_a_lonely_unit_of_the_second_stage_is_named_by_its_psu():
    data = two_stage(3)
    keep = (data["psu"] != 7) | (data["hh"] % 5 == 0)
    data = {k: v[keep] for k, v in data.items()}
    design = SurveyDesign(data, weights="w", strata="h", clusters=["psu", "hh"], fpc=["N1", "N2"])
    with pytest.raises(LonelyPSUError, match=r"stage 2: 1 .* \(7\)"):
        mean(design, "y")
