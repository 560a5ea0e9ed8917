"""What a phone is given: rounds, its cases in walking order, results of what it sent, work that came back.

The cursor is "<since>.<until>.<after>" in microseconds and a case's place: nothing about it is kept here, so
a pull that broke off goes on, or starts again, as the phone likes. What was recorded within `OVERLAP` before
`since` comes once more: a transaction may have been under way when its time was taken.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Max, Q, QuerySet
from django.urls import reverse

from survey.accounts.models import User
from survey.common.clock import now
from survey.common.errors import Problem
from survey.contacts import dispositions
from survey.contacts.models import HouseholdRoster
from survey.contacts.queries import spoken_name
from survey.contacts.services import roster_members
from survey.fieldwork.contact_rules import ContactRules
from survey.fieldwork.door import GROUPS, PRESENT, RESULTS
from survey.fieldwork.models import Assignment, Review
from survey.fieldwork.queries import UNORDERED, Door, cases_of, doors_for
from survey.fieldwork.rules import rules_of
from survey.fieldwork.sync.keys import key_of
from survey.fieldwork.sync_models import Device, SyncItem
from survey.responses.pages import LANGUAGE_CODES, consent_words
from survey.responses.services import open_answers
from survey.sampling.models import Case
from survey.studies.models import Round

PAGE = 100  # cases in one answer
OVERLAP = timedelta(minutes=2)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Cursor(NamedTuple):
    """Changes after `since` up to `until`; cases whose primary key is above `after`."""

    since: datetime
    until: datetime
    after: int

    def __str__(self) -> str:
        parts = (_micro(self.since), _micro(self.until), self.after)
        return ".".join(str(part) for part in parts)


def read_cursor(text: str) -> Cursor:
    """A cursor as it was given out; "" begins anew.

    Raises
    ------
    Problem fieldwork.bad_cursor
    """
    if not text:
        return Cursor(EPOCH, now(), 0)
    try:
        since, until, after = (int(part) for part in text.split("."))
        cursor = Cursor(_moment(since), _moment(until), after)
    except (ValueError, OverflowError):
        raise Problem("fieldwork.bad_cursor") from None
    return cursor if cursor.until > cursor.since else Cursor(cursor.since, now(), 0)


def pull(*, user: User, device: Device, cursor: Cursor) -> dict[str, Any]:
    """One page of what changed for this interviewer."""
    changed = _changed(cases_of(user), cursor)
    page = list(changed.filter(pk__gt=cursor.after).order_by("pk")[: PAGE + 1])
    more = len(page) > PAGE
    page = page[:PAGE]
    following = Cursor(cursor.since, cursor.until, page[-1].pk) if more else _done(cursor)
    first = cursor.after == 0
    return {
        "cursor": str(following),
        "more": more,
        "cases": _cases(page),
        "rounds": [_round(each) for each in _rounds(user)] if first else [],
        "gone": _gone(user, cursor) if first else [],
        "results": _results(device, cursor) if first else [],
        "returned": _returned(user) if first else [],
        "door": door_data() if first else None,
    }


def _done(cursor: Cursor) -> Cursor:
    """The next pull starts where this one looked to; an `until` equal to `since` means "up to now"."""
    return Cursor(cursor.until, cursor.until, 0)


def _changed(cases: QuerySet[Case], cursor: Cursor) -> QuerySet[Case]:
    if cursor.since == EPOCH:
        return cases
    since = cursor.since - OVERLAP
    touched = (
        Q(assignments__assigned_at__gt=since, assignments__ended_at__isnull=True)
        | Q(contacts__recorded_at__gt=since)
        | Q(responses__received_at__gt=since)
        | Q(rosters__locked_at__gt=since)
        | Q(door_closings__closed_at__gt=since)
        | Q(door_closings__reopened_at__gt=since)
        | Q(safety_notes__written_at__gt=since)
        | Q(safety_notes__ended_at__gt=since)
    )
    keys = Case.objects.filter(touched, assignments__interviewer__isnull=False).values("pk")
    return cases.filter(pk__in=keys)


def _gone(user: User, cursor: Cursor) -> list[str]:
    """Cases that this interviewer had and has no longer: the app drops what it may not know any more."""
    ended = Assignment.objects.filter(interviewer=user, ended_at__gt=cursor.since - OVERLAP)
    mine = cases_of(user).order_by().values("pk")
    return [str(each) for each in ended.exclude(case__in=mine).values_list("case__opaque_id", flat=True)]


def _rounds(user: User) -> list[Round]:
    rounds = cases_of(user).order_by().values("round")
    return list(
        Round.objects.filter(pk__in=rounds).select_related("study", "consent_text", "questionnaire_version")
    )


def _round(round_: Round) -> dict[str, Any]:
    study, version, key = round_.study, round_.questionnaire_version, key_of(round_)
    return {
        "id": round_.pk,
        "name": str(round_),
        "title": study.title,
        "phone": study.contact_phone,
        "form_number": study.form_number,
        "approving_body": study.approving_body,
        "approval_number": study.approval_number,
        "min_age": study.min_age,
        "min_attempts": rules_of(round_).min_attempts,
        "kept_until": round_.retention_until.isoformat() if round_.retention_until else None,
        "closes_on": round_.closes_on.isoformat() if round_.closes_on else None,
        "simulated": round_.is_simulated,
        "key": {"id": str(key.pk), "point": _hex(key.public_key)},
        "document": version.document_hash,
        "document_url": reverse("api:sync-document", args=[version.document_hash]),
        "consent": {language: consent_words(round_, language) for language in LANGUAGE_CODES},
        "consent_text": round_.consent_text.number if round_.consent_text else None,
    }


def _cases(cases: Iterable[Case]) -> list[dict[str, Any]]:
    doors = doors_for(cases)
    keys = [door.case.pk for door in doors]
    newest = HouseholdRoster.objects.filter(case__in=keys).values("case").annotate(last=Max("number"))
    last = {row["case"]: row["last"] for row in newest}
    rosters = {
        roster.case_id: roster
        for roster in HouseholdRoster.objects.filter(case__in=keys)
        if roster.number == last[roster.case_id]
    }
    return [_case(door, rosters.get(door.case.pk)) for door in doors]


def _case(door: Door, roster: HouseholdRoster | None) -> dict[str, Any]:
    case = door.case
    return {
        "id": str(case.opaque_id),
        "round": case.round_id,
        "number": case.number,
        "community": spoken_name(case.community.name),
        "community_code": case.community.code,
        "place": door.place,
        "address": door.address,
        "order": [case.community.path, door.order or UNORDERED, case.frame_unit.position],
        "seed": case.selection_seed,
        "status": case.status,
        "closed": door.is_closed,
        "answered": door.answered_mode,
        "safety": list(door.safety),
        "roster": _roster(roster) if roster else None,
        "visits": [
            {
                "at": visit.at.isoformat(),
                "label": str(visit.label),
                "note": visit.note,
                "appointment": visit.appointment.isoformat() if visit.appointment else None,
            }
            for visit in door.visits
        ],
    }


def _roster(roster: HouseholdRoster) -> dict[str, Any]:
    return {
        "number": roster.number,
        "hash": roster.roster_hash,
        "members": [member._asdict() for member in roster_members(roster)],
        "reason": roster.change_reason,
    }


def _results(device: Device, cursor: Cursor) -> list[dict[str, Any]]:
    """What became of items that this phone made, also of those whose answer got lost or came later."""
    items = SyncItem.objects.filter(device=device, settled_at__gt=cursor.since - OVERLAP)
    return [result_of(item) for item in items.order_by("settled_at")[:1000]]


def _returned(user: User) -> list[dict[str, Any]]:
    """His interviews that a supervisor sent back, with the comment and everything that was answered."""
    waiting = Review.objects.waiting().filter(
        response__interviewer=user,
        response__superseded_by__isnull=True,
        response__round__state=Round.State.OPEN,
    )
    return [
        {
            "review": review.pk,
            "comment": review.comment,
            "items": review.items,
            "at": review.reviewed_at.isoformat(),
            "case": str(review.response.case_id),
            "replaces": str(review.response.client_id),
            "document": review.response.questionnaire_version.document_hash,
            "language": review.response.language,
            "answers": open_answers(review.response),
            "present": review.response.paradata.get("present", []),
        }
        for review in waiting.select_related("response__questionnaire_version")
    ]


def result_of(item: SyncItem) -> dict[str, Any]:
    """The result of one item, as a push and a pull tell it."""
    return {"id": str(item.pk), "state": item.state, "code": item.code, **item.detail}


def door_data() -> dict[str, Any]:
    """What the app's door page offers: data, so that a new result needs no new app."""
    return {
        # For apps from before each round told its own; they draw as many dots as this says.
        "min_attempts": ContactRules().min_attempts,
        "groups": [{"key": key, "label": label} for key, label in GROUPS.items()],
        "results": [result._asdict() for result in RESULTS],
        "present": [{"key": key, "label": label} for key, label in PRESENT.items()],
        "dispositions": [
            {"code": entry.code, "label": entry.label_zh}
            for entry in dispositions.choices("door")
            if entry.outcome_class != "I"
        ],
    }


def _hex(data: bytes | memoryview) -> str:
    return bytes(data).hex()


def _micro(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _moment(micro: int) -> datetime:
    return EPOCH + timedelta(microseconds=micro)
