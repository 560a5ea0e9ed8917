"""Interviewer effects: how alike the answers are that one interviewer brings."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from analysis.errors import AnalysisError
from analysis.frames import Columns, ColumnSpec
from analysis.planning.homogeneity import icc_anova


@dataclass(frozen=True)
class InterviewerEffect:
    """Intraclass correlation of answers within interviewers.

    icc : share of the variance that lies between interviewers (negative: less than by chance)
    low, high : Searle's interval; smith_low, smith_high : Smith's large-sample interval
    f, p : test of “no effect beyond chance”
    n_interviewers, n : and `workload`, the mean number of interviews
    design_effect : 1 + (workload − 1)·max(icc, 0), by which the variance of a mean grows
    """

    icc: float
    low: float
    high: float
    smith_low: float
    smith_high: float
    f: float
    p: float
    n_interviewers: int
    n: int
    workload: float
    design_effect: float
    level: float


def interviewer_effect(
    data: Any, *, value: ColumnSpec, interviewer: ColumnSpec, level: float = 0.95
) -> InterviewerEffect:
    """ICC of an item within interviewers by one-way analysis of variance, with its interval.

    Parameters
    ----------
    data : data frame with one row per interview; rows without value or interviewer are left out
    value : numeric answer; a yes/no item as 0 and 1
    interviewer : who asked
    level : confidence of both intervals

    Returns
    -------
    InterviewerEffect

    Raises
    ------
    AnalysisError : fewer than two interviewers, none with two interviews, or answers that do not vary

    Notes
    -----
    Formulas: `analysis.planning.icc_anova` (Searle 1971, Linear Models, ch. 9; Smith 1957, Annals of
    Human Genetics 21, 363–373); design effect: Kish (1962), JASA 57, 92–115. Unless addresses were assigned
    to interviewers at random within an area, the effect of the place is in it too (O'Muircheartaigh &
    Campanelli 1998, JRSS A 161, 63–77). R: `ICC::ICCest`.
    """
    if not 0 < level < 1:
        raise AnalysisError(f"the confidence level lies between 0 and 1; got {level}")
    columns = Columns(data)
    y, factor = columns.numeric(value, "value"), columns.factor(interviewer)
    used = ~np.isnan(y) & (factor.codes >= 0)
    codes, y = factor.codes[used], y[used]
    if len(y) and np.ptp(y) == 0:
        raise AnalysisError("the answers do not vary: no correlation is defined")
    found = icc_anova(codes, y, confidence=level)
    sizes = np.bincount(codes)
    a, n = int((sizes > 0).sum()), len(y)
    f = 1 + found.n0 * found.var_between / found.var_within if found.var_within > 0 else float("inf")
    workload = n / a
    return InterviewerEffect(
        icc=found.icc,
        low=found.searle[0],
        high=found.searle[1],
        smith_low=found.smith[0],
        smith_high=found.smith[1],
        f=float(f),
        p=float(stats.f.sf(f, a - 1, n - a)),
        n_interviewers=a,
        n=n,
        workload=workload,
        design_effect=1 + (workload - 1) * max(found.icc, 0.0),
        level=level,
    )
