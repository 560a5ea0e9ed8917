"""Sends mass messages (群发): one call to many followers of a step, with one text for all of them.

The rules of `sending` hold for each receiver: looked at again, marked and committed before the call, never
sent again. What differs (protocol file, section 10): the list has at least two people [M]; each gets four a
month at most; the link cannot be her own; an administrator may have to confirm at Tencent within 30 minutes
[D]; results come as numbers, not by person (`MassSend`).

A list keeps its clientmsgid: one that was refused, or whose outcome is unknown, goes out under the same id,
with those of its people who may still be written to. Tencent answers 45065 when it has that list already [D
Batch_Sends], and then all of them are `sent`.
"""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse

from survey.common.clock import now
from survey.contacts.plan import LINK
from survey.studies.models import Round
from survey.wechat.errors import WeChatError
from survey.wechat.identity import openid_of
from survey.wechat.models import MassSend, OutboundMessage
from survey.wechat.outcomes import settle_not_sent, settle_refused, settle_sent
from survey.wechat.sending import (
    SAME_ID_TRIES,
    mark_sending,
    same_id_due,
    still_wanted,
    take_allowance,
)
from survey.wechat.services import wechat_for

State, Channel = OutboundMessage.State, OutboundMessage.Channel
PATH = "message/mass/send"
FEWEST, MOST = 2, 1000  # Tencent takes 10,000 in a list [M]; smaller lists hold fewer rows locked


def send_mass_due(*, round: Round | None = None) -> int:
    """Send the mass messages that are due, a list for each account; returns how many people were listed."""
    due = _due(round)
    sent = 0
    for account_id in sorted(set(due.order_by().values_list("account", flat=True))):
        messages = _claim(due.filter(account=account_id))
        if messages:
            _deliver(messages)
        sent += len(messages)
    return sent


def _due(round: Round | None) -> QuerySet[OutboundMessage]:
    moment = now()
    planned = Q(state=State.PLANNED, due_at__lte=moment)
    due = OutboundMessage.objects.filter(planned | same_id_due(moment), channel=Channel.MASS)
    return (due if round is None else due.filter(round=round)).order_by("due_at", "pk")


@transaction.atomic
def _claim(due: QuerySet[OutboundMessage]) -> list[OutboundMessage]:
    """One list, marked `sending`: people of one step with one text, or the rest of a list that was called
    before. [] when nothing is due or allowed."""
    moment = now()
    first = due.first()
    if first is None:
        return []
    rows = due.filter(round=first.round_id, step=first.step, mass_send=first.mass_send_id)
    rows = rows.select_related("account", "user", "round__study", "case", "mass_send")
    held = rows.select_for_update(skip_locked=True, of=("self",))[:MOST]
    wanted = [row for row in held if row.body == first.body and still_wanted(row, moment)]
    if 0 < len(wanted) < FEWEST:
        # A list of one is refused; she gets the step's next mode instead, unless the first call may stand.
        alone = OutboundMessage.objects.filter(pk=wanted[0].pk)
        alone.filter(state=State.UNKNOWN).update(attempts=F("n_busy") + SAME_ID_TRIES)
        alone.filter(state=State.PLANNED).update(state=State.FAILED, reason="too_few", settled_at=moment)
        return []
    if not wanted or not take_allowance(wanted[0], moment):
        return []
    list_ = _list_of(wanted, moment)
    for row in wanted:
        mark_sending(row, moment)
        row.mass_send = list_
    OutboundMessage.objects.filter(pk__in=[row.pk for row in wanted]).update(mass_send=list_)
    return wanted


def _list_of(wanted: list[OutboundMessage], moment: datetime) -> MassSend:
    """The list that these are in. Its size is that of the call that may have been taken."""
    first = wanted[0]
    list_ = first.mass_send or MassSend(
        account=first.account, round=first.round, step=first.step, client_msg_id=uuid.uuid4().hex
    )
    if first.state == State.PLANNED:
        list_.n_listed = len(wanted)
    list_.called_at = moment
    list_.save()
    return list_


def _deliver(messages: list[OutboundMessage]) -> None:
    """One call for all of them. Outside every transaction."""
    first = messages[0]
    wechat = wechat_for(first.account)
    try:
        wechat.access_token()
        link = settings.PUBLIC_URL + reverse("entry:typed")
        payload = {
            "touser": [openid_of(message.user) for message in messages],
            "msgtype": "text",
            "text": {"content": first.body["text"].replace(LINK, link)},
            "clientmsgid": first.mass_send.client_msg_id,
        }
    except WeChatError as refusal:
        for message in messages:
            settle_not_sent(message, refusal)
        return
    try:
        reply = wechat.request("post", PATH, data=payload)
    except WeChatError as refusal:
        for message in messages:
            settle_refused(message, refusal)
    else:
        number = str(reply.get("msg_id", ""))
        MassSend.objects.filter(pk=first.mass_send_id, tencent_id="").update(tencent_id=number)
        for message in messages:
            settle_sent(message, number)
