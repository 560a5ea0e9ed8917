"""The model city: a documented superpopulation whose truth is known (docs/superpopulation.md).

Pure numpy. It builds households and adults that reproduce given census cells exactly, and answers from
a latent normal model, so that a survey of it can be compared with the truth.

Model
-----
Person i in household h, community c and street s answers item j with level L (0 is the most favourable of
k levels), where L counts the cut points below −z and

    z_ij = σ_s U_s + σ_c V_c + σ_h W_h + σ_p E_i + σ_e ε_ij + β_age (age_i − 48) / 15 + β_sex [female]

with independent standard normals and σ² summing to 1 (`VARIANCES`). Cut points are normal quantiles of the
item's target distribution (`ITEMS`), so that without the β terms the city would show exactly these shares.
The shares are invented, near what published Chinese satisfaction surveys report; the truth of the demo is
whatever the finished city contains, counted over all its adults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MALE, FEMALE = 1, 2

# Shares of latent variance. Community and street together give an intra-class correlation near 0.08,
# inside the 0.02–0.10 for which survey planners report design effects of 1.4–3.1 at 22 households.
VARIANCES = {"street": 0.03, "community": 0.05, "household": 0.12, "person": 0.35, "item": 0.45}


@dataclass(frozen=True)
class Item:
    """Target shares of an item's levels, most favourable first; its slopes; its don't-know model."""

    shares: tuple[float, ...]
    age: float = 0.0  # change of z per 15 years
    female: float = 0.0
    dont_know: float = 0.0  # at age 48
    dont_know_age: float = 0.0  # change of its logit per 15 years
    asked_if: tuple[str, int] | None = None  # (item, level): asked only of those


SATISFIED = (0.28, 0.38, 0.22, 0.09, 0.03)
ITEMS: dict[str, Item] = {
    "K01": Item((0.78, 0.22), age=0.15, dont_know=0.04),
    "K02": Item((0.18, 0.42, 0.31, 0.09), age=0.10, female=0.05),
    "K03": Item((0.55, 0.45), age=-0.10),
    "K05": Item((0.57, 0.43), age=0.25, dont_know=0.06),
    "P01": Item((0.11, 0.24, 0.29, 0.36), age=0.05, female=0.10, dont_know=0.02),
    "P04": Item((0.24, 0.76), age=-0.10, dont_know=0.02),
    "U01": Item((0.48, 0.35, 0.13, 0.03, 0.01), age=0.12, female=0.06, dont_know=0.02),
    "Q01": Item((0.30, 0.40, 0.19, 0.08, 0.03), age=0.14, female=-0.04, dont_know=0.01),
    "Q04": Item((0.17, 0.31, 0.27, 0.17, 0.08), age=0.10, dont_know=0.02, dont_know_age=0.3),
    "Q06": Item((0.18, 0.32, 0.26, 0.17, 0.07), age=-0.06, female=-0.05, dont_know=0.02),
    "Q12": Item((0.26, 0.38, 0.23, 0.09, 0.04), age=0.08, dont_know=0.14, dont_know_age=0.3),
    "Q14": Item((0.24, 0.33, 0.19, 0.15, 0.09), age=0.10, dont_know=0.03, asked_if=("P04", 0)),
    "Q15": Item((0.36, 0.42, 0.16, 0.05, 0.01), age=0.08, female=-0.06, dont_know=0.01),
    "Q16": Item((0.31, 0.40, 0.21, 0.06, 0.02), age=0.16, female=0.05, dont_know=0.06, asked_if=("K05", 0)),
    "Q20": Item(SATISFIED, age=0.14, dont_know=0.04, dont_know_age=0.2),
    "G01": Item((0.21, 0.41, 0.25, 0.10, 0.03), age=0.18, dont_know=0.02),
    "G02": Item((0.17, 0.36, 0.29, 0.13, 0.05), age=0.16),
    "G03": Item((0.19, 0.42, 0.30, 0.07, 0.02), age=0.05, dont_know=0.02),
    "H01": Item((0.26, 0.45, 0.21, 0.06, 0.02), age=0.10, female=0.04),
    "H02": Item((0.09, 0.12, 0.23, 0.21, 0.12, 0.11, 0.05, 0.03, 0.02, 0.01, 0.01), age=0.14, female=0.05),
    "A01": Item((0.46, 0.42, 0.09, 0.03), age=0.06, female=-0.10),
    "A02": Item((0.38, 0.42, 0.15, 0.05), age=-0.04, female=-0.35, dont_know=0.04, dont_know_age=0.8),
}
# Education (primary or less, junior, senior, college, bachelor+) by age, invented; ordered like the census.
EDUCATION = {
    18: (0.01, 0.09, 0.24, 0.28, 0.38),
    30: (0.02, 0.20, 0.22, 0.25, 0.31),
    45: (0.09, 0.38, 0.26, 0.15, 0.12),
    60: (0.31, 0.40, 0.20, 0.06, 0.03),
}
HUKOU = (0.58, 0.14, 0.10, 0.13, 0.05)
TENURE = (0.62, 0.21, 0.10, 0.04, 0.03)
OPEN_TEXT = (
    "停车位太少，晚上回来没地方停",
    "老楼没有电梯，老人上下楼不方便",
    "希望小区门口的路早点修好",
    "菜市场卫生要再管一管",
    "多给孩子们建点活动的地方",
    "电动车在楼道里充电，不安全",
    "路灯有几盏坏了很久",
    "办事还是要跑好几趟",
)


@dataclass(frozen=True)
class Community:
    """A community of the city and the streets and district that it lies in, as region codes."""

    code: str
    street: str
    district: str


@dataclass(frozen=True)
class AgeCell:
    """Adults of one sex with ages low…high (both included) in one district, in model-city persons."""

    sex: int
    low: int
    high: int
    persons: float


@dataclass
class City:
    """Every household and adult of the model city. Adults are sorted by household."""

    communities: Sequence[Community]
    household_community: IntArray  # (n_households,) index into communities
    adult_household: IntArray  # (n_adults,)
    sex: IntArray
    age: IntArray
    household_start: IntArray  # (n_households + 1,) adults of h are household_start[h]:household_start[h+1]
    levels: dict[str, IntArray] = field(default_factory=dict)  # −1 don't know, −3 not asked
    education: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    hukou: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    tenure: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    web_propensity: FloatArray = field(default_factory=lambda: np.empty(0))
    door_propensity: FloatArray = field(default_factory=lambda: np.empty(0))

    @property
    def n_households(self) -> int:
        return len(self.household_community)

    @property
    def n_adults(self) -> int:
        return len(self.adult_household)

    def adults_per_household(self) -> IntArray:
        """Number of adults of each household, ndarray of shape (n_households,)."""
        return np.diff(self.household_start)


def largest_remainder(values: FloatArray, total: int) -> IntArray:
    """Round non-negative `values` to integers that sum to `total` (Hamilton's method; ties by position)."""
    scaled = values * (total / values.sum())
    floor = np.floor(scaled).astype(np.int64)
    order = np.argsort(-(scaled - floor), kind="stable")
    floor[order[: total - floor.sum()]] += 1
    return floor


def build_city(
    communities: Sequence[Community],
    households: Mapping[str, int],
    adults: Mapping[str, Sequence[AgeCell]],
    seed: int,
    shift: Mapping[str, float] | None = None,
) -> City:
    """Build the model city.

    Parameters
    ----------
    communities : in the order of their codes.
    households : district code → family households of the model city.
    adults : district code → census cells of adults in family households, already scaled.
    seed : of numpy's PCG64; the same seed gives the same city.
    shift : item → what is added to everybody's z; the same people at another time.

    Raises
    ------
    ValueError : a district has fewer adults than households, or more than five times as many.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for district in sorted(households):
        places = [i for i, c in enumerate(communities) if c.district == district]
        sizes = _community_sizes(len(places), households[district], rng)
        of_household = np.repeat(np.array(places), sizes)
        counts = _cell_counts(adults[district])
        n_adults = _adults_per_household(households[district], int(counts.sum()), rng)
        household, sex, age = _fill_households(n_adults, adults[district], counts, rng)
        parts.append((of_household, household, sex, age))
    offset, communities_of, owners, sexes, ages = 0, [], [], [], []
    for of_household, household, sex, age in parts:
        communities_of.append(of_household)
        owners.append(household + offset)
        sexes.append(sex)
        ages.append(age)
        offset += len(of_household)
    owner = np.concatenate(owners)
    city = City(
        communities=communities,
        household_community=np.concatenate(communities_of),
        adult_household=owner,
        sex=np.concatenate(sexes),
        age=np.concatenate(ages),
        household_start=np.searchsorted(owner, np.arange(offset + 1)),
    )
    _answer(city, rng, shift or {})
    _respond(city)
    return city


def _community_sizes(n: int, total: int, rng: np.random.Generator) -> IntArray:
    """Lognormal sizes (σ = 0.65), at least 8 households each; one in 40 is three times as large."""
    sizes = rng.lognormal(0.0, 0.65, n)
    sizes[rng.random(n) < 1 / 40] *= 3
    return largest_remainder(sizes, total - 8 * n) + 8


def _cell_counts(cells: Sequence[AgeCell]) -> IntArray:
    values = np.array([c.persons for c in cells], dtype=float)
    return largest_remainder(values, round(values.sum()))


def _adults_per_household(n_households: int, n_adults: int, rng: np.random.Generator) -> IntArray:
    """1–5 adults, 1 + Binomial(4, p), then moved one by one until they sum to `n_adults`."""
    if not n_households <= n_adults <= 5 * n_households:
        raise ValueError(f"{n_adults} adults do not fit {n_households} households of 1–5 adults")
    n = 1 + rng.binomial(4, (n_adults / n_households - 1) / 4, n_households)
    while (gap := n_adults - int(n.sum())) != 0:
        free = np.flatnonzero(n < 5) if gap > 0 else np.flatnonzero(n > 1)
        n[rng.choice(free, size=min(abs(gap), len(free)), replace=False)] += np.sign(gap)
    return n


def _fill_households(
    n_adults: IntArray, cells: Sequence[AgeCell], counts: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray, IntArray]:
    """Give each household a couple, grown children and parents, by matching ranks of wished and real ages.

    Every census cell is used up exactly: persons of one sex are sorted by age and given to the places of
    that sex sorted by the age wished for there.
    """
    household = np.repeat(np.arange(len(n_adults)), n_adults)
    start = np.cumsum(n_adults) - n_adults
    place = np.arange(len(household)) - np.repeat(start, n_adults)
    size = np.repeat(n_adults, n_adults)
    head_age = np.repeat(rng.choice([31, 45, 58, 72], p=[0.3, 0.3, 0.25, 0.15], size=len(n_adults)), n_adults)
    generation = np.select([place < 2, place == 2, place == 3], [0, -26, 25], default=-22)
    young_single = (size == 1) & (rng.random(len(household)) < 0.5)
    wished = head_age + generation + rng.normal(0, 4, len(household)) - 4.0 * young_single
    head_is_man = np.repeat(rng.random(len(n_adults)) < 0.5, n_adults)
    man = np.where(
        place == 0, head_is_man, np.where(place == 1, ~head_is_man, rng.random(len(household)) < 0.5)
    )
    n_men = int(sum(k for cell, k in zip(cells, counts, strict=True) if cell.sex == MALE))
    surplus = int(man.sum()) - n_men
    swap = np.flatnonzero(man if surplus > 0 else ~man)
    chosen = rng.choice(swap, size=abs(surplus), replace=False)
    man[chosen] = ~man[chosen]
    sex = np.where(man, MALE, FEMALE)
    age = np.empty(len(household), dtype=np.int64)
    for which in (MALE, FEMALE):
        pool = np.concatenate(
            [
                rng.integers(cell.low, cell.high + 1, size=k)
                for cell, k in zip(cells, counts, strict=True)
                if cell.sex == which
            ]
        )
        places = np.flatnonzero(sex == which)
        age[places[np.argsort(wished[places], kind="stable")]] = np.sort(pool)
    return household, sex, age


def _answer(city: City, rng: np.random.Generator, shift: Mapping[str, float]) -> None:
    """Fill `levels`, `education`, `hukou` and `tenure`."""
    sd = {k: np.sqrt(v) for k, v in VARIANCES.items()}
    community = city.household_community[city.adult_household]
    streets, street_of = np.unique([c.street for c in city.communities], return_inverse=True)
    shared = (
        sd["street"] * rng.standard_normal(len(streets))[street_of][community]
        + sd["community"] * rng.standard_normal(len(city.communities))[community]
        + sd["household"] * rng.standard_normal(city.n_households)[city.adult_household]
        + sd["person"] * rng.standard_normal(city.n_adults)
    )
    older = (city.age - 48) / 15
    female = (city.sex == FEMALE).astype(float)
    for name, item in ITEMS.items():
        z = shared + sd["item"] * rng.standard_normal(city.n_adults) + item.age * older + item.female * female
        cuts = ndtri(np.cumsum(item.shares)[:-1])
        level = np.searchsorted(cuts, -(z + shift.get(name, 0.0))).astype(np.int64)
        if item.dont_know:
            logit = np.log(item.dont_know / (1 - item.dont_know)) + item.dont_know_age * older
            level[rng.random(city.n_adults) < expit(logit)] = -1
        if item.asked_if:
            gate, wanted = item.asked_if
            level[city.levels[gate] != wanted] = -3
        city.levels[name] = level
    bands = np.digitize(city.age, [30, 45, 60])
    city.education = np.empty(city.n_adults, dtype=np.int64)
    for band, shares in enumerate(EDUCATION.values()):
        rows = np.flatnonzero(bands == band)
        city.education[rows] = rng.choice(5, p=shares, size=len(rows))
    by_household = rng.choice(5, p=TENURE, size=city.n_households)
    city.tenure = by_household[city.adult_household]
    city.hukou = rng.choice(5, p=HUKOU, size=city.n_adults)


def _respond(city: City) -> None:
    """Response depends on sex and age only, so that weighting to sex × age within districts can mend it.

    Web: women answer more, the old far less. Door, asked of those the web did not reach: women open more
    often, age matters little. Together about 0.6; unweighted figures of items with an age slope are biased.
    """
    older = (city.age - 48) / 15
    female = (city.sex == FEMALE).astype(float)
    city.web_propensity = expit(-0.45 - 0.70 * older - 0.15 * older**2 + 0.35 * female)
    city.door_propensity = expit(-0.45 - 0.10 * older + 0.25 * female)
