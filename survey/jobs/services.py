"""Starts, runs, cancels and resends jobs. The kinds register themselves in each app's `tasks.py`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.jobs.models import Job

log = structlog.get_logger(__name__)

HEARTBEAT_LOST_AFTER = timedelta(minutes=2)
RESEND_AFTER = timedelta(seconds=20)
MAX_ATTEMPTS = 5

Work = Callable[["Progress", dict[str, Any]], dict[str, Any] | None]
_KINDS: dict[str, Work] = {}


class Cancelled(Exception):
    """Somebody asked the job to stop."""


class Progress:
    """A job's voice: says how far it is, and hears whether it should stop."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def say(self, fraction: float, message: str) -> None:
        """Record progress (0–1) in words. Raises Cancelled when asked to stop."""
        Job.objects.filter(pk=self.job.pk).update(
            progress=min(max(fraction, 0.0), 1.0), message=message[:300], heartbeat_at=now()
        )
        if Job.objects.filter(pk=self.job.pk, cancel_requested=True).exists():
            raise Cancelled


def job_kind(name: str) -> Callable[[Work], Work]:
    """Register a function as the work of a kind. It must be safe to run twice with the same parameters."""

    def register(work: Work) -> Work:
        _KINDS[name] = work
        return work

    return register


def start_job(*, kind: str, params: dict[str, Any], acting_user: Actor, send: Callable[[Job], None]) -> Job:
    """Store a job and send it once the transaction stands. Callers use `tasks.start`, which has `send`."""
    if kind not in _KINDS:
        raise KeyError(f"no such kind of job: {kind}")
    with transaction.atomic():
        job = Job.objects.create(kind=kind, params=params, created_by_id=acting_user.pk or None)
        record(action=f"jobs.{kind}.started", acting_user=acting_user, target=job)
        transaction.on_commit(lambda: send(job))
    return job


def claim(job_id: str) -> Job | None:
    """Take a pending job, or a running one whose worker died. None when there is nothing to do."""
    lost = Q(state=Job.State.RUNNING, heartbeat_at__lt=now() - HEARTBEAT_LOST_AFTER)
    taken = Job.objects.filter(Q(pk=job_id) & (Q(state=Job.State.PENDING) | lost)).update(
        state=Job.State.RUNNING, started_at=now(), heartbeat_at=now()
    )
    if not taken:
        return None
    job = Job.objects.get(pk=job_id)
    job.attempts += 1
    job.save(update_fields=["attempts"])
    return job


def run_job(job_id: str) -> None:
    """Run one job to its end and store how it ended. Safe to call twice."""
    job = claim(job_id)
    if job is None:
        return
    if job.cancel_requested:
        _finish(job, state=Job.State.CANCELLED)
        return
    if job.attempts > MAX_ATTEMPTS:
        _finish(job, state=Job.State.FAILED, error="The worker died each time; see its log.")
        return
    try:
        result = _KINDS[job.kind](Progress(job), job.params) or {}
    except Cancelled:
        _finish(job, state=Job.State.CANCELLED)
    except Problem as problem:
        _finish(job, state=Job.State.FAILED, error=problem.message, errors=problem.errors[:500])
    except Exception as exc:
        log.exception("job failed", job=str(job.pk), kind=job.kind)
        _finish(job, state=Job.State.FAILED, error=f"{type(exc).__name__}: {exc}")
    else:
        _finish(job, state=Job.State.DONE, progress=1.0, result=result)


def _finish(job: Job, **values: Any) -> None:
    Job.objects.filter(pk=job.pk).update(finished_at=now(), **values)


def request_cancel(*, job: Job, acting_user: Actor) -> None:
    """Ask a job to stop; one that has not begun is cancelled at once."""
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(cancel_requested=True)
        Job.objects.filter(pk=job.pk, state=Job.State.PENDING).update(
            state=Job.State.CANCELLED, finished_at=now()
        )
        record(action=f"jobs.{job.kind}.cancelled", acting_user=acting_user, target=job)


def forgotten_jobs() -> list[Job]:
    """Pending jobs whose message was lost, and running ones whose worker died."""
    return list(
        Job.objects.filter(
            Q(state=Job.State.PENDING, created_at__lt=now() - RESEND_AFTER)
            | Q(state=Job.State.RUNNING, heartbeat_at__lt=now() - HEARTBEAT_LOST_AFTER)
        )
    )
