"""The administrator's view of regions and census margins."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.common.admin import ReadOnlyAdmin
from survey.regions.models import BoundaryFile, PopulationMargin, Region


@admin.register(Region)
class RegionAdmin(ReadOnlyAdmin):
    called = _("区划")
    list_display = ("code", "name", "level", "parent", "valid_to")
    list_filter = ("level",)
    search_fields = ("code", "name")


@admin.register(PopulationMargin)
class PopulationMarginAdmin(ReadOnlyAdmin):
    called = _("普查人口")
    list_display = ("region", "source_year", "variable", "category", "value", "unit")
    list_filter = ("source_year", "variable")
    search_fields = ("region__name", "region__code")


@admin.register(BoundaryFile)
class BoundaryFileAdmin(ReadOnlyAdmin):
    called = _("地图边界")
    list_display = ("name", "approval_number", "datum", "loaded_at", "loaded_by", "withdrawn_at")
    search_fields = ("name", "approval_number")
