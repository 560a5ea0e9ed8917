import numpy as np
import pytest

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError, DesignError
from analysis.estimation import mean, statistic, total
from analysis.hadamard import hadamard
from analysis.replicates import ReplicateDesign
from tests.analysis.samples import two_stage


def design_of(seed=0, **options):
    return SurveyDesign(two_stage(seed, **options), weights="w", strata="h", clusters="psu")


@pytest.mark.parametrize("above", [0, 1, 2, 3, 7, 11, 19, 27, 35, 51, 75])
def test_a_hadamard_matrix_is_orthogonal_and_of_the_next_order(above):
    matrix = hadamard(above)
    order = len(matrix)
    assert order > above
    assert order <= max(4 * (above // 4 + 1), 2)
    assert np.array_equal(matrix @ matrix.T, order * np.eye(order))
    assert set(np.unique(matrix)) <= {-1, 1}


@pytest.mark.parametrize("method", ["BRR", "Fay"])
def test_balanced_half_samples_give_the_taylor_variance_of_a_total(method):
    design = design_of(1, psus=2)
    replicated = ReplicateDesign.from_design(design, method, rho=0.3)
    assert total(replicated, "y").se == pytest.approx(total(design, "y").se)


def test_the_bootstrap_comes_close_to_taylor_and_repeats_with_its_seed():
    design = design_of(2)
    a = mean(ReplicateDesign.from_design(design, "bootstrap", replicates=2000, seed=3), "y")
    b = mean(ReplicateDesign.from_design(design, "bootstrap", replicates=2000, seed=3), "y")
    assert a.se[0] == b.se[0]
    assert a.se[0] == pytest.approx(mean(design, "y").se[0], rel=0.06)
    assert a.df[0] == 8


def test_given_weights_and_multipliers_say_the_same():
    replicated = ReplicateDesign.from_design(design_of(3), "JKn")
    full = np.column_stack(list(replicated.replicate_weights()))
    options = {"scale": replicated.scale, "rscales": replicated.rscales, "df": 8}
    given = ReplicateDesign(two_stage(3), weights="w", replicates=full, **options)
    a, b = mean(replicated, ["y", "x"], by="d"), mean(given, ["y", "x"], by="d")
    assert b.vcov == pytest.approx(a.vcov)
    assert given.df == 8


def test_any_statistic_can_be_replicated():
    replicated = ReplicateDesign.from_design(design_of(4), "JKn")
    y = replicated.columns.array("y")
    found = statistic(replicated, lambda w: {"mean": np.sum(w * y) / np.sum(w)})
    assert found.se == pytest.approx(mean(replicated, "y").se)
    with pytest.raises(AnalysisError, match="from_design"):
        statistic(design_of(4), lambda w: {"mean": 0.0})


def test_mse_centres_at_the_full_sample():
    a = ReplicateDesign.from_design(design_of(5), "JKn", mse=True)
    b = ReplicateDesign.from_design(design_of(5), "JKn", mse=False)
    assert mean(a, "y").se[0] >= mean(b, "y").se[0]


def test_wrong_shapes_and_strata_are_refused():
    with pytest.raises(DesignError, match="expected 60 rows"):
        ReplicateDesign(two_stage(), weights="w", replicates=np.ones((59, 3)))
    with pytest.raises(DesignError, match="two PSUs in each stratum; 0 has 3"):
        ReplicateDesign.from_design(design_of(), "BRR")
    with pytest.raises(DesignError, match="without strata"):
        ReplicateDesign.from_design(design_of(), "JK1")
