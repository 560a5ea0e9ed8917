"""The administrator's view of runs and reports."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.common.admin import ReadOnlyAdmin
from survey.reports.models import Report, Run, WeightRecipe


@admin.register(WeightRecipe)
class WeightRecipeAdmin(ReadOnlyAdmin):
    called = _("加权配方")
    list_display = ("round", "number", "spec_hash", "created_at")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    called = _("计算")
    list_display = ("id", "round", "recipe", "state", "document_hash", "finished_at")
    list_filter = ("state",)
    exclude = ("document",)


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    called = _("报告")
    list_display = ("number", "title", "round", "state", "published_at", "published_by")
    list_filter = ("state",)
    exclude = ("document",)
