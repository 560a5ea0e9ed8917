"""One's own account: password, second factor, API tokens, language."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from knox.models import AuthToken

from survey.accounts import credentials
from survey.accounts.forms import TokenForm
from survey.accounts.middleware import DUE
from survey.accounts.services import set_password
from survey.common.clock import now


@login_required
def me(request: HttpRequest) -> HttpResponse:
    """What this account is, and what it may change about itself."""
    context = {
        "grants": request.user.grants.select_related("region"),
        "has_second_factor": credentials.confirmed_device(request.user) is not None,
        "n_tokens": AuthToken.objects.filter(user=request.user, expiry__gt=now()).count(),
        "current": "me",
    }
    return render(request, "accounts/me.html", context)


class ChangePassword(PasswordChangeView):
    """A new password; this session stays, API tokens end."""

    template_name = "accounts/password.html"
    success_url = reverse_lazy("accounts:me")
    extra_context = {"current": "me"}

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        user = set_password(
            user=form.user, password=form.cleaned_data["new_password1"], acting_user=self.request.user
        )
        update_session_auth_hash(self.request, user)
        messages.success(self.request, _("密码已经改好。原来的 API 令牌都已停用。"))
        return redirect(self.success_url)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def own_second_factor(request: HttpRequest) -> HttpResponse:
    """State of the second factor; new recovery codes, or another phone (both only once verified)."""
    device = credentials.confirmed_device(request.user)
    if device is None or not request.user.is_verified():
        return redirect("accounts:second_factor")
    if request.method == "POST" and request.POST.get("do") == "codes":
        codes = credentials.renew_recovery_codes(acting_user=request.user)
        return render(request, "accounts/recovery.html", {"codes": codes, "next": "/accounts/me/"})
    if request.method == "POST" and request.POST.get("do") == "remove":
        credentials.remove_second_factor(user=request.user, acting_user=request.user)
        request.session.pop(DUE, None)
        messages.success(request, _("已经解除。请用新手机再绑定一次。"))
        return redirect("accounts:second_factor")
    return render(request, "accounts/own_second_factor.html", {"current": "me"})


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """API tokens: made with an end, shown once, listed by their first characters."""
    form = TokenForm(request.POST or None)
    context: dict[str, Any] = {"form": form, "current": "me"}
    if request.method == "POST" and form.is_valid():
        _row, context["text"] = credentials.create_token(
            days=form.cleaned_data["days"], acting_user=request.user
        )
        context["form"] = TokenForm()
    context["tokens"] = AuthToken.objects.filter(user=request.user).order_by("-created")
    context["now"] = now()
    return render(request, "accounts/tokens.html", context)


@login_required
@require_POST
def revoke(request: HttpRequest, token_key: str) -> HttpResponse:
    """End one of one's own tokens."""
    token = get_object_or_404(AuthToken, user=request.user, token_key=token_key)
    credentials.revoke_token(token=token, acting_user=request.user)
    messages.success(request, _("令牌已经停用。"))
    return redirect("accounts:tokens")
