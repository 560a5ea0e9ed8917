"""Change between rounds: from published errors, and the covariance that shared PSUs bring."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _

from analysis.inference.shared_psus import cross_covariance, psu_ids, shared_units
from survey.stats.claims import combined_df
from survey.stats.refusals import refusals
from survey.stats.tables import POOLED, FigureTable
from survey.stats.weights import Weighted

ROUNDING = 1e-11  # documents keep 12 significant digits: a difference of the last one is none


@dataclass(frozen=True)
class Before:
    """A figure of the first round as it was published; pooled : its variance came from other streets too."""

    estimate: float
    se: float
    df: float
    pooled: bool = False


@dataclass(frozen=True)
class Change:
    """Second round minus first in one domain; covariance : of the two estimates."""

    before: float
    difference: float
    se: float
    df: float
    covariance: float


class Rounds:
    """Two weighted rounds; `psu_first` and `psu_second` name each case's PSU alike in both."""

    def __init__(
        self, first: Weighted, second: Weighted, psu_first: np.ndarray, psu_second: np.ndarray
    ) -> None:
        self.first, self.second = first, second
        with refusals(_("两轮比较")):
            ids = psu_ids(first.design, psu_first), psu_ids(second.design, psu_second)
            self.shared = shared_units(*ids)

    @property
    def n_shared(self) -> int:
        """PSUs in both rounds."""
        return len(self.shared[0])

    def covariances(self, first: FigureTable, second: FigureTable) -> dict[str, float]:
        """C₁₂ of each domain that has errors in both rounds, 0 without shared PSUs.

        Scaled so that it never exceeds what the two variances allow (Wood 2008, Journal of Official
        Statistics 24, 53–78; `analysis.inference.change`).
        """
        both = [k for k in second.labels if k in first.rows]
        both = [k for k in both if first.place[first.row(k)] >= 0 and second.place[second.row(k)] >= 0]
        if not self.n_shared or not both:
            return {}
        z1 = first.z[:, [first.place[first.row(k)] for k in both]]
        z2 = second.z[:, [second.place[second.row(k)] for k in both]]
        with refusals(_("两轮比较")):
            found = cross_covariance(
                self.first.design, self.second.design, z1, z2, self.shared, diagonal=True, bounded=True
            )
        return {key: float(c) for key, c in zip(both, found, strict=True)}


def changes(
    before: Mapping[str, Before], now: FigureTable, covariances: Mapping[str, float]
) -> dict[str, Change]:
    """Change in every domain that both rounds printed: V(Δ) = V₁ + V₂ − 2C₁₂.

    Streets whose variance is pooled take C₁₂ = 0: their own PSUs are too few to show it, and where a street
    moves alike in both rounds that overstates the error.
    """
    found = {}
    for key, old in before.items():
        row = now.row(key)
        se = float(now.se[row])
        if not (np.isfinite(se) and np.isfinite(old.se) and np.isfinite(now.estimate[row])):
            continue
        limit = se * old.se
        c = 0.0 if old.pooled or now.method[row] == POOLED else covariances.get(key, 0.0)
        c = float(np.clip(c, -limit, limit))
        df = float(now.df[row])
        apart = combined_df(old.se**2, np.array(old.df), se**2, np.array(df))
        found[key] = Change(
            old.estimate,
            _difference(float(now.estimate[row]), old.estimate),
            float(np.sqrt(max(se**2 + old.se**2 - 2 * c, 0.0))),
            min(df, old.df) if c else float(apart),
            c,
        )
    return found


def _difference(now: float, before: float) -> float:
    """The difference; 0 for what the digits of a published figure leave.

    Where the same people answer alike twice, the error is 0, too, and any rest would be infinitely certain.
    """
    difference = now - before
    return 0.0 if abs(difference) <= ROUNDING * max(abs(now), abs(before)) else difference
