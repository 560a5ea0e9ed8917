"""Texts of a document in the reader's language."""

from typing import Any

from django import template

from survey.reports.distribution import in_language

register = template.Library()


@register.filter
def wording_text(item: dict[str, Any]) -> str:
    """An item's question."""
    return in_language(item["label"])


@register.filter
def wording_label(label: dict[str, str]) -> str:
    """An answer's label."""
    return in_language(label)
