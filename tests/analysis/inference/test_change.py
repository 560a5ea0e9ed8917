"""Change between two rounds: identities with stacking, and simulation of rotating PSUs."""

import numpy as np
import pytest

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError, DesignError
from analysis.estimation import contrast, mean, proportion, total
from analysis.inference.change import change, change_in_share, change_in_stacked
from analysis.replicates import ReplicateDesign
from analysis.weighting import poststratify, rake
from tests.analysis.samples import two_stage

SEX = {"女": 70.0, "男": 60.0}


def rounds(seed=1, **options):
    """Two rounds in the same PSUs, other households, and both stacked with a column `round`."""
    first, second = two_stage(seed, **options), two_stage(seed + 1, **options)
    effect = np.random.default_rng(seed).normal(size=first["psu"].max() + 1) * 6
    for k, data in enumerate((first, second)):
        data["y"] = data["y"] + effect[data["psu"]] + 2 * k
        data["round"] = np.full(len(data["y"]), k + 1)
    stacked = {k: np.concatenate([first[k], second[k]]) for k in first}
    return first, second, stacked


def design_of(data, **options):
    return SurveyDesign(data, weights="w", strata="h", clusters="psu", **options)


@pytest.mark.parametrize("by", [None, "g", ["g", "d"]])
@pytest.mark.parametrize("fpc", [None, "N1"])
def test_with_the_same_psus_it_is_the_contrast_of_the_stacked_design(by, fpc):
    first, second, stacked = rounds()
    found = change(design_of(first, fpc=fpc), design_of(second, fpc=fpc), ["y", "x"], psu="psu", by=by)
    other = change_in_stacked(design_of(stacked, fpc=fpc), ["y", "x"], over="round", first=1, second=2, by=by)
    assert found.change.terms == other.change.terms
    assert found.change.estimate == pytest.approx(other.change.estimate, rel=1e-9)
    assert found.change.se == pytest.approx(other.change.se, rel=1e-9)
    assert found.change.vcov == pytest.approx(other.change.vcov, rel=1e-8, abs=1e-10)
    assert found.covariance == pytest.approx(other.covariance, rel=1e-8, abs=1e-10)
    assert found.change.df == pytest.approx(other.change.df)
    assert found.shared_psus == other.shared_psus == 12


def test_the_stacked_change_is_a_contrast_of_means():
    _, _, stacked = rounds(3)
    design = design_of(stacked)
    found = change_in_stacked(design, "y", over="round", first=1, second=2)
    made = contrast(mean(design, "y", by="round"), {"d": {"round=2": 1, "round=1": -1}})
    assert found.change.estimate == pytest.approx(made.estimate)
    assert found.change.se == pytest.approx(made.se)
    assert found.change.df == pytest.approx(made.df)


def test_without_shared_psus_the_variances_add_up():
    first, second, _ = rounds(4)
    second["psu"] = second["psu"] + 100
    a, b = design_of(first), design_of(second)
    found = change(a, b, "y", psu="psu")
    one, two = mean(a, "y"), mean(b, "y")
    assert found.change.variance == pytest.approx(one.variance + two.variance)
    assert found.shared_psus == 0 and found.covariance[0] == 0
    v1, v2 = one.variance[0], two.variance[0]
    assert found.change.df[0] == pytest.approx((v1 + v2) ** 2 / (v1**2 / 8 + v2**2 / 8))


def test_a_round_has_not_changed_against_itself():
    design = rake(design_of(two_stage(5)), {"g": SEX, "d": {0: 50.0, 1: 40.0, 2: 40.0}})
    found = change(design, design, ["y", "x"], psu="psu", by="g")
    assert found.change.estimate == pytest.approx(np.zeros(4))
    assert found.change.se == pytest.approx(np.zeros(4), abs=1e-7)
    assert found.correlation == pytest.approx(np.ones(4))
    assert not found.bounded


@pytest.mark.parametrize("lonely", ["remove", "adjust", "average"])
def test_lonely_psus_are_treated_as_in_the_stacked_design(lonely):
    first, second, stacked = rounds(6)

    def without(data):
        keep = (data["h"] != 2) | (data["psu"] == 6)
        return design_of({k: v[keep] for k, v in data.items()}, lonely_psu=lonely)

    found = change(without(first), without(second), "y", psu="psu")
    other = change_in_stacked(without(stacked), "y", over="round", first=1, second=2)
    assert found.change.se == pytest.approx(other.change.se, rel=1e-9)


def test_two_stages_with_households_drawn_afresh_share_only_the_first_stage():
    first, second, _ = rounds(7)
    options = {"weights": "w", "strata": "h", "clusters": ["psu", "hh"], "fpc": ["N1", "N2"]}
    one, two = SurveyDesign(first, **options), SurveyDesign(second, **options)
    found = change(one, two, "y", psu="psu")
    plain = change(design_of(first, fpc="N1"), design_of(second, fpc="N1"), "y", psu="psu")
    assert found.covariance == pytest.approx(plain.covariance)
    assert found.change.variance[0] == pytest.approx(
        mean(one, "y").variance[0] + mean(two, "y").variance[0] - 2 * plain.covariance[0]
    )


def test_a_calibrated_margin_has_changed_by_a_known_amount():
    first, second, _ = rounds(8)
    a, b = (
        poststratify(design_of(first), "g", SEX),
        poststratify(design_of(second), "g", {"女": 65, "男": 65}),
    )
    found = change_in_share(a, b, "g", psu="psu")
    assert found.change.terms == ("g=女", "g=男")
    assert found.change.estimate == pytest.approx([0.5 - 70 / 130, 0.5 - 60 / 130])
    assert found.change.se == pytest.approx([0, 0], abs=1e-9)
    free, tied = (change(*pair, "y", psu="psu") for pair in ((design_of(first), design_of(second)), (a, b)))
    assert tied.first.se == pytest.approx(mean(a, "y").se)
    assert tied.change.se[0] != pytest.approx(free.change.se[0], rel=1e-3)


def test_calibrated_rounds_agree_with_a_jackknife_of_both():
    """A shared PSU leaves both rounds together, and both are post-stratified again."""
    first, second, stacked = rounds(9, strata=8, psus=5, take=6)
    stacked["cell"] = np.char.add(stacked["g"].astype(str), stacked["round"].astype(str))
    totals = {f"{sex}{k}": n for k in (1, 2) for sex, n in SEX.items()}
    a, b = (poststratify(design_of(data), "g", SEX) for data in (first, second))
    found = change(a, b, "y", psu="psu")
    jackknife = poststratify(ReplicateDesign.from_design(design_of(stacked), "JKn"), "cell", totals)
    other = change_in_stacked(jackknife, "y", over="round", first=1, second=2)
    assert found.change.estimate == pytest.approx(other.change.estimate)
    assert found.change.se[0] == pytest.approx(other.change.se[0], rel=0.05)


def test_shares_totals_and_a_category_of_one_round_only():
    first, second, _ = rounds(10)
    second["d"] = np.minimum(second["d"], 1)
    a, b = design_of(first), design_of(second)
    shares = change_in_share(a, b, "d", psu="psu")
    assert shares.change.terms == ("d=0", "d=1", "d=2")
    assert shares.second.estimate[2] == 0
    assert shares.change.estimate.sum() == pytest.approx(0)
    assert shares.change.vcov.sum() == pytest.approx(0, abs=1e-12)
    top = change_in_share(a, b, "d", levels=[0, 1], psu="psu", name="low")
    assert top.change.estimate[0] == pytest.approx(1 - proportion(a, "d", levels=[0, 1]).estimate[0])
    grown = change(a, b, "x", psu="psu", statistic="total")
    assert grown.change.estimate[0] == pytest.approx(total(b, "x").estimate[0] - total(a, "x").estimate[0])


def test_a_domain_of_one_round_has_no_change_and_says_so():
    first, second, stacked = rounds(11)
    first["d"] = np.minimum(first["d"], 1)
    stacked["d"] = np.concatenate([first["d"], second["d"]])
    found = change(design_of(first), design_of(second), "y", psu="psu", by="d")
    other = change_in_stacked(design_of(stacked), "y", over="round", first=1, second=2, by="d")
    for result in (found, other):
        row = list(result.change.domains["d"]).index(2)
        assert np.isnan(result.change.estimate[row]) and np.isnan(result.change.ci()[0][row])
        assert result.change.reason[row].startswith("first round: no row")
        assert not np.isnan(result.change.se[:2]).any()
    assert "reason" in repr(found)


def test_wrong_ids_and_designs_are_refused():
    first, second, _ = rounds(12)
    a, b = design_of(first), design_of(second)
    with pytest.raises(DesignError, match="one PSU of the design has the ids"):
        change(a, b, "y", psu="hh")
    with pytest.raises(DesignError, match="names several PSUs"):
        change(a, b, "y", psu="h")
    with pytest.raises(DesignError, match="text in one round"):
        change(a, b, "y", psu=(first["psu"], second["psu"].astype(str)))
    with pytest.raises(AnalysisError, match="change_in_stacked"):
        change(ReplicateDesign.from_design(a, "JKn"), b, "y", psu="psu")
    with pytest.raises(AnalysisError, match="has no value 9"):
        change_in_stacked(a, "y", over="round", first=1, second=9)


def test_a_covariance_beyond_the_possible_is_bounded():
    """Two shared PSUs of three, both far from the middle: the unbiased estimate of C is 1.2 √(V₁V₂)."""
    one = {"c": np.array([0, 1, 2]), "y": np.array([-5.0, 5.0, 0.0])}
    two = {"c": np.array([0, 1, 3]), "y": np.array([-5.0, 5.0, 1.0])}
    a, b = (SurveyDesign(d, weights=np.ones(3), clusters="c") for d in (one, two))
    found = change(a, b, "y", psu="c")
    assert found.bounded
    assert abs(found.correlation[0]) <= 1 + 1e-12
    assert found.change.variance[0] > 0


def rotation(rng, truth, frame, n, keep, fpc):
    """SRS of n PSUs in each of two strata; the second round keeps `keep` and draws the others among those
    that were not in the first, or (None) draws all of them independently.
    """
    out = []
    for _ in range(2):
        order = rng.permutation(frame)
        again = rng.permutation(frame)[:n] if keep is None else order[n - keep : 2 * n - keep]
        out.append((order[:n], again))
    designs = []
    for k in range(2):
        psu = np.concatenate([h * frame + out[h][k] for h in range(2)])
        y = (truth[psu, k][:, None] + rng.normal(size=(len(psu), 4)) * 6).ravel()
        data = {"c": np.repeat(psu, 4), "h": np.repeat(psu // frame, 4), "y": y}
        weights = np.full(len(y), frame / n)
        stages = {"clusters": "c"}
        if fpc:  # households from a very large PSU
            data["hh"] = np.arange(len(y))
            stages = {
                "clusters": ["c", "hh"],
                "fpc": [np.full(len(y), float(frame)), np.full(len(y), np.inf)],
            }
        designs.append(SurveyDesign(data, weights=weights, strata="h", **stages))
    return designs


@pytest.mark.parametrize(("keep", "fpc"), [(None, True), (6, True), (12, True), (0, False)])
def test_the_variance_of_a_change_is_right_when_psus_rotate(keep, fpc):
    """300 draws from a fixed population, 12 of 30 PSUs in each of two strata, `keep` of them in both rounds.

    The empirical variance has a relative error of 8 %, the mean of the estimates of about 2 %; four of the
    combined errors are 33 %. Taking the rounds as independent would be wrong by more than 2 at keep = 12. Of
    300 intervals at a true 95 %, fewer than 91 % cover once in 1,000 seeds.
    """
    rng = np.random.default_rng(1)
    level = rng.normal(size=60) * 12
    truth = np.column_stack([level, level + 1 + rng.normal(size=60) * 4])
    goal = truth[:, 1].mean() - truth[:, 0].mean()
    reps = 300
    value, variance, hit, apart = np.empty(reps), np.empty(reps), 0, 0.0
    for r in range(reps):
        found = change(*rotation(rng, truth, 30, 12, keep, fpc), "y", psu="c")
        value[r], variance[r] = found.change.estimate[0], found.change.variance[0]
        apart += (found.first.variance[0] + found.second.variance[0]) / reps
        low, high = found.change.ci()
        hit += int(low[0] <= goal <= high[0])
    assert value.mean() == pytest.approx(goal, abs=4 * value.std() / np.sqrt(reps))
    assert variance.mean() == pytest.approx(value.var(), rel=0.33)
    assert hit / reps >= 0.91
    if keep == 12:
        assert apart > 2 * value.var()
