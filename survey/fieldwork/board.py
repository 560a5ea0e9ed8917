"""What a supervisor sees of a running field: communities against plan, people, doors, doubts, back-checks."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from survey.accounts.models import User
from survey.accounts.policies import may
from survey.common.clock import now
from survey.contacts.models import Contact
from survey.contacts.queries import drawn_cases
from survey.fieldwork.models import Assignment, BackCheck, CasePriority, DoorClosing, Review
from survey.fieldwork.queries import CLOSED
from survey.fieldwork.rules import attempts_of, rules_of
from survey.regions.models import Region
from survey.responses.models import Flag, Response
from survey.responses.outcomes import outcome_classes
from survey.responses.queries import case_columns
from survey.sampling.models import Case
from survey.stats.field_quality import GroupDeficit, group_deficits, match_rate
from survey.studies.models import Round

STREET_DIGITS = 9
QUIET = timedelta(days=3)
BANDS = (0.5, 0.65, 0.8)  # shares of what is to be brought in altogether: four tints of a tile


@dataclass(frozen=True)
class Tile:
    """One place: its cases, how many answered, how many should when the field ends, and by now."""

    community: Region
    n_cases: int
    n_done: int
    target: float
    planned: float
    n_flags: int

    @property
    def short_name(self) -> str:
        """A street as people say it; other places by their whole name."""
        return self.community.name.removesuffix("街道") or self.community.name

    @property
    def share(self) -> float:
        """Of the target; above 1 where more came in."""
        return self.n_done / self.target if self.target else 0.0

    @property
    def band(self) -> int:
        """0 under half … 3 from four fifths."""
        return sum(self.share >= limit for limit in BANDS)

    @property
    def done_pct(self) -> float:
        return round(100 * min(self.share, 1.0), 1)

    @property
    def planned_pct(self) -> float:
        return round(98.8 * self.planned / self.target, 1) if self.target else 0.0


def elapsed_share(round: Round) -> float:
    """How much of the field's time has passed, 0–1, by its dates; 1 after its end, 0 without dates."""
    if round.state == Round.State.CLOSED:
        return 1.0
    begin = round.opened_at
    if begin is None or round.closes_on is None:
        return 0.0
    end = datetime.combine(round.closes_on, datetime.max.time(), tzinfo=begin.tzinfo)
    if end <= begin:
        return 1.0
    return min(max((now() - begin) / (end - begin), 0.0), 1.0)


def tiles(round: Round, user: User, *, goal: float) -> dict[Region, dict[Region, list[Tile]]]:
    """District → street → communities of the drawn sample that the user may see.

    Parameters
    ----------
    goal : share of the cases that should have answered when the field ends; the plan grows evenly with time.
    """
    cases = _visible(round, user)
    totals = dict(cases.order_by().values_list("community").annotate(n=Count("pk")))
    answered = Response.objects.counted().filter(round=round, case__in=cases.values("opaque_id"))
    done = dict(answered.order_by().values_list("region").annotate(n=Count("pk")))
    flagged = Flag.objects.filter(round=round, settled_at__isnull=True, case__in=cases.values("pk"))
    flags = dict(flagged.order_by().values_list("case__community").annotate(n=Count("pk")))
    passed = elapsed_share(round)
    regions = Region.objects.filter(pk__in=totals).select_related("parent__parent").order_by("path")
    tree: dict[Region, dict[Region, list[Tile]]] = defaultdict(lambda: defaultdict(list))
    for region in regions:
        n = totals[region.pk]
        tile = Tile(region, n, done.get(region.pk, 0), goal * n, goal * passed * n, flags.get(region.pk, 0))
        tree[region.parent.parent][region.parent].append(tile)
    return {district: dict(streets) for district, streets in tree.items()}


def _visible(round_: Round, user: User) -> QuerySet[Case]:
    return drawn_cases(round_).filter(pk__in=Case.objects.visible_to(user).values("pk"))


@dataclass(frozen=True)
class Worker:
    """One interviewer: what he holds, did, and still has to try."""

    user: User
    n_open: int
    n_done: int
    n_visits: int
    last_visit: datetime | None
    attempts_left: int  # visits that the contact rules still ask of his open doors
    n_returned: int  # interviews that came back to him
    n_doubts: int
    checked: dict[str, Any]  # back-checks: share confirmed, with its interval
    held_since: datetime | None = None  # when the first of the open doors came into his hands

    @property
    def needs_help(self) -> bool:
        """Open doors in his hands, and no visit for `QUIET`."""
        known = [at for at in (self.last_visit, self.held_since) if at is not None]
        return bool(self.n_open) and (not known or now() - max(known) >= QUIET)


def workers(round: Round, user: User) -> list[Worker]:
    """Interviewers with cases or interviews that the user may see, by name."""
    cases = _visible(round, user)
    held = list(
        Assignment.objects.filter(case__in=cases.values("pk"), ended_at__isnull=True).select_related(
            "case__community"
        )
    )
    tries = attempts_of([row.case for row in held], rules_of(round))
    answered = Response.objects.counted().filter(round=round, case__in=cases.values("opaque_id"))
    reached = set(answered.values_list("case__pk", flat=True))
    n_open: Counter[int] = Counter()
    left: Counter[int] = Counter()
    since: dict[int, datetime] = {}
    for row in held:
        if row.case.status not in CLOSED and row.case_id not in reached:
            n_open[row.interviewer_id] += 1
            since[row.interviewer_id] = min(since.get(row.interviewer_id, row.assigned_at), row.assigned_at)
            left[row.interviewer_id] += tries[row.case_id].missing
    mine = answered.filter(interviewer__isnull=False).order_by()
    done = dict(mine.values_list("interviewer").annotate(n=Count("pk")))
    doors = Contact.objects.filter(case__in=cases.values("pk"), mode=Contact.Mode.DOOR).exclude(
        disposition=""
    )
    visits = {
        who: (n, last)
        for who, n, last in doors.order_by().values_list("by_user").annotate(n=Count("pk"), last=Max("at"))
    }
    returned = Review.objects.waiting().filter(response__in=answered).order_by()
    back = dict(returned.values_list("response__interviewer").annotate(n=Count("pk")))
    open_doubts = open_flags(round, user).filter(subject__interviewer__isnull=False).order_by()
    doubts = dict(open_doubts.values_list("subject__interviewer").annotate(n=Count("pk")))
    checks = match_by_interviewer(round, user)
    people = User.objects.in_bulk({*n_open, *done, *(who for who in visits if who)})
    return [
        Worker(
            user=person,
            n_open=n_open[key],
            n_done=done.get(key, 0),
            n_visits=visits.get(key, (0, None))[0],
            last_visit=visits.get(key, (0, None))[1],
            attempts_left=left[key],
            n_returned=back.get(key, 0),
            n_doubts=doubts.get(key, 0),
            checked=checks.get(key, match_rate(0, 0)),
            held_since=since.get(key),
        )
        for key, person in sorted(people.items(), key=lambda pair: str(pair[1]))
    ]


def open_flags(round: Round, user: User) -> QuerySet[Flag]:
    """Doubts that wait for a verdict and that this supervisor may see."""
    return _seen_flags(round, user).filter(settled_at__isnull=True)


def settled_flags(round: Round, user: User) -> QuerySet[Flag]:
    """Doubts with a verdict, the latest first."""
    return _seen_flags(round, user).filter(settled_at__isnull=False).order_by("-settled_at")


def _seen_flags(round_: Round, user: User) -> QuerySet[Flag]:
    regions = user.region_filter("subject__region__path", "administrator", "study_lead", "supervisor")
    cases = Case.objects.visible_to(user).filter(round=round_).values("pk")
    seen = Q(case__in=cases) | Q(pk__in=Flag.objects.filter(regions).values("pk"))
    if may(user, "fieldwork.manage", round_.study.region):  # what cannot be told to belong anywhere
        seen |= Q(case__isnull=True)
    inner = Flag.objects.filter(round=round_).filter(seen)
    return inner.select_related("case", "response", "subject__interviewer", "subject__region", "settled_by")


def match_by_interviewer(round: Round, user: User) -> dict[int, dict[str, Any]]:
    """{interviewer: share of reached back-checks that confirmed the interview, with its exact interval}."""
    rows = (
        BackCheck.objects.visible_to(user)
        .filter(draw__round=round, outcome__in=[BackCheck.Outcome.CONFIRMED, BackCheck.Outcome.MISMATCH])
        .order_by()
        .values_list("interviewer")
        .annotate(n=Count("pk"), good=Count("pk", filter=Q(outcome=BackCheck.Outcome.CONFIRMED)))
    )
    return {who: match_rate(good, n) for who, n, good in rows}


def item_match(round: Round, user: User) -> dict[str, Any]:
    """Of the items asked once more, the share answered as before, over all back-checks."""
    compared = agreed = 0
    for found in (
        BackCheck.objects.visible_to(user).filter(draw__round=round).values_list("findings", flat=True)
    ):
        compared += found.get("compared", 0)
        agreed += found.get("agreed", 0)
    return match_rate(agreed, compared)


def deficits(round: Round) -> GroupDeficit | None:
    """Streets against the whole: whose response pulls the R-indicator down. None before any case answered."""
    cases = case_columns(round)
    classes = outcome_classes(round, cases)
    rows = [k for k, one in enumerate(classes) if one != "NE"]
    if not any(cases["responded"][k] for k in rows):
        return None
    return group_deficits(
        [cases["responded"][k] for k in rows],
        [cases["region_path"][k][:STREET_DIGITS] for k in rows],
        [1 / (cases["stage1_probability"][k] * cases["stage2_probability"][k]) for k in rows],
    )


def next_visits(round: Round, user: User, *, most: int = 50) -> list[dict[str, Any]]:
    """Open doors in the order of the frozen rule: the street furthest behind, priority class, fewest visits.

    Returns
    -------
    list of {"case", "street", "contribution", "priority_class", "attempts"}; empty without a frozen list
    """
    listed = dict(CasePriority.objects.filter(list__round=round).values_list("case", "priority_class"))
    if not listed:
        return []
    found = deficits(round)
    behind = dict(zip(found.groups.tolist(), found.contribution.tolist(), strict=True)) if found else {}
    left = DoorClosing.objects.filter(case__round=round, reopened_at__isnull=True).values("case")
    waiting = list(_visible(round, user).exclude(status__in=CLOSED).exclude(pk__in=left))
    tries = attempts_of(waiting, rules_of(round))
    rows = [
        {
            "case": case,
            "street": case.community.path[:STREET_DIGITS],
            "contribution": behind.get(case.community.path[:STREET_DIGITS], 0.0),
            "priority_class": listed.get(case.pk, 3),
            "attempts": tries[case.pk],
        }
        for case in waiting
    ]
    rows.sort(key=lambda r: (r["contribution"], r["priority_class"], r["attempts"].made, r["case"].number))
    return rows[:most]


def response_model_columns(round: Round) -> dict[str, list[Any]]:
    """What the field knows of every released case for a model of response: frame and paradata, never answers.

    Returns
    -------
    dict of columns of equal length, in the order of the opaque ids (as `responses.queries.case_columns`):
    ``case_id``; ``priority_class`` (1–3, 0 without a frozen list) and ``expected_propensity`` (0–1, None
    without); ``attempts`` and ``off_hours`` (occasions at the door by the contact rules, off hours among
    them); ``refused_once`` (a second try was made, or the household refused).
    """
    released = Case.objects.released().filter(round=round)
    place = {str(opaque_id): pk for opaque_id, pk in released.values_list("opaque_id", "pk")}
    case_ids = sorted(place)
    tries = attempts_of(released, rules_of(round))
    listed = {
        case: (one, p)
        for case, one, p in CasePriority.objects.filter(list__round=round).values_list(
            "case", "priority_class", "propensity"
        )
    }
    refused = set(
        Contact.objects.filter(case__round=round, disposition__startswith="2.1").values_list(
            "case", flat=True
        )
    )
    columns: dict[str, list[Any]] = {"case_id": case_ids}
    keys = [place[one] for one in case_ids]
    columns["priority_class"] = [listed.get(key, (0, None))[0] for key in keys]
    columns["expected_propensity"] = [listed.get(key, (0, None))[1] for key in keys]
    columns["attempts"] = [tries[key].made for key in keys]
    columns["off_hours"] = [tries[key].off_hours for key in keys]
    columns["refused_once"] = [key in refused for key in keys]
    return columns
