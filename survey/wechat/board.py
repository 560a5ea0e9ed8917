"""The delivery board: what became of each drawn household, by community and by hour. Reads only."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import ExtractHour

from survey.contacts.models import Contact
from survey.responses.models import Consent, Respondent, Response
from survey.sampling.models import Case
from survey.studies.models import Round
from survey.wechat.models import MassSend, OutboundMessage
from survey.wechat.reasons import reason_words

SENT_STATES = (
    OutboundMessage.State.SENT,
    OutboundMessage.State.DELIVERED,
    OutboundMessage.State.UNKNOWN,
)
REFUSALS = "2.11"  # AAPOR: refusals begin with it (contacts.dispositions)
STAGES = ("sent", "delivered", "opened", "consented", "completed", "refused")
HOURS = range(24)


@dataclass(frozen=True)
class Funnel:
    """Households by stage. `n` is the base: released cases. A household counts once in each stage it reached.

    `delivered` has a base of its own, `messaged`: letters report no delivery.
    """

    name: str
    n: int
    messaged: int
    sent: int
    delivered: int
    opened: int
    consented: int
    completed: int
    refused: int


def _marks() -> dict[str, Any]:
    """Per case, whether it reached a stage."""
    messages = OutboundMessage.objects.filter(case=OuterRef("pk"))
    letters = Contact.objects.filter(case=OuterRef("pk"), mode=Contact.Mode.LETTER)
    return {
        "messaged": Q(Exists(messages.filter(state__in=SENT_STATES))),
        "sent": Q(Exists(letters)) | Q(Exists(messages.filter(state__in=SENT_STATES))),
        "delivered": Q(Exists(messages.filter(state=OutboundMessage.State.DELIVERED))),
        "opened": Q(Exists(Respondent.objects.filter(case=OuterRef("pk")).exclude(channel="door"))),
        "consented": Q(Exists(Consent.objects.filter(case=OuterRef("pk"), withdrawn_at__isnull=True))),
        "completed": Q(Exists(Response.objects.counted().order_by().filter(case=OuterRef("opaque_id")))),
        "refused": Q(status=Case.Status.REFUSED),
    }


def _cases(round: Round) -> QuerySet[Case]:
    return Case.objects.released().filter(round=round).order_by()


def funnel(round: Round) -> Funnel:
    """The whole round."""
    counts = _cases(round).aggregate(n=Count("pk"), **_counts())
    return Funnel(name=str(round), **counts)


def _counts() -> dict[str, Count]:
    return {name: Count("pk", filter=mark) for name, mark in _marks().items()}


def by_community(round: Round) -> list[Funnel]:
    """One line for each community, in the order of their codes."""
    rows = (
        _cases(round)
        .values("community__name", "community__parent__name", "community__code")
        .annotate(n=Count("pk"), **_counts())
        .order_by("community__code")
    )
    return [
        Funnel(
            name=f"{row.pop('community__parent__name') or ''} {row.pop('community__name')}".strip(),
            **{name: value for name, value in row.items() if name != "community__code"},
        )
        for row in rows
    ]


def by_hour(round: Round) -> list[dict[str, int]]:
    """What happened in each hour of the day, in the installation's time zone: messages sent, letters opened,
    agreements, answers, refusals. Events, not households."""
    messages = OutboundMessage.objects.filter(round=round, state__in=SENT_STATES)
    refusals = Contact.objects.filter(case__round=round, disposition__startswith=REFUSALS)
    opened = Respondent.objects.filter(round=round, case__isnull=False).exclude(channel="door")
    answers = Response.objects.counted().filter(round=round, case__isnull=False, mode="web")
    sources: dict[str, Callable[[], dict[int, int]]] = {
        "sent": lambda: _hours(messages, "called_at"),
        "delivered": lambda: _hours(messages.filter(state=OutboundMessage.State.DELIVERED), "settled_at"),
        "opened": lambda: _hours(opened, "created_at"),
        "consented": lambda: _hours(Consent.objects.filter(round=round, case__isnull=False), "given_at"),
        "completed": lambda: _hours(answers, "received_at"),
        "refused": lambda: _hours(refusals, "at"),
    }
    counted = {name: count() for name, count in sources.items()}
    return [{"hour": hour} | {name: counted[name].get(hour, 0) for name in STAGES} for hour in HOURS]


def _hours(rows: QuerySet[Any], column: str) -> dict[int, int]:
    found = (
        rows.order_by()
        .filter(**{f"{column}__isnull": False})
        .annotate(hour=ExtractHour(column))
        .values("hour")
        .annotate(n=Count("pk"))
        .values_list("hour", "n")
    )
    return dict(found)


def message_states(round: Round) -> list[dict[str, Any]]:
    """Messages by step, channel and state, with the reasons of what was not sent."""
    rows = (
        OutboundMessage.objects.filter(round=round)
        .order_by()
        .values("step", "channel", "state", "reason")
        .annotate(n=Count("pk"))
        .order_by("step", "channel", "state", "reason")
    )
    channels, states = dict(OutboundMessage.Channel.choices), dict(OutboundMessage.State.choices)
    return [
        {
            **row,
            "channel_name": channels[row["channel"]],
            "state_name": states[row["state"]],
            "why": reason_words(row["reason"]),
        }
        for row in rows
    ]


def mass_lists(round: Round) -> QuerySet[MassSend]:
    """The round's mass messages, a row for each list, with what WeChat reported of it; the latest first."""
    return MassSend.objects.filter(round=round, called_at__isnull=False)
