"""From “how exact, for whom” to a specification: the population, what it needs, what to expect."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from survey.common.canonical import sha256_of
from survey.regions.codes import path_at
from survey.regions.models import Region
from survey.sampling.frame_counts import community_counts
from survey.sampling.models import FrameVersion
from survey.sampling.planning import Community, PlannedPSU, PlannedStratum, build_psus
from survey.sampling.services.designs import PlannedDesign
from survey.stats.planning import (
    PROPORTIONAL,
    TARGETS,
    Goal,
    Group,
    Need,
    Stratum,
    Terms,
    allocate_communities,
    allocate_to_goals,
    combined_margin,
    forecast_groups,
    households_needed,
)
from survey.stats.selection import proportional_allocation
from survey.studies.models import Round

CITY, DISTRICT, STREET = "city", "district", "street"


@dataclass(frozen=True)
class Place:
    """A street of the scope, or the sum of several, with what a frame holds of it."""

    code: str
    name: str
    district: str
    households: int
    communities: tuple[Community, ...]


@dataclass(frozen=True)
class Population:
    """The streets of a round's scope in code order: those that are sampled, left out, or not in the frame."""

    streets: tuple[Place, ...]
    left_out: tuple[Place, ...]
    absent: tuple[str, ...]  # names of current streets without a household in the frame
    district_names: Mapping[str, str]
    n_collective: int

    @property
    def households(self) -> int:
        """Family households that can be drawn."""
        return sum(street.households for street in self.streets)

    @property
    def districts(self) -> list[Place]:
        """Districts with a street that is sampled, by code; their communities are those of the streets."""
        found: dict[str, list[Place]] = {}
        for street in self.streets:
            found.setdefault(street.district, []).append(street)
        return [
            Place(
                code,
                self.district_names.get(code, code),
                code,
                sum(s.households for s in members),
                tuple(c for s in members for c in s.communities),
            )
            for code, members in found.items()
        ]


def scope_streets(round_: Round) -> Any:
    """Current streets of the study's scope."""
    parts = [part.path for part in round_.study.scope.all()] or [round_.study.region.path]
    inside = reduce(or_, (Q(path__startswith=part) for part in parts))
    return Region.objects.current().filter(inside, level=Region.Level.STREET).order_by("path")


def population_of(round_: Round, frame: FrameVersion, excluded: Sequence[str] = ()) -> Population:
    """What a frame holds of a round's scope. `excluded`: codes of streets left out on purpose."""
    regions = list(scope_streets(round_).values_list("code", "name", "path"))
    inside = {path for _code, _name, path in regions}
    members: dict[str, list[Community]] = {}
    collective = 0
    for code, name, path, family, others in community_counts(frame):
        street = path_at(path, "street")
        if street in inside:
            members.setdefault(street, []).append(Community(code, name, street.ljust(12, "0"), family))
            collective += others
    places, absent = [], []
    for code, name, path in regions:
        held = members.get(path, [])
        size = sum(community.n_households for community in held)
        if not size:
            absent.append(name)
            continue
        district = path_at(path, "district").ljust(12, "0")
        places.append(Place(code, name, district, size, tuple(c for c in held if c.n_households)))
    out = set(excluded)
    names = dict(Region.objects.filter(code__in={p.district for p in places}).values_list("code", "name"))
    return Population(
        tuple(p for p in places if p.code not in out),
        tuple(p for p in places if p.code in out),
        tuple(absent),
        names,
        collective,
    )


@dataclass(frozen=True)
class Wish:
    """A margin for a set of streets, with the words that name it."""

    level: str
    code: str
    name: str
    streets: tuple[str, ...]
    households: int
    margin: float


def wishes_of(
    population: Population, margins: Mapping[str, float | None], own: Mapping[str, float]
) -> list[Wish]:
    """One wish for each place that has a margin.

    `margins`: by level, CITY, DISTRICT and STREET; `own`: by code of a place, instead.
    """
    wishes = []
    if margins.get(CITY):
        codes = tuple(s.code for s in population.streets)
        wishes.append(Wish(CITY, "", "", codes, population.households, float(margins[CITY] or 0)))
    for level, places in ((DISTRICT, population.districts), (STREET, population.streets)):
        for place in places:
            margin = own.get(place.code, margins.get(level))
            if margin:
                codes = tuple(s.code for s in population.streets if place.code in (s.code, s.district))
                wishes.append(Wish(level, place.code, place.name, codes, place.households, float(margin)))
    return wishes


def needs_of(wishes: Sequence[Wish], terms: Terms, take: int) -> list[tuple[Wish, Need]]:
    """What each wish needs by itself."""
    return [(wish, households_needed(terms, wish.margin, wish.households, take)) for wish in wishes]


def communities_needed(
    population: Population,
    wishes: Sequence[Wish],
    terms: Terms,
    take: int,
    *,
    spreads: Mapping[str, float],
    costs: Mapping[str, float],
) -> dict[str, int]:
    """Communities to draw in each street, so that all wishes are met at least cost; all at most."""
    strata = strata_of(population, terms, take, spreads=spreads, costs=costs)
    goals = [Goal(f"{w.level}{w.code}", frozenset(w.streets), w.margin) for w in wishes]
    drawn = allocate_to_goals(terms, strata, goals, take)
    return {
        s.code: min(max(math.ceil(drawn[s.code] / take), min(2, s.communities)), s.communities)
        for s in strata
    }


def strata_of(
    population: Population,
    terms: Terms,
    least: int,
    *,
    spreads: Mapping[str, float],
    costs: Mapping[str, float],
) -> list[Stratum]:
    """Streets as strata. `least` households make a sampling unit; small communities count together.

    `spreads`, `costs`: of a street or of its district, where they differ from the terms.

    Raises
    ------
    Impossible street_too_small : a street holds fewer than `least`.
    """
    units: dict[str, int] = {}
    for psu in build_psus([c for s in population.streets for c in s.communities], least):
        units[psu.street] = units.get(psu.street, 0) + 1
    return [
        Stratum(
            s.code,
            s.district,
            s.households,
            units[s.code],
            spreads.get(s.code, spreads.get(s.district, terms.sd)),
            costs.get(s.code, costs.get(s.district, terms.cost_household)),
        )
        for s in population.streets
    ]


@dataclass(frozen=True)
class Choices:
    """What the design step decides."""

    method: str
    n_communities: int
    take: int
    reserve_replicates: int
    reserve_take: int | None
    exclude: tuple[tuple[str, str], ...]  # (code, reason)

    @property
    def total_take(self) -> int:
        """Households drawn in a community with all reserves."""
        reserve = self.reserve_take or max(1, self.take // 4)
        return self.take + self.reserve_replicates * reserve


def build_spec(
    choices: Choices,
    population: Population,
    terms: Terms,
    wishes: Sequence[Wish],
    *,
    spreads: Mapping[str, float],
    costs: Mapping[str, float],
) -> dict[str, Any]:
    """The specification as `create_design` takes it. Proportional: the planner divides, and may join streets.

    Raises
    ------
    Impossible : a street is too small. Problem stats.impossible : the rule cannot be met.
    """
    spec: dict[str, Any] = {
        "stages": [
            {"unit": "psu", "method": "pps_systematic"},
            {"unit": "household", "method": "srs", "take": choices.take},
        ],
        "n_psus": choices.n_communities,
        "reserve_replicates": choices.reserve_replicates,
        "exclude": [{"code": code, "reason": reason} for code, reason in choices.exclude],
    }
    if choices.reserve_replicates and choices.reserve_take:
        spec["reserve_take"] = choices.reserve_take
    if choices.method == PROPORTIONAL:
        return spec
    options = {"spreads": spreads, "costs": costs}
    strata = strata_of(population, terms, choices.total_take, **options)
    if choices.method == TARGETS:
        wanted = communities_needed(population, wishes, terms, choices.take, **options)
        spec["n_psus"] = {s.code: min(wanted[s.code], s.communities) for s in strata}
    else:
        spec["n_psus"] = allocate_communities(
            choices.method, terms, strata, choices.n_communities, choices.take
        )
    return spec


def groups_of(planned: PlannedDesign) -> list[tuple[Group, tuple[str, ...]]]:
    """Parts of a plan that can be forecast, with their streets.

    A street has its certainty units and its part of its stratum's take. In a stratum of joined streets that
    part is left to chance: the forecast takes the expected number, in whole units; where that leaves a street
    without any, the joined streets are forecast together.
    """
    units: dict[str, list[PlannedPSU]] = {}
    for psu in planned.psus:
        units.setdefault(psu.street, []).append(psu)
    certain = Counter(stratum.streets[0] for stratum in planned.strata if stratum.certainty)
    found: list[tuple[Group, tuple[str, ...]]] = []
    for stratum in planned.strata:
        if not stratum.certainty:
            found += _groups_of_stratum(stratum, units, certain)
    sampled = {street for _group, streets in found for street in streets}
    for street in units.keys() - sampled:
        found.append(_group((street,), units, certain[street]))
    return sorted(found, key=lambda pair: pair[1])


def _groups_of_stratum(
    stratum: PlannedStratum, units: Mapping[str, list[PlannedPSU]], certain: Mapping[str, int]
) -> list[tuple[Group, tuple[str, ...]]]:
    sizes: dict[str, int] = dict.fromkeys(stratum.streets, 0)
    for psu in stratum.psus:
        sizes[psu.street] += psu.n_households
    there = Counter(psu.street for psu in stratum.psus)
    shares = proportional_allocation(
        {street: size for street, size in sizes.items() if size},
        stratum.n_take,
        at_least=0,
        at_most=dict(there),
    )
    takes = {street: shares.get(street, 0) + certain[street] for street in stratum.streets}
    if min(takes.values()) > 0:
        return [_group((street,), units, n) for street, n in takes.items()]
    return [_group(stratum.streets, units, sum(takes.values()))]


def _group(
    streets: tuple[str, ...], units: Mapping[str, list[PlannedPSU]], n: int
) -> tuple[Group, tuple[str, ...]]:
    sizes = tuple(psu.n_households for street in streets for psu in units[street])
    return Group(streets[0], sizes, n), streets


def forecast_plan(
    planned: PlannedDesign,
    terms: Terms,
    *,
    mean: float,
    names: Mapping[str, str],
    progress: Callable[[int, str], None] | None = None,
) -> dict[str, Any]:
    """Expected intervals of a plan: {"rows": by group, "whole", "districts": margins}; JSON throughout.

    Each row has what `forecast_groups` gives, `name`, `streets`, `district` and `is_shared` (joined with
    others in its stratum). The seed is the plan's own hash: the same plan shows the same forecast.
    """
    groups = groups_of(planned)
    take = planned.spec["stages"][1]["take"]
    rows = forecast_groups(
        [group for group, _streets in groups],
        take,
        terms,
        mean=mean,
        seed=int(sha256_of(planned.spec)[:12], 16),
        progress=progress,
    )
    joined = {street for stratum in planned.strata if stratum.joined for street in stratum.streets}
    for row, (_made, streets) in zip(rows, groups, strict=True):
        row["streets"] = list(streets)
        row["is_shared"] = streets[0] in joined
        row["name"] = "、".join(names.get(code, code) for code in streets)
        row["district"] = streets[0][:6].ljust(12, "0")
    return {
        "rows": rows,
        "whole": combined_margin(terms, rows),
        "districts": [
            _district_row(code, names, terms, [r for r in rows if r["district"] == code])
            for code in sorted({row["district"] for row in rows})
        ],
    }


def _district_row(
    code: str, names: Mapping[str, str], terms: Terms, rows: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "code": code,
        "name": names.get(code, code),
        "margin": combined_margin(terms, rows),
        "households": sum(r["households"] for r in rows),
        "interviews": sum(r["interviews"] for r in rows),
    }
