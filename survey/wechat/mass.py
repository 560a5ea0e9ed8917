"""Sends mass messages (群发): one call to many followers of a step, with one text for all of them.

The rules of `sending` hold for each receiver: looked at again, marked and committed before the call, never
sent again. What differs (protocol file, section 10): the list has at least two people [M]; each gets four a
month at most; the link cannot be her own; an administrator may have to confirm at Tencent within 30 minutes
[D]; results come as numbers, not by person. A call of unknown outcome leaves all its rows `unknown`.
"""

import uuid

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from survey.common.clock import now
from survey.contacts.plan import LINK
from survey.studies.models import Round
from survey.wechat.errors import WeChatError
from survey.wechat.identity import openid_of
from survey.wechat.models import OutboundMessage
from survey.wechat.sending import (
    mark_sending,
    settle_not_sent,
    settle_refused,
    settle_sent,
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
    due = OutboundMessage.objects.filter(channel=Channel.MASS, state=State.PLANNED, due_at__lte=now())
    return (due if round is None else due.filter(round=round)).order_by("due_at", "pk")


@transaction.atomic
def _claim(due: QuerySet[OutboundMessage]) -> list[OutboundMessage]:
    """One list, marked `sending`: people of one step with one text. [] when nothing is due or allowed."""
    moment = now()
    first = due.first()
    if first is None:
        return []
    rows = due.filter(round=first.round_id, step=first.step)
    rows = rows.select_related("account", "user", "round__study", "case")
    held = rows.select_for_update(skip_locked=True, of=("self",))[:MOST]
    wanted = [row for row in held if row.body == first.body and still_wanted(row, moment)]
    if 0 < len(wanted) < FEWEST:
        # A list of one is refused; she gets the step's next mode instead.
        ids = [row.pk for row in wanted]
        OutboundMessage.objects.filter(pk__in=ids).update(
            state=State.FAILED, reason="too_few", settled_at=moment
        )
        return []
    if not wanted or not take_allowance(wanted[0], moment):
        return []
    for row in wanted:
        mark_sending(row, moment)
    return wanted


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
            "clientmsgid": uuid.uuid4().hex,  # each call is one of its own: none is repeated
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
        for message in messages:
            settle_sent(message, str(reply.get("msg_id", "")))
