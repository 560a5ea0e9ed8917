"""The job around a run. Params: {"round": id, "volunteers": whether to add their part}; its run carries the
job's own id.
"""

from typing import Any

from survey.accounts.models import User
from survey.audit.services import SYSTEM
from survey.common.errors import Problem
from survey.jobs.chores import daily
from survey.jobs.models import Job
from survey.jobs.services import Cancelled, Progress, job_kind
from survey.jobs.tasks import start
from survey.reports.models import Run
from survey.reports.services import create_run
from survey.reports.snapshots import remove_stale_snapshots
from survey.studies.models import Round

KIND = "reports.run"


@job_kind(KIND)
def run_report(progress: Progress, params: dict[str, Any]) -> dict[str, Any]:
    """Safe to repeat: a run of this job is found by the job's id; finished it is kept, cut off it goes on."""
    mine = Run.objects.filter(pk=progress.job.pk)
    try:
        run = create_run(
            round=Round.objects.get(pk=params["round"]),
            acting_user=progress.job.created_by or SYSTEM,
            progress=progress,
            run_id=progress.job.pk,
            volunteers=params.get("volunteers"),
        )
    except Cancelled:
        mine.update(state=Run.State.CANCELLED, job=progress.job)
        raise
    except Problem:
        mine.update(state=Run.State.FAILED, job=progress.job)
        raise
    mine.filter(job__isnull=True).update(job=progress.job)
    return {"run": str(run.pk), "hash": run.document_hash}


@daily("reports.snapshots")
def remove_snapshots() -> int:
    """Destroy snapshots that hold a withdrawn answer."""
    return remove_stale_snapshots()


def start_run(*, round: Round, acting_user: User, volunteers: bool = False) -> Job:
    """Start the computation of a round, with the volunteers' part or without; its job shows the progress."""
    params = {"round": round.pk, "volunteers": volunteers}
    return start(kind=KIND, params=params, acting_user=acting_user)
