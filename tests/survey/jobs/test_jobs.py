"""Jobs: run once, stop when asked, survive a dead worker, and say why they failed."""

from datetime import timedelta

import pytest

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.common.errors import Problem
from survey.jobs import services
from survey.jobs.models import Job
from survey.jobs.services import (
    HEARTBEAT_LOST_AFTER,
    MAX_ATTEMPTS,
    RESEND_AFTER,
    forgotten_jobs,
    job_kind,
    request_cancel,
    run_job,
    start_job,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def kind(monkeypatch):
    """Register work for this test only."""
    monkeypatch.setattr(services, "_KINDS", dict(services._KINDS))

    def register(work):
        job_kind("tests.work")(work)

    return register


def make(**values):
    return Job.objects.create(kind="tests.work", **values)


def test_a_job_is_sent_only_once_its_transaction_stands(kind, django_capture_on_commit_callbacks):
    kind(lambda progress, params: None)
    sent = []
    with django_capture_on_commit_callbacks() as callbacks:
        job = start_job(kind="tests.work", params={"a": 1}, acting_user=SYSTEM, send=sent.append)
    assert sent == []
    callbacks[0]()
    assert sent == [job]
    assert AuditEntry.objects.get(action="jobs.tests.work.started").object_id == str(job.pk)


def test_an_unknown_kind_is_refused():
    with pytest.raises(KeyError):
        start_job(kind="tests.nothing", params={}, acting_user=SYSTEM, send=lambda job: None)


def test_work_reports_progress_and_its_result(kind):
    seen = []

    def work(progress, params):
        progress.say(0.25, "做到四分之一")
        row = Job.objects.get(pk=progress.job.pk)
        seen.append((row.state, row.progress, row.message))
        return {"n": params["n"]}

    kind(work)
    job = make(params={"n": 3})
    run_job(str(job.pk))
    job.refresh_from_db()
    assert seen == [("running", 0.25, "做到四分之一")]
    assert (job.state, job.progress, job.result, job.attempts) == ("done", 1.0, {"n": 3}, 1)


def test_a_second_message_for_the_same_job_does_nothing(kind):
    runs = []
    kind(lambda progress, params: runs.append(1))
    job = make()
    run_job(str(job.pk))
    run_job(str(job.pk))
    assert runs == [1]


def test_a_refusal_is_kept_with_its_rows(kind):
    def work(progress, params):
        raise Problem(
            "common.rows_refused",
            errors=[{"row": 7, "reason": "代码不对"}],
            count=1,
            row=7,
            reason="代码不对",
        )

    kind(work)
    job = make()
    run_job(str(job.pk))
    job.refresh_from_db()
    assert job.state == "failed"
    assert "第 7 行" in job.error
    assert job.errors == [{"row": 7, "reason": "代码不对"}]


def test_an_unforeseen_failure_ends_the_job_and_is_said(kind):
    def work(progress, params):
        raise ValueError("surprise")

    kind(work)
    job = make()
    run_job(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.error) == ("failed", "ValueError: surprise")


def test_a_running_job_stops_at_its_next_word(kind):
    steps = []

    def work(progress, params):
        for step in range(10):
            steps.append(step)
            if step == 3:
                request_cancel(job=progress.job, acting_user=SYSTEM)
            progress.say(step / 10, "")

    kind(work)
    job = make()
    run_job(str(job.pk))
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert steps == [0, 1, 2, 3]


def test_a_job_that_has_not_begun_is_cancelled_at_once_and_never_runs(kind):
    runs = []
    kind(lambda progress, params: runs.append(1))
    job = make()
    request_cancel(job=job, acting_user=SYSTEM)
    run_job(str(job.pk))
    job.refresh_from_db()
    assert (job.state, runs) == ("cancelled", [])


def test_lost_and_abandoned_jobs_are_found_and_the_others_left_alone(kind):
    kind(lambda progress, params: None)
    lost = make()
    fresh = make()
    dead = make(state="running", heartbeat_at=now() - HEARTBEAT_LOST_AFTER - timedelta(seconds=1))
    make(state="running", heartbeat_at=now())
    make(state="done")
    Job.objects.filter(pk=lost.pk).update(created_at=now() - RESEND_AFTER - timedelta(seconds=1))
    assert {job.pk for job in forgotten_jobs()} == {lost.pk, dead.pk}
    run_job(str(dead.pk))
    dead.refresh_from_db()
    assert (dead.state, fresh.state) == ("done", "pending")


def test_a_job_that_kills_its_worker_each_time_is_given_up(kind):
    runs = []
    kind(lambda progress, params: runs.append(1))
    job = make(
        state="running",
        attempts=MAX_ATTEMPTS,
        heartbeat_at=now() - HEARTBEAT_LOST_AFTER - timedelta(seconds=1),
    )
    run_job(str(job.pk))
    job.refresh_from_db()
    assert (job.state, runs) == ("failed", [])
