"""Sends what is planned: at most once, within the allowances, and not to anybody who has answered or left.

The order is the proof (tests/proof/kill_send.py):

1. One transaction looks at everything again, takes one piece of the allowance, and marks the row `sending`.
2. Only after it is committed WeChat is called.
3. What WeChat said is stored.

A worker that dies before 2 leaves a row that is `sending` and was not sent; one that dies after it leaves a
row that was. Nobody can tell them apart, so neither is sent again: after a minute both are `unknown`, until
an event says what became of them. The one exception are template messages: under the same client message id
Tencent takes a message once within ten minutes [M], so an unknown one is repeated, soon, under its own id.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.contacts.models import Contact
from survey.contacts.plan import LINK, next_allowed
from survey.contacts.queries import CONTACTABLE
from survey.contacts.services import current_plan, record_contact
from survey.responses.models import Consent
from survey.sampling.models import Case
from survey.studies.models import Round
from survey.wechat.alarms import raise_alarm
from survey.wechat.eligibility import choose_channel
from survey.wechat.errors import ALARM_CODES, STALE_TOKEN_CODES, OwnCode, WeChatError
from survey.wechat.identity import openid_of, stop_messages
from survey.wechat.models import OutboundMessage, SendBudget, SubscriptionGrant, WeChatUser
from survey.wechat.recipients import recipients
from survey.wechat.services import wechat_for

log = structlog.get_logger(__name__)
State, Channel = OutboundMessage.State, OutboundMessage.Channel
# A call lasts 2 x (3 + 5) s at most, with the token twice that (client.TIMEOUT): who takes longer is dead.
LOST_AFTER = timedelta(seconds=60)
# Tencent's window is ten minutes [M]; two minutes are kept for clocks and slow networks.
SAME_ID_WITHIN, SAME_ID_PAUSE, SAME_ID_TRIES = timedelta(minutes=8), timedelta(seconds=30), 3
MAX_NEVER_SENT, FIRST_WAIT_S = 8, 15
DAILY_QUOTA, MINUTE_QUOTA, SAME_CLIENT_ID = 45009, 45011, 45065
# Refusals of our words, not of a person: the next message would be refused, too. The channel rests.
OUR_FAULT = frozenset({40037, 47001, 47003})
GONE = frozenset({43004, 50005})  # not a follower any more
NO_GRANT_CODE = 43101
REST = timedelta(minutes=15)
PATHS = {
    Channel.CUSTOM: "message/custom/send",
    Channel.TEMPLATE: "message/template/send",
    Channel.SUBSCRIBE: "message/subscribe/bizsend",
}


def has_due() -> bool:
    """Whether anything waits to be sent, repeated or given up."""
    moment = now()
    return OutboundMessage.objects.filter(
        Q(state=State.PLANNED, due_at__lte=moment)
        | Q(state=State.SENDING, called_at__lt=moment - LOST_AFTER)
        | _same_id_due(moment)
    ).exists()


def send_due(limit: int = 200, *, round: Round | None = None) -> int:
    """Send what is due, the oldest first, until the allowances of this minute are used up; returns how many.

    Safe to run in many processes at once and to repeat.
    """
    give_up_lost()
    stop_settled()
    closed: set[tuple[int, str]] = set()
    for sent in range(limit):
        message = _claim(closed, round)
        if message is None:
            return sent
        _deliver(message)
    return limit


def give_up_lost() -> int:
    """Calls whose worker is gone: nobody knows whether they were made."""
    return OutboundMessage.objects.filter(state=State.SENDING, called_at__lt=now() - LOST_AFTER).update(
        state=State.UNKNOWN, reason="worker_lost"
    )


def stop_settled() -> int:
    """Households that answered, refused or turned out not to be eligible get nothing of what was planned."""
    over = Case.objects.exclude(status__in=CONTACTABLE)
    closed = Round.objects.exclude(state=Round.State.OPEN)
    stopped = stop_messages(Q(case__in=over), reason="settled")
    return stopped + stop_messages(Q(round__in=closed), reason="closed")


def _same_id_due(moment: datetime) -> Q:
    return Q(
        channel=Channel.TEMPLATE,
        state=State.UNKNOWN,
        first_called_at__gt=moment - SAME_ID_WITHIN,
        called_at__lt=moment - SAME_ID_PAUSE,
        attempts__lt=SAME_ID_TRIES,
    )


# --- 1. the intent ----------------------------------------------------------------------------------
def _claim(closed: set[tuple[int, str]], round: Round | None) -> OutboundMessage | None:
    """The next message that may be sent now, marked `sending` and committed; None: nothing more for now.

    `closed` collects (account, channel) whose allowance is used up, so that others have their turn.
    """
    while True:
        with transaction.atomic():
            moment = now()
            single = Q(state=State.PLANNED, due_at__lte=moment) & ~Q(channel=Channel.MASS)
            due = single | _same_id_due(moment)
            for account_id, channel in closed:
                due &= ~Q(account=account_id, channel=channel)
            rows = OutboundMessage.objects.filter(due).order_by("due_at", "pk")
            if round is not None:
                rows = rows.filter(round=round)
            rows = rows.select_related("account", "user", "round__study", "case")
            message = rows.select_for_update(skip_locked=True, of=("self",)).first()
            if message is None:
                return None
            if not still_wanted(message, moment):
                continue
            if not take_allowance(message, moment):
                closed.add((message.account_id, message.channel))
                continue
            mark_sending(message, moment)
            return message


def still_wanted(message: OutboundMessage, moment: datetime) -> bool:
    """Look at everything again, now that it is about to happen; a message that is not wanted is put away."""
    reason, later = _why_not(message, moment), _not_before(message, moment)
    if not reason and later is None:
        return True
    if message.state == State.UNKNOWN:
        _put(message, attempts=SAME_ID_TRIES)  # it stays unknown, and is not repeated
    elif reason:
        _put(message, state=State.STOPPED, reason=reason, settled_at=moment)
    else:
        _put(message, due_at=later)
    return False


def _not_before(message: OutboundMessage, moment: datetime) -> datetime | None:
    """When to look again, during a pause or in quiet hours; None: now is fine."""
    if message.round is None:
        return None
    plan = current_plan(message.round)
    if plan.paused_at is not None:
        return moment + REST
    local = timezone.localtime(moment)
    allowed = next_allowed(local, plan.quiet_from, plan.quiet_to)
    return allowed if allowed > local else None


def _why_not(message: OutboundMessage, moment: datetime) -> str:
    if message.case_id is not None:
        # Locked: an answer that is being taken is waited for; nobody is reminded of what she just did.
        case = Case.objects.select_for_update().get(pk=message.case_id)
        if case.status not in CONTACTABLE:
            return "settled"
    if message.round is not None and message.round.state != Round.State.OPEN:
        return "closed"
    user = message.user
    if user is None:
        return "left"
    _pk, person = recipients(message.account, [user.openid_hash], moment)[user.openid_hash]
    agreed = Consent.objects.filter(
        respondent__public_id=message.link_key, withdrawn_at__isnull=True
    ).exists()
    _channel, reason = choose_channel(
        replace(person, has_consented=agreed),
        channels=[message.channel],
        template_id=message.body.get("template_id", ""),
        is_service_notice=True,  # said by the plan that this message comes from
        moment=moment,
    )
    return reason


def take_allowance(message: OutboundMessage, moment: datetime) -> bool:
    """One of this minute's and this day's messages, if the channel does not rest."""
    SendBudget.objects.get_or_create(account_id=message.account_id, channel=message.channel)
    budget = SendBudget.objects.select_for_update().get(
        account_id=message.account_id, channel=message.channel
    )
    minute, day = int(moment.timestamp()) // 60, timezone.localdate(moment)
    if budget.minute != minute:
        budget.minute, budget.n_minute = minute, 0
    if budget.day != day:
        budget.day, budget.n_day = day, 0
    rests = budget.rests_until is not None and budget.rests_until > moment
    if rests or budget.n_minute >= budget.minute_limit or budget.n_day >= budget.day_limit:
        return False
    budget.n_minute += 1
    budget.n_day += 1
    budget.save(update_fields=["minute", "n_minute", "day", "n_day"])
    return True


def mark_sending(message: OutboundMessage, moment: datetime) -> None:
    if message.channel == Channel.SUBSCRIBE:
        # Used up by the attempt: whether an unknown one reached her, nobody knows.
        SubscriptionGrant.objects.filter(
            user=message.user_id, template_id=message.body.get("template_id", ""), n_left__gt=0
        ).update(n_left=F("n_left") - 1)
    message.attempts += 1
    _put(
        message,
        state=State.SENDING,
        attempts=message.attempts,
        called_at=moment,
        first_called_at=message.first_called_at or moment,
    )


def _put(message: OutboundMessage, **values: Any) -> None:
    OutboundMessage.objects.filter(pk=message.pk).update(**values)
    for name, value in values.items():
        setattr(message, name, value)


# --- 2. the call ------------------------------------------------------------------------------------
def _deliver(message: OutboundMessage) -> None:
    """Call WeChat once and store what it said. Outside every transaction."""
    wechat = wechat_for(message.account)
    try:
        wechat.access_token()
        payload = _payload(message)
    except WeChatError as refusal:
        settle_not_sent(message, refusal)  # nothing was said about the message yet
        return
    try:
        reply = wechat.request("post", PATHS[Channel(message.channel)], data=payload)
    except WeChatError as refusal:
        settle_refused(message, refusal)
    else:
        settle_sent(message, str(reply.get("msgid", "")))


def _payload(message: OutboundMessage) -> dict[str, Any]:
    link = ""
    if message.link_key is not None:
        link = settings.PUBLIC_URL + reverse("responses:home", args=[message.link_key])
    head = {"touser": openid_of(message.user)}
    if message.channel == Channel.CUSTOM:
        text = message.body["text"].replace(LINK, link)
        return {**head, "msgtype": "text", "text": {"content": text}}
    data = {name: {"value": value} for name, value in message.body["fields"].items()}
    head = {**head, "template_id": message.body["template_id"], "data": data}
    if message.channel == Channel.TEMPLATE:
        return {**head, "url": link, "client_msg_id": message.client_msg_id}
    return {**head, "page": link}


# --- 3. what became of it ---------------------------------------------------------------------------
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
        _settle(message, State.UNKNOWN, "no_answer", refusal)  # of the first call it says nothing
    elif code in (OwnCode.NETWORK, OwnCode.GARBLED, -1):
        # -1 is "busy": whether it was done all the same, it does not say.
        _settle(message, State.UNKNOWN, "no_answer", refusal)
    elif code == SAME_CLIENT_ID:
        settle_sent(message, "")
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
    """Let the channel rest: a minute, until tomorrow, or until somebody has looked at the alarm."""
    moment = timezone.localtime(now())
    until = moment + REST
    if code == MINUTE_QUOTA:
        until = moment + timedelta(minutes=1)
    elif code == DAILY_QUOTA:
        until = (moment + timedelta(days=1)).replace(hour=0, minute=5, second=0, microsecond=0)
    SendBudget.objects.filter(account=message.account_id, channel=message.channel).update(
        rests_until=until, rest_code=code
    )
    log.warning("a channel rests", channel=message.channel, code=code, until=until.isoformat())
