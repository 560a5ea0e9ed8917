"""The administrator's view of questionnaires."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.common.admin import ReadOnlyAdmin
from survey.questionnaires.models import BankItem, Questionnaire, QuestionnaireVersion


@admin.register(Questionnaire)
class QuestionnaireAdmin(ReadOnlyAdmin):
    called = _("问卷")
    list_display = ("code", "title", "created_at")
    search_fields = ("code", "title")


@admin.register(QuestionnaireVersion)
class QuestionnaireVersionAdmin(ReadOnlyAdmin):
    called = _("问卷版本")
    list_display = ("questionnaire", "number", "state", "document_hash", "published_at")
    list_filter = ("state",)


@admin.register(BankItem)
class BankItemAdmin(ReadOnlyAdmin):
    called = _("题库里的题")
    list_display = ("name", "topic", "wording", "created_by", "created_at")
    search_fields = ("name", "wording", "topic", "source")
