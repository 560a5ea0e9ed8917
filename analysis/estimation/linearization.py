"""Linearised values → unit totals → variance, including the residual step of calibrated weights.

A linearised statistic is θ̂ − θ ≈ Σ_i s_i with row scores s_i = w_i u_i. Calibration replaces u by the
residual of
its regression on the auxiliaries (Deville & Särndal 1992, eq. 3.4). That step is linear, so it is done on
unit
totals: Z − T β, where T are the unit totals of w·x and β needs only the moments Σ x s / g.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from analysis.design import SurveyDesign
from analysis.estimation.variance import covariance_of_totals
from analysis.replicates import ReplicateDesign

Design = SurveyDesign | ReplicateDesign

_CHUNK = 2**23  # cells of a unit × statistic table held at once (64 MB)


class Block:
    """Auxiliaries of one calibration, with β = (Xᵀ D X)⁺ Σ x s / g and s → s − c·x β.

    Parameters
    ----------
    x : (n_rows, q) auxiliaries; or None with `codes` and `count`, the levels of a factor, whose indicators
        are made only when a variance asks for them
    calibrated : (n_rows,) c, the calibrated weight g·d; g : the g-weights
    d : the regression weights; None: 1 for every row with a weight
    """

    def __init__(
        self,
        calibrated: np.ndarray,
        g: np.ndarray,
        d: np.ndarray | None,
        *,
        x: np.ndarray | None = None,
        codes: np.ndarray | None = None,
        count: int = 0,
    ) -> None:
        self._dense, self._codes, self._count = x, codes, count
        self.calibrated, self._g, self._d = calibrated, g, d

    @cached_property
    def g(self) -> np.ndarray:
        """g-weights with 1 for rows that take no part."""
        return np.where(self._g == 0, 1.0, self._g)

    @cached_property
    def d(self) -> np.ndarray:
        return (self.calibrated > 0).astype(float) if self._d is None else self._d

    @cached_property
    def x(self) -> sparse.csr_array:
        if self._codes is None:
            return sparse.csr_array(self._dense)
        n = len(self._codes)
        return sparse.csr_array((np.ones(n), self._codes, np.arange(n + 1)), shape=(n, self._count))

    @cached_property
    def inverse(self) -> np.ndarray:
        return np.linalg.pinv((self.x.T @ _rows(self.x, self.d)).toarray(), hermitian=True)


@dataclass(frozen=True, eq=False)
class ResidualStep:
    """One calibration: its blocks in turn, `cycles` times (raking: a block per margin, 10 cycles as in R)."""

    blocks: tuple[Block, ...]
    cycles: int = 1


def _rows(x: sparse.csr_array, values: np.ndarray) -> sparse.csr_array:
    return sparse.csr_array(x.multiply(values[:, None]))


class Scores:
    """Row scores of statistics that differ by domain: column (d, j) is s_ij for rows of domain d, else 0.

    values : (n_rows, p) scores; codes : (n_rows,) domain of each row or None; n_domains.
    Column order: domain slowest, statistic fastest.
    """

    def __init__(self, values: np.ndarray, codes: np.ndarray | None = None, n_domains: int = 1) -> None:
        self.values = values if values.ndim == 2 else values[:, None]
        self.codes = codes
        self.n_domains = n_domains

    @property
    def n_columns(self) -> int:
        return self.values.shape[1] * self.n_domains

    def unit_totals(self, design: SurveyDesign) -> np.ndarray:
        """Totals per last-stage unit, shape (n_units, n_columns)."""
        return self.table_by(design.row_unit, design.stages[-1].n_units)

    def table_by(self, row_unit: np.ndarray, n_units: int) -> np.ndarray:
        """Totals per unit of any numbering, shape (n_units, n_columns)."""
        p = self.values.shape[1]
        key = row_unit if self.codes is None else row_unit * self.n_domains + self.codes
        out = np.empty((n_units * self.n_domains, p))
        for j in range(p):
            out[:, j] = np.bincount(key, weights=self.values[:, j], minlength=len(out))
        return out.reshape(n_units, self.n_domains * p)

    def moments(self, x: sparse.csr_array, g: np.ndarray) -> np.ndarray:
        """Σ x s / g, shape (q, n_columns)."""
        scaled = self.values / g[:, None]
        if self.codes is None:
            return np.asarray(x.T @ scaled)
        n, p = scaled.shape
        out = np.empty((x.shape[1], self.n_domains, p))
        for j in range(p):
            member = sparse.csr_array((scaled[:, j], (np.arange(n), self.codes)), shape=(n, self.n_domains))
            out[:, :, j] = (x.T @ member).toarray()
        return out.reshape(x.shape[1], self.n_domains * p)


@dataclass(frozen=True, eq=False)
class ResidualSums:
    """All that the residuals of calibrations need of the rows, summed over them; a list entry per block.

    inverse : (Xᵀ D X)⁺; carried : (i, j) → Σ x_i x_jᵀ c_j / g_i; units : Σ c x per last-stage unit
    order : the blocks in the order in which their residuals are taken
    """

    inverse: list[np.ndarray]
    carried: dict[tuple[int, int], np.ndarray]
    units: list[Any]
    order: list[int]

    @classmethod
    def of_rows(cls, design: SurveyDesign) -> "ResidualSums":
        """The sums over the rows of a design in memory."""
        steps = design.residual_steps
        blocks = [b for step in steps for b in step.blocks]
        carried = {
            (i, j): (a.x.T @ _rows(b.x, b.calibrated / a.g)).toarray()
            for i, a in enumerate(blocks)
            for j, b in enumerate(blocks)
        }
        n = design.n_rows
        member = sparse.csr_array(
            (np.ones(n), (design.row_unit, np.arange(n))), shape=(design.stages[-1].n_units, n)
        )
        units = [member @ _rows(b.x, b.calibrated) for b in blocks]
        order = residual_order([(len(step.blocks), step.cycles) for step in steps])
        return cls([b.inverse for b in blocks], carried, units, order)

    def take(self, z: np.ndarray, moments: Sequence[np.ndarray]) -> np.ndarray:
        """Residuals of unit totals z; `moments` holds Σ x s / g for every block."""
        moments = list(moments)
        coefficients = [np.zeros((len(inverse), z.shape[1])) for inverse in self.inverse]
        for k in self.order:
            beta = self.inverse[k] @ moments[k]
            coefficients[k] += beta
            for i in range(len(moments)):
                moments[i] = moments[i] - self.carried[i, k] @ beta
        for unit, beta in zip(self.units, coefficients, strict=True):
            z = z - unit @ beta
        return z


def residual_order(steps: Sequence[tuple[int, int]]) -> list[int]:
    """Blocks in the order of their residuals, for steps of (number of blocks, cycles).

    A later calibration is linearised around the earlier one, so its residual is taken first.
    """
    order: list[int] = []
    last = sum(count for count, _ in steps)
    for count, cycles in reversed(steps):
        order += list(range(last - count, last)) * cycles
        last -= count
    return order


def residual_totals(design: SurveyDesign, z: np.ndarray, moments: Sequence[np.ndarray]) -> np.ndarray:
    """Take the calibration residuals of unit totals z; `moments` holds Σ x s / g for every block, in order.

    The design's steps are those of its rows, or one `ResidualSums` when the rows were summed elsewhere.
    """
    first = design.residual_steps[0]
    sums = first if isinstance(first, ResidualSums) else ResidualSums.of_rows(design)
    return sums.take(z, moments)


def totals_of_scores(design: SurveyDesign, scores: Scores) -> np.ndarray:
    """Totals per last-stage unit, shape (n_units, n_columns), with the residuals of any calibration taken."""
    z = scores.unit_totals(design)
    if not design.residual_steps:
        return z
    moments = [scores.moments(b.x, b.g) for step in design.residual_steps for b in step.blocks]
    return residual_totals(design, z, moments)


def covariance_of_scores(design: SurveyDesign, scores: Scores, *, diagonal: bool = False) -> np.ndarray:
    """Design-based covariance of Σ scores for a Taylor design."""
    z = totals_of_scores(design, scores)
    present = None
    if design.domain_lonely:
        touched = Scores((scores.values != 0).astype(float), scores.codes, scores.n_domains)
        present = touched.unit_totals(design) > 0
    return covariance_of_table(design, z, present, diagonal=diagonal)


def covariance_of_table(
    design: Design, z: np.ndarray, present: np.ndarray | None = None, *, diagonal: bool = False
) -> np.ndarray:
    """Covariance from unit totals (Taylor) or scaled deviations (replicates), in bounded memory if
    diagonal.
    """
    if isinstance(design, ReplicateDesign):
        return np.einsum("ij,ij->j", z, z) if diagonal else z.T @ z
    if not diagonal or z.size <= _CHUNK:
        return covariance_of_totals(design, z, present, diagonal=diagonal)
    step = max(_CHUNK // len(z), 1)
    parts = []
    for a in range(0, z.shape[1], step):
        mark = None if present is None else present[:, a : a + step]
        parts.append(covariance_of_totals(design, z[:, a : a + step], mark, diagonal=True))
    return np.concatenate(parts)


def covariance_of_statistic(
    design: Design, scores: np.ndarray | None, statistic: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Covariance of any smooth statistic.

    scores : (n_rows, p) weight × linearised value, used by Taylor designs
    statistic : the estimate as a function of the weights, used by replicate designs
    """
    if isinstance(design, ReplicateDesign):
        return design.covariance(statistic)
    return covariance_of_scores(design, Scores(scores))
