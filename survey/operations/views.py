"""Addresses for machines: is it alive, is it ready, how much is there."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from survey.common.crypto import same
from survey.operations.health import ready_checks
from survey.operations.metrics import metrics_text


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Whether requests can be served, part by part; reasons are for the log, not for everybody."""
    parts = {check.name: check.is_right for check in ready_checks()}
    return JsonResponse(
        {"ready": all(parts.values()), "parts": parts}, status=200 if all(parts.values()) else 503
    )


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus, to whom knows the token; to others there is no such page."""
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not same(sent, settings.METRICS_TOKEN):
        raise Http404
    return HttpResponse(metrics_text(), content_type=CONTENT_TYPE_LATEST)
