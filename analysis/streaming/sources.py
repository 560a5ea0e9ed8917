"""Where the rows lie: frames that come one after another, or a table in an engine that groups.

Both answer the same question: sums of row expressions by key. An expression is written once, with the
operators of Python and the functions in `rows.ops`; the rows of a frame are numpy arrays, those of an engine
are ibis columns.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from analysis.errors import AnalysisError, DesignError
from analysis.frames import Columns, Factor, combine_codes

_PENDING, _FRAMES = 2**12, 16  # groups, and chunks, that wait before they are merged with the others


@dataclass(frozen=True)
class Query:
    """Sums to make: `values(rows)` gives the expressions by name, `keys` the columns that name a group."""

    keys: tuple[str, ...]
    values: Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class CellFactors:
    """A factor for the rows of each cell; `name` is the derived column that holds it.

    frame : a row per cell, with `columns` and the factor as column `name`
    """

    name: str
    columns: tuple[str, ...]
    frame: pd.DataFrame


class FrameRows:
    """The rows of one frame, as numpy arrays."""

    ops: Any = np

    def __init__(self, frame: Any, factors: Sequence[tuple[CellFactors, dict[tuple, float]]]) -> None:
        if hasattr(frame, "__arrow_c_stream__") and not nw.dependencies.is_into_dataframe(frame):
            frame = nw.from_arrow(frame, backend="pyarrow")  # an Arrow record batch is no table yet
        self.columns = Columns(frame)
        self._given = {f.name: (f.columns, table) for f, table in factors}
        self._numbers: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._factors: dict[str, Factor] = {}
        self._groups: dict[tuple[str, ...], tuple[np.ndarray, list[tuple]]] = {}

    def number(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Values with 0 where missing, and 1 or 0: is there a value?"""
        if name not in self._numbers:
            y = self.columns.numeric(name, f"column {name}")
            known = ~np.isnan(y)
            self._numbers[name] = np.where(known, y, 0.0), known.astype(float)
        return self._numbers[name]

    def weight(self, name: str) -> np.ndarray:
        """The weights, checked."""
        w = self.columns.numeric(name, "weights")
        good = np.isfinite(w) & (w >= 0)
        if not good.all():
            raise DesignError(f"weights: row {int(np.argmin(good))} of this frame is no weight")
        return w

    def factor(self, name: str) -> Factor:
        """Codes of a column, made once."""
        if name not in self._factors:
            self._factors[name] = self.columns.factor(name)
        return self._factors[name]

    def groups(self, keys: tuple[str, ...]) -> tuple[np.ndarray, list[tuple]]:
        """Group of each row, and the names of the groups; None is a missing key."""
        if keys not in self._groups:
            parts = [self.factor(k) for k in keys]
            if parts:
                codes = [(np.where(f.codes < 0, f.n_levels, f.codes), f.n_levels + 1) for f in parts]
                local, members = combine_codes(codes)
                levels = [(*f.levels, None) for f in parts]
                columns = ([lv[k] for k in m] for lv, m in zip(levels, members, strict=True))
                self._groups[keys] = local, list(zip(*columns, strict=True))
            else:
                self._groups[keys] = np.zeros(self.columns.n_rows, dtype=np.int64), [()]
        return self._groups[keys]

    def derived(self, name: str) -> np.ndarray:
        """The factor of each row's cell."""
        columns, table = self._given[name]
        local, names = self.groups(columns)
        try:
            return np.array([table[n] for n in names])[local]
        except KeyError as error:
            raise AnalysisError(
                f"the data changed between two passes: {', '.join(columns)} = {error} is new"
            ) from error

    def rough_mean(self, name: str) -> float | None:
        """Of the first thousand values; None when there is no value."""
        y, known = self.number(name)
        head = y[known > 0][:1000]
        return float(head.mean()) if len(head) else None

    def sums(self, query: Query) -> pd.DataFrame:
        """One row per group: its keys and the sums."""
        local, names = self.groups(query.keys)
        table: dict[str, Any] = {
            k: pd.Series([n[i] for n in names], dtype=object) for i, k in enumerate(query.keys)
        }
        for name, values in query.values(self).items():
            full = np.broadcast_to(np.asarray(values, dtype=float), (len(local),))
            table[name] = np.bincount(local, weights=full, minlength=len(names))
        return pd.DataFrame(table)


class FrameSource:
    """Frames that can be gone through again and again."""

    def __init__(self, frames: Callable[[], Iterable[Any]] | Iterable[Any]) -> None:
        self._start: Callable[[], Iterable[Any]] = frames if callable(frames) else lambda: frames
        self._factors: list[tuple[CellFactors, dict[tuple, float]]] = []
        self.orders: dict[str, tuple] = {}
        self.truths: dict[str, bool] = {}
        self._once = None if callable(frames) or not isinstance(frames, Iterator) else False

    def with_factors(self, factors: CellFactors) -> "FrameSource":
        """The same frames with one more derived column."""
        other = object.__new__(FrameSource)
        other.__dict__.update(self.__dict__)
        columns = list(factors.columns)
        keys = factors.frame[columns].itertuples(index=False, name=None)
        other._factors = [
            *self._factors,
            (factors, dict(zip(keys, factors.frame[factors.name], strict=True))),
        ]
        return other

    def pilots(self, names: Sequence[str]) -> dict[str, float]:
        """None: the first frame of the pass tells them."""
        return {}

    def collect(self, queries: Sequence[Query]) -> list[pd.DataFrame]:
        """The sums of every query, in one pass."""
        if self._once:
            raise AnalysisError(
                "these frames can be read once, and another pass is needed: give a function that starts them "
                "anew, e.g. pyarrow.parquet.ParquetFile(path, pre_buffer=False).iter_batches"
            )
        self._once = self._once if self._once is None else True
        running = [_Running(q) for q in queries]
        for frame in self._start():
            rows = FrameRows(frame, self._factors)
            if not rows.columns.n_rows:
                continue
            for total in running:
                total.add(rows)
            self._note(rows, queries)
        return [total.frame() for total in running]

    def _note(self, rows: FrameRows, queries: Sequence[Query]) -> None:
        """Categorical columns keep their own order of levels; truth values make a mean a share."""
        for key in {k for q in queries for k in q.keys}:
            factor = rows.factor(key)
            if not factor.all_used:
                self.orders[key] = tuple(dict.fromkeys((*self.orders.get(key, ()), *factor.levels)))
        for name in rows._numbers:
            self.truths[name] = self.truths.get(name, True) and rows.columns.array(name).dtype == bool


class _Running:
    """Sums of one query over the frames so far; memory goes with the number of groups, not of rows."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self._merged: pd.DataFrame | None = None
        self._new: list[pd.DataFrame] = []
        self._pending = 0

    def add(self, rows: FrameRows) -> None:
        self._new.append(rows.sums(self.query))
        self._pending += len(self._new[-1])
        known = 0 if self._merged is None else len(self._merged)
        if self._pending > max(_PENDING, known) or len(self._new) >= max(_FRAMES, known // _PENDING):
            self.frame()

    def frame(self) -> pd.DataFrame:
        parts = [p for p in (self._merged, *self._new) if p is not None]
        if not parts:
            raise AnalysisError("the data has no rows")
        if len(parts) > 1:
            self._merged = add_up(pd.concat(parts, ignore_index=True), self.query.keys)
        else:
            self._merged = parts[0]
        self._new, self._pending = [], 0
        return self._merged


def add_up(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """One row per group of keys; None is a key like any other."""
    if not keys:
        return frame.sum().to_frame().T
    found = frame.groupby(list(keys), dropna=False, sort=False, as_index=False).sum()
    return plain_keys(found, keys)


def plain_keys(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Keys as objects, None where missing."""
    for key in keys:
        column = frame[key].astype(object)
        frame[key] = column.where(column.notna(), None)
    return frame


class IbisOps:
    """numpy's names for what the expressions need of an ibis column."""

    def __init__(self, ibis: Any) -> None:
        self._ibis = ibis

    def exp(self, e: Any) -> Any:
        return e.exp()

    def minimum(self, e: Any, bound: float) -> Any:
        return self._ibis.least(e, bound)

    def clip(self, e: Any, low: float, high: float) -> Any:
        return self._ibis.greatest(self._ibis.least(e, high), low)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return self._ibis.ifelse(condition, a, b)

    def ones_like(self, e: Any) -> Any:
        return e * 0.0 + 1.0


class IbisRows:
    """The columns of an ibis table."""

    def __init__(self, table: Any, ops: IbisOps) -> None:
        self.table, self.ops = table, ops

    def number(self, name: str) -> tuple[Any, Any]:
        """As `FrameRows.number`; NULL and NaN are missing."""
        y = self.table[name].cast("float64")
        known = y.notnull() & ~y.isnan()
        return known.ifelse(y, 0.0), known.ifelse(1.0, 0.0)

    def weight(self, name: str) -> Any:
        """The weights; `IbisSource.check_weights` has looked at them."""
        return self.table[name].cast("float64")

    def derived(self, name: str) -> Any:
        """The factor of each row's cell; 1 for rows whose cell is unknown, which have no weight."""
        return self.table[name].coalesce(1.0)

    def rough_mean(self, name: str) -> float | None:
        """None: the pilots were asked for beforehand."""
        return None


class IbisSource:
    """A table in DuckDB, PostgreSQL, ClickHouse or Spark; only sums travel.

    Parameters
    ----------
    table : an ibis table expression
    ibis : the module, which this package does not import by itself
    """

    def __init__(self, table: Any, ibis: Any) -> None:
        self._table, self._ibis = table, ibis
        self.orders: dict[str, tuple] = {}
        self.truths = {name: kind.is_boolean() for name, kind in table.schema().items()}

    def with_factors(self, factors: CellFactors) -> "IbisSource":
        """The same table with one more derived column, joined by the engine."""
        schema = self._table.schema()
        frame = factors.frame[[*factors.columns, factors.name]]
        known = frame.dropna(subset=list(factors.columns))
        kinds = {c: schema[c] for c in factors.columns} | {factors.name: "float64"}
        side = self._ibis.memtable(known, schema=self._ibis.schema(kinds))
        renamed = side.rename({f"{factors.name}_{c}": c for c in factors.columns})
        on = [self._table[c] == renamed[f"{factors.name}_{c}"] for c in factors.columns]
        joined = self._table.left_join(renamed, on)
        return IbisSource(joined[[*self._table.columns, factors.name]], self._ibis)

    def check_weights(self, name: str) -> None:
        """Refuse weights that are missing, negative or infinite."""
        w = self._table[name].cast("float64")
        bad = w.isnull() | w.isnan() | w.isinf() | (w < 0)
        count = int(bad.fill_null(True).cast("int64").sum().execute() or 0)
        if count:
            raise DesignError(f"weights: {count} row(s) are missing, negative or infinite")

    def pilots(self, names: Sequence[str]) -> dict[str, float]:
        """Rough means from a thousand rows, taken off before squares are formed."""
        if not names:
            return {}
        rows = IbisRows(self._table.limit(1000), IbisOps(self._ibis))
        means = {}
        for k, name in enumerate(names):
            y, known = rows.number(name)
            means |= {f"y{k}": y.sum(), f"n{k}": known.sum()}
        found = rows.table.aggregate(**means).execute().iloc[0].fillna(0.0)
        return {n: float(found[f"y{k}"] / max(found[f"n{k}"], 1.0)) for k, n in enumerate(names)}

    def collect(self, queries: Sequence[Query]) -> list[pd.DataFrame]:
        """The sums of every query, each a group-by of the engine."""
        ops = IbisOps(self._ibis)
        return [self._grouped(query, ops) for query in queries]

    def _grouped(self, query: Query, ops: IbisOps) -> pd.DataFrame:
        sums = {n: e.sum() for n, e in query.values(IbisRows(self._table, ops)).items()}
        keys = list(query.keys)
        made = self._table.group_by(keys).aggregate(**sums) if keys else self._table.aggregate(**sums)
        found = made.execute()
        if not len(found) or (not keys and found.isna().to_numpy().any()):
            raise AnalysisError("the data has no rows")
        found[list(sums)] = found[list(sums)].astype(float)
        return plain_keys(found, keys)
