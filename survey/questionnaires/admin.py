"""The administrator's view of questionnaires."""

from django.contrib import admin

from survey.common.admin import ReadOnlyAdmin
from survey.questionnaires.models import Questionnaire, QuestionnaireVersion


@admin.register(Questionnaire)
class QuestionnaireAdmin(ReadOnlyAdmin):
    list_display = ("code", "title", "created_at")
    search_fields = ("code", "title")


@admin.register(QuestionnaireVersion)
class QuestionnaireVersionAdmin(ReadOnlyAdmin):
    list_display = ("questionnaire", "number", "state", "document_hash", "published_at")
    list_filter = ("state",)
