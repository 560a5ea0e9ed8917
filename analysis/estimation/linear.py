"""Means, totals, ratios and proportions, for the whole and for domains, in one pass over the rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse, special

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation.linearization import Design, Scores, covariance_of_table, residual_totals
from analysis.estimation.result import Estimate
from analysis.frames import ColumnSpec, combine_codes
from analysis.replicates import ReplicateDesign

Items = str | np.ndarray | Sequence[str] | Mapping[str, ColumnSpec]
MISSING = ("itemwise", "listwise", "propagate")
_COVARIANCE_ROWS = 200  # beyond this many rows the covariance matrix comes only on request
_ALONE = "one PSU per stratum in the domain: no degree of freedom for an interval"


@dataclass(frozen=True)
class Domains:
    """Rows of each domain: codes of shape (n_rows,), and the levels that name the domains."""

    codes: np.ndarray | None
    inside: np.ndarray | None
    count: int
    levels: dict[str, np.ndarray]


def mean(
    design: Design,
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
    names, values, flags = item_arrays(design, items)
    result = _totals_or_ratios(
        design, "mean", names, values, None, _domains(design, by, where, drop_empty), missing, covariance
    )
    return _as_proportion(result) if flags and all(flags) else result


def total(
    design: Design,
    items: Items,
    *,
    by: ColumnSpec | Sequence[str] | None = None,
    where: np.ndarray | None = None,
    missing: str = "itemwise",
    covariance: bool | None = None,
    drop_empty: bool = True,
) -> Estimate:
    """Weighted totals Σwy; parameters as in `mean`. R: svytotal."""
    names, values, _ = item_arrays(design, items)
    return _totals_or_ratios(
        design, "total", names, values, None, _domains(design, by, where, drop_empty), missing, covariance
    )


def ratio(
    design: Design,
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
    top_names, tops, _ = item_arrays(design, numerators)
    low_names, lows, _ = item_arrays(design, denominators)
    names = [f"{a}/{b}" for b in low_names for a in top_names]
    values = [a for _ in lows for a in tops]
    divisors = [b for b in lows for _ in tops]
    return _totals_or_ratios(
        design, "ratio", names, values, divisors, _domains(design, by, where, drop_empty), missing, covariance
    )


def proportion(
    design: Design,
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


def item_arrays(design: Design, items: Items) -> tuple[list[str], list[np.ndarray], list[bool]]:
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


def _domains(design: Design, by: Any, where: np.ndarray | None, drop_empty: bool) -> Domains:
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
    design: Design,
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
        marks.append(own.present if _needs_presence(design) else None)
    vcov = None
    if wanted:
        present = np.concatenate(marks, axis=1) if _needs_presence(design) else None
        vcov = covariance_of_table(design, np.concatenate(tables, axis=1), present)
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


def _needs_presence(design: Design) -> bool:
    return not isinstance(design, ReplicateDesign) and design.domain_lonely


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
    """What items with the same valid rows share: weights, unit tables of Σw, counts, degrees of freedom.

    table : Σw per unit and domain (Taylor), or per replicate and domain
    """

    def __init__(
        self, design: Design, weights: np.ndarray, domains: Domains, mask: np.ndarray | None
    ) -> None:
        self.mask = mask
        self.weights = weights if mask is None else np.where(mask, weights, 0.0)
        self.codes = domains.codes
        self.count = domains.count
        self.table, self.moments = self.tables(design, None)
        self.sum_w = self.sums(self.weights)
        self.n = self.sums((self.weights != 0).astype(float))
        sum_w2 = self.sums(self.weights * self.weights)
        if isinstance(design, ReplicateDesign):
            self._count_units(design)
        else:
            self._count_psus(design)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.n_kish = np.where(sum_w2 > 0, self.sum_w**2 / sum_w2, 0.0)
            self.cluster_take = np.where(sum_w2 > 0, self.psu_square / sum_w2, np.nan)

    def tables(self, design: Design, values: np.ndarray | None) -> tuple[np.ndarray, list[np.ndarray]]:
        """Totals of w·values per unit (or replicate) and domain, and the moments of calibrated designs."""
        if isinstance(design, ReplicateDesign):
            return _replicate_totals(design, self, values), []
        scores = Scores(self.weights if values is None else self.weights * values, self.codes, self.count)
        moments = [scores.moments(b[0], b[2]) for step in design.residual_steps for b in step.blocks]
        return scores.unit_totals(design), moments

    def _count_psus(self, design: SurveyDesign) -> None:
        self.present = self.table > 0
        psu_table = self.table
        for stage in reversed(design.stages[1:]):
            psu_table = np.add.reduceat(psu_table, stage.parent_starts, axis=0)
        psus = psu_table > 0
        strata = np.add.reduceat(psus, design.stages[0].starts, axis=0, dtype=np.int64) > 0
        self.n_psus = psus.sum(axis=0)
        self.df = (self.n_psus - strata.sum(axis=0)).astype(float)
        self.psu_square = np.sum(psu_table**2, axis=0)

    def _count_units(self, design: ReplicateDesign) -> None:
        scores = Scores(self.weights, self.codes, self.count)
        table = scores.table_by(design.row_unit, design.n_units)
        psus = table > 0
        self.n_psus = psus.sum(axis=0)
        self.df = np.array([design.domain_df(psus[:, d]) for d in range(self.count)])
        self.psu_square = np.sum(table**2, axis=0) if design.unit_stratum is not None else np.nan

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sums of row values per domain."""
        if self.codes is None:
            return np.array([values.sum()])
        return np.bincount(self.codes, weights=values, minlength=self.count)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Value of each row's domain."""
        return values[0] if self.codes is None else values[self.codes]


def _replicate_totals(design: ReplicateDesign, base: _Base, values: np.ndarray | None) -> np.ndarray:
    """Totals of w_r·values for every replicate r and domain, shape (R, n_domains)."""
    kept = base.weights != 0
    row = np.ones(design.n_rows) if values is None else values
    if design.combined:
        n = design.n_rows
        codes = np.zeros(n, dtype=np.int64) if base.codes is None else base.codes
        member = sparse.csr_array((np.where(kept, row, 0.0), (codes, np.arange(n))), shape=(base.count, n))
        return np.asarray(member @ design.factors).T
    table = Scores(base.weights * row, base.codes, base.count).table_by(design.row_unit, design.n_units)
    return design.factors.T @ table


def _one(
    design: Design, statistic: str, base: _Base, y: np.ndarray, x: np.ndarray | None, keep: bool
) -> tuple[dict[str, Any], np.ndarray]:
    """Estimates of one item in all domains, and its table z of linearised totals (or replicate
    deviations).
    """
    clean = y if base.mask is None else np.where(base.mask, y, 0.0)
    # Values are centred before squares and differences are formed: a scale far from 0 would cost digits.
    pilot = 0.0
    if statistic == "mean":
        pilot = float(np.dot(base.weights, clean)) / max(base.sum_w.sum(), 1e-300)
        clean = clean - pilot
    table, moments = base.tables(design, clean)
    top = base.sums(base.weights * clean)
    empty = base.n == 0
    x_clean: np.ndarray | float = 1.0
    low_table, low_moments, low = base.table, base.moments, base.sum_w
    if statistic == "ratio":
        x_clean = x if base.mask is None else np.where(base.mask, x, 0.0)
        low_table, low_moments = base.tables(design, x_clean)
        low = base.sums(base.weights * x_clean)
    with np.errstate(divide="ignore", invalid="ignore"):
        divisor = np.where(empty | (low == 0), 1.0, low) if statistic != "total" else np.ones(base.count)
        value = np.where(empty, np.nan, top / divisor)
        centre = np.zeros(base.count) if statistic == "total" else np.nan_to_num(value)
        if isinstance(design, ReplicateDesign):
            thetas = table if statistic == "total" else table / low_table
            z = design.deviations(thetas, value)
        else:
            z = (table - centre * low_table) / divisor
            if design.residual_steps:
                pairs = zip(moments, low_moments, strict=True)
                z = residual_totals(design, z, [(m - centre * lm) / divisor for m, lm in pairs])
        present = base.present if _needs_presence(design) else None
        variance = covariance_of_table(design, z, present, diagonal=True)
    if statistic == "total":
        centre = top / np.where(empty, 1.0, base.sum_w)
    spread = _element_variance(base, clean - base.spread(centre) * x_clean)
    reason = ["no row in the domain has a value" if e else "" for e in empty]
    alone = ~empty & (base.df <= 0)
    reason = [_ALONE if a else r for a, r in zip(alone, reason, strict=True)]
    no_ratio = ~empty & (low == 0) & (statistic == "ratio")
    reason = ["the denominator is 0" if q else r for q, r in zip(no_ratio, reason, strict=True)]
    part = {
        "estimate": np.where(no_ratio, np.nan, value + pilot),
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
    if isinstance(design, ReplicateDesign) and statistic == "mean":
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = design.deviations(special.logit(thetas + pilot), special.logit(value + pilot))
        part["logit_variance"] = np.einsum("ij,ij->j", odds, odds)
    return part, z if keep else np.empty((0, 0))


def _element_variance(base: _Base, residual: np.ndarray) -> np.ndarray:
    """S² = Σw(e − ē)²/Σw · n/(n−1) per domain."""
    with np.errstate(divide="ignore", invalid="ignore"):
        we = base.weights * residual
        first = base.sums(we) / base.sum_w
        second = base.sums(we * residual) / base.sum_w
        return np.where(base.n > 1, np.maximum(second - first**2, 0.0) * base.n / (base.n - 1), np.nan)
