"""Means of many items in many overlapping classifications of one sample, from sums made once per item.

A report asks for every indicator by district, street, sex, age … Rows are first summed into atoms, the
combinations of sampling unit, calibration cell and all the classes that occur; everything else works on
atoms, of which there are far fewer than rows. The figures are those of `estimation.mean` with `by=`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation.linearization import covariance_of_table
from analysis.estimation.result import Estimate
from analysis.frames import combine_codes

_KEPT = 8_000_000  # atoms × items whose sums are kept (320 MB)
_ALONE = "one PSU per stratum in the domain: no degree of freedom for an interval"


@dataclass(frozen=True, eq=False)
class Partition:
    """One classification of the rows.

    codes : class of each row, −1 outside all, shape (n_rows,)
    labels : names of the classes
    within_psu : every class lies within one PSU, so that nothing between PSUs can be estimated: classes get
        a mean and no error
    """

    name: str
    codes: np.ndarray
    labels: tuple[str, ...]
    within_psu: bool = False


@dataclass(frozen=True, eq=False)
class PartitionMeans:
    """Means of one item over all classes of all partitions, in the order of `Partitions.rows`.

    z : linearised totals per PSU of the classes with errors, shape (n_psus, n_with_errors)
    top, low : Σwy and Σw per PSU and class, the same shape
    covariance : of the classes with errors, in order
    """

    estimate: Estimate
    z: np.ndarray
    top: np.ndarray
    low: np.ndarray
    covariance: np.ndarray


class Partitions:
    """A design and its classifications, prepared once for any number of items.

    Parameters
    ----------
    design : one stage; calibrated at most once, with g-weights and auxiliaries constant within `cells`
    cells : calibration cell of each row with a weight (post-stratum), shape (n_rows,); None without
    """

    def __init__(
        self, design: SurveyDesign, partitions: Sequence[Partition], cells: np.ndarray | None = None
    ) -> None:
        if len(design.stages) != 1 or design.joint is not None or design.domain_lonely:
            raise AnalysisError("partitions need a design of one stage without joint probabilities")
        self.design, self.partitions = design, tuple(partitions)
        self.used = np.flatnonzero(design.weights > 0)
        self.weights = design.weights[self.used]
        self.unit = design.row_unit[self.used]
        self.n_units = design.n_psus
        cell = np.zeros(len(self.used), dtype=np.int64) if cells is None else cells[self.used]
        if cell.min(initial=0) < 0:
            raise AnalysisError("a row with a weight lies in no calibration cell")
        self.n_cells = int(cell.max(initial=0)) + 1
        self.classes = [p.codes[self.used] for p in self.partitions]
        parts = [(self.unit, self.n_units), (cell, self.n_cells)]
        parts += [(c + 1, len(p.labels) + 1) for c, p in zip(self.classes, self.partitions, strict=True)]
        self.atom, members = combine_codes(parts)
        self.n_atoms = len(members[0])
        self.atom_unit, self.atom_cell = members[0], members[1]
        self.atom_classes = [m - 1 for m in members[2:]]
        self.count = np.bincount(self.atom, minlength=self.n_atoms).astype(float)
        self.w = self._sum(self.weights)
        self.w2 = self._sum(self.weights**2)
        self.residual = _CellResidual.of(design, self, cell) if design.residual_steps else None
        self._kept: dict[int, tuple[np.ndarray, dict[str, Any]]] = {}

    def _sum(self, values: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        atom = self.atom if rows is None else self.atom[rows]
        return np.bincount(atom, weights=values, minlength=self.n_atoms)

    @cached_property
    def rows(self) -> dict[str, slice]:
        """Where each partition's classes stand in a result."""
        found, start = {}, 0
        for partition in self.partitions:
            found[partition.name] = slice(start, start + len(partition.labels))
            start += len(partition.labels)
        return found

    @cached_property
    def with_errors(self) -> np.ndarray:
        """Places of the classes that have errors."""
        return np.concatenate(
            [
                np.arange(self.rows[p.name].start, self.rows[p.name].stop)
                for p in self.partitions
                if not p.within_psu
            ]
            or [np.zeros(0, dtype=np.int64)]
        )

    def mean(self, values: np.ndarray, *, is_proportion: bool = False) -> PartitionMeans:
        """Means of one item; `values` of shape (n_rows,), NaN is missing."""
        sums = self._of(values)
        parts, z, top, low = [], [], [], []
        for number, (partition, code) in enumerate(zip(self.partitions, self.atom_classes, strict=True)):
            part, tables = self._partition(partition, code, sums, sums["classes"][number])
            parts.append(part)
            if tables is not None:
                for store, table in zip((z, top, low), tables, strict=True):
                    store.append(table)
        joined = {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}
        blank = np.zeros((self.n_units, 0))
        tables = [np.concatenate(t, axis=1) if t else blank for t in (z, top, low)]
        # Once for all classes: the variances are its diagonal.
        covariance = self._covariance(tables[0])
        joined["se"] = np.full(len(joined["n"]), np.nan)
        variance = np.maximum(np.diag(covariance), 0.0)
        at = self.with_errors
        joined["se"][at] = np.where(joined["n"][at] > 0, np.sqrt(variance), np.nan)
        joined["estimate"] = joined["estimate"] + sums["pilot"]
        estimate = Estimate(
            statistic="proportion" if is_proportion else "mean",
            terms=tuple(p.name for p in self.partitions for _ in p.labels),
            design_df=float(self.design.df),
            domains={"class": np.array([n for p in self.partitions for n in p.labels], dtype=object)},
            is_proportion=is_proportion,
            reason=tuple(_reason(n, df) for n, df in zip(joined["n"], joined["df"], strict=True)),
            **joined,
        )
        return PartitionMeans(estimate, tables[0], tables[1], tables[2], covariance)

    def counted(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows with a value in each class, whether all of them have the same value, and their mean.

        Shapes (n_classes,), classes as in `rows`; `values` as in `mean`. Without rows: not alike, mean NaN.
        """
        n, alike, mean = [], [], []
        sums = self._of(values)
        for own in sums["classes"]:
            with np.errstate(divide="ignore", invalid="ignore"):
                square, centre = own["yy"] / own["w"], own["top"] / own["w"]
                spread = square - centre**2
            mean.append(centre + sums["pilot"])
            n.append(own["count"])
            # Equal values leave a rounding of their square, whatever their size.
            alike.append(
                (own["count"] > 0) & (np.nan_to_num(spread) <= 1e-9 * np.nan_to_num(square) + 1e-300)
            )
        return np.concatenate(n).astype(np.int64), np.concatenate(alike), np.concatenate(mean)

    def _of(self, values: np.ndarray) -> dict[str, Any]:
        """Sums of an item per atom and per class; those of the last items are kept: masks ask first."""
        held = self._kept.get(id(values))
        if held is None or held[0] is not values:
            sums = self._item(np.asarray(values, dtype=float)[self.used])
            sums["classes"] = [
                {
                    name: np.bincount(code[inside], weights=sums[name][inside], minlength=len(p.labels))
                    for name in ("count", "w", "w2", "top", "yy")
                }
                for p, code, inside in zip(self.partitions, self.atom_classes, self._inside, strict=True)
            ]
            while self._kept and len(self._kept) * self.n_atoms >= _KEPT:
                self._kept.pop(next(iter(self._kept)))
            held = self._kept[id(values)] = (values, sums)
        return held[1]

    @cached_property
    def _inside(self) -> list[np.ndarray | slice]:
        return [np.flatnonzero(c >= 0) if (c < 0).any() else slice(None) for c in self.atom_classes]

    @cached_property
    def _average(self) -> sparse.csr_array | None:
        """Means over the PSUs of each stratum, where the variance is nothing but deviations from them."""
        stage = self.design.stages[0]
        if (stage.size < 2).any() or stage.fraction.any():
            return None
        share = 1 / stage.size[stage.stratum]
        return sparse.csr_array((share, (stage.stratum, np.arange(stage.n_units))))

    def _covariance(self, z: np.ndarray) -> np.ndarray:
        if self._average is None:
            return covariance_of_table(self.design, z)
        stage = self.design.stages[0]
        deviation = z - (self._average @ z)[stage.stratum]
        deviation *= np.sqrt(stage.size / (stage.size - 1))[stage.stratum][:, None]
        return deviation.T @ deviation

    def _item(self, y: np.ndarray) -> dict[str, Any]:
        """Sums of an item per atom; values are centred on a pilot, so that squares keep their digits."""
        gone = np.flatnonzero(np.isnan(y))
        head = y[:1000][~np.isnan(y[:1000])]
        pilot = float(head.mean()) if len(head) else 0.0
        centred = y - pilot
        centred[gone] = 0.0
        wy = self.weights * centred
        found = {"top": self._sum(wy), "yy": self._sum(wy * centred), "pilot": pilot}
        if not len(gone):
            return found | {"count": self.count, "w": self.w, "w2": self.w2}
        if len(gone) * 2 > len(y):  # little is left: a difference would cost digits
            kept = np.flatnonzero(~np.isnan(y))
            w = self.weights[kept]
            count = np.bincount(self.atom[kept], minlength=self.n_atoms).astype(float)
            return found | {"count": count, "w": self._sum(w, kept), "w2": self._sum(w * w, kept)}
        lost = self.weights[gone]
        count = self.count - np.bincount(self.atom[gone], minlength=self.n_atoms)
        w = np.where(count > 0, self.w - self._sum(lost, gone), 0.0)
        w2 = np.where(count > 0, self.w2 - self._sum(lost * lost, gone), 0.0)
        return found | {"count": count, "w": w, "w2": w2}

    def _partition(
        self,
        partition: Partition,
        code: np.ndarray,
        sums: Mapping[str, Any],
        own: Mapping[str, np.ndarray],
    ) -> tuple[dict[str, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray] | None]:
        """Columns of an Estimate for one partition, and its tables per PSU."""
        k = len(partition.labels)
        inside = np.flatnonzero(code >= 0)
        code = code[inside]

        n, w, w2, top, yy = (own[name] for name in ("count", "w", "w2", "top", "yy"))
        empty = n == 0
        size = np.where(empty, 1.0, w)
        with np.errstate(divide="ignore", invalid="ignore"):
            centre = np.where(empty, 0.0, top / size)
            element = np.maximum(yy / size - centre**2, 0.0) * n / (n - 1)
            kish = np.where(empty, 0.0, w**2 / np.where(w2 > 0, w2, 1.0))
        part = {
            "estimate": np.where(empty, np.nan, centre),
            "n": n,
            "n_kish": kish,
            "sum_weights": w,
            "element_variance": np.where(n > 1, element, np.nan),
            "srs_factor": np.ones(k),
        }
        if partition.within_psu:
            nothing = {name: np.full(k, np.nan) for name in ("se", "cluster_take")}
            return part | nothing | {
                "df": np.where(empty, np.nan, 0.0),
                "n_psus": (~empty).astype(float),
            }, None
        key = self.atom_unit[inside] * k + code
        shape = (self.n_units, k)
        tables = [
            np.bincount(key, weights=sums[name][inside], minlength=self.n_units * k).reshape(shape)
            for name in ("top", "w", "count")
        ]
        z = (tables[0] - centre * tables[1]) / size
        if self.residual is not None:
            z = self.residual.take(z, self._cells(inside, code, k, sums, centre, size))
        present = tables[2] > 0
        psus = present.sum(axis=0).astype(float)
        strata = np.logical_or.reduceat(present, self.design.stages[0].starts, axis=0).sum(axis=0)
        part["df"] = np.where(empty, np.nan, psus - strata)
        part["n_psus"] = psus
        with np.errstate(divide="ignore", invalid="ignore"):
            part["cluster_take"] = np.where(empty, np.nan, (tables[1] ** 2).sum(axis=0) / w2)
        return part, (z, tables[0] + sums["pilot"] * tables[1], tables[1])

    def _cells(
        self,
        inside: np.ndarray,
        code: np.ndarray,
        k: int,
        sums: Mapping[str, np.ndarray],
        centre: np.ndarray,
        size: np.ndarray,
    ) -> np.ndarray:
        """Σ of row scores per calibration cell and class, shape (n_cells, k)."""
        key = self.atom_cell[inside] * k + code
        top, low = (
            np.bincount(key, weights=sums[name][inside], minlength=self.n_cells * k).reshape(-1, k)
            for name in ("top", "w")
        )
        return (top - centre * low) / size


class _CellResidual:
    """The residual step of a calibration whose auxiliaries and g-weights are constant within cells."""

    def __init__(
        self, x: sparse.csr_array, g: np.ndarray, inverse: np.ndarray, units: sparse.csr_array
    ) -> None:
        self.x, self.g, self.inverse, self.units = x, g, inverse, units

    @classmethod
    def of(cls, design: SurveyDesign, sums: Partitions, cell: np.ndarray) -> "_CellResidual":
        steps = design.residual_steps
        if len(steps) != 1 or len(steps[0].blocks) != 1:
            raise AnalysisError("partitions take one calibration of one block")
        block = steps[0].blocks[0]
        first = np.zeros(sums.n_cells, dtype=np.int64)
        first[cell[::-1]] = sums.used[::-1]
        x = sparse.csr_array(block.x[first])
        rows = block.x[sums.used]
        if abs(rows - x[cell]).max() > 1e-6 or np.ptp(block.g[sums.used] / block.g[first][cell]) > 1e-6:
            raise AnalysisError("auxiliaries or g-weights differ within a calibration cell")
        carried = np.bincount(
            sums.atom_unit * sums.n_cells + sums.atom_cell,
            weights=sums._sum(block.calibrated[sums.used]),
            minlength=sums.n_units * sums.n_cells,
        ).reshape(sums.n_units, sums.n_cells)
        return cls(x, block.g[first], block.inverse, sparse.csr_array(carried) @ x)

    def take(self, z: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Residuals of unit totals z, given the scores' sums per cell and class."""
        beta = self.inverse @ (self.x.T @ (scores / self.g[:, None]))
        return z - self.units @ beta


def _reason(n: float, df: float) -> str:
    if n == 0:
        return "no row in the domain has a value"
    return _ALONE if not df > 0 else ""


class ReplicatedMeans:
    """Means of the same classes under many sets of replicate weights of the rows with a weight.

    Parameters
    ----------
    weights : shape (len(partitions.used), R), weights of replicate r for each used row
    """

    def __init__(self, partitions: Partitions, weights: np.ndarray) -> None:
        self.partitions, self.weights = partitions, weights
        rows, columns, start = [], [], 0
        for partition, code in zip(partitions.partitions, partitions.classes, strict=True):
            if partition.within_psu:
                continue
            inside = np.flatnonzero(code >= 0)
            rows.append(code[inside] + start)
            columns.append(inside)
            start += len(partition.labels)
        row, column = np.concatenate(rows), np.concatenate(columns)
        order = np.argsort(row, kind="stable")
        self.columns = column[order]
        self.pointer = np.r_[0, np.cumsum(np.bincount(row, minlength=start))]
        self.n_classes = start

    def thetas(self, values: np.ndarray) -> np.ndarray:
        """Mean of each class under each replicate, shape (R, n_with_errors); NaN where nobody is left."""
        y = np.asarray(values, dtype=float)[self.partitions.used]
        valid = ~np.isnan(y)
        top = self._sums(np.where(valid, y, 0.0))
        low = self._sums(valid.astype(float))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(low > 0, top / np.where(low > 0, low, 1.0), np.nan).T

    def _sums(self, values: np.ndarray) -> np.ndarray:
        shape = (self.n_classes, len(self.partitions.used))
        member = sparse.csr_array((values[self.columns], self.columns, self.pointer), shape=shape)
        return np.asarray(member @ self.weights)


def replicated_by_psu(means: PartitionMeans, factors: np.ndarray) -> np.ndarray:
    """Means of each class when the final weights of each PSU are multiplied: the fixed-weights shortcut.

    factors : shape (n_psus, R); returns shape (R, n_with_errors)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return (factors.T @ means.top) / (factors.T @ means.low)


def deviations_of(thetas: np.ndarray, full: np.ndarray) -> np.ndarray:
    """Scaled deviations z (R, K) from the replicates' own mean, whose cross-product is the covariance.

    A replicate without a value for a class deviates by 0 there; the scale is 1/(R − 1).
    """
    known = np.isfinite(thetas) & np.isfinite(full)
    counted = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, thetas, 0.0).sum(axis=0) / counted
    return np.where(known, thetas - centre, 0.0) / np.sqrt(np.maximum(counted - 1, 1))
