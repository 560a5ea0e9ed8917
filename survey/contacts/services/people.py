"""Locks a household's roster and chooses who is asked in it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.crypto import decrypt, encrypt
from survey.common.errors import Problem
from survey.common.statements import lock
from survey.contacts.household import (
    MAX_MEMBERS,
    Member,
    RosterError,
    choose,
    normalise,
    probability,
    roster_hash,
)
from survey.contacts.models import HouseholdRoster, SelectedPerson
from survey.sampling.models import Case

ROSTER_PURPOSE = "contacts.roster"


def _people(members: Iterable[Mapping[str, Any]], case: Case) -> list[Member]:
    """Normalise what was typed, with the reason in words when a line cannot stand."""
    min_age = case.round.study.min_age
    reasons = {
        "label": _("请写一个称呼，比如“大儿子”，最多 40 个字"),
        "sex": _("请选男或女"),
        "age": _("年龄请填整数岁"),
        "young": _("名单只登记 %(age)s 岁及以上的人") % {"age": min_age},
        "same": _("和前面一位一模一样，请换个称呼分清楚"),
        "empty": _("名单是空的，至少要有一位 %(age)s 岁及以上的人") % {"age": min_age},
        "too_many": _("名单最多 %(count)s 人；住得更多的是集体户，请记为不合格") % {"count": MAX_MEMBERS},
    }
    try:
        return normalise(members, min_age=min_age)
    except RosterError as error:
        reason = reasons[error.reason]
        if error.row:
            reason = _("第 %(row)s 位：%(reason)s") % {"row": error.row, "reason": reason}
        raise Problem(
            "common.invalid", errors=[{"row": error.row, "reason": reason}], reason=reason
        ) from None


def _store(
    case: Case, people: list[Member], acting_user: Actor, *, number: int, changed: bool, reason: str
) -> HouseholdRoster:
    return HouseholdRoster.objects.create(
        case=case,
        number=number,
        members_cipher=encrypt(
            json.dumps([person._asdict() for person in people], ensure_ascii=False), ROSTER_PURPOSE
        ),
        n_eligible=len(people),
        roster_hash=roster_hash(people),
        locked_at=now(),
        changed_after_choice=changed,
        change_reason=reason,
        by_user_id=acting_user.pk or None,
    )


def lock_roster(*, case: Case, members: Iterable[Mapping[str, Any]], acting_user: Actor) -> HouseholdRoster:
    """Lock the household's adults ({"label", "sex", "age"}) in the documented order.

    The same list again returns the locked roster.

    Raises
    ------
    Problem common.invalid : a line that cannot stand, with its number.
    Problem fieldwork.roster_locked : another list is locked already; see `edit_roster`.
    """
    people = _people(members, case)
    with transaction.atomic():
        lock(case)
        last = case.rosters.order_by("-number").first()
        if last is not None:
            if last.roster_hash == roster_hash(people):
                return last
            raise Problem("fieldwork.roster_locked")
        roster = _store(case, people, acting_user, number=1, changed=False, reason="")
        record(
            action="contacts.roster.locked",
            acting_user=acting_user,
            target=roster,
            region_code=case.community.code,
            detail={"case": case.number, "n_eligible": len(people), "hash": roster.roster_hash},
        )
    return roster


def edit_roster(
    *, case: Case, members: Iterable[Mapping[str, Any]], reason: str, acting_user: Actor
) -> HouseholdRoster:
    """Lock a corrected list as the next version; the earlier one stays. Flagged when somebody was chosen.

    Raises
    ------
    Problem common.invalid : no reason, or a line that cannot stand.
    """
    if not reason.strip():
        raise Problem("common.invalid", reason=_("请写明为什么要改名单"))
    people = _people(members, case)
    with transaction.atomic():
        lock(case)
        last = case.rosters.order_by("-number").first()
        if last is not None and last.roster_hash == roster_hash(people):
            return last
        roster = _store(
            case,
            people,
            acting_user,
            number=last.number + 1 if last else 1,
            changed=case.selections.filter(roster__isnull=False).exists(),
            reason=reason.strip()[:300],
        )
        record(
            action="contacts.roster.edited",
            acting_user=acting_user,
            target=roster,
            region_code=case.community.code,
            detail={
                "case": case.number,
                "number": roster.number,
                "n_eligible": len(people),
                "changed_after_choice": roster.changed_after_choice,
            },
        )
    return roster


def roster_members(roster: HouseholdRoster) -> list[Member]:
    """The adults of a locked roster, in its order."""
    return [Member(**person) for person in json.loads(decrypt(roster.members_cipher, ROSTER_PURPOSE))]


def choose_person(*, case: Case, roster: HouseholdRoster, acting_user: Actor) -> SelectedPerson:
    """Who is asked: uniform over the locked roster, from the case's own seed. Twice is the same person.

    Raises
    ------
    Problem fieldwork.roster_locked : `roster` is not the case's latest one.
    """
    with transaction.atomic():
        lock(case)
        if roster != case.rosters.order_by("-number").first():
            raise Problem("fieldwork.roster_locked")
        existing = case.selections.filter(roster=roster).first()
        if existing is not None:
            return existing
        person = SelectedPerson.objects.create(
            case=case,
            roster=roster,
            method=SelectedPerson.Method.UNIFORM,
            n_eligible=roster.n_eligible,
            chosen_index=choose(case.selection_seed, roster.n_eligible),
            probability=probability(roster.n_eligible),
            selected_at=now(),
        )
        record(
            action="contacts.person.chosen",
            acting_user=acting_user,
            target=person,
            region_code=case.community.code,
            detail={
                "case": case.number,
                "method": person.method,
                "n_eligible": person.n_eligible,
                "chosen_index": person.chosen_index,
                "roster": roster.number,
            },
        )
    return person


def record_next_birthday(*, case: Case, n_eligible: int, acting_user: Actor) -> SelectedPerson:
    """The household chose whose birthday comes next among `n_eligible` adults.

    Labelled quasi-random; the probability 1/n holds by assumption only. The same count again returns the
    record that is there.

    Raises
    ------
    Problem common.invalid : `n_eligible` is not between 1 and 30.
    """
    if not 1 <= n_eligible <= MAX_MEMBERS:
        reason = _("家里的成年人数请填 1 到 %(count)s 之间的整数") % {"count": MAX_MEMBERS}
        raise Problem("common.invalid", reason=reason)
    with transaction.atomic():
        lock(case)
        last = case.selections.filter(method=SelectedPerson.Method.NEXT_BIRTHDAY).last()
        if last is not None and last.n_eligible == n_eligible:
            return last
        person = SelectedPerson.objects.create(
            case=case,
            method=SelectedPerson.Method.NEXT_BIRTHDAY,
            n_eligible=n_eligible,
            probability=probability(n_eligible),
            is_quasi_random=True,
            selected_at=now(),
        )
        record(
            action="contacts.person.chosen",
            acting_user=acting_user,
            target=person,
            region_code=case.community.code,
            detail={"case": case.number, "method": person.method, "n_eligible": n_eligible},
        )
    return person
