"""The weighting recipe as decisions fixed on the full sample, and its execution on any set of base weights.

The full sample decides which classes and post-strata are joined; `Recipe.run` then turns base weights into
final ones by the same steps, so that a bootstrap can repeat all of it (Rao & Wu 1988).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError, NotConvergedError
from analysis.weighting import calibrate, trim
from analysis.weighting.collapse import collapse_nested
from analysis.weighting.nonresponse import fit_propensity
from survey.stats.poststrata import PostStrata, choose_cells

BASE, UNKNOWN_ELIGIBILITY, HOUSEHOLD = "base", "unknown_eligibility", "household_response"
PERSON_SELECTION, PERSON = "person_selection", "person_response"
TRIMMING, POSTSTRATIFICATION, CALIBRATION = "trimming", "poststratification", "calibration"
CLASSES, PROPENSITY = "classes", "propensity"
MAX_TRIM_ROUNDS = 50


@dataclass(frozen=True, eq=False)
class CaseColumns:
    """Every released case; all arrays have shape (n_cases,).

    base : 1 / inclusion probability of the household
    stratum, psu : variance stratum and variance PSU
    district, street : codes, the adjustment classes
    known, eligible, responded : truth values; known means that eligibility is known
    person_probability : probability of the person within the household; NaN where nobody was selected
    sex : "male", "female" or "" (not told); band : index of the age group, −1 when not told
    took_part : a person was selected in the household and may not have answered; None: as responded
    covariates : {name: numbers known for every case}, for a model of household response
    """

    base: np.ndarray
    stratum: np.ndarray
    psu: np.ndarray
    district: np.ndarray
    street: np.ndarray
    known: np.ndarray
    eligible: np.ndarray
    responded: np.ndarray
    person_probability: np.ndarray
    sex: np.ndarray
    band: np.ndarray
    took_part: np.ndarray | None = None
    covariates: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def reached(self) -> np.ndarray:
        """Households in which a person was selected."""
        return self.responded if self.took_part is None else self.took_part | self.responded


@dataclass(frozen=True)
class RecipeOptions:
    """What a recipe may choose.

    household : "classes" (joined streets) or "propensity" (fifths of a logit model on `covariates`)
    bounds : of a post-stratum's factor as a multiple of its district's, or of the g-weights of a calibration
    calibration : {"distance": "raking" | "logit" | "linear", "margins": [["district", "sex"], …]}; None
        post-stratifies to district × sex × age
    trimming : {"rule": "median_iqr" | "times_mean", "times": float, "iterate": bool}; None trims nothing
    """

    household: str = CLASSES
    covariates: tuple[str, ...] = ()
    n_classes: int = 5
    bounds: tuple[float, float] | None = None
    calibration: Mapping[str, Any] | None = None
    trimming: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Recipe:
    """Classes and cells of one sample; `run` repeats the steps on other base weights."""

    cases: CaseColumns
    options: RecipeOptions
    labels: tuple[str, ...]
    codes: np.ndarray
    post: PostStrata

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of the steps in order."""
        trimming = (TRIMMING,) if self.options.trimming else ()
        last = CALIBRATION if self.options.calibration else POSTSTRATIFICATION
        return (BASE, UNKNOWN_ELIGIBILITY, HOUSEHOLD, PERSON_SELECTION, PERSON, *trimming, last)

    def run(self, base: np.ndarray) -> dict[str, np.ndarray]:
        """Weights after each step, {step: shape (n_cases,)}; the last ones are final.

        Raises
        ------
        AnalysisError : a class or post-stratum has weight in the sample and nobody to carry it
        """
        found = self.to_persons(base)
        before = found[PERSON]
        trimmed, final = self._margins(before)
        if self.options.trimming:
            found[TRIMMING] = trimmed
        found[self.steps[-1]] = final
        return found

    def to_persons(self, base: np.ndarray) -> dict[str, np.ndarray]:
        """The steps up to the person's weight, before margins are looked at."""
        cases, count = self.cases, len(self.labels)
        known = share_out(base, cases.known, self.codes, count)
        eligible = np.where(cases.eligible, known, 0.0)
        codes, number = self._household_classes(eligible)
        household = share_out(eligible, cases.reached, codes, number)
        chance = np.where(cases.reached, cases.person_probability, 1.0)
        person = household / chance
        answered = share_out(person, cases.responded, self.codes, count)
        return {
            BASE: base,
            UNKNOWN_ELIGIBILITY: known,
            HOUSEHOLD: household,
            PERSON_SELECTION: person,
            PERSON: answered,
        }

    def _household_classes(self, weights: np.ndarray) -> tuple[np.ndarray, int]:
        if self.options.household == CLASSES:
            return self.codes, len(self.labels)
        used = weights > 0
        if self.cases.reached[used].all():  # nobody to model
            return self.codes, len(self.labels)
        columns = [standardised(self.cases.covariates[name], used) for name in self.options.covariates]
        x = np.column_stack([np.ones(int(used.sum())), *[c[used] for c in columns if c[used].any()]])
        chance = np.zeros(len(weights))
        chance[used] = fit_propensity(x, self.cases.reached[used].astype(float), weights[used])
        inner = np.linspace(0, 1, self.options.n_classes + 1)[1:-1]
        cuts = np.unique(np.quantile(chance[used], inner))
        return np.searchsorted(cuts, chance, side="left"), len(cuts) + 1

    def _margins(self, persons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights after trimming and after the margins (the same without trimming)."""
        rule = self.options.trimming
        if not rule:
            return persons, self.to_margins(persons)
        if not rule.get("iterate", True):
            trimmed = cut_weights(persons, limit_of(persons, rule))
            return trimmed, self.to_margins(trimmed)
        final = self.to_margins(persons)
        limit, trimmed = limit_of(final, rule), persons
        for _ in range(MAX_TRIM_ROUNDS):
            if final.max() <= limit * (1 + 1e-6):
                return trimmed, final
            trimmed = cut_weights(final, limit)
            final = self.to_margins(trimmed)
        raise NotConvergedError(
            "the margins need weights above the trimming limit.", {"weight": (limit, float(final.max()))}
        )

    def to_margins(self, persons: np.ndarray) -> np.ndarray:
        """Person weights brought to the population."""
        if not self.options.calibration:
            return self.post.fit(persons)
        return self.post.fit_margins(persons, self.options.calibration, self.options.bounds)

    def final_design(self, base: SurveyDesign, persons: np.ndarray) -> SurveyDesign:
        """The design with final weights and the residual step that its Taylor variance takes."""
        design = base.with_weights(persons)
        if not self.options.calibration:
            return self.post.stratify(design)
        scaled = design.with_weights(self.post.scaled(persons))
        columns, totals = self.post.auxiliaries(persons, self.options.calibration["margins"])
        rows = {name: np.where(self.post.codes >= 0, x[self.post.codes], 0.0) for name, x in columns.items()}
        distance = self.options.calibration["distance"]
        return calibrate(scaled, rows, totals, distance=distance, bounds=self.options.bounds, tolerance=1e-10)


def make_recipe(
    cases: CaseColumns,
    totals: Mapping[tuple[str, str, int], float],
    *,
    n_bands: int,
    min_class: int,
    min_cell: int,
    options: RecipeOptions,
) -> Recipe:
    """Fix classes and cells on the full sample; parameters as in `weights.weigh`."""
    names = _classes(cases, min_class)
    codes, labels = pd.factorize(names, sort=True)
    bare = Recipe(cases, options, tuple(labels), codes, PostStrata.empty())
    persons = bare.to_persons(cases.base.astype(float))[PERSON]
    bounds = None if options.calibration else options.bounds
    post = choose_cells(cases, persons, totals, n_bands, min_cell, bounds)
    return Recipe(cases, options, tuple(labels), codes, post)


def share_out(weights: np.ndarray, keeps: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
    """Within each class, rows that do not keep theirs hand their weight to those that do, in proportion.

    Särndal, Swensson & Wretman (1992), ch. 15.6; AAPOR (2016) for unknown eligibility.
    """
    kept = np.where(keeps, weights, 0.0)
    whole = np.bincount(codes, weights=weights, minlength=count)
    have = np.bincount(codes, weights=kept, minlength=count)
    if ((have <= 0) & (whole > 0)).any():
        raise AnalysisError("a response class has nobody left to carry its weight; join classes")
    return kept * (whole / np.where(have > 0, have, 1.0))[codes]


def standardised(values: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Centred on the used rows and divided by their spread; all 0 where they do not vary."""
    mine = values[used]
    spread = mine.std()
    return (values - mine.mean()) / spread if spread > 0 else np.zeros(len(values))


def limit_of(weights: np.ndarray, rule: Mapping[str, Any]) -> float:
    """The largest weight that a trimming rule leaves; of the rows with a weight.

    "median_iqr": median + times × interquartile range (Potter & Zheng 2015 use 6);
    "times_mean": times × mean.
    """
    used = weights[weights > 0]
    if rule["rule"] == "times_mean":
        return float(rule["times"] * used.mean())
    low, middle, high = np.quantile(used, [0.25, 0.5, 0.75])
    # Weights of which half are equal have no spread to measure by.
    return float(middle + rule["times"] * (high - low)) if high > low else float("inf")


def cut_weights(weights: np.ndarray, limit: float) -> np.ndarray:
    """Weights above the limit cut to it, the excess shared out (Potter 1990)."""
    if weights.max() <= limit:
        return weights
    return trim(SurveyDesign(None, weights=weights), upper=limit, strict=True).weights


def _classes(cases: CaseColumns, minimum: int) -> np.ndarray:
    """Label of each case's adjustment class: its street, joined where answers are few."""
    pairs = pd.MultiIndex.from_arrays([cases.district, cases.street])
    places, keys = pairs.factorize()
    answers = np.bincount(places, weights=cases.responded, minlength=len(keys))
    joined = collapse_nested({key: int(n) for key, n in zip(keys, answers, strict=True)}, minimum)
    return np.array([joined[key] for key in keys], dtype=object)[places]
