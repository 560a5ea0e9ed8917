"""The client's address, believing only as many proxies as the settings name."""

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The remote address; with n trusted proxies, the n-th entry from the right of X-Forwarded-For."""
    trusted = settings.TRUSTED_PROXIES
    if trusted:
        entries = [e.strip() for e in request.headers.get("X-Forwarded-For", "").split(",") if e.strip()]
        if len(entries) >= trusted:
            return entries[-trusted]
    return request.META.get("REMOTE_ADDR", "")
