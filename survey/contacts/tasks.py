"""Jobs of contacts."""

from collections.abc import Iterable
from typing import Any

from survey.accounts.models import User
from survey.audit.services import SYSTEM, Actor
from survey.common.errors import Problem
from survey.contacts.services import prepare_letters
from survey.jobs import tasks
from survey.jobs.models import Job
from survey.jobs.services import Progress, job_kind
from survey.studies.models import Round

PREPARE_LETTERS = "contacts.prepare_letters"


@job_kind(PREPARE_LETTERS)
def _prepare_letters(progress: Progress, params: dict[str, Any]) -> dict[str, Any]:
    batch = prepare_letters(
        round=Round.objects.get(pk=params["round"]),
        acting_user=User.objects.filter(pk=params.get("user")).first() or SYSTEM,
        progress=progress,
        step=params.get("step", "letter"),
        case_ids=params.get("case_ids"),
        skip_unprintable=params.get("skip_unprintable", False),
        language=params.get("language", "zh-hans"),
        as_sheet=params.get("as_sheet", False),
        job=progress.job,
    )
    return {"batch": batch.pk, "n_letters": batch.n_letters, "unprintable": batch.unprintable}


def start_letters(
    *,
    round: Round,
    acting_user: Actor,
    step: str = "letter",
    case_ids: Iterable[int] | None = None,
    skip_unprintable: bool = False,
    language: str = "zh-hans",
    as_sheet: bool = False,
) -> Job:
    """Start the job that prepares a round's letters; its result names the batch.

    Raises
    ------
    Problem common.busy : the round's letters are being prepared already; two jobs would print some twice.
    """
    running = Job.objects.filter(
        kind=PREPARE_LETTERS,
        params__round=round.pk,
        state__in=(Job.State.PENDING, Job.State.RUNNING),
    )
    if running.exists():
        raise Problem("common.busy", what="信")
    params = {
        "round": round.pk,
        "user": acting_user.pk or None,
        "step": step,
        "case_ids": None if case_ids is None else list(case_ids),
        "skip_unprintable": skip_unprintable,
        "language": language,
        "as_sheet": as_sheet,
    }
    return tasks.start(kind=PREPARE_LETTERS, params=params, acting_user=acting_user)
