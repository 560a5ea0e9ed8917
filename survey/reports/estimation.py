"""Every figure of a run: indicators by domain, rank sets, tests, and the distribution of each item.

The masks are decided before (`survey.reports.masks`): what is not printed is neither tested nor ranked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from survey.reports.domains import ALL, GROUPS, REGIONS, Domain
from survey.reports.inputs import Inputs
from survey.stats.claims import Test, combined_df, rank
from survey.stats.estimates import SHARE
from survey.stats.tables import FigureTable, Tables
from survey.stats.weights import Weighted

NO_ERROR = "no_error"  # too few sampling units for any interval
LARGEST_DF = 1e9  # JSON has no infinity


@dataclass(frozen=True, eq=False)
class Frame:
    """What all figures of a run share.

    tables : with the errors of the recipe; plain : the same classifications with Taylor errors, for items
    domains : those of the document; communities : apart
    """

    inputs: Inputs
    weighted: Weighted
    domains: list[Domain]
    communities: list[Domain]
    tables: Tables
    plain: Tables
    sampled_psus: dict[str, float]
    min_psus: int
    floor: int

    @cached_property
    def uncoded(self) -> np.ndarray:
        """Rows with a weight in communities without a code for town and country."""
        return np.flatnonzero((self.inputs.urban == "") & (self.weighted.weights > 0))

    def of_kind(self, kind: str) -> list[str]:
        """Keys of the domains of a kind."""
        return [d.key for d in self.domains if d.kind == kind]


def cells_of(frame: Frame, table: FigureTable, mask: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """{domain: printed figure}; a suppressed one keeps nothing but the reason."""
    found = {}
    for domain in frame.domains:
        row = table.row(domain.key)
        reason = mask.get(domain.key)
        if reason is None and not np.isfinite(table.low[row]):
            reason = NO_ERROR
        found[domain.key] = {"suppressed": reason} if reason else _cell(table, row)
    return found


def _cell(table: FigureTable, row: int) -> dict[str, Any]:
    return {
        "estimate": float(table.estimate[row]),
        "se": float(table.se[row]),
        "se_linearised": finite(table.se_linearised[row]),
        "se_fixed": finite(table.se_fixed[row]),
        "low": float(table.low[row]),
        "high": float(table.high[row]),
        "df": float(table.df[row]),
        "n": int(table.n[row]),
        "n_effective": float(table.n_effective[row]),
        "deff": finite(table.deff[row]),
        "variance": str(table.method[row]),
    }


def finite(value: float) -> float | None:
    """The number, or None where there is none."""
    return float(value) if np.isfinite(value) else None


def level_tests(
    frame: Frame, code: str, table: FigureTable, shown: Sequence[str], target: float | None, kind: str
) -> list[Test]:
    """Tests of an indicator's printed figures against the target, and against the whole."""
    tests = []
    for key in shown:
        row = table.row(key)
        if target is None:
            continue
        se = float(table.se[row])
        if kind == SHARE and 0 < target < 1 and table.n_effective[row] > 0:
            # Under the target the variance is known but for the design: it also works at 0 and 100 %.
            se = float(np.sqrt(target * (1 - target) / table.n_effective[row]))
        tests.append(Test("target", code, key, float(table.estimate[row] - target), se, float(table.df[row])))
    if ALL in shown:
        tests += _against_all(frame, code, table, [key for key in shown if key != ALL])
    return tests


def _against_all(frame: Frame, code: str, table: FigureTable, keys: Sequence[str]) -> list[Test]:
    parts = {d.key for d in frame.domains if d.kind in (*REGIONS, *GROUPS)}
    # A city of one district has no difference to itself.
    keys = [key for key in keys if key in parts and not _is_whole(frame, table, key)]
    if not keys:
        return []
    whole, rows = table.row(ALL), np.array([table.row(key) for key in keys])
    variance = table.difference_variance(rows, whole)
    df = combined_df(table.se[rows] ** 2, table.df[rows], table.se[whole] ** 2, table.df[whole])
    return [
        Test(
            "against_all",
            code,
            key,
            float(table.estimate[row] - table.estimate[whole]),
            float(np.sqrt(v)),
            float(min(own, LARGEST_DF)),
        )
        for key, row, v, own in zip(keys, rows, variance, df, strict=True)
    ]


def _is_whole(frame: Frame, table: FigureTable, key: str) -> bool:
    return bool(table.n[table.row(key)] == table.n[table.row(ALL)])


def league_of(table: FigureTable, shown: Sequence[str], leagues: int) -> dict[str, Any] | None:
    """Rank sets of the printed districts or streets; None with fewer than two.

    {"low": {key: best rank}, "high": {key: worst rank}, "apart": {key: [those told apart from it]}, "level",
    "method", "margin": the typical difference that it takes}
    """
    if len(shown) < 2:
        return None
    rows = np.array([table.row(key) for key in shown])
    at = table.place[rows]
    covariance = table.covariance[np.ix_(at, at)]
    sets = rank(shown, table.estimate[rows], covariance, table.df[rows], leagues=leagues)
    apart = sets.larger | sets.larger.T
    variance = np.diag(covariance)
    spread = np.sqrt(np.maximum(variance[:, None] + variance[None, :] - 2 * covariance, 0.0))
    pairs = (spread * np.max(sets.critical))[np.triu_indices(len(shown), 1)]
    return {
        "low": {key: int(low) for key, low in zip(shown, sets.low, strict=True)},
        "high": {key: int(high) for key, high in zip(shown, sets.high, strict=True)},
        "apart": {key: [shown[j] for j in np.flatnonzero(apart[i])] for i, key in enumerate(shown)},
        "level": float(sets.level),
        "method": sets.method,
        "margin": finite(float(np.median(pairs))),
    }


def item_distribution(
    frame: Frame, columns: Mapping[str, np.ndarray], levels: Sequence[str], mask: Mapping[str, str]
) -> dict[str, Any]:
    """Shares of every answer among those with an opinion, and of don't-know among those asked, by domain.

    `levels` are the substantive codes in printing order.
    {domain: {"shares", "top", "dont_know", "n", "n_asked"} or {"suppressed"}}
    """
    tables = {name: frame.plain.figures(values, SHARE) for name, values in columns.items()}
    first = tables[f"level:{levels[0]}"]
    found: dict[str, dict[str, Any]] = {}
    for domain in frame.domains:
        row = first.row(domain.key)
        if domain.key in mask:
            found[domain.key] = {"suppressed": mask[domain.key]}
            continue
        found[domain.key] = {
            "shares": [float(tables[f"level:{code}"].estimate[row]) for code in levels],
            "top": _share(tables["top"], row) if "top" in tables else None,
            "dont_know": _share(tables["dont_know"], row),
            "n": int(first.n[row]),
            "n_asked": int(tables["dont_know"].n[row]),
        }
    return found


def _share(table: FigureTable, row: int) -> dict[str, float | None]:
    return {
        "estimate": finite(table.estimate[row]),
        "low": finite(table.low[row]),
        "high": finite(table.high[row]),
    }


def counts_in(frame: Frame, values: np.ndarray) -> tuple[dict[str, int], dict[str, float]]:
    """Valid answers of each domain, and what was answered where everybody answered alike."""
    sums = frame.tables.partitions
    n, alike, mean = sums.counted(values)
    labels = frame.tables.labels
    places = sums.with_errors.tolist()
    counts = {labels[k]: int(n[k]) for k in places}
    return counts, {labels[k]: float(f"{mean[k]:.9g}") for k in places if alike[k]}
