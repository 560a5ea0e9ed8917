"""Area-level model: identities, a slow likelihood, the boundary, synthetic figures and simulated errors."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from analysis.errors import AnalysisError
from analysis.small_area import diagnose_fay_herriot, fay_herriot


def areas(seed, m=25, refvar=2.0, slope=1.5):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 10, m)
    d = rng.uniform(0.5, 4, m)
    theta = 3 + slope * x + rng.normal(0, np.sqrt(refvar), m)
    frame = pd.DataFrame({"area": [f"a{k}" for k in range(m)], "x": x, "d": d, "theta": theta})
    return frame.assign(y=theta + rng.normal(0, np.sqrt(d)))


def slow_loglike(a, y, d, x, restricted):
    v = np.diag(a + d)
    inverse = np.linalg.inv(v)
    q = np.linalg.inv(x.T @ inverse @ x)
    r = y - x @ q @ x.T @ inverse @ y
    value = -0.5 * (np.linalg.slogdet(v)[1] + r @ inverse @ r)
    return value - 0.5 * np.linalg.slogdet(x.T @ inverse @ x)[1] if restricted else value


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(["REML", "ML"]))
def test_the_variance_is_where_a_slow_likelihood_is_largest(seed, method):
    frame = areas(seed, m=14)
    fit = fay_herriot(frame, estimate="y", variance="d", numeric=["x"], method=method)
    x = np.column_stack([np.ones(14), frame.x])
    args = (frame.y.to_numpy(), frame.d.to_numpy(), x, method == "REML")
    grid = np.r_[0, np.geomspace(1e-4, 60, 300)]
    best = max(grid, key=lambda a: slow_loglike(a, *args))
    found = optimize.minimize_scalar(
        lambda a: -slow_loglike(a, *args),
        bounds=(max(best * 0.8 - 1e-3, 0), best * 1.2 + 1e-3),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert slow_loglike(fit.refvar, *args) >= -found.fun - 1e-9


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(["REML", "ML", "FH"]))
def test_the_eblup_lies_between_the_direct_figure_and_the_regression(seed, method):
    frame = areas(seed)
    fit = fay_herriot(frame, estimate="y", variance="d", numeric=["x"], method=method)
    regression = fit.x @ fit.beta
    low, high = np.minimum(frame.y, regression), np.maximum(frame.y, regression)
    assert ((fit.estimate >= low - 1e-9) & (fit.estimate <= high + 1e-9)).all()
    mixed = fit.shrinkage * frame.y + (1 - fit.shrinkage) * regression
    assert np.allclose(fit.estimate, mixed)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 1000), method=st.sampled_from(["REML", "ML", "FH"]))
def test_the_unit_of_measurement_does_not_matter(seed, scale, method):
    frame = areas(seed)
    fit = fay_herriot(frame, estimate="y", variance="d", numeric=["x"], method=method)
    scaled = frame.assign(y=frame.y * scale + 7, d=frame.d * scale**2).sample(frac=1, random_state=1)
    other = fay_herriot(scaled, estimate="y", variance="d", numeric=["x"], area="area", method=method)
    order = [list(other.areas).index(name) for name in frame.area]
    assert np.allclose(other.estimate[order], fit.estimate * scale + 7, rtol=1e-8)
    assert np.allclose(other.mse[order], fit.mse * scale**2, rtol=1e-7)


def test_a_category_is_the_same_as_its_indicators():
    frame = areas(3).assign(g=lambda f: np.arange(len(f)) % 3)
    frame["g1"], frame["g2"] = (frame.g == 1) * 1.0, (frame.g == 2) * 1.0
    one = fay_herriot(frame, estimate="y", variance="d", numeric=["x"], categorical=["g"])
    two = fay_herriot(frame, estimate="y", variance="d", numeric=["x", "g1", "g2"])
    assert one.terms == ("(Intercept)", "x", "g=1", "g=2")
    assert np.allclose(one.estimate, two.estimate)


def test_without_variation_between_areas_every_figure_is_the_regression():
    x = np.arange(12.0)
    frame = pd.DataFrame({"x": x, "y": 2 + 0.5 * x + 0.01 * (-1) ** np.arange(12), "d": 1.0})
    fit = fay_herriot(frame, estimate="y", variance="d", numeric=["x"])
    assert fit.refvar == 0
    assert np.allclose(fit.estimate, fit.x @ fit.beta)
    assert any("variance 0" in problem for problem in diagnose_fay_herriot(fit).problems)


def test_an_unsampled_area_is_synthetic_and_its_direct_figure_is_ignored():
    frame = areas(5)
    frame.loc[[2, 9], "y"] = np.nan
    fit = fay_herriot(frame, estimate="y", variance="d", numeric=["x"])
    without = fay_herriot(frame.dropna(), estimate="y", variance="d", numeric=["x"])
    assert fit.synthetic.tolist() == frame.y.isna().tolist()
    assert np.allclose(fit.estimate[~fit.synthetic], without.estimate)
    assert fit.estimate[2] == pytest.approx(fit.beta[0] + fit.beta[1] * frame.x[2])
    assert (fit.mse[fit.synthetic] > fit.refvar).all()


def test_without_covariates_an_unsampled_area_gets_no_figure():
    frame = areas(5, slope=0.0)
    frame.loc[4, "y"] = np.nan
    fit = fay_herriot(frame, estimate="y", variance="d")
    assert np.isnan(fit.estimate[4]) and not fit.synthetic[4]
    assert "no covariates" in fit.reason[4]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"d": 0.0}, "unanimous"),
        ({"x": np.nan}, "no value in row 0"),
        ({"x": 1.0}, "linearly dependent"),
    ],
)
def test_what_the_model_cannot_use_is_refused(change, words):
    frame = areas(1)
    for name, value in change.items():
        frame[name] = np.where(np.arange(len(frame)) == 0, value, 1.0 if name == "x" else frame[name])
    with pytest.raises(AnalysisError, match=words):
        fay_herriot(frame, estimate="y", variance="d", numeric=["x"])


def test_too_few_areas_are_refused():
    with pytest.raises(AnalysisError, match="cannot carry"):
        fay_herriot(areas(1, m=2), estimate="y", variance="d", numeric=["x"])


@pytest.mark.parametrize("method", ["REML", "ML", "FH"])
def test_the_estimated_errors_are_right_on_average(method):
    """300 draws of the model: mean mse against the mean squared error that occurred, false alarm < 1e-4."""
    draws, base = 300, areas(0)
    rng = np.random.default_rng(20240)
    ratio = []
    for _ in range(draws):
        theta = 3 + 1.5 * base.x + rng.normal(0, np.sqrt(2.0), len(base))
        frame = base.assign(y=theta + rng.normal(0, np.sqrt(base.d)))
        fit = fay_herriot(frame, estimate="y", variance="d", numeric=["x"], method=method)
        ratio.append(np.mean((fit.estimate - theta) ** 2 - fit.mse))
    ratio = np.array(ratio)
    z = ratio.mean() / (ratio.std(ddof=1) / np.sqrt(draws))
    assert abs(z) < stats.norm.isf(0.5e-4)


def test_intervals_cover_on_average_over_the_areas():
    """100 draws × 80 areas at 95 %: 8,000 trials, share 0.937 … 0.963 is 5 binomial standard errors."""
    base, rng, covered = areas(0, m=80), np.random.default_rng(7), []
    for _ in range(100):
        theta = 3 + 1.5 * base.x + rng.normal(0, np.sqrt(2.0), len(base))
        frame = base.assign(y=theta + rng.normal(0, np.sqrt(base.d)))
        low, high = fay_herriot(frame, estimate="y", variance="d", numeric=["x"]).ci()
        covered.append(np.mean((low <= theta) & (theta <= high)))
    assert 0.937 < np.mean(covered) < 0.963


def test_a_good_model_has_no_problems_and_an_outlier_is_named():
    frame = areas(2, m=60)
    clean = fay_herriot(frame, estimate="y", variance="d", numeric=["x"], area="area")
    assert diagnose_fay_herriot(clean).usable
    frame.loc[17, "y"] += 40
    spoiled = diagnose_fay_herriot(fay_herriot(frame, estimate="y", variance="d", numeric=["x"], area="area"))
    assert spoiled.outliers == ("a17",)
    assert spoiled.normality_p < 0.05 and not spoiled.usable


def test_a_curve_that_the_covariates_miss_is_reported():
    frame = areas(4, m=60, refvar=0.5)
    frame["y"] += 0.4 * (frame.x - 5) ** 2
    found = diagnose_fay_herriot(fay_herriot(frame, estimate="y", variance="d", numeric=["x"]))
    assert any("curve" in problem for problem in found.problems)


def test_the_frame_shows_one_row_per_area_and_the_text_says_what_intervals_promise():
    fit = fay_herriot(areas(1), estimate="y", variance="d", numeric=["x"], area="area")
    table = fit.to_frame()
    assert list(table.area) == list(fit.areas)
    assert (table.ci_low < table.estimate).all() and "on average" in repr(fit)
