"""The administrator's view of runs and reports."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.common.admin import ReadOnlyAdmin
from survey.reports.models import ExternalScore, Report, Run, Snapshot, WeightRecipe


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


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    called = _("数据快照")
    list_display = ("round", "content_hash", "n_cases", "n_responses", "created_at", "removed_at")


@admin.register(ExternalScore)
class ExternalScoreAdmin(ReadOnlyAdmin):
    called = _("别处来的分数")
    list_display = ("round", "code", "domain", "value", "se", "source")
