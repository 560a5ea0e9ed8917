"""The administrator's view of letters and contacts: no code, no name, no note."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from survey.common.admin import ReadOnlyAdmin
from survey.contacts.models import Contact, LetterBatch


@admin.register(LetterBatch)
class LetterBatchAdmin(ReadOnlyAdmin):
    called = _("信")
    list_display = ("round", "step", "n_letters", "created_by", "created_at")


@admin.register(Contact)
class ContactAdmin(ReadOnlyAdmin):
    called = _("联系记录")
    list_display = ("case", "mode", "at", "disposition", "by_user")
    list_filter = ("mode", "disposition")
    exclude = ("note_cipher",)
