import numpy as np
import pytest

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation import mean, proportion
from analysis.weighting import adjust_by_class, poststratify, recipe_errors
from tests.analysis.samples import two_stage


def design_of(seed):
    data = two_stage(seed, strata=8, psus=4, take=8)
    data["ok"] = (np.random.default_rng(seed).random(len(data["y"])) < 0.8).astype(float)
    return SurveyDesign(data, weights="w", strata="h", clusters="psu")


def recipe(design):
    answered = adjust_by_class(design, "ok", "g").design
    return poststratify(answered, "g", {"女": 300.0, "男": 250.0})


def test_the_recipe_knows_that_its_margins_are_fixed_and_the_shortcut_does_not():
    found = recipe_errors(design_of(1), recipe, lambda d: proportion(d, "g"), replicates=100, seed=2)
    assert found.se == pytest.approx([0, 0], abs=1e-12)
    assert (found.fixed_se > 0.01).all()
    assert found.failed == 0


def test_it_comes_close_to_the_linearised_error_and_repeats_with_its_seed():
    design = design_of(3)
    a = recipe_errors(design, recipe, lambda d: mean(d, "y"), replicates=150, seed=4)
    b = recipe_errors(design, recipe, lambda d: mean(d, "y"), replicates=150, seed=4)
    assert a.se[0] == b.se[0]
    assert a.se[0] == pytest.approx(a.linearised.se[0], rel=0.25)


def test_a_recipe_that_keeps_failing_is_said():
    design = design_of(5)
    used = design.weights.copy()

    def brittle(d):
        if not np.array_equal(d.weights, used):
            raise AnalysisError("class 3 has no respondent")
        return d

    with pytest.raises(AnalysisError, match="fails on 20 of 20 replicates; the last one: class 3"):
        recipe_errors(design, brittle, lambda d: mean(d, "y"), replicates=20)
