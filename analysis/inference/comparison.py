"""t and rank tests, tests against a target, and control of many comparisons at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from analysis.errors import AnalysisError
from analysis.estimation.contrasts import contrast, row_labels
from analysis.estimation.intervals import t_quantile
from analysis.estimation.linear import mean
from analysis.estimation.linearization import Design, covariance_of_statistic
from analysis.estimation.result import Estimate
from analysis.estimation.rows import check_mask
from analysis.frames import ColumnSpec, Factor
from analysis.inference.result import TestResult

RANK_TESTS = ("wilcoxon", "KruskalWallis", "vanderWaerden", "median")
CORRECTIONS = ("holm", "bh", "none")


def t_test(
    design: Design,
    variable: ColumnSpec,
    group: ColumnSpec | None = None,
    *,
    null: float = 0.0,
    where: np.ndarray | None = None,
    level: float = 0.95,
) -> TestResult:
    """Design-based t test of a mean (df − 1, as R) or of the difference of two groups (second − first).

    R: `svyttest`; the two-sample df are those of a regression on the group, df of the rows used minus 1.
    """
    y = design.columns.numeric(variable, "variable")
    used = check_mask(design, where) & ~np.isnan(y)
    if group is None:
        result = mean(design, {"y": y}, where=used)
        df = float(design.degrees_of_freedom(used)) - 1
        return _t_result(
            "one-sample t", float(result.estimate[0] - null), float(result.se[0]), df, level, null
        )
    factor = design.columns.factor(group)
    used &= factor.codes >= 0
    _need_two_groups(factor, used)
    arms = mean(design, {"y": y}, by={"group": group}, where=used, covariance=True)
    difference = contrast(arms, {"d": dict(zip(row_labels(arms), (-1.0, 1.0), strict=True))})
    df = float(design.degrees_of_freedom(used)) - 1
    return _t_result(
        "two-sample t", float(difference.estimate[0]) - null, float(difference.se[0]), df, level, null
    )


def _need_two_groups(factor: Factor, used: np.ndarray) -> None:
    levels = np.unique(factor.codes[used])
    if len(levels) != 2:
        raise AnalysisError(f"a two-sample test needs two groups with data; there are {len(levels)}")


def _t_result(name: str, effect: float, se: float, df: float, level: float, null: float) -> TestResult:
    if not df > 0:
        raise AnalysisError(f"{name}: {df:g} degrees of freedom are left; a t test needs at least 1")
    half = float(t_quantile(0.5 + level / 2, df)) * se
    value = effect / se
    estimate = effect + null
    p = float(2 * special.stdtr(df, -abs(value)))
    return TestResult(name, value, p, {"df": df}, estimate, se, (estimate - half, estimate + half))


def rank_test(
    design: Design,
    variable: ColumnSpec,
    group: ColumnSpec,
    *,
    test: str = "wilcoxon",
    where: np.ndarray | None = None,
) -> TestResult:
    """Design-based rank tests: population ranks, scored, regressed on the group.

    test : 'wilcoxon' / 'KruskalWallis' (ranks), 'vanderWaerden' (normal scores), 'median'
    Two groups give a t test (df − 1), more a Wald test. Lumley & Scott (2013), Biometrika 100, 831–842.
    R: `svyranktest`.
    """
    if test not in RANK_TESTS:
        raise AnalysisError(f"test is one of {', '.join(RANK_TESTS)}; got {test!r}")
    y = design.columns.numeric(variable, "variable")
    factor = design.columns.factor(group)
    used = check_mask(design, where) & ~np.isnan(y) & (factor.codes >= 0) & (design.weights > 0)
    levels = np.unique(factor.codes[used])
    if len(levels) < 2:
        raise AnalysisError("a rank test needs two groups with data")
    w = np.where(used, design.weights, 0.0)
    score = np.zeros(design.n_rows)
    score[used] = _rank_scores(y[used], w[used], test)
    x = np.column_stack([used] + [used & (factor.codes == k) for k in levels[1:]]).astype(float)
    inverse = np.linalg.inv((x * w[:, None]).T @ x)
    beta = inverse @ (x.T @ (w * score))
    influence = (x * (score - x @ beta)[:, None]) @ inverse
    vcov = covariance_of_statistic(design, influence * w[:, None], lambda v: (v * used) @ influence)
    df = float(design.degrees_of_freedom(used))
    if len(levels) == 2:
        return _t_result(f"rank test, {test}", float(beta[1]), float(np.sqrt(vcov[1, 1])), df - 1, 0.95, 0.0)
    k = len(levels) - 1
    if df <= k:
        raise AnalysisError(f"{df:g} degrees of freedom do not carry a test of {k} contrasts")
    chisq = float(beta[1:] @ np.linalg.solve(vcov[1:, 1:], beta[1:]))
    p = float(stats.f.sf(chisq / k, k, df - k))
    return TestResult(f"rank test, {test}", chisq, p, {"df": k, "ddf": df - k})


def _rank_scores(y: np.ndarray, w: np.ndarray, test: str) -> np.ndarray:
    """Mid-ranks on population scale, averaged over ties, as a share of N̂; then scored."""
    order = np.argsort(y, kind="stable")
    ranks = np.empty(len(y))
    ranks[order] = np.cumsum(w[order]) - w[order] / 2
    _, tie = np.unique(y, return_inverse=True)
    share = (np.bincount(tie, weights=ranks) / np.bincount(tie))[tie] / w.sum()
    if test == "vanderWaerden":
        return special.ndtri(share)
    return (share > 0.5).astype(float) if test == "median" else share


def test_against_target(
    estimate: Estimate, target: float, *, alternative: str = "greater", row: int = 0
) -> TestResult:
    """One-sided test of an estimate against a target (知晓率 ≥ 80 %).

    alternative : 'greater' asks whether the figure exceeds the target, 'less' whether it falls short. For
        proportions the variance is the one under the target, P₀(1−P₀)/n_eff, which also works at 0 and 100 %.
    """
    if alternative not in ("greater", "less"):
        raise AnalysisError(f"alternative is 'greater' or 'less'; got {alternative!r}")
    value, df = float(estimate.estimate[row]), float(estimate.df[row])
    if np.isnan(value) or not df > 0:
        raise AnalysisError("there is no estimate with degrees of freedom to test")
    se = float(estimate.se[row])
    if estimate.is_proportion:
        if not 0 < target < 1:
            raise AnalysisError(f"the target of a proportion lies between 0 and 1; got {target}")
        se = float(np.sqrt(target * (1 - target) / estimate.n_effective[row]))
    t = (value - target) / se
    p = float(special.stdtr(df, -t if alternative == "greater" else t))
    return TestResult(f"one-sided, {alternative} than {target:g}", t, p, {"df": df}, value, se)


test_against_target.__test__ = False  # pytest: not a test


@dataclass(frozen=True, eq=False)
class Comparisons:
    """All pairs of rows: difference (first − second), se, df, p, and p corrected for their number."""

    pairs: tuple[tuple[str, str], ...]
    difference: np.ndarray
    se: np.ndarray
    df: np.ndarray
    p_value: np.ndarray
    adjusted: np.ndarray
    correction: str


def compare_all(estimate: Estimate, *, correction: str = "holm", df: float | None = None) -> Comparisons:
    """Compare every pair of rows of one statistic over domains.

    correction : 'holm' (family-wise error), 'bh' (false discovery rate), 'none'
    df : default the smaller of the two domains' degrees of freedom
    """
    labels = row_labels(estimate)
    known = [i for i in range(len(estimate)) if not np.isnan(estimate.estimate[i])]
    if estimate.vcov is None:
        raise AnalysisError("comparisons need the covariance matrix: estimate with covariance=True")
    index = [(i, j) for a, i in enumerate(known) for j in known[a + 1 :]]
    i, j = np.array([p[0] for p in index], dtype=int), np.array([p[1] for p in index], dtype=int)
    difference = estimate.estimate[i] - estimate.estimate[j]
    v = estimate.vcov
    se = np.sqrt(np.maximum(v[i, i] + v[j, j] - 2 * v[i, j], 0.0))
    own = np.minimum(estimate.df[i], estimate.df[j]) if df is None else np.full(len(index), float(df))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(difference) / se
        p = np.where(own > 0, 2 * np.where(np.isinf(own), special.ndtr(-t), special.stdtr(own, -t)), np.nan)
    return Comparisons(
        tuple((labels[a], labels[b]) for a, b in index),
        difference,
        se,
        own,
        p,
        adjust_p(p, correction),
        correction,
    )


def adjust_p(p: Sequence[float] | np.ndarray, correction: str = "holm") -> np.ndarray:
    """Holm (1979) or Benjamini–Hochberg (1995) adjusted p values; NaN stay NaN and do not count."""
    if correction not in CORRECTIONS:
        raise AnalysisError(f"correction is one of {', '.join(CORRECTIONS)}; got {correction!r}")
    p = np.asarray(p, dtype=float)
    out = p.copy()
    known = np.flatnonzero(~np.isnan(p))
    m = len(known)
    if correction == "none" or m == 0:
        return out
    order = known[np.argsort(p[known], kind="stable")]
    rank = np.arange(1, m + 1)
    if correction == "holm":
        value = np.maximum.accumulate((m - rank + 1) * p[order])
    else:
        value = np.minimum.accumulate((m / rank * p[order])[::-1])[::-1]
    out[order] = np.minimum(value, 1.0)
    return out
