"""The administrator's view of who visits which door."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.common.admin import ReadOnlyAdmin
from survey.fieldwork.models import Assignment


@admin.register(Assignment)
class AssignmentAdmin(ReadOnlyAdmin):
    called = _("派户")
    list_display = ("case", "interviewer", "assigned_at", "ended_at", "assigned_by")
    search_fields = ("case__number", "interviewer__username")
