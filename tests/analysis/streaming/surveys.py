"""Samples, and the comparison of a streamed figure with the one in memory."""

import numpy as np
import pandas as pd
import pytest


def survey(seed=1, *, strata=6, psus=4, ssus=3, take=5):
    """Three-stage sample in random row order: missing values far from 0, categories with don't-know, zero
    weights, fractions at two stages, groups for calibration.
    """
    rng = np.random.default_rng(seed)
    n = strata * psus * ssus * take
    psu = np.repeat(np.arange(strata * psus), ssus * take)
    ssu = np.repeat(np.arange(strata * psus * ssus), take)
    answers = np.array(["很满意", "满意", "不满意", "不了解", None], dtype=object)
    data = pd.DataFrame(
        {
            "h": psu // psus,
            "psu": psu,
            "ssu": ssu,
            "w": rng.uniform(1, 3, n) * (rng.random(n) > 0.04),
            "N1": 3 * psus + psu // psus,
            "N2": ssus + 1 + psu % 3,
            "d": rng.integers(0, 3, n),
            "g": np.where(rng.random(n) < 0.5, "女", "男"),
            "sex": np.where(rng.random(n) < 0.5, "f", "m"),
            "age": rng.integers(0, 4, n),
            "size": rng.uniform(1, 6, n),
            "y": 1e5 + 5 * rng.normal(size=strata * psus)[psu] + rng.normal(size=n) * 10,
            "x": rng.uniform(10, 20, n),
            "q": answers[rng.choice(5, n, p=[0.3, 0.35, 0.15, 0.12, 0.08])],
            "yes": rng.random(n) < 0.4,
        }
    )
    data.loc[rng.random(n) < 0.1, "y"] = np.nan
    data.loc[rng.random(n) < 0.1, "x"] = np.nan
    return data.sample(frac=1, random_state=seed).reset_index(drop=True)


def in_chunks(data, size=70):
    return [data.iloc[a : a + size] for a in range(0, len(data), size)]


FIELDS = ("estimate", "se", "df", "n", "n_kish", "cluster_take", "deff", "n_psus", "domain_df", "n_domain")
FIELDS += ("sum_weights", "element_variance")
OF_THE_ERROR = ("se", "deff")


def same(a, b):
    """Every figure of two estimates, to 1e-9."""
    assert a.terms == b.terms and a.statistic == b.statistic and a.is_proportion == b.is_proportion
    assert a.design_df == b.design_df and a.reason == b.reason
    assert {k: list(v) for k, v in a.domains.items()} == {k: list(v) for k, v in b.domains.items()}
    # A variance that is 0 comes out as rounding of the spread squared, its root as 1e-8 of the spread: there
    # both must be that small, and what is made from the error says nothing.
    spread = np.sqrt(np.nan_to_num(b.element_variance) * np.nan_to_num(b.srs_factor))
    floor = 1e-7 * spread + 1e-12
    is_zero = b.se <= floor
    assert np.all(np.asarray(a.se)[is_zero] <= np.broadcast_to(floor, b.se.shape)[is_zero])
    near = {"se": 1e-9 * np.nanmax(b.se, initial=0.0) + 1e-10 * spread.max()}
    for name in FIELDS:
        got, want = getattr(a, name), getattr(b, name)
        if name in OF_THE_ERROR:
            got, want = (np.where(is_zero, 0.0, value) for value in (got, want))
        assert got == pytest.approx(want, rel=1e-9, abs=near.get(name, 1e-12), nan_ok=True), name
    assert (a.vcov is None) == (b.vcov is None)
    if b.vcov is not None:
        scale = 1e-9 * np.nanmax(np.abs(b.vcov), initial=0.0) + np.max(floor) ** 2
        assert a.vcov == pytest.approx(b.vcov, rel=1e-9, abs=scale, nan_ok=True)
