"""Columns of the frame for the response model: coming cases, and those of the study's closed rounds."""

from typing import Any

import numpy as np

from survey.responses.outcomes import outcome_classes
from survey.responses.queries import case_columns
from survey.sampling.models import Case, Draw
from survey.studies.models import Round

DISTRICT_DIGITS, STREET_DIGITS = 6, 9
SIZES = (300, 1000)  # households of a community: small, middle, large


def coming_columns(round: Round) -> tuple[list[Case], dict[str, list[str]]]:
    """The round's released cases by number, and their columns from the coarsest to the finest."""
    cases = list(
        Case.objects.released()
        .filter(round=round, draw__state=Draw.State.DRAWN)
        .select_related("community", "drawn_psu__psu")
        .order_by("number")
    )
    return cases, _columns([(case.community.path, case.drawn_psu.psu.n_households) for case in cases])


def past_columns(round: Round) -> tuple[dict[str, list[str]], np.ndarray]:
    """The same columns of eligible cases of the study's closed rounds, and who of them responded (1 or 0)."""
    places: list[tuple[str, int]] = []
    responded: list[int] = []
    for past in round.study.rounds.filter(state=Round.State.CLOSED).exclude(pk=round.pk).order_by("pk"):
        read = case_columns(past)
        classes = outcome_classes(past, read)
        rows = Case.objects.filter(round=past).values_list("opaque_id", "drawn_psu__psu__n_households")
        sizes = {str(case): size for case, size in rows}
        for case, path, one, answered in zip(
            read["case_id"], read["region_path"], classes, read["responded"], strict=True
        ):
            if one != "NE":
                places.append((path, sizes[case]))
                responded.append(int(answered))
    return _columns(places), np.array(responded, dtype=int)


def _columns(places: list[tuple[str, int]]) -> dict[str, list[Any]]:
    return {
        "district": [path[:DISTRICT_DIGITS] for path, _size in places],
        "street": [path[:STREET_DIGITS] for path, _size in places],
        "community_size": [str(sum(size > limit for limit in SIZES)) for _path, size in places],
    }
