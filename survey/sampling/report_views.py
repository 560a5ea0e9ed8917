"""The sampling report for the team: page, regions and PDF."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from survey.accounts.access import allowed
from survey.common.errors import Problem
from survey.sampling.models import Draw
from survey.sampling.region_tree import district_tree, region_tree
from survey.sampling.report import build_report
from survey.sampling.report_pdf import report_pdf


@require_safe
@allowed("sampling.view")
def report(request: HttpRequest, round_pk: int) -> HttpResponse:
    """How the round's sample was drawn, with its tree of regions; `?draw=` shows another than the last."""
    draw, draws = _draw(request, round_pk)
    context = {"report": build_report(draw), "tree": region_tree(draw), "draws": draws}
    return render(request, "sampling/report.html", {**context, **_common(draw)})


@require_safe
@allowed("sampling.view")
def report_district(request: HttpRequest, round_pk: int, code: str) -> HttpResponse:
    """One district of the tree, down to its communities."""
    draw, _draws = _draw(request, round_pk)
    branch = district_tree(draw, code)
    if branch is None:
        raise Problem("common.not_found")
    return render(request, "sampling/report_district.html", {"district": branch, **_common(draw)})


@require_safe
@allowed("sampling.view")
def report_file(request: HttpRequest, round_pk: int) -> HttpResponse:
    """The report as PDF, districts and streets with their counts at its end."""
    draw, _draws = _draw(request, round_pk)
    content = report_pdf(build_report(draw), region_tree(draw), draw)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="sampling-report-{draw.pk}.pdf"'
    response["Cache-Control"] = "no-store"
    return response


def _draw(request: HttpRequest, round_pk: int) -> tuple[Draw, list[Draw]]:
    """The asked draw of the round, and all its draws from the newest; Problem common.not_found for none."""
    draws = list(
        Draw.objects.visible_to(request.user)
        .filter(design__round=round_pk)
        .select_related("design__frame", "design__round__study__region", "drawn_by")
        .order_by("-number")
    )
    asked = request.GET.get("draw", "")
    chosen = [d for d in draws if str(d.pk) == asked] if asked else draws
    if not chosen:
        raise Problem("common.not_found")
    return chosen[0], draws


def _common(draw: Draw) -> dict[str, object]:
    return {"draw": draw, "round": draw.design.round, "query": f"?draw={draw.pk}"}
