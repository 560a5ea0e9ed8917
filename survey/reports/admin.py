"""The administrator's view of runs and reports."""

from django.contrib import admin

from survey.common.admin import ReadOnlyAdmin
from survey.reports.models import Report, Run, WeightRecipe


@admin.register(WeightRecipe)
class WeightRecipeAdmin(ReadOnlyAdmin):
    list_display = ("round", "number", "spec_hash", "created_at")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ("id", "round", "recipe", "state", "document_hash", "finished_at")
    list_filter = ("state",)
    exclude = ("document",)


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    list_display = ("number", "title", "round", "state", "published_at", "published_by")
    list_filter = ("state",)
    exclude = ("document",)
