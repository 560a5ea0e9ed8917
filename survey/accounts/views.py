"""Log-in, second factor, and the page of a locked account."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def locked_out(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Shown after repeated failures."""
    return render(request, "accounts/locked.html", status=429)
