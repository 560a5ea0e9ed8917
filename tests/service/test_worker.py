"""A real Celery worker over Redis, on PostgreSQL: jobs run, and a killed worker's job is done once.

Runs in CI, which starts both servers (.ci/run) and names them in the environment.
"""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from survey.common.clock import now
from survey.jobs import tasks
from survey.jobs.models import Job
from survey.regions.models import Region
from survey.sampling.models import FrameUnit, FrameVersion
from tests import factories

pytestmark = [
    pytest.mark.service,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not settings.REDIS_URL, reason="MINYI_REDIS_URL is not set: .ci/run starts Redis"),
]
ROOT = Path(__file__).resolve().parents[2]


def start_worker() -> subprocess.Popen:
    """A worker process on this test process's own queue (settings) and test database."""
    db = connection.settings_dict
    env = {
        **os.environ,
        "MINYI_DATABASE_URL": f"postgres://{db['USER']}@{db['HOST']}:{db['PORT']}/{db['NAME']}",
    }
    command = [sys.executable, "-m", "celery", "-A", "survey", "worker", "-c", "1", "-l", "WARNING"]
    return subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True)


@pytest.fixture
def worker():
    process = start_worker()
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for(job: Job, seconds: float = 60.0, *, beat_every: int = 0) -> Job:
    """Wait until the job is over. `beat_every`: looks between two rounds of beat, which sends again."""
    deadline = time.monotonic() + seconds
    looks = 0
    while time.monotonic() < deadline:
        looks += 1
        if beat_every and looks % beat_every == 0:
            tasks.resend_pending()
        job.refresh_from_db()
        if job.is_over:
            return job
        time.sleep(0.2)
    raise AssertionError(f"job is still {job.state} after {seconds} s: {job.message}")


def household_file(path: Path, n: int) -> Path:
    lines = ["社区代码,地址"] + [f"370105001001,济洛路 {i} 号" for i in range(n)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def import_job(path: Path, user) -> Job:
    params = {"path": str(path), "name": "测试框", "region_code": "370105000000", "is_simulated": True}
    return tasks.start(kind="sampling.import_households", params=params, acting_user=user)


def test_a_job_sent_through_redis_is_done_by_the_worker(worker, tmp_path):
    regions = factories.make_regions()
    user = factories.make_user("li", "study_lead", regions["370100000000"])
    job = wait_for(import_job(household_file(tmp_path / "a.csv", 300), user))
    assert (job.state, job.error) == ("done", "")
    assert FrameVersion.objects.get().n_households == 300


def test_a_job_whose_worker_was_killed_is_done_once_by_the_next(tmp_path):
    regions = factories.make_regions()
    user = factories.make_user("li", "study_lead", regions["370100000000"])
    first = start_worker()
    job = import_job(household_file(tmp_path / "a.csv", 20000), user)
    while Job.objects.get(pk=job.pk).state != "running":
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    # The heartbeat is two minutes old as far as the next worker can tell.
    Job.objects.filter(pk=job.pk, state="running").update(heartbeat_at=now() - timedelta(minutes=5))
    second = start_worker()
    try:
        # Redis may still hand a message to the dead worker's socket; beat sends it again, here as there.
        tasks.resend_pending()
        job = wait_for(job, 90, beat_every=25)
    finally:
        os.killpg(second.pid, signal.SIGKILL)
        second.wait()
    assert (job.state, job.error) == ("done", "")
    assert FrameVersion.objects.filter(state="ready").count() == 1
    assert FrameUnit.objects.count() == 20000
    assert Region.objects.count() == len(factories.REGIONS)
