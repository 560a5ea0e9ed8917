"""Rows that a body names by number, cut to what the caller may see."""

from typing import Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from rest_framework import exceptions


def named_row(rows: QuerySet[Any], pk: int, field: str) -> Model:
    """The row, or a refusal of that field: an unknown number and a hidden one are answered alike."""
    found = rows.filter(pk=pk).first()
    if found is None:
        raise exceptions.ValidationError({field: [_("没有这个编号，或者您没有查看的权限。")]})
    return found
