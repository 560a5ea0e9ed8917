"""Alarms: what WeChat refuses until a person has put something right."""

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.wechat.errors import CREDENTIAL_CODES, WeChatError
from survey.wechat.models import Alarm, WeChatAccount

log = structlog.get_logger(__name__)


def raise_alarm(*, account: WeChatAccount, refusal: WeChatError) -> None:
    """Open an alarm, or count one more in the open one. Never raises: the refusal itself is on its way."""
    moment = now()
    fresh = {"message": refusal.message[:300], "rid": refusal.rid[:60], "last_at": moment}
    try:
        with transaction.atomic():
            alarm, is_new = Alarm.objects.get_or_create(
                account=account,
                code=int(refusal.code),
                settled_at=None,
                defaults={**fresh, "first_at": moment},
            )
            if not is_new:
                Alarm.objects.filter(pk=alarm.pk).update(n=F("n") + 1, **fresh)
    except DatabaseError:
        log.exception("an alarm could not be stored", code=int(refusal.code))
    log.error("WeChat needs a person", account=account.slug, code=int(refusal.code), rid=refusal.rid or "-")


def open_alarms(account: WeChatAccount) -> QuerySet[Alarm]:
    """What waits for a person, the latest first. `errors.action_for(alarm.code, alarm.message)` says what."""
    return Alarm.objects.filter(account=account, settled_at__isnull=True)


@transaction.atomic
def settle_alarm(*, alarm: Alarm, acting_user: Actor) -> None:
    """Somebody says that it is put right; the next refusal opens a new one."""
    Alarm.objects.filter(pk=alarm.pk, settled_at__isnull=True).update(settled_at=now())
    record(
        action="wechat.alarm.settled",
        acting_user=acting_user,
        target=alarm,
        detail={"code": alarm.code, "n": alarm.n},
    )


def settle_credential_alarms(account: WeChatAccount) -> None:
    """New credentials were saved. Inside the caller's transaction."""
    Alarm.objects.filter(account=account, code__in=CREDENTIAL_CODES, settled_at__isnull=True).update(
        settled_at=now()
    )
