"""Progress of the field by street, doubts, residents' requests. Counts only: scores wait for the weights."""

from django.http import HttpRequest, HttpResponse

from survey.accounts.access import allowed
from survey.accounts.policies import may
from survey.common.clock import today
from survey.console.figures import field_rates, flag_name, slow_streets, street_progress
from survey.console.page import paged, render_step
from survey.console.rows import team_round
from survey.console.steps import standing
from survey.responses.models import DataRequest, Flag
from survey.sampling.models import Case


@allowed("console.view")
def fieldwork(request: HttpRequest, pk: int) -> HttpResponse:
    """The field's page; who may not see cases gets the round's figures only."""
    round_ = team_round(request.user, pk)
    has = standing(round_)
    context: dict[str, object] = {"figures": field_rates(round_) if has.draw else None}
    if may(request.user, "cases.view"):
        rows = street_progress(round_, request.user)
        cases = Case.objects.visible_to(request.user).filter(round=round_)
        flags = Flag.objects.filter(round=round_, case__in=cases, settled_at__isnull=True)
        flags = paged(request, flags.select_related("case"))
        for flag in flags:
            flag.name = flag_name(flag.kind)
        slow = {row["pk"] for row in slow_streets(rows, has)}
        for row in rows:
            row["slow"] = row["pk"] in slow
        context |= {
            "streets": rows,
            "flags": flags,
            "requests": DataRequest.objects.filter(round=round_, case__in=cases, done_at__isnull=True)
            .select_related("case")
            .order_by("due_on"),
            "today": today(),
            "sees_cases": True,
        }
    return render_step(
        request,
        "fieldwork.html",
        round_,
        "fieldwork",
        has=has,
        may_assign=may(request.user, "fieldwork.manage"),
        may_manage=may(request.user, "studies.manage", round_.study.region),
        **context,
    )
