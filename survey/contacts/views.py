"""Hands out letters for printing, to those who manage contacts and nobody else."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from survey.accounts.policies import require
from survey.common.errors import Problem
from survey.contacts.models import LetterBatch
from survey.contacts.services import open_letters


@require_safe
@login_required
def letters(request: HttpRequest, batch: int, part: int) -> HttpResponse:
    """One part of a batch as a PDF to save."""
    found = LetterBatch.objects.visible_to(request.user).filter(pk=batch).first()
    if found is None:
        raise Problem("common.not_found")
    require(request.user, "contacts.manage", found.round.study.region)
    document = open_letters(batch=found, part=part, acting_user=request.user)
    response = HttpResponse(document, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="letters-{found.pk}-{part:03d}.pdf"'
    response["Cache-Control"] = "no-store"
    return response
