"""Forms of the team's pages: few fields, plain words."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from survey.accounts.forms import RegionField
from survey.regions.models import Region
from survey.sampling.models import FrameVersion


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
        help_text=_("Excel（.xlsx），有 survey、choices、settings 三张表。"),
        widget=forms.FileInput(attrs={"accept": ".xlsx,.xls"}),
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


class DesignForm(forms.Form):
    """A two-stage design: communities by size, then households."""

    frame = forms.ModelChoiceField(
        label=_("从哪份名录抽"), queryset=FrameVersion.objects.none(), empty_label=None
    )
    n_psus = forms.IntegerField(
        label=_("抽多少个社区"),
        min_value=2,
        max_value=6000,
        help_text=_("大社区被抽中的机会大，小社区机会小，最后每户的机会一样。"),
    )
    take = forms.IntegerField(
        label=_("每个社区抽多少户"),
        min_value=2,
        max_value=500,
        initial=22,
        help_text=_("同一社区里的人想法相近，多抽几个社区比多抽几户更准。"),
    )
    streets = forms.ModelMultipleChoiceField(
        label=_("抽哪些街道"),
        queryset=Region.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("去掉的街道不在总体里，报告会写明。"),
    )
    exclude_reason = forms.CharField(
        label=_("为什么去掉这些街道"), max_length=300, required=False, help_text=_("没有去掉就不填。")
    )
    reserve_replicates = forms.IntegerField(
        label=_("备用样本几份"),
        min_value=0,
        max_value=10,
        initial=0,
        help_text=_("回收不够时整份放出，不能一户一户地换。不要就填 0。"),
    )
    reserve_take = forms.IntegerField(
        label=_("每份备用样本在每个社区几户"), min_value=1, max_value=200, required=False
    )

    def __init__(self, *args: Any, frames: Any, streets: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["frame"].queryset = frames
        self.fields["streets"].queryset = streets
        self.fields["streets"].initial = list(streets.values_list("pk", flat=True))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "streets" in data and self.left_out() and not data.get("exclude_reason", "").strip():
            self.add_error("exclude_reason", _("去掉了街道，请写明理由。"))
        return data

    def left_out(self) -> list[Region]:
        """Streets of the scope that were unticked."""
        kept = set(self.cleaned_data["streets"])
        return [street for street in self.fields["streets"].queryset if street not in kept]

    def spec(self) -> dict[str, Any]:
        """The specification as `create_design` takes it."""
        data = self.cleaned_data
        reason = data["exclude_reason"].strip()
        spec: dict[str, Any] = {
            "stages": [
                {"unit": "psu", "method": "pps_systematic"},
                {"unit": "household", "method": "srs", "take": data["take"]},
            ],
            "n_psus": data["n_psus"],
            "reserve_replicates": data["reserve_replicates"],
            "exclude": [{"code": street.code, "reason": reason} for street in self.left_out()],
        }
        if data["reserve_replicates"] and data["reserve_take"]:
            spec["reserve_take"] = data["reserve_take"]
        return spec
