"""The administrator's pages: members and their grants, and the audit trail."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from survey.accounts import credentials, services
from survey.accounts.access import allowed
from survey.accounts.forms import AuditFilterForm, GrantForm, MemberForm
from survey.accounts.models import Grant, User
from survey.audit.models import AuditEntry
from survey.audit.services import verify_chain
from survey.common.errors import Problem
from survey.regions.models import Region

PER_PAGE = 50


def region_choices() -> list[Region]:
    """City, districts and streets for the list that a region field suggests."""
    return list(Region.objects.current().filter(level__in=["city", "district", "street"]))


@allowed("accounts.manage")
def members(request: HttpRequest) -> HttpResponse:
    """Everybody with an account."""
    users = User.objects.prefetch_related("grants__region").order_by("-is_active", "username")
    words = request.GET.get("q", "").strip()
    if words:
        users = users.filter(Q(username__icontains=words) | Q(display_name__icontains=words))
    page = Paginator(users, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/members.html", {"page": page, "q": words, "current": "members"})


@allowed("accounts.manage")
@never_cache
@require_http_methods(["GET", "POST"])
def new_member(request: HttpRequest) -> HttpResponse:
    """A new account with its first role; shows the invitation once."""
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            with transaction.atomic():
                user = services.create_user(
                    username=data["username"], display_name=data["display_name"], acting_user=request.user
                )
                services.grant_role(
                    user=user, role=data["role"], region=data["region"], acting_user=request.user
                )
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            return _show_invitation(request, user, services.invitation_path(user))
    context = {"form": form, "regions": region_choices(), "current": "members"}
    return render(request, "accounts/new_member.html", context)


def _show_invitation(request: HttpRequest, user: User, path: str) -> HttpResponse:
    context = {"member": user, "link": request.build_absolute_uri(path), "current": "members"}
    return render(request, "accounts/invited.html", context)


@allowed("accounts.manage")
@never_cache
@require_http_methods(["GET", "POST"])
def member(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: roles, closing, a new invitation."""
    user = get_object_or_404(User, pk=pk)
    form = GrantForm(request.POST if request.POST.get("do") == "grant" else None)
    if request.method == "POST":
        answer = _change_member(request, user, form)
        if answer is not None:
            return answer
    context = {
        "member": user,
        "grants": user.grants.select_related("region__parent"),
        "form": form,
        "regions": region_choices(),
        "has_second_factor": credentials.confirmed_device(user) is not None,
        "current": "members",
    }
    return render(request, "accounts/member.html", context)


def _change_member(request: HttpRequest, user: User, form: GrantForm) -> HttpResponse | None:
    """Do what the pressed button says; None when the form has to be shown again."""
    do, actor = request.POST.get("do"), request.user
    if do == "grant":
        if not form.is_valid():
            return None
        services.grant_role(user=user, acting_user=actor, **form.cleaned_data)
        messages.success(request, _("角色已经加上。"))
    elif do == "revoke":
        grant = get_object_or_404(Grant, pk=request.POST.get("grant") or 0, user=user)
        services.revoke_grant(grant=grant, acting_user=actor)
        messages.success(request, _("角色已经收回。"))
    elif do == "deactivate":
        services.deactivate_user(user=user, acting_user=actor)
        messages.success(request, _("账号已经停用，登录和令牌立即失效。"))
    elif do == "reactivate":
        services.reactivate_user(user=user, acting_user=actor)
        messages.success(request, _("账号已经恢复。"))
    elif do == "invite":
        return _show_invitation(request, user, services.invite_again(user=user, acting_user=actor))
    elif do == "second_factor":
        credentials.remove_second_factor(user=user, acting_user=actor)
        messages.success(request, _("两步验证已经解除，他下次登录时要重新绑定。"))
    return redirect("accounts:member", pk=user.pk)


@allowed("audit.view")
def audit(request: HttpRequest) -> HttpResponse:
    """The trail, newest first; `?verify=1` walks the whole chain."""
    form = AuditFilterForm(request.GET)
    entries = AuditEntry.objects.all()
    if form.is_valid():
        data = form.cleaned_data
        if data["action"]:
            entries = entries.filter(action__startswith=data["action"])
        if data["actor"]:
            entries = entries.filter(actor_name__icontains=data["actor"])
        if data["object_type"]:
            entries = entries.filter(object_type=data["object_type"])
        if data["object_id"]:
            entries = entries.filter(object_id=data["object_id"])
    page = Paginator(entries, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "form": form, "current": "members", "filtered": any(form.data.values())}
    if request.GET.get("verify"):
        context["walked"], context["broken"] = verify_chain()
    return render(request, "accounts/audit.html", context)
