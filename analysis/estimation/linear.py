"""Means, totals, ratios and proportions, for the whole and for domains, in one pass over the rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimation.finish import finish
from analysis.estimation.linearization import Design
from analysis.estimation.result import Estimate
from analysis.estimation.tables import Cells, ItemTotals, RowSums, missing_rows
from analysis.frames import ColumnSpec, combine_codes

Items = str | np.ndarray | Sequence[str] | Mapping[str, ColumnSpec]
MISSING = ("itemwise", "listwise", "propagate")


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
        design, "mean", names, values, None, domain_rows(design, by, where, drop_empty), missing, covariance
    )
    return as_proportion(result) if flags and all(flags) else result


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
        design, "total", names, values, None, domain_rows(design, by, where, drop_empty), missing, covariance
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
    """Ratios of totals Σwy/Σwx for all pairs; terms are 'numerator/denominator'. R: svyratio.

    numerators, denominators : as `items` in `mean`, like the other parameters; a row needs both values
    """
    top_names, tops, _ = item_arrays(design, numerators)
    low_names, lows, _ = item_arrays(design, denominators)
    names = [f"{a}/{b}" for b in low_names for a in top_names]
    values = [a for _ in lows for a in tops]
    divisors = [b for b in lows for _ in tops]
    return _totals_or_ratios(
        design,
        "ratio",
        names,
        values,
        divisors,
        domain_rows(design, by, where, drop_empty),
        missing,
        covariance,
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
    columns = share_columns(design, item, levels=levels, name=name, exclude=exclude)
    result = mean(design, columns, by=by, where=where, covariance=covariance, drop_empty=drop_empty)
    return as_proportion(result)


def share_columns(
    design: Design,
    item: ColumnSpec,
    *,
    levels: Sequence[Any] | None = None,
    name: str | None = None,
    exclude: Sequence[Any] = (),
) -> dict[str, np.ndarray]:
    """1, 0 or NaN for each row and category (or the one group of `levels`), as `proportion` averages them."""
    factor = design.columns.factor(item)
    kept, groups = share_groups(
        factor.levels, item if isinstance(item, str) else "item", levels=levels, name=name, exclude=exclude
    )
    missing = np.append(~kept, True)[factor.codes]
    return {
        label: np.where(missing, np.nan, np.append(chosen, False)[factor.codes])
        for label, chosen in groups.items()
    }


def share_groups(
    known: Sequence[Any],
    item: str,
    *,
    levels: Sequence[Any] | None = None,
    name: str | None = None,
    exclude: Sequence[Any] = (),
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Of the known levels: which are answers at all, and which each named share counts; bool arrays."""
    label = name or item
    kept = np.array([level not in exclude for level in known], dtype=bool)
    if levels is None:
        groups = {f"{label}={known[k]}": np.arange(len(known)) == k for k in np.flatnonzero(kept)}
    else:
        both = [v for v in levels if v in exclude]
        if both:
            raise AnalysisError(f"{both} are both counted and excluded")
        label = name or f"{label}∈{{{', '.join(map(str, levels))}}}"
        groups = {label: np.array([level in levels for level in known], dtype=bool)}
    if not groups:
        raise AnalysisError(f"{label} has no category left to estimate")
    return kept, groups


def as_proportion(result: Estimate) -> Estimate:
    """The same figures, known to be shares."""
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


def domain_rows(design: Design, by: Any, where: np.ndarray | None, drop_empty: bool) -> Domains:
    """The domains that `by` and `where` name."""
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
    cells = Cells(design, domains.codes, domains.count)
    sums = RowSums(design, cells, domains.codes, domains.inside)
    pairs = [(y, None if divisors is None else divisors[j]) for j, y in enumerate(values)]
    together = None
    if missing == "listwise":
        lost = [g for g in (missing_rows(y, x) for y, x in pairs) if g is not None]
        together = np.unique(np.concatenate(lost)) if lost else None

    def totals() -> Iterator[ItemTotals]:
        for y, x in pairs:
            gone = together if missing == "listwise" else missing_rows(y, x)
            yield sums.item(y, x, gone, centre=statistic != "ratio")

    whole = (sums.n, sums.count)
    return finish(
        design, cells, statistic, names, totals(), whole, domains.levels, covariance, missing == "propagate"
    )
