"""A round's interviews at the door as columns for the flags: codes, paradata, places, back-checks.

Answers are read here as codes only, to compare interviews with each other; texts stay sealed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import F
from django.utils.dateparse import parse_datetime

from survey.contacts.models import Contact
from survey.contacts.services import roster_members
from survey.fieldwork.models import BackCheck, CallbackPhone, DoorPhoto, VisitPlace
from survey.fieldwork.places import position_of
from survey.questionnaires.document import Document, block_items
from survey.responses.models import Response
from survey.stats.field_quality import Interviews, to_metres
from survey.studies.models import Round

AGE_ITEM, SEX_ITEM = "S02", "D01"  # as reports.weighting has them
SEX_OF_CODE = {"1": "male", "2": "female"}
LEAST_BLOCK = 4  # items with one scale, one after the other, that make a block
CODED = ("select_one", "scale")


@dataclass(frozen=True, eq=False)
class Field:
    """The interviews in the order of the columns, and the columns; `items` names those of `codes`."""

    responses: list[Response]
    data: Interviews
    items: tuple[str, ...]


def read_field(round: Round) -> Field | None:
    """Every counted interview at the door with its interviewer; None before the first."""
    rows = list(
        Response.objects.counted()
        .filter(round=round, mode=Response.Mode.DOOR, interviewer__isnull=False, case__isnull=False)
        .select_related("region", "selected_person__roster", "interviewer")
        .annotate(case_pk=F("case__pk"))
        .order_by("submitted_at", "pk")
    )
    if not rows:
        return None
    document = round.questionnaire_version.document
    items, blocks, missing = coded_items(document)
    codes = _codes(rows, items, missing)
    clock = [_started(row) for row in rows]
    n = len(rows)
    data = Interviews(
        interviewer=np.array([row.interviewer_id for row in rows]),
        area=np.array([row.region_id for row in rows]),
        codes=codes,
        blocks=blocks,
        n_unsure=np.array([_n_unsure(row.answers, missing) for row in rows]),
        n_items=np.array([len(row.path) for row in rows]),
        duration_s=np.array(
            [
                (row.submitted_at - at).total_seconds() if at else np.nan
                for row, at in zip(rows, clock, strict=True)
            ]
        ),
        start_s=np.array([at.timestamp() if at else np.nan for at in clock]),
        place_m=_places(rows),
        phone=_by_case(rows, CallbackPhone.objects.filter(case__round=round), "phone_hash", ""),
        photo=_photos(rows, round),
        n_adults=np.array([row.selected_person.n_eligible if row.selected_person else 0 for row in rows]),
        visits=_visits(rows, round),
        **_people(rows, n),
        **_checks(rows, round),
    )
    return Field(rows, data, items)


def coded_items(document: Document) -> tuple[tuple[str, ...], list[list[int]], Mapping[str, frozenset[str]]]:
    """Items with one code each; blocks of neighbours that share a scale, as column numbers; missing codes."""
    items: list[str] = []
    blocks: list[list[int]] = []
    missing: dict[str, frozenset[str]] = {}
    for block in document["blocks"]:
        if "repeat" in block:
            continue
        run: list[int] = []
        scale: Any = None
        for item in block_items(block):
            if item["type"] not in CODED:
                continue
            own = item.get("list") or (item.get("from"), item.get("to"))
            if own != scale:
                blocks.append(run)
                run, scale = [], own
            run.append(len(items))
            items.append(item["name"])
            missing[item["name"]] = _missing_codes(document, item)
        blocks.append(run)
    return tuple(items), [run for run in blocks if len(run) >= LEAST_BLOCK], missing


def _missing_codes(document: Document, item: Mapping[str, Any]) -> frozenset[str]:
    lists = document["choice_lists"]
    offered = [*lists.get(item.get("list") or "", []), *lists.get(item.get("missing") or "", [])]
    return frozenset(str(choice["code"]) for choice in offered if choice.get("missing"))


def _codes(
    rows: Sequence[Response], items: Sequence[str], missing: Mapping[str, frozenset[str]]
) -> np.ndarray:
    """Codes as small whole numbers in the order of their value; −1 for none and for missing ones."""
    columns = []
    for item in items:
        told = [str(row.answers.get(item, "")) for row in rows]
        valid = sorted({code for code in told if code and code not in missing[item]}, key=_value)
        place = {code: k for k, code in enumerate(valid)}
        columns.append([place.get(code, -1) for code in told])
    return np.array(columns, dtype=np.int16).T.reshape(len(rows), len(items))


def _value(code: str) -> tuple[float, str]:
    try:
        return float(code), code
    except ValueError:
        return float("inf"), code


def _n_unsure(answers: Mapping[str, Any], missing: Mapping[str, frozenset[str]]) -> int:
    return sum(str(answers.get(item)) in codes for item, codes in missing.items() if item in answers)


def _started(row: Response) -> datetime | None:
    told = row.paradata.get("started_at")
    try:
        at = parse_datetime(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None and at < row.submitted_at else None


def _places(rows: Sequence[Response]) -> np.ndarray:
    """Metres (n, 2) of where the interview was recorded; NaN where the phone did not know."""
    complete = VisitPlace.objects.filter(
        contact__case__in=[row.case_pk for row in rows],
        contact__mode=Contact.Mode.DOOR,
        contact__disposition__in=("1.1", "1.2"),
    ).select_related("contact")
    found = {place.contact.case_id: position_of(place) for place in complete.order_by("contact__at")}
    unknown = (np.nan, np.nan)
    degrees = np.array([found.get(row.case_pk, unknown) for row in rows], dtype=float)
    return to_metres(degrees[:, 0], degrees[:, 1])


def _by_case(rows: Sequence[Response], found: Any, name: str, empty: Any) -> np.ndarray:
    values = dict(found.order_by("pk").values_list("case", name))
    return np.array([values.get(row.case_pk, empty) for row in rows])


def _photos(rows: Sequence[Response], round_: Round) -> np.ndarray:
    marks = DoorPhoto.objects.filter(case__round=round_, attachment__response__in=rows)
    found = {photo.case_id: int(photo.fingerprint, 16) for photo in marks}
    return np.array([found.get(row.case_pk, 0) for row in rows], dtype=np.uint64)


def _visits(rows: Sequence[Response], round_: Round) -> np.ndarray:
    """Visits at the door up to and with the interview."""
    doors = Contact.objects.filter(case__round=round_, mode=Contact.Mode.DOOR).exclude(disposition="")
    times: dict[int, list[datetime]] = {}
    for case, at in doors.order_by().values_list("case", "at"):
        times.setdefault(case, []).append(at)
    return np.array([sum(at <= row.submitted_at for at in times.get(row.case_pk, [])) for row in rows])


def _people(rows: Sequence[Response], n: int) -> dict[str, np.ndarray]:
    """Age and sex of the chosen adult by the list, and as answered; NaN and "" where either is not known."""
    ages, sexes = np.full(n, np.nan), np.full(n, "", dtype=object)
    told_ages, told_sexes = np.full(n, np.nan), np.full(n, "", dtype=object)
    for i, row in enumerate(rows):
        person = row.selected_person
        if (
            person is None
            or person.roster is None
            or not person.chosen_index
            or not person.roster.members_cipher
        ):
            continue
        chosen = roster_members(person.roster)[person.chosen_index - 1]
        age, sex = row.answers.get(AGE_ITEM), SEX_OF_CODE.get(str(row.answers.get(SEX_ITEM)), chosen.sex)
        if isinstance(age, int | float) and age > 0:
            ages[i], told_ages[i], sexes[i], told_sexes[i] = chosen.age, age, chosen.sex, sex
    return {"roster_age": ages, "age": told_ages, "roster_sex": sexes, "sex": told_sexes}


def _checks(rows: Sequence[Response], round_: Round) -> dict[str, np.ndarray]:
    outcomes = dict(BackCheck.objects.filter(draw__round=round_).values_list("response", "outcome"))
    told = [outcomes.get(row.pk, "") for row in rows]
    refuted = np.array([one == BackCheck.Outcome.MISMATCH for one in told])
    return {
        "checked": refuted | np.array([one == BackCheck.Outcome.CONFIRMED for one in told]),
        "refuted": refuted,
    }
