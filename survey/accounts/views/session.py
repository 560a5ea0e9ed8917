"""Log-in, log-out, language, invitation, and the second factor."""

from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import LoginView, PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import check_for_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_otp import login as otp_login

from survey.accounts import credentials
from survey.accounts.forms import LoginForm, SecondFactorForm
from survey.accounts.landing import landing_path
from survey.accounts.middleware import DUE
from survey.accounts.services import set_language, set_password
from survey.common.errors import Problem


def locked_out(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Shown after repeated failures."""
    return render(request, "accounts/locked.html", status=429)


def safe_next(request: HttpRequest, fallback: str) -> str:
    """Where the visitor wanted to go, unless it leads to another site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return fallback


def _set_language_cookie(response: HttpResponse, code: str) -> HttpResponse:
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=365 * 24 * 3600,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


class LogIn(LoginView):
    """Password first; the second factor follows where it is needed."""

    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        return landing_path(self.request.user)

    def form_valid(self, form: LoginForm) -> HttpResponse:
        response = super().form_valid(form)
        user = form.get_user()
        if credentials.confirmed_device(user):
            self.request.session[DUE] = True
        return _set_language_cookie(response, user.language)


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect("accounts:login")


@login_required
def start(request: HttpRequest) -> HttpResponse:
    """To where this person's work begins."""
    return redirect(landing_path(request.user))


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Read in another language; an account remembers it."""
    code = request.POST.get("language", "")
    response = redirect(safe_next(request, "/"))
    if code not in dict(settings.LANGUAGES) or not check_for_language(code):
        return response
    if request.user.is_authenticated:
        set_language(user=request.user, language=code, acting_user=request.user)
    return _set_language_cookie(response, code)


class Invitation(PasswordResetConfirmView):
    """The page behind an invitation: its owner sets the password."""

    template_name = "accounts/invitation.html"
    form_class = SetPasswordForm
    success_url = reverse_lazy("accounts:login")

    def form_valid(self, form: SetPasswordForm) -> HttpResponse:
        set_password(user=self.user, password=form.cleaned_data["new_password1"], acting_user=self.user)
        del self.request.session["_password_reset_token"]
        messages.success(self.request, _("密码已经设好，请登录。"))
        return redirect(self.success_url)


@login_required
@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Enrol an authenticator, or type its number. Who is verified already goes on."""
    following = safe_next(request, landing_path(request.user))
    if request.user.is_verified():
        return redirect(following)
    enrolled = credentials.confirmed_device(request.user) is not None
    form = SecondFactorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if enrolled:
                device = credentials.verify(token=form.cleaned_data["token"], acting_user=request.user)
                otp_login(request, device)
                return redirect(following)
            device, codes = credentials.confirm_enrolment(
                token=form.cleaned_data["token"], acting_user=request.user
            )
            otp_login(request, device)
            request.session[DUE] = True
            return render(request, "accounts/recovery.html", {"codes": codes, "next": following})
        except Problem as problem:
            form.add_error("token", problem.message)
    context: dict[str, Any] = {"form": form, "next": following, "enrolled": enrolled}
    if not enrolled:
        device = credentials.begin_enrolment(acting_user=request.user)
        context["secret"] = credentials.typed_secret(device)
        context["qr"] = mark_safe(  # noqa: S308 - drawn by segno
            segno.make(device.config_url, error="m").svg_inline(scale=4, omitsize=True)
        )
    return render(request, "accounts/second_factor.html", context)
