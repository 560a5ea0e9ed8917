"""Forms of the team's pages: few fields, plain words."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from survey.accounts.forms import RegionField
from survey.regions.models import Region


class DateInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class StudyForm(forms.Form):
    """A new study."""

    title = forms.CharField(
        label=_("名称"), max_length=200, help_text=_("例如“2026 年济南市居民满意度调查”。")
    )
    region = RegionField(label=_("在哪里做"))
    scope = forms.CharField(
        label=_("只做其中几个区县或街道"),
        required=False,
        help_text=_("全部都做就不填。几个之间用顿号或逗号隔开，例如“槐荫区、天桥区”。"),
    )
    sponsor = forms.CharField(
        label=_("谁在问"), max_length=200, help_text=_("居民在信上和说明书里看到的单位。")
    )
    purpose = forms.CharField(
        label=_("为什么问"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("一句话，居民看得懂。例如“看看哪些事该先办，办了以后有没有变好”。"),
    )
    contact_phone = forms.CharField(label=_("居民打哪个电话问"), max_length=60)
    form_number = forms.CharField(label=_("表号"), max_length=60, required=False)
    approval_number = forms.CharField(label=_("批准或备案文号"), max_length=100, required=False)
    approving_body = forms.CharField(label=_("制定机关"), max_length=100, required=False)
    approval_valid_until = forms.DateField(label=_("文号有效期至"), required=False, widget=DateInput())
    has_overseas_party = forms.BooleanField(
        label=_("有境外机构委托、出资、合作，或要把数据交给境外"),
        required=False,
        help_text=_("涉外调查要先批准；没有批准文号以前，数据不能导出。"),
    )

    def clean_scope(self) -> list[Region]:
        text = self.cleaned_data["scope"]
        for mark in ("，", ",", "；", ";", "\n"):
            text = text.replace(mark, "、")
        inner = RegionField(queryset=self._within())
        return [inner.clean(part) for part in (p.strip() for p in text.split("、")) if part]

    def _within(self) -> Any:
        region = self.cleaned_data.get("region")
        regions = Region.objects.current()
        return regions.within(region.path) if region else regions


class RoundForm(forms.Form):
    """A new round."""

    name = forms.CharField(label=_("这一轮叫什么"), max_length=100, help_text=_("例如“2026 年下半年”。"))
    opens_on = forms.DateField(label=_("打算哪天开始"), required=False, widget=DateInput())
    closes_on = forms.DateField(label=_("打算哪天结束"), required=False, widget=DateInput())

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("opens_on") and data.get("closes_on") and data["closes_on"] < data["opens_on"]:
            self.add_error("closes_on", _("结束的日子早于开始的日子。"))
        return data


class FrameForm(forms.Form):
    """A household list to import."""

    file = forms.FileField(
        label=_("名录文件"),
        help_text=_("CSV 或 Excel（.xlsx）。要有“社区代码”和“地址”两列；“户号”“电话”可有可无。"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )
    name = forms.CharField(
        label=_("给名录起个名字"), max_length=200, help_text=_("例如“2026 年 9 月社区台账”。")
    )
    region = RegionField(label=_("名录管哪里"))


class FormFileForm(forms.Form):
    """An XLSForm to import."""

    file = forms.FileField(
        label=_("XLSForm 文件"),
        help_text=_(
            "Excel（.xlsx、.xls），有 survey、choices、settings 三张表；"
            "也可以是写成 .csv 或 Markdown（.md）的同样三张表，或一题一题编号的文字（.txt）。"
        ),
        widget=forms.FileInput(attrs={"accept": ".xlsx,.xls,.csv,.md,.txt"}),
    )


class ConfirmForm(forms.Form):
    """A deed that cannot be undone: the box says what."""

    sure = forms.BooleanField(label=_("我知道这一步不能撤回"))

    def __init__(self, *args: Any, label: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if label is not None:
            self.fields["sure"].label = label


class ReasonForm(ConfirmForm):
    """Such a deed with its reason."""

    reason = forms.CharField(label=_("理由"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    field_order = ("reason", "sure")


class PublishReportForm(ConfirmForm):
    """A report's title, and that it is meant."""

    title = forms.CharField(label=_("报告的标题"), max_length=200)
    field_order = ("title", "sure")
