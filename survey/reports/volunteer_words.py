"""The volunteers' part of a document in words: figures, assumptions, refusals. No database.

Everything here is a model. It is labelled wherever it stands, and no other page reads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from survey.reports.reading import Reading
from survey.reports.words import age_words, suppressed_words
from survey.responses.volunteers import rule_words

LABEL = gettext_lazy("含自愿答卷的混合估计（试验性）")
PROBABILITY, PLAIN, BLEND = "probability", "volunteers", "blend"
METHODS = (PROBABILITY, PLAIN, "propensity", "doubly_robust", BLEND)
NAMES = {
    PROBABILITY: gettext_lazy("随机抽户（正式结果）"),
    PLAIN: gettext_lazy("自愿答卷，原样平均"),
    "propensity": gettext_lazy("自愿答卷，按参加机会加权"),
    "doubly_robust": gettext_lazy("自愿答卷，双重稳健"),
    BLEND: gettext_lazy("两种合在一起"),
}
COVARIATES = {
    "sex": gettext_lazy("性别"),
    "age": gettext_lazy("年龄"),
    "education": gettext_lazy("受教育程度"),
    "district": gettext_lazy("区县"),
}
ASSUMPTIONS = (
    gettext_lazy(
        "来不来答和怎么想无关：放进模型的背景都相同的人里，自愿来答的和没来的想法一样。自己找来的人往往更满意或"
        "更不满意，这一条没有办法用数据检验。"
    ),
    gettext_lazy("人人都有机会：哪一种人都可能看到海报，也都能用微信答。没有微信的人其实没有机会。"),
    gettext_lazy("问得一样：自愿答卷都在手机上填；随机抽户里有一部分是上门问的，同一道题可能答得不一样。"),
    gettext_lazy("模型对得上：参加机会的模型和答案的模型，至少有一个是对的（都没有放交互项）。"),
    gettext_lazy("来答的人算作住在张贴海报的社区，并且一人只答了一份。"),
    gettext_lazy(
        "混合的数还要求：自愿答卷剩下的偏差不大。前面的检查只看得出大的偏差；偏差和误差差不多大的时候，区间会偏窄。"
    ),
)


@dataclass(frozen=True)
class VolunteerRow:
    """One figure of an indicator on the printed scale; without an interval where nobody was drawn."""

    method: str
    label: str
    value: float
    low: float | None
    high: float | None
    n: int

    @property
    def value_text(self) -> str:
        return f"{self.value:.1f}"

    @property
    def half_text(self) -> str:
        if self.low is None or self.high is None:
            return ""
        return f"± {max(self.high - self.value, self.value - self.low):.1f}"

    @property
    def interval_text(self) -> str:
        if self.low is None or self.high is None:
            return _("没有")
        return f"{self.low:.1f}–{self.high:.1f}"


def part_of(reading: Reading) -> dict[str, Any] | None:
    """The volunteers' part; None where the recipe did not ask for it, as in every older document."""
    return reading.document.get("volunteers")


def rows_of(reading: Reading, code: str) -> list[VolunteerRow]:
    """The figures of an indicator side by side; none where they are masked or refused."""
    found = (part_of(reading) or {}).get("figures", {}).get(code, {})
    if PROBABILITY not in found:
        return []
    scale = 100.0 if reading.indicators[code]["kind"] == "share" else 1.0
    rows = []
    for method in METHODS:
        cell = {"estimate": found[PLAIN]} if method == PLAIN else found[method]
        bounds = [cell[side] * scale if side in cell else None for side in ("low", "high")]
        drawn, came = found[PROBABILITY]["n"], found["n"]
        base = {PROBABILITY: drawn, BLEND: drawn + came}.get(method, came)
        rows.append(VolunteerRow(method, str(NAMES[method]), cell["estimate"] * scale, *bounds, base))
    return rows


def verdict(reading: Reading, code: str) -> str:
    """Whether the two kinds of answers agree, and what became of the blend; or why there is no figure."""
    found = (part_of(reading) or {}).get("figures", {}).get(code, {})
    if "suppressed" in found:
        return suppressed_words(found["suppressed"], reading.floor) + "。"
    if "difference" not in found:
        return _("这一项的模型算不出来，没有数。")
    is_share = reading.indicators[code]["kind"] == "share"
    scale, unit = (100.0, _("个百分点")) if is_share else (1.0, _("分"))
    difference = found["difference"]
    facts = {
        "gap": signed(difference["estimate"] * scale, 1),
        "low": signed(difference["low"] * scale, 1),
        "high": signed(difference["high"] * scale, 1),
        "unseen": f"{difference['unseen'] * scale:.1f}",
        "unit": unit,
    }
    gap = _("双重稳健减去随机抽户：%(gap)s %(unit)s（95%% 区间 %(low)s 到 %(high)s），") % facts
    if difference["differs"]:
        found_words = _("不像是同一个数。")
    else:
        found_words = _("查不出不同；不到 %(unseen)s %(unit)s的偏差，这样常常查不出来。") % facts
    percent = found[BLEND]["share"] * 100
    share = _("混合里自愿答卷占 %.0f%%。") % percent if percent >= 1 else _("混合里自愿答卷占不到 1%。")
    return gap + found_words + share


def signed(value: float, digits: int) -> str:
    """A number with its sign, the minus as wide as the plus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def counted_words(part: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    """How many came, how many count, by which rule."""
    rule = rule_words(document["response"]["volunteer_rule"])
    return [
        _("收到 %(received)s 份自愿答卷，点数 %(accepted)s 份，有疑点不点数 %(flagged)s 份。")
        % {name: f"{part[name]:,}" for name in ("received", "accepted", "flagged")},
        _("规则：%s") % rule,
    ]


def refusal_words(reading: Reading) -> str:
    """Why nothing was modelled; "" where it was."""
    why = (part_of(reading) or {}).get("refused")
    if not why:
        return ""
    speak = REFUSALS.get(why["code"])
    return speak(reading, why) if speak else _("没有估计（%s）。") % why["code"]


def group_label(reading: Reading, keys: Sequence[str]) -> str:
    """A group of levels: ages as one range, others by name."""
    if keys[0].startswith("age:"):
        bands = reading.document["weights"]["spec"]["poststratification"]["bands"]
        places = [int(key.partition(":")[2]) for key in keys]
        return age_words(bands[places[0]][0], bands[places[-1]][1])
    return _("、").join(reading.domains[key]["label"] for key in keys)


def covariate_names(names: Sequence[str]) -> str:
    """性别、年龄."""
    return _("、").join(str(COVARIATES.get(name, name)) for name in names)


def method_sentences(part: Mapping[str, Any]) -> list[str]:
    """How the figures came about."""
    used = covariate_names([row["name"] for row in part["covariates"]])
    return [
        _(
            "参加机会：用逻辑回归估计每一种人来答的机会，总体由随机抽户的答卷按权数代表"
            "（Chen、Li、Wu 2020 的伪似然）；用到%s。"
        )
        % used,
        _(
            "双重稳健：再用自愿答卷拟合答案的模型（比例用逻辑回归，得分用线性回归），推到随机抽户的人身上，"
            "加上按参加机会加权的残差（同一篇的 DR2）。"
        ),
        _(
            "误差：重抽 %(n)d 次，每次两个模型都重做；自愿答卷按张贴的社区整群重抽，"
            "随机抽户用整个加权过程的重抽权数。区间是 t 区间，自由度不超过社区数减 1。"
        )
        % {"n": part["replicates"] - part["failed"]},
        _(
            "混合：取均方误差最小的比例（Elliott、Haviland 2007）。两种答卷的差当作可能的偏差，"
            "至少当作差的误差那么大：差得越远，自愿答卷占得越少；区间里也留了这份偏差。"
        ),
    ]


def volunteer_rows(reading: Reading) -> list[tuple[str, list[str]]]:
    """The part as one entry of the methodology, which also goes on paper; none without the part."""
    part = part_of(reading)
    if part is None:
        return []
    lines = [
        _("下面是模型推算的，不是调查结果，不进排名、结论和变化。"),
        *counted_words(part, reading.document),
    ]
    if part["refused"]:
        return [(str(LABEL), [*lines, refusal_words(reading)])]
    lines += method_sentences(part)
    lines += [_indicator_line(reading, code) for code in part["figures"]]
    return [(str(LABEL), [*lines, _("前提："), *[str(text) for text in ASSUMPTIONS]])]


def _indicator_line(reading: Reading, code: str) -> str:
    """All figures of an indicator in one line."""
    shown = _("；").join(
        f"{row.label} {row.value_text}" + (f"（{row.interval_text}）" if row.low is not None else "")
        for row in rows_of(reading, code)
    )
    return f"{reading.indicators[code]['name']}：{shown + '。' if shown else ''}{verdict(reading, code)}"


def _few(reading: Reading, why: Mapping[str, Any]) -> str:
    return _("能用的自愿答卷只有 %(have)s 份，这个模型至少要 %(needed)s 份，没有估计。") % why


def _few_places(reading: Reading, why: Mapping[str, Any]) -> str:
    return (
        _("自愿答卷只来自 %(have)s 个社区，至少要 %(needed)s 个才能说全体，没有估计。可以在更多社区张贴。")
        % why
    )


def _level_thin(reading: Reading, why: Mapping[str, Any]) -> str:
    return _("%(who)s的自愿答卷不足 %(needed)s 份，没有人能代表他们，没有估计。") % {
        "who": _("、").join(group_label(reading, [key]) for key in why["levels"]),
        "needed": why["needed"],
    }


def _unknown(reading: Reading, why: Mapping[str, Any]) -> str:
    who = {"volunteers": _("自愿答卷"), "reference": _("随机抽户的答卷")}[why["who"]]
    return _("%(who)s里有 %(share).0f%% 没说性别、年龄或别的背景，超过 %(most).0f%%，没有估计。") % {
        "who": who,
        "share": why["share"] * 100,
        "most": why["most"] * 100,
    }


def _no_covariate(reading: Reading, why: Mapping[str, Any]) -> str:
    return _("两种答卷没有可以对照的背景（性别、年龄、受教育程度、区县），没有估计。")


def _no_replicates(reading: Reading, why: Mapping[str, Any]) -> str:
    return _("随机抽户的误差这次没有用重抽算出来，混合的误差也就算不出，没有估计。")


def _no_overlap(reading: Reading, why: Mapping[str, Any]) -> str:
    return _(
        "自愿答卷和全体居民重叠太少：加权后只相当于 %(n).0f 份，最重的一份占 %(largest).0f%%，"
        "%(uncovered).0f%% 的居民那一种人里没有一个自愿者。没有估计。"
    ) % {
        "n": why["n_effective"],
        "largest": why["largest_share"] * 100,
        "uncovered": why["uncovered"] * 100,
    }


def _not_converged(reading: Reading, why: Mapping[str, Any]) -> str:
    return _("参加机会的模型没有解：有一种人几乎没有自愿者，或者几乎都是自愿者。没有估计。")


REFUSALS = {
    "few": _few,
    "few_places": _few_places,
    "level_thin": _level_thin,
    "unknown": _unknown,
    "no_covariate": _no_covariate,
    "no_replicates": _no_replicates,
    "no_overlap": _no_overlap,
    "not_converged": _not_converged,
}
