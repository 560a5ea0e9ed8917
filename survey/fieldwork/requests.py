"""Reads a form or a JSON body with the same names, so that pages and programs share one address.

A request with Content-Type application/json gets JSON back; a refusal then is problem JSON as well
(survey.common.middleware).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from survey.common.errors import Problem
from survey.responses.submission import read_body


def is_json(request: HttpRequest) -> bool:
    """Whether the request speaks JSON."""
    return request.content_type == "application/json"


def values_of(request: HttpRequest, lists: Iterable[str] = ()) -> dict[str, Any]:
    """The request's fields by name. Those in `lists` are lists of text, the others plain values."""
    names = set(lists)
    if is_json(request):
        body = read_body(request)
        for name in names:
            value = body.get(name, [])
            if not isinstance(value, list):
                raise Problem("common.invalid", reason=_("“%(name)s”应当是一个列表") % {"name": name})
        return body
    values: dict[str, Any] = {name: text for name, text in request.POST.items() if name not in names}
    return values | {name: request.POST.getlist(name) for name in names}


def words(values: dict[str, Any], name: str) -> str:
    """A text field, "" when it is missing.

    Raises
    ------
    Problem common.invalid : the field is there and is not text.
    """
    value = values.get(name) or ""
    if not isinstance(value, str):
        raise Problem("common.invalid", reason=_("“%(name)s”应当是文字") % {"name": name})
    return value.strip()


def moment(values: dict[str, Any], name: str) -> datetime | None:
    """A time: ISO 8601, or what a datetime-local field sends (then in the installation's time zone).

    Raises
    ------
    Problem common.invalid : something that is not a time.
    """
    text = words(values, name)
    if not text:
        return None
    try:
        parsed = parse_datetime(text)
    except ValueError:
        parsed = None
    if parsed is None:
        raise Problem("common.invalid", reason=_("“%(text)s”不是时间，请重新选") % {"text": text[:30]})
    return timezone.make_aware(parsed) if timezone.is_naive(parsed) else parsed
