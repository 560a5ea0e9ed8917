"""The embedded worker: threads of the web process that run tasks over Celery's memory transport.

For one machine without a broker. Queued messages die with the process; the Job rows do not, and are
sent again by the loop below.
"""

import itertools
import threading
import time

import structlog
from django.conf import settings
from django.db import close_old_connections

from survey.celery import app
from survey.jobs.chores import do_chores
from survey.jobs.tasks import resend_pending

log = structlog.get_logger(__name__)
_started = threading.Lock()
RESEND_EVERY_S = 15
LOOK_FOR_CHORES_EVERY = 60  # looks: a quarter of an hour, as beat's


def start_embedded_worker() -> bool:
    """Start the worker and the resend loop once per process. Returns whether this call started them."""
    if not settings.EMBEDDED_WORKER or not _started.acquire(blocking=False):
        return False
    threading.Thread(target=_work, name="minyi-worker", daemon=True).start()
    threading.Thread(target=_resend, name="minyi-beat", daemon=True).start()
    return True


def _work() -> None:
    worker = app.Worker(
        pool="threads",
        concurrency=2,
        quiet=True,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
    )
    worker.start()


def _resend() -> None:
    for looks in itertools.count(1):
        time.sleep(RESEND_EVERY_S)
        try:
            close_old_connections()
            resend_pending()
            if looks % LOOK_FOR_CHORES_EVERY == 0:
                do_chores()
        except Exception:
            log.exception("resending jobs or a look at the chores failed")
