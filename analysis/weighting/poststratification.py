"""Post-stratification and raking: weights whose sums over known groups are those of the population."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError, NotConvergedError
from analysis.estimation.linearization import Block, Design, ResidualStep
from analysis.frames import combine_codes
from analysis.replicates import ReplicateDesign

Totals = Mapping[Any, float] | pd.Series
RESIDUAL_CYCLES = 10  # R survey's svyrecvar removes the margins' means ten times over


def poststratify(design: Design, by: str | Sequence[str], totals: Totals) -> Design:
    """Scale the weights within each cell so that they add up to its population count.

    Parameters
    ----------
    by : column(s) that form the cells
    totals : {level: count}; for several columns {(level, level, …): count}. Every cell of the sample needs a
        total, and every cell with a population needs someone in the sample.

    Notes
    -----
    The variance uses the deviations from the cell means (Särndal, Swensson & Wretman 1992, ch. 7.6).
    R: `postStratify`.
    """
    cells, labels = _cells(design, by)
    target = _targets(labels, totals, "post-stratum")
    return _to_cells(design, cells, labels, target)


def standardize(
    design: Design, by: str, over: str | Sequence[str], population: Mapping[Any, float]
) -> Design:
    """Direct standardisation: within every level of `over`, give `by` the shares of a standard population.

    The weight sum of each level of `over` stays as it is. Leave rows without the outcome out by giving them
    weight 0 first (`without_rows`). R: `svystandardize`.
    """
    over = [over] if isinstance(over, str) else list(over)
    cells, labels = _cells(design, [by, *over])
    shares = {_show(k): v / sum(population.values()) for k, v in population.items()}
    absent = [_show(label[0]) for label in labels if _show(label[0]) not in shares]
    if absent:
        raise AnalysisError(f"the standard population has no count for {', '.join(sorted(set(absent)))}")
    groups = {label[1:]: 0.0 for label in labels}
    current = np.bincount(cells, weights=design.weights, minlength=len(labels))
    for label, weight in zip(labels, current, strict=True):
        groups[label[1:]] += weight
    target = np.array([shares[_show(label[0])] * groups[label[1:]] for label in labels])
    return _to_cells(design, cells, labels, np.where(current > 0, target, 0.0))


def without_rows(design: Design, rows: np.ndarray) -> Design:
    """The design with weight 0 for some rows (bool mask): a domain that later steps work on."""
    if isinstance(design, ReplicateDesign):
        return design.map_weights(lambda w: np.where(rows, 0.0, w))
    return design.with_weights(np.where(rows, 0.0, design.weights))


def _to_cells(design: Design, cells: np.ndarray, labels: list, target: np.ndarray) -> Design:
    def factor(weights: np.ndarray) -> np.ndarray:
        current = np.bincount(cells, weights=weights, minlength=len(labels))
        _need_someone(current, target, labels)
        return np.where(current > 0, target / np.where(current > 0, current, 1.0), 0.0)[cells]

    if isinstance(design, ReplicateDesign):
        return design.map_weights(lambda w: w * factor(w))
    g = factor(design.weights)
    weights = design.weights * g
    block = Block(weights, g, design.weights, codes=cells, count=len(labels))
    return design.with_weights(weights, ResidualStep((block,)))


def rake(
    design: Design,
    margins: Mapping[str | tuple[str, ...], Totals] | Sequence[tuple[str | Sequence[str], Totals]],
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 1000,
) -> Design:
    """Iterative proportional fitting of the weights to several margins.

    Parameters
    ----------
    margins : {column: {level: count}}, or pairs of (columns, totals); they must share one grand total
    tolerance : largest difference to any margin, as a share of the grand total
    max_iterations : passes over all margins

    Raises
    ------
    NotConvergedError : its `gaps` say which margin cannot be met, and by how much

    Notes
    -----
    Works on the cells of the cross-classification, not on rows: Deming & Stephan (1940). R: `rake`.
    """
    named = list(margins.items()) if isinstance(margins, Mapping) else list(margins)
    if not named:
        raise AnalysisError("give at least one margin")
    coded = [_cells(design, columns) for columns, _ in named]
    targets = [_targets(labels, t, "margin") for (_, labels), (_, t) in zip(coded, named, strict=True)]
    _same_grand_total(named, targets)
    cell, members = combine_codes([(codes, len(labels)) for codes, labels in coded])

    def adjusted(w: np.ndarray) -> np.ndarray:
        start = np.bincount(cell, weights=w, minlength=len(members[0]))
        for member, target, (_, labels) in zip(members, targets, coded, strict=True):
            _need_someone(np.bincount(member, weights=start, minlength=len(labels)), target, labels)
        names = [labels for _, labels in coded]
        fitted = _fit_cells(start, members, targets, tolerance, max_iterations, named, names)
        return w * np.where(start > 0, fitted / np.where(start > 0, start, 1.0), 0.0)[cell]

    if isinstance(design, ReplicateDesign):
        return design.map_weights(adjusted)
    weights = adjusted(design.weights)
    # R takes unweighted means of the linearised values within each margin's levels; so do we.
    blocks = tuple(Block(weights, weights, None, codes=codes, count=len(labels)) for codes, labels in coded)
    return design.with_weights(weights, ResidualStep(blocks, cycles=RESIDUAL_CYCLES))


def _fit_cells(
    start: np.ndarray,
    members: list[np.ndarray],
    targets: list[np.ndarray],
    tolerance: float,
    max_iterations: int,
    named: list,
    labels: list[list],
) -> np.ndarray:
    fitted = start.copy()
    total = targets[0].sum()
    for _ in range(max_iterations):
        for member, target in zip(members, targets, strict=True):
            current = np.bincount(member, weights=fitted, minlength=len(target))
            fitted = fitted * np.where(current > 0, target / np.where(current > 0, current, 1.0), 0.0)[member]
        reached = [
            np.bincount(m, weights=fitted, minlength=len(t)) for m, t in zip(members, targets, strict=True)
        ]
        if max(np.abs(r - t).max() for r, t in zip(reached, targets, strict=True)) <= tolerance * total:
            return fitted
    gaps = {}
    for (columns, _), names, target, got in zip(named, labels, targets, reached, strict=True):
        for label, want, have in zip(names, target, got, strict=True):
            if abs(want - have) > tolerance * total:
                gaps[f"{_join(columns)}={_show(label)}"] = (float(want), float(have))
    raise NotConvergedError(f"raking did not meet its margins in {max_iterations} passes.", gaps)


def _same_grand_total(named: list, targets: list[np.ndarray]) -> None:
    sums = [t.sum() for t in targets]
    # Published margins differ by rounding; more than 1 in a million is a mistake, and would never converge.
    if max(sums) - min(sums) > 1e-6 * max(sums):
        shown = "; ".join(f"{_join(c)}: {s:,.6g}" for (c, _), s in zip(named, sums, strict=True))
        raise AnalysisError(
            f"the margins have different grand totals ({shown}); scale them to one before raking"
        )


def _cells(design: Design, by: str | Sequence[str]) -> tuple[np.ndarray, list]:
    """Cell of each row and the label(s) of each cell."""
    columns = [by] if isinstance(by, str) else list(by)
    factors = [design.columns.factor(c) for c in columns]
    gaps = [not f.complete and bool((f.codes < 0).any()) for f in factors]
    for column, factor, gap in zip(columns, factors, gaps, strict=True):
        lost = (factor.codes < 0) & (design.weights > 0) if gap else np.zeros(0, dtype=bool)
        if lost.any():
            raise AnalysisError(
                f"column {column!r}: {int(lost.sum())} row(s) with a weight have no value, the first is row "
                f"{int(np.flatnonzero(lost)[0])}; impute it or give those rows their own category"
            )
    # Rows of weight 0 may lack a value; the first level takes them, with no effect.
    coded = [np.maximum(f.codes, 0) if gap else f.codes for f, gap in zip(factors, gaps, strict=True)]
    if len(columns) == 1 and factors[0].all_used:
        return coded[0], list(factors[0].levels)
    codes, members = combine_codes([(c, f.n_levels) for c, f in zip(coded, factors, strict=True)])
    count = len(members[0])
    labels = [tuple(f.levels[m[k]] for f, m in zip(factors, members, strict=True)) for k in range(count)]
    return codes, [label[0] for label in labels] if len(columns) == 1 else labels


def _targets(labels: list, totals: Totals, what: str) -> np.ndarray:
    given = dict(totals.items())
    bad = [k for k, v in given.items() if not (np.isfinite(v) and v >= 0)]
    if bad:
        raise AnalysisError(f"{what} {_show(bad[0])}: the population count {given[bad[0]]!r} is not a count")
    by_text = {_show(k): v for k, v in given.items()}
    absent = [label for label in labels if label not in given and _show(label) not in by_text]
    if absent:
        raise AnalysisError(f"no population count for {what} {', '.join(_show(a) for a in absent[:10])}")
    unseen = set(by_text) - {_show(label) for label in labels}
    lost = [u for u in unseen if by_text[u] > 0]
    if lost:
        raise AnalysisError(
            f"{what} {', '.join(sorted(lost)[:10])}: nobody in the sample stands for this population; join "
            f"cells"
        )
    return np.array([float(given[label] if label in given else by_text[_show(label)]) for label in labels])


def _need_someone(current: np.ndarray, target: np.ndarray, labels: list) -> None:
    empty = np.flatnonzero((current <= 0) & (target > 0))
    if len(empty):
        shown = ", ".join(_show(labels[k]) for k in empty[:10])
        raise AnalysisError(f"{shown}: no weight in the sample, but a population; join cells")


def _show(label: Any) -> str:
    return " × ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _join(columns: str | Sequence[str]) -> str:
    return columns if isinstance(columns, str) else " × ".join(columns)
