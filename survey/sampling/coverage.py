"""What a frame covers and what it misses: stored in `FrameVersion.checks` when it is imported."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from survey.regions.codes import path_at
from survey.regions.models import PopulationMargin, Region
from survey.sampling.duplicates import doubled_across
from survey.sampling.frame_changes import changes_since_last
from survey.sampling.frame_trees import CommunityRoot
from survey.sampling.models import FrameVersion

# Why collective households (集体户) do not count in a PSU's size: the population is adults in family
# households; dormitories and barracks need a design of their own.
COLLECTIVE_REASON = "outside_population"
REASONS = {
    COLLECTIVE_REASON: _("集体户：调查总体是家庭户里的成年人，宿舍、营房要另作设计"),
    "no_family_households": _("名录里没有家庭户：没有人能抽到"),
    "absent_district": _("整个区县不在名录里"),
}
LISTED, EXAMPLES = 500, 50


def coverage_checks(
    frame: FrameVersion, roots: Sequence[CommunityRoot], *, is_doubled: bool
) -> dict[str, Any]:
    """Coverage of a frame whose units are stored.

    Parameters
    ----------
    roots : its communities with their counts.
    is_doubled : whether any address occurs twice; if not, they are not searched again.

    Returns
    -------
    Keys: n_family, n_collective, collective_reason, collective_communities ([{code, name, n}], at most 500,
    with n_collective_communities), empty_communities ([{code, name}], at most 500, with
    n_empty_communities), by_street ([{code, name, communities, family, collective}]), by_district ([{code,
    name, family, census_family_households, ratio, census_year}]; the last three are None without a census),
    absent_districts (names of districts without a single household; the other keys leave them out),
    same_address_elsewhere (addresses that occur in several communities) with the first 50 of them in
    same_address_examples (see `doubled_across`), changes (see `changes_since_last`; None for a first frame).
    """
    counted = {
        root.community_id: {"family": root.n_family, "collective": root.n_collective} for root in roots
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
    collective = [root for root in roots if root.n_collective]
    streets = _by_street(communities, counted, names)
    n_elsewhere, elsewhere = doubled_across(frame, EXAMPLES) if is_doubled else (0, [])
    return {
        "n_family": sum(root.n_family for root in roots),
        "n_collective": sum(root.n_collective for root in roots),
        "collective_reason": COLLECTIVE_REASON,
        "n_collective_communities": len(collective),
        "collective_communities": [
            {"code": root.code, "name": root.name, "n": root.n_collective} for root in collective[:LISTED]
        ],
        "n_empty_communities": len(empty),
        "empty_communities": [{"code": c["code"], "name": c["name"]} for c in empty[:LISTED]],
        "by_street": streets,
        "by_district": _by_district(streets, names),
        "absent_districts": [names.get(path, path) for path in absent],
        "same_address_elsewhere": n_elsewhere,
        "same_address_examples": elsewhere,
        "changes": changes_since_last(frame, roots),
    }


def excluded_units(checks: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What of a region nobody can draw from a frame, with the reason in words: {code, name, n, reason}.

    `n` is the number of collective households left out, None where a whole place is. Names of absent
    districts come without code.
    """
    for name in checks.get("absent_districts", []):
        yield {"code": "", "name": name, "n": None, "reason": REASONS["absent_district"]}
    for place in checks.get("empty_communities", []):
        yield {**place, "n": None, "reason": REASONS["no_family_households"]}
    for place in checks.get("collective_communities", []):
        yield {**place, "reason": REASONS[COLLECTIVE_REASON]}


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
