"""Figures of a running field: counts and response rates only. Scores wait for the weights."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from survey.accounts.models import User
from survey.accounts.policies import may
from survey.common.clock import today
from survey.console.steps import Standing
from survey.contacts.models import HouseholdCode
from survey.fieldwork.board import open_flags
from survey.responses.models import DataRequest, Response
from survey.responses.outcomes import outcome_counts
from survey.sampling.models import Case, Draw
from survey.stats.rates import outcome_rates
from survey.studies.models import Round

# A street is called slow when its share of completed households is under half of the round's, once at least
# this many households of the round have answered: below, such a ratio is chance.
SLOW_SHARE, SLOW_FROM = 0.5, 50


def field_rates(round_: Round) -> dict[str, Any] | None:
    """AAPOR counts and rates of the round so far; None before the draw."""
    counts = outcome_counts(round_)
    total = sum(counts.values())
    return {**outcome_rates(counts), "total": total} if total else None


def figures_now(has: Standing, user: User) -> dict[str, Any] | None:
    """What the overview shows of the field: rates with their base; None before the field opens."""
    if has.round.state == Round.State.DRAFT:
        return None
    return field_rates(has.round)


@dataclass
class Thing:
    """One line of “需要您看一眼”: a plain claim, its evidence, where to look."""

    icon: str
    claim: str
    evidence: str
    url: str
    action: str


def things_to_see(has: Standing, user: User) -> list[Thing]:
    """Doubts, slow streets and residents' requests. 疑点不是结论: a person decides."""
    if not may(user, "cases.view"):
        return []
    fieldwork = reverse("console:fieldwork", args=[has.round.pk])
    things = _flags(has.round, user, fieldwork)
    things += [
        Thing(
            "flag",
            _("%(street)s偏慢：收回 %(n)s 份") % {"street": row["name"], "n": row["completed"]},
            _("%(cases)s 户里完成 %(share)s，全体是 %(all)s")
            % {
                "cases": row["cases"],
                "share": f"{row['completed'] / row['cases']:.0%}",
                "all": f"{has.n_responses / has.n_cases:.0%}",
            },
            fieldwork,
            _("看进度"),
        )
        for row in slow_streets(street_progress(has.round, user), has)
    ]
    return things + _requests(has.round, fieldwork)


def _flags(round_: Round, user: User, url: str) -> list[Thing]:
    rows = open_flags(round_, user).order_by().values("kind").annotate(n=Count("pk")).order_by("-n")
    return [
        Thing("flag", _("%(n)s 处疑点：%(kind)s") % {"n": row["n"], "kind": flag_name(row["kind"])},
              _("疑点只是提醒，核实以前不影响答卷"), url, _("看证据"))
        for row in rows
    ]  # fmt: skip


def flag_name(kind: str) -> str:
    """A doubt's kind in words."""
    names = {
        "one_openid_many_cases": _("同一个微信答了几户"),
        "roster_changed": _("抽中以后改过家庭名单"),
        "official_present": _("答题时有干部或网格员在场"),
        "another_order": _("手机上题目或选项的次序和规则不一样"),
        "sync_refused": _("手机传来的记录没有采用"),
        "two_completes": _("一户交了两份"),
        "reassigned_meanwhile": _("换人以后原来的访员又传来记录"),
        "clock_far_off": _("手机时钟差得太多"),
        "roster_listed_twice": _("同一户的名单登记了两次"),
        "fast": _("答得特别快"),
        "uneven": _("比自己平时快一半"),
        "flat": _("整组题答成一个样"),
        "unsure": _("“不了解”特别多"),
        "same_answers": _("答卷几乎一样"),
        "typical": _("和平均答案近得出奇"),
        "rushed": _("两户之间走不过来"),
        "far": _("定位离社区太远"),
        "phone": _("几户留了同一个电话"),
        "photo": _("门牌照片重复"),
        "visit_photo": _("上门拍的门牌和别的户一样"),
        "alone": _("只有一个成年人的户太多"),
        "first_visit": _("一次上门就访成的户太多"),
        "misfit": _("年龄或性别和名单对不上"),
        "backcheck": _("回访说法不一样"),
        "interviewer_effect": _("答案因访员而异"),
    }
    return names.get(kind, kind)


def _requests(round_: Round, url: str) -> list[Thing]:
    rows = DataRequest.objects.filter(round=round_, done_at__isnull=True).order_by("due_on")
    count = len(rows)
    if not count:
        return []
    left = (rows[0].due_on - today()).days
    evidence = (
        _("最早的一件还剩 %(days)s 天") % {"days": left} if left >= 0 else _("最早的一件已经过期，请今天办")
    )
    claim = ngettext("%(n)s 位居民要查看或删除自己的答案", "%(n)s 位居民要查看或删除自己的答案", count) % {
        "n": count
    }
    return [Thing("clock", claim, evidence, url, _("去办"))]


def street_progress(round_: Round, user: User) -> list[dict[str, Any]]:
    """For each street that the user may see: its released cases, and how far they are."""
    street = "drawn_psu__psu__street"
    cases = Case.objects.visible_to(user).released().filter(round=round_, draw__state=Draw.State.DRAWN)
    rows = (
        cases.values(street, f"{street}__name", f"{street}__path", f"{street}__parent__name")
        .annotate(
            cases=Count("pk"),
            opened=Count("pk", filter=~Q(status__in=[Case.Status.WAITING, Case.Status.UNKNOWN])),
            refused=Count("pk", filter=Q(status=Case.Status.REFUSED)),
            ineligible=Count("pk", filter=Q(status=Case.Status.INELIGIBLE)),
        )
        .order_by(f"{street}__path")
    )
    lettered = _by_street(
        HouseholdCode.objects.filter(case__in=cases, kind=HouseholdCode.Kind.QR, replaced_at__isnull=True),
        f"case__{street}",
    )
    responses = Response.objects.counted().filter(round=round_, case__in=cases)
    by_mode = {
        mode: _by_street(responses.filter(mode=mode), f"case__{street}") for mode in Response.Mode.values
    }
    found = []
    for row in rows:
        key = row[street]
        modes = {mode: counts.get(key, 0) for mode, counts in by_mode.items()}
        found.append(
            {
                "pk": key,
                "name": row[f"{street}__name"],
                "path": row[f"{street}__path"],
                "district": row[f"{street}__parent__name"],
                "cases": row["cases"],
                "letters": lettered.get(key, 0),
                "opened": row["opened"],
                "refused": row["refused"],
                "ineligible": row["ineligible"],
                **modes,
                "completed": sum(modes.values()),
                "share_pct": round(100 * sum(modes.values()) / row["cases"], 1),
            }
        )
    return found


def _by_street(rows: Any, field: str) -> dict[int, int]:
    return dict(rows.order_by().values_list(field).annotate(n=Count("pk")))


def slow_streets(rows: list[dict[str, Any]], has: Standing) -> list[dict[str, Any]]:
    """Streets under half of the round's completion, the slowest first; none while too few have answered."""
    if has.n_responses < SLOW_FROM or not has.n_cases:
        return []
    bound = SLOW_SHARE * has.n_responses / has.n_cases
    slow = [row for row in rows if row["completed"] / row["cases"] < bound]
    return sorted(slow, key=lambda row: row["completed"] / row["cases"])[:3]
