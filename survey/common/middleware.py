"""Two small middlewares: no referrer from residents' pages, and problems rendered in words."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from survey.common.errors import Problem

Handler = Callable[[HttpRequest], HttpResponse]


class NoReferrerMiddleware:
    """Pages reached by a code never tell another site, or a cache, where the resident came from."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith(("/s/", "/r/", "/wechat/")):
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
        resident = request.path.startswith(("/s/", "/r/", "/wechat/"))
        template = "common/problem_resident.html" if resident else "common/problem.html"
        return render(request, template, {"problem": exception}, status=exception.status)
