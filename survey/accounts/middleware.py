"""The second factor: administrators need one, and whoever set one up is asked for it at each log-in."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

# What somebody may reach who has typed the password only. Not all of /accounts/: members and tokens
# are behind the second factor too.
EXEMPT_PREFIXES = (
    "/accounts/login/",
    "/accounts/logout/",
    "/accounts/second-factor/",
    "/accounts/language/",
    "/accounts/invitation/",
    "/static/",
    "/s/",
    "/r/",
    "/wechat/",
)
DUE = "second_factor_due"  # set in the session at log-in when the account has an authenticator


class SecondFactorMiddleware:
    """Sends who owes a second factor to `accounts:second_factor`, and back afterwards."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(EXEMPT_PREFIXES):
            return self.get_response(request)
        user = request.user
        if user.is_authenticated:
            needs = user.is_superuser or user.has_role("administrator") or request.session.get(DUE)
            if needs and not user.is_verified():
                query = urlencode({"next": request.get_full_path()})
                return redirect(f"{reverse('accounts:second_factor')}?{query}")
        return self.get_response(request)
