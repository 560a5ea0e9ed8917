"""Weighted quantiles by every rule of R's svyquantile, with Woodruff, score and replicate intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

from analysis.errors import AnalysisError
from analysis.estimation.intervals import clopper_pearson, effective_size, t_quantile
from analysis.estimation.linear import Items, item_arrays, mean
from analysis.estimation.linearization import Design
from analysis.estimation.rows import each_domain
from analysis.frames import ColumnSpec
from analysis.replicates import ReplicateDesign

RULES = (
    "math",
    "school",
    "shahvaish",
    "hf1",
    "hf2",
    "hf3",
    "hf4",
    "hf5",
    "hf6",
    "hf7",
    "hf8",
    "hf9",
    "legacy_linear",
)
INTERVALS = ("mean", "xlogit", "asin", "beta", "score", "quantile")


@dataclass(frozen=True, eq=False, repr=False)
class QuantileEstimate:
    """One row per item, domain and probability.

    terms, probs, domains : what each row is; estimate, ci_low, ci_high, se : values, se = (high − low)/(2t)
    df : degrees of freedom of the rows used (PSUs − strata after domain and missing values)
    """

    terms: tuple[str, ...]
    probs: np.ndarray
    domains: dict[str, list]
    estimate: np.ndarray
    ci_low: np.ndarray
    ci_high: np.ndarray
    se: np.ndarray
    df: np.ndarray
    n: np.ndarray
    rule: str
    interval: str
    level: float

    def to_frame(self) -> pd.DataFrame:
        """The table as a pandas frame."""
        return pd.DataFrame(
            {"term": self.terms, **self.domains, "prob": self.probs, "quantile": self.estimate}
            | {"ci_low": self.ci_low, "ci_high": self.ci_high, "se": self.se, "df": self.df, "n": self.n}
        )

    def __repr__(self) -> str:
        head = f"quantiles, rule {self.rule}, {self.level:.0%} interval: {self.interval}"
        return head + "\n" + self.to_frame().to_string(index=False)


def quantile(
    design: Design,
    items: Items,
    probs: Sequence[float] = (0.25, 0.5, 0.75),
    *,
    by: ColumnSpec | Sequence[str] | None = None,
    where: np.ndarray | None = None,
    rule: str = "math",
    interval: str | None = "mean",
    level: float = 0.95,
    df: float | None = None,
    missing: str = "itemwise",
) -> QuantileEstimate:
    """Quantiles of each item in each domain.

    Parameters
    ----------
    rule : how a value between two observations is taken (Hyndman & Fan's hf1 … hf9 with weights, 'math' = the
        inverse distribution function, 'school' = hf2, 'shahvaish', 'legacy_linear')
    interval : 'mean' (Woodruff: the interval of the share below, turned into quantiles), 'xlogit', 'asin',
        'beta' likewise on that scale, 'score', 'quantile' (replicate designs only), None
    df : for the interval; default PSUs − strata of the rows used
    missing : 'itemwise', 'listwise' or 'propagate', as in `mean`

    References
    ----------
    Woodruff (1952); Hyndman & Fan (1996); R survey::svyquantile.
    """
    if rule not in RULES:
        raise AnalysisError(f"rule is one of {', '.join(RULES)}; got {rule!r}")
    if interval is not None and interval not in INTERVALS:
        raise AnalysisError(f"interval is one of {', '.join(INTERVALS)} or None; got {interval!r}")
    if any(not 0 <= p <= 1 for p in probs):
        raise AnalysisError(f"probabilities lie between 0 and 1; got {list(probs)}")
    names, values, _ = item_arrays(design, items)
    everything = ~np.isnan(np.column_stack(values)).any(axis=1)
    out: dict[str, list] = {k: [] for k in ("term", "p", "est", "low", "high", "se", "df", "n")}
    levels: dict[str, list] = {}
    for name, x in zip(names, values, strict=True):
        for labels, mask in each_domain(design, by, where):
            valid = everything if missing == "listwise" else ~np.isnan(x)
            used = mask & valid & (design.weights != 0)
            gone = missing == "propagate" and bool((mask & np.isnan(x)).any())
            usable = used.any() and not gone
            own_df = float(design.degrees_of_freedom(used)) if usable else np.nan
            for p in probs:
                row = (
                    _one(design, x, used, p, rule, interval, level, own_df if df is None else df)
                    if usable
                    else None
                )
                for column, value in labels.items():
                    levels.setdefault(column, []).append(value)
                est, low, high, se = row or (np.nan,) * 4
                cells = (name, p, est, low, high, se, own_df, int(used.sum()))
                for key, cell in zip(out, cells, strict=True):
                    out[key].append(cell)
    numbers = {k: np.array(v, dtype=float) for k, v in out.items() if k != "term"}
    return QuantileEstimate(
        tuple(out["term"]),
        numbers["p"],
        levels,
        numbers["est"],
        numbers["low"],
        numbers["high"],
        numbers["se"],
        numbers["df"],
        numbers["n"],
        rule,
        interval or "none",
        level,
    )


def _one(
    design: Design,
    x: np.ndarray,
    used: np.ndarray,
    p: float,
    rule: str,
    interval: str | None,
    level: float,
    df: float,
) -> tuple[float, float, float, float]:
    point = _Sorted(x[used], design.weights[used])
    value = point.quantile(p, rule)
    if interval is None or rule == "legacy_linear":
        return value, np.nan, np.nan, np.nan
    t = float(t_quantile(0.5 + level / 2, df))
    if interval == "quantile":
        if not isinstance(design, ReplicateDesign):
            raise AnalysisError("interval='quantile' needs replicate weights")
        se = float(
            np.sqrt(design.covariance(lambda w: np.array([weighted_quantile(x, w * used, p, rule)]))[0, 0])
        )
        return value, value - t * se, value + t * se, se
    if interval == "score":
        low, high = _score_interval(design, x, used, p, rule, t, point)
    else:
        low_p, high_p = _share_interval(design, x, used, value, interval, level, df, t)
        low = point.quantile(low_p, rule) if 0 <= low_p <= 1 else np.nan
        high = point.quantile(high_p, rule) if 0 <= high_p <= 1 else np.nan
    return value, low, high, (high - low) / (2 * t)


def _share_interval(
    design: Design,
    x: np.ndarray,
    used: np.ndarray,
    value: float,
    interval: str,
    level: float,
    df: float,
    t: float,
) -> tuple[float, float]:
    """Interval of the share at or below the quantile."""
    share = mean(design, {"p": np.where(used, x <= value, np.nan)}, covariance=False)
    p, se = float(share.estimate[0]), float(share.se[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        if interval == "mean":
            return p - t * se, p + t * se
        if interval == "xlogit":
            centre, half = np.log(p / (1 - p)), t * se / (p * (1 - p))
            return float(1 / (1 + np.exp(-(centre - half)))), float(1 / (1 + np.exp(-(centre + half))))
        if interval == "asin":
            centre, half = np.arcsin(np.sqrt(p)), t * se / (2 * np.sqrt(p * (1 - p)))
            return float(np.sin(centre - half) ** 2), float(np.sin(centre + half) ** 2)
        size = effective_size(np.array(p), np.array(se**2), share.n[0], np.array(df), share.n_kish[0], level)
        low, high = clopper_pearson(np.array(p), size, 1 - level)
        return float(low), float(high)


def _score_interval(
    design: Design, x: np.ndarray, used: np.ndarray, p: float, rule: str, t: float, point: "_Sorted"
) -> tuple[float, float]:
    """Roots of the score statistic, turned into quantiles at the unweighted share below, as R does."""

    def score(theta: float) -> float:
        above = mean(design, {"u": np.where(used, (x > theta) - (1 - p), np.nan)}, covariance=False)
        value, se = float(above.estimate[0]), float(above.se[0])
        return value / se if se > 0 else float(np.sign(value)) * 1e6

    spread = np.subtract(*np.quantile(point.x, [0.75, 0.25]))
    low, high = point.x[0] + spread / 100, point.x[-1] - spread / 100
    tolerance = 1 / (100 * np.sqrt(used.sum()))
    ends = []
    for target in (t, -t):
        if (score(low) - target) * (score(high) - target) > 0:
            ends.append(np.nan)
            continue
        root = optimize.brentq(lambda theta, target=target: score(theta) - target, low, high, xtol=tolerance)
        ends.append(point.quantile(float(np.mean(x[used] <= root)), rule))
    return ends[0], ends[1]


def weighted_quantile(x: np.ndarray, weights: np.ndarray, p: float, rule: str = "math") -> float:
    """Quantile of values with weights (rows of weight 0 take no part); NaN without rows."""
    kept = weights > 0
    return _Sorted(x[kept], weights[kept]).quantile(p, rule) if kept.any() else float("nan")


class _Sorted:
    """Values in order with running sums of their weights."""

    def __init__(self, x: np.ndarray, weights: np.ndarray) -> None:
        order = np.argsort(x, kind="stable")
        self.x, self.w = x[order], weights[order]
        self.running = np.cumsum(self.w)

    def quantile(self, p: float, rule: str) -> float:
        if rule == "hf3":
            return self._merged()._nearest_even(p)
        smooth = _POSITIONS.get(rule)
        if smooth is not None:
            return float(np.interp(p, smooth(self.w, self.running), self.x))
        if rule == "shahvaish":
            return self._shah_vaish(p)
        k, total = self._index(p)
        below, above = self.x[k], self.x[min(k + 1, len(self.x) - 1)]
        gap = p - self.running[k] / total
        if rule == "hf4":
            nxt = self.running[min(k + 1, len(self.x) - 1)] / total - p
            share = gap / (gap + nxt) if gap + nxt != 0 else 0.0
            return float(below * (1 - share) + above * share)
        if gap <= 0:
            return float((below + above) / 2 if rule in ("school", "hf2") else below)
        return float(above)

    def _index(self, p: float) -> tuple[int, float]:
        """Last k with W_k <= p·ΣW, compared without tolerance; the first if none."""
        total = self.running[-1]
        return max(int(np.searchsorted(self.running, p * total, side="right")) - 1, 0), total

    def _merged(self) -> "_Sorted":
        values, inverse = np.unique(self.x, return_inverse=True)
        return _Sorted(values, np.bincount(inverse, weights=self.w))

    def _nearest_even(self, p: float) -> float:
        k, total = self._index(p)
        gap = p - self.running[k] / total
        even = (k + 1) % 2 == 0
        return float(self.x[k] if gap <= 0 and even else self.x[min(k + 1, len(self.x) - 1)])

    def _shah_vaish(self, p: float) -> float:
        n = len(self.x)
        g = (self.running / self.w.mean() + 0.5 - self.w / 2) / (n + 1)
        order = np.argsort(g, kind="stable")
        levels, inverse = np.unique(g[order], return_inverse=True)
        values = np.bincount(inverse, weights=self.x[order]) / np.bincount(inverse)
        return float(values[max(int(np.searchsorted(levels, p, side="right")) - 1, 0)])


def _previous(running: np.ndarray) -> np.ndarray:
    return np.r_[0.0, running[:-1]]


# Plotting positions of the continuous rules (Hyndman & Fan 1996, with weights as in R's svyquantile).
_POSITIONS: dict[str, Any] = {
    "hf5": lambda w, s: (s - w / 2) / s[-1],
    "hf6": lambda w, s: s / (s[-1] + w[-1]),
    "hf7": lambda w, s: _previous(s) / s[-2] if len(s) > 1 else np.zeros(1),
    "hf8": lambda w, s: (_previous(s) + 2 * s) / 3 / (s[-1] + w[-1] / 3),
    "hf9": lambda w, s: (3 * _previous(s) + 5 * s) / 8 / (s[-1] + w[-1] / 4),
    "legacy_linear": lambda w, s: s / s[-1],
}
