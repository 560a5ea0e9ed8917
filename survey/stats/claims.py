"""Everything that a report may claim, tested as one family: no report of noise claims anything, nearly.

Of the 5 % that a whole report may err, 3 % go to the tests (Holm over all of them), 1.5 % to the leagues'
rank sets (divided evenly), 0.5 % to the key drivers (divided evenly). By Bonferroni's inequality the chance
that a report claims anything false is at most 5 %, whatever the dependence between its parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _
from scipy import special

from analysis.inference.comparison import adjust_p
from analysis.inference.ranking import RankSets, rank_pairwise, rank_simultaneous
from survey.stats.refusals import refusals

FAMILY = 0.05
TESTS, RANKS, DRIVERS = 0.03, 0.015, 0.005
SIMULATED_UNITS = 40  # beyond, all pairs at Bonferroni's level: the simulation grows with their square
DRAWS, SEED = 20_000, 20240
RAREST = 10 / DRAWS  # and below this error, which so many draws cannot show


@dataclass(frozen=True)
class Test:
    """One two-sided test of a report: a difference with its error.

    kind : "target", "against_all" or "change"; indicator, domain : what it is about
    """

    __test__ = False  # pytest: not a test

    kind: str
    indicator: str
    domain: str
    difference: float
    se: float
    df: float

    @property
    def p_value(self) -> float:
        """Two-sided p of t; 1 where there is no error to divide by and no difference, NaN without df."""
        if not (np.isfinite(self.difference) and np.isfinite(self.se) and self.df > 0):
            return float("nan")
        if self.se == 0:
            return 1.0 if self.difference == 0 else 0.0
        return float(2 * special.stdtr(self.df, -abs(self.difference) / self.se))


@dataclass(frozen=True)
class Verdict:
    """A test with its p value, raw and adjusted over the family, and whether the report may claim it."""

    test: Test
    p_value: float
    adjusted: float
    claimed: bool


def judge(tests: Sequence[Test], *, level: float = TESTS) -> list[Verdict]:
    """Holm's procedure over all tests of a report (Holm 1979); tests without p value claim nothing."""
    p = np.array([test.p_value for test in tests])
    adjusted = adjust_p(p, "holm") if len(p) else p
    return [
        Verdict(test, float(raw), float(own), bool(own <= level))
        for test, raw, own in zip(tests, p, adjusted, strict=True)
    ]


def combined_df(
    first: float | np.ndarray, df1: np.ndarray, second: np.ndarray, df2: np.ndarray
) -> np.ndarray:
    """Degrees of freedom of a difference from two variances (Satterthwaite 1946)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(np.isinf(df1), 0.0, first**2 / df1) + np.where(np.isinf(df2), 0.0, second**2 / df2)
        return (first + second) ** 2 / part


def rank(
    units: Sequence[str],
    estimate: np.ndarray,
    covariance: np.ndarray,
    df: np.ndarray,
    *,
    leagues: int,
    level: float = RANKS,
) -> RankSets:
    """Simultaneous rank sets of one league out of `leagues`, at its part of the report's error.

    All ranks of all leagues lie in their sets with probability 1 − `level` (Mogstad et al. 2024); leagues of
    more than 40 units compare all pairs at Bonferroni's level.
    """
    share = 1 - level / leagues
    with refusals(_("名次范围")):
        if len(units) <= SIMULATED_UNITS and level / leagues >= RAREST:
            return rank_simultaneous(
                estimate,
                covariance=covariance,
                df=np.maximum(df, 1.0),
                level=share,
                shared=False,
                draws=DRAWS,
                seed=SEED,
                units=units,
            )
        variance = np.diag(covariance)
        pairs = combined_df(variance[:, None], df[:, None], variance[None, :], df[None, :])
        return rank_pairwise(
            estimate, covariance=covariance, level=share, df=np.maximum(pairs, 1.0), units=units
        )
