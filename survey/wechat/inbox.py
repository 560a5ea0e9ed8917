"""Works on what was received: who follows, who wrote, who left, what became of a message.

Each push is worked on in one transaction with the mark that it is done: a worker that dies leaves it pending,
and nothing happens twice. Pushes of one user are taken in the order in which they came.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from survey.audit.services import SYSTEM, Actor, record
from survey.common.clock import now
from survey.common.crypto import decrypt
from survey.common.errors import Problem
from survey.wechat.handover import wake_inbox
from survey.wechat.identity import UNFOLLOWED, forget_identity, forget_user, remember_user
from survey.wechat.models import ReceivedPush, WeChatAccount
from survey.wechat.push import author_of
from survey.wechat.receiving import CONTENT_PURPOSE

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 6  # with waits of 10, 20, 40 … seconds: about ten minutes in all
FIRST_WAIT_S = 10
BATCH = 500
# Contents go after this time, the row of a known kind too; a kind that nobody knows stays for this long.
KEEP_CONTENT, KEEP_UNKNOWN = timedelta(days=30), timedelta(days=180)
KEEP_LEAVE_TAKING = timedelta(days=1)

Handler = Callable[[WeChatAccount, dict[str, Any], ReceivedPush], None]
_HANDLERS: dict[str, list[Handler]] = {}
# Kinds that ask for nothing, named here so that only the unknown is called unknown.
_NOTHING_TO_DO = frozenset(
    f"event:{name}"
    for name in (
        "VIEW",
        "view_miniprogram",
        "LOCATION",
        "user_info_modified",  # nothing of a user's profile is kept
        "MASSSENDJOBFINISH",
        "PUBLISHJOBFINISH",
    )
)


def on_push(*kinds: str) -> Callable[[Handler], Handler]:
    """Register work for kinds such as "text" or "event:subscribe"; every registered function has its turn.

    It runs inside a transaction with the mark that the push is done, may be repeated after a failure, and
    must not call WeChat.
    """

    def register(handler: Handler) -> Handler:
        for kind in kinds:
            known = _HANDLERS.setdefault(kind, [])
            if handler not in known:
                known.append(handler)
        return handler

    return register


def has_pending() -> bool:
    """Whether there is work that is due."""
    return ReceivedPush.objects.filter(state=ReceivedPush.State.PENDING, next_try_at__lte=now()).exists()


def handle_pending(limit: int = BATCH) -> int:
    """Work on what is due, the oldest first; returns how many pushes were looked at. Many may run at once."""
    for done in range(limit):
        if not _handle_next():
            return done
    return limit


def _handle_next() -> bool:
    earlier = ReceivedPush.objects.filter(
        account=OuterRef("account"),
        openid_hash=OuterRef("openid_hash"),
        state=ReceivedPush.State.PENDING,
        pk__lt=OuterRef("pk"),
    )
    with transaction.atomic():
        push = (
            ReceivedPush.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("account")
            .filter(~Exists(earlier), state=ReceivedPush.State.PENDING, next_try_at__lte=now())
            .order_by("next_try_at", "pk")
            .first()
        )
        if push is None:
            return False
        try:
            with transaction.atomic():
                push.state = _handle(push)
            push.last_error = ""
        except Exception as error:
            log.exception("a push could not be worked on", push=push.pk, kind=push.kind)
            push.attempts += 1
            push.last_error = type(error).__name__[:200]
            push.next_try_at = now() + timedelta(seconds=FIRST_WAIT_S * 2 ** (push.attempts - 1))
            if push.attempts >= MAX_ATTEMPTS:
                push.state = ReceivedPush.State.FAILED
        _store_outcome(push)
    return True


def _store_outcome(push: ReceivedPush) -> None:
    # By name: what the handler destroyed of the row (forget_user) must not come back with a whole save.
    over = push.state != ReceivedPush.State.PENDING
    ReceivedPush.objects.filter(pk=push.pk).update(
        state=push.state,
        attempts=push.attempts,
        last_error=push.last_error,
        next_try_at=push.next_try_at,
        handled_at=now() if over else None,
    )


def _handle(push: ReceivedPush) -> str:
    if not bytes(push.content_cipher):
        return ReceivedPush.State.HANDLED  # its user left in the meantime
    fields = json.loads(decrypt(push.content_cipher, CONTENT_PURPOSE))
    handlers = _HANDLERS.get(push.kind, [])
    if not push.kind.startswith("event:"):
        handlers = [*_HANDLERS["message"], *handlers]
    for handler in handlers:
        handler(push.account, fields, push)
    return ReceivedPush.State.HANDLED if _is_known(push.kind) else ReceivedPush.State.UNKNOWN


def _is_known(kind: str) -> bool:
    return not kind.startswith("event:") or bool(_HANDLERS.get(kind)) or kind in _NOTHING_TO_DO


# --- what a person looks at ---------------------------------------------------------------------------
def unsettled(account: WeChatAccount) -> QuerySet[ReceivedPush]:
    """Pushes whose work failed, or is being tried again after a failure, and kinds that nobody knows; the
    latest first."""
    failing = Q(state=ReceivedPush.State.PENDING) & ~Q(last_error="")
    settled = Q(state__in=(ReceivedPush.State.FAILED, ReceivedPush.State.UNKNOWN))
    return ReceivedPush.objects.filter(settled | failing, account=account).order_by("-received_at", "-pk")


def may_process_again(push: ReceivedPush) -> bool:
    """Failed work, as long as its content is there; an unknown kind once the program has learned it."""
    if not bytes(push.content_cipher):
        return False
    learned = push.state == ReceivedPush.State.UNKNOWN and _is_known(push.kind)
    return push.state == ReceivedPush.State.FAILED or learned


@transaction.atomic
def process_again(*, push: ReceivedPush, acting_user: Actor) -> None:
    """Put a push back among those that wait. Work that failed left nothing behind, so nothing happens twice.

    Raises
    ------
    Problem wechat.push_settled : it is not one of `may_process_again`.
    """
    row = ReceivedPush.objects.select_for_update().select_related("account").get(pk=push.pk)
    if not may_process_again(row):
        raise Problem("wechat.push_settled")
    ReceivedPush.objects.filter(pk=row.pk).update(
        state=ReceivedPush.State.PENDING, attempts=0, next_try_at=now(), handled_at=None
    )
    record(
        action="wechat.push.again",
        acting_user=acting_user,
        target=row.account,
        detail={"push": row.pk, "kind": row.kind, "state": row.state, "error": row.last_error},
    )
    transaction.on_commit(wake_inbox)


def _left_since(push: ReceivedPush) -> bool:
    """An event that comes late must not bring somebody back who has left meanwhile."""
    return ReceivedPush.objects.filter(
        account=push.account, openid_hash=push.openid_hash, kind=UNFOLLOWED, sent_at__gt=push.sent_at
    ).exists()


@on_push("message")
def _somebody_wrote(account: WeChatAccount, fields: dict[str, Any], push: ReceivedPush) -> None:
    """A message opens the long window (48 hours)."""
    if not _left_since(push):
        remember_user(account, author_of(fields), is_follower=True, last_message_at=push.sent_at)


@on_push("event:subscribe")
def _somebody_follows(account: WeChatAccount, fields: dict[str, Any], push: ReceivedPush) -> None:
    if not _left_since(push):
        remember_user(
            account, author_of(fields), is_follower=True, last_touch_at=push.sent_at, opted_out_at=None
        )


@on_push(
    "event:SCAN",
    "event:CLICK",
    "event:scancode_push",
    "event:scancode_waitmsg",
    "event:pic_sysphoto",
    "event:pic_photo_or_album",
    "event:pic_weixin",
    "event:location_select",
)
def _somebody_touched(account: WeChatAccount, fields: dict[str, Any], push: ReceivedPush) -> None:
    """A scan or a menu click opens the short window (one minute); VIEW opens none."""
    if not _left_since(push):
        remember_user(account, author_of(fields), is_follower=True, last_touch_at=push.sent_at)


@on_push(UNFOLLOWED)
def _somebody_left(account: WeChatAccount, fields: dict[str, Any], push: ReceivedPush) -> None:
    """Tencent's rule: all of a user's data is deleted when she unfollows."""
    forget_user(account=account, openid_hash=push.openid_hash, reason="unfollowed", acting_user=SYSTEM)


@on_push("event:user_authorization_revoke", "event:user_authorization_cancellation")
def _somebody_withdrew(account: WeChatAccount, fields: dict[str, Any], push: ReceivedPush) -> None:
    """She withdrew her authorisation, or closed her WeChat account: her identity goes from every round."""
    forget_identity(openid_hash=push.openid_hash, acting_user=SYSTEM)
    forget_user(account=account, openid_hash=push.openid_hash, reason="revoked", acting_user=SYSTEM)


def destroy_old_pushes() -> dict[str, int]:
    """The daily clearing: contents after a month, hashes of leave-takings after a day."""
    moment = now()
    over = ReceivedPush.objects.exclude(state=ReceivedPush.State.PENDING)
    old = over.filter(received_at__lt=moment - KEEP_CONTENT)
    known = old.exclude(state=ReceivedPush.State.UNKNOWN)
    very_old = Q(state=ReceivedPush.State.UNKNOWN, received_at__lt=moment - KEEP_UNKNOWN)
    leaving = over.filter(kind=UNFOLLOWED, received_at__lt=moment - KEEP_LEAVE_TAKING).exclude(openid_hash="")
    return {
        "leave_takings": leaving.update(openid_hash="", content_cipher=b""),
        "pushes": known.delete()[0] + over.filter(very_old).delete()[0],
    }
