"""Census margins for adults in family households."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.errors import AnalysisError
from analysis.margins import (
    AgeCell,
    adults_in_family_households,
    band_of,
    cut_at_age,
    parse_age_group,
    sum_to_bands,
)

CENSUS = Path(__file__).resolve().parents[2] / "survey/demo/data/census_jinan_2020.csv"
BANDS = ((18, 29), (30, 44), (45, 59), (60, 74), (75, None))


def tianqiao():
    counts, facts = {}, {}
    with CENSUS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["region_code"] != "370105000000":
                continue
            if row["variable"] == "sex_x_age5":
                counts[tuple(row["category"].split("|"))] = float(row["value"])
            facts[row["variable"], row["category"]] = float(row["value"])
    return counts, facts


@pytest.mark.parametrize(
    ("text", "band"), [("0", (0, 0)), ("15-19", (15, 19)), (" 1–4 ", (1, 4)), ("85+", (85, None))]
)
def test_published_labels_are_read(text, band):
    assert parse_age_group(text) == band


@pytest.mark.parametrize("text", ["", "old", "19-15", "a-b"])
def test_anything_else_is_refused(text):
    with pytest.raises(AnalysisError):
        parse_age_group(text)


def test_18_and_19_are_two_fifths_of_their_group():
    assert cut_at_age([AgeCell("male", 15, 19, 100.0), AgeCell("male", 20, 24, 7.0)], 18) == [
        AgeCell("male", 18, 19, 40.0),
        AgeCell("male", 20, 24, 7.0),
    ]


def test_an_open_group_cannot_be_cut():
    with pytest.raises(AnalysisError, match="open group"):
        cut_at_age([AgeCell("male", 15, None, 1.0)], 18)


def test_tianqiao_s_adults_agree_with_the_file_s_own_derived_count():
    counts, facts = tianqiao()
    cells = adults_in_family_households(counts, population=770202, family_household_population=770202)
    # The file rounds its derived figure to whole persons.
    assert sum(c.persons for c in cells) == pytest.approx(facts["age_18plus_est", "18+"], abs=1)


def test_collective_households_are_taken_out_of_every_cell_alike():
    counts, _ = tianqiao()
    cells = adults_in_family_households(counts, population=770202, family_household_population=714023)
    old = next(c for c in cells if c.sex == "female" and c.low == 85)
    assert old.persons == pytest.approx(5700 * 714023 / 770202)


def test_bands_keep_everybody():
    counts, _ = tianqiao()
    cells = adults_in_family_households(counts, population=770202, family_household_population=714023)
    totals = sum_to_bands(cells, BANDS)
    assert len(totals) == 10
    assert sum(totals.values()) == pytest.approx(sum(c.persons for c in cells))


def test_a_household_population_above_the_whole_is_refused():
    with pytest.raises(AnalysisError, match="not larger"):
        adults_in_family_households({("male", "20-24"): 5}, population=5, family_household_population=6)


@pytest.mark.parametrize("bands", [((18, 30), (30, None)), ((18, 29), (35, None)), ((18, None), (30, None))])
def test_bands_with_gaps_or_overlaps_are_refused(bands):
    with pytest.raises(AnalysisError):
        sum_to_bands([AgeCell("male", 20, 24, 1.0)], bands)


@given(
    persons=st.lists(st.floats(0, 1e6), min_size=14, max_size=14),
    edges=st.sets(st.integers(19, 84), max_size=5),
)
def test_any_bands_share_out_exactly_what_is_there(persons, edges):
    starts = [18, *sorted(edges)]
    bands = [(a, b - 1 if b else None) for a, b in zip(starts, [*starts[1:], None], strict=True)]
    lows = [*range(20, 85, 5)]
    cells = [AgeCell("female", low, low + 4, p) for low, p in zip(lows, persons[1:], strict=True)]
    cells = [AgeCell("female", 18, 19, persons[0]), *cells, AgeCell("female", 85, None, 3.0)]
    assert sum(sum_to_bands(cells, bands).values()) == pytest.approx(sum(persons) + 3.0)


@given(age=st.integers(0, 120))
def test_every_adult_has_exactly_one_band(age):
    index = band_of(age, BANDS)
    assert (index >= 0) == (age >= 18)
    if index >= 0:
        low, high = BANDS[index]
        assert age >= low and (high is None or age <= high)


def test_an_unknown_age_has_no_band():
    assert band_of(float("nan"), BANDS) == -1
