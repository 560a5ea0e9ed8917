"""Settling a doubt: a person says what it was. 疑点不是结论."""

from django.db import transaction
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.fieldwork.models import FlagSubject
from survey.responses.models import Flag

VERDICTS = ("explained", "confirmed", "unclear")


def settle_flag(*, flag: Flag, verdict: str, note: str, acting_user: User) -> Flag:
    """Record what came out of a doubt. Nothing follows by itself: rejecting an interview is another deed.

    Raises
    ------
    Problem common.forbidden : no supervisor where it happened.
    Problem common.invalid : no verdict, or no word on a confirmed one.
    Problem common.locked : it has been settled.
    """
    subject = FlagSubject.objects.filter(flag=flag).first()
    region = flag.case.community if flag.case else subject.region if subject else None
    require(acting_user, "fieldwork.manage", region or flag.round.study.region)
    if verdict not in VERDICTS:
        raise Problem("common.invalid", reason=_("请选一个结论"))
    if verdict == "confirmed" and not note.strip():
        raise Problem("common.invalid", reason=_("确有问题的，请写明怎么处理"))
    with transaction.atomic():
        locked = Flag.objects.select_for_update().get(pk=flag.pk)
        if locked.settled_at is not None:
            raise Problem("common.locked", what=_("这个疑点"))
        locked.settled_at, locked.settled_by, locked.verdict = now(), acting_user, verdict
        locked.save(update_fields=["settled_at", "settled_by", "verdict"])
        subject, _made = FlagSubject.objects.get_or_create(
            flag=locked, defaults={"round": locked.round, "key": f"flag:{locked.pk}"}
        )
        subject.note = note.strip()[:300]
        subject.save(update_fields=["note"])
        record(
            action="fieldwork.flag.settled",
            acting_user=acting_user,
            target=locked,
            region_code=region.code if region else "",
            detail={"kind": locked.kind, "verdict": verdict},
        )
    return locked
