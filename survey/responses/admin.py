"""The administrator's view of consent and responses: that they are there, never what was answered."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.common.admin import ReadOnlyAdmin
from survey.responses.models import Consent, DataRequest, Flag, Response


@admin.register(Consent)
class ConsentAdmin(ReadOnlyAdmin):
    called = _("同意")
    list_display = ("round", "text", "language", "mode", "given_at", "withdrawn_at")
    fields = ("round", "text", "language", "mode", "given_at", "withdrawn_at")


@admin.register(Response)
class ResponseAdmin(ReadOnlyAdmin):
    called = _("答卷")
    list_display = ("id", "round", "region", "sample_kind", "mode", "state", "revision", "received_at")
    list_filter = ("state", "mode", "sample_kind")
    fields = (
        "client_id",
        "round",
        "region",
        "sample_kind",
        "mode",
        "state",
        "questionnaire_version",
        "language",
        "revision",
        "received_at",
        "withdrawn_at",
    )


@admin.register(Flag)
class FlagAdmin(ReadOnlyAdmin):
    called = _("疑点")
    list_display = ("kind", "round", "created_at", "settled_at", "settled_by", "verdict")
    list_filter = ("kind",)
    exclude = ("response",)


@admin.register(DataRequest)
class DataRequestAdmin(ReadOnlyAdmin):
    called = _("居民的请求")
    list_display = ("kind", "round", "received_at", "due_on", "done_at", "outcome")
    list_filter = ("kind",)
    exclude = ("respondent",)
