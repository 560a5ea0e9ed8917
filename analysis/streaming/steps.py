"""Calibrations of streamed weights: what a pass solved, and what the residuals need of every row.

Each step gives a row its g-weight and has one or more blocks as `estimation.linearization.Block` has, but as
row expressions that a source sums.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.streaming.sources import CellFactors
from analysis.weighting.calibration import make_distance


@dataclass(frozen=True)
class RowBlock:
    """Auxiliaries of one block: the levels of some columns, or numbers.

    columns, labels : the columns of a factor, and the place of each of its levels; empty for numbers
    numbers : rows → list of auxiliaries; [1] for a factor
    size : how many auxiliaries
    scales : (rows, weight before, weight after, g) → (d, calibrated, g) of the block
    """

    columns: tuple[str, ...]
    labels: dict[tuple, int]
    numbers: Callable[[Any], list]
    size: int
    scales: Callable[[Any, Any, Any, Any], tuple[Any, Any, Any]]


@dataclass(frozen=True)
class CellStep:
    """g is one number per cell: post-stratification, raking."""

    factors: CellFactors
    blocks: tuple[RowBlock, ...]
    cycles: int

    def g(self, rows: Any) -> Any:
        """g-weight of every row."""
        return rows.derived(self.factors.name)


def cell_block(columns: tuple[str, ...], labels: list[tuple], *, plain: bool) -> RowBlock:
    """The block of a factor; `plain`: unweighted means, as raking takes them."""

    def scales(rows: Any, before: Any, after: Any, g: Any) -> tuple[Any, Any, Any]:
        ops = rows.ops
        if plain:
            return ops.where(after > 0, 1.0, 0.0), after, ops.where(after == 0, 1.0, after)
        return before, after, ops.where(g == 0, 1.0, g)

    place = {label: k for k, label in enumerate(labels)}
    return RowBlock(columns, place, lambda rows: [1.0], len(labels), scales)


@dataclass(frozen=True, eq=False)
class Regression:
    """g = F(xλ/σ²): calibration on numbers.

    auxiliaries : columns; heteroskedastic : column of σ² or None
    coefficients : λ, shape (n_auxiliaries,); basis : columns of xA are orthonormal under d/σ²
    """

    auxiliaries: tuple[str, ...]
    heteroskedastic: str | None
    distance: str
    bounds: tuple[float, float] | None
    coefficients: np.ndarray
    basis: np.ndarray
    cycles: int = 1

    def q(self, rows: Any) -> Any:
        """1/σ² of every row."""
        return 1.0 if self.heteroskedastic is None else 1.0 / rows.number(self.heteroskedastic)[0]

    def g(self, rows: Any) -> Any:
        """g-weight of every row."""
        eta = combine([rows.number(name)[0] for name in self.auxiliaries], self.coefficients) * self.q(rows)
        return make_distance(self.distance, self.bounds, rows.ops).g(eta)

    def _numbers(self, rows: Any) -> list:
        x = [rows.number(name)[0] for name in self.auxiliaries]
        return [combine(x, column) for column in self.basis.T]

    def _scales(self, rows: Any, before: Any, after: Any, g: Any) -> tuple[Any, Any, Any]:
        q = self.q(rows)
        return before * q, after, rows.ops.where(g == 0, 1.0, g) / q

    @property
    def blocks(self) -> tuple[RowBlock, ...]:
        """One block of orthonormal numbers."""
        return (RowBlock((), {}, self._numbers, self.basis.shape[1], self._scales),)


def combine(columns: list, factors: np.ndarray) -> Any:
    """Σ x_k f_k."""
    total = columns[0] * float(factors[0])
    for column, factor in zip(columns[1:], factors[1:], strict=True):
        total = total + column * float(factor)
    return total
