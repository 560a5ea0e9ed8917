"""The population that answers stand for: adults in family households, from the census, by district."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _

from survey.common.errors import Problem
from survey.regions.models import PopulationMargin, Region
from survey.sampling.models import FrameUnit, FrameVersion
from survey.stats.margins import COLLECTIVE_RULE, SPLIT_RULE, Band, adult_cells, band_totals

FRAME_TO_CENSUS = "frame-to-census"
NO_SCALE = "none"


def read_margins(
    districts: Sequence[str],
    *,
    frame: FrameVersion,
    source_year: int,
    min_age: int,
    bands: Sequence[Band],
    scale: str,
) -> tuple[dict[tuple[str, str, int], float], list[dict[str, Any]]]:
    """Adults in family households by (district path, sex, age group), and one printed row per district.

    Parameters
    ----------
    districts : paths of six digits
    scale : "none", or "frame-to-census": persons × households of the frame / family households of the census
        (a model city, or a frame that covers part of a district)

    Raises
    ------
    Problem reports.no_margins : a district has no census cells.
    """
    totals: dict[tuple[str, str, int], float] = {}
    rows = []
    in_frame = _frame_households(frame)
    for path in sorted(districts):
        census = _census(path, source_year)
        factor = in_frame.get(path, 0) / census["family_households"] if scale == FRAME_TO_CENSUS else 1.0
        cells = adult_cells(
            census["counts"],
            population=census["population"],
            family_household_population=census["family_household_population"],
            min_age=min_age,
        )
        here = {key: persons * factor for key, persons in band_totals(cells, bands).items()}
        totals |= {(path, sex, band): persons for (sex, band), persons in here.items()}
        rows.append(
            {
                "district": path,
                "population": census["population"],
                "family_household_population": census["family_household_population"],
                "family_households": census["family_households"],
                "frame_households": in_frame.get(path, 0),
                "scale": factor,
                "adults": sum(here.values()),
            }
        )
    return totals, rows


def rules(scale: str) -> dict[str, str]:
    """The names of the rules above, for the recipe."""
    return {"split": SPLIT_RULE, "collective": COLLECTIVE_RULE, "population_scale": scale}


def _census(path: str, source_year: int) -> dict[str, Any]:
    region = Region.objects.get(path=path)
    rows = PopulationMargin.objects.filter(region=region, source_year=source_year)
    counts: dict[tuple[str, str], float] = {}
    facts: dict[str, float] = {}
    for variable, category, value in rows.values_list("variable", "category", "value"):
        if variable == "sex_x_age5":
            sex, _bar, age = category.partition("|")
            counts[sex, age] = value
        elif variable == "households":
            facts[category] = value
    if not counts:
        raise Problem("reports.no_margins", region=region.name, what=_("性别 × 年龄"))
    for needed in ("family_households", "family_household_population"):
        if needed not in facts:
            raise Problem("reports.no_margins", region=region.name, what=_("家庭户户数和人口"))
    return {"counts": counts, "population": sum(counts.values()), **facts}


def _frame_households(frame: FrameVersion) -> dict[str, int]:
    """Family households of the frame by district path."""
    found: dict[str, int] = {}
    rows = (
        FrameUnit.objects.filter(frame=frame, is_collective=False)
        .order_by()
        .values_list("community__path")
        .annotate(n=Count("pk"))
    )
    for path, n in rows:
        found[path[:6]] = found.get(path[:6], 0) + n
    return found
