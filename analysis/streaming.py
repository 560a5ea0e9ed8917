"""Means, totals and ratios of data larger than memory: only sums per PSU and domain are kept.

Feed frames one after another (row groups of a Parquet file), or let an engine group the rows where they lie
(`cells_from_ibis`: DuckDB, PostgreSQL, ClickHouse, Spark) and take its few rows. Both give the figures of
`estimation.mean` to rounding.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError, DesignError
from analysis.estimation.finish import finish
from analysis.estimation.result import Estimate
from analysis.estimation.tables import Cells, ItemTotals
from analysis.frames import Columns, combine_codes

_SUMS = ("n", "w", "w2", "wy", "wyy")


class CellSums:
    """Running sums per (stratum, cluster, domain).

    Parameters
    ----------
    items : numeric columns; NaN is missing, item by item
    weights, strata, clusters, fpc, nest, lonely_psu : as in `SurveyDesign`, one stage, names only;
    `clusters` is
        needed, since rows that are their own PSUs cannot be summed
    by : columns of the domains
    pilot : {item: rough mean}, taken off before squares are formed; the first frame gives it if you do not
    """

    def __init__(
        self,
        items: Sequence[str],
        *,
        weights: str,
        clusters: str,
        strata: str | None = None,
        fpc: str | None = None,
        by: Sequence[str] = (),
        nest: bool = False,
        lonely_psu: str = "fail",
        pilot: dict[str, float] | None = None,
    ) -> None:
        if not items:
            raise AnalysisError("name at least one item")
        self.items, self.by = list(items), list(by)
        self.weights, self.strata, self.clusters, self.fpc = weights, strata, clusters, fpc
        self.nest, self.lonely_psu = nest, lonely_psu
        self.pilot = dict(pilot or {})
        self._place: dict[tuple, int] = {}
        self._fpc: list[float] = []
        self._rows = np.zeros(0)
        self._sums = {name: np.zeros((0, len(self.items))) for name in _SUMS}

    @property
    def keys(self) -> list[str]:
        """The columns that name a cell."""
        return [c for c in (self.strata, self.clusters) if c is not None] + self.by

    def add(self, frame: Any) -> "CellSums":
        """Add the rows of one data frame (pandas, polars, Arrow, or a mapping of arrays)."""
        columns = Columns(frame)
        if not columns.n_rows:
            return self
        factors = [columns.factor(k) for k in self.keys]
        for key, factor in zip(self.keys, factors, strict=True):
            if key not in self.by and (factor.codes < 0).any():
                raise DesignError(f"{key}: row {int(np.argmax(factor.codes < 0))} of this frame has no value")
        w = columns.numeric(self.weights, "weights")
        if not (np.isfinite(w).all() and w.min() >= 0):
            raise DesignError(
                f"weights: row {int(np.argmin(np.isfinite(w) & (w >= 0)))} of this frame is no weight"
            )
        inside = np.logical_and.reduce([f.codes >= 0 for f in factors])
        # Rows without a domain still count for their PSU: they go to the domain “None”.
        parts = [(np.where(f.codes < 0, f.n_levels, f.codes), f.n_levels + 1) for f in factors]
        local, members = combine_codes(parts)
        levels = [(*f.levels, None) for f in factors]
        names = list(zip(*([lv[k] for k in m] for lv, m in zip(levels, members, strict=True)), strict=True))
        index = self._locate(names)
        count = len(names)
        w = np.where(inside, w, 0.0)
        self._rows[index] += np.bincount(local, weights=w != 0, minlength=count)
        if self.fpc is not None:
            self._check_fpc(columns.numeric(self.fpc, "fpc"), local, index, names)
        for j, item in enumerate(self.items):
            y = columns.numeric(item, f"item {item}")
            known = ~np.isnan(y)
            if item not in self.pilot and known.any():
                self.pilot[item] = float(y[known][:1000].mean())
            own = np.where(known, w, 0.0)
            centred = np.where(known, y, 0.0) - self.pilot.get(item, 0.0)
            parts_of = {
                "n": own != 0,
                "w": own,
                "w2": own * own,
                "wy": own * centred,
                "wyy": own * centred**2,
            }
            for name, values in parts_of.items():
                self._sums[name][index, j] += np.bincount(local, weights=values, minlength=count)
        return self

    def add_cells(self, cells: pd.DataFrame) -> "CellSums":
        """Add cells that another engine summed; columns as `cells_from_ibis` names them."""
        plain = cells.astype(object).where(cells.notna(), None)
        index = self._locate(list(plain[self.keys].itertuples(index=False, name=None)))
        np.add.at(self._rows, index, cells["rows"].to_numpy(dtype=float))
        if self.fpc is not None:
            for i, low, high in zip(index, cells["fpc_low"], cells["fpc_high"], strict=True):
                self._note_fpc(i, float(low), float(high))
        for j, item in enumerate(self.items):
            for name in _SUMS:
                values = cells[f"{name}_{item}"].astype(float).fillna(0.0).to_numpy()
                np.add.at(self._sums[name], (index, j), values)
        return self

    def _locate(self, names: list[tuple]) -> np.ndarray:
        """Global numbers of cells; new ones are appended."""
        index = np.array([self._place.setdefault(n, len(self._place)) for n in names])
        grow = len(self._place) - len(self._rows)
        if grow:
            self._rows = np.append(self._rows, np.zeros(grow))
            self._fpc += [np.nan] * grow
            for name, table in self._sums.items():
                self._sums[name] = np.vstack([table, np.zeros((grow, len(self.items)))])
        return index

    def _check_fpc(
        self, values: np.ndarray, local: np.ndarray, index: np.ndarray, names: list[tuple]
    ) -> None:
        low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
        np.minimum.at(low, local, values)
        np.maximum.at(high, local, values)
        for i, a, b in zip(index, low, high, strict=True):
            self._note_fpc(i, a, b)

    def _note_fpc(self, cell: int, low: float, high: float) -> None:
        known = self._fpc[cell]
        if low != high or not (np.isnan(known) or known == low):
            raise DesignError(f"fpc differs within a stratum: {low:g}, {high:g}, {known:g}")
        self._fpc[cell] = low

    def mean(self) -> Estimate:
        """Means of every item in every domain; as `estimation.mean`."""
        return self._estimate("mean")

    def total(self) -> Estimate:
        """Totals; as `estimation.total`."""
        return self._estimate("total")

    def _estimate(self, statistic: str) -> Estimate:
        if not self._place:
            raise AnalysisError("no rows were added")
        table = {
            k: np.array(v, dtype=object)
            for k, v in zip(self.keys, zip(*self._place, strict=True), strict=True)
        }
        inside = np.logical_and.reduce(
            [np.array([v is not None for v in table[b]]) for b in self.by] or [True]
        )
        inside = np.broadcast_to(inside, (len(self._place),))
        design = SurveyDesign(
            table,
            weights=np.maximum((self._rows > 0).astype(float), 1e-300),
            strata=self.strata,
            clusters=self.clusters,
            fpc=None if self.fpc is None else np.array(self._fpc),
            nest=self.nest,
            lonely_psu=self.lonely_psu,
        )
        codes, levels, count = None, {}, 1
        if self.by:
            factors = [design.columns.factor(b) for b in self.by]
            used, members = combine_codes([(f.codes[inside], f.n_levels) for f in reversed(factors)])
            codes = np.zeros(len(inside), dtype=np.int64)
            codes[inside] = used
            count = len(members[0])
            levels = {
                b: np.array([f.levels[k] for k in m], dtype=object)
                for b, f, m in zip(self.by, factors, members[::-1], strict=True)
            }
        cells = Cells(design, codes, count)
        rows = cells.sums(cells.row, np.where(inside, self._rows, 0.0))
        whole = (cells.by_domain(rows), rows)
        totals = (self._item(cells, j, inside) for j in range(len(self.items)))
        return finish(design, cells, statistic, self.items, totals, whole, levels)

    def _item(self, cells: Cells, j: int, inside: np.ndarray) -> ItemTotals:
        pilot = self.pilot.get(self.items[j], 0.0)
        s = {k: cells.sums(cells.row, np.where(inside, v[:, j], 0.0)) for k, v in self._sums.items()}
        by = cells.by_domain
        return ItemTotals(s["n"], s["w"], s["wy"], None, by(s["n"]), by(s["w2"]), by(s["wyy"]), pilot=pilot)


def from_chunks(frames: Iterable[Any], items: Sequence[str], **design: Any) -> CellSums:
    """Sum an iterable of frames, e.g. `pyarrow.parquet.ParquetFile(path).iter_batches()` as pandas frames."""
    sums = CellSums(items, **design)
    for frame in frames:
        sums.add(frame)
    return sums


def cells_from_ibis(table: Any, sums: CellSums) -> pd.DataFrame:
    """Group an ibis table where it lies; feed the result to `sums.add_cells`.

    Only one row per PSU and domain travels. `sums.pilot` should hold rough means if the items lie far from 0.
    Values that are NULL or NaN are missing.
    """
    w = table[sums.weights].cast("float64")
    columns = {"rows": (w != 0).cast("float64").sum()}
    if sums.fpc is not None:
        value = table[sums.fpc].cast("float64")
        columns |= {"fpc_low": value.min(), "fpc_high": value.max()}
    for item in sums.items:
        y = table[item].cast("float64")
        known = y.notnull() & ~y.isnan()
        own = known.ifelse(w, 0.0)
        centred = known.ifelse(y, 0.0) - float(sums.pilot.get(item, 0.0))
        columns |= {
            f"n_{item}": (own != 0).cast("float64").sum(),
            f"w_{item}": own.sum(),
            f"w2_{item}": (own * own).sum(),
            f"wy_{item}": (own * centred).sum(),
            f"wyy_{item}": (own * centred * centred).sum(),
        }
    return table.group_by(sums.keys).aggregate(**columns).execute()
