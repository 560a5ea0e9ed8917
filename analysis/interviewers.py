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


@dataclass(frozen=True)
class PlaceFreeEffect:
    """Whether interviewers differ within the places that they share.

    f, df_between, df_within, p : test of “no difference between interviewers of one place”
    share : part of the variance within places that lies between interviewers (ω², at least 0)
    """

    f: float
    df_between: int
    df_within: int
    p: float
    share: float
    n: int


def effect_beyond_place(value: np.ndarray, interviewer: np.ndarray, area: np.ndarray) -> PlaceFreeEffect:
    """Test of interviewer differences after taking out the places, as interpenetrated assignments allow.

    Parameters
    ----------
    value : shape (n,), NaN where an item was not answered
    interviewer, area : shape (n,); places with a single interviewer tell nothing and are left out

    Raises
    ------
    AnalysisError : no place is shared, or answers do not vary there

    Notes
    -----
    Two-way analysis of variance without interaction: residual sums of squares of y on places, and on places
    and interviewers, by least squares. Mahalanobis (1946), JRSS 109, 325–370 (interpenetration); Hays's ω².
    """
    y = np.asarray(value, dtype=float)
    known = np.flatnonzero(~np.isnan(y))
    place = np.unique(np.asarray(area)[known], return_inverse=True)[1]
    who = np.unique(np.asarray(interviewer)[known], return_inverse=True)[1]
    pairs = np.unique(np.column_stack([place, who]), axis=0)
    shared = np.bincount(pairs[:, 0]) > 1
    rows = known[shared[place]]
    if not len(rows) or np.ptp(y[rows]) == 0:
        raise AnalysisError("no place has two interviewers with answers that vary")
    place = np.unique(np.asarray(area)[rows], return_inverse=True)[1]
    who = np.unique(np.asarray(interviewer)[rows], return_inverse=True)[1]
    places = (place[:, None] == np.arange(place.max() + 1)).astype(float)
    people = (who[:, None] == np.arange(who.max() + 1)).astype(float)
    y = y[rows]
    without, rank_without = _residuals(places, y)
    whole, rank_whole = _residuals(np.hstack([places, people]), y)
    df_between, df_within = rank_whole - rank_without, len(y) - rank_whole
    if df_between < 1 or df_within < 1 or whole <= 0:
        raise AnalysisError("too few interviews to tell interviewers from places")
    within = whole / df_within
    f = (without - whole) / df_between / within
    share = max((without - whole - df_between * within) / (without + within), 0.0)
    return PlaceFreeEffect(
        float(f), df_between, df_within, float(stats.f.sf(f, df_between, df_within)), float(share), len(y)
    )


def _residuals(x: np.ndarray, y: np.ndarray) -> tuple[float, int]:
    """Residual sum of squares and rank of a least-squares fit."""
    beta, _residues, rank, _singular = np.linalg.lstsq(x, y, rcond=None)
    return float(np.sum((y - x @ beta) ** 2)), int(rank)
