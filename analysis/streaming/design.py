"""The design of streamed data: column names now, rows later; calibrations solved by passes of their own."""

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.design import LONELY_PSU, SurveyDesign
from analysis.errors import AnalysisError, DesignError
from analysis.streaming.sources import CellFactors, FrameSource, IbisSource, Query
from analysis.streaming.steps import CellStep, Regression, cell_block, combine
from analysis.streaming.sums import StreamedSums
from analysis.weighting.calibration import check_names, column_scale, make_distance, solve_totals
from analysis.weighting.poststratification import RESIDUAL_CYCLES, Totals, poststratify, rake

Names = str | Sequence[str]


@dataclass(frozen=True, eq=False)
class StreamedDesign:
    """As `analysis.design.SurveyDesign`, for rows that are not in memory; made by `from_chunks`, `from_ibis`.

    clusters : ids of the sampling units, one column per stage; as many stages are computed as `fpc` has
    """

    source: FrameSource | IbisSource
    weights: str
    clusters: tuple[str, ...]
    strata: tuple[str, ...] = ()
    fpc: tuple[str, ...] = ()
    nest: bool = False
    lonely_psu: str = "fail"
    domain_lonely: bool = False
    unequal: str | None = None
    steps: tuple[CellStep | Regression, ...] = ()

    @property
    def unit_keys(self) -> tuple[str, ...]:
        """The columns that name a sampling unit of the last computed stage."""
        computed = max(len(self.fpc), 1)
        return tuple(dict.fromkeys((*self.strata[:computed], *self.clusters[:computed])))

    def row_weights(self, rows: Any) -> tuple[list, list]:
        """Weights before the first step, after it, after the next …, and the g-weight of each step."""
        weights, factors = [rows.weight(self.weights)], []
        for step in self.steps:
            g = step.g(rows)
            factors.append(g)
            weights.append(weights[-1] * g)
        return weights, factors

    def sample(self, table: pd.DataFrame, count: np.ndarray) -> SurveyDesign:
        """The design of a table with a row per unit and domain, `count` of them rows with a weight."""
        return SurveyDesign(
            table,
            weights=(count > 0).astype(float),
            strata=list(self.strata) or None,
            clusters=list(self.clusters),
            fpc=list(self.fpc) or None,
            nest=self.nest,
            lonely_psu=self.lonely_psu,
            domain_lonely=self.domain_lonely,
            unequal=self.unequal,
        )

    def collect(
        self,
        items: Names = (),
        *,
        ratios: Sequence[tuple[str, str]] = (),
        categories: Names = (),
        by: Names = (),
    ) -> StreamedSums:
        """Sum everything that the named estimates need, in one pass.

        Parameters
        ----------
        items : numeric columns, for means and totals; NaN or NULL is missing, item by item
        ratios : (numerator, denominator) pairs of columns
        categories : columns whose levels get shares
        by : columns of the domains; a row without a value keeps its unit in the design
        """
        if not (items or ratios or categories):
            raise AnalysisError("name at least one item")
        return StreamedSums(self, as_names(items), tuple(ratios), as_names(categories), as_names(by))

    def poststratify(self, by: Names, totals: Totals) -> "StreamedDesign":
        """As `weighting.poststratify`; one pass."""
        columns = as_names(by)
        cells = self._cells(columns)
        fitted = poststratify(_design_of(cells), list(columns), totals)
        block = cell_block(columns, _labels(cells, columns), plain=False)
        return self._with_cells(cells, columns, fitted, (block,), 1)

    def rake(
        self,
        margins: Mapping[str | tuple[str, ...], Totals] | Sequence[tuple[Names, Totals]],
        *,
        tolerance: float = 1e-10,
        max_iterations: int = 1000,
    ) -> "StreamedDesign":
        """As `weighting.rake`; one pass, for the cells of the cross-classification."""
        named = list(margins.items()) if isinstance(margins, Mapping) else list(margins)
        columns = tuple(dict.fromkeys(c for by, _ in named for c in as_names(by)))
        cells = self._cells(columns)
        fitted = rake(_design_of(cells), named, tolerance=tolerance, max_iterations=max_iterations)
        blocks = []
        for by, _ in named:
            margin = as_names(by)
            blocks.append(cell_block(margin, _labels(cells, margin), plain=True))
        return self._with_cells(cells, columns, fitted, tuple(blocks), RESIDUAL_CYCLES)

    def _cells(self, columns: tuple[str, ...]) -> pd.DataFrame:
        """Weight of each cell so far."""
        if not columns:
            raise AnalysisError("give at least one margin")

        def values(rows: Any) -> dict[str, Any]:
            w = self.row_weights(rows)[0][-1]
            return {"sum_w": w, "sum_n": rows.ops.where(w > 0, 1.0, 0.0)}

        (cells,) = self.source.collect([Query(columns, values)])
        for column in columns:
            lost = int(cells["sum_n"][cells[column].isna()].sum())
            if lost:
                raise AnalysisError(
                    f"column {column!r}: {lost} row(s) with a weight have no value; impute it or give those "
                    "rows their own category"
                )
        return cells

    def _with_cells(
        self, cells: pd.DataFrame, columns: tuple[str, ...], fitted: SurveyDesign, blocks: tuple, cycles: int
    ) -> "StreamedDesign":
        name = f"minyi_g{len(self.steps)}"
        before = cells["sum_w"].to_numpy()
        used = before > 0
        g = np.ones(len(cells))
        g[used] = fitted.weights / before[used]
        frame = cells[list(columns)].assign(**{name: g})
        factors = CellFactors(name, columns, frame)
        step = CellStep(factors, blocks, cycles)
        return replace(self, source=self.source.with_factors(factors), steps=(*self.steps, step))

    def calibrate(
        self,
        auxiliaries: Sequence[str],
        totals: Mapping[str, float],
        *,
        distance: str = "linear",
        bounds: tuple[float, float] | None = None,
        heteroskedastic: str | None = None,
        tolerance: float = 1e-12,
        max_iterations: int = 200,
    ) -> "StreamedDesign":
        """As `weighting.calibrate` with columns of the data; a linear distance without bounds takes one pass,
        the others one per Newton step.
        """
        names = list(auxiliaries)
        check_names(names, totals)
        width = len(names)
        step = Regression(tuple(names), heteroskedastic, distance, bounds, np.zeros(width), np.eye(width))
        sums = _Moments(self, step)
        first, gram, size = sums.at(np.zeros(width), check=True)
        target = np.array([float(totals[k]) for k in names])
        scale = column_scale(target, first, size)

        def evaluate(lam: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            if not lam.any() or (distance == "linear" and bounds is None):
                total, slope = first + gram @ (lam / scale), gram
            else:
                total, slope, _ = sums.at(lam / scale)
            return total / scale, slope / np.outer(scale, scale)

        lam = solve_totals(evaluate, target, scale, names, tolerance, max_iterations)
        solved = replace(step, coefficients=lam / scale, basis=_whitening(gram))
        return replace(self, steps=(*self.steps, solved))


class _Moments:
    """Σ d F x, Σ d q F' x xᵀ and Σ d |x| for coefficients λ, each set by one pass."""

    def __init__(self, design: StreamedDesign, step: Regression) -> None:
        self.design, self.step = design, step

    def at(self, lam: np.ndarray, *, check: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        width = len(lam)

        def values(rows: Any) -> dict[str, Any]:
            d, q = self.design.row_weights(rows)[0][-1], self.step.q(rows)
            pairs = [rows.number(name) for name in self.step.auxiliaries]
            x = [value for value, _ in pairs]
            eta = combine(x, lam) * q
            distance = make_distance(self.step.distance, self.step.bounds, rows.ops)
            g, slope = d * distance.g(eta), d * q * distance.slope(eta)
            out = {f"t{k}": g * x[k] for k in range(width)}
            out |= {f"j{k}_{m}": slope * x[k] * x[m] for k in range(width) for m in range(k, width)}
            if check:
                where = rows.ops.where
                out |= {f"s{k}": d * where(x[k] < 0, -x[k], x[k]) for k in range(width)}
                out |= {f"m{k}": where(d > 0, 1.0 - pairs[k][1], 0.0) for k in range(width)}
                if self.step.heteroskedastic is not None:
                    variance, known = rows.number(self.step.heteroskedastic)
                    out["bad"] = where((variance > 0) & (known > 0), 0.0, 1.0)
            return out

        (found,) = self.design.source.collect([Query((), values)])
        sums = found.iloc[0]
        if check:
            self._check(sums)
        jacobian = np.array([[sums[f"j{min(k, m)}_{max(k, m)}"] for m in range(width)] for k in range(width)])
        sizes = np.array([sums.get(f"s{k}", 0.0) for k in range(width)])
        return np.array([sums[f"t{k}"] for k in range(width)]), jacobian, sizes

    def _check(self, sums: pd.Series) -> None:
        if sums.get("bad", 0.0):
            raise AnalysisError(f"heteroskedastic: {int(sums['bad'])} row(s) are not positive")
        for k, name in enumerate(self.step.auxiliaries):
            if sums[f"m{k}"]:
                raise AnalysisError(f"auxiliary {name!r} has no value in {int(sums[f'm{k}'])} row(s)")


def _whitening(gram: np.ndarray) -> np.ndarray:
    """A with AᵀGA = 1; directions without weight are left out."""
    scale = np.sqrt(np.maximum(np.diag(gram), 1e-300))
    values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    kept = values > 1e-12 * values.max()
    return (vectors[:, kept] / np.sqrt(values[kept])) / scale[:, None]


def _design_of(cells: pd.DataFrame) -> SurveyDesign:
    """The cells with a weight as the rows of a design, so that the in-memory verbs solve their factors."""
    used = cells[cells["sum_w"] > 0]
    if not len(used):
        raise DesignError("weights: all are 0")
    return SurveyDesign(used, weights="sum_w")


def _labels(cells: pd.DataFrame, columns: tuple[str, ...]) -> list[tuple]:
    used = cells[cells["sum_w"] > 0]
    return list(dict.fromkeys(used[list(columns)].itertuples(index=False, name=None)))


def as_names(names: Any) -> tuple[str, ...]:
    """One column or several, as a tuple."""
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)


def _streamed(source: FrameSource | IbisSource, options: dict[str, Any]) -> StreamedDesign:
    given = dict(options)
    for name in ("clusters", "strata", "fpc"):
        given[name] = as_names(given.get(name))
    design = StreamedDesign(source, **given)
    if design.lonely_psu not in LONELY_PSU:
        raise DesignError(f"lonely_psu is one of {', '.join(LONELY_PSU)}; got {design.lonely_psu!r}")
    if len(design.clusters) < max(len(design.fpc), 1):
        raise DesignError(
            "name a column of unit ids for every computed stage: rows that are their own units "
            "cannot be summed"
        )
    return design


def from_chunks(
    frames: Callable[[], Iterable[Any]] | Iterable[Any],
    *,
    weights: str,
    clusters: Names,
    strata: Names | None = None,
    fpc: Names | None = None,
    nest: bool = False,
    lonely_psu: str = "fail",
    domain_lonely: bool = False,
    unequal: str | None = None,
) -> StreamedDesign:
    """The design of frames that come one after another (pandas, polars, Arrow, or mappings of arrays).

    frames : a list, or a function that starts them: `ParquetFile(path, pre_buffer=False).iter_batches`.
        A generator serves one pass: one `collect`, no calibration.
    The others : as in `SurveyDesign`, by column name; `unequal` 'brewer', 'overton' or 'hartley_rao'
    """
    return _streamed(
        FrameSource(frames),
        {
            "weights": weights,
            "clusters": clusters,
            "strata": strata,
            "fpc": fpc,
            "nest": nest,
            "lonely_psu": lonely_psu,
            "domain_lonely": domain_lonely,
            "unequal": unequal,
        },
    )


def from_ibis(table: Any, **design: Any) -> StreamedDesign:
    """The design of an ibis table; its engine groups, and only sums travel.

    design : as in `from_chunks`
    """
    source = IbisSource(table, importlib.import_module("ibis"))
    made = _streamed(source, design)
    source.check_weights(made.weights)
    return made
