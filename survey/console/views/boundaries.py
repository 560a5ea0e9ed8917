"""Boundary files: brought with their 审图号, looked at, withdrawn. Maps are drawn from nothing else."""

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from survey.accounts.access import allowed
from survey.accounts.models import User
from survey.accounts.policies import MAY, require
from survey.common.errors import Problem
from survey.console.boundary_form import BoundaryForm
from survey.console.rows import one_of
from survey.regions.boundaries import MAX_BYTES
from survey.regions.boundary_files import load_boundaries, withdraw_boundaries
from survey.regions.maps import file_map
from survey.regions.models import BoundaryFile, Region

ACTION = "regions.import"
SHOWN_MISSING = 300


@allowed(ACTION)
@require_http_methods(["GET", "POST"])
def boundaries(request: HttpRequest) -> HttpResponse:
    """The files so far, and a form for another."""
    form = BoundaryForm(request.POST or None, request.FILES or None)
    refused: Problem | None = None
    if request.method == "POST" and form.is_valid():
        try:
            file = _load(request.user, form.cleaned_data)
        except Problem as problem:
            refused = problem
        else:
            messages.success(request, _("收下了。请看看图画得对不对，有没有没对上的。"))
            return redirect("console:boundary_file", file_pk=file.pk)
    files = BoundaryFile.objects.annotate(n=Count("boundaries"))
    context = {"form": form, "refused": refused, "files": files, "current": "boundaries"}
    return render(request, "console/boundaries.html", context, status=400 if refused else 200)


def _load(user: User, data: dict) -> BoundaryFile:
    return load_boundaries(
        name=data["file"].name,
        content=_content(data["file"]),
        approval_number=data["approval_number"],
        datum=data["datum"],
        within=user.granted_paths(*MAY[ACTION]),
        acting_user=user,
    )


def _content(file: UploadedFile) -> bytes:
    """Not read at all when it is too large; the service refuses one byte more than it takes."""
    return file.read(MAX_BYTES + 1)


@allowed(ACTION)
@require_GET
def boundary_file(request: HttpRequest, file_pk: int) -> HttpResponse:
    """One file: its map, what did not match, whose border it lacks."""
    file = one_of(BoundaryFile.objects.all(), pk=file_pk)
    here = Region.objects.filter(boundaries__file=file)
    levels = set(here.values_list("level", flat=True))
    parents = here.exclude(parent=None).values("parent")
    lacking = Region.objects.current().filter(level__in=levels, parent__in=parents).exclude(pk__in=here)
    context = {
        "file": file,
        "map": file_map(file),
        "n": here.count(),
        "lacking": list(lacking[:SHOWN_MISSING]),
        "n_lacking": lacking.count(),
        "current": "boundaries",
    }
    return render(request, "console/boundary_file.html", context)


@allowed(ACTION)
@require_POST
def withdraw(request: HttpRequest, file_pk: int) -> HttpResponse:
    """Draw no map from a file any more; whoever does it may load borders of every region in it."""
    file = one_of(BoundaryFile.objects.all(), pk=file_pk)
    for region in Region.objects.filter(boundaries__file=file):
        require(request.user, ACTION, region)
    withdraw_boundaries(file=file, acting_user=request.user)
    messages.success(request, _("停用了，页面上不再画这份边界。"))
    return redirect("console:boundaries")
