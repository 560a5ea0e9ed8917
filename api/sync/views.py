"""The interviewers' phones: what they pull and push. docs/field-sync.md is the protocol."""

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.permissions import MayView
from api.sync.parsers import PhoneJSONParser
from survey.common.clock import now
from survey.common.errors import Problem
from survey.fieldwork.sync.devices import device_of, register_device, saw_device
from survey.fieldwork.sync.documents import document_for
from survey.fieldwork.sync.protocol import OLDEST, PROTOCOL, ItemError, read_moment, read_uuid
from survey.fieldwork.sync.pulling import pull, read_cursor
from survey.fieldwork.sync.pushing import push, settle_waiting, words_of
from survey.fieldwork.sync_models import Device

FREE_FORM = {200: {"type": "object", "additionalProperties": True}}
YEAR_S = 365 * 24 * 3600


class PhoneView(APIView):
    """For interviewers, by session or token."""

    permission_classes = [MayView]
    parser_classes = [PhoneJSONParser]
    policy = write_policy = "fieldwork.visit"

    def hello(self) -> dict[str, Any]:
        """What every answer begins with: the protocol and the server's clock."""
        return {"protocol": PROTOCOL, "oldest": OLDEST, "server_time": now().isoformat()}


class HelloView(PhoneView):
    """Who is logged in, the clock, and the token that pushes need: the first question of every contact."""

    @extend_schema(responses=FREE_FORM)
    def get(self, request: Request) -> Response:
        user = request.user
        return Response(
            {**self.hello(), "user": {"id": user.pk, "name": str(user)}, "csrf": get_token(request._request)}
        )


class DeviceView(PhoneView):
    """Register a phone: {"id", "secret", "name", "app", "protocol"}; the same again is no fault."""

    @extend_schema(request=FREE_FORM[200], responses=FREE_FORM)
    def post(self, request: Request) -> Response:
        body = _body(request)
        secret = body.get("secret")
        if not isinstance(secret, str) or not 32 <= len(secret) <= 200:
            raise exceptions.ValidationError({"secret": "32 characters or more"})
        device = register_device(
            device_id=_uuid(body, "id"),
            secret=secret,
            name=str(body.get("name", "")),
            app_version=str(body.get("app", "")),
            protocol=_protocol(body),
            acting_user=request.user,
        )
        return Response({**self.hello(), "device": str(device.pk), "locked": device.locked_at is not None})


@method_decorator(gzip_page, name="dispatch")
class PullView(PhoneView):
    """What changed since a cursor. ?device=…&cursor=…&app=…&protocol=…&sent_at=…"""

    @extend_schema(
        parameters=[
            OpenApiParameter(name, str) for name in ("device", "cursor", "app", "protocol", "sent_at")
        ],
        responses=FREE_FORM,
    )
    def get(self, request: Request) -> Response:
        asked = request.query_params
        device = device_of(request.user, _uuid(asked, "device"))
        _seen(device, asked)
        if device.locked_at is not None:
            return Response({**self.hello(), "locked": True})
        cursor = read_cursor(asked.get("cursor", ""))
        settle_waiting(uploaded_by=request.user, budget_s=5.0)
        page = pull(user=request.user, device=device, cursor=cursor)
        for result in page["results"]:
            result["words"] = words_of(result["code"])
        return Response({**self.hello(), "locked": False, **page})


@method_decorator(gzip_page, name="dispatch")
class PushView(PhoneView):
    """Items, sealed: {"protocol", "app", "device", "sent_at", "items": [...]} → a result for each.

    Any interviewer's log-in may carry any phone's items; the seal says whose they are.
    """

    @extend_schema(request=FREE_FORM[200], responses=FREE_FORM)
    def post(self, request: Request) -> Response:
        body = _body(request)
        items = body.get("items")
        if not isinstance(items, list):
            raise exceptions.ValidationError({"items": "a list"})
        device = Device.objects.filter(pk=_uuid(body, "device"), user=request.user).first()
        if device is not None:
            _seen(device, body)
        results = push(user=request.user, items=items)
        for result in results:
            result["words"] = words_of(result["code"])
        locked = device is not None and device.locked_at is not None
        return Response({**self.hello(), "locked": locked, "results": results})


class DocumentView(PhoneView):
    """A published questionnaire by its hash, for as long as anybody cares to keep it."""

    @extend_schema(responses=FREE_FORM)
    def get(self, request: Request, document_hash: str) -> HttpResponse:
        found = document_for(request.user, document_hash)
        if found is None:
            raise Problem("common.not_found")
        reply = JsonResponse(found, json_dumps_params={"ensure_ascii": False})
        reply["Cache-Control"] = f"private, max-age={YEAR_S}, immutable"
        return reply


def _body(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise exceptions.ValidationError({"": "an object"})
    return request.data


def _uuid(values: Any, name: str) -> Any:
    try:
        return read_uuid(values.get(name))
    except ItemError:
        raise exceptions.ValidationError({name: "a uuid"}) from None


def _protocol(values: Any) -> int:
    text = str(values.get("protocol", ""))
    return min(int(text), 32767) if text.isdecimal() and text.isascii() else 0


def _seen(device: Device, values: Any) -> None:
    try:
        sent_at = read_moment(values.get("sent_at"))
    except ItemError:
        sent_at = None
    saw_device(device, app_version=str(values.get("app", "")), protocol=_protocol(values), sent_at=sent_at)
