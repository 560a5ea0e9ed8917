"""Administrators reach nothing but the enrolment page until their second factor is confirmed."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

EXEMPT_PREFIXES = ("/accounts/", "/static/", "/s/", "/r/", "/wechat/")


class SecondFactorMiddleware:
    """Sends an administrator without a verified device to `accounts:second_factor`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated and not request.path.startswith(EXEMPT_PREFIXES):
            needs = user.is_superuser or user.has_role("administrator")
            if needs and not user.is_verified():
                return redirect(reverse("accounts:second_factor") + f"?next={request.path}")
        return self.get_response(request)
