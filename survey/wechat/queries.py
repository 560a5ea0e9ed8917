"""Reads for those who watch the sending. The delivery board's households are counted in `board`."""

from datetime import datetime

from django.db.models import QuerySet

from survey.studies.models import Round
from survey.wechat.models import OutboundMessage
from survey.wechat.planning import PlanSummary, plan_round, summarise

State = OutboundMessage.State


def next_contacts(round: Round, *, moment: datetime | None = None) -> PlanSummary:
    """The dry run: who would get what now, and why the others would not. `planning.REASONS` has the words."""
    return summarise(plan_round(round, moment=moment))


def unsettled_messages(round: Round) -> QuerySet[OutboundMessage]:
    """Messages whose outcome is not known, the latest first: shown as unknown, never sent again."""
    return (
        OutboundMessage.objects.filter(round=round, state__in=(State.UNKNOWN, State.SENDING))
        .select_related("case__community")
        .order_by("-called_at")
    )
