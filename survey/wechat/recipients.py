"""Reads what decides about WeChat users: followers, windows, agreements, messages so far."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter

from django.db.models import Count, Exists, F, OuterRef, QuerySet
from django.utils import timezone

from survey.contacts.queries import step_taken
from survey.responses.models import Consent, Respondent
from survey.studies.models import Round
from survey.wechat.eligibility import Recipient
from survey.wechat.models import OutboundMessage, SubscriptionGrant, WeChatAccount, WeChatUser

CHUNK = 2000
CALLED = (
    OutboundMessage.State.SENDING,
    OutboundMessage.State.SENT,
    OutboundMessage.State.DELIVERED,
    OutboundMessage.State.UNKNOWN,
)


@step_taken
def by_message(step: str) -> Exists:
    """Households with a message of this step that waits, went out or may have gone out: no letter, too."""
    undone = (OutboundMessage.State.STOPPED, OutboundMessage.State.FAILED)
    return Exists(OutboundMessage.objects.filter(case=OuterRef("pk"), step=step).exclude(state__in=undone))


@dataclass(frozen=True)
class Known:
    """One WeChat user who opened a household's letter."""

    user_id: int
    link_key: uuid.UUID
    recipient: Recipient


def people_by_case(
    round: Round, account: WeChatAccount | None, moment: datetime
) -> Iterator[tuple[int, list[Known]]]:
    """(case id, its WeChat users, the latest comer first), in the order of cases."""
    if account is None:
        return
    agreed = Exists(Consent.objects.filter(respondent=OuterRef("pk"), withdrawn_at__isnull=True))
    rows = (
        Respondent.objects.filter(round=round, case__isnull=False)
        .exclude(identity_hash="")
        .order_by("case_id", "-pk")
        .values_list("case_id", "public_id", "identity_hash", agreed)
        .iterator(chunk_size=CHUNK)
    )

    def known() -> Iterator[tuple[int, Known]]:
        while chunk := list(islice(rows, CHUNK)):
            users = recipients(account, [row[2] for row in chunk], moment)
            for case_id, public_id, identity, consented in chunk:
                if identity in users:
                    user_id, person = users[identity]
                    yield case_id, Known(user_id, public_id, replace(person, has_consented=consented))

    for case_id, group in groupby(known(), key=itemgetter(0)):
        yield case_id, [person for _case, person in group]


def recipients(
    account: WeChatAccount, openid_hashes: Iterable[str], moment: datetime
) -> dict[str, tuple[int, Recipient]]:
    """Openid hash → (user id, what decides about her), with five queries for any number of users."""
    users = list(WeChatUser.objects.filter(account=account, openid_hash__in=list(openid_hashes)))
    ids = [user.pk for user in users]
    calls = OutboundMessage.objects.filter(user__in=ids, state__in=CALLED).order_by()
    custom = calls.filter(channel=OutboundMessage.Channel.CUSTOM)
    month = timezone.localtime(moment).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    since_message = _counts(custom.filter(called_at__gte=F("user__last_message_at")))
    since_touch = _counts(custom.filter(called_at__gte=F("user__last_touch_at")))
    mass = _counts(calls.filter(channel=OutboundMessage.Channel.MASS, called_at__gte=month))
    grants: dict[int, dict[str, int]] = {}
    for user_id, template, left in SubscriptionGrant.objects.filter(user__in=ids).values_list(
        "user_id", "template_id", "n_left"
    ):
        grants.setdefault(user_id, {})[template] = left
    return {
        user.openid_hash: (
            user.pk,
            Recipient(
                is_follower=user.is_follower,
                opted_out=user.opted_out_at is not None,
                last_message_at=user.last_message_at,
                last_touch_at=user.last_touch_at,
                n_since_message=since_message.get(user.pk, 0),
                n_since_touch=since_touch.get(user.pk, 0),
                grants=grants.get(user.pk, {}),
                n_mass_this_month=mass.get(user.pk, 0),
            ),
        )
        for user in users
    }


def _counts(messages: QuerySet[OutboundMessage]) -> dict[int, int]:
    return dict(messages.values("user").annotate(n=Count("pk")).values_list("user", "n"))
