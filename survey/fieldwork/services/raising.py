"""Looks through a round's interviews and raises doubts with their evidence; the same doubt is raised once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import transaction

from survey.accounts.models import User
from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.fieldwork.alike_doors import alike_visits
from survey.fieldwork.field_columns import Field, read_field
from survey.fieldwork.models import DoorPhoto, FlagSubject
from survey.fieldwork.pictures import fingerprint
from survey.fieldwork.services.photographing import PLATE
from survey.regions.models import Region
from survey.responses.models import Attachment, Flag
from survey.responses.services import read_attachment
from survey.stats.field_quality import Doubts, Standouts, interview_doubts, interviewer_effects, standouts
from survey.studies.models import Round

ALPHA = 0.05
MOST_SHOWN = 20  # interviews that a flag lists
LEAST_INTERVIEWERS = 3
# Evidence of its own, whoever brings it; the other kinds are raised only where they are beyond chance.
HARD = frozenset({"same_answers", "photo", "phone", "misfit", "rushed", "backcheck"})
EFFECT_ALPHA = 0.01  # of the whole family of items


@dataclass
class Raised:
    """One doubt to be written."""

    key: str
    kind: str
    evidence: dict[str, Any]
    interviewer: int | None = None
    regions: list[int] = field(default_factory=list)


def raise_doubts(*, round: Round, acting_user: Actor) -> dict[str, int]:
    """Look through the round and write the doubts; {"interviews", "raised", "renewed"}.

    An open doubt gets the newest evidence. A settled one comes back only with more interviews than it had.
    """
    fingerprint_doors(round=round, acting_user=acting_user)
    wanted, found = [*_of_visits(round)], read_field(round)
    if found is None and not wanted:
        return {"interviews": 0, "raised": 0, "renewed": 0}
    if found is not None:
        doubts = interview_doubts(found.data)
        people = standouts(found.data.interviewer, doubts, alpha=ALPHA)
        wanted += [*_of_interviewers(found, doubts, people), *_of_items(found)]
    with transaction.atomic():
        Round.objects.select_for_update().get(pk=round.pk)
        counts = [_write(round, one) for one in wanted]
        result = {
            "interviews": len(found.responses) if found else 0,
            "raised": counts.count("raised"),
            "renewed": counts.count("renewed"),
        }
        record(
            action="fieldwork.doubts.raised",
            acting_user=acting_user,
            target=round,
            region_code=round.study.region.code,
            detail=result,
        )
    return result


def fingerprint_doors(*, round: Round, acting_user: Actor) -> int:
    """Fingerprint the doors' pictures that have none yet; how many. Each reading is in the audit trail."""
    waiting = Attachment.objects.filter(
        item=PLATE, response__round=round, response__case__isnull=False, door_photo__isnull=True
    ).select_related("response__case", "response__region")
    rows = [
        DoorPhoto(
            attachment=picture,
            case=picture.response.case,
            fingerprint=f"{fingerprint(read_attachment(attachment=picture, acting_user=acting_user)):016x}",
            taken_by_id=picture.response.interviewer_id,
        )
        for picture in waiting
    ]
    DoorPhoto.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _of_visits(round_: Round) -> Iterable[Raised]:
    """One doubt for each visitor whose pictures of different doors are one picture."""
    for person, one in alike_visits(round_).items():
        if one.pictures:
            evidence = {
                "interviewer": person,
                "n": len(one.pictures),
                "taken": one.taken,
                "pictures": one.pictures[:MOST_SHOWN],
            }
            yield Raised(f"visit_photo:{person}", "visit_photo", evidence, person, sorted(one.regions))


def _of_interviewers(found: Field, doubts: Doubts, people: Standouts) -> Iterable[Raised]:
    """One doubt for each interviewer and kind: hard evidence always, patterns where beyond chance."""
    who = found.data.interviewer
    for i, person in enumerate(people.people):
        for k, kind in enumerate(people.kinds):
            hits = int(people.hits[i, k])
            beyond = bool(people.by_kind[i, k] <= ALPHA)
            if not hits or kind == "combined" or not (beyond or kind in HARD):
                continue
            rows = np.flatnonzero((who == person) & doubts.odd[kind])
            usual = people.outliers.get(kind)
            evidence = {
                "interviewer": int(person),
                "n": hits,
                "of": int(people.tries[i, k]),
                "usual": float(usual.expected[i]) if usual else None,
                "low": float(usual.low[i]) if usual else None,
                "high": float(usual.high[i]) if usual else None,
                "p": float(people.p[i, k]),
                "beyond_chance": beyond,
                "suspect": bool(people.stands_out[i]),
                "interviews": [_interview(found, doubts, kind, int(row)) for row in rows[:MOST_SHOWN]],
            }
            regions = sorted({found.responses[row].region_id for row in rows})
            yield Raised(f"{kind}:{person}", kind, evidence, int(person), regions)


def _interview(found: Field, doubts: Doubts, kind: str, row: int) -> dict[str, Any]:
    """One interview's own figures; never an answer."""
    own: dict[str, Any] = {"response": str(found.responses[row].pk)}
    for name in EVIDENCE.get(kind, ()):
        value = doubts.measures[name][row]
        if name.endswith("row") or name == "row_before":
            own["other"] = str(found.responses[int(value)].pk) if value >= 0 else None
        elif np.isfinite(value):
            own[name] = round(float(value), 3)
    if kind in ("fast", "uneven") and found.data.duration_s is not None:
        own["minutes"] = round(float(found.data.duration_s[row]) / 60, 1)
    return own


EVIDENCE = {
    "fast": ("pace",),
    "uneven": ("pace_own",),
    "flat": ("flat_blocks",),
    "unsure": ("unsure_share",),
    "same_answers": ("same_share", "same_row"),
    "typical": ("closeness",),
    "rushed": ("gap_s", "way_m", "row_before"),
    "far": ("distance_m", "reach_m"),
    "phone": ("phone_times",),
    "photo": ("photo_bits", "photo_row"),
    "misfit": ("years_off",),
}


def _of_items(found: Field) -> Iterable[Raised]:
    """Items on which interviewers differ beyond chance within the communities that they share."""
    codes = found.data.codes.astype(float)
    codes[codes < 0] = np.nan
    effects = interviewer_effects(
        {name: codes[:, k] for k, name in enumerate(found.items)}, found.data.interviewer, found.data.area
    )
    if not effects:
        return
    strong = [
        {"item": name, "f": one.f, "p": one.p, "share": one.share, "n": one.n}
        for name, one in effects.items()
        if one.p * len(effects) <= EFFECT_ALPHA
    ]
    if strong:
        strong.sort(key=lambda one: one["p"])
        regions = sorted({response.region_id for response in found.responses})
        evidence = {"items": strong[:MOST_SHOWN], "n": len(strong), "tested": len(effects)}
        yield Raised("interviewer_effect", "interviewer_effect", evidence, None, regions)


def _write(round_: Round, one: Raised) -> str:
    """Raise, renew or leave a doubt."""
    subject = FlagSubject.objects.filter(round=round_, key=one.key).select_related("flag").first()
    region = _smallest(one.regions)
    if subject is None:
        flag = Flag.objects.create(round=round_, kind=one.kind, evidence=one.evidence)
        FlagSubject.objects.create(
            flag=flag, round=round_, key=one.key, interviewer_id=one.interviewer, region=region
        )
        return "raised"
    flag = subject.flag
    if flag.settled_at is None:
        Flag.objects.filter(pk=flag.pk).update(evidence=one.evidence)
        FlagSubject.objects.filter(pk=subject.pk).update(region=region)
        return "renewed"
    if one.evidence["n"] > flag.evidence.get("n", 0):  # settled, and more has come since
        FlagSubject.objects.filter(pk=subject.pk).update(key=f"{one.key}@{now():%Y%m%d%H%M%S%f}")
        return _write(round_, one)
    return "left"


def _smallest(region_ids: list[int]) -> Region | None:
    """The smallest region that holds all of these."""
    regions = list(Region.objects.filter(pk__in=region_ids).values_list("path", flat=True))
    if not regions:
        return None
    common = regions[0]
    for path in regions[1:]:
        while not path.startswith(common):
            common = common[:-1]
    inside = [common[:n] for n in range(2, len(common) + 1)]
    return Region.objects.filter(path__in=inside).order_by("-path").first()


def acting(user_pk: int | None, fallback: Actor) -> Actor:
    """Who started a job; the program itself where the account is gone."""
    return User.objects.filter(pk=user_pk).first() or fallback
