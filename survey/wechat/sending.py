"""Sends what is planned: at most once, within the allowances, and not to anybody who has answered or left.

The order is the proof (tests/proof/kill_send.py):

1. One transaction looks at everything again, takes one piece of the allowance, and marks the row `sending`.
2. Only after it is committed WeChat is called.
3. What WeChat said is stored (`outcomes`).

A worker that dies before 2 leaves a row that is `sending` and was not sent; one that dies after it leaves a
row that was. Nobody can tell them apart, so neither is sent again: after a minute both are `unknown`, until
an event says what became of them. The exception are template and mass messages: under the same client message
id Tencent takes one once within ten minutes [M] (a mass message: within a day [M]), so an unknown one is
repeated, soon, under its own id.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from survey.common.clock import now
from survey.contacts.plan import LINK, next_allowed
from survey.contacts.queries import CONTACTABLE
from survey.contacts.services import current_plan
from survey.responses.models import Consent
from survey.sampling.models import Case
from survey.studies.models import Round
from survey.wechat.eligibility import choose_channel
from survey.wechat.errors import WeChatError
from survey.wechat.identity import openid_of, stop_messages
from survey.wechat.models import OutboundMessage, SendBudget, SubscriptionGrant
from survey.wechat.outcomes import settle_not_sent, settle_refused, settle_sent
from survey.wechat.recipients import recipients
from survey.wechat.services import wechat_for

State, Channel = OutboundMessage.State, OutboundMessage.Channel
# A call lasts 2 x (3 + 5) s at most, with the token twice that (client.TIMEOUT): who takes longer is dead.
LOST_AFTER = timedelta(seconds=60)
# Tencent's window is ten minutes [M]; two minutes are kept for clocks and slow networks.
SAME_ID_WITHIN, SAME_ID_PAUSE, SAME_ID_TRIES = timedelta(minutes=8), timedelta(seconds=30), 3
PAUSED_LOOK = timedelta(minutes=15)
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
        | same_id_due(moment)
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


def same_id_due(moment: datetime) -> Q:
    """Messages of unknown outcome that may be repeated under their own client message id."""
    return Q(
        Q(channel=Channel.TEMPLATE) | Q(channel=Channel.MASS, mass_send__isnull=False),
        state=State.UNKNOWN,
        first_called_at__gt=moment - SAME_ID_WITHIN,
        called_at__lt=moment - SAME_ID_PAUSE,
        attempts__lt=F("n_busy") + SAME_ID_TRIES,
    )


# --- 1. the intent ----------------------------------------------------------------------------------
def _claim(closed: set[tuple[int, str]], round: Round | None) -> OutboundMessage | None:
    """The next message that may be sent now, marked `sending` and committed; None: nothing more for now.

    `closed` collects (account, channel) whose allowance is used up, so that others have their turn.
    """
    while True:
        with transaction.atomic():
            moment = now()
            due = Q(state=State.PLANNED, due_at__lte=moment) | same_id_due(moment)
            due &= ~Q(channel=Channel.MASS)  # by list: `mass`
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
        _put(message, attempts=message.n_busy + SAME_ID_TRIES)  # it stays unknown, and is not repeated
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
        return moment + PAUSED_LOOK
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
