"""The survey design: who could have been drawn, with what chance, and how the draw was structured.

A design is checked once, when it is made, and never changes. Domains are asked of the estimators
(`where=`, `by=`), never made by filtering rows: filtered rows would take PSUs out of their strata.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import DesignError
from analysis.frames import Columns, ColumnSpec
from analysis.stages import Stage, build_stages

LONELY_PSU = ("fail", "remove", "certainty", "adjust", "average")


@dataclass(frozen=True)
class JointProbabilities:
    """First-stage variance as a quadratic form of PSU totals, ΣΣ D_ij z_i z_j (Horvitz–Thompson)
    or the same minus ΣΣ D_ij z_i² (Yates–Grundy); D_ij = 1 − π_i π_j / π_ij.
    """

    delta: np.ndarray
    variance: str


class SurveyDesign:
    """A complex sample for Taylor linearisation.

    Parameters
    ----------
    data : any data frame narwhals knows, a mapping of arrays, or None if every argument is an array
    weights : column of sampling weights (number of persons a row stands for), or
    probabilities : column of inclusion probabilities (weight = 1/π). With neither, weights are the product
    over
        the stages of N/n, which needs `fpc`.
    clusters : column(s) of sampling-unit ids, one per stage; None: every row is its own PSU
    strata : column(s), one for each of the first stages; None: no strata
    fpc : column(s), one per stage: population counts of units in the stratum (values above 1) or sampling
        fractions (all at most 1); inf means no correction. Without fpc only the first stage enters the
        variance
        (“with replacement”, slightly conservative).
    nest : True if PSU ids start again in each stratum; False makes an id in two strata an error
    lonely_psu : what a stratum with one PSU contributes: 'fail' (raise), 'remove' / 'certainty' (nothing),
        'adjust' (centred at the grand mean), 'average' (the mean of the other strata)
    domain_lonely : also treat strata with a single PSU inside the domain ('adjust', 'average')
    unequal : 'brewer', 'overton', 'hartley_rao', or a matrix of joint inclusion probabilities (n, n):
        unequal-probability sampling without replacement; `fpc` then holds inclusion probabilities
    unequal_variance : 'HT' or 'YG' with joint probabilities
    sum_p2_over_n : for 'hartley_rao', Σπ²/n over the population; None estimates it by the mean of the
    sample's π

    Raises
    ------
    DesignError, ColumnError : with the row, stratum or cluster at fault

    Notes
    -----
    Without joint probabilities the variance of Σ w u is
    Σ_h (1−f_h) n_h/(n_h−1) Σ_i (z_hi − z̄_h)², z_hi = Σ_{PSU i} w u, and each later stage is added inside its
    parents times the parents' sampling fraction (Särndal, Swensson & Wretman 1992, result 4.3.1; Brewer's
    variant
    puts (1−π_i) inside the sum: Brewer 2002, ch. 9). R: `survey::svydesign`.
    """

    def __init__(
        self,
        data: Any = None,
        *,
        weights: ColumnSpec | None = None,
        probabilities: ColumnSpec | None = None,
        clusters: ColumnSpec | Sequence[ColumnSpec] | None = None,
        strata: ColumnSpec | Sequence[ColumnSpec] | None = None,
        fpc: ColumnSpec | Sequence[ColumnSpec] | None = None,
        nest: bool = False,
        lonely_psu: str = "fail",
        domain_lonely: bool = False,
        unequal: str | np.ndarray | None = None,
        unequal_variance: str = "HT",
        sum_p2_over_n: float | None = None,
    ) -> None:
        if lonely_psu not in LONELY_PSU:
            raise DesignError(f"lonely_psu is one of {', '.join(LONELY_PSU)}; got {lonely_psu!r}")
        first = next((s for s in (weights, probabilities, clusters, strata, fpc) if s is not None), None)
        columns = Columns(data, _length(first))
        if columns.n_rows is None:
            raise DesignError("give a data frame, or at least one column as an array")
        self._set("columns", columns)
        self._set("n_rows", columns.n_rows)
        self._set("lonely_psu", lonely_psu)
        self._set("domain_lonely", domain_lonely)
        self._set("residual_steps", ())
        raw = {"clusters": clusters, "strata": strata, "fpc": fpc}
        stages, row_unit = build_stages(columns, raw, nest=nest, unequal=unequal)
        self._set("stages", stages)
        self._set("row_unit", row_unit)
        self._set("has_fpc", fpc is not None)
        self._set(
            "weights", _base_weights(columns, weights, probabilities, stages, row_unit, fpc is not None)
        )
        joint = None
        if unequal is not None and not (isinstance(unequal, str) and unequal == "brewer"):
            joint = _joint(unequal, unequal_variance, stages[0], row_unit, sum_p2_over_n)
        self._set("joint", joint)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a design is frozen; make a new one")

    def __repr__(self) -> str:
        steps = f", {len(self.residual_steps)} calibration step(s)" if self.residual_steps else ""
        return (
            f"<SurveyDesign: {self.n_rows:,} rows, {self.stages[0].n_units:,} PSUs in "
            f"{self.stages[0].n_strata:,} strata, {len(self.stages)} computed stage(s), "
            f"sum of weights {self.weights.sum():,.6g}{steps}>"
        )

    def with_weights(self, weights: np.ndarray, *residual_steps: Any) -> "SurveyDesign":
        """A copy with other final weights; `residual_steps` are appended to those the variance
        already takes.
        """
        other = object.__new__(type(self))
        for name, value in self.__dict__.items():
            other._set(name, value)
        other._set("weights", np.ascontiguousarray(weights, dtype=float))
        other._set("residual_steps", self.residual_steps + tuple(residual_steps))
        return other

    def with_lonely(self, lonely_psu: str, *, domain_lonely: bool = False) -> "SurveyDesign":
        """The same sample with another treatment of single-PSU strata."""
        if lonely_psu not in LONELY_PSU:
            raise DesignError(f"lonely_psu is one of {', '.join(LONELY_PSU)}; got {lonely_psu!r}")
        other = self.with_weights(self.weights)
        other._set("lonely_psu", lonely_psu)
        other._set("domain_lonely", domain_lonely)
        return other

    @property
    def row_psu(self) -> np.ndarray:
        """First-stage unit of each row, shape (n_rows,)."""
        unit = self.row_unit
        for stage in reversed(self.stages[1:]):
            unit = stage.parent[unit]
        return unit

    @property
    def n_psus(self) -> int:
        return self.stages[0].n_units

    @property
    def n_strata(self) -> int:
        return self.stages[0].n_strata

    @property
    def df(self) -> int:
        """Degrees of freedom: PSUs minus strata, counting rows with a weight other than 0."""
        return self.degrees_of_freedom()

    def degrees_of_freedom(self, mask: np.ndarray | None = None) -> int:
        """PSUs minus strata of stage 1 among the rows of a domain (mask of shape (n_rows,))."""
        used = self.weights != 0 if mask is None else mask & (self.weights != 0)
        present = np.zeros(self.n_psus, dtype=bool)
        present[self.row_psu[used]] = True
        return int(present.sum() - len(np.unique(self.stages[0].stratum[present])))


def _length(spec: Any) -> int | None:
    if spec is None or isinstance(spec, str):
        return None
    if isinstance(spec, (list, tuple)) and spec and (isinstance(spec[0], str) or np.ndim(spec[0]) == 1):
        return _length(spec[0])
    return len(spec)


def _base_weights(
    columns: Columns,
    weights: ColumnSpec | None,
    probabilities: ColumnSpec | None,
    stages: tuple[Stage, ...],
    row_unit: np.ndarray,
    has_fpc: bool,
) -> np.ndarray:
    if weights is not None and probabilities is not None:
        raise DesignError("give weights or probabilities, not both")
    if weights is not None:
        w = np.ascontiguousarray(columns.numeric(weights, "weights"))
    elif probabilities is not None:
        p = columns.numeric(probabilities, "probabilities")
        bad = np.flatnonzero(~((p > 0) & (p <= 1)))
        if len(bad):
            raise DesignError(f"probabilities: row {bad[0]} has {p[bad[0]]:g}, outside (0, 1]")
        w = 1 / p
    elif has_fpc:
        w = np.ones(columns.n_rows)
        unit = row_unit
        for stage in reversed(stages):
            with np.errstate(divide="ignore"):
                w = w / stage.fraction[unit]
            unit = stage.parent[unit]
        if np.isinf(w).any():
            raise DesignError("without weights, every stage needs a finite fpc")
    else:
        raise DesignError(
            "give weights, probabilities or fpc: without them nobody knows whom a row stands for"
        )
    if np.isnan(w).any():
        bad = np.flatnonzero(np.isnan(w))
        raise DesignError(f"weights: {len(bad)} row(s) have no value, the first is row {bad[0]}")
    if w.min() < 0 or np.isinf(w.max()):
        bad = np.flatnonzero((w < 0) | np.isinf(w))
        raise DesignError(f"weights: {len(bad)} row(s) are negative or infinite, the first is row {bad[0]}")
    if w.max() == 0:
        raise DesignError("weights: all are 0")
    return w


def _joint(
    unequal: Any, variance: str, stage: Stage, row_unit: np.ndarray, sum_p2_over_n: float | None
) -> JointProbabilities:
    """D_ij of the quadratic form, in unit order (Overton 1985; Hartley & Rao 1962; or exact)."""
    if variance not in ("HT", "YG"):
        raise DesignError(f"unequal_variance is 'HT' or 'YG'; got {variance!r}")
    pi = stage.fraction
    if isinstance(unequal, str):
        if unequal not in ("overton", "hartley_rao"):
            raise DesignError(f"unequal is 'brewer', 'overton', 'hartley_rao' or a matrix; got {unequal!r}")
        if not (pi > 0).all():
            raise DesignError(f"unequal={unequal!r} needs the inclusion probabilities in fpc")
        n = stage.size[stage.stratum].astype(float)
        same = stage.stratum[:, None] == stage.stratum[None, :]
        pair = pi[:, None] + pi[None, :]
        if unequal == "overton":
            d = 1 - (n[:, None] - pair / 2) / (n[:, None] - 1)
        else:
            mean_pi = np.bincount(stage.stratum, weights=pi)[stage.stratum] / n
            s = mean_pi if sum_p2_over_n is None else np.full(len(pi), float(sum_p2_over_n))
            d = 1 - (n[:, None] - pair + s[:, None]) / (n[:, None] - 1)
        d = np.where(same, d, 0.0)
    else:
        matrix = np.asarray(unequal, dtype=float)
        if matrix.shape != (len(row_unit), len(row_unit)):
            raise DesignError(
                f"the joint probabilities have shape {matrix.shape}, but there are {len(row_unit)} rows"
            )
        row_of_unit = np.empty(stage.n_units, dtype=np.int64)
        row_of_unit[row_unit[::-1]] = np.arange(len(row_unit))[::-1]
        matrix = matrix[np.ix_(row_of_unit, row_of_unit)]
        if (matrix <= 0).any():
            i, j = np.argwhere(matrix <= 0)[0]
            raise DesignError(
                f"units {i} and {j} have joint probability {matrix[i, j]:g}: no unbiased variance exists"
            )
        pi = np.diag(matrix)
        d = 1 - np.outer(pi, pi) / matrix
    np.fill_diagonal(d, 1 - pi)
    return JointProbabilities(d, variance)
