"""The administrator's view of accounts. Secrets of third-party apps are taken off the site."""

from django.contrib import admin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from knox.models import AuthToken

from survey.accounts.models import Grant, User
from survey.common.admin import ReadOnlyAdmin

for model in (Group, TOTPDevice, StaticDevice, AuthToken):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    called = _("账号")
    list_display = ("username", "display_name", "is_active", "last_login")
    search_fields = ("username", "display_name")
    fields = (
        "username",
        "display_name",
        "language",
        "is_active",
        "is_superuser",
        "last_login",
        "date_joined",
    )


@admin.register(Grant)
class GrantAdmin(ReadOnlyAdmin):
    called = _("角色")
    list_display = ("user", "role", "region")
    list_filter = ("role",)
    search_fields = ("user__username", "region__name", "region__code")
