"""Reports: publish a run's figures, take a report back, and the way to what officials see."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.console.forms import PublishReportForm, ReasonForm
from survey.console.page import paged, render_step
from survey.console.rows import one_of, team_round
from survey.reports.models import Report, Run
from survey.reports.services import publish_report, withdraw_report


@allowed("console.view")
def reports(request: HttpRequest, pk: int) -> HttpResponse:
    """Published and withdrawn reports of the round, and the run that could be published next."""
    round_ = team_round(request.user, pk)
    rows = Report.objects.visible_to(request.user).filter(round=round_).select_related("published_by")
    run = Run.objects.visible_to(request.user).filter(round=round_, state=Run.State.DONE).first()
    published = rows.filter(state=Report.State.PUBLISHED).first()
    return render_step(
        request,
        "reports.html",
        round_,
        "reports",
        page=paged(request, rows),
        run=run,
        published=published,
        is_new=run is not None and (published is None or published.run_id != run.pk),
        form=PublishReportForm(
            initial={"title": str(round_)[:200]}, label=_("我看过结果了，知道发布以后干部就能看到")
        ),
        withdraw_form=ReasonForm(label=_("我知道撤回以后干部就看不到了")),
        may_publish=may(request.user, "reports.publish", round_.study.region),
    )


@allowed("reports.publish")
@require_POST
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish the newest run."""
    round_ = team_round(request.user, pk)
    require(request.user, "reports.publish", round_.study.region)
    run = one_of(
        Run.objects.visible_to(request.user).filter(round=round_), pk=request.POST.get("run") or None
    )
    form = PublishReportForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("请写标题，并勾选确认。"))
        return redirect("console:reports", pk=pk)
    report = publish_report(run=run, title=form.cleaned_data["title"], acting_user=request.user)
    messages.success(request, _("报告 %s 已经发布。") % report.number)
    return redirect("console:reports", pk=pk)


@allowed("reports.publish")
@require_POST
def withdraw(request: HttpRequest, pk: int, report_pk: int) -> HttpResponse:
    """Take a published report back."""
    round_ = team_round(request.user, pk)
    require(request.user, "reports.publish", round_.study.region)
    report = one_of(Report.objects.visible_to(request.user).filter(round=round_), pk=report_pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("请写明理由，并勾选确认。"))
        return redirect("console:reports", pk=pk)
    withdraw_report(report=report, reason=form.cleaned_data["reason"], acting_user=request.user)
    messages.success(request, _("报告 %s 已经撤回。") % report.number)
    return redirect("console:reports", pk=pk)
