"""The true figures of the model city, by the same scoring as the estimates."""

from collections.abc import Sequence

import numpy as np

from survey.demo.city import Answers
from survey.indicators.models import IndicatorVersion
from survey.stats.scores import codes_of, person_values

ALL = "all"


def true_values(
    answers: Answers, versions: Sequence[IndicatorVersion], missing_codes: Sequence[str]
) -> dict[str, dict[str, float]]:
    """{indicator code: {region code, or "all": figure over all adults who live there}}, no composites."""
    city = answers.city
    columns = {}
    for name, values in answers.code_columns().items():
        codes, place = np.unique(values, return_inverse=True)
        texts = codes_of(np.array([None if np.isnan(c) else float(c) for c in codes], dtype=object))
        columns[name] = texts[place]
    community = city.household_community[city.adult_household]
    streets = np.array([c.street for c in city.communities], dtype=object)[community]
    districts = np.array([c.district for c in city.communities], dtype=object)[community]
    groups = {ALL: np.ones(city.n_adults, dtype=bool)}
    groups |= {code: districts == code for code in sorted(set(districts))}
    groups |= {code: streets == code for code in sorted(set(streets))}
    found: dict[str, dict[str, float]] = {}
    for version in versions:
        if version.kind == IndicatorVersion.Kind.COMPOSITE:  # holds scores that no resident has
            continue
        values = person_values(columns, version.definition, version.kind, missing_codes)
        found[version.indicator.code] = {
            code: float(np.nanmean(values[inside])) for code, inside in groups.items()
        }
    return found
