"""The administrator's view of studies and rounds."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.common.admin import ReadOnlyAdmin
from survey.studies.models import ConsentText, Round, Study


@admin.register(Study)
class StudyAdmin(ReadOnlyAdmin):
    called = _("调查项目")
    list_display = ("title", "region", "sponsor", "created_at")
    search_fields = ("title",)


@admin.register(ConsentText)
class ConsentTextAdmin(ReadOnlyAdmin):
    called = _("说明书")
    list_display = ("study", "number", "text_hash", "created_at")


@admin.register(Round)
class RoundAdmin(ReadOnlyAdmin):
    called = _("轮次")
    list_display = ("study", "number", "name", "state", "opened_at", "closed_at")
    list_filter = ("state",)
