"""Census counts in, adults in family households by sex and age group out."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from analysis.margins import COLLECTIVE_RULE, SPLIT_RULE, AgeCell, Band, band_of, sum_to_bands
from analysis.margins import adults_in_family_households as _adults
from survey.stats.refusals import refusals

__all__ = ["COLLECTIVE_RULE", "SPLIT_RULE", "AgeCell", "Band", "adult_cells", "age_band", "band_totals"]


def adult_cells(
    counts: Mapping[tuple[str, str], float],
    *,
    population: float,
    family_household_population: float,
    min_age: int = 18,
) -> list[AgeCell]:
    """Adults of one region in family households by sex and published five-year group.

    `counts` is {("male" | "female", "15-19"): persons} of the whole population, collective households
    included. Rules: `SPLIT_RULE` at `min_age`, `COLLECTIVE_RULE` for those in collective households.
    """
    with refusals(_("总体边际")):
        return _adults(
            counts,
            population=population,
            family_household_population=family_household_population,
            min_age=min_age,
        )


def band_totals(cells: Sequence[AgeCell], bands: Sequence[Band]) -> dict[tuple[str, int], float]:
    """{(sex, index of age group): persons}."""
    with refusals(_("总体边际")):
        return sum_to_bands(cells, bands)


def age_band(age: float, bands: Sequence[Band]) -> int:
    """Index of the age group of an age in completed years; −1 when unknown or outside all groups."""
    return band_of(age, bands)
