import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation import mean, proportion, ratio, total
from analysis.inference.regression import glm
from analysis.replicates import ReplicateDesign
from analysis.weighting import poststratify
from tests.analysis import slow
from tests.analysis.samples import two_stage


def design_of(data, stages=1, fpc=True):
    clusters = ["psu", "hh"][:stages]
    return SurveyDesign(
        data, weights="w", strata="h", clusters=clusters, fpc=["N1", "N2"][:stages] if fpc else None
    )


def obvious(data, scores, stages, fpc=True):
    n = len(scores)
    fractions = [3 / data["N1"], 5 / data["N2"]] if fpc else [np.zeros(n), np.zeros(n)]
    levels = [(data["h"], data["psu"]), (None, data["hh"])][:stages]
    return slow.variance_of_total(scores, levels, fractions)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 2), st.booleans(), st.integers(0, 2))
def test_a_domain_mean_agrees_with_the_obvious_loops(seed, stages, fpc, domain):
    data = two_stage(seed)
    inside = data["d"] == domain
    if not inside.any():
        return
    value, scores = slow.domain_mean(data["y"], data["w"], inside)
    result = mean(design_of(data, stages if fpc else 1, fpc), "y", where=inside)
    assert result.estimate[0] == pytest.approx(value, rel=1e-12)
    want = obvious(data, scores, stages if fpc else 1, fpc)
    assert result.variance[0] == pytest.approx(want, rel=1e-9, abs=1e-18)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e4))
def test_scaling_weights_and_shuffling_rows_changes_nothing(seed, factor):
    data = two_stage(seed)
    order = np.random.default_rng(seed).permutation(len(data["y"]))
    shuffled = {k: v[order] for k, v in data.items()}
    shuffled["w"] = shuffled["w"] * factor
    a, b = (mean(design_of(d, fpc=False), ["y", "x"], by="d") for d in (data, shuffled))
    assert b.estimate == pytest.approx(a.estimate, rel=1e-12)
    assert b.vcov == pytest.approx(a.vcov, rel=1e-8, abs=1e-14)
    assert list(a.df) == list(b.df)


def test_a_domain_mean_comes_out_the_same_four_ways():
    data = two_stage(3)
    design = design_of(data, 2)
    inside = data["d"] == 1
    where = mean(design, "y", where=inside)
    by = mean(design, "y", by="d")
    quotient = ratio(design, {"a": np.where(inside, data["y"], 0)}, {"b": inside.astype(float)})
    model = glm(design, "y", [], where=inside)
    for estimate, se in (
        (by.estimate[1], by.se[1]),
        (quotient.estimate[0], quotient.se[0]),
        (model.coefficients[0], model.se[0]),
    ):
        assert estimate == pytest.approx(where.estimate[0], rel=1e-11)
        assert se == pytest.approx(where.se[0], rel=1e-9)


def test_totals_of_domains_add_up_and_their_covariance_too():
    design = design_of(two_stage(4), 2)
    parts, whole = total(design, "y", by="d"), total(design, "y")
    assert parts.estimate.sum() == pytest.approx(whole.estimate[0])
    assert parts.vcov.sum() == pytest.approx(whole.vcov[0, 0], rel=1e-9)


def test_the_jackknife_of_a_total_is_the_taylor_variance():
    design = design_of(two_stage(5))
    replicated = ReplicateDesign.from_design(design, "JKn")
    a, b = total(design, ["y", "x"], by="d"), total(replicated, ["y", "x"], by="d")
    assert b.estimate == pytest.approx(a.estimate)
    assert b.vcov == pytest.approx(a.vcov, rel=1e-9, abs=1e-9)
    assert list(a.df) == list(b.df)


def test_a_poststratified_margin_has_no_error():
    design = poststratify(design_of(two_stage(6)), "g", {"女": 70, "男": 60})
    share = proportion(design, "g")
    assert share.estimate == pytest.approx([70 / 130, 60 / 130])
    assert share.se == pytest.approx([0, 0], abs=1e-12)


def test_missing_values_are_left_out_item_by_item():
    data = two_stage(7)
    data["y"][:10] = np.nan
    design = design_of(data)
    together = mean(design, ["y", "x"])
    assert list(together.n) == [50, 60]
    assert together.estimate[1] == pytest.approx(np.average(data["x"], weights=data["w"]))
    listwise = mean(design, ["y", "x"], missing="listwise")
    assert list(listwise.n) == [50, 50]
    assert np.isnan(mean(design, "y", missing="propagate").estimate[0])


def test_an_empty_domain_is_no_estimate_with_a_reason():
    data = two_stage(8)
    data["y"][data["d"] == 2] = np.nan
    result = mean(design_of(data), "y", by="d")
    assert np.isnan(result.estimate[2]) and np.isnan(result.se[2])
    assert result.n[2] == 0
    assert "no row" in result.reason[2]
    assert np.isnan(result.ci()[0][2])


def test_a_domain_of_one_psu_says_that_it_has_no_interval():
    data = two_stage(9)
    result = mean(design_of(data), "y", where=data["psu"] == 4)
    assert result.df[0] == 0
    assert "degree of freedom" in result.reason[0]
    assert np.isnan(result.ci()).all()


def test_domain_degrees_of_freedom_count_psus_and_strata_present():
    data = two_stage(10)
    design = design_of(data)
    result = mean(design, "y", where=(data["h"] == 0) | (data["psu"] == 3))
    assert result.df[0] == 4 - 2
    assert result.design_df == 8


def test_both_design_effects():
    data = two_stage(11)
    result = mean(design_of(data, fpc=False), "y")
    w, y, n = data["w"], data["y"], 60
    s2 = np.sum(w * (y - result.estimate[0]) ** 2) / w.sum() * n / (n - 1)
    assert result.deff[0] == pytest.approx(result.variance[0] / (s2 / n))
    assert result.design_effect("wor")[0] == pytest.approx(result.deff[0] / (1 - n / w.sum()))
    assert result.n_effective[0] == pytest.approx(n / result.deff[0])


def test_a_scale_far_from_zero_keeps_its_digits():
    data = two_stage(12)
    near = mean(design_of(data), "y")
    data["y"] = data["y"] + 1e9
    far = mean(design_of(data), "y")
    assert far.se[0] == pytest.approx(near.se[0], rel=1e-6)


def test_shares_of_named_levels_and_codes_that_are_no_answer():
    data = two_stage(13)
    data["a"] = np.array([1, 2, 3, -1] * 15)
    design = design_of(data)
    top = proportion(design, "a", levels=[1, 2], exclude=[-1])
    answered = data["a"] > 0
    assert top.estimate[0] == pytest.approx(np.average(data["a"][answered] <= 2, weights=data["w"][answered]))
    assert top.n[0] == 45
    assert proportion(design, "a", exclude=[-1]).estimate.sum() == pytest.approx(1)
    with pytest.raises(AnalysisError, match="both counted and excluded"):
        proportion(design, "a", levels=[1], exclude=[1])


def test_the_table_reads_and_converts():
    result = mean(design_of(two_stage(14)), "y", by=["d", "g"])
    frame = result.to_frame()
    assert {"d", "g", "estimate", "ci_low", "df", "n_effective"} <= set(frame.columns)
    assert "mean" in repr(result)
    row = result.row(d=1, g="女")
    assert frame.loc[row, "d"] == 1


def test_an_unknown_option_is_refused_in_words():
    design = design_of(two_stage())
    with pytest.raises(AnalysisError, match="itemwise"):
        mean(design, "y", missing="drop")
    with pytest.raises(AnalysisError, match="bool mask"):
        mean(design, "y", where=np.ones(60))


@pytest.mark.parametrize("lonely", ["fail", "remove"])
def test_variances_from_cells_alone_are_those_of_the_table(monkeypatch, lonely):
    data = two_stage(15)
    if lonely == "remove":
        keep = (data["h"] != 1) | (data["psu"] == 3)
        data = {k: v[keep] for k, v in data.items()}
    for clusters, fpc in (("psu", "N1"), (None, None)):
        design = SurveyDesign(data, weights="w", strata="h", clusters=clusters, fpc=fpc, lonely_psu=lonely)
        table = mean(design, ["y", "x"], by=["d", "g"], covariance=False)
        with monkeypatch.context() as patch:
            patch.setattr("analysis.estimation.finish._TABLE", 0)
            cells = mean(design, ["y", "x"], by=["d", "g"], covariance=False)
        assert cells.se == pytest.approx(table.se, rel=1e-10)
