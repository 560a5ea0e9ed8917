"""The model city from the regions and census margins in the database, its household list, and its answers.

The city is a scale model: 槐荫区 and 天桥区 with their real communities, and households and adults cut down
by one factor, so that a laptop can hold it.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from survey.demo import superpopulation
from survey.demo.superpopulation import City, Community
from survey.questionnaires.document import DONT_KNOW, Document, item_index, missing_choices, own_choices
from survey.regions.models import PopulationMargin, Region
from survey.stats.margins import adult_cells

DISTRICTS = ("370104000000", "370105000000")
N_HOUSEHOLDS = 60_000
SEED = 20261123
OLDEST = 95  # the census' open group 85+ is spread over 85–95
# The test of knowledge has one right option; who misses it says 不知道.
CODES_OF_TESTS: dict[str, list[Any]] = {"K03": [3, 9]}
Census = Mapping[str, Mapping[str, float]]
SEX_CODES = {superpopulation.MALE: "male", superpopulation.FEMALE: "female"}


# Half a year ago, in z: fewer knew of the campaign, streets and stairwells were worse, nothing else differed.
# So the answer to "is our gain real" is known: yes for what these items feed, no for the rest.
EARLIER = {"K01": -0.35, "K02": -0.40, "Q04": -0.35, "Q06": -0.35}


def build_model_city(
    n_households: int = N_HOUSEHOLDS, seed: int = SEED, shift: Mapping[str, float] | None = None
) -> City:
    """The model city of `DISTRICTS`, with `shift=EARLIER` half a year ago. Needs their regions and census
    margins in the database."""
    communities = [
        Community(r.code, r.parent.code, r.path[:6] + "000000")
        for r in Region.objects.filter(level="community", path__regex=r"^(370104|370105)")
        .select_related("parent")
        .order_by("code")
    ]
    return city_of(communities, {d: _census(d) for d in DISTRICTS}, n_households, seed, shift)


def city_of(
    communities: Sequence[Community],
    census: Mapping[str, Census],
    n_households: int,
    seed: int,
    shift: Mapping[str, float] | None = None,
) -> City:
    """The model city from communities in code order and each district's {variable: {category: value}}."""
    real = {d: c["households"]["family_households"] for d, c in census.items()}
    scale = n_households / sum(real.values())
    first, second = DISTRICTS
    households = {first: round(real[first] * scale)}
    households[second] = n_households - households[first]
    adults = {d: scaled_adults(c, scale) for d, c in census.items()}
    return superpopulation.build_city(communities, households, adults, seed, shift)


def _census(district: str) -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    for margin in PopulationMargin.objects.filter(region__code=district):
        rows.setdefault(margin.variable, {})[margin.category] = margin.value
    return rows


def scaled_adults(census: Census, scale: float) -> list[superpopulation.AgeCell]:
    """Census cells of adults in family households, in model-city persons."""
    counts = {tuple(k.split("|")): v for k, v in census["sex_x_age5"].items()}
    cells = adult_cells(
        counts,
        population=census["population"]["total"],
        family_household_population=census["households"]["family_household_population"],
    )
    sexes = {name: code for code, name in SEX_CODES.items()}
    return [
        superpopulation.AgeCell(sexes[c.sex], c.low, OLDEST if c.high is None else c.high, c.persons * scale)
        for c in cells
    ]


def write_household_list(city: City, path: Path) -> None:
    """The list that a city would bring: community code, number, address, kind of household."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["社区代码", "户号", "地址", "户别"])
        writer.writerows(_lines(city))


def _lines(city: City) -> Iterator[list[str]]:
    """Buildings of three units, five floors and two doors a floor; the address names them all."""
    names = dict(Region.objects.filter(level__in=("community", "street")).values_list("code", "name"))
    place = 0
    previous = -1
    for household, index in enumerate(city.household_community):
        place = place + 1 if index == previous else 0
        previous = index
        community = city.communities[index]
        name = re.sub("(居民|村民)?(委员会|居委会|村委会)$", "", names[community.code]).removesuffix("社区")
        building, rest = divmod(place, 30)
        unit, door = divmod(rest, 10)
        estate = f"{names[community.street]}{name}小区"
        address = f"{estate}{building + 1}号楼{unit + 1}单元{door // 2 + 1}0{door % 2 + 1}室"
        yield [community.code, f"{household:06d}", address, "家庭户"]


@dataclass
class Answers:
    """Turns an adult of the city into the answers that she would send for a published document."""

    city: City
    document: Document

    @cached_property
    def _codes(self) -> dict[str, tuple[list[Any], Any]]:
        """Item → (codes most favourable first, don't-know code)."""
        codes = {}
        for name, (_, item) in item_index(self.document).items():
            if name not in self.city.levels:
                continue
            substantive = [c["code"] for c in own_choices(self.document, item) if not c.get("missing")]
            if item["type"] == "scale":
                substantive = list(range(10, -1, -1))
            substantive = CODES_OF_TESTS.get(name, substantive)
            unsure = [c["code"] for c in missing_choices(self.document, item) if c["missing"] == "dont_know"]
            codes[name] = (substantive, unsure[0] if unsure else None)
        return codes

    def code_columns(self) -> dict[str, np.ndarray]:
        """Item → answer code of every adult as float, NaN where not asked; shape (n_adults,) each."""
        columns = {}
        for name, (codes, unsure) in self._codes.items():
            level = self.city.levels[name]
            values = np.array([*map(float, codes)])[np.clip(level, 0, None)]
            values[level == -1] = float(codes[0]) if unsure is None else float(unsure)
            values[level == -3] = np.nan
            columns[name] = values
        return columns

    def of_adult(self, adult: int, rng: np.random.Generator) -> dict[str, Any]:
        """Answers of one adult by item name, as the phone sends them."""
        items = item_index(self.document)
        answers: dict[str, Any] = {}
        for name, (codes, unsure) in self._codes.items():
            level = int(self.city.levels[name][adult])
            if level == -3:
                continue
            answers[name] = unsure if level == -1 and unsure is not None else codes[max(level, 0)]
        answers["S02"] = int(self.city.age[adult])
        answers["D01"] = self._choice(items, "D01", 0 if self.city.sex[adult] == superpopulation.MALE else 1)
        answers["D02"] = self._choice(items, "D02", int(self.city.education[adult]))
        answers["D03"] = self._choice(items, "D03", int(self.city.hukou[adult]))
        if "A03" in items and self.city.levels["A01"][adult] >= 2:
            answers["A03"] = [self._choice(items, "A03", int(i)) for i in rng.choice(6, 2, replace=False)]
        if "O01" in items:
            has_wish = rng.random() < 0.35
            answers["O01"] = str(rng.choice(superpopulation.OPEN_TEXT)) if has_wish else DONT_KNOW
        return {name: value for name, value in answers.items() if name in items}

    def _choice(self, items: Mapping[str, Any], name: str, index: int) -> Any:
        own = [c["code"] for c in own_choices(self.document, items[name][1]) if not c.get("missing")]
        return own[index]


def adults_of(city: City, household: int) -> Sequence[int]:
    """Indices of the adults of a household."""
    return range(city.household_start[household], city.household_start[household + 1])
