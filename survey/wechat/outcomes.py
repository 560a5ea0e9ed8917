"""What became of a call to WeChat: taken, refused, put back, or not known. One row, one place for each.

An answer with an errcode is a refusal: the message was not taken. That holds for -1, too, which Tencent
explains as 系统繁忙，此时请开发者稍候再试 (busy, try a little later) [D commErrCode], and which is retried
with back-off, three times at most [R; protocol file, section 14]. No answer, a cut connection and an answer
that cannot be read say nothing: the message stays `unknown` (docs/decisions/0014).
"""

from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.contacts.models import Contact
from survey.contacts.services import record_contact
from survey.sampling.models import Case
from survey.wechat.alarms import raise_alarm
from survey.wechat.errors import ALARM_CODES, STALE_TOKEN_CODES, OwnCode, WeChatError
from survey.wechat.models import OutboundMessage, SendBudget, SubscriptionGrant, WeChatUser

log = structlog.get_logger(__name__)
State, Channel = OutboundMessage.State, OutboundMessage.Channel
MAX_NEVER_SENT, FIRST_WAIT_S = 8, 15
BUSY, DAILY_QUOTA, MINUTE_QUOTA, SAME_CLIENT_ID = -1, 45009, 45011, 45065
# Three more tries [R]. Together shorter than Tencent's ten minutes for one client message id [M]: a message
# that carries one is not doubled even if "busy" should once have been said of one that was taken.
BUSY_WAITS = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=5))
# Refusals of our words, not of a person: the next message would be refused, too. The channel rests.
OUR_FAULT = frozenset({40037, 47001, 47003})
GONE = frozenset({43004, 50005})  # not a follower any more
NO_GRANT_CODE = 43101
REST = timedelta(minutes=15)


def settle_sent(message: OutboundMessage, tencent_id: str) -> None:
    """Taken by WeChat. An event may have come first: then it stays what the event made of it."""
    with transaction.atomic():
        took = OutboundMessage.objects.filter(pk=message.pk, state__in=(State.SENDING, State.UNKNOWN)).update(
            state=State.SENT, reason="", tencent_id=tencent_id
        )
        if not took:
            OutboundMessage.objects.filter(pk=message.pk, tencent_id="").update(tencent_id=tencent_id)
        note_contact(message)


def note_contact(message: OutboundMessage) -> None:
    """A message that reached WeChat is a contact of its household: once. Inside the caller's transaction."""
    if message.case is None:
        return
    Case.objects.select_for_update().get(pk=message.case_id)
    noted = message.case.contacts.filter(mode=Contact.Mode.WECHAT, detail__step=message.step)
    if noted.exists():
        return
    record_contact(
        case=message.case,
        mode=Contact.Mode.WECHAT,
        at=message.first_called_at or message.planned_at,
        disposition="",
        acting_user=SYSTEM,
        detail={"step": message.step, "channel": message.channel},
    )


def settle_refused(message: OutboundMessage, refusal: WeChatError) -> None:
    """WeChat said no, or nobody knows what it did."""
    code = int(refusal.code)
    if refusal.never_sent:
        settle_not_sent(message, refusal)
    elif _is_repeated(message) and code != SAME_CLIENT_ID:
        # Of the first call it says nothing. A busy one costs none of the repetitions.
        n_busy = min(message.n_busy + (code == BUSY), len(BUSY_WAITS))
        _settle(message, State.UNKNOWN, "no_answer", refusal, n_busy=n_busy)
    elif code in (OwnCode.NETWORK, OwnCode.GARBLED):
        _settle(message, State.UNKNOWN, "no_answer", refusal)
    elif code == SAME_CLIENT_ID:
        settle_sent(message, "")
    elif code == BUSY:
        _settle_busy(message, refusal)
    elif code in (DAILY_QUOTA, MINUTE_QUOTA) or code in ALARM_CODES | STALE_TOKEN_CODES | OUR_FAULT:
        if code in OUR_FAULT:
            raise_alarm(account=message.account, refusal=refusal)
        _rest(message, code)
        _settle(message, State.PLANNED, "", refusal)
        _give_back(message)
    else:
        _settle(message, State.FAILED, f"refused_{code}", refusal)
        if code in GONE:
            WeChatUser.objects.filter(pk=message.user_id).update(is_follower=False)
        if code == NO_GRANT_CODE:
            SubscriptionGrant.objects.filter(user=message.user_id).update(n_left=0)


def _settle_busy(message: OutboundMessage, refusal: WeChatError) -> None:
    """Not taken: again under the same row and client message id, later and later, until it has failed."""
    if message.n_busy >= len(BUSY_WAITS):
        _settle(message, State.FAILED, "busy", refusal)
        _return_agreement(message)
        return
    due = now() + BUSY_WAITS[message.n_busy]
    _settle(message, State.PLANNED, "", refusal, due_at=due, n_busy=message.n_busy + 1)
    _give_back(message)
    _rest(message, BUSY)


def _is_repeated(message: OutboundMessage) -> bool:
    return message.first_called_at != message.called_at


def settle_not_sent(message: OutboundMessage, refusal: WeChatError) -> None:
    """The call never left: it is safe to try again, later and later, and given up in the end."""
    if message.attempts >= MAX_NEVER_SENT and not _is_repeated(message):
        _settle(message, State.FAILED, "unreachable", refusal)
        return
    if int(refusal.code) in ALARM_CODES | STALE_TOKEN_CODES:
        _rest(message, int(refusal.code))
    wait = timedelta(seconds=FIRST_WAIT_S * 2 ** (message.attempts - 1))
    # A template message that is repeated under its own id stays unknown: its first call may have arrived.
    again = State.UNKNOWN if _is_repeated(message) else State.PLANNED
    _settle(message, again, "", refusal, due_at=now() + wait)
    if again == State.PLANNED:
        _give_back(message)


def _give_back(message: OutboundMessage) -> None:
    """It is planned as if it had not been called: Tencent's ten minutes begin with the call that counts."""
    OutboundMessage.objects.filter(pk=message.pk, state=State.PLANNED).update(
        first_called_at=None, called_at=None
    )
    _return_agreement(message)


def _return_agreement(message: OutboundMessage) -> None:
    """A subscription message that was not taken has not used up what she agreed to."""
    if message.channel == Channel.SUBSCRIBE:
        SubscriptionGrant.objects.filter(
            user=message.user_id, template_id=message.body.get("template_id", "")
        ).update(n_left=F("n_left") + 1)


def _settle(message: OutboundMessage, state: str, reason: str, refusal: WeChatError, **more: Any) -> None:
    over = {"settled_at": now()} if state == State.FAILED else {}
    OutboundMessage.objects.filter(pk=message.pk, state__in=(State.SENDING, State.UNKNOWN)).update(
        state=state, reason=reason, errcode=int(refusal.code), rid=refusal.rid[:60], **over, **more
    )


def _rest(message: OutboundMessage, code: int) -> None:
    """Let the channel rest: for a moment, a minute, until tomorrow, or until somebody saw the alarm."""
    moment = timezone.localtime(now())
    until = moment + REST
    if code == BUSY:
        until = moment + BUSY_WAITS[0]
    elif code == MINUTE_QUOTA:
        until = moment + timedelta(minutes=1)
    elif code == DAILY_QUOTA:
        until = (moment + timedelta(days=1)).replace(hour=0, minute=5, second=0, microsecond=0)
    SendBudget.objects.filter(account=message.account_id, channel=message.channel).update(
        rests_until=until, rest_code=code
    )
    log.warning("a channel rests", channel=message.channel, code=code, until=until.isoformat())
