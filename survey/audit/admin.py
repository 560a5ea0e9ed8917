"""The administrator's view of the trail."""

from django.contrib import admin

from survey.audit.models import AuditEntry
from survey.common.admin import ReadOnlyAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("sequence", "at", "actor_name", "action", "object_type", "object_id")
    search_fields = ("action", "actor_name", "object_id")
