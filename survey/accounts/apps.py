from django.apps import AppConfig
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _


def may_enter_admin(request: HttpRequest) -> bool:
    """Django's admin is for administrators with a verified second factor, and for nobody else."""
    user = request.user
    if not (user.is_authenticated and user.is_active and user.is_verified()):
        return False
    return user.is_superuser or user.has_role("administrator")


@login_required
def admin_login(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """Django's admin has no log-in of its own: one log-in, one lock after failures, one second factor."""
    return redirect("accounts:start")


class AccountsConfig(AppConfig):
    name = "survey.accounts"
    label = "accounts"
    verbose_name = _("人员")

    def ready(self) -> None:
        """Guard the admin site, whose object unfold has put in place by now."""
        admin.site.has_permission = may_enter_admin
        admin.site.login = admin_login
