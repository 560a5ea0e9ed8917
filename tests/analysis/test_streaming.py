import numpy as np
import pandas as pd
import pytest

from analysis.design import SurveyDesign
from analysis.errors import DesignError
from analysis.estimation import mean, total
from analysis.streaming import CellSums, cells_from_ibis, from_chunks
from tests.analysis.samples import two_stage

OPTIONS = {"weights": "w", "strata": "h", "clusters": "psu"}


def frame(seed=1):
    data = pd.DataFrame(two_stage(seed, strata=10, psus=4, take=9))
    data.loc[data.index % 7 == 0, "y"] = np.nan
    data["y"] += 1e5
    data["N1"] = 40
    return data.sample(frac=1, random_state=seed).reset_index(drop=True)


def chunks(data, size=50):
    return [data.iloc[a : a + size] for a in range(0, len(data), size)]


def same(a, b):
    assert a.terms == b.terms
    assert {k: list(v) for k, v in a.domains.items()} == {k: list(v) for k, v in b.domains.items()}
    for name in ("estimate", "se", "df", "n", "n_kish", "cluster_take", "deff", "n_psus", "domain_df"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-9), name
    assert a.vcov == pytest.approx(b.vcov, rel=1e-9, abs=1e-9 * np.abs(b.vcov).max())


@pytest.mark.parametrize("by", [[], ["d"], ["d", "g"]])
@pytest.mark.parametrize("fpc", [None, "N1"])
def test_chunks_give_the_figures_of_the_whole(by, fpc):
    data = frame()
    sums = from_chunks(chunks(data), ["y", "x"], by=by, fpc=fpc, **OPTIONS)
    design = SurveyDesign(data, fpc=fpc, **OPTIONS)
    same(sums.mean(), mean(design, ["y", "x"], by=by or None))
    same(sums.total(), total(design, ["y", "x"], by=by or None))


def test_rows_without_a_domain_keep_their_psu_in_the_design():
    data = frame(2)
    data["d"] = data["d"].where(data["d"] != 1)
    sums = from_chunks(chunks(data), ["x"], by=["d"], **OPTIONS)
    same(sums.mean(), mean(SurveyDesign(data, **OPTIONS), "x", by="d"))


def test_a_bad_row_is_named_with_its_frame():
    data = frame(3)
    data.loc[60, "w"] = -1
    sums = CellSums(["y"], **OPTIONS)
    sums.add(data.iloc[:50])
    with pytest.raises(DesignError, match="row 10 of this frame"):
        sums.add(data.iloc[50:])


def test_an_engine_that_groups_gives_the_same_figures():
    ibis = pytest.importorskip("ibis")
    data = frame(4)
    table = ibis.duckdb.connect().create_table("answers", data)
    sums = CellSums(["y", "x"], by=["d"], fpc="N1", pilot={"y": 1e5, "x": 15.0}, **OPTIONS)
    sums.add_cells(cells_from_ibis(table, sums))
    same(sums.mean(), mean(SurveyDesign(data, fpc="N1", **OPTIONS), ["y", "x"], by="d"))
