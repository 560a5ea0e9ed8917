"""Celery shells around jobs."""

from typing import Any

from celery import shared_task

from survey.audit.services import Actor
from survey.jobs import chores, looks, services
from survey.jobs.models import Job


@shared_task(name="survey.jobs.tasks.run")
def run(job_id: str) -> None:
    """Run one job."""
    services.run_job(job_id)


@shared_task(name="survey.jobs.tasks.resend_pending")
def resend_pending() -> None:
    """Send again what was lost with a broker or a process; then the looks that apps registered."""
    for job in services.forgotten_jobs():
        run.delay(str(job.pk))
    looks.do_looks()


@shared_task(name="survey.jobs.tasks.do_chores")
def do_chores() -> None:
    """Do the daily chores that are due."""
    chores.do_chores()


def start(*, kind: str, params: dict[str, Any], acting_user: Actor) -> Job:
    """Start a job of a registered kind; returns its row, whose page shows progress."""
    return services.start_job(
        kind=kind, params=params, acting_user=acting_user, send=lambda job: run.delay(str(job.pk))
    )
