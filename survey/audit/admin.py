"""The administrator's view of the trail."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.audit.models import AuditEntry
from survey.common.admin import ReadOnlyAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    called = _("留痕")
    list_display = ("sequence", "at", "actor_name", "action", "object_type", "object_id")
    search_fields = ("action", "actor_name", "object_id")
