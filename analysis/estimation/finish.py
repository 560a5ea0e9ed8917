"""From sums per cell to estimates with errors: the half of every linear estimator that never sees a row."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import special

from analysis.design import SurveyDesign
from analysis.estimation.cell_variance import fits_cells, variance_of_cells
from analysis.estimation.linearization import Design, covariance_of_table, residual_totals
from analysis.estimation.result import Estimate
from analysis.estimation.tables import Cells, ItemTotals
from analysis.replicates import ReplicateDesign

_COVARIANCE_ROWS = 200  # beyond this many rows the covariance matrix comes only on request …
_COVARIANCE_CELLS = 2**24  # … and only if the unit totals of all rows fit in 128 MB
_TABLE = 2**23  # cells of a unit × domain table held at once (64 MB)
_ALONE = "one PSU per stratum in the domain: no degree of freedom for an interval"


def finish(
    design: Design,
    cells: Cells,
    statistic: str,
    names: Sequence[str],
    totals: Iterable[ItemTotals],
    whole: tuple[np.ndarray, np.ndarray],
    levels: Mapping[str, np.ndarray],
    covariance: bool | None = None,
    propagate: bool = False,
) -> Estimate:
    """Estimates with their errors from the sums of each item.

    whole : rows per domain and per cell, whether or not the item has a value
    propagate : an item with a missing value in a domain has no estimate there
    """
    count = len(names) * cells.n_domains
    cheap = count <= _COVARIANCE_ROWS and cells.n_units * count <= _COVARIANCE_CELLS
    wanted = cheap if covariance is None else covariance
    domain_df = _degrees_of_freedom(design, cells, whole[1])[1]
    parts, tables, marks = [], [], []
    for item in totals:
        part, z = _one(design, cells, statistic, item, keep=wanted)
        if propagate:
            gone = item.n < whole[0]
            part["estimate"] = np.where(gone, np.nan, part["estimate"])
            part["variance"] = np.where(gone, np.nan, part["variance"])
            part["reason"] = [
                "a value is missing" if g else r for g, r in zip(gone, part["reason"], strict=True)
            ]
        part["n_domain"], part["domain_df"] = whole[0], domain_df
        parts.append(part)
        if wanted:
            tables.append(z)
            marks.append(cells.table(item.count > 0) if _needs_presence(design) else None)
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
        terms=tuple(n for n in names for _ in range(cells.n_domains)),
        se=se,
        design_df=design.df,
        domains={k: np.tile(v, len(names)) for k, v in levels.items()},
        reason=tuple(r for p in parts for r in p["reason"]),
        vcov=vcov,
        **joined,
    )


def _needs_presence(design: Design) -> bool:
    return not isinstance(design, ReplicateDesign) and design.domain_lonely


def _degrees_of_freedom(design: Design, cells: Cells, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """PSUs and degrees of freedom of each domain."""
    if isinstance(design, ReplicateDesign):
        if design.unit_stratum is None:
            table = cells.table(count) > 0
            df = np.array([design.domain_df(table[:, d]) for d in range(cells.n_domains)])
            return table.sum(axis=0), df
        stratum = design.unit_stratum
    else:
        stratum = design.stages[0].stratum
    psus, strata = cells.count_psus(count, stratum)
    return psus, (psus - strata).astype(float)


def _one(
    design: Design, cells: Cells, statistic: str, item: ItemTotals, *, keep: bool
) -> tuple[dict[str, Any], np.ndarray]:
    """Estimates of one item in all domains, and its table z of linearised totals (or replicate
    deviations).
    """
    empty = item.n == 0
    shift = item.pilot if statistic == "total" else 0.0  # a total takes back the centre of its values
    sum_w, centred = cells.by_domain(item.w), cells.by_domain(item.top)
    top = centred + shift * sum_w
    low_cells, low_name = (item.low, "low") if statistic == "ratio" else (item.w, "w")
    low = cells.by_domain(low_cells)
    plain_total = statistic == "total"
    no_ratio = ~empty & (low == 0) & (statistic == "ratio")
    with np.errstate(divide="ignore", invalid="ignore"):
        divisor = np.ones(len(low)) if plain_total else np.where(empty | (low == 0), 1.0, low)
        value = np.where(empty, np.nan, top / divisor)
        centre = np.zeros(len(low)) if plain_total else np.nan_to_num(value)
        logit_variance = None
        if isinstance(design, ReplicateDesign):
            r = item.replicates
            thetas = r["top"] + shift * r["w"] if plain_total else r["top"] / r[low_name]
            z = design.deviations(thetas, value)
            variance = covariance_of_table(design, z, diagonal=True)
            if statistic == "mean":
                logits = (special.logit(thetas + item.pilot), special.logit(value + item.pilot))
                logit_variance = covariance_of_table(design, design.deviations(*logits), diagonal=True)
        else:
            centre = centre - shift
            scores = (item.top - cells.spread(centre) * low_cells) / cells.spread(divisor)
            z, variance = _taylor(design, cells, item, scores, (centre, divisor, low_name), keep)
        psus, df = _degrees_of_freedom(design, cells, item.count)
        element = _element_variance(item, statistic, sum_w, centred, low, centre)
        n_kish = np.where(item.w2 > 0, sum_w**2 / item.w2, 0.0)
        srs_factor = (sum_w / divisor) ** 2
    part = {
        "estimate": np.where(no_ratio, np.nan, value if plain_total else value + item.pilot),
        "variance": np.where(empty | no_ratio, np.nan, variance),
        "df": np.where(empty, np.nan, df),
        "n": item.n,
        "n_psus": psus,
        "n_kish": n_kish,
        "cluster_take": _cluster_take(design, cells, item),
        "sum_weights": sum_w,
        "element_variance": element,
        "srs_factor": srs_factor,
        "reason": _reasons(empty, no_ratio, df),
    }
    if logit_variance is not None:
        part["logit_variance"] = logit_variance
    return part, z


def _taylor(
    design: SurveyDesign,
    cells: Cells,
    item: ItemTotals,
    scores: np.ndarray,
    linear: tuple[np.ndarray, np.ndarray, str],
    keep: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Unit × domain table of linearised totals, and the variances; the table is left out if it is too
    large.
    """
    if not keep and cells.n_units * cells.n_domains > _TABLE and fits_cells(design):
        return np.empty((0, 0)), variance_of_cells(design, cells, scores)
    z = cells.table(scores)
    if design.residual_steps:
        centre, divisor, low_name = linear
        moments = [m / divisor for m in item.moments["top"]]
        if centre.any():
            pairs = zip(moments, item.moments[low_name], strict=True)
            moments = [m - centre * lm / divisor for m, lm in pairs]
        z = residual_totals(design, z, moments)
    present = cells.table(item.count > 0) if _needs_presence(design) else None
    return z, covariance_of_table(design, z, present, diagonal=True)


def _reasons(empty: np.ndarray, no_ratio: np.ndarray, df: np.ndarray) -> list[str]:
    out = []
    for is_empty, is_zero, own_df in zip(empty, no_ratio, df, strict=True):
        if is_empty:
            out.append("no row in the domain has a value")
        elif is_zero:
            out.append("the denominator is 0")
        else:
            out.append(_ALONE if own_df <= 0 else "")
    return out


def _cluster_take(design: Design, cells: Cells, item: ItemTotals) -> np.ndarray:
    """Σ_psu (Σw)² / Σw² per domain; NaN where PSUs are unknown."""
    if isinstance(design, ReplicateDesign) and design.unit_stratum is None:
        return np.full(cells.n_domains, np.nan)
    psu = np.bincount(cells.psu_index, weights=item.w, minlength=len(cells.psu))
    square = np.bincount(cells.psu_domain, weights=psu * psu, minlength=cells.n_domains)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(item.w2 > 0, square / item.w2, np.nan)


def _element_variance(
    item: ItemTotals, statistic: str, sum_w: np.ndarray, top: np.ndarray, low: np.ndarray, centre: np.ndarray
) -> np.ndarray:
    """S² = Σw(e − ē)²/Σw · n/(n−1) per domain, e the value or a ratio's residual."""
    first, second = top / sum_w, item.yy / sum_w
    if statistic == "ratio":
        first = (top - centre * low) / sum_w
        second = (item.yy - 2 * centre * item.xy + centre**2 * item.xx) / sum_w
    return np.where(item.n > 1, np.maximum(second - first**2, 0.0) * item.n / (item.n - 1), np.nan)
