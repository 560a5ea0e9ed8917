"""The sums that residuals of calibrations need: per block and unit, per block and domain, between blocks.

Their number goes with the margins, never with the rows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from analysis.estimation.linearization import ResidualSums, residual_order
from analysis.streaming.sources import Query
from analysis.streaming.steps import RowBlock

Scores = Callable[[Any, Any], dict[str, Any]]


class BlockQueries:
    """Queries of all calibration blocks, and what becomes of their answers.

    scores : (rows, weight) → the score expressions of every item
    """

    def __init__(
        self, streamed: Any, scores: Scores, by: tuple[str, ...], categories: tuple[str, ...]
    ) -> None:
        self._streamed, self._scores, self._by, self._categories = streamed, scores, by, categories
        pairs = [(s, block) for s, step in enumerate(streamed.steps) for block in step.blocks]
        self._step_of = [s for s, _ in pairs]
        self._blocks: list[RowBlock] = [block for _, block in pairs]
        self._moments: list[pd.DataFrame] = []
        self._levels: dict[str, list[pd.DataFrame]] = {}
        self._domains: dict[tuple, int] = {}
        self.queries = self._make() if pairs else []

    @property
    def n_blocks(self) -> int:
        """0 without calibration."""
        return len(self._blocks)

    def _make(self) -> list[Query]:
        cross = tuple(dict.fromkeys(c for block in self._blocks for c in block.columns))
        out = [Query(cross, self._between)]
        every = range(self.n_blocks)
        out += [self._query(self._streamed.unit_keys, b, self._of_units) for b in every]
        out += [self._query(self._by, b, self._of_scores) for b in every]
        for item in self._categories:
            out += [self._query((*self._by, item), b, self._of_weights) for b in every]
        return out

    def _query(self, keys: tuple[str, ...], b: int, values: Callable[[Any, int], dict[str, Any]]) -> Query:
        named = tuple(dict.fromkeys((*keys, *self._blocks[b].columns)))
        return Query(named, lambda rows: values(rows, b))

    def _scales(self, rows: Any, b: int) -> tuple[Any, Any, Any]:
        """d, calibrated weight and g of a block's rows."""
        weights, factors = self._streamed.row_weights(rows)
        s = self._step_of[b]
        return self._blocks[b].scales(rows, weights[s], weights[s + 1], factors[s])

    def _between(self, rows: Any) -> dict[str, Any]:
        scales = [self._scales(rows, b) for b in range(self.n_blocks)]
        numbers = [block.numbers(rows) for block in self._blocks]
        out = {}
        for i, x in enumerate(numbers):
            for k, a in enumerate(x):
                for m, c in enumerate(x):
                    out[f"sum_d{i}_{k}_{m}"] = scales[i][0] * a * c
                for j, other in enumerate(numbers):
                    for m, c in enumerate(other):
                        out[f"sum_c{i}_{j}_{k}_{m}"] = scales[j][1] / scales[i][2] * a * c
        return out

    def _of_units(self, rows: Any, b: int) -> dict[str, Any]:
        calibrated = self._scales(rows, b)[1]
        return {f"sum_u{k}": calibrated * x for k, x in enumerate(self._blocks[b].numbers(rows))}

    def _of_scores(self, rows: Any, b: int) -> dict[str, Any]:
        w, g = self._streamed.row_weights(rows)[0][-1], self._scales(rows, b)[2]
        scores = self._scores(rows, w)
        numbers = enumerate(self._blocks[b].numbers(rows))
        out = {f"{name}_{k}": s / g * x for k, x in numbers for name, s in scores.items()}
        return out or {"sum_none": w * 0.0}

    def _of_weights(self, rows: Any, b: int) -> dict[str, Any]:
        w, g = self._streamed.row_weights(rows)[0][-1], self._scales(rows, b)[2]
        return {f"sum_w_{k}": w / g * x for k, x in enumerate(self._blocks[b].numbers(rows))}

    # Answers -----------------------------------------------------------------------------------------------

    def _places(self, frame: pd.DataFrame, b: int, k: int) -> np.ndarray:
        """Place of auxiliary k of block b in each row of an answer; -1 for levels without weight."""
        block = self._blocks[b]
        if not block.columns:
            return np.full(len(frame), k)
        keys = frame[list(block.columns)].itertuples(index=False, name=None)
        return np.array([block.labels.get(key, -1) for key in keys], dtype=np.int64)

    def _parts(self, b: int) -> range:
        """Numbers of a block that its answers hold as columns: one for a factor."""
        return range(1 if self._blocks[b].columns else self._blocks[b].size)

    def residual_sums(self, found: list[pd.DataFrame], units: dict[tuple, int], n_units: int) -> ResidualSums:
        """All but the moments."""
        cross, every = found[0], range(self.n_blocks)
        inverse = [
            np.linalg.pinv(self._matrix(cross, b, b, "sum_d{0}_{2}_{3}"), hermitian=True) for b in every
        ]
        carried = {(i, j): self._matrix(cross, i, j, "sum_c{0}_{1}_{2}_{3}") for i in every for j in every}
        tables = [self._unit_table(found[1 + b], b, units, n_units) for b in every]
        order = residual_order([(len(s.blocks), s.cycles) for s in self._streamed.steps])
        return ResidualSums(inverse, carried, tables, order)

    def _matrix(self, cross: pd.DataFrame, i: int, j: int, name: str) -> np.ndarray:
        out = np.zeros((self._blocks[i].size, self._blocks[j].size))
        for k in self._parts(i):
            for m in self._parts(j):
                row, column = self._places(cross, i, k), self._places(cross, j, m)
                used = (row >= 0) & (column >= 0)
                values = cross[name.format(i, j, k, m)].to_numpy(dtype=float)[used]
                np.add.at(out, (row[used], column[used]), values)
        return out

    def _unit_table(
        self, frame: pd.DataFrame, b: int, units: dict[tuple, int], n_units: int
    ) -> sparse.csr_array:
        keys = frame[list(self._streamed.unit_keys)].itertuples(index=False, name=None)
        unit = np.array([units[key] for key in keys], dtype=np.int64)
        table = sparse.csr_array((n_units, self._blocks[b].size))
        for k in self._parts(b):
            place = self._places(frame, b, k)
            used = place >= 0
            values = frame[f"sum_u{k}"].to_numpy(dtype=float)[used]
            table = table + sparse.csr_array((values, (unit[used], place[used])), shape=table.shape)
        return table

    def read_moments(self, found: list[pd.DataFrame], domains: dict[tuple, int]) -> None:
        """Keep the answers by domain; `domains` is the place of each label."""
        self._domains = domains
        rest = found[1 + self.n_blocks :]
        self._moments = rest[: self.n_blocks]
        for n, item in enumerate(self._categories, start=1):
            self._levels[item] = rest[n * self.n_blocks : (n + 1) * self.n_blocks]

    def moments(self, name: str, parts: tuple[str, ...]) -> dict[str, list[np.ndarray]]:
        """Σ x s / g of an item's sums, for every block, shape (size, n_domains)."""
        return {
            part: [self._by_domain(f, b, f"{name}_{part}", None) for b, f in enumerate(self._moments)]
            for part in parts
        }

    def level_moments(self, item: str, levels: Sequence[Any]) -> Callable[[np.ndarray], list[np.ndarray]]:
        """Σ x w / g over the rows of chosen levels."""
        frames = self._levels.get(item, [])
        place = {level: k for k, level in enumerate(levels)}
        codes = [np.array([place.get(v, -1) for v in f[item]], dtype=np.int64) for f in frames]

        def of(chosen: np.ndarray) -> list[np.ndarray]:
            used = [np.append(chosen, False)[c] for c in codes]
            return [self._by_domain(f, b, "sum_w", used[b]) for b, f in enumerate(frames)]

        return of

    def _by_domain(self, frame: pd.DataFrame, b: int, name: str, used: np.ndarray | None) -> np.ndarray:
        keys = frame[list(self._by)].itertuples(index=False, name=None) if self._by else [()] * len(frame)
        domain = np.array([self._domains.get(key, -1) for key in keys], dtype=np.int64)
        out = np.zeros((self._blocks[b].size, len(self._domains)))
        for k in self._parts(b):
            place = self._places(frame, b, k)
            rows = (place >= 0) & (domain >= 0) & (True if used is None else used)
            values = frame[f"{name}_{k}"].to_numpy(dtype=float)[rows]
            np.add.at(out, (place[rows], domain[rows]), values)
        return out
