"""Every figure of a run: indicators by domain, pairwise comparisons, the distribution of each item."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey.indicators.models import IndicatorVersion
from survey.reports.disclosure import suppress
from survey.reports.domains import ALL, Domain, families
from survey.reports.inputs import Inputs
from survey.reports.wording import Wording
from survey.stats.estimates import MEAN, SHARE, DomainTable, compare, estimate_domains, group_shares
from survey.stats.scores import codes_of, person_values
from survey.stats.weights import Weighted

NO_ERROR = "no_error"  # too few sampling units for any interval
Say = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class Frame:
    """What all figures of a run share."""

    inputs: Inputs
    weighted: Weighted
    domains: list[Domain]
    sampled_psus: dict[str, float]
    min_psus: int
    floor: int


def interval_kind(version: IndicatorVersion) -> str:
    """A share of one item is a proportion; everything else, shares over several items included, is a mean."""
    single = len(version.definition["items"]) == 1
    return SHARE if version.kind == IndicatorVersion.Kind.SHARE and single else MEAN


def indicator_figures(
    frame: Frame, version: IndicatorVersion, wordings: dict[str, Wording]
) -> dict[str, Any]:
    """{"estimates": {domain: cell}, "comparisons": {kind: …}} of one indicator."""
    values = _values(frame, version, wordings)
    table = estimate_domains(
        frame.weighted,
        values,
        {d.key: d.inside for d in frame.domains},
        kind=interval_kind(version),
        sampled_psus=frame.sampled_psus,
        min_psus=frame.min_psus,
    )
    hidden = suppress(
        dict(zip(table.labels, table.n.tolist(), strict=True)), families(frame.domains), frame.floor
    )
    for label, low in zip(table.labels, table.low, strict=True):
        if label not in hidden and not np.isfinite(low):
            hidden[label] = NO_ERROR
    cells = {label: _cell(table, row, hidden.get(label)) for row, label in enumerate(table.labels)}
    comparisons = {}
    for kind in ("district", "street", "sex", "age"):
        shown = [d.key for d in frame.domains if d.kind == kind and d.key not in hidden]
        if shown:
            comparisons[kind] = _comparisons(table, shown, with_all=ALL not in hidden)
    return {"estimates": cells, "comparisons": comparisons}


def _values(frame: Frame, version: IndicatorVersion, wordings: dict[str, Wording]) -> np.ndarray:
    n = len(frame.inputs.case_ids)
    names = [item["name"] for item in version.definition["items"]]
    empty = np.full(n, None, dtype=object)
    answers = {name: codes_of(frame.inputs.answers.get(name, empty)) for name in names}
    missing = sorted({code for name in names if name in wordings for code in wordings[name].missing})
    return person_values(answers, version.definition, version.kind, missing)


def _cell(table: DomainTable, row: int, hidden: str | None) -> dict[str, Any]:
    """One printed figure; a suppressed one keeps nothing but the reason."""
    if hidden:
        return {"suppressed": hidden}
    return {
        "estimate": float(table.estimate[row]),
        "se": float(table.se[row]),
        "low": float(table.low[row]),
        "high": float(table.high[row]),
        "df": float(table.df[row]),
        "n": int(table.n[row]),
        "n_effective": float(table.n_effective[row]),
        "deff": float(table.deff[row]) if np.isfinite(table.deff[row]) else None,
        "variance": "pooled" if table.pooled[row] else "taylor",
    }


def _comparisons(table: DomainTable, shown: list[str], *, with_all: bool) -> dict[str, Any]:
    """Which pairs differ, as lists of those that do not ("ties"), and each one against the whole."""
    labels = [ALL, *shown] if with_all else shown
    result = compare(table, labels)
    against = {}
    ties = {}
    for i, label in enumerate(labels):
        if label == ALL:
            continue
        ties[label] = [
            other for j, other in enumerate(labels) if other not in (label, ALL) and not result.differs[i, j]
        ]
        if with_all:
            against[label] = {
                "difference": float(result.difference[i, 0]),
                "margin": _finite(result.margin[i, 0]),
                "differs": bool(result.differs[i, 0]),
            }
    first = labels.index(shown[0])
    pairs = result.margin[first:, first:][np.triu_indices(len(shown), 1)]
    pairs = pairs[np.isfinite(pairs)]
    typical = float(np.median(pairs)) if len(pairs) else None
    return {"ties": ties, "against_all": against, "median_margin": typical}


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def item_distribution(
    frame: Frame, wording: Wording, levels: Sequence[str], top: Sequence[str]
) -> dict[str, Any]:
    """Shares of every answer among those with an opinion, and of don't-know among those asked, by domain.

    `levels` are the substantive codes in printing order, `top` those that a 满意率 or the like counts.
    {"levels", "top", "domains": {domain: {"shares", "top", "dont_know", "n", "n_asked"} or {"suppressed"}}}
    """
    column = frame.inputs.answers.get(wording.name)
    codes = (
        codes_of(column) if column is not None else np.full(len(frame.inputs.case_ids), None, dtype=object)
    )
    unsure = {code for code, kind in wording.missing.items() if kind == "dont_know"}
    valid = np.array([code in levels for code in codes], dtype=bool)
    asked = np.array([code is not None for code in codes], dtype=bool)
    variables = {f"level:{code}": np.where(valid, codes == code, np.nan) for code in levels}
    variables["top"] = np.where(valid, np.isin(codes, list(top)), np.nan).astype(float)
    variables["dont_know"] = np.where(asked, np.isin(codes, list(unsure)), np.nan).astype(float)
    variables = {name: values.astype(float) for name, values in variables.items()}
    found: dict[str, dict[str, Any]] = {}
    for kind in ("all", "district", "street", "sex", "age"):
        members = [d for d in frame.domains if d.kind == kind]
        by = np.full(len(codes), None, dtype=object)
        for domain in members:
            by[domain.inside & frame.inputs.responded] = domain.key
        if members and any(g is not None for g in by):
            found |= _distribution_cells(frame, variables, by, bool(top))
    counts = {d.key: found[d.key]["n"] if d.key in found else 0 for d in frame.domains}
    for label, reason in suppress(counts, families(frame.domains), frame.floor).items():
        found[label] = {"suppressed": reason}
    return {"levels": list(levels), "top": list(top), "domains": found}


def _distribution_cells(
    frame: Frame, variables: dict[str, np.ndarray], by: np.ndarray, has_top: bool
) -> dict[str, dict[str, Any]]:
    table = group_shares(frame.weighted, variables, by)
    n_levels = len(variables) - 2
    cells = {}
    for row, group in enumerate(table.groups):
        cells[group] = {
            "shares": [float(v) for v in table.estimate[row, :n_levels]],
            "top": _share(table, row, n_levels) if has_top else None,
            "dont_know": _share(table, row, n_levels + 1),
            "n": int(table.n[row, n_levels]),
            "n_asked": int(table.n[row, n_levels + 1]),
        }
    return cells


def _share(table: Any, row: int, column: int) -> dict[str, float | None]:
    return {
        "estimate": _finite(table.estimate[row, column]),
        "low": _finite(table.low[row, column]),
        "high": _finite(table.high[row, column]),
    }
