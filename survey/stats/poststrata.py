"""Post-strata of district × sex × age group: which are joined, their population, and the fit to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.weighting import calibrate, poststratify
from analysis.weighting.collapse import collapse_ordered

SEXES = ("male", "female")
UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class PostStrata:
    """Cells in a fixed order.

    codes : cell of each case, −1 without an answer; labels, district, sexes, bands : of each cell
    people : population of each cell if nobody were silent; 0 for a cell of the silent
    population : {district: persons}; totals : {(district, sex, age group): persons}

    Who did not tell sex or age forms a cell of the district, whose population is the district's times their
    share of the weight; the other cells share the rest. So the district's total holds, and the others keep
    the census proportions.
    """

    codes: np.ndarray
    labels: tuple[str, ...]
    district: np.ndarray
    sexes: tuple[tuple[str, ...], ...]
    bands: tuple[tuple[int, ...], ...]
    people: np.ndarray
    population: Mapping[str, float]
    totals: Mapping[tuple[str, str, int], float]

    @classmethod
    def empty(cls) -> "PostStrata":
        """No cells, for the steps before them."""
        none = np.zeros(0)
        return cls(none, (), none, (), (), none, {}, {})

    def sums(self, weights: np.ndarray) -> np.ndarray:
        """Weight in each cell."""
        inside = self.codes >= 0
        return np.bincount(self.codes[inside], weights=weights[inside], minlength=len(self.labels))

    def targets(self, sums: np.ndarray) -> np.ndarray:
        """Population of each cell, given the weight in each."""
        found = np.zeros(len(self.labels))
        silent = np.array([not s for s in self.sexes])
        for name, persons in self.population.items():
            here = self.district == name
            share = sums[here & silent].sum() / sums[here].sum() if sums[here].sum() > 0 else 0.0
            found[here] = np.where(silent[here], persons * share, (1 - share) * self.people[here])
        return found

    def fit(self, weights: np.ndarray) -> np.ndarray:
        """Weights whose cells meet their population."""
        sums = self.sums(weights)
        targets = self.targets(sums)
        if ((sums <= 0) & (targets > 0)).any():
            raise AnalysisError("a post-stratum has a population and nobody to stand for it; join cells")
        factor = np.append(targets / np.where(sums > 0, sums, 1.0), 0.0)
        return weights * factor[self.codes]

    def stratify(self, design: SurveyDesign) -> SurveyDesign:
        """`fit` as a step of a design, with the residuals that its variance takes."""
        named = np.append(np.array(self.labels, dtype=object), None)
        targets = self.targets(self.sums(design.weights))
        return poststratify(design, [named[self.codes]], dict(zip(self.labels, targets, strict=True)))

    def scaled(self, weights: np.ndarray) -> np.ndarray:
        """Weights scaled to the districts' populations, so that g-weights lie around 1."""
        sums = self.sums(weights)
        factor = np.zeros(len(self.labels) + 1)
        for name, persons in self.population.items():
            here = np.flatnonzero(self.district == name)
            factor[here] = persons / sums[here].sum()
        return weights * factor[self.codes]

    def auxiliaries(
        self, weights: np.ndarray, margins: Sequence[Sequence[str]]
    ) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """Indicators of each cell for each level of the margins, and their population totals.

        Margins are ["district"], ["district", "sex"] or ["district", "age"]; the silent count for their
        district alone.
        """
        sums = self.sums(weights)
        targets = self.targets(sums)
        columns: dict[str, np.ndarray] = {}
        for cell, (name, sexes, bands) in enumerate(zip(self.district, self.sexes, self.bands, strict=True)):
            for margin in margins:
                part = _level(margin, name, sexes, bands)
                columns.setdefault(part, np.zeros(len(self.labels)))[cell] = 1.0
        return columns, {name: float(column @ targets) for name, column in columns.items()}

    def fit_margins(
        self, weights: np.ndarray, rule: Mapping[str, Any], bounds: tuple[float, float] | None
    ) -> np.ndarray:
        """Calibrated weights. A g-weight depends on the cell alone, so the equations are solved on cells."""
        start = self.scaled(weights)
        sums = self.sums(start)
        columns, totals = self.auxiliaries(weights, rule["margins"])
        if any(not sums[column > 0].sum() > 0 for name, column in columns.items() if totals[name] > 0):
            raise AnalysisError("a margin has a population and nobody to stand for it; join categories")
        cells = SurveyDesign(None, weights=sums)
        fitted = calibrate(
            cells, columns, totals, distance=rule["distance"], bounds=bounds, tolerance=1e-10
        ).weights
        factor = np.append(np.where(sums > 0, fitted / np.where(sums > 0, sums, 1.0), 0.0), 0.0)
        return start * factor[self.codes]

    def rows(self, before: np.ndarray, answers: np.ndarray) -> list[dict[str, Any]]:
        """Printed rows: weight before, population and factor of each cell; answers : bool of the cases."""
        sums, targets = self.sums(before), self.targets(self.sums(before))
        count = np.bincount(self.codes[answers], minlength=len(self.labels))
        return [
            {
                "district": self.district[k],
                "sex": "+".join(self.sexes[k]) or UNKNOWN,
                "bands": list(self.bands[k]),
                "n": int(count[k]),
                "before": float(sums[k]),
                "population": float(targets[k]),
                "factor": float(targets[k] / sums[k]),
            }
            for k in range(len(self.labels))
        ]


def _level(margin: Sequence[str], district: str, sexes: tuple[str, ...], bands: tuple[int, ...]) -> str:
    if not sexes:
        return f"{district}|{UNKNOWN}"
    parts = [district]
    if "sex" in margin:
        parts.append("+".join(sexes))
    if "age" in margin:
        parts.append("+".join(map(str, bands)))
    return "|".join([*parts, *margin])


def choose_cells(
    cases: Any,
    weights: np.ndarray,
    totals: Mapping[tuple[str, str, int], float],
    n_bands: int,
    minimum: int,
    bounds: tuple[float, float] | None,
) -> PostStrata:
    """Cells of each district, joined until each holds `minimum` answers and its factor keeps the bounds."""
    codes = np.full(len(weights), -1)
    named: list[tuple[str, tuple[str, ...], tuple[int, ...], float]] = []
    sex = np.full(len(weights), -1)
    for number, name in enumerate(SEXES):
        sex[cases.sex == name] = number
    names, of_row = np.unique(cases.district.astype(str), return_inverse=True)
    for district in sorted({key[0] for key in totals}):
        here = np.flatnonzero(cases.responded & (of_row == np.searchsorted(names, district)))
        mine = _Here(sex[here], cases.band[here], weights[here])
        silent = (mine.sex < 0) | (mine.band < 0)
        if silent.any():
            codes[here[silent]] = len(named)
            named.append((district, (), (), 0.0))
        for sexes, bands in _groups(mine, totals, district, n_bands, minimum, bounds):
            numbers = [SEXES.index(s) for s in sexes]
            inside = np.isin(mine.sex, numbers) & np.isin(mine.band, bands)
            codes[here[inside]] = len(named)
            people = sum(totals.get((district, s, b), 0.0) for s in sexes for b in bands)
            named.append((district, sexes, bands, people))
    population: dict[str, float] = {}
    for (district, _sex, _band), persons in totals.items():
        population[district] = population.get(district, 0.0) + persons
    return PostStrata(
        codes,
        tuple(_label(*row[:3]) for row in named),
        np.array([row[0] for row in named], dtype=object),
        tuple(row[1] for row in named),
        tuple(row[2] for row in named),
        np.array([row[3] for row in named], dtype=float),
        population,
        totals,
    )


def _label(district: str, sexes: tuple[str, ...], bands: tuple[int, ...]) -> str:
    if not sexes:
        return f"{district}|{UNKNOWN}"
    return f"{district}|{'+'.join(sexes)}|{'+'.join(map(str, bands))}"


@dataclass(frozen=True, eq=False)
class _Here:
    """The answers of one district: number of the sex and of the age group (−1 not told), weight."""

    sex: np.ndarray
    band: np.ndarray
    weights: np.ndarray


def _groups(
    mine: _Here,
    totals: Mapping[tuple[str, str, int], float],
    district: str,
    n_bands: int,
    minimum: int,
    bounds: tuple[float, float] | None,
) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Sexes and age groups of each post-stratum of a district: sexes are joined only when one is thin."""
    told = (mine.sex >= 0) & (mine.band >= 0)
    if not told.any():
        return []
    counts, sums, people = {}, {}, {}
    for number, sex in enumerate(SEXES):
        own = told & (mine.sex == number)
        counts[sex] = np.bincount(mine.band[own], minlength=n_bands)
        sums[sex] = np.bincount(mine.band[own], weights=mine.weights[own], minlength=n_bands)
        people[sex] = np.array([totals.get((district, sex, b), 0.0) for b in range(n_bands)])
    whole = sum(p.sum() for p in people.values()) / sum(s.sum() for s in sums.values())
    joined: Iterable[tuple[str, ...]] = [(sex,) for sex in SEXES]
    if min(c.sum() for c in counts.values()) < minimum:
        joined = [SEXES]
    found = []
    for sexes in joined:
        count = [int(n) for n in sum(counts[s] for s in sexes)]
        groups = collapse_ordered(count, minimum)
        ratio = sum(people[s] for s in sexes), sum(sums[s] for s in sexes)
        found += [(sexes, bands) for bands in _within_bounds(groups, *ratio, whole, bounds)]
    return found


def _within_bounds(
    groups: list[tuple[int, ...]],
    people: np.ndarray,
    sums: np.ndarray,
    whole: float,
    bounds: tuple[float, float] | None,
) -> list[tuple[int, ...]]:
    """Join the group furthest outside the bounds with its neighbour until all lie within, or one is left."""
    groups = list(groups)
    while bounds is not None and len(groups) > 1:
        factor = np.array([people[list(g)].sum() / sums[list(g)].sum() / whole for g in groups])
        excess = np.maximum(factor / bounds[1], bounds[0] / np.maximum(factor, 1e-300))
        worst = int(np.argmax(excess))
        if excess[worst] <= 1:
            break
        near = [i for i in (worst - 1, worst + 1) if 0 <= i < len(groups)]
        # The neighbour on the other side of the whole's factor balances it best.
        partner = min(near, key=lambda i: abs(np.log(max(factor[worst] * factor[i], 1e-300))))
        first = min(worst, partner)
        groups[first : first + 2] = [groups[first] + groups[first + 1]]
    return groups
