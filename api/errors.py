"""Refusals as problem details (RFC 9457), in the reader's language."""

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from survey.common.errors import Problem

TITLES = {
    400: _("请求有误"),
    401: _("请先登录"),
    403: _("没有权限"),
    404: _("没有找到"),
    405: _("不支持这种操作"),
    409: _("与现有内容冲突"),
    415: _("不支持这种格式"),
    422: _("内容需要修改"),
    429: _("请求太频繁"),
}


def problem_response(*, status: int, code: str, detail: str, errors: list[Any] | None = None) -> Response:
    """One problem as application/problem+json."""
    body = {
        "type": f"/api/problems/#{code}",
        "title": _(TITLES[status]) if status in TITLES else code,
        "status": status,
        "detail": detail,
        "code": code,
        "errors": errors or [],
    }
    return Response(body, status=status, content_type="application/problem+json")


def problem_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: our `Problem`, DRF's own errors, and nothing else (a bug stays a 500)."""
    if isinstance(exc, Problem):
        return problem_response(status=exc.status, code=exc.code, detail=exc.message, errors=exc.errors)
    if isinstance(exc, Http404):
        missing = Problem("common.not_found")
        return problem_response(status=missing.status, code=missing.code, detail=missing.message)
    response = exception_handler(exc, context)
    if response is None or not isinstance(exc, exceptions.APIException):
        return response
    if isinstance(exc, exceptions.ValidationError):
        errors = [
            {"field": field, "reason": str(reason)}
            for field, reasons in (exc.detail.items() if isinstance(exc.detail, dict) else [("", exc.detail)])
            for reason in (reasons if isinstance(reasons, list) else [reasons])
        ]
        detail = _("有 {count} 处需要修改。").format(count=len(errors))
    else:
        errors, detail = [], str(exc.detail)
    problem = problem_response(
        status=response.status_code, code=f"api.{exc.default_code}", detail=detail, errors=errors
    )
    for header in ("WWW-Authenticate", "Retry-After"):
        if header in response:
            problem[header] = response[header]
    return problem
