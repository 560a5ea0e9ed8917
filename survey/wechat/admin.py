"""The administrator's view of service accounts. Secrets go in and never come out."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from survey.common.errors import Problem
from survey.studies.models import Study
from survey.wechat.models import WeChatAccount
from survey.wechat.services import check_account, save_account


class AccountForm(forms.ModelForm):
    """An account; a secret left empty stays as it is."""

    app_secret = forms.CharField(label="AppSecret", required=False, widget=forms.PasswordInput)
    callback_token = forms.CharField(label=_("令牌（Token）"), required=False, widget=forms.PasswordInput)
    encoding_aes_key = forms.CharField(label="EncodingAESKey", required=False, widget=forms.PasswordInput)
    studies = forms.ModelMultipleChoiceField(label=_("项目"), queryset=Study.objects.all(), required=False)

    class Meta:
        model = WeChatAccount
        fields = ["slug", "name", "app_id", "message_mode", "is_active", "studies"]

    def clean(self) -> dict[str, Any]:
        """Say what Tencent could not have given before anything is saved."""
        given = super().clean()
        try:
            check_account(
                is_new=self.instance.pk is None,
                app_id=given.get("app_id", ""),
                app_secret=given.get("app_secret", ""),
                callback_token=given.get("callback_token", ""),
                aes_key=given.get("encoding_aes_key", ""),
            )
        except Problem as problem:
            raise forms.ValidationError(problem.message) from None
        return given


@admin.register(WeChatAccount)
class WeChatAccountAdmin(ModelAdmin):
    """Lists accounts; saving goes through the service, which encrypts and records."""

    form = AccountForm
    list_display = ["name", "app_id", "is_active", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: WeChatAccount | None = None) -> list[str]:
        return ["slug"] if obj else []

    def save_model(
        self, request: HttpRequest, obj: WeChatAccount, form: forms.ModelForm, change: bool
    ) -> None:
        """Hand the form to `save_account`; the row it returns becomes the admin's object."""
        given = form.cleaned_data
        saved = save_account(
            slug=obj.slug,
            name=obj.name,
            app_id=obj.app_id,
            app_secret=given["app_secret"],
            callback_token=given["callback_token"],
            encoding_aes_key=given["encoding_aes_key"],
            message_mode=given["message_mode"],
            studies=given["studies"],
            is_active=obj.is_active,
            acting_user=request.user,
        )
        obj.pk = saved.pk

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Studies were set by the service."""
