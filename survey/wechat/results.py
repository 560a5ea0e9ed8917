"""Matches what WeChat reports back to what was sent, and keeps what users agree to get.

Events come late, doubled, or before the answer to the call itself: each may settle a message once, and none
takes back what another has settled.
"""

from typing import Any

from django.db.models import F

from survey.common.clock import now
from survey.wechat.identity import remember_user
from survey.wechat.inbox import on_push
from survey.wechat.models import (
    MassSend,
    OutboundMessage,
    ReceivedPush,
    SubscriptionGrant,
    WeChatAccount,
    WeChatUser,
)
from survey.wechat.outcomes import note_contact, settle_sent
from survey.wechat.push import author_of

State, Channel = OutboundMessage.State, OutboundMessage.Channel
OPEN = (State.SENDING, State.SENT, State.UNKNOWN)


@on_push("event:TEMPLATESENDJOBFINISH")
def _template_settled(account: WeChatAccount, fields: dict[str, Any], push: ReceivedPush) -> None:
    """Status [M]: "success", "failed:user block", "failed: system failed"."""
    message = _match(account, push, Channel.TEMPLATE, _text(fields, "MsgID") or _text(fields, "MsgId"))
    status = _text(fields, "Status").replace(" ", "").lower()
    if message is not None:
        _settle(message, delivered=status == "success", why=status.removeprefix("failed:")[:40])
    if status == "failed:userblock":
        WeChatUser.objects.filter(account=account, openid_hash=push.openid_hash).update(opted_out_at=now())


@on_push("event:MASSSENDJOBFINISH")
def _mass_settled(account: WeChatAccount, fields: dict[str, Any], push: ReceivedPush) -> None:
    """Status "send success", "send fail" or "err(num)"; TotalCount, SentCount, ErrorCount [3P copies of
    Batch_Sends; a real event: community doc 0000c2636d03881b96f38f7ce6b800].

    Numbers, not people. Everybody of the list reached: all are delivered. Nobody: all have failed. Some: the
    messages stay `sent`, and the numbers stand beside the list.
    """
    number = _text(fields, "MsgID") or _text(fields, "MsgId")
    status, n_sent = _text(fields, "Status")[:40], _count(fields, "SentCount")
    n_total = _count(fields, "TotalCount")
    list_ = _list(account, push, number, n_total)
    if list_ is None:
        return
    MassSend.objects.filter(pk=list_.pk).update(
        tencent_id=number,
        status=status,
        n_total=n_total,
        n_sent=n_sent,
        n_errors=_count(fields, "ErrorCount"),
        reported_at=now(),
    )
    rows = list_.messages.filter(state__in=OPEN)
    if status.startswith("err(") or status == "send fail" or n_sent == 0:
        rows.update(state=State.FAILED, reason=status or "send fail", settled_at=now())
    elif n_sent is not None and n_sent >= list_.n_listed:
        for message in rows:
            _settle(message, delivered=True, why="")
    else:
        for message in rows.exclude(state=State.SENT):
            settle_sent(message, number)


def _list(account: WeChatAccount, push: ReceivedPush, number: str, n_total: int | None) -> MassSend | None:
    """The list that an event is about: by Tencent's id, or, when we never learned it, by being the only open
    one of that length. None: sent by hand in the back office, or reported on before."""
    waiting = MassSend.objects.select_for_update().filter(account=account, reported_at__isnull=True)
    known = waiting.filter(tencent_id=number).first() if number else None
    if known is not None:
        return known
    nameless = waiting.filter(tencent_id="", called_at__lte=push.received_at)[:2]
    return nameless[0] if len(nameless) == 1 and nameless[0].n_listed == n_total else None


def _count(fields: dict[str, Any], name: str) -> int | None:
    text = _text(fields, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@on_push("event:subscribe_msg_sent_event")
def _subscription_settled(account: WeChatAccount, fields: dict[str, Any], push: ReceivedPush) -> None:
    """Each entry has MsgID, ErrorCode and ErrorStatus; 0 is success."""
    for entry in _entries(fields):
        message = _match(account, push, Channel.SUBSCRIBE, _text(entry, "MsgID") or _text(entry, "MsgId"))
        if message is not None:
            code = _text(entry, "ErrorCode")
            _settle(message, delivered=code == "0", why=f"refused_{code}"[:40])


@on_push("event:subscribe_msg_popup_event")
def _agreed(account: WeChatAccount, fields: dict[str, Any], push: ReceivedPush) -> None:
    """Each "accept" is the agreement to one message of that template."""
    for entry in _entries(fields):
        if _text(entry, "SubscribeStatusString") == "accept" and _template_of(entry):
            user = remember_user(account, author_of(fields))
            grant, _new = SubscriptionGrant.objects.get_or_create(
                user=user, template_id=_template_of(entry), defaults={"changed_at": now()}
            )
            SubscriptionGrant.objects.filter(pk=grant.pk).update(n_left=F("n_left") + 1, changed_at=now())


@on_push("event:subscribe_msg_change_event")
def _changed_her_mind(account: WeChatAccount, fields: dict[str, Any], push: ReceivedPush) -> None:
    """She manages her notices in WeChat's settings; "reject" takes back what she had agreed to."""
    for entry in _entries(fields):
        if _text(entry, "SubscribeStatusString") == "reject":
            SubscriptionGrant.objects.filter(
                user__account=account, user__openid_hash=push.openid_hash, template_id=_template_of(entry)
            ).update(n_left=0, changed_at=now())


def _match(
    account: WeChatAccount, push: ReceivedPush, channel: str, tencent_id: str
) -> OutboundMessage | None:
    """The message that an event is about: by Tencent's id, or, when we never learned it, by her being the
    only one of hers whose outcome is open."""
    of_channel = OutboundMessage.objects.select_for_update().filter(account=account, channel=channel)
    if tencent_id:
        known = of_channel.filter(tencent_id=tencent_id).first()
        if known is not None:
            return known
    nameless = list(
        of_channel.filter(
            user__openid_hash=push.openid_hash,
            state__in=(State.SENDING, State.UNKNOWN),
            tencent_id="",
            called_at__lte=push.received_at,
        )[:2]
    )
    if len(nameless) != 1:
        return None
    OutboundMessage.objects.filter(pk=nameless[0].pk).update(tencent_id=tencent_id)
    return nameless[0]


def _settle(message: OutboundMessage, *, delivered: bool, why: str) -> None:
    """The first event settles it; a doubled or contradicting one changes nothing."""
    settled = OutboundMessage.objects.filter(pk=message.pk, state__in=OPEN).update(
        state=State.DELIVERED if delivered else State.FAILED,
        reason="" if delivered else why,
        settled_at=now(),
    )
    if settled and delivered:
        note_contact(message)


def _entries(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The List of a subscription event, in the XML form or (at top level) in the JSON form."""
    found: Any = fields.get("List")
    for name, value in fields.items():
        if name.startswith("SubscribeMsg") and isinstance(value, dict):
            found = value.get("List", found)
    entries = found if isinstance(found, list) else [found]
    return [entry for entry in entries if isinstance(entry, dict)]


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def _template_of(entry: dict[str, Any]) -> str:
    return _text(entry, "TemplateId")[:64]
