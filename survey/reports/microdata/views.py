"""The address of the analysts' file."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from survey.accounts.access import allowed
from survey.reports import queries
from survey.reports.microdata.package import make_package


@allowed("microdata.view")
@require_GET
def package(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The zip of one run; `?detail=fine` with streets and years of age, for data stewards."""
    run = queries.find_run(request.user, pk)
    is_fine = request.GET.get("detail") == "fine"
    answer = HttpResponse(
        make_package(run=run, is_fine=is_fine, acting_user=request.user), content_type="application/zip"
    )
    name = f"minyi-{run.round_id}-{run.document_hash[:8]}{'-fine' if is_fine else ''}.zip"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer
