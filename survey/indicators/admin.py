"""The administrator's view of indicators."""

from django.contrib import admin

from survey.common.admin import ReadOnlyAdmin
from survey.indicators.models import Indicator, IndicatorVersion


@admin.register(Indicator)
class IndicatorAdmin(ReadOnlyAdmin):
    list_display = ("code", "name", "position")


@admin.register(IndicatorVersion)
class IndicatorVersionAdmin(ReadOnlyAdmin):
    list_display = ("indicator", "number", "kind", "target", "definition_hash", "created_at")
    list_filter = ("kind",)
