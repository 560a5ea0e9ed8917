"""Means, totals, ratios and proportions, for the whole and for domains, in one pass over the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation.linearization import Scores, residual_totals
from analysis.estimation.result import Estimate
from analysis.estimation.variance import covariance_of_totals
from analysis.frames import ColumnSpec, combine_codes

Items = str | np.ndarray | Sequence[str] | Mapping[str, ColumnSpec]
MISSING = ("itemwise", "listwise", "propagate")
_COVARIANCE_ROWS = 200  # beyond this many rows the covariance matrix comes only on request
_TABLE = 2**23  # cells of a unit × domain table held at once


@dataclass(frozen=True)
class Domains:
    """Rows of each domain: codes of shape (n_rows,), and the levels that name the domains."""

    codes: np.ndarray | None
    inside: np.ndarray | None
    count: int
    levels: dict[str, np.ndarray]


def mean(
    design: SurveyDesign,
    items: Items,
    *,
    by: ColumnSpec | Sequence[str] | None = None,
    where: np.ndarray | None = None,
    missing: str = "itemwise",
    covariance: bool | None = None,
    drop_empty: bool = True,
) -> Estimate:
    """Weighted means, Σwy/Σw.

    Parameters
    ----------
    items : a column, several, an array, or {name: array}; NaN is missing
    by : column(s); one estimate for each combination of levels that occurs
    where : bool mask of shape (n_rows,), the domain; the other rows keep their place in the design
    missing : 'itemwise' (each item over its own valid rows), 'listwise' (rows with every item), 'propagate'
        (a missing value makes the estimate missing)
    covariance : compute the matrix over all rows of the result; None: up to 200 rows
    drop_empty : leave out domains without rows; False keeps them as “no estimate”

    Notes
    -----
    Linearised value (y − ȳ)/Σw inside the domain, 0 outside. R: svymean, svyby.
    """
    names, values, flags = _items(design, items)
    result = _totals_or_ratios(
        design, "mean", names, values, None, _domains(design, by, where, drop_empty), missing, covariance
    )
    return _as_proportion(result) if flags and all(flags) else result


def total(
    design: SurveyDesign,
    items: Items,
    *,
    by: ColumnSpec | Sequence[str] | None = None,
    where: np.ndarray | None = None,
    missing: str = "itemwise",
    covariance: bool | None = None,
    drop_empty: bool = True,
) -> Estimate:
    """Weighted totals Σwy; parameters as in `mean`. R: svytotal."""
    names, values, _ = _items(design, items)
    return _totals_or_ratios(
        design, "total", names, values, None, _domains(design, by, where, drop_empty), missing, covariance
    )


def ratio(
    design: SurveyDesign,
    numerators: Items,
    denominators: Items,
    *,
    by: ColumnSpec | Sequence[str] | None = None,
    where: np.ndarray | None = None,
    missing: str = "itemwise",
    covariance: bool | None = None,
    drop_empty: bool = True,
) -> Estimate:
    """Ratios of totals Σwy/Σwx for all pairs; terms are 'numerator/denominator'. R: svyratio."""
    top_names, tops, _ = _items(design, numerators)
    low_names, lows, _ = _items(design, denominators)
    names = [f"{a}/{b}" for b in low_names for a in top_names]
    values = [a for _ in lows for a in tops]
    divisors = [b for b in lows for _ in tops]
    return _totals_or_ratios(
        design, "ratio", names, values, divisors, _domains(design, by, where, drop_empty), missing, covariance
    )


def proportion(
    design: SurveyDesign,
    item: ColumnSpec,
    *,
    levels: Sequence[Any] | None = None,
    name: str | None = None,
    by: ColumnSpec | Sequence[str] | None = None,
    where: np.ndarray | None = None,
    exclude: Sequence[Any] = (),
    covariance: bool | None = None,
    drop_empty: bool = True,
) -> Estimate:
    """Shares of categories, 0–1.

    levels : None gives one row per category ('item=level'); a list gives one row, the share that lies in
    any of
        them (a top-k share), named `name`
    exclude : codes that are no answer here (don't know, refused): left out of the denominator
    """
    factor = design.columns.factor(item)
    label = name or (item if isinstance(item, str) else "item")
    out = np.array([level in exclude for level in factor.levels] + [True])
    missing = out[factor.codes]
    if levels is None:
        kept = [k for k in range(factor.n_levels) if not out[k]]
        columns = {f"{label}={factor.levels[k]}": np.where(missing, np.nan, factor.codes == k) for k in kept}
    else:
        unknown = [v for v in levels if v in exclude]
        if unknown:
            raise AnalysisError(f"{unknown} are both counted and excluded")
        chosen = np.array([level in levels for level in factor.levels] + [False])
        label = name or f"{label}∈{{{', '.join(map(str, levels))}}}"
        columns = {label: np.where(missing, np.nan, chosen[factor.codes])}
    if not columns:
        raise AnalysisError(f"{label} has no category left to estimate")
    result = mean(design, columns, by=by, where=where, covariance=covariance, drop_empty=drop_empty)
    return _as_proportion(result)


def _as_proportion(result: Estimate) -> Estimate:
    fields = {name: getattr(result, name) for name in result.__dataclass_fields__}
    return Estimate(**(fields | {"statistic": "proportion", "is_proportion": True}))


def _items(design: SurveyDesign, items: Items) -> tuple[list[str], list[np.ndarray], list[bool]]:
    """Names, float64 arrays, and whether each is a truth value."""
    if isinstance(items, Mapping):
        named = list(items.items())
    elif isinstance(items, str):
        named = [(items, items)]
    elif isinstance(items, (list, tuple)) and all(isinstance(i, str) for i in items):
        named = [(i, i) for i in items]
    else:
        named = [("item", items)]
    if not named:
        raise AnalysisError("name at least one item")
    flags = [design.columns.array(spec).dtype == bool for _, spec in named]
    return [n for n, _ in named], [design.columns.numeric(spec, f"item {n}") for n, spec in named], flags


def _domains(design: SurveyDesign, by: Any, where: np.ndarray | None, drop_empty: bool) -> Domains:
    inside = None
    if where is not None:
        inside = np.asarray(where)
        if inside.dtype != bool or inside.shape != (design.n_rows,):
            raise AnalysisError(f"where is a bool mask of shape ({design.n_rows},)")
    if by is None:
        return Domains(None, inside, 1, {})
    if isinstance(by, str):
        by = [by]
    named = list(by.items()) if isinstance(by, Mapping) else [(b, b) for b in by]
    factors = [design.columns.factor(spec) for _, spec in named]
    known = np.logical_and.reduce([f.codes >= 0 for f in factors])
    inside = known if inside is None else known & inside
    if all(f.n_levels for f in factors) and inside.any():
        if drop_empty:
            codes = np.zeros(design.n_rows, dtype=np.int64)
            used, members = combine_codes([(f.codes[inside], f.n_levels) for f in reversed(factors)])
            codes[inside] = used
            members = members[::-1]
        else:
            shape = [f.n_levels for f in reversed(factors)]
            codes = np.ravel_multi_index([np.maximum(f.codes, 0) for f in reversed(factors)], shape)
            members = list(np.unravel_index(np.arange(np.prod(shape)), shape))[::-1]
        levels = {
            str(name): np.array([f.levels[k] for k in m], dtype=object)
            for (name, _), f, m in zip(named, factors, members, strict=True)
        }
        return Domains(codes, None if inside.all() else inside, len(members[0]), levels)
    raise AnalysisError("no row lies in any domain of " + ", ".join(str(n) for n, _ in named))


def _totals_or_ratios(
    design: SurveyDesign,
    statistic: str,
    names: list[str],
    values: list[np.ndarray],
    divisors: list[np.ndarray] | None,
    domains: Domains,
    missing: str,
    covariance: bool | None,
) -> Estimate:
    if missing not in MISSING:
        raise AnalysisError(f"missing is one of {', '.join(MISSING)}; got {missing!r}")
    base = design.weights if domains.inside is None else np.where(domains.inside, design.weights, 0.0)
    n_rows_out = len(names) * domains.count
    wanted = covariance if covariance is not None else n_rows_out <= _COVARIANCE_ROWS
    valid = [_valid(v, None if divisors is None else divisors[j]) for j, v in enumerate(values)]
    if missing == "listwise":
        together = _intersection(valid)
        valid = [together] * len(values)
    whole = _Base(design, base, domains, None)
    parts, tables, marks, bases = [], [], [], {}
    for j, y in enumerate(values):
        mask = valid[j]
        key = None if mask is None else (id(mask) if missing == "listwise" else j)
        if key not in bases:
            bases = {key: whole if mask is None else _Base(design, base, domains, mask)}
        own = bases[key]
        x = None if divisors is None else divisors[j]
        part, z = _one(design, statistic, own, y, x, wanted)
        if missing == "propagate" and mask is not None:
            gone = own.n < whole.n
            part["estimate"] = np.where(gone, np.nan, part["estimate"])
            part["variance"] = np.where(gone, np.nan, part["variance"])
            part["reason"] = [
                "a value is missing" if g else r for g, r in zip(gone, part["reason"], strict=True)
            ]
        part["n_domain"], part["domain_df"] = whole.n, whole.df
        parts.append(part)
        tables.append(z)
        marks.append(own.present if design.domain_lonely else None)
    vcov = None
    if wanted:
        present = np.concatenate(marks, axis=1) if design.domain_lonely else None
        vcov = covariance_of_totals(design, np.concatenate(tables, axis=1), present)
        known = np.concatenate([~np.isnan(p["variance"]) for p in parts])
        vcov = np.where(known[:, None] & known[None, :], vcov, np.nan)
    joined = {k: np.concatenate([p[k] for p in parts]) for k in parts[0] if k != "reason"}
    with np.errstate(invalid="ignore"):
        se = np.sqrt(np.where(joined["variance"] < 0, np.nan, joined.pop("variance")))
    return Estimate(
        statistic=statistic,
        terms=tuple(n for n in names for _ in range(domains.count)),
        se=se,
        design_df=design.df,
        domains={k: np.tile(v, len(names)) for k, v in domains.levels.items()},
        reason=tuple(r for p in parts for r in p["reason"]),
        vcov=vcov,
        **joined,
    )


def _valid(y: np.ndarray, x: np.ndarray | None) -> np.ndarray | None:
    """Mask of rows with values, or None when nothing is missing."""
    # One dot product finds any NaN without building a mask (NaN and inf propagate; both are then looked at).
    suspicious = not np.isfinite(np.dot(y, y)) or (x is not None and not np.isfinite(np.dot(x, x)))
    if not suspicious:
        return None
    mask = ~np.isnan(y) if x is None else ~(np.isnan(y) | np.isnan(x))
    return None if mask.all() else mask


def _intersection(masks: list[np.ndarray | None]) -> np.ndarray | None:
    some = [m for m in masks if m is not None]
    return np.logical_and.reduce(some) if some else None


class _Base:
    """What all items with the same valid rows share: weights, unit tables of Σw, counts, degrees of
    freedom.
    """

    def __init__(
        self, design: SurveyDesign, weights: np.ndarray, domains: Domains, mask: np.ndarray | None
    ) -> None:
        self.mask = mask
        self.weights = weights if mask is None else np.where(mask, weights, 0.0)
        self.codes = domains.codes
        self.count = domains.count
        self.scores = Scores(self.weights, self.codes, self.count)
        self.table = self.scores.unit_totals(design)
        self.moments = _moments(design, self.scores)
        self.sum_w = self.table.sum(axis=0)
        self.n = self.sums((self.weights != 0).astype(float))
        sum_w2 = self.sums(self.weights * self.weights)
        self.present = self.table > 0
        psu_table = self.table
        for stage in reversed(design.stages[1:]):
            starts = np.flatnonzero(np.r_[True, np.diff(stage.parent) != 0])
            psu_table = np.add.reduceat(psu_table, starts, axis=0)
        psus = psu_table > 0
        strata = np.add.reduceat(psus, design.stages[0].starts, axis=0, dtype=np.int64) > 0
        self.n_psus = psus.sum(axis=0)
        self.df = (self.n_psus - strata.sum(axis=0)).astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.n_kish = np.where(sum_w2 > 0, self.sum_w**2 / sum_w2, 0.0)
            self.cluster_take = np.where(sum_w2 > 0, np.sum(psu_table**2, axis=0) / sum_w2, np.nan)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums of row values per domain."""
        if self.codes is None:
            return np.array([values.sum()])
        return np.bincount(self.codes, weights=values, minlength=self.count)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Value of each row's domain."""
        return values[0] if self.codes is None else values[self.codes]


def _moments(design: SurveyDesign, scores: Scores) -> list[np.ndarray]:
    return [scores.moments(b[0], b[2]) for step in design.residual_steps for b in step.blocks]


def _one(
    design: SurveyDesign, statistic: str, base: _Base, y: np.ndarray, x: np.ndarray | None, keep: bool
) -> tuple[dict[str, Any], np.ndarray]:
    """Estimates of one item in all domains, and its unit totals of linearised values."""
    clean = y if base.mask is None else np.where(base.mask, y, 0.0)
    wy = base.weights * clean
    # Values are centred before squares and differences are formed: a scale far from 0 would cost digits.
    pilot = wy.sum() / max(base.weights.sum(), 1e-300) if statistic == "mean" else 0.0
    if pilot:
        clean = clean - pilot
        wy = base.weights * clean
    tops = Scores(wy, base.codes, base.count)
    z = tops.unit_totals(design)
    moments = _moments(design, tops)
    top = z.sum(axis=0)
    empty = base.n == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        if statistic == "ratio":
            x_clean = x if base.mask is None else np.where(base.mask, x, 0.0)
            lows = Scores(base.weights * x_clean, base.codes, base.count)
            low_z = lows.unit_totals(design)
            low_moments = _moments(design, lows)
            low = low_z.sum(axis=0)
        elif statistic == "mean":
            low_z, low_moments, low = base.table, base.moments, base.sum_w
        else:
            low_z, low_moments, low = None, None, np.ones(base.count)
        value = np.where(empty, np.nan, top / low)
        divisor = np.where(empty | (low == 0), 1.0, low)
        residual_mean = np.nan_to_num(value)
        if low_z is not None:
            z = z - residual_mean * low_z
            moments = [m - residual_mean * lm for m, lm in zip(moments, low_moments, strict=True)]
        z = z / divisor
        if design.residual_steps:
            z = residual_totals(design, z, [m / divisor for m in moments])
        variance = covariance_of_totals(
            design, z, base.present if design.domain_lonely else None, diagonal=True
        )
    residual = clean - base.spread(residual_mean) * (x_clean if statistic == "ratio" else 1.0)
    if statistic == "total":
        residual = clean - base.spread(np.where(empty, 0.0, top / np.where(empty, 1.0, base.sum_w)))
    spread = _element_variance(base, residual)
    reason = ["no row in the domain has a value" if e else "" for e in empty]
    no_ratio = ~empty & (low == 0)
    reason = ["the denominator is 0" if q else r for q, r in zip(no_ratio, reason, strict=True)]
    part = {
        "estimate": np.where(no_ratio, np.nan, value + (pilot if statistic == "mean" else 0.0)),
        "variance": np.where(empty | no_ratio, np.nan, variance),
        "df": np.where(empty, np.nan, base.df),
        "n": base.n,
        "n_psus": base.n_psus,
        "n_kish": base.n_kish,
        "cluster_take": base.cluster_take,
        "sum_weights": base.sum_w,
        "element_variance": spread,
        "srs_factor": (base.sum_w / divisor) ** 2,
        "reason": reason,
    }
    return part, z if keep else np.empty((0, 0))


def _element_variance(base: _Base, residual: np.ndarray) -> np.ndarray:
    """S² = Σw(e − ē)²/Σw · n/(n−1) per domain."""
    with np.errstate(divide="ignore", invalid="ignore"):
        we = base.weights * residual
        first = base.sums(we) / base.sum_w
        second = base.sums(we * residual) / base.sum_w
        return np.where(base.n > 1, np.maximum(second - first**2, 0.0) * base.n / (base.n - 1), np.nan)
