"""What becomes of one opened item: the rules of docs/field-sync.md that hold for every kind."""

from collections.abc import Callable

from django.db import transaction

from survey.accounts.models import User
from survey.common.clock import now
from survey.common.errors import Problem
from survey.common.statements import lock
from survey.fieldwork.models import Assignment
from survey.fieldwork.services import CLOCK_TOLERANCE
from survey.fieldwork.sync import flags
from survey.fieldwork.sync.files import FileMissing, take_file
from survey.fieldwork.sync.households import Tampered
from survey.fieldwork.sync.interviews import take_interview
from survey.fieldwork.sync.protocol import FILE, INTERVIEW, PHONE, REMARK, VISIT, Item, ItemError
from survey.fieldwork.sync.visits import take_phone, take_remark, take_visit
from survey.fieldwork.sync.work import Outcome, Work
from survey.fieldwork.sync_models import Device, SyncItem
from survey.sampling.models import Case

State = SyncItem.State
KINDS: dict[str, Callable[[Work], Outcome]] = {
    VISIT: take_visit,
    INTERVIEW: take_interview,
    FILE: take_file,
    REMARK: take_remark,
    PHONE: take_phone,
}


def apply_item(row: SyncItem, item: Item, device: Device) -> Outcome:
    """Do what an item says, wholly or not at all.

    Rules, in this order: the case is of the item's round; it is, or was when the phone last knew better,
    in this interviewer's hands; then those of the kind.
    """
    case = Case.objects.select_related("round__study", "community").filter(opaque_id=item.case).first()
    if case is None or case.round_id != row.round_id:
        return Outcome(State.REFUSED, "not_assigned", {"who": str(device.user)})
    hands = _hands(case, device.user, item)
    if hands == "never":
        return Outcome(State.REFUSED, "not_assigned", {"who": str(device.user)}, case=case)
    at = min(item.happened_at, now())
    work = Work(row, item, device.user, case, at)
    try:
        with transaction.atomic():
            lock(case)
            outcome = KINDS[item.kind](work)
            _doubts(work, outcome, hands)
    except Tampered as found:
        return Outcome(State.REFUSED, "tampered_selection", found.evidence, case=case)
    except FileMissing:
        return Outcome(State.WAITING, "file_missing", case=case)
    except ItemError as error:
        return Outcome(State.REFUSED, "unreadable", {"part": str(error)[:60]}, case=case)
    except Problem as problem:
        return Outcome(State.REFUSED, problem.code, {"message": problem.message}, case=case)
    return outcome


def _hands(case: Case, user: User, item: Item) -> str:
    """Whether the case is his: now, before (taken away while the phone could not know), or never."""
    mine = Assignment.objects.filter(case=case, interviewer=user)
    if mine.filter(ended_at__isnull=True).exists():
        return "now"
    known = item.pulled_at
    if known is not None and mine.filter(ended_at__gt=known).exists():
        return "before"
    return "never"


def _doubts(work: Work, outcome: Outcome, hands: str) -> None:
    case, item = work.case, work.item
    if hands == "before":
        flags.raise_flag(case, flags.REASSIGNED, {"item": str(work.row.pk), "who": str(work.user)})
    if item.happened_at > now() + CLOCK_TOLERANCE:
        evidence = {"item": str(work.row.pk), "phone_says": item.happened_at.isoformat()}
        flags.raise_flag(case, flags.CLOCK, evidence, outcome.response)
