"""Small words that several pages of the wizard share."""

from django.utils.translation import gettext as _


def money(value: float) -> str:
    """660000 → "66 万元"; below 10,000 in yuan."""
    if value == 0:
        return "0"
    if value < 10_000:
        return _("%(n)s 元") % {"n": f"{value:,.0f}"}
    return _("%(n)s 万元") % {"n": f"{value / 10_000:,.1f}".removesuffix(".0")}
