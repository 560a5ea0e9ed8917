"""Columns of any data frame (pandas, polars, Arrow: through narwhals) as numpy arrays and coded factors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from analysis.errors import ColumnError

_DENSE = 2**24  # key spaces up to this size are looked up in a table instead of sorted

ColumnSpec = str | Sequence[Any] | np.ndarray


@dataclass(frozen=True)
class Factor:
    """A coded column: `codes` index `levels`; -1 is missing.

    all_used : every level occurs (a categorical column may have levels without rows)
    complete : known to have no missing value
    """

    codes: np.ndarray
    levels: tuple
    all_used: bool = False
    complete: bool = False

    @property
    def n_levels(self) -> int:
        return len(self.levels)


class Columns:
    """Read-only access to the columns of a native data frame or a mapping of arrays."""

    def __init__(self, data: Any, n_rows: int | None = None) -> None:
        if data is None:
            self._frame: Any = {}
            self.names: tuple[str, ...] = ()
        elif isinstance(data, Mapping):
            self._frame = {str(name): _as_array(values) for name, values in data.items()}
            self.names = tuple(self._frame)
            lengths = {len(v) for v in self._frame.values()}
            if len(lengths) > 1:
                raise ColumnError(f"the columns have different lengths: {sorted(lengths)}")
            n_rows = lengths.pop() if lengths else n_rows
        else:
            self._frame = nw.from_native(data, eager_only=True)
            self.names = tuple(self._frame.columns)
            n_rows = len(self._frame)
        self.n_rows = n_rows

    def series(self, name: str) -> Any:
        """The column as narwhals Series or numpy array."""
        if name not in self.names:
            raise ColumnError(
                f"there is no column {name!r}; the data has {', '.join(self.names[:20]) or 'none'}"
            )
        return self._frame[name]

    def array(self, spec: ColumnSpec) -> np.ndarray:
        """A named column, or the given array, as a numpy array of the right length."""
        if isinstance(spec, str):
            column = self.series(spec)
            return column if isinstance(column, np.ndarray) else column.to_numpy()
        values = _as_array(spec)
        if values.ndim != 1:
            raise ColumnError(f"a column has one dimension, this one has shape {values.shape}")
        if self.n_rows is not None and len(values) != self.n_rows:
            raise ColumnError(f"a column has {len(values)} values, but the data has {self.n_rows} rows")
        return values

    def numeric(self, spec: ColumnSpec, what: str = "column") -> np.ndarray:
        """float64 values, NaN where missing."""
        values = self.array(spec)
        if values.dtype == np.float64:
            return values
        try:
            if values.dtype == object:
                return pd.to_numeric(pd.Series(values), errors="raise").to_numpy(dtype=float, na_value=np.nan)
            return values.astype(np.float64)
        except (TypeError, ValueError) as error:
            name = f" {spec!r}" if isinstance(spec, str) else ""
            raise ColumnError(f"{what}{name} is not numeric: {error}") from error

    def factor(self, spec: ColumnSpec) -> Factor:
        """Codes and ordered levels. A categorical column keeps its own order; others are sorted."""
        if isinstance(spec, str):
            column = self.series(spec)
            if isinstance(column, nw.Series):
                native = column.to_native()
                if isinstance(native, pd.Series) and isinstance(native.dtype, pd.CategoricalDtype):
                    codes = native.cat.codes.to_numpy().astype(np.int64)
                    return Factor(codes, tuple(_plain(v) for v in native.cat.categories))
                # Only an Enum has an order of its own; a polars Categorical shares levels with other columns.
                if isinstance(column.dtype, nw.Enum):
                    levels = tuple(column.cat.get_categories().to_list())
                    return _factor_with_levels(column.to_numpy(), levels)
        return make_factor(self.array(spec))


def make_factor(values: np.ndarray) -> Factor:
    """Code an array; levels sorted (numbers by size, text by code point)."""
    if values.dtype.kind in "iub" and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low < max(2**20, 2 * len(values)):  # small whole numbers need no hash table
            whole = values.astype(np.int64, copy=False)
            codes, keys = _compress(whole - low if low else whole, high - low + 1)
            kind = bool if values.dtype.kind == "b" else int
            return Factor(codes, tuple(kind(k + low) for k in keys), all_used=True, complete=True)
    codes, uniques = pd.factorize(values, sort=False)
    uniques = np.asarray(uniques)
    try:
        order = np.argsort(uniques, kind="stable")
    except TypeError:
        order = np.argsort(uniques.astype(str), kind="stable")
    rank = np.empty(len(order) + 1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    rank[-1] = -1  # code -1 (missing) indexes the last entry
    return Factor(rank[codes], tuple(_plain(v) for v in uniques[order]), all_used=True)


def _factor_with_levels(values: np.ndarray, levels: tuple) -> Factor:
    codes = pd.Categorical(values, categories=list(levels)).codes.astype(np.int64)
    return Factor(codes, levels)


def _as_array(values: Any) -> np.ndarray:
    if isinstance(values, np.ndarray):
        return values
    if isinstance(values, pd.Categorical):
        return np.asarray(values)
    if hasattr(values, "to_numpy"):
        return np.asarray(values.to_numpy())
    return np.asarray(values)


def _plain(value: Any) -> Any:
    """A level as a plain Python value: 3.0 read from a column with gaps is shown as 3."""
    if isinstance(value, (np.floating, float)) and float(value).is_integer():
        return int(value)
    return value.item() if isinstance(value, np.generic) else value


def combine_codes(parts: Sequence[tuple[np.ndarray, int]]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Number the combinations that occur, in lexicographic order.

    Parameters
    ----------
    parts : (codes of shape (n,), number of codes) for each factor, the first one slowest. No missing codes.

    Returns
    -------
    index : ndarray of shape (n,), the combination of each row
    members : for each factor, ndarray of shape (n_combinations,) with its code in each combination
    """
    members: list[np.ndarray] = []
    index, size = np.asarray(parts[0][0]), max(parts[0][1], 1)
    pending = [size]  # radices folded into `index` since it was last compressed
    owned = False  # is `index` ours to write into?
    for codes, n_codes in parts[1:]:
        radix = max(n_codes, 1)
        if size * radix > _DENSE:
            index, keys = _compress(index, size)
            members, pending, size, owned = _unfold(members, keys, pending), [], len(keys), False
            pending = [size]
        index = np.multiply(index, radix, out=index if owned else None)
        index += codes
        owned = True
        size *= radix
        pending.append(radix)
    index, keys = _compress(index, size)
    return index, _unfold(members, keys, pending)


def _unfold(members: list[np.ndarray], keys: np.ndarray, radices: list[int]) -> list[np.ndarray]:
    """Codes of each factor in each key. The slowest radix stands for the combinations already found."""
    digits = []
    for radix in reversed(radices):
        keys, digit = np.divmod(keys, radix)
        digits.insert(0, digit)
    if not members:
        return digits
    return [m[digits[0]] for m in members] + digits[1:]


def _compress(index: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    if size <= max(_DENSE, 4 * len(index)):
        seen = np.zeros(size, dtype=bool)
        seen[index] = True
        keys = np.flatnonzero(seen)
        if len(keys) == size:
            return index, keys
        rank = np.empty(size, dtype=np.int64)
        rank[keys] = np.arange(len(keys))
        return rank[index], keys
    keys, compressed = np.unique(index, return_inverse=True)
    return compressed, keys
