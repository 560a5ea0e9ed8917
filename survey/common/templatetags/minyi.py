"""Small drawings and formats that every face shares."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

register = template.Library()

HTML_LANG = {"zh-hans": "zh-CN", "zh-hant": "zh-Hant", "en": "en"}

ICONS = {
    "check": "M5 12.5l4.5 4.5L19 7.5",
    "chevron": "M9 5l7 7-7 7",
    "down": "M5 9l7 7 7-7",
    "menu": "M3 6h18M3 12h18M3 18h18",
    "flag": "M6 21V4h13l-3.5 4.5L19 13H6",
    "clock": "M12 7v5l3.5 2M12 3a9 9 0 100 18 9 9 0 000-18z",
    "upload": "M12 20V5M5.5 11.5L12 5l6.5 6.5",
    "file": "M6 3h8l4 4v14H6zM9 12h6M9 16h6",
    "download": "M12 4v15M5.5 12.5L12 19l6.5-6.5",
    "close": "M6 6l12 12M18 6L6 18",
    "lock": "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 017 0v3",
}


@register.simple_tag
def html_lang() -> str:
    """The active language as HTML names it."""
    return HTML_LANG.get(get_language() or "zh-hans", "zh-CN")


@register.simple_tag
def mark() -> SafeString:
    """The mark: a dot with whiskers, an estimate that admits its error."""
    return mark_safe(
        '<svg class="mark" viewBox="0 0 36 18" aria-hidden="true" focusable="false">'
        '<path d="M2 2.5v13M34 2.5v13M2 9h32" fill="none" stroke="currentColor" stroke-width="2.6"/>'
        '<circle cx="18" cy="9" r="6.2" fill="currentColor"/></svg>'
    )


@register.simple_tag
def icon(name: str) -> SafeString:
    """A line icon; decorative, so the words beside it carry the meaning."""
    return format_html(
        '<svg class="icon icon-{}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        '<path d="{}" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" '
        'stroke-linejoin="round"/></svg>',
        name,
        ICONS[name],
    )


@register.simple_tag
def step_glyph(state: str, number: int) -> SafeString:
    """A step's mark: done (tick), now (ring), todo (its number). Words say the same to a screen reader."""
    words = {"done": _("做完"), "now": _("在做"), "todo": _("没到")}[state]
    if state == "done":
        inner = mark_safe(
            '<circle cx="12" cy="12" r="12" fill="currentColor"/>'
            '<path class="cut" d="M7 12.4l3.4 3.4 6.6-7" fill="none" stroke-width="2"/>'
        )
    elif state == "now":
        inner = mark_safe(
            '<circle cx="12" cy="12" r="12" fill="currentColor"/>'
            '<circle class="hole" cx="12" cy="12" r="4.6"/>'
        )
    else:
        inner = format_html(
            '<circle cx="12" cy="12" r="11.2" fill="none" stroke="currentColor" stroke-width="1.3"/>'
            '<text x="12" y="16.4" text-anchor="middle">{}</text>',
            number,
        )
    return format_html(
        '<svg class="glyph glyph-{}" viewBox="0 0 24 24" role="img" aria-label="{}" '
        'focusable="false">{}</svg>',
        state,
        words,
        inner,
    )


@register.filter
def thousands(value: Any) -> str:
    """12480 → "12,480". What is not a number is shown as it is; nothing is shown for None."""
    if value is None:
        return "—"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


@register.filter
def whole(value: Any) -> str:
    """57954.6 persons → "57,955"; a dash where there is no value."""
    return "—" if value is None else f"{round(value):,}"


@register.filter
def percent(value: Any) -> str:
    """0.314 → "31.4%"; a dash where there is no value."""
    return "—" if value is None else f"{value * 100:.1f}%"


@register.filter
def short_hash(value: str) -> str:
    """The first 12 characters of a fingerprint, in groups of four."""
    head = str(value)[:12]
    return " ".join(head[i : i + 4] for i in range(0, len(head), 4)) or "—"


@register.filter
def place(error: Mapping[str, Any]) -> str:
    """Where an entry of a problem's details points: a row of a file, a cell, an item; a dash for none."""
    if error.get("row"):
        return _("第 %(row)s 行") % {"row": error["row"]}
    return str(error.get("where") or error.get("cell") or error.get("item") or "—")
