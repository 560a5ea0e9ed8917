"""Means over many classifications at once, against `mean` asked one classification at a time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation import mean
from analysis.estimation.partitions import (
    Partition,
    Partitions,
    ReplicatedMeans,
    deviations_of,
    replicated_by_psu,
)
from analysis.replicates import ReplicateDesign
from analysis.weighting import poststratify

STREETS, GROUPS, CELLS = 4, 3, 3


def sample(seed, n=300, *, lost=0.2, calibrated=True):
    rng = np.random.default_rng(seed)
    psu = rng.integers(0, 24, n)
    frame = pd.DataFrame(
        {
            "w": rng.uniform(1, 5, n) * (rng.random(n) > 0.1),
            "psu": psu,
            "h": psu // 3,
            "street": psu % STREETS,
            "group": rng.integers(-1, GROUPS, n),
            "cell": rng.integers(0, CELLS, n),
            "y": np.where(rng.random(n) < lost, np.nan, 50 + psu + rng.normal(0, 9, n)),
        }
    )
    design = SurveyDesign(frame, weights="w", strata="h", clusters="psu", lonely_psu="adjust")
    if calibrated:
        design = poststratify(design, "cell", {k: 100.0 * (k + 1) for k in range(CELLS)})
    return frame, design


def partitions_of(frame, design, *, cells=True):
    parts = [
        Partition("all", np.zeros(len(frame), dtype=int), ("all",)),
        Partition("street", frame["street"].to_numpy(), tuple("abcd")),
        Partition("group", frame["group"].to_numpy(), tuple("xyz")),
        Partition("psu", frame["psu"].to_numpy(), tuple(map(str, range(24))), within_psu=True),
    ]
    return Partitions(design, parts, frame["cell"].to_numpy() if cells else None)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), lost=st.sampled_from([0.0, 0.2, 0.9]), calibrated=st.booleans())
def test_every_column_is_that_of_mean(seed, lost, calibrated):
    frame, design = sample(seed, lost=lost, calibrated=calibrated)
    sums = partitions_of(frame, design)
    found = sums.mean(frame["y"].to_numpy())
    for name, count in (("street", STREETS), ("group", GROUPS)):
        items = {
            str(k): np.where((frame[name] == k).to_numpy(), frame["y"].to_numpy(), np.nan)
            for k in range(count)
        }
        expected = mean(design, items, covariance=True)
        rows = sums.rows[name]
        for column in ("estimate", "se", "df", "n", "n_psus", "n_kish", "cluster_take", "element_variance"):
            mine, theirs = getattr(found.estimate, column)[rows], getattr(expected, column)
            assert np.allclose(mine, theirs, rtol=1e-9, atol=1e-9, equal_nan=True), column
        at = np.flatnonzero(np.isin(sums.with_errors, np.arange(rows.start, rows.stop)))
        known = np.isfinite(expected.vcov)
        assert np.allclose(found.covariance[np.ix_(at, at)][known], expected.vcov[known], atol=1e-9)
    plain = mean(design, frame["y"].to_numpy())
    assert found.estimate.estimate[0] == pytest.approx(plain.estimate[0], rel=1e-12)


def test_classes_within_a_psu_have_a_mean_and_no_error():
    frame, design = sample(1)
    sums = partitions_of(frame, design)
    found = sums.mean(frame["y"].to_numpy()).estimate
    rows = sums.rows["psu"]
    assert np.isnan(found.se[rows]).all() and np.isfinite(found.estimate[rows]).any()


def test_the_shortcut_repeats_final_weights_by_psu():
    frame, design = sample(3, calibrated=False)
    sums = partitions_of(frame, design, cells=False)
    y = frame["y"].to_numpy()
    bootstrap = ReplicateDesign.from_design(design, "bootstrap", replicates=40, seed=1)
    weights = np.column_stack([w[sums.used] for w in bootstrap.replicate_weights()])
    slow = ReplicatedMeans(sums, weights).thetas(y)
    fast = replicated_by_psu(sums.mean(y), bootstrap.factors)
    assert np.allclose(slow, fast, equal_nan=True)
    z = deviations_of(slow, sums.mean(y).estimate.estimate[sums.with_errors])
    expected = mean(bootstrap, y)
    assert np.sqrt((z[:, 0] ** 2).sum()) == pytest.approx(expected.se[0], rel=1e-9)


def test_a_calibration_that_differs_within_a_cell_is_refused():
    frame, design = sample(5)
    with pytest.raises(AnalysisError, match="within a calibration cell"):
        partitions_of(frame, design, cells=False)
