"""Tells people when something is wrong, once an hour while it is, and once when it is right again.

It runs from a timer of the system, not from the queue: the queue is among what it watches. What it said last
is kept in a file, since the database may be what is broken.
"""

import json
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from survey.common.clock import now
from survey.operations.health import Check, all_checks

log = structlog.get_logger(__name__)
AGAIN_AFTER = timedelta(hours=1)


def watch() -> list[Check]:
    """Look at everything, log and mail what is wrong; returns the checks that are."""
    wrong = [check for check in all_checks() if not check.is_right]
    for check in wrong:
        log.critical("something is wrong", check=check.name, words=check.words)
    memory = Path(settings.VAR_DIR) / "watch.json"
    before, said_at = _remembered(memory)
    names = sorted(check.name for check in wrong)
    if names != before or (names and now() - said_at >= AGAIN_AFTER):
        _mail(wrong)
        memory.write_text(json.dumps({"wrong": names, "at": now().isoformat()}), "utf-8")
    return wrong


def _remembered(memory: Path) -> tuple[list[str], datetime]:
    try:
        stored = json.loads(memory.read_text("utf-8"))
        return stored["wrong"], datetime.fromisoformat(stored["at"])
    except (OSError, ValueError, KeyError):
        return [], now()


def _mail(wrong: list[Check]) -> None:
    if not settings.ALARM_EMAILS:
        return
    if wrong:
        subject = _("民意：有 {n} 处不对").format(n=len(wrong))
        body = "\n".join(f"{check.name}: {check.words}" for check in wrong)
    else:
        subject, body = _("民意：恢复正常了"), _("所有检查都通过了。")
    send_mail(subject, f"{settings.PUBLIC_URL}\n\n{body}\n", None, settings.ALARM_EMAILS)
