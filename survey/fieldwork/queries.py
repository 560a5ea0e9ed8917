"""Reads what an interviewer and his supervisor need. An interviewer gets his own cases only."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.timezone import localdate

from survey.accounts.models import User
from survey.common.clock import today
from survey.common.crypto import decrypt
from survey.common.errors import Problem
from survey.contacts import dispositions
from survey.contacts.models import Contact
from survey.contacts.queries import address_of, drawn_cases, place_of, spoken_name
from survey.contacts.services.contacting import NOTE_PURPOSE, VOIDS
from survey.fieldwork.door import BY_KEY, DONE
from survey.fieldwork.models import Assignment, CallbackPhone, DoorClosing, SafetyNote
from survey.fieldwork.rules import least_attempts
from survey.regions.models import Region
from survey.responses.models import Response
from survey.sampling.models import Case, Draw
from survey.studies.models import Round

SAFETY_PURPOSE = "fieldwork.safety"
UNORDERED = 1_000_000  # after those with a place on the way
CLOSED = (Case.Status.COMPLETED, Case.Status.REFUSED, Case.Status.INELIGIBLE, Case.Status.UNABLE)


def cases_of(user: User) -> QuerySet[Case]:
    """The open rounds' cases that are in this interviewer's hands now. The only way to a door."""
    return (
        Case.objects.released()
        .filter(
            assignments__interviewer=user,
            assignments__ended_at__isnull=True,
            round__state=Round.State.OPEN,
            draw__state=Draw.State.DRAWN,
        )
        .select_related("frame_unit", "community__parent__parent__parent", "round__study__region")
    )


def case_of(user: User, opaque_id: UUID) -> Case:
    """One of this interviewer's cases.

    Raises
    ------
    Problem fieldwork.not_assigned : it is not his, or there is no such case; the answer is the same.
    """
    case = cases_of(user).filter(opaque_id=opaque_id).first()
    if case is None:
        raise Problem("fieldwork.not_assigned")
    return case


def asks_phone(case: Case, user: User) -> bool:
    """Whether this interviewer may still ask for a number: he did the interview here, and none was given."""
    mine = Response.objects.counted().filter(case=case, mode=Response.Mode.DOOR, interviewer=user)
    return mine.exists() and not CallbackPhone.objects.filter(case=case).exists()


@dataclass(frozen=True)
class Visit:
    """One attempt at the door, readable."""

    at: datetime
    label: str
    note: str
    appointment: datetime | None
    is_refusal: bool = False
    recorded_at: datetime | None = None


@dataclass(frozen=True)
class Door:
    """One case as the list of today and the door page show it."""

    case: Case
    address: str
    place: str
    visits: list[Visit]
    answered_mode: str  # "web", "door" or ""
    order: int | None = None  # place on the interviewer's way
    is_left: bool = False  # for good, by the contact rules or a supervisor
    retry_since: datetime | None = None  # when somebody else was asked to try a refusal once more
    safety: tuple[str, ...] = ()  # what to know before ringing
    min_attempts: int = 0  # of the round's rules; only `doors_of` looks them up

    @property
    def appointment(self) -> datetime | None:
        """The time agreed at the latest visit that agreed one and that no later visit has overtaken."""
        return self.visits[-1].appointment if self.visits else None

    @property
    def is_closed(self) -> bool:
        """Web answers close a door at once; a refusal opens once more for a second try, until that is one."""
        if self.answered_mode or self.is_left:
            return True
        if self.case.status == Case.Status.REFUSED and self.retry_since is not None:
            return any(v.is_refusal and v.recorded_at >= self.retry_since for v in self.visits)
        return self.case.status in CLOSED


def doors_of(user: User) -> list[Door]:
    """All doors of an interviewer, community by community in walking order (that of the frame where he has
    none)."""
    doors = _doors(cases_of(user).order_by("community__path", "frame_unit__position"))
    least = least_attempts(door.case.round_id for door in doors)
    doors = [replace(door, min_attempts=least[door.case.round_id]) for door in doors]
    return sorted(doors, key=lambda door: (door.case.community.path, door.order or UNORDERED))


def door_of(case: Case) -> Door:
    """One door with its history."""
    return _doors([case])[0]


def doors_for(cases: Iterable[Case]) -> list[Door]:
    """Several doors with their histories, in the order of `cases`."""
    return _doors(cases)


def _doors(cases: Any) -> list[Door]:
    cases = list(cases)
    visits: dict[int, list[Visit]] = defaultdict(list)
    rows = Contact.objects.filter(case__in=cases, mode=Contact.Mode.DOOR).order_by("at", "recorded_at")
    for contact in rows:
        if not contact.detail.get(VOIDS):  # nobody was at the door for that
            visits[contact.case_id].append(_visit(contact))
    answered = dict(
        Response.objects.counted().filter(case__in=cases).values_list("case_id", "mode")
    )  # case_id is the opaque id here
    held = {row.case_id: row for row in Assignment.objects.filter(case__in=cases, ended_at__isnull=True)}
    left = DoorClosing.objects.filter(case__in=cases, reopened_at__isnull=True)
    left_cases = set(left.values_list("case_id", flat=True))
    safety: dict[int, list[str]] = defaultdict(list)
    for note in SafetyNote.objects.filter(case__in=cases, ended_at__isnull=True):
        safety[note.case_id].append(decrypt(note.text_cipher, SAFETY_PURPOSE))
    return [
        Door(
            case=case,
            address=address_of(case),
            place=place_of(case.community),
            visits=visits[case.pk],
            answered_mode=answered.get(case.opaque_id, ""),
            order=held[case.pk].order if case.pk in held else None,
            is_left=case.pk in left_cases,
            retry_since=_retry_since(held.get(case.pk)),
            safety=tuple(safety[case.pk]),
        )
        for case in cases
    ]


def _retry_since(held: Assignment | None) -> datetime | None:
    return held.assigned_at if held is not None and held.is_conversion else None


def _label(contact: Contact) -> str:
    known = BY_KEY.get(contact.detail.get("result", ""))
    if known is not None:
        return known.label
    if contact.disposition == dispositions.COMPLETE:
        return DONE
    entry = dispositions.find(contact.mode, contact.disposition)
    return entry.label_zh if entry else contact.disposition


def _visit(contact: Contact) -> Visit:
    entry = dispositions.find(contact.mode, contact.disposition)
    appointment = contact.detail.get("appointment")
    return Visit(
        at=contact.at,
        label=_label(contact),
        note=decrypt(contact.note_cipher, NOTE_PURPOSE) if contact.note_cipher else "",
        appointment=parse_datetime(appointment) if appointment else None,
        is_refusal=entry is not None and entry.outcome_class == "R",
        recorded_at=contact.recorded_at,
    )


def split_today(doors: list[Door]) -> tuple[dict[str, list[Door]], list[Door]]:
    """The doors still to visit, by community as people say it, and those finished today."""
    waiting: dict[str, list[Door]] = defaultdict(list)
    finished = []
    for door in doors:
        if not door.is_closed:
            waiting[spoken_name(door.case.community.name)].append(door)
        elif door.visits and _is_today(door.visits[-1].at):
            finished.append(door)
    return dict(waiting), finished


def _is_today(moment: datetime) -> bool:
    return localdate(moment) == today()


@dataclass(frozen=True)
class Load:
    """A community's cases and in whose hands they are."""

    community: Region
    n_cases: int
    n_open: int
    n_unassigned: int
    interviewers: list[tuple[str, int]]


def loads(round: Round, user: User) -> list[Load]:
    """The drawn communities that a supervisor may see, with who has their open cases."""
    cases = drawn_cases(round).filter(pk__in=Case.objects.visible_to(user).values("pk"))
    open_cases = cases.exclude(status__in=CLOSED)
    totals = dict(cases.order_by().values_list("community").annotate(n=Count("pk")))
    waiting = dict(open_cases.order_by().values_list("community").annotate(n=Count("pk")))
    hands: dict[int, list[tuple[str, int]]] = defaultdict(list)
    active = Assignment.objects.filter(ended_at__isnull=True, case__in=open_cases.order_by().values("pk"))
    rows = active.values_list("case__community", "interviewer").annotate(n=Count("pk"))
    rows = list(rows.order_by("interviewer"))
    people = User.objects.in_bulk({row[1] for row in rows})
    for community, interviewer, n in rows:
        hands[community].append((str(people[interviewer]), n))
    regions = Region.objects.filter(pk__in=totals).select_related("parent__parent").order_by("path")
    return [
        Load(
            community=region,
            n_cases=totals[region.pk],
            n_open=waiting.get(region.pk, 0),
            n_unassigned=waiting.get(region.pk, 0) - sum(n for _name, n in hands[region.pk]),
            interviewers=hands[region.pk],
        )
        for region in regions
    ]


def interviewers_for(region: Region) -> QuerySet[User]:
    """Interviewers granted on this region or on one that holds it."""
    paths = [region.path[:n] for n in range(2, len(region.path) + 1)]
    granted = Q(grants__role="interviewer", grants__region__path__in=paths)
    return User.objects.filter(granted, is_active=True).distinct().order_by("display_name", "username")
