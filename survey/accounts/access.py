"""Guards of views: who is logged in, and what the table of policies says."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from survey.accounts.policies import MAY, require

View = Callable[..., HttpResponse]


def allowed(action: str) -> Callable[[View], View]:
    """Let in who may do `action` somewhere; the rows are then cut by `visible_to`.

    Whoever is not logged in is asked to; whoever may not gets Problem common.forbidden.
    """
    if action not in MAY:
        raise KeyError(f"no such action: {action}")

    def guard(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            require(request.user, action)
            return view(request, *args, **kwargs)

        guarded.needs_action = action
        return guarded

    return guard
