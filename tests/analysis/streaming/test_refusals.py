import itertools
import tracemalloc

import numpy as np
import pytest

from analysis.errors import AnalysisError, DesignError
from analysis.streaming import from_chunks, from_ibis
from tests.analysis.streaming.surveys import in_chunks, survey

OPTIONS = {"weights": "w", "strata": "h", "clusters": "psu"}


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_a_bad_row_is_named_with_its_frame(weight):
    data = survey()
    data.loc[60, "w"] = weight
    chunks = in_chunks(data, 50)
    with pytest.raises(DesignError, match="row 10 of this frame"):
        from_chunks(chunks, **OPTIONS).collect("y")


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_an_engine_s_bad_weights_are_counted(weight):
    ibis = pytest.importorskip("ibis")
    data = survey()
    data.loc[[60, 61], "w"] = weight
    with pytest.raises(DesignError, match=r"2 row\(s\)"):
        from_ibis(ibis.duckdb.connect().create_table("answers", data), **OPTIONS)


def test_a_generator_serves_one_pass_and_says_so_at_the_second():
    data = survey()
    streamed = from_chunks(iter(in_chunks(data)), **OPTIONS)
    assert streamed.collect("x").mean().n[0] > 0
    with pytest.raises(AnalysisError, match="read once"):
        streamed.collect("x")


def test_data_that_change_between_passes_are_noticed():
    data = survey()
    turns = itertools.count()

    def frames():
        return in_chunks(data if next(turns) == 0 else data.assign(sex="other"))

    raked = from_chunks(frames, **OPTIONS).rake({"sex": {"f": 500.0, "m": 500.0}})
    with pytest.raises(AnalysisError, match="changed between two passes"):
        raked.collect("x")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.assign(h=d["h"].astype(float).where(d["psu"] != 3)), "h: .* no value"),
        (lambda d: d.iloc[:0], "no rows"),
    ],
)
def test_rows_outside_any_stratum_and_empty_data_are_refused(change, words):
    with pytest.raises(AnalysisError, match=words):
        from_chunks([change(survey())], **OPTIONS).collect("x")


def test_a_cluster_in_two_strata_is_found_across_chunks():
    data = survey()
    data.loc[data.index[data["psu"] == 0][-1], "h"] = 5
    with pytest.raises(DesignError, match="two strata"):
        from_chunks(in_chunks(data, 9), **OPTIONS).collect("x")


def test_an_fpc_that_differs_within_a_stratum_is_found_across_chunks():
    data = survey()
    data.loc[data.index[data["h"] == 1][-1], "N1"] += 1
    with pytest.raises(DesignError, match="fpc, stage 1"):
        from_chunks(in_chunks(data, 9), fpc="N1", **OPTIONS).collect("x")


def test_what_was_not_collected_is_named():
    sums = from_chunks(in_chunks(survey()), **OPTIONS).collect(["x"])
    with pytest.raises(AnalysisError, match="'q' was not collected"):
        sums.proportion("q")
    with pytest.raises(AnalysisError, match="nothing was collected for a ratio"):
        sums.ratio()
    with pytest.raises(AnalysisError, match="name at least one item"):
        from_chunks(in_chunks(survey()), **OPTIONS).collect()


def test_a_margin_without_a_value_for_someone_is_refused():
    data = survey()
    data.loc[data.index[data["w"] > 0][:3], "sex"] = None
    with pytest.raises(AnalysisError, match=r"'sex': 3 row\(s\)"):
        from_chunks(in_chunks(data), **OPTIONS).rake({"sex": {"f": 500.0, "m": 500.0}})


def peak_of(n_chunks):
    """Peak of traced memory while raked means are made from so many chunks of 2,000 rows."""
    base = survey(8, strata=10, psus=4, ssus=5, take=10)

    def frames():
        return (base.copy() for _ in range(n_chunks))

    tracemalloc.start()
    try:
        raked = from_chunks(frames, **OPTIONS).rake(
            {"sex": {"f": 500.0, "m": 500.0}, "age": dict.fromkeys(range(4), 250.0)}
        )
        raked.collect(["y", "x"], categories=["q"], by=["d", "g"]).mean()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_chunks():
    few, many = peak_of(10), peak_of(60)
    # All 120,000 rows at once would take 14 MB in their columns alone; merging waits for 4,096 groups.
    assert many < 1.5 * few
