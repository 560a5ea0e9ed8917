"""Replicate designs: the same sample reweighted many times; the spread of the estimates is their variance."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from analysis.design import SurveyDesign
from analysis.errors import DesignError
from analysis.frames import Columns, ColumnSpec
from analysis.hadamard import hadamard

METHODS = ("JK1", "JKn", "BRR", "Fay", "bootstrap")


class ReplicateDesign:
    """A sample with replicate weights.

    Parameters
    ----------
    data, weights : as in `SurveyDesign`
    replicates : ndarray of shape (n_rows, R): full replicate weights (`combined=True`) or multipliers of the
        base weight; or of shape (n_units, R) with `row_unit` saying which row belongs to which unit
    scale, rscales : V = scale · Σ_r rscales_r (θ_r − c)²
    mse : c is the full-sample θ; otherwise the mean of the θ_r with rscales > 0
    df : degrees of freedom; None: rank of the replicate weights minus 1
    unit_stratum : stratum of each unit, where units are PSUs; lets domains count PSUs minus strata

    Notes
    -----
    A domain's df is PSUs − strata where the units are known, else rank − 1 of the domain's replicate
    weights (as
    R does). Replicates in which a statistic is undefined are left out, as in R's svrVar. R: `svrepdesign`,
    `as.svrepdesign`.
    """

    def __init__(
        self,
        data: Any = None,
        *,
        weights: ColumnSpec,
        replicates: np.ndarray,
        combined: bool = True,
        scale: float = 1.0,
        rscales: float | Sequence[float] = 1.0,
        mse: bool = False,
        df: float | None = None,
        row_unit: np.ndarray | None = None,
        unit_stratum: np.ndarray | None = None,
    ) -> None:
        columns = data if isinstance(data, Columns) else Columns(data, len(weights))
        base = np.ascontiguousarray(columns.numeric(weights, "weights"))
        factors = np.asarray(replicates, dtype=float)
        n = columns.n_rows
        if not np.isfinite(base).all() or base.min() < 0:
            raise DesignError(f"weights: row {int(np.argmax(~np.isfinite(base) | (base < 0)))} is no weight")
        if factors.ndim != 2 or (row_unit is None and len(factors) != n):
            raise DesignError(f"replicates have shape {factors.shape}; expected {n} rows")
        if not np.isfinite(factors).all():
            row, column = np.argwhere(~np.isfinite(factors))[0]
            raise DesignError(f"replicate {column} has no value in row {row}")
        if combined and row_unit is not None:
            raise DesignError("replicate weights by unit are multipliers of the base weight: combined=False")
        r = np.broadcast_to(np.asarray(rscales, dtype=float), (factors.shape[1],)).copy()
        self._set("columns", columns)
        self._set("n_rows", n)
        self._set("weights", base)
        self._set("factors", factors)
        self._set("combined", combined)
        self._set("row_unit", np.arange(n) if row_unit is None else row_unit)
        self._set("unit_stratum", unit_stratum)
        self._set("scale", float(scale))
        self._set("rscales", r)
        self._set("mse", bool(mse))
        self._set(
            "df", float(df) if df is not None else float(self._rank(np.ones(len(factors), dtype=bool)) - 1)
        )

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a design is frozen; make a new one")

    def __repr__(self) -> str:
        return f"<ReplicateDesign: {self.n_rows:,} rows, {self.n_replicates} replicates, df {self.df:g}>"

    @property
    def n_replicates(self) -> int:
        return self.factors.shape[1]

    @property
    def n_units(self) -> int:
        return len(self.factors)

    def _rank(self, present: np.ndarray) -> int:
        used = self.factors[present]
        return (
            int(np.linalg.matrix_rank(used, tol=1e-5 * max(np.abs(used).max(), 1e-300))) if len(used) else 1
        )

    def domain_df(self, present: np.ndarray) -> float:
        """Degrees of freedom of the units in a domain (bool of shape (n_units,))."""
        if self.unit_stratum is not None:
            return float(present.sum() - len(np.unique(self.unit_stratum[present])))
        whole = np.bincount(self.row_unit, weights=self.weights, minlength=self.n_units) > 0
        if np.array_equal(present, whole):
            return self.df
        return float(max(self._rank(present) - 1, 0))

    def degrees_of_freedom(self, mask: np.ndarray | None = None) -> float:
        """df of the rows of a domain (mask of shape (n_rows,)); the design's own without a mask."""
        if mask is None:
            return self.df
        used = mask & (self.weights != 0)
        return self.domain_df(np.bincount(self.row_unit, weights=used, minlength=self.n_units) > 0)

    def replicate_weights(self) -> Iterator[np.ndarray]:
        """The full weights of each replicate in turn, shape (n_rows,)."""
        for r in range(self.n_replicates):
            column = self.factors[:, r][self.row_unit]
            yield column if self.combined else self.weights * column

    def deviations(self, thetas: np.ndarray, full: np.ndarray) -> np.ndarray:
        """Scaled deviations z of shape (R, p) whose cross-product zᵀz is the covariance matrix."""
        known = np.isfinite(thetas)
        counted = known & (self.rscales > 0)[:, None]
        if self.mse:
            centre = full
        else:
            with np.errstate(invalid="ignore"):
                centre = np.where(counted, thetas, 0.0).sum(axis=0) / counted.sum(axis=0)
        deviation = np.where(known, thetas - centre, 0.0)
        return deviation * np.sqrt(self.scale * self.rscales)[:, None]

    def covariance(self, statistic: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Covariance of any statistic: a function of a weight vector that returns an array of shape (p,)."""
        thetas = np.array([np.atleast_1d(statistic(w)) for w in self.replicate_weights()])
        z = self.deviations(thetas, np.atleast_1d(statistic(self.weights)))
        return z.T @ z

    def map_weights(self, adjust: Callable[[np.ndarray], np.ndarray]) -> "ReplicateDesign":
        """Adjust the full and every replicate weight alike (calibration on a replicate design)."""
        full = np.column_stack([adjust(w) for w in self.replicate_weights()])
        return ReplicateDesign(
            self.columns,
            weights=adjust(self.weights),
            replicates=full,
            scale=self.scale,
            rscales=self.rscales,
            mse=self.mse,
            df=self.df,
        )

    @classmethod
    def from_design(
        cls,
        design: SurveyDesign,
        method: str = "JKn",
        *,
        rho: float = 0.3,
        replicates: int = 500,
        seed: int | np.random.Generator | None = None,
        mse: bool = False,
    ) -> "ReplicateDesign":
        """Build replicate weights from the first stage of a design.

        method : 'JK1' (no strata), 'JKn', 'BRR' and 'Fay' (two PSUs in each stratum; Fay's factor `rho`),
            'bootstrap' (Rao & Wu 1988 rescaled: n_h − 1 PSUs drawn with replacement, `replicates` times,
            `seed`)

        Notes
        -----
        A first-stage fpc enters through scale or rscales (jackknife) or the rescaling (bootstrap).
        """
        if method not in METHODS:
            raise DesignError(f"method is one of {', '.join(METHODS)}; got {method!r}")
        if design.residual_steps:
            raise DesignError(
                "make replicates from the design before calibration, then calibrate the replicates"
            )
        stage = design.stages[0]
        if (stage.size == 1).any() and method != "JK1":
            h = stage.labels[int(np.argmax(stage.size == 1))]
            raise DesignError(f"stratum {h} has one PSU: it cannot be replicated; join strata")
        if method == "JK1":
            factors, scale, rscales = _jk1(design)
        elif method == "JKn":
            factors, scale, rscales = _jkn(design)
        elif method == "bootstrap":
            factors, scale, rscales = _rao_wu(design, replicates, np.random.default_rng(seed))
        else:
            factors, scale, rscales = _half_samples(design, 0.0 if method == "BRR" else rho)
        return cls(
            design.columns,
            weights=design.weights,
            replicates=factors,
            combined=False,
            scale=scale,
            rscales=rscales,
            mse=mse,
            df=design.df,
            row_unit=design.row_psu,
            unit_stratum=stage.stratum,
        )


_Parts = tuple[np.ndarray, float, np.ndarray]


def _appearance(design: SurveyDesign) -> np.ndarray:
    """PSUs in order of appearance in the data, stratum by stratum (also in order of appearance)."""
    psu = design.row_psu
    first = np.full(design.n_psus, design.n_rows)
    np.minimum.at(first, psu, np.arange(design.n_rows))
    stratum = design.stages[0].stratum
    stratum_first = np.full(design.n_strata, design.n_rows)
    np.minimum.at(stratum_first, stratum, first)
    return np.lexsort((first, stratum_first[stratum]))


def _jk1(design: SurveyDesign) -> _Parts:
    if design.n_strata != 1:
        raise DesignError("JK1 is for designs without strata; use JKn")
    n = design.n_psus
    if n < 2:
        raise DesignError("a jackknife needs at least two PSUs")
    factors = np.full((n, n), n / (n - 1))
    factors[_appearance(design), np.arange(n)] = 0.0
    fraction = design.stages[0].fraction[0]
    return factors, (n - 1) / n * (1 - fraction), np.ones(n)


def _jkn(design: SurveyDesign) -> _Parts:
    stage = design.stages[0]
    n = design.n_psus
    order = _appearance(design)
    n_h = stage.size[stage.stratum]
    factors = np.ones((n, n))
    for column, unit in enumerate(order):
        mine = stage.stratum == stage.stratum[unit]
        factors[mine, column] = n_h[unit] / (n_h[unit] - 1)
        factors[unit, column] = 0.0
    rscales = ((n_h - 1) / n_h * (1 - stage.fraction))[order]
    return factors, 1.0, rscales


def _half_samples(design: SurveyDesign, rho: float) -> _Parts:
    stage = design.stages[0]
    if not (stage.size == 2).all():
        h = int(np.argmax(stage.size != 2))
        raise DesignError(
            f"balanced half-samples need two PSUs in each stratum; {stage.labels[h]} has {stage.size[h]}"
        )
    if not 0 <= rho < 1:
        raise DesignError(f"Fay's factor lies in [0, 1); got {rho}")
    signs = hadamard(design.n_strata)[:, 1 : design.n_strata + 1]  # rows are replicates; column 0 is constant
    first = np.zeros(design.n_psus, dtype=bool)
    first[stage.starts] = True
    chosen = np.where(first[:, None], signs.T[stage.stratum], -signs.T[stage.stratum]) > 0
    factors = np.where(chosen, 2 - rho, rho)
    r = factors.shape[1]
    return factors.astype(float), 1 / (r * (1 - rho) ** 2), np.ones(r)


def _rao_wu(design: SurveyDesign, replicates: int, rng: np.random.Generator) -> _Parts:
    """Rao & Wu (1988), with m_h = n_h − 1 and the finite-population rescaling of their section 4."""
    stage = design.stages[0]
    factors = np.empty((design.n_psus, replicates))
    for start, n in zip(stage.starts, stage.size, strict=True):
        rows = slice(start, start + n)
        counts = rng.multinomial(n - 1, np.full(n, 1 / n), size=replicates).T
        shrink = np.sqrt(1 - stage.fraction[start])
        factors[rows] = 1 - shrink + shrink * counts * n / (n - 1)
    return factors, 1 / (replicates - 1), np.ones(replicates)
