"""Population margins from published census tables: cut an age group at a limit, leave out people who are not
in family households, add up to the groups that weighting needs.

Two assumptions are made and must be printed with every use (`SPLIT_RULE`, `COLLECTIVE_RULE`): ages are even
within a published group, and collective households are spread over sex and age like everybody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.errors import AnalysisError

SPLIT_RULE = "uniform-within-age-group"
COLLECTIVE_RULE = "proportional-to-family-household-share"

Band = tuple[int, int | None]


@dataclass(frozen=True)
class AgeCell:
    """Persons of one sex aged low … high (both included; high None: and older) in one region."""

    sex: str
    low: int
    high: int | None
    persons: float


def parse_age_group(text: str) -> Band:
    """Read a published label: "0" → (0, 0), "15-19" → (15, 19), "85+" → (85, None).

    Raises AnalysisError for anything else.
    """
    cleaned = text.strip().replace("–", "-").replace("—", "-")
    try:
        if cleaned.endswith("+"):
            return int(cleaned[:-1]), None
        low, _, high = cleaned.partition("-")
        band = int(low), int(high or low)
    except ValueError:
        raise AnalysisError(f"{text!r} is no age group; expected e.g. 15-19, 85+ or 0") from None
    if band[0] > band[1]:
        raise AnalysisError(f"the age group {text!r} ends before it begins")
    return band


def cut_at_age(cells: Sequence[AgeCell], min_age: int) -> list[AgeCell]:
    """The part of each cell that is at least `min_age` old; a group that the limit cuts is split evenly.

    15–19 at 18 leaves 18–19 with 2/5 of its persons. Raises AnalysisError when the limit cuts an open group.
    """
    kept = []
    for cell in cells:
        if cell.low >= min_age:
            kept.append(cell)
        elif cell.high is None:
            raise AnalysisError(f"the open group {cell.low}+ cannot be cut at age {min_age}")
        elif cell.high >= min_age:
            part = (cell.high - min_age + 1) / (cell.high - cell.low + 1)
            kept.append(AgeCell(cell.sex, min_age, cell.high, cell.persons * part))
    return kept


def adults_in_family_households(
    counts: Mapping[tuple[str, str], float],
    *,
    population: float,
    family_household_population: float,
    min_age: int = 18,
) -> list[AgeCell]:
    """Adults of one region in family households, by sex and published age group.

    Parameters
    ----------
    counts : {(sex, age label): persons} of the whole population
    population, family_household_population : persons in all, and in family households
    min_age : youngest age that belongs to the population

    Notes
    -----
    Persons × family_household_population / population in every cell. A published cross of household kind
    with age would be better where one exists: dormitories hold the young, so this leaves slightly too many
    people aged 18–24 and too few of the old.
    """
    if not 0 < family_household_population <= population:
        raise AnalysisError(
            f"{family_household_population:,.0f} persons in family households of {population:,.0f} in all: "
            "the first must be positive and not larger"
        )
    share = family_household_population / population
    cells = [
        AgeCell(sex, *parse_age_group(label), persons * share) for (sex, label), persons in counts.items()
    ]
    if any(not cell.persons >= 0 for cell in cells):
        raise AnalysisError("a census count is negative or missing")
    return sorted(cut_at_age(cells, min_age), key=lambda cell: (cell.sex, cell.low))


def sum_to_bands(cells: Sequence[AgeCell], bands: Sequence[Band]) -> dict[tuple[str, int], float]:
    """{(sex, index of band): persons}. A cell that a band's edge cuts is split evenly; nobody gets lost.

    Raises AnalysisError when bands overlap, leave a gap above the first one, or cut an open group.
    """
    _check_bands(bands)
    totals: dict[tuple[str, int], float] = {}
    for cell in cells:
        for index, (low, high) in enumerate(bands):
            part = _overlap(cell, low, high)
            if part:
                totals[cell.sex, index] = totals.get((cell.sex, index), 0.0) + cell.persons * part
    return totals


def band_of(age: float, bands: Sequence[Band]) -> int:
    """Index of the band that an age in completed years lies in; −1 outside all of them, or for NaN."""
    return next(
        (i for i, (low, high) in enumerate(bands) if age >= low and (high is None or age < high + 1)), -1
    )


def _overlap(cell: AgeCell, low: int, high: int | None) -> float:
    """Share of a cell that lies in low … high."""
    if cell.high is None:
        if high is not None and high < cell.low:
            return 0.0
        if high is None and low <= cell.low:
            return 1.0
        raise AnalysisError(f"the open group {cell.low}+ does not fit the age groups asked for")
    years = min(cell.high, cell.high if high is None else high) - max(cell.low, low) + 1
    return max(years, 0) / (cell.high - cell.low + 1)


def _check_bands(bands: Sequence[Band]) -> None:
    for (low, high), following in zip(bands, [*bands[1:], None], strict=True):
        if high is not None and high < low:
            raise AnalysisError(f"the age group {low}–{high} ends before it begins")
        if following is not None and (high is None or following[0] != high + 1):
            raise AnalysisError(f"the age group after {low}–{high} must begin at the next year")
