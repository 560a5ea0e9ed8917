"""Plans the contacts of a round: who is due for which step, by which mode, and why the others are not.

Two streams in the order of cases, households and the WeChat users who opened their letters, are read side by
side: memory does not grow with the round. `plan_round` only looks; `store_plan` writes the messages down.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import (
    Aggregate,
    Min,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.contacts.models import Contact, ContactPlan
from survey.contacts.plan import Step, due_step, next_allowed, read_steps
from survey.contacts.queries import CONTACTABLE
from survey.contacts.services import current_plan
from survey.sampling.models import Case, Draw
from survey.studies.models import Round
from survey.wechat import eligibility
from survey.wechat.eligibility import choose_channel
from survey.wechat.handover import wake_outbox
from survey.wechat.models import OutboundMessage, WeChatAccount
from survey.wechat.recipients import CHUNK, Known, people_by_case

# What a customer-service message says when the plan gives no words of its own.
DEFAULT_TEXT = _("您好，您家的问卷还没有交。点这里接着答：{link}\n不想再收到提醒，请回复“退订”。")
# Why a household gets nothing now, beside the reasons of `eligibility`.
NOT_YET, DONE, ANSWERED, REFUSED, INELIGIBLE = "not_yet", "done", "answered", "refused", "ineligible"
NO_WECHAT, NO_ACCOUNT, PAUSED, FAILED = "no_wechat", "no_account", "paused", "failed"
REASONS: dict[str, Any] = {
    NOT_YET: _("还没到下一步的日子"),
    DONE: _("该做的步骤都做过了"),
    ANSWERED: _("已经答完"),
    REFUSED: _("已经拒绝"),
    INELIGIBLE: _("不合格，或情况不能再联系"),
    PAUSED: _("这一轮的联系已暂停"),
    NO_ACCOUNT: _("项目没有启用的公众号"),
    FAILED: _("这一步的微信消息没有送达"),
    NO_WECHAT: _("没有在微信里打开过信"),
    eligibility.OPTED_OUT: _("回复过“退订”，或拒收消息"),
    eligibility.NOT_FOLLOWER: _("没有关注公众号"),
    eligibility.NO_CHANNEL: _("计划里没有能用的微信渠道"),
    eligibility.WINDOW_CLOSED: _("客服消息的时间窗已过"),
    eligibility.WINDOW_USED: _("客服消息的条数已用完"),
    eligibility.NO_GRANT: _("没有订阅过这个通知，或次数已用完"),
    eligibility.NO_CONSENT: _("还没有同意参加调查"),
    eligibility.MASS_USED: _("本月群发已满四次"),
}
_STOPPED = {
    Case.Status.COMPLETED: ANSWERED,
    Case.Status.REFUSED: REFUSED,
    Case.Status.INELIGIBLE: INELIGIBLE,
}


@dataclass(frozen=True)
class Decision:
    """What one household gets now, or why nothing.

    Attributes
    ----------
    step : name of the step that is due; "" when none is.
    mode : "letter", "wechat" or "door"; "" when nothing is to be done.
    channel : of a WeChat message.
    reason : a key of `REASONS`: why nothing, or why WeChat was passed over for the next mode.
    """

    case_id: int
    number: str
    community_id: int
    step: str = ""
    mode: str = ""
    channel: str = ""
    reason: str = ""
    user_id: int | None = None
    link_key: uuid.UUID | None = None


def plan_round(round: Round, *, moment: datetime | None = None) -> Iterator[Decision]:
    """Decide for every released household of the round, in the order of cases. Reads only; memory is flat."""
    at = moment or now()
    plan = current_plan(round)
    steps = read_steps(plan.steps)
    account = round.study.wechat_accounts.filter(is_active=True).order_by("pk").first()
    people = people_by_case(round, account, at)
    ahead = next(people, None)
    rules = _Rules(steps, plan, account is not None, at, timezone.localdate(at))
    for row in households(round).iterator(chunk_size=CHUNK):
        while ahead is not None and ahead[0] < row[0]:
            ahead = next(people, None)
        known = ahead[1] if ahead is not None and ahead[0] == row[0] else []
        yield _decide(row, known, rules)


class Joined(Aggregate):
    """Texts of a group, joined by commas; the order does not matter."""

    function = "GROUP_CONCAT"
    template = "%(function)s(%(expressions)s)"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, database: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler,
            database,
            function="STRING_AGG",
            template="%(function)s(%(expressions)s, ',')",
            **context,
        )


def households(round: Round) -> QuerySet[Case, tuple[Any, ...]]:
    """The one query that lists a round's households with what decides.

    Rows of (case id, number, community id, status, first letter's time, steps of its letters joined by
    commas, its messages as "state:step" joined by commas).
    """
    letters = Contact.objects.filter(case=OuterRef("pk"), mode=Contact.Mode.LETTER).order_by()
    first = letters.values("case").annotate(first=Min("at")).values("first")
    lettered = letters.values("case").annotate(steps=Joined(KT("detail__step"))).values("steps")
    messages = OutboundMessage.objects.filter(case=OuterRef("pk")).order_by()
    sent = messages.values("case").annotate(steps=Joined(Concat("state", Value(":"), "step"))).values("steps")
    return (
        Case.objects.released()
        .filter(round=round, draw__state=Draw.State.DRAWN)
        .order_by("pk")
        .values_list(
            "pk", "number", "community_id", "status", Subquery(first), Subquery(lettered), Subquery(sent)
        )
    )


@dataclass(frozen=True)
class _Rules:
    """What is the same for all households of one run."""

    steps: list[Step]
    plan: ContactPlan
    has_account: bool
    moment: datetime
    today: date


def _decide(row: tuple[Any, ...], people: list[Known], rules: _Rules) -> Decision:
    case_id, number, community_id, status, first_letter, lettered, messages = row
    decision = Decision(case_id, number, community_id)
    if status not in CONTACTABLE:
        return replace(decision, reason=_STOPPED.get(status, INELIGIBLE))
    sent = [entry.split(":", 1) for entry in messages.split(",")] if messages else []
    undone = (OutboundMessage.State.STOPPED, OutboundMessage.State.FAILED)
    done = frozenset((lettered or "").split(",")) | {step for state, step in sent if state not in undone}
    # A household that has had no letter yet begins today, whenever its replicate was released.
    first = timezone.localtime(first_letter).date() if first_letter is not None else rules.today
    step = due_step(rules.steps, first_letter=first, today=rules.today, done=done)
    if step is None:
        over = all(entry.name in done for entry in rules.steps)
        return replace(decision, reason=DONE if over else NOT_YET)
    decision = replace(decision, step=step.name)
    if rules.plan.paused_at is not None:
        return replace(decision, reason=PAUSED)
    failed = any(state == OutboundMessage.State.FAILED and name == step.name for state, name in sent)
    return _by_mode(decision, step, people, rules, failed=failed)


def _by_mode(decision: Decision, step: Step, people: list[Known], rules: _Rules, *, failed: bool) -> Decision:
    """The first mode of the step that may reach the household."""
    reason = ""
    for mode in step.modes:
        if mode != "wechat":
            return replace(decision, mode=mode, reason=reason)
        if failed:
            reason = FAILED
            continue
        reason = NO_WECHAT if rules.has_account else NO_ACCOUNT
        for person in people:
            channel, reason = choose_channel(
                person.recipient,
                channels=step.message.channels,
                template_id=step.message.template_id,
                is_service_notice=step.message.is_service_notice,
                moment=rules.moment,
            )
            if channel:
                return replace(
                    decision,
                    mode=mode,
                    channel=channel,
                    user_id=person.user_id,
                    link_key=person.link_key,
                )
    return replace(decision, reason=reason)


@dataclass
class PlanSummary:
    """A run in numbers.

    Attributes
    ----------
    due : (step, mode, channel) → households.
    reasons : why the others get nothing: reason → households.
    passed_over : why WeChat was passed over for another mode: reason → households.
    n_stored : messages newly written down.
    """

    n_households: int = 0
    due: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)
    n_stored: int = 0

    def add(self, decision: Decision) -> None:
        self.n_households += 1
        if decision.mode:
            self.due[decision.step, decision.mode, decision.channel] += 1
            if decision.reason:
                self.passed_over[decision.reason] += 1
        else:
            self.reasons[decision.reason] += 1


def summarise(decisions: Iterable[Decision]) -> PlanSummary:
    """Count decisions without keeping them."""
    summary = PlanSummary()
    for decision in decisions:
        summary.add(decision)
    return summary


def store_plan(*, round: Round, acting_user: Actor, moment: datetime | None = None) -> PlanSummary:
    """Write down the WeChat messages that are due, once per household and step; safe to repeat.

    Letters and doors are counted only: letters are printed by people (`start_letters`), doors are assigned.
    """
    at = moment or now()
    plan = current_plan(round)
    steps = {step.name: step for step in read_steps(plan.steps)}
    local = timezone.localtime(at)
    due_at = next_allowed(local, plan.quiet_from, plan.quiet_to)
    account = round.study.wechat_accounts.filter(is_active=True).order_by("pk").first()
    summary = PlanSummary()
    batch: list[OutboundMessage] = []
    for decision in plan_round(round, moment=at):
        summary.add(decision)
        if decision.mode == "wechat" and account is not None:
            batch.append(_message(decision, steps[decision.step], account, round, at, due_at))
        if len(batch) >= CHUNK:
            summary.n_stored += _store(batch)
            batch.clear()
    summary.n_stored += _store(batch)
    if summary.n_stored:
        with transaction.atomic():
            record(
                action="wechat.messages.planned",
                acting_user=acting_user,
                target=round,
                region_code=round.study.region.code,
                detail={"count": summary.n_stored, "plan": plan.number},
            )
        transaction.on_commit(wake_outbox)
    return summary


def _message(
    decision: Decision, step: Step, account: WeChatAccount, round: Round, at: datetime, due_at: datetime
) -> OutboundMessage:
    words = step.message
    text = words.text or str(DEFAULT_TEXT)
    body = (
        {"text": text}
        if decision.channel in (OutboundMessage.Channel.CUSTOM, OutboundMessage.Channel.MASS)
        else {
            "template_id": words.template_id,
            "fields": words.fields,
        }
    )
    return OutboundMessage(
        account=account,
        user_id=decision.user_id,
        round=round,
        case_id=decision.case_id,
        step=decision.step,
        channel=decision.channel,
        body=body,
        link_key=decision.link_key,
        client_msg_id=uuid.uuid4().hex,
        planned_at=at,
        due_at=due_at,
    )


@transaction.atomic
def _store(batch: list[OutboundMessage]) -> int:
    """Store those whose household and step have none; one that was stopped may be planned again."""
    stored = 0
    for start in range(0, len(batch), 500):
        part = batch[start : start + 500]
        cases = [message.case_id for message in part]
        there = {
            (case, step): pk
            for case, step, pk in OutboundMessage.objects.filter(case__in=cases).values_list(
                "case_id", "step", "pk"
            )
        }
        fresh = [message for message in part if (message.case_id, message.step) not in there]
        before = OutboundMessage.objects.filter(case__in=cases).count()
        OutboundMessage.objects.bulk_create(fresh, ignore_conflicts=True)
        stored += OutboundMessage.objects.filter(case__in=cases).count() - before
        stored += sum(_plan_again(message, there) for message in part)
    return stored


def _plan_again(message: OutboundMessage, there: dict[tuple[int, str], int]) -> int:
    pk = there.get((message.case_id, message.step))
    if pk is None:
        return 0
    # Only what was never handed to WeChat; the row keeps its client message id.
    return OutboundMessage.objects.filter(
        pk=pk, state=OutboundMessage.State.STOPPED, first_called_at__isnull=True
    ).update(
        state=OutboundMessage.State.PLANNED,
        reason="",
        user_id=message.user_id,
        channel=message.channel,
        body=message.body,
        link_key=message.link_key,
        planned_at=message.planned_at,
        due_at=message.due_at,
        settled_at=None,
    )
