"""Forms of the sampling wizard. Each is filled from what was typed last, so that leaving loses nothing."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from survey.regions.models import Region
from survey.sampling.models import FrameVersion
from survey.sampling.precision import CITY, DISTRICT, STREET
from survey.stats.planning import COST, EQUAL, NEYMAN, POWER, PROPORTIONAL, SCORE, SHARE, TARGETS, Terms

Stored = Mapping[str, Any]


def as_data(answers: Stored) -> MultiValueDict:
    """Stored answers as a form takes them."""
    return MultiValueDict(
        {key: value if isinstance(value, list) else [value] for key, value in answers.items()}
    )


def as_answers(form: forms.Form, data: Any) -> dict[str, list[str]]:
    """What was typed into a form's fields, as it is stored."""
    return {name: [str(value)[:2000] for value in data.getlist(name)] for name in form.fields}


class PopulationForm(forms.Form):
    """Who is in, who is out and why."""

    frame = forms.ModelChoiceField(
        label=_("从哪份名录抽"), queryset=FrameVersion.objects.none(), empty_label=None
    )
    streets = forms.ModelMultipleChoiceField(
        label=_("抽哪些街道"),
        queryset=Region.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("去掉的街道不在总体里，报告会写明。"),
        error_messages={"required": _("至少留一个街道。")},
    )
    exclude_reason = forms.CharField(
        label=_("为什么去掉这些街道"), max_length=300, required=False, help_text=_("没有去掉就不填。")
    )

    def __init__(self, *args: Any, frames: Any, streets: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["frame"].queryset = frames
        self.fields["streets"].queryset = streets

    @staticmethod
    def first_answers(frames: Any, streets: Any) -> dict[str, Any]:
        """What stands there before anybody has typed: the newest frame, every street."""
        newest = frames.first()
        return {
            "frame": [str(newest.pk)] if newest else [],
            "streets": [str(pk) for pk in streets.values_list("pk", flat=True)],
            "exclude_reason": [""],
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "streets" in data and self.left_out() and not data.get("exclude_reason", "").strip():
            self.add_error("exclude_reason", _("去掉了街道，请写明理由。"))
        return data

    def left_out(self) -> list[Region]:
        """Streets of the scope that were unticked."""
        kept = set(self.cleaned_data["streets"])
        return [street for street in self.fields["streets"].queryset if street not in kept]


class PlaceNumbers(forms.CharField):
    """Lines “名称 数” → {code: number}. `places`: name → code, set by the form."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 3}))
        super().__init__(required=False, max_length=20000, **kwargs)
        self.places: Mapping[str, str] = {}

    def clean(self, value: Any) -> dict[str, float]:
        found: dict[str, float] = {}
        for line in super().clean(value).replace("，", " ").replace("±", " ").splitlines():
            words = line.split()
            if not words:
                continue
            name, number = " ".join(words[:-1]), words[-1]
            if name not in self.places:
                raise forms.ValidationError(
                    gettext("没有找到“%(name)s”。每行写一个区县或街道的名称，空一格，再写数。")
                    % {"name": name or number}
                )
            try:
                found[self.places[name]] = float(number)
            except ValueError:
                raise forms.ValidationError(
                    gettext("“%(line)s”里的数看不懂。例如“北园街道 2”。") % {"line": line.strip()}
                )
            if not 0 < found[self.places[name]] < 1e9:
                raise forms.ValidationError(gettext("“%(line)s”：数要大于 0。") % {"line": line.strip()})
        return found


def _number(label: Any, low: float, high: float, step: str, **options: Any) -> forms.FloatField:
    widget = forms.NumberInput(attrs={"step": step, "inputmode": "decimal"})
    return forms.FloatField(label=label, min_value=low, max_value=high, widget=widget, **options)


class PrecisionForm(forms.Form):
    """Which figure must be right to within what, for whom; and what is assumed."""

    kind = forms.ChoiceField(
        label=_("最要紧的是哪种数"),
        choices=[(SCORE, _("得分（0–100 分）")), (SHARE, _("比例（百分之几的人）"))],
        widget=forms.RadioSelect,
    )
    margin_city = _number(
        _("全体的误差 ±"), 0.1, 50, "0.1", required=False, help_text=_("不要求就不填。下同。")
    )
    margin_district = _number(_("每个区县的误差 ±"), 0.1, 50, "0.1", required=False)
    margin_street = _number(_("每个街道的误差 ±"), 0.1, 50, "0.1", required=False)
    own = PlaceNumbers(
        label=_("个别区县、街道另有要求"), help_text=_("每行一个：名称、空格、误差。例如“北园街道 2”。")
    )
    confidence = forms.TypedChoiceField(
        label=_("多大把握"),
        choices=[("0.9", "90%"), ("0.95", "95%"), ("0.99", "99%")],
        coerce=float,
        help_text=_("95%：重做 100 次，约 95 次的区间罩住真值。"),
    )
    wanted_change = _number(_("两轮之间想看出多大的变化"), 0.01, 50, "0.01", help_text=_("看看做不做得到。"))
    response_rate = _number(
        _("预计应答率（%）"),
        1,
        100,
        "1",
        help_text=_(
            "每 100 户里几户会答。没有上一轮时先用 30%：邮寄请人上网答的美国皮尤 NPORS，"
            "2020 年 29%，2024 年 32%（AAPOR RR1）。"
        ),
    )
    rho = _number(
        _("同社区相近程度 ρ"),
        0,
        0.99,
        "0.001",
        help_text=_("同一社区的人想法有多像。满意度一类多在 0.02–0.10，没有上一轮时取 0.05。"),
    )
    sd = _number(
        _("得分的离散程度 S"),
        1,
        50,
        "0.1",
        help_text=_(
            "没有上一轮时用 25：五级题记 100、75、50、25、0 分，各档占 30%、40%、20%、7%、3% 时，S 是 25.4。"
        ),
    )
    share = _number(
        _("预计的比例（%）"),
        1,
        99,
        "1",
        help_text=_("不知道就填 50，最稳妥：离散程度最大。"),
    )
    cost_community = _number(
        _("去一个社区的花费（元）"), 1, 1e6, "1", help_text=_("示例数，请改成自己的：联系、交通、带路。")
    )
    cost_household = _number(
        _("每户的花费（元）"), 1, 1e5, "1", help_text=_("示例数，请改成自己的：信、红包、上门，答没答都算。")
    )
    take = forms.IntegerField(
        label=_("每个社区问多少户"),
        min_value=2,
        max_value=500,
        required=False,
        help_text=_("不填就用最省的户数。"),
    )

    FIRST: dict[str, Any] = {
        "kind": SCORE,
        "margin_city": "",
        "margin_district": "2",
        "margin_street": "",
        "own": "",
        "confidence": "0.95",
        "wanted_change": "0.1",
        "response_rate": "30",
        "rho": "0.05",
        "sd": "25",
        "share": "50",
        "cost_community": "600",
        "cost_household": "40",
        "take": "",
    }
    BASICS = ("kind", "margin_city", "margin_district", "margin_street", "confidence")
    ASSUMED = ("response_rate", "cost_community", "cost_household")
    FINE = ("own", "wanted_change", "rho", "sd", "share", "take")

    def __init__(self, *args: Any, places: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["own"].places = places

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        names = ("margin_city", "margin_district", "margin_street")
        if not any(data.get(name) for name in (*names, "own")) and not any(n in self.errors for n in names):
            self.add_error("margin_city", _("至少写一个误差。"))
        return data

    def group(self, names: tuple[str, ...]) -> list[forms.BoundField]:
        """Some of the fields, in order."""
        return [self[name] for name in names]

    @property
    def basics(self) -> list[forms.BoundField]:
        return self.group(self.BASICS)

    @property
    def assumed(self) -> list[forms.BoundField]:
        return self.group(self.ASSUMED)

    @property
    def fine(self) -> list[forms.BoundField]:
        return self.group(self.FINE)

    @property
    def fine_has_errors(self) -> bool:
        """Whether the closed part hides something to mend."""
        return any(name in self.errors for name in self.FINE)

    def terms(self) -> Terms:
        """The assumptions as planning takes them."""
        data = self.cleaned_data
        share = data["share"] / 100
        is_share = data["kind"] == SHARE
        return Terms(
            kind=data["kind"],
            sd=100 * (share * (1 - share)) ** 0.5 if is_share else data["sd"],
            rho=data["rho"],
            response_rate=data["response_rate"] / 100,
            cost_community=data["cost_community"],
            cost_household=data["cost_household"],
            confidence=data["confidence"],
            share=share,
        )

    def margins(self) -> dict[str, float | None]:
        """By level."""
        data = self.cleaned_data
        return {
            CITY: data["margin_city"],
            DISTRICT: data["margin_district"],
            STREET: data["margin_street"],
        }


class DesignForm(forms.Form):
    """How many communities, how they are divided over streets, how many households in each."""

    method = forms.ChoiceField(
        label=_("社区怎么分到各街道"),
        choices=[
            (PROPORTIONAL, _("按住户数：大街道多抽。看全体最准，抽法最简单")),
            (EQUAL, _("各街道一样多：要比街道时用")),
            (POWER, _("折中（按住户数的平方根）：小街道多给一些")),
            (NEYMAN, _("意见越分散越多抽（奈曼分配）")),
            (COST, _("看花费：贵的地方少抽")),
            (TARGETS, _("按第 2 步要求的误差，花钱最少")),
        ],
        widget=forms.RadioSelect,
    )
    n_psus = forms.IntegerField(
        label=_("抽多少个社区"),
        min_value=2,
        max_value=6000,
        help_text=_(
            "大社区被抽中的机会大，小社区机会小，最后每户的机会一样。"
            "选“按第 2 步要求的误差”时由系统算，不看这个数。"
        ),
    )
    take = forms.IntegerField(
        label=_("每个社区抽多少户"),
        min_value=2,
        max_value=500,
        help_text=_("同一社区里的人想法相近，多抽几个社区比多抽几户更准。"),
    )
    spreads = PlaceNumbers(
        label=_("哪里的意见更分散"),
        help_text=_("每行一个：区县或街道、空格、离散程度 S。没写的用第 2 步的 S。"),
    )
    costs = PlaceNumbers(
        label=_("哪里每户的花费不同"),
        help_text=_("每行一个：区县或街道、空格、每户多少元。没写的用第 2 步的。"),
    )
    reserve_replicates = forms.IntegerField(
        label=_("备用样本几份"),
        min_value=0,
        max_value=10,
        help_text=_("回收不够时整份放出，不能一户一户地换。不要就填 0。"),
    )
    reserve_take = forms.IntegerField(
        label=_("每份备用样本在每个社区几户"), min_value=1, max_value=200, required=False
    )

    BASICS = ("method", "n_psus", "take")
    OWN = ("spreads", "costs")
    RESERVE = ("reserve_replicates", "reserve_take")

    def __init__(self, *args: Any, places: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.OWN:
            self.fields[name].places = places

    @staticmethod
    def first_answers(n_psus: int, take: int, *, has_places: bool) -> dict[str, Any]:
        """The suggestion of the step before. `has_places`: a part of the whole has a margin of its own."""
        return {
            "method": TARGETS if has_places else PROPORTIONAL,
            "n_psus": str(n_psus),
            "take": str(take),
            "spreads": "",
            "costs": "",
            "reserve_replicates": "0",
            "reserve_take": "",
        }

    @property
    def basics(self) -> list[forms.BoundField]:
        return [self[name] for name in self.BASICS]

    @property
    def own(self) -> list[forms.BoundField]:
        return [self[name] for name in self.OWN]

    @property
    def reserve(self) -> list[forms.BoundField]:
        return [self[name] for name in self.RESERVE]

    @property
    def own_has_errors(self) -> bool:
        return any(name in self.errors for name in self.OWN)

    @property
    def reserve_has_errors(self) -> bool:
        return any(name in self.errors for name in self.RESERVE)
