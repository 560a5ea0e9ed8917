"""One pass over the rows: sums per cell (unit × domain), all that means, totals and ratios need.

The same sums can be made by any engine that groups; `Cells` and `ItemTotals` do not care where they come
from.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from analysis.design import SurveyDesign
from analysis.estimation.linearization import Design, Scores
from analysis.frames import combine_codes
from analysis.replicates import ReplicateDesign


class Cells:
    """The combinations of last-stage unit and domain that occur.

    row : cell of each row, shape (n_rows,); unit, domain : of each cell, shape (n_cells,)
    psu_index : cell → PSU × domain, of which psu and psu_domain name the parts
    """

    def __init__(self, design: Design, codes: np.ndarray | None, n_domains: int) -> None:
        replicate = isinstance(design, ReplicateDesign)
        self.n_units = design.n_units if replicate else design.stages[-1].n_units
        self.n_domains = n_domains
        if n_domains == 1:
            self.row = design.row_unit
            self.unit = np.arange(self.n_units)
            self.domain = np.zeros(self.n_units, dtype=np.int64)
        else:
            self.row, (self.unit, self.domain) = combine_codes(
                [(design.row_unit, self.n_units), (codes, n_domains)]
            )
        psu = self.unit
        for stage in [] if replicate else reversed(design.stages[1:]):
            psu = stage.parent[psu]
        if replicate or len(design.stages) == 1:
            self.psu_index = np.arange(len(self.unit))
            self.psu, self.psu_domain = self.unit, self.domain
        else:
            n_psus = design.n_psus
            self.psu_index, (self.psu, self.psu_domain) = combine_codes(
                [(psu, n_psus), (self.domain, n_domains)]
            )

    @property
    def n_cells(self) -> int:
        return len(self.unit)

    def sums(self, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Sums of row values by cell; `rows` are the cells of those rows."""
        return np.bincount(rows, weights=values, minlength=self.n_cells)

    def by_domain(self, cells: np.ndarray) -> np.ndarray:
        """Sums of cell values per domain."""
        if self.n_domains == 1:
            return np.array([cells.sum()])
        return np.bincount(self.domain, weights=cells, minlength=self.n_domains)

    def spread(self, per_domain: np.ndarray) -> np.ndarray:
        """The value of each cell's domain."""
        return per_domain[self.domain]

    def table(self, cells: np.ndarray) -> np.ndarray:
        """Cell values as a dense unit × domain table."""
        if self.n_domains == 1:
            return cells[:, None]
        out = np.zeros((self.n_units, self.n_domains), dtype=cells.dtype)
        out[self.unit, self.domain] = cells
        return out

    def count_psus(self, count: np.ndarray, stratum: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """PSUs and strata with rows in each domain; stratum of each PSU, numbered so that neighbours
        share it.
        """
        present = np.bincount(self.psu_index, weights=count, minlength=len(self.psu)) > 0
        domain, strata = self.psu_domain[present], stratum[self.psu[present]]
        psus = np.bincount(domain, minlength=self.n_domains)
        if self.n_domains == 1:
            return psus, np.array([len(np.unique(strata))])
        _, (_, members) = combine_codes([(strata, int(stratum.max()) + 1), (domain, self.n_domains)])
        return psus, np.bincount(members, minlength=self.n_domains)


@dataclass
class ItemTotals:
    """Sums of one item. Per cell: count of rows, w, top = Σw(y − pilot), low = Σwx (ratios). Per domain: n,
    w2 =
    Σw², and the second moments yy, xy, xx with weights. `moments` serve calibrated designs, `rows`
    replicates.
    """

    count: np.ndarray
    w: np.ndarray
    top: np.ndarray
    low: np.ndarray | None
    n: np.ndarray
    w2: np.ndarray
    yy: np.ndarray
    xy: np.ndarray | None = None
    xx: np.ndarray | None = None
    pilot: float = 0.0
    moments: dict[str, list[np.ndarray]] = field(default_factory=dict)
    replicates: dict[str, np.ndarray] = field(default_factory=dict)


class RowSums:
    """Accumulates `ItemTotals` from arrays in memory; what the items share is computed once."""

    def __init__(
        self, design: Design, cells: Cells, codes: np.ndarray | None, inside: np.ndarray | None
    ) -> None:
        self.design, self.cells, self.codes = design, cells, codes
        self.weights = design.weights if inside is None else np.where(inside, design.weights, 0.0)
        self.w = cells.sums(cells.row, self.weights)
        if self.weights.min() > 0:
            self.count = np.bincount(cells.row, minlength=cells.n_cells).astype(float)
        else:
            self.count = cells.sums(cells.row, (self.weights != 0).astype(float))
        self.n = cells.by_domain(self.count)
        self.w2 = self._domain_sums(self.weights, self.weights)
        self._buffer = np.empty(design.n_rows)

    def _domain_sums(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Σ a·b per domain."""
        if self.codes is None:
            return np.array([np.dot(a, b)])
        return np.bincount(self.codes, weights=a * b, minlength=self.cells.n_domains)

    def item(
        self, y: np.ndarray, x: np.ndarray | None, gone: np.ndarray | None, *, centre: bool
    ) -> ItemTotals:
        """Sums of an item; `gone` are the row numbers without a value (None: none)."""
        cells, weights = self.cells, self.weights
        count, w, n, w2 = self._without(gone)
        # Values are centred before squares and differences are formed: a scale far from 0 would cost digits.
        pilot = _pilot(y) if centre else 0.0
        values = np.subtract(y, pilot, out=self._buffer)
        if gone is not None:
            values[gone] = 0.0
        wy = weights * values
        out = ItemTotals(
            count, w, cells.sums(cells.row, wy), None, n, w2, self._domain_sums(wy, values), pilot=pilot
        )
        clean = None
        if x is not None:
            clean = x.copy()
            if gone is not None:
                clean[gone] = 0.0
            wx = weights * clean
            out.low = cells.sums(cells.row, wx)
            out.xy, out.xx = self._domain_sums(wy, clean), self._domain_sums(wx, clean)
        self._extra(out, values, clean, gone)
        return out

    def _without(self, gone: np.ndarray | None) -> tuple[np.ndarray, ...]:
        """Count, Σw per cell, n and Σw² per domain without some rows."""
        if gone is None:
            return self.count, self.w, self.n, self.w2
        cells, lost = self.cells, self.weights[gone]
        where = cells.row[gone]
        count = self.count - cells.sums(where, (lost != 0).astype(float))
        if len(gone) > len(self.weights) // 2:  # little is left: a difference would cost digits
            kept = self.weights.copy()
            kept[gone] = 0.0
            return count, cells.sums(cells.row, kept), cells.by_domain(count), self._domain_sums(kept, kept)
        w = np.where(count > 0, self.w - cells.sums(where, lost), 0.0)
        if self.codes is None:
            w2 = self.w2 - np.dot(lost, lost)
        else:
            w2 = self.w2 - np.bincount(self.codes[gone], weights=lost * lost, minlength=cells.n_domains)
        return count, w, cells.by_domain(count), w2

    def _extra(
        self, out: ItemTotals, values: np.ndarray, x: np.ndarray | None, gone: np.ndarray | None
    ) -> None:
        """Moments of calibrated designs, totals of every replicate."""
        design = self.design
        if isinstance(design, SurveyDesign) and not design.residual_steps:
            return
        weights = self.weights
        if gone is not None:
            weights = weights.copy()
            weights[gone] = 0.0
        parts = {"top": values, "w": None, "low": x}
        for name, v in parts.items():
            if name == "low" and x is None:
                continue
            if isinstance(design, ReplicateDesign):
                out.replicates[name] = self._replicated(weights, v, getattr(out, name))
            else:
                scores = Scores(weights if v is None else weights * v, self.codes, self.cells.n_domains)
                out.moments[name] = [
                    scores.moments(b.x, b.g) for s in design.residual_steps for b in s.blocks
                ]

    def _replicated(self, weights: np.ndarray, values: np.ndarray | None, cells: np.ndarray) -> np.ndarray:
        """Totals of w_r·values for every replicate r and domain, shape (R, n_domains)."""
        design = self.design
        if not design.combined:
            return design.factors.T @ self.cells.table(cells)
        n = design.n_rows
        codes = np.zeros(n, dtype=np.int64) if self.codes is None else self.codes
        row = np.where(weights != 0, 1.0 if values is None else values, 0.0)
        member = sparse.csr_array((row, (codes, np.arange(n))), shape=(self.cells.n_domains, n))
        return np.asarray(member @ design.factors).T


def _pilot(y: np.ndarray) -> float:
    """A rough centre, from the first thousand values."""
    head = y[:1000]
    head = head[np.isfinite(head)]
    return float(head.mean()) if len(head) else 0.0


def missing_rows(y: np.ndarray, x: np.ndarray | None = None) -> np.ndarray | None:
    """Numbers of the rows without a value (in either), or None."""
    mask = np.isnan(y) if x is None else np.isnan(y) | np.isnan(x)
    return np.flatnonzero(mask) if mask.any() else None
