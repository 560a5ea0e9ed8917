"""What is done once a day without anybody asking: apps register chores, beat or the embedded loop looks.

Each chore runs at most once in a day however many processes look, and one that fails is tried again at the
next look, without keeping the others from their turn.
"""

from collections.abc import Callable
from datetime import timedelta

import structlog
from django.db.models import Q

from survey.common.clock import now
from survey.jobs.models import Chore

log = structlog.get_logger(__name__)
EVERY = timedelta(hours=23)  # a look now and then comes late; the hour of the day must not wander
_CHORES: dict[str, Callable[[], object]] = {}


def daily(name: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Register a function without arguments, safe to repeat; `name` such as "responses.drafts"."""

    def register(work: Callable[[], object]) -> Callable[[], object]:
        _CHORES[name] = work
        return work

    return register


def do_chores() -> list[str]:
    """Do every chore that is due; returns the names of those done."""
    done = []
    for name, work in sorted(_CHORES.items()):
        row, _new = Chore.objects.get_or_create(name=name)
        due = Q(last_started_at__isnull=True) | Q(last_started_at__lt=now() - EVERY)
        if not Chore.objects.filter(due, name=name).update(last_started_at=now()):
            continue
        try:
            work()
        except Exception as error:
            log.exception("a daily chore failed", chore=name)
            Chore.objects.filter(name=name).update(
                last_started_at=row.last_started_at, last_error=f"{type(error).__name__}: {error}"[:300]
            )
        else:
            Chore.objects.filter(name=name).update(last_done_at=now(), last_error="")
            done.append(name)
    return done
