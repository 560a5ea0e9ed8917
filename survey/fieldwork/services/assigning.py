"""Who goes to which door, in which order; a second try at a refusal."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, Max
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.contacts.models import Contact
from survey.contacts.queries import address_of, drawn_cases
from survey.contacts.services import final_disposition
from survey.fieldwork.loads import Block, share_out
from survey.fieldwork.models import Assignment, VisitPlace
from survey.fieldwork.places import position_of
from survey.fieldwork.queries import CLOSED, interviewers_for
from survey.fieldwork.route import Stop, walking_order
from survey.fieldwork.rules import rules_of
from survey.sampling.models import Case
from survey.stats.field_quality import to_metres
from survey.studies.models import Round


def assign_cases(
    *, cases: Iterable[Case], interviewer: User, acting_user: User, reason: str = "", conversion: bool = False
) -> int:
    """Put cases into an interviewer's hands from now on, taking them out of other hands.

    Returns how many changed hands; cases that are already his stay as they are.

    Parameters
    ----------
    reason : why they change hands, kept with the assignment.
    conversion : a second try at households that refused (`try_refusal_again` checks that they may be).

    Raises
    ------
    Problem common.invalid : he is no interviewer where a case is, or would hold more of a community than the
        round's quota lets one interviewer have (a reason overrules it).
    """
    cases = list(cases)
    _require_interviewer(cases, interviewer)
    if not reason.strip():
        _require_within_quota(cases, interviewer)
    with transaction.atomic():
        moment = now()
        list(Case.objects.select_for_update().filter(pk__in=[case.pk for case in cases]).order_by("pk"))
        active = Assignment.objects.filter(case__in=cases, ended_at__isnull=True)
        his = active.filter(interviewer=interviewer)
        if conversion:  # his own earlier assignment was for the first try
            his.update(ended_at=moment)
        kept = set(his.values_list("case_id", flat=True))
        taken = active.exclude(interviewer=interviewer).update(ended_at=moment)
        new = [case for case in cases if case.pk not in kept]
        Assignment.objects.bulk_create(
            Assignment(
                case=case,
                interviewer=interviewer,
                assigned_at=moment,
                assigned_by=acting_user,
                reason=reason.strip()[:200],
                is_conversion=conversion,
            )
            for case in new
        )
        if new:
            order_doors(interviewer=interviewer)
        record(
            action="fieldwork.cases.assigned",
            acting_user=acting_user,
            target=interviewer,
            detail={"n_cases": len(new), "n_taken_from_others": taken}
            | ({"reason": reason.strip()[:200]} if reason.strip() else {}),
        )
    return len(new)


def _require_interviewer(cases: Sequence[Case], interviewer: User) -> None:
    paths = interviewer.granted_paths("interviewer")
    for case in cases:
        if not any(case.community.path.startswith(path) for path in paths):
            reason = _("%(who)s不是%(where)s的访员，请先在“成员”里授权") % {
                "who": interviewer,
                "where": case.community.name,
            }
            raise Problem("common.invalid", reason=reason)


def _require_within_quota(cases: Sequence[Case], interviewer: User) -> None:
    by_round: dict[Round, list[Case]] = defaultdict(list)
    for case in cases:
        by_round[case.round].append(case)
    for round_, some in by_round.items():
        quota = rules_of(round_).community_quota
        if quota is None:
            continue
        his = Assignment.objects.filter(case__round=round_, interviewer=interviewer, ended_at__isnull=True)
        held = Counter(his.exclude(case__in=some).values_list("case__community", flat=True))
        held.update(case.community_id for case in some)
        if any(n > quota for n in held.values()):
            reason = _("一位访员在一个社区最多 %(n)s 户；确要多派，请到那一户写明原因") % {"n": quota}
            raise Problem("common.invalid", reason=reason)


def assign_by_load(*, round: Round, acting_user: User) -> dict[str, int]:
    """Hand out every open case that nobody has, grid by grid, so that loads come out even.

    An interviewer who is in a community already goes on there; the round's quota of one interviewer in one
    community is kept. {"assigned", "left"}: left are cases where nobody is granted or all quotas are full.
    """
    require(acting_user, "fieldwork.manage")  # his own cases only: `visible_to` cuts them
    mine = Case.objects.visible_to(acting_user).filter(round=round).values("pk")
    free = list(
        drawn_cases(round)
        .filter(pk__in=mine)
        .exclude(status__in=CLOSED)
        .exclude(pk__in=Assignment.objects.filter(ended_at__isnull=True).values("case"))
    )
    blocks: dict[tuple[int, int], list[Case]] = defaultdict(list)
    for case in free:
        blocks[(case.community_id, case.frame_unit.grid_id or 0)].append(case)
    regions = {case.community_id: case.community for case in free}
    able = {key: [user.pk for user in interviewers_for(region)] for key, region in regions.items()}
    held = _held(round)
    plan = share_out(
        [Block(community, grid, len(cases)) for (community, grid), cases in sorted(blocks.items())],
        able=able,
        held=held,
        quota=rules_of(round).community_quota,
    )
    people = User.objects.in_bulk({who for parts in plan.values() for who, _n in parts})
    n = 0
    with transaction.atomic():
        by_person: dict[int, list[Case]] = defaultdict(list)
        for key, parts in plan.items():
            waiting = list(blocks[key])
            for who, count in parts:
                by_person[who] += waiting[:count]
                waiting = waiting[count:]
        for who, cases in sorted(by_person.items()):
            n += assign_cases(
                cases=cases, interviewer=people[who], acting_user=acting_user, reason=_("按网格和工作量派")
            )
    return {"assigned": n, "left": len(free) - n}


def _held(round: Round) -> dict[tuple[int, int], int]:
    """{(interviewer, community): cases of the round in his hands now}."""
    rows = Assignment.objects.filter(case__round=round, ended_at__isnull=True).order_by()
    counted = rows.values_list("interviewer", "case__community").annotate(n=Count("pk"))
    return {(who, community): n for who, community, n in counted}


def order_doors(*, interviewer: User) -> None:
    """Number an interviewer's open doors in walking order, community by community. Not audited."""
    rows = list(
        Assignment.objects.filter(interviewer=interviewer, ended_at__isnull=True)
        .select_related("case__frame_unit", "case__community")
        .order_by("case__community__path", "case__pk")
    )
    places = _places([row.case_id for row in rows])
    by_community: dict[str, list[Assignment]] = defaultdict(list)
    for row in rows:
        by_community[row.case.community.path].append(row)
    place = 0
    for held in by_community.values():
        of_key = {row.pk: row for row in held}
        stops = [Stop(row.pk, address_of(row.case), places.get(row.case_id)) for row in held]
        for key in walking_order(stops):
            place += 1
            of_key[key].order = place
    Assignment.objects.bulk_update(rows, ["order"], batch_size=500)


def _places(case_ids: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Where doors were found to be at their latest visit, in metres from the middle of them all."""
    newest = (
        Contact.objects.filter(case__in=case_ids, mode=Contact.Mode.DOOR, field_place__isnull=False)
        .values("case")
        .annotate(at=Max("at"))
        .values_list("case", "at")
    )
    wanted = dict(newest)
    rows = VisitPlace.objects.filter(contact__case__in=wanted).select_related("contact")
    found = {
        row.contact.case_id: position_of(row) for row in rows if wanted[row.contact.case_id] == row.contact.at
    }
    if not found:
        return {}
    metres = to_metres([lat for lat, _lng in found.values()], [lng for _lat, lng in found.values()])
    return {case: (float(x), float(y)) for case, (x, y) in zip(found, metres, strict=True)}


def try_refusal_again(*, case: Case, interviewer: User, reason: str, acting_user: User) -> Any:
    """Give a household that refused at the door to a second interviewer, once.

    Raises
    ------
    Problem common.invalid : the household did not refuse, has been tried again already, withdrew an
        interview or refused by its letter; the same interviewer; no reason.
    """
    require(acting_user, "fieldwork.manage", case.community)
    if not reason.strip():
        raise Problem("common.invalid", reason=_("请写明为什么再试一次"))
    final = final_disposition(case)
    if case.status != Case.Status.REFUSED or final.outcome_class != "R":
        raise Problem("common.invalid", reason=_("这一户没有拒访，不用再试"))
    refusals = case.contacts.filter(disposition__startswith="2.1")
    if refusals.exclude(mode=Contact.Mode.DOOR).exists() or refusals.filter(detail__withdrawn=True).exists():
        raise Problem("common.invalid", reason=_("这一户本人明确说了不参加，不能再去"))
    if case.assignments.filter(is_conversion=True).exists():
        raise Problem("common.invalid", reason=_("这一户已经再试过一次，不能再去"))
    last = refusals.order_by("at").last()
    if last is not None and last.by_user_id == interviewer.pk:
        raise Problem("common.invalid", reason=_("请换一位访员再试"))
    return assign_cases(
        cases=[case], interviewer=interviewer, acting_user=acting_user, reason=reason, conversion=True
    )
