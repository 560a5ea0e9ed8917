"""Forms of commitment and draw: where the public random number comes from, who brings a secret, its proof."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from survey.common.clock import now
from survey.console.forms import ConfirmForm, DateInput
from survey.sampling.beacons import CHAINS, DEMO, DRAND, LOTTERIES, LOTTERY, drand_name, drand_round_at
from survey.sampling.models import Draw, DrawTimestamp
from survey.studies.models import Round

OTHER_PARTIES = 4
FIELD_DAYS = 60  # a first guess at the length of field work, for the day of the reveal


class MomentInput(forms.DateTimeInput):
    """The browser's own calendar with a clock."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class CommitForm(ConfirmForm):
    """What is fixed and published before the draw."""

    kind = forms.ChoiceField(label=_("用哪一种公开随机数"), widget=forms.RadioSelect)
    at = forms.DateTimeField(
        label=_("什么时候揭晓"),
        required=False,
        widget=MomentInput(),
        help_text=_(
            "照开奖公告填，至少在 10 分钟以后。双色球每周二、四、日 21:15，大乐透每周一、三、六 21:25。"
        ),
    )
    game = forms.ChoiceField(
        label=_("哪一种彩票"), choices=[(name, name) for name in LOTTERIES], required=False
    )
    issue = forms.CharField(
        label=_("第几期"),
        max_length=9,
        required=False,
        help_text=_("只写数字，例如 2026136。期号和开奖日期要对得上。"),
    )
    chain = forms.ChoiceField(
        label=_("drand 的哪条链"),
        choices=[
            ("quicknet", _("quicknet（每 3 秒一次）")),
            ("default", _("default（每 30 秒一次）")),
        ],
        required=False,
        help_text=_("轮次由揭晓时间算出，不用自己填。"),
    )
    reveal_by = forms.DateField(
        label=_("最晚哪天公开秘密"),
        widget=DateInput(),
        help_text=_("收卷结束以后的日子。到期没有公开，这次抽样公众一律当作废。"),
    )
    reason = forms.CharField(
        label=_("为什么再抽一次"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("原来抽的作废，但和这个理由一起一直公开。"),
    )
    field_order = ("kind", "at", "game", "issue", "chain", "reveal_by", "reason", "sure")

    BEACON = ("kind",)
    TIMED = ("at",)
    OF_LOTTERY = ("game", "issue")
    OF_DRAND = ("chain",)

    def __init__(self, *args: Any, round_: Round, is_simulated: bool, again: bool, **kwargs: Any) -> None:
        label = _("我看过方案了，知道承诺公布以后一个字也改不了")
        super().__init__(*args, label=label, **kwargs)
        choices = [(LOTTERY, _("彩票开奖号码")), (DRAND, _("drand 公共随机数（国际，网上查）"))]
        if is_simulated:
            choices.append((DEMO, _("演示用（模拟名录才有，马上就能抽）")))
        self.fields["kind"].choices = choices
        self.fields["kind"].initial = DEMO if is_simulated else LOTTERY
        last = round_.closes_on or localdate(now()) + timedelta(days=FIELD_DAYS)
        self.fields["reveal_by"].initial = last + timedelta(days=14)
        self.fields["at"].initial = localtime(now() + timedelta(days=1)).replace(minute=0)
        if not again:
            del self.fields["reason"]
        for number in range(1, OTHER_PARTIES + 1):
            self.fields[f"party{number}"] = forms.CharField(
                label=gettext("第 %(n)s 方的名称") % {"n": number + 1}, max_length=100, required=False
            )
            self.fields[f"hash{number}"] = forms.CharField(
                label=gettext("它的秘密指纹（SHA-256）"), max_length=200, required=False
            )

    def _group(self, names: tuple[str, ...]) -> list[forms.BoundField]:
        return [self[name] for name in names if name in self.fields]

    @property
    def beacon(self) -> list[forms.BoundField]:
        return self._group(self.BEACON)

    @property
    def timed(self) -> list[forms.BoundField]:
        return self._group(self.TIMED)

    @property
    def lottery(self) -> list[forms.BoundField]:
        return self._group(self.OF_LOTTERY)

    @property
    def drand(self) -> list[forms.BoundField]:
        return self._group(self.OF_DRAND)

    @property
    def rest(self) -> list[forms.BoundField]:
        return self._group(("reveal_by", "reason", "sure"))

    @property
    def party_rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"party{n}"], self[f"hash{n}"]) for n in range(1, OTHER_PARTIES + 1)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("kind") in (LOTTERY, DRAND) and not data.get("at") and "at" not in self.errors:
            self.add_error("at", _("写明什么时候揭晓。"))
        if data.get("kind") == LOTTERY and not data.get("issue", "").strip():
            self.add_error("issue", _("写明是哪一期。"))
        if "reason" in self.fields and not data.get("reason", "").strip():
            self.add_error("reason", _("再抽一次要写明理由。"))
        for number in range(1, OTHER_PARTIES + 1):
            if bool(data.get(f"party{number}", "").strip()) != bool(data.get(f"hash{number}", "").strip()):
                self.add_error(f"hash{number}", _("名称和指纹要一起写，不用就都空着。"))
        return data

    def beacon_name(self) -> str:
        """The exact name that is committed to."""
        data = self.cleaned_data
        if data["kind"] == LOTTERY:
            return f"{data['game']} {data['issue'].strip()} 期"
        if data["kind"] == DRAND:
            return drand_name(data["chain"] or next(iter(CHAINS)), drand_round_at(data["chain"], data["at"]))
        return gettext("演示")

    def parties(self) -> list[tuple[str, str]]:
        """(name, hash) of the others."""
        data = self.cleaned_data
        pairs = [(data[f"party{n}"].strip(), data[f"hash{n}"].strip()) for n in range(1, OTHER_PARTIES + 1)]
        return [pair for pair in pairs if pair[0]]


class TimestampForm(forms.Form):
    """A third party's word that the commitment existed."""

    kind = forms.ChoiceField(
        label=_("哪一种证明"), choices=DrawTimestamp.Kind.choices, widget=forms.RadioSelect
    )
    authority = forms.CharField(label=_("谁作证"), max_length=200, help_text=_("机构、报刊或网站的全称。"))
    token = forms.FileField(
        label=_("时间戳回执"), required=False, help_text=_("时间戳机构给的 .tsr 文件；别的不用传。")
    )
    stamped_at = forms.DateTimeField(
        label=_("作证的时间"),
        required=False,
        widget=MomentInput(),
        help_text=_("公开发表或公证的时间；时间戳的时间从回执里读。"),
    )
    address = forms.URLField(
        label=_("网址"), required=False, max_length=500, assume_scheme="https",
        help_text=_("公开发表的，写得到它的网址。"),
    )  # fmt: skip
    note = forms.CharField(label=_("公证书编号或说明"), max_length=300, required=False)


class SecretForm(forms.Form):
    """A party's secret."""

    party = forms.IntegerField(widget=forms.HiddenInput())
    secret = forms.CharField(
        label=_("它的秘密"), max_length=200, help_text=_("64 位十六进制数，要和承诺时的指纹对得上。")
    )


class BeaconForm(forms.Form):
    """The value that came out."""

    value = forms.CharField(label=_("开出来的是"), max_length=300)

    def __init__(self, *args: Any, draw: Draw, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        game = next((name for name in LOTTERIES if draw.beacon_name.startswith(name)), "")
        if draw.beacon_kind == LOTTERY and game:
            self.fields["value"].help_text = gettext("照公告填，例如“%(example)s”。") % {
                "example": LOTTERIES[game].example
            }
        elif draw.beacon_kind == DRAND:
            self.fields["value"].help_text = gettext("randomness 那一行，64 位十六进制数。")
        else:
            self.fields["value"].help_text = gettext("演示用，随便填一个词。")
