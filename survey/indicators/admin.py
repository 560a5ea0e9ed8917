"""The administrator's view of indicators."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.common.admin import ReadOnlyAdmin
from survey.indicators.models import Indicator, IndicatorVersion


@admin.register(Indicator)
class IndicatorAdmin(ReadOnlyAdmin):
    called = _("指标")
    list_display = ("code", "name", "position")


@admin.register(IndicatorVersion)
class IndicatorVersionAdmin(ReadOnlyAdmin):
    called = _("指标版本")
    list_display = ("indicator", "number", "kind", "target", "definition_hash", "created_at")
    list_filter = ("kind",)
