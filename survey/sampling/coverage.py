"""What a frame covers and what it misses: stored in `FrameVersion.checks` when it is imported."""

from typing import Any

from django.db.models import Count, Max, Q

from survey.regions.codes import path_at
from survey.regions.models import PopulationMargin, Region
from survey.sampling.models import FrameVersion

# Why collective households (集体户) do not count in a PSU's size: the population is adults in family
# households; dormitories and barracks need a design of their own.
COLLECTIVE_REASON = "outside_population"
LISTED = 500


def coverage_checks(frame: FrameVersion) -> dict[str, Any]:
    """Coverage of a frame whose units are stored.

    Keys: n_family, n_collective, collective_reason, empty_communities ([{code, name}], at most 500, with
    n_empty_communities), by_street ([{code, name, communities, family, collective}]), by_district ([{code,
    name, family, census_family_households, ratio, census_year}]; the last three are None without a census),
    absent_districts (names of districts without a single household; the other keys leave them out),
    same_address_elsewhere (addresses that occur in two communities).
    """
    counted = {
        row["community_id"]: row
        for row in frame.units.order_by()
        .values("community_id")
        .annotate(
            family=Count("pk", filter=Q(is_collective=False)),
            collective=Count("pk", filter=Q(is_collective=True)),
        )
    }
    names = dict(Region.objects.within(frame.region.path).values_list("path", "name"))
    communities = list(
        Region.objects.within(frame.region.path)
        .current()
        .filter(level="community")
        .values("id", "code", "name", "path")
    )
    # A list may leave out whole districts on purpose: they are named once, not community by community.
    present = {path_at(c["path"], "district") for c in communities if c["id"] in counted}
    absent = sorted({path_at(c["path"], "district") for c in communities} - present)
    communities = [c for c in communities if path_at(c["path"], "district") in present]
    empty = [c for c in communities if counted.get(c["id"], {}).get("family", 0) == 0]
    streets = _by_street(communities, counted, names)
    elsewhere = (
        frame.units.order_by()
        .values("address_hash")
        .annotate(places=Count("community_id", distinct=True))
        .filter(places__gt=1)
        .count()
    )
    return {
        "n_family": sum(street["family"] for street in streets),
        "n_collective": sum(street["collective"] for street in streets),
        "collective_reason": COLLECTIVE_REASON,
        "n_empty_communities": len(empty),
        "empty_communities": [{"code": c["code"], "name": c["name"]} for c in empty[:LISTED]],
        "by_street": streets,
        "by_district": _by_district(streets, names),
        "absent_districts": [names.get(path, path) for path in absent],
        "same_address_elsewhere": elsewhere,
    }


def _by_street(
    communities: list[dict[str, Any]], counted: dict[int, dict[str, int]], names: dict[str, str]
) -> list[dict[str, Any]]:
    streets: dict[str, dict[str, Any]] = {}
    for community in sorted(communities, key=lambda c: c["path"]):
        path = path_at(community["path"], "street")
        street = streets.setdefault(
            path,
            {
                "code": path.ljust(12, "0"),
                "name": names.get(path, ""),
                "communities": 0,
                "family": 0,
                "collective": 0,
            },
        )
        row = counted.get(community["id"], {"family": 0, "collective": 0})
        street["communities"] += 1
        street["family"] += row["family"]
        street["collective"] += row["collective"]
    return list(streets.values())


def _by_district(streets: list[dict[str, Any]], names: dict[str, str]) -> list[dict[str, Any]]:
    families: dict[str, int] = {}
    for street in streets:
        path = path_at(street["code"], "district")
        families[path] = families.get(path, 0) + street["family"]
    census = _census_households(list(families))
    rows = []
    for path, family in families.items():
        year, value = census.get(path, (None, None))
        rows.append(
            {
                "code": path.ljust(12, "0"),
                "name": names.get(path) or Region.objects.get(path=path).name,
                "family": family,
                "census_family_households": value,
                "ratio": round(family / value, 4) if value else None,
                "census_year": year,
            }
        )
    return rows


def _census_households(paths: list[str]) -> dict[str, tuple[int, int]]:
    """District path → (year, family households) of the newest census loaded."""
    margins = PopulationMargin.objects.filter(
        region__path__in=paths, variable="households", category="family_households"
    )
    newest = margins.aggregate(year=Max("source_year"))["year"]
    return {
        path: (year, int(value))
        for path, year, value in margins.filter(source_year=newest).values_list(
            "region__path", "source_year", "value"
        )
    }
