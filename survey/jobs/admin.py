"""The administrator's view of jobs."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.common.admin import ReadOnlyAdmin
from survey.jobs.models import Job


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    called = _("任务")
    list_display = ("kind", "state", "progress", "created_by", "created_at", "finished_at")
    list_filter = ("state", "kind")
