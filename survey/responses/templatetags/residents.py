"""Formats of the residents' pages."""

import re

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def phone_link(number: str) -> SafeString:
    """A telephone number to tap, never broken over two lines."""
    return format_html('<a class="keep" href="tel:{}">{}</a>', re.sub(r"[^\d+]", "", number), number)
