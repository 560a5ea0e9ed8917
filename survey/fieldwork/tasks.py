"""What fieldwork does every day by itself, and the job that looks through a round's interviews."""

from typing import Any

from celery import shared_task

from survey.audit.services import SYSTEM, Actor
from survey.common.errors import Problem
from survey.fieldwork.retention import destroy_field_contacts, forget_withdrawn
from survey.fieldwork.services.raising import acting, raise_doubts
from survey.fieldwork.sync.pushing import (
    destroy_originals,
    discard_payloads,
    has_unsettled,
    settle_waiting,
)
from survey.jobs import tasks
from survey.jobs.chores import daily
from survey.jobs.looks import at_every_look
from survey.jobs.models import Job
from survey.jobs.services import Progress, job_kind
from survey.responses.retention import due_rounds
from survey.studies.models import Round

RAISE_DOUBTS = "fieldwork.raise_doubts"


@job_kind(RAISE_DOUBTS)
def _raise_doubts(progress: Progress, params: dict[str, Any]) -> dict[str, Any]:
    round_ = Round.objects.get(pk=params["round"])
    progress.say(0.1, "")
    return raise_doubts(round=round_, acting_user=acting(params.get("user"), SYSTEM))


def start_raising(*, round: Round, acting_user: Actor) -> Job:
    """Start the job that looks through a round.

    Raises
    ------
    Problem common.busy : it is running already.
    """
    running = Job.objects.filter(
        kind=RAISE_DOUBTS, params__round=round.pk, state__in=(Job.State.PENDING, Job.State.RUNNING)
    )
    if running.exists():
        raise Problem("common.busy", what="疑点")
    params = {"round": round.pk, "user": acting_user.pk or None}
    return tasks.start(kind=RAISE_DOUBTS, params=params, acting_user=acting_user)


@daily("fieldwork.doubts")
def look_at_open_rounds() -> None:
    """Doubts of every round in the field."""
    for round_ in Round.objects.filter(state=Round.State.OPEN):
        raise_doubts(round=round_, acting_user=SYSTEM)


@daily("fieldwork.retention")
def destroy_due() -> None:
    """What leads to households, of rounds whose retention date has passed and of withdrawn interviews."""
    forget_withdrawn(acting_user=SYSTEM)
    for round_ in due_rounds():
        destroy_field_contacts(round=round_, acting_user=SYSTEM)


@shared_task(name="survey.fieldwork.tasks.settle_items")
def settle_items() -> None:
    """Settle what phones' requests only stored, until nothing is left."""
    while settle_waiting(code="") > 0:
        pass


@at_every_look("fieldwork.sync")
def look_at_items() -> None:
    """Items that their request had no time for."""
    if has_unsettled():
        settle_items.delay()


@daily("fieldwork.sync_waiting")
def sync_waiting() -> None:
    """Items of phones that were stored and could not be settled at once."""
    settle_waiting(limit=5000, budget_s=600.0)


@daily("fieldwork.sync_originals")
def sync_originals() -> None:
    """Sealed originals that are not needed any more."""
    discard_payloads()
    for round_ in due_rounds():
        destroy_originals(round=round_)
