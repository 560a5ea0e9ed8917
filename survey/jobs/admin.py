"""The administrator's view of jobs."""

from django.contrib import admin

from survey.common.admin import ReadOnlyAdmin
from survey.jobs.models import Job


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("kind", "state", "progress", "created_by", "created_at", "finished_at")
    list_filter = ("state", "kind")
