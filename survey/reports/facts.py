"""What is known of every released case beside its answer: frame, visits, and whether a person was chosen."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from survey.contacts.models import Contact, SelectedPerson
from survey.fieldwork.board import response_model_columns
from survey.regions.models import Region
from survey.sampling.models import Case
from survey.studies.models import Round

# 统计用城乡分类代码: 111–123 城镇, 210 and 220 乡村 (国家统计局, 统计用区划代码和城乡划分代码编制规则).
URBAN, RURAL = "1", "2"


@dataclass(frozen=True, eq=False)
class Facts:
    """Arrays of shape (n_cases,).

    selected : a person was chosen in the household; probability : that person's, NaN without
    covariates : {"visits", "letters", "phone", "psu_households", "certainty", and of the field's rules
        "attempts", "off_hours", "priority_class" (0 where no list was frozen): numbers without gaps}
    """

    selected: np.ndarray
    probability: np.ndarray
    covariates: dict[str, np.ndarray]

    def plain(self) -> dict[str, Any]:
        """For the hash of the inputs."""
        chances = [None if np.isnan(p) else float(p) for p in self.probability]
        return {"probability": chances, **{k: v.tolist() for k, v in sorted(self.covariates.items())}}


def case_facts(round: Round, case_ids: list[str]) -> Facts:
    """The facts of these cases, in their order."""
    chosen = SelectedPerson.objects.filter(case__round=round).order_by("selected_at", "pk")
    probability = {str(case): p for case, p in chosen.values_list("case__opaque_id", "probability")}
    met: dict[str, Counter[str]] = {"door": Counter(), "letter": Counter()}
    contacts = Contact.objects.filter(case__round=round, mode__in=met)
    for case, mode in contacts.values_list("case__opaque_id", "mode").iterator():
        met[mode][str(case)] += 1
    frame = {
        str(case): (households, certain, phone)
        for case, households, certain, phone in Case.objects.released()
        .filter(round=round)
        .values_list(
            "opaque_id",
            "drawn_psu__psu__n_households",
            "drawn_psu__is_certainty",
            "frame_unit__phone_cipher",
        )
        .iterator()
    }
    chances = np.array([probability.get(case, np.nan) for case in case_ids], dtype=float)
    columns = {
        "visits": [met["door"][case] for case in case_ids],
        "letters": [met["letter"][case] for case in case_ids],
        "phone": [frame[case][2] is not None for case in case_ids],
        "psu_households": [np.log(max(frame[case][0], 1)) for case in case_ids],
        "certainty": [frame[case][1] for case in case_ids],
        **_of_the_field(round, case_ids),
    }
    covariates = {name: np.array(values, dtype=float) for name, values in columns.items()}
    return Facts(np.isfinite(chances), chances, covariates)


def _of_the_field(round: Round, case_ids: list[str]) -> dict[str, list[float]]:
    """Occasions at the door by the contact rules, and the class of the list frozen before the field."""
    found = response_model_columns(round)
    place = {case: row for row, case in enumerate(found["case_id"])}
    names = ("attempts", "off_hours", "priority_class")
    return {name: [found[name][place[case]] for case in case_ids] for name in names}


def urban_rural(paths: list[str]) -> np.ndarray:
    """ "urban", "rural" or "" (not told) of each community path."""
    wanted = {path[:12] for path in paths}
    codes = dict(
        Region.objects.filter(level=Region.Level.COMMUNITY, path__in=wanted).values_list(
            "path", "urban_rural_code"
        )
    )
    names = {URBAN: "urban", RURAL: "rural"}
    return np.array([names.get(codes.get(path[:12], "")[:1], "") for path in paths], dtype=object)
