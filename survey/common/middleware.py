"""Small middlewares: no referrer from residents' pages, problems rendered in words, and nothing for residents
that only the team needs."""

from collections.abc import Callable

from csp.constants import HEADER
from csp.middleware import CSPMiddleware, PolicyParts
from csp.utils import build_policy
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from survey.common.errors import Problem

Handler = Callable[[HttpRequest], HttpResponse]
RESIDENTS = ("/s/", "/r/", "/wechat/")  # residents and WeChat's servers: no session, no log-in


class _OnlyForTheTeam:
    """Leaves a middleware out where residents are: they save at each block, and it costs as much as that."""

    get_response: Handler

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(RESIDENTS):
            return self.get_response(request)
        return super().__call__(request)


class TeamSessionMiddleware(_OnlyForTheTeam, SessionMiddleware):
    """Sessions."""


class TeamAuthenticationMiddleware(_OnlyForTheTeam, AuthenticationMiddleware):
    """`request.user`, which residents' requests do not have."""


class TeamMessageMiddleware(_OnlyForTheTeam, MessageMiddleware):
    """Messages for the next page."""


class UsualPolicyMiddleware(CSPMiddleware):
    """The Content-Security-Policy, composed once where a page asks for no other."""

    def __init__(self, get_response: Handler) -> None:
        super().__init__(get_response)
        self._compose()

    def _compose(self) -> None:
        self._policy = settings.CONTENT_SECURITY_POLICY
        self._usual, self._excluded = build_policy(), tuple(self._policy["EXCLUDE_URL_PREFIXES"])

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if settings.CONTENT_SECURITY_POLICY is not self._policy:  # another one since, as in a test
            self._compose()
        is_usual = (
            self.get_policy_parts(request=request, response=response) == PolicyParts()
            and not getattr(response, "_csp_exempt", False)
            and not request.path_info.startswith(self._excluded)
        )
        if not is_usual:
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self._usual)
        return response


class NoReferrerMiddleware:
    """Pages reached by a code never tell another site, or a cache, where the resident came from."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(RESIDENTS):
            response["Referrer-Policy"] = "no-referrer"
            response["Cache-Control"] = "no-store"
            response["X-Robots-Tag"] = "noindex, nofollow"
        return response


class ProblemMiddleware:
    """Turns a `Problem` raised by a view into a page, or JSON where the client asked for JSON."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Problem):
            return None
        wants_json = "application/json" in (request.headers.get("Accept", ""), request.content_type)
        if wants_json or request.headers.get("Accept", "").startswith("application/json"):
            body = {"code": exception.code, "detail": exception.message, "errors": exception.errors}
            return JsonResponse(body, status=exception.status, json_dumps_params={"ensure_ascii": False})
        resident = request.path.startswith(RESIDENTS)
        template = "common/problem_resident.html" if resident else "common/problem.html"
        return render(request, template, {"problem": exception}, status=exception.status)
