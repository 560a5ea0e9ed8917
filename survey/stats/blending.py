"""Volunteers beside the probability sample: what may be modelled, and each indicator's figures side by side.

Nobody drew the volunteers. Everything here is a model, kept apart from the report's figures
(docs/decisions, “Volunteers blended”).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.blending import (
    TwoSamples,
    balance,
    combine,
    fit_participation,
    overlap,
    volunteer_figures,
)
from analysis.errors import AnalysisError, NotConvergedError
from analysis.estimation.intervals import mean_interval
from analysis.weighting.collapse import collapse_ordered
from survey.stats.estimates import LEVEL, SHARE
from survey.stats.replicates import Replicates
from survey.stats.weights import Weighted

# Our own thresholds, stated in the guide; ten cases for each coefficient of a logit: Peduzzi et al. (1996),
# J. Clin. Epidemiol. 49, 1373–1379.
LEAST_VOLUNTEERS, LEAST_PLACES, PER_COEFFICIENT = 100, 10, 10
LEAST_CASES = 10  # drawn persons of a level: a repetition should not lose them all
MOST_UNKNOWN = 0.10  # of either sample, without covariates
LEAST_EFFECTIVE, LARGEST_SHARE = 50, 0.05  # of the weighted volunteers; of one volunteer
MOST_UNCOVERED = 0.5  # people whose combination of covariates no volunteer has
FEW, FEW_PLACES, LEVEL_THIN, UNKNOWN, NO_COVARIATE = (
    "few",
    "few_places",
    "level_thin",
    "unknown",
    "no_covariate",
)
NO_REPLICATES, NO_OVERLAP, NOT_CONVERGED = "no_replicates", "no_overlap", "not_converged"


class Unblendable(Exception):
    """Volunteers cannot stand for the others: `code`, with the facts that say why."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts


@dataclass(frozen=True, eq=False)
class Covariate:
    """What both samples were asked alike.

    levels : keys; volunteers, cases : place of each row's level, −1 unknown, shapes (n_A,) and (n_cases,)
    is_ordered : thin levels may be joined with a neighbour
    """

    name: str
    levels: Sequence[str]
    volunteers: np.ndarray
    cases: np.ndarray
    is_ordered: bool


@dataclass(frozen=True, eq=False)
class Grouped:
    """A covariate with its levels joined where volunteers are few; `groups` are tuples of level keys."""

    name: str
    groups: tuple[tuple[str, ...], ...]
    volunteers: np.ndarray
    cases: np.ndarray


class Blend:
    """Both models of a round's volunteers, prepared once for all indicators.

    Parameters
    ----------
    replicates : of the weighting recipe: the probability sample's errors
    places : of each volunteer, shape (n_A,): volunteers of one place are resampled together
    least : volunteers that a level needs: the round's floor

    Raises
    ------
    Unblendable : why there is no figure
    """

    def __init__(
        self,
        weighted: Weighted,
        replicates: Replicates | None,
        covariates: Sequence[Covariate],
        places: np.ndarray,
        *,
        least: int,
        seed: int,
    ) -> None:
        if replicates is None:
            raise Unblendable(NO_REPLICATES)
        if len(places) < LEAST_VOLUNTEERS:
            raise Unblendable(FEW, have=len(places), needed=LEAST_VOLUNTEERS)
        self.n_places = len(set(places))
        if self.n_places < LEAST_PLACES:
            raise Unblendable(FEW_PLACES, have=self.n_places, needed=LEAST_PLACES)
        self.used = np.flatnonzero(weighted.weights > 0)
        found = [group_levels(c, c.cases[self.used], least) for c in covariates]
        self.covariates = [c for c in found if len(c.groups) > 1]
        if not self.covariates:
            raise Unblendable(NO_COVARIATE)
        outside, inside = self._matrices()
        for who, matrix in (("volunteers", outside), ("reference", inside)):
            unknown = float(np.isnan(matrix).any(axis=1).mean())
            if unknown > MOST_UNKNOWN:
                raise Unblendable(UNKNOWN, who=who, share=unknown, most=MOST_UNKNOWN)
        needed = PER_COEFFICIENT * outside.shape[1]
        if np.isfinite(outside).all(axis=1).sum() < needed:
            raise Unblendable(FEW, have=int(np.isfinite(outside).all(axis=1).sum()), needed=needed)
        self._fit(weighted, replicates, outside, inside, places, seed)

    def _fit(
        self,
        weighted: Weighted,
        replicates: Replicates,
        outside: np.ndarray,
        inside: np.ndarray,
        places: np.ndarray,
        seed: int,
    ) -> None:
        try:
            self.samples = TwoSamples(
                outside,
                inside,
                weights=weighted.weights[self.used],
                replicates=replicates.weights,
                units=places.astype(str),
                seed=seed,
            )
            self.participation = fit_participation(self.samples)
        except (NotConvergedError, AnalysisError) as error:
            raise Unblendable(NOT_CONVERGED) from error
        self.overlap = overlap(self.samples, self.participation)
        if (
            self.overlap.n_effective < LEAST_EFFECTIVE
            or self.overlap.largest_share > LARGEST_SHARE
            or self.overlap.uncovered > MOST_UNCOVERED
        ):
            raise Unblendable(NO_OVERLAP, **vars(self.overlap))

    def _matrices(self) -> tuple[np.ndarray, np.ndarray]:
        """Model matrices of volunteers and of answered cases: a constant, and 0/1 for all groups but one."""
        both = []
        for who in ("volunteers", "cases"):
            columns = [np.ones(len(getattr(self.covariates[0], who)))]
            for covariate in self.covariates:
                codes = getattr(covariate, who)
                columns += [np.where(codes < 0, np.nan, codes == k) for k in range(1, len(covariate.groups))]
            both.append(np.column_stack(columns))
        return both[0], both[1]

    def balance_rows(self) -> list[dict[str, Any]]:
        """Each group's part of the people, of the volunteers, and of the weighted volunteers."""
        x, columns, at = self.samples.patterns, [], 1
        for covariate in self.covariates:
            own = x[:, at : at + len(covariate.groups) - 1]
            columns += [1 - own.sum(axis=1), *own.T]
            at += own.shape[1]
        found = balance(self.samples, self.participation, np.column_stack(columns))
        names = [(c.name, list(group)) for c in self.covariates for group in c.groups]
        return [
            {
                "covariate": name,
                "levels": levels,
                "reference": float(found.reference[k]),
                "volunteers": float(found.volunteers[k]),
                "weighted": float(found.weighted[k]),
                "before": float(found.before[k]),
                "after": float(found.after[k]),
            }
            for k, (name, levels) in enumerate(names)
        ]

    def figures(
        self, volunteers: np.ndarray, cases: np.ndarray, *, kind: str, scale: float, df: float
    ) -> dict[str, Any]:
        """One indicator's figures side by side, as plain numbers.

        volunteers, cases : its values, shapes (n_A,) and (n_cases,), NaN without
        kind : "share" or "mean"; scale : the largest value that it can have (1 or 100); intervals end there
        df : of the probability sample's figure

        Raises
        ------
        Unblendable : the volunteers gave no valid answer, or all the same one
        """
        df = float(min(df, self.n_places - 1))
        try:
            found = volunteer_figures(
                self.samples,
                self.participation,
                volunteers,
                cases[self.used],
                model="logistic" if kind == SHARE else "linear",
            )
            pair = found.covariance[np.ix_([3, 2], [3, 2])]
            blend = combine(float(found.estimate[3]), float(found.estimate[2]), pair, df)
        except AnalysisError as error:
            raise Unblendable(NOT_CONVERGED) from error
        if not (found.se[1:3] > 0).all():
            raise Unblendable(NOT_CONVERGED)
        low, high = mean_interval(
            np.array([blend.difference]), np.array([blend.difference_se]), np.array([df]), LEVEL
        )
        return {
            "n": found.n_volunteers,
            "volunteers": float(found.estimate[0]),
            "propensity": _cell(found.estimate[1], found.se[1], df, scale),
            "doubly_robust": _cell(found.estimate[2], found.se[2], df, scale),
            "difference": {
                "estimate": blend.difference,
                "se": blend.difference_se,
                "low": float(low[0]),
                "high": float(high[0]),
                "p": blend.p_value,
                "differs": blend.differs,
                "unseen": blend.unseen,
            },
            "blend": _cell(blend.estimate, blend.se, df, scale) | {"share": blend.share},
        }


def group_levels(covariate: Covariate, answered: np.ndarray, least: int) -> Grouped:
    """Join neighbouring levels until each has `least` volunteers and `LEAST_CASES` drawn persons.

    An unordered level with fewer volunteers is refused.

    answered : levels of the cases that answered. A level that none of them has is nobody's: its volunteers
    lose their covariate.
    """
    count = len(covariate.levels)
    people = np.bincount(answered[answered >= 0], minlength=count)
    joined = np.bincount(covariate.volunteers[covariate.volunteers >= 0], minlength=count)
    there = np.flatnonzero(people > 0)
    if not len(there):
        raise Unblendable(NO_COVARIATE)
    if covariate.is_ordered:
        enough = np.minimum(joined, people * least // LEAST_CASES)[there]
        groups = [tuple(int(there[i]) for i in g) for g in collapse_ordered(enough.tolist(), least)]
    else:
        thin = [covariate.levels[k] for k in there if joined[k] < least]
        if thin and len(there) > 1:
            raise Unblendable(LEVEL_THIN, covariate=covariate.name, levels=thin, needed=least)
        groups = [(int(k),) for k in there]
    place = np.full(count + 1, -1)
    for number, group in enumerate(groups):
        place[list(group)] = number
    return Grouped(
        covariate.name,
        tuple(tuple(covariate.levels[k] for k in group) for group in groups),
        place[covariate.volunteers],
        place[answered],
    )


def _cell(estimate: float, se: float, df: float, scale: float) -> dict[str, float]:
    low, high = mean_interval(np.array([estimate]), np.array([se]), np.array([df]), LEVEL)
    return {
        "estimate": float(np.clip(estimate, 0.0, scale)),
        "se": float(se),
        "low": float(np.clip(low[0], 0.0, scale)),
        "high": float(np.clip(high[0], 0.0, scale)),
        "df": df,
    }
