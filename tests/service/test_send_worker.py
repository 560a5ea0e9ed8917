"""Celery workers that send WeChat messages and are killed on the way: nobody is written to twice.

The small version of tests/proof/kill_send.py, on PostgreSQL with a real broker.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.contacts.models import Contact
from survey.wechat import tasks
from survey.wechat.models import OutboundMessage
from survey.wechat.planning import store_plan
from tests import factories
from tests.counting_tencent import CountingTencent
from tests.survey.wechat import outbox

pytestmark = [
    pytest.mark.service,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not settings.REDIS_URL, reason="MINYI_REDIS_URL is not set: .ci/run starts Redis"),
]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tencent():
    server = CountingTencent()
    yield server
    server.close()


def start_worker(tencent: CountingTencent) -> subprocess.Popen:
    """A worker of this test's queue and database, whose WeChat is the counting one."""
    db = connection.settings_dict
    env = {
        **os.environ,
        "MINYI_DATABASE_URL": f"postgres://{db['USER']}@{db['HOST']}:{db['PORT']}/{db['NAME']}",
        "MINYI_WECHAT_API_BASE": tencent.url,
    }
    command = [sys.executable, "-m", "celery", "-A", "survey", "worker", "-c", "1", "-l", "WARNING"]
    return subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True)


def kill(worker: subprocess.Popen) -> None:
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def let_time_pass(seconds: int) -> None:
    earlier = timedelta(seconds=seconds)
    OutboundMessage.objects.filter(state__in=("sending", "unknown")).update(
        called_at=F("called_at") - earlier, first_called_at=F("first_called_at") - earlier
    )


@pytest.mark.parametrize("hold", ["before", "after"])
def test_a_worker_killed_during_its_call_writes_to_nobody_twice(tencent, hold):
    regions = factories.make_regions()
    round_ = outbox.lettered_round(regions["370105000000"])
    outbox.set_plan(round_, outbox.steps("custom", "template"))
    account = outbox.make_account(round_)
    for number, case in enumerate(round_.cases.order_by("pk")[:6]):
        outbox.opened_in_wechat(account, case, str(number), last_message_at=now() if number % 2 else None)
    assert store_plan(round=round_, acting_user=SYSTEM).n_stored == 6
    setattr(tencent, f"hold_{hold}_s", 1.5)
    first = start_worker(tencent)
    tasks.send_due.delay()
    assert tencent.arrived.wait(60)
    time.sleep(0.5)
    kill(first)
    time.sleep(1.5)  # what WeChat had taken in, it carries out
    tencent.hold_before_s = tencent.hold_after_s = 0.0
    assert OutboundMessage.objects.filter(state="sending").count() == 1
    let_time_pass(61)
    second = start_worker(tencent)
    try:
        deadline = time.monotonic() + 60
        while OutboundMessage.objects.filter(state__in=("planned", "sending")).exists():
            assert time.monotonic() < deadline
            tasks.look_at_outbox()
            time.sleep(0.5)
    finally:
        kill(second)
    assert max(Counter(tencent.shown).values()) == 1 and len(tencent.shown) == 6
    states = Counter(OutboundMessage.objects.values_list("state", flat=True))
    assert states["sent"] + states["unknown"] == 6 and states["unknown"] <= 1
    assert Contact.objects.filter(mode="wechat").count() == states["sent"]
