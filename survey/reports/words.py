"""Figures in plain words. Every sentence follows from a rule; none claims what a test does not support."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

SHARE = "share"


@dataclass(frozen=True)
class Figure:
    """One printed figure. Numbers are on the printed scale: points, or per cent.

    half : the wider side of the interval, so that ± never promises too much
    """

    code: str
    key: str
    unit: str
    reason: str = ""
    short: str = ""
    n: int = 0
    n_effective: float = 0.0
    deff: float | None = None
    df: float = 0.0
    pooled: bool = False
    value: float = 0.0
    low: float = 0.0
    high: float = 0.0
    half: float = 0.0
    truth: float | None = None

    @property
    def shown(self) -> bool:
        return not self.reason

    @property
    def value_text(self) -> str:
        return f"{self.value:.1f}"

    @property
    def half_text(self) -> str:
        return f"{self.half:.1f}"

    @property
    def interval_text(self) -> str:
        return f"{self.low:.1f}–{self.high:.1f}"

    @property
    def n_text(self) -> str:
        return f"{self.n:,}"

    @property
    def effective_text(self) -> str:
        return f"{self.n_effective:,.0f}"

    @property
    def truth_text(self) -> str:
        return "" if self.truth is None else f"{self.truth:.1f}"

    @property
    def covers(self) -> bool:
        """Whether the interval holds the simulated truth."""
        return self.truth is not None and self.low <= self.truth <= self.high


def make_figure(
    indicator: dict[str, Any], key: str, cell: dict[str, Any] | None, truth: float | None, floor: int
) -> Figure:
    """The printed form of a document's cell."""
    is_share = indicator["kind"] == SHARE
    unit = "%" if is_share else _("分")
    cell = cell or {"suppressed": "masked"}
    if "suppressed" in cell:
        why = cell["suppressed"]
        return Figure(
            indicator["code"],
            key,
            unit,
            reason=suppressed_words(why, floor),
            short=suppressed_short(why, floor),
        )
    scale = 100.0 if is_share else 1.0
    value, low, high = (cell[name] * scale for name in ("estimate", "low", "high"))
    return Figure(
        code=indicator["code"],
        key=key,
        unit=unit,
        n=cell["n"],
        n_effective=cell["n_effective"],
        deff=cell["deff"],
        df=cell["df"],
        pooled=cell["variance"] == "pooled",
        value=value,
        low=low,
        high=high,
        half=max(high - value, value - low),
        truth=None if truth is None else truth * scale,
    )


def suppressed_words(reason: str, floor: int) -> str:
    """Why a figure is not printed."""
    return {
        "masked": _("答卷不足 %d 份，或公布了就能倒推出别处的数，不公布") % floor,
        "small": _("样本不足（少于 %d 份），不公布") % floor,
        "complement": _("一并不公布：公布了就能倒推出旁边那一格"),
        "no_error": _("抽样单位太少，算不出误差，不公布"),
        "no_external": _("缺一部分分数，合成不了"),
    }[reason]


def suppressed_short(reason: str, floor: int) -> str:
    """The same in a table cell."""
    return {
        "masked": _("不公布"),
        "small": _("不足 %d") % floor,
        "complement": _("一并不公布"),
        "no_error": _("算不出误差"),
        "no_external": _("缺分数"),
    }[reason]


def headline(figure: Figure, place: str) -> str:
    """What the interval says."""
    if figure.unit == "%":
        return _("我们有 95%% 的把握：%(place)s的真实比例在 %(low).1f%% 到 %(high).1f%% 之间。") % {
            "place": place,
            "low": figure.low,
            "high": figure.high,
        }
    return _("满分 100。我们有 95%% 的把握：%(place)s的真实得分在 %(low).1f 到 %(high).1f 之间。") % {
        "place": place,
        "low": figure.low,
        "high": figure.high,
    }


def beyond_own_error(row: Mapping[str, Any]) -> bool:
    """Whether a difference that the report may not claim would, alone, lie beyond its own error.

    Such a row must not be told as within its error, nor as a difference: `not_steady` has the words.
    """
    if row.get("claimed", row.get("differs", False)) or row.get("low") is None:
        return False
    return bool(row["low"] > 0 or row["high"] < 0)


def not_steady(document: Mapping[str, Any]) -> str:
    """What is said of such a difference: half a sentence, without its full stop."""
    tests = (document.get("claims") or {}).get("tests")
    if not tests:
        return _("单看这一项超过了误差，但和全报告的比较一起判断时还不够稳，先不下结论")
    return _("单看这一项超过了误差，但全报告 %(n)s 项比较一起判断时还不够稳，先不下结论") % {
        "n": f"{tests:,}"
    }


def shaky_words(count: int) -> str:
    """How many changes are such, in a count of all."""
    return _("有 %d 项单看超过了误差，一起判断还不够稳，先不下结论") % count


def against(comparison: dict[str, Any] | None, whole: str, unsteady: str) -> str:
    """Above, below or like the whole: by the test of the difference, never by the look of the dots.

    unsteady : the words of `not_steady`
    """
    if not comparison:
        return ""
    if beyond_own_error(comparison):
        return _("和%(whole)s的平均比：%(unsteady)s。") % {"whole": whole, "unsteady": unsteady}
    if not comparison["differs"]:
        return _("和%s的平均差不多。") % whole
    if comparison["difference"] > 0:
        return _("高于%s的平均。") % whole
    return _("低于%s的平均。") % whole


def ties(count: int, total: int, kind: str) -> str:
    """How many siblings cannot be told from this one."""
    noun = {"street": _("个街道（镇）"), "district": _("个区县")}[kind]
    if count == 0:
        return _("和其余 %(n)d %(noun)s的差距都超过了误差。") % {"n": total, "noun": noun}
    if count == total:
        return _("和其余 %(n)d %(noun)s的差距都没有超过误差，分不出先后。") % {"n": total, "noun": noun}
    return _("和另外 %(n)d %(noun)s的差距没有超过误差，分不出先后。") % {"n": count, "noun": noun}


def spread(differing: int, shown: int, noun: str) -> str:
    """The league's title: how many can be told from the average at all."""
    if shown == 0:
        return _("没有一个%s的答卷够数") % noun
    if differing == 0:
        return _("%(n)d 个%(noun)s，没有一个和平均有说得准的差别") % {"n": shown, "noun": noun}
    return _("%(n)d 个%(noun)s里，%(k)d 个和平均有真差别") % {"n": shown, "k": differing, "noun": noun}


def truth_words(figure: Figure) -> str:
    """A simulated round's truth beside the estimate."""
    if figure.truth is None:
        return ""
    inside = _("在区间之内") if figure.covers else _("在区间之外")
    return _("模拟真值 %(truth).1f%(unit)s，%(inside)s。") % {
        "truth": figure.truth,
        "unit": figure.unit if figure.unit == "%" else " " + figure.unit,
        "inside": inside,
    }


def axis_words(low: float, high: float, unit: str) -> str:
    """The printed cut of an axis."""
    if low <= 0 and high >= 100:
        return _("横轴从 0 到 100 %s。") % unit
    return _("横轴只画 %(low)g 到 %(high)g %(unit)s，不从 0 开始。") % {
        "low": low,
        "high": high,
        "unit": unit,
    }


def age_words(low: int, high: int | None) -> str:
    """An age group in the reader's language."""
    if high is None:
        return _("%d 岁及以上") % low
    return _("%(low)d–%(high)d 岁") % {"low": low, "high": high}


def sex_words(sex: str) -> str:
    """A sex, or both, in the reader's language."""
    return {"male": _("男"), "female": _("女"), "male+female": _("男女")}[sex]


def sentences(*parts: str) -> str:
    """Sentences one after another: Chinese needs no space between them."""
    return (" " if get_language() == "en" else "").join(part for part in parts if part)


def mode_words(mode: str) -> str:
    """How an answer came in."""
    return {"web": _("自己在网上填"), "door": _("上门访问"), "paper": _("纸质问卷")}.get(mode, mode)


def in_language(texts: dict[str, str]) -> str:
    """A text in the reader's language, else in any."""
    language = get_language() or "zh-hans"
    return texts.get(language) or texts.get("zh-hans") or next(iter(texts.values()), "")
