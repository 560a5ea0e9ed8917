"""Forms of accounts."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, UsernameField
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils.translation import gettext_lazy as _

from survey.accounts.models import Grant, User
from survey.regions.models import Region


class RegionField(forms.CharField):
    """A region by its 12-digit code or its name; among equal names, by the code."""

    def __init__(self, *, queryset: Any = None, **kwargs: Any) -> None:
        self.queryset = queryset
        kwargs.setdefault("label", _("区域"))
        kwargs.setdefault("help_text", _("填名称或 12 位区划代码，例如“天桥区”或“370105000000”。"))
        kwargs.setdefault("widget", forms.TextInput(attrs={"list": "regions", "autocomplete": "off"}))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Region | None:
        text = super().clean(value)
        if not text:
            return None
        regions = self.queryset if self.queryset is not None else Region.objects.current()
        found = list(regions.filter(code=text)[:1]) or list(regions.filter(name=text)[:4])
        if not found:
            raise forms.ValidationError(
                _("没有找到“%(text)s”。请填全名或 12 位代码。"), params={"text": text}
            )
        if len(found) > 1:
            codes = "、".join(f"{region.parent} {region.code}" for region in found)
            raise forms.ValidationError(
                _("有几处都叫“%(text)s”，请填代码：%(codes)s"), params={"text": text, "codes": codes}
            )
        return found[0]


class LoginForm(AuthenticationForm):
    """User name and password."""

    username = UsernameField(
        label=_("用户名"), widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "username"})
    )
    error_messages = {
        "invalid_login": _("用户名或密码不对。连错 5 次会锁 15 分钟。"),
        "inactive": _("这个账号已经停用。"),
    }


class SecondFactorForm(forms.Form):
    """Six digits, or a recovery code."""

    token = forms.CharField(
        label=_("6 位数字"),
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}
        ),
    )


class TokenForm(forms.Form):
    """How long an API token lives."""

    days = forms.IntegerField(label=_("有效期（天）"), min_value=1, max_value=365, initial=90)


class MemberForm(forms.Form):
    """A new account and its first role."""

    username = forms.CharField(
        label=_("用户名"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        help_text=_("登录时用，字母、数字或汉字，不含空格。"),
    )
    display_name = forms.CharField(label=_("姓名"), max_length=60)
    role = forms.ChoiceField(label=_("角色"), choices=Grant.Role.choices)
    region = RegionField()

    def clean_username(self) -> str:
        name = self.cleaned_data["username"]
        if User.objects.filter(username=name).exists():
            raise forms.ValidationError(_("这个用户名已经有人用了，请换一个。"))
        return name


class GrantForm(forms.Form):
    """One more role for somebody."""

    role = forms.ChoiceField(label=_("角色"), choices=Grant.Role.choices)
    region = RegionField()


class AuditFilterForm(forms.Form):
    """Which entries to list."""

    action = forms.CharField(label=_("动作以此开头"), required=False, max_length=100)
    actor = forms.CharField(label=_("谁做的"), required=False, max_length=150)
    object_type = forms.CharField(label=_("对象类型"), required=False, max_length=60)
    object_id = forms.CharField(label=_("对象编号"), required=False, max_length=64)
