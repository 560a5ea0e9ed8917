"""What a run is computed from: one row per released case, its answers if it has any, and the outcome counts.

Volunteer answers stand apart: they never enter an estimate of the probability sample.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import Max, Min

from survey.common.canonical import sha256_of
from survey.reports.facts import Facts, case_facts, urban_rural
from survey.responses.models import Response
from survey.responses.outcomes import outcome_classes
from survey.responses.queries import case_columns, snapshot
from survey.responses.volunteers import doubts_of
from survey.sampling.models import Case, Draw
from survey.studies.models import Round

DISTRICT_DIGITS, STREET_DIGITS = 6, 9


# Outcomes of households in which somebody was reached: eligible, whatever came of it.
TOOK_PART = ("I", "P", "R", "NC", "O")


@dataclass(frozen=True, eq=False)
class Volunteers:
    """Answers through a poster or a shared link; arrays of shape (n_volunteers,).

    flagged : there is a doubt that nobody has cleared (survey.responses.volunteers.RULE): they do not count
    """

    path: np.ndarray
    mode: np.ndarray
    answers: dict[str, np.ndarray]
    flagged: np.ndarray
    response_ids: list[str | None]

    @classmethod
    def none(cls) -> "Volunteers":
        """Nobody."""
        nobody = np.zeros(0, dtype=object)
        return cls(nobody, nobody, {}, np.zeros(0, dtype=bool), [])

    @classmethod
    def of(cls, taken: dict[str, Any], rows: list[int], doubtful: set[str]) -> "Volunteers":
        """These rows of a snapshot's columns; `doubtful` are ids of flagged responses."""

        def pick(values: list[Any]) -> np.ndarray:
            found = np.full(len(rows), None, dtype=object)
            for at, row in enumerate(rows):
                found[at] = values[row]
            return found

        answers = {item: pick(values) for item, values in taken["answers"].items()}
        ids = [taken["response_id"][row] for row in rows]
        flagged = np.array([pk in doubtful for pk in ids], dtype=bool)
        return cls(pick(taken["region_path"]), pick(taken["mode"]), answers, flagged, ids)

    def __len__(self) -> int:
        return len(self.path)


@dataclass(frozen=True, eq=False)
class Inputs:
    """Columns of shape (n_cases,), in the order of the cases' opaque ids.

    base : 1 / inclusion probability, given the replicates that have been released
    answers : {item: answers as stored; None without}; outcome : AAPOR class of each case
    certainty : the case's PSU was in every possible sample
    took_part : a person was selected in the household, whether or not that person answered
    covariates : {name: numbers known for every case}, for a model of response
    urban : "urban", "rural" or "" by the community's 城乡分类代码
    volunteers : answers that no drawn household gave
    """

    case_ids: list[str]
    path: np.ndarray
    base: np.ndarray
    stratum: np.ndarray
    psu: np.ndarray
    certainty: np.ndarray
    outcome: np.ndarray
    responded: np.ndarray
    response_ids: list[str | None]
    person_probability: np.ndarray
    mode: np.ndarray
    answers: dict[str, np.ndarray]
    outcome_counts: dict[str, int]
    modes: dict[str, int]
    n_volunteer: int
    first_on: str
    last_on: str
    hash: str
    took_part: np.ndarray
    covariates: dict[str, np.ndarray]
    urban: np.ndarray
    volunteers: "Volunteers" = field(default_factory=lambda: Volunteers.none())

    @property
    def district(self) -> np.ndarray:
        """Path of each case's district."""
        return np.array([p[:DISTRICT_DIGITS] for p in self.path], dtype=object)

    @property
    def street(self) -> np.ndarray:
        """Path of each case's street."""
        return np.array([p[:STREET_DIGITS] for p in self.path], dtype=object)


def read_inputs(round: Round) -> Inputs:
    """Read and hash everything once. The hash covers the columns, not database keys or clocks."""
    cases = case_columns(round)
    taken = snapshot(round)
    place = {case: row for row, case in enumerate(cases["case_id"])}
    n = len(place)
    response_ids: list[str | None] = [None] * n
    probability, mode = np.full(n, np.nan), np.full(n, "", dtype=object)
    answers = {item: np.full(n, None, dtype=object) for item in taken["answers"]}
    outside: list[int] = []
    for row, (case, kind) in enumerate(zip(taken["case_id"], taken["sample_kind"], strict=True)):
        if kind != Response.SampleKind.PROBABILITY or case not in place:
            if kind == Response.SampleKind.VOLUNTEER:
                outside.append(row)
            continue
        at = place[case]
        response_ids[at] = taken["response_id"][row]
        probability[at] = _or_nan(taken["person_probability"][row])
        mode[at] = taken["mode"][row]
        for item, values in taken["answers"].items():
            answers[item][at] = values[row]
    responded = np.array([r is not None for r in response_ids], dtype=bool)
    outcome = outcome_classes(round, cases)
    facts = case_facts(round, cases["case_id"])
    doubtful = {str(pk) for pk in doubts_of(round)}
    took_part = responded | (facts.selected & np.isin(outcome, TOOK_PART))
    certainty, stage2 = _selection(round, cases)
    base = 1.0 / (np.array(cases["stage1_probability"], dtype=float) * stage2)
    first_on, last_on = _dates(round)
    return Inputs(
        case_ids=cases["case_id"],
        path=np.array(cases["region_path"], dtype=object),
        base=base,
        stratum=np.array(cases["variance_stratum"], dtype=object),
        psu=np.array(cases["variance_psu"], dtype=object),
        certainty=certainty,
        outcome=outcome,
        responded=responded,
        response_ids=response_ids,
        person_probability=np.where(responded, probability, np.where(took_part, facts.probability, np.nan)),
        mode=mode,
        answers=answers,
        outcome_counts=dict(sorted(Counter(outcome.tolist()).items())),
        modes=dict(sorted(Counter(mode[responded].tolist()).items())),
        n_volunteer=len(outside),
        first_on=first_on,
        last_on=last_on,
        hash=_hash(cases, taken, outcome, facts, doubtful),
        took_part=took_part,
        covariates=facts.covariates,
        urban=urban_rural(cases["region_path"]),
        volunteers=Volunteers.of(taken, outside, doubtful),
    )


def drawn(round: Round) -> Draw | None:
    """The draw whose cases are in the field."""
    return (
        Draw.objects.filter(design__round=round, state=Draw.State.DRAWN)
        .select_related("design__frame")
        .order_by("-number")
        .first()
    )


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _hash(
    cases: dict[str, Any], taken: dict[str, Any], outcome: np.ndarray, facts: Facts, doubtful: set[str]
) -> str:
    responses = {k: v for k, v in taken.items() if k != "questionnaire_version"}
    content = {"cases": cases, "responses": responses, "outcomes": outcome.tolist(), "facts": facts.plain()}
    flagged = sorted(doubtful & set(taken["response_id"]))
    return sha256_of(content | ({"flagged": flagged} if flagged else {}))


def _selection(round: Round, cases: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Certainty of each case's PSU, and the household's probability given what has been released.

    A case stores the probability of stage 2 up to its own replicate; once a later replicate of its PSU is in
    the field, every household of the PSU had that larger chance.
    """
    rows = Case.objects.released().filter(round=round)
    drawn_psu = {
        str(case): (psu, certain)
        for case, psu, certain in rows.values_list("opaque_id", "drawn_psu", "drawn_psu__is_certainty")
    }
    chance: dict[int, float] = {}
    for case, probability in zip(cases["case_id"], cases["stage2_probability"], strict=True):
        psu = drawn_psu[case][0]
        chance[psu] = max(chance.get(psu, 0.0), probability)
    certainty = np.array([drawn_psu[case][1] for case in cases["case_id"]], dtype=bool)
    stage2 = np.array([chance[drawn_psu[case][0]] for case in cases["case_id"]], dtype=float)
    return certainty, stage2


def _dates(round: Round) -> tuple[str, str]:
    """First and last day of the answers, as ISO dates; "" without answers."""
    span = (
        Response.objects.counted()
        .filter(round=round, case__isnull=False)
        .aggregate(first=Min("received_at"), last=Max("received_at"))
    )
    return tuple(span[k].date().isoformat() if span[k] else "" for k in ("first", "last"))
