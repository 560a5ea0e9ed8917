"""What planning says to people: formulas with the numbers filled in, and what cannot be had."""

import math
from dataclasses import dataclass

from django.utils.translation import gettext as _

from survey.stats.planning import (
    SHARE,
    DetectableChange,
    Need,
    Terms,
    best_take,
)


@dataclass(frozen=True)
class Formula:
    """One “怎么算的”: what it gives, the formula, the same with numbers, and where it comes from."""

    title: str
    formula: str
    filled: str
    source: str


def _n(value: float, digits: int = 1) -> str:
    """12480.5 → "12,480.5"; whole numbers without a point."""
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def spread_formula(terms: Terms) -> Formula:
    """Where the spread of a share comes from."""
    return Formula(
        _("离散程度 S（比例）"),
        "S = 100 × √(p × (1 − p))",
        f"S = 100 × √({_n(terms.share, 2)} × {_n(1 - terms.share, 2)}) = {_n(terms.sd)}",
        "Cochran (1977), Sampling Techniques, 3rd ed., §3.2",
    )


def deff_formula(terms: Terms, take: int) -> Formula:
    """Why people of one community count for less."""
    answers = take * terms.response_rate
    return Formula(
        _("设计效应：同一社区的人想法相近，要多问几倍"),
        "deff = 1 + (b × r − 1) × ρ",
        f"deff = 1 + ({take} × {_n(terms.response_rate, 3)} − 1) × {_n(terms.rho, 3)} = "
        f"{_n(terms.deff(take), 2)}" + (_("（不小于 1）") if answers < 1 else ""),
        "Kish (1965), Survey Sampling, eq. 5.4.1",
    )


def size_formula(terms: Terms, need: Need, take: int) -> Formula:
    """From a margin to answers and households."""
    deff = terms.deff(take)
    correction = (
        f", N/(N−1) = {_n(need.households / (need.households - 1), 4)}"
        if terms.kind == SHARE and 1 < need.households < 10_000
        else ""
    )
    return Formula(
        _("要多少份、多少户"),
        _("份数 n = 1 ÷ ( (误差/z)² ÷ (deff × S²) + 1/N )；户数 = n ÷ 应答率 r"),
        f"n = 1 ÷ ( ({_n(need.margin, 2)}/{_n(terms.z, 2)})² ÷ ({_n(deff, 2)} × {_n(terms.sd, 2)}²) "
        f"+ 1/{_n(need.households)} ){correction} = {_n(need.respondents)}；"
        f"{_n(need.respondents)} ÷ {_n(terms.response_rate, 3)} ≈ {_n(need.issued)}",
        "Valliant, Dever & Kreuter (2018), Practical Tools, 2nd ed., eqs. 3.3–3.8",
    )


def take_formula(terms: Terms) -> Formula:
    """The best take by cost."""
    return Formula(
        _("每个社区多少户最省"),
        "b = √( C₁/C₂ × (1 − ρ) ÷ (ρ × r) )",
        f"b = √( {_n(terms.cost_community)}/{_n(terms.cost_household)} × {_n(1 - terms.rho, 3)} ÷ "
        f"({_n(terms.rho, 3)} × {_n(terms.response_rate, 3)}) ) ≈ {best_take(terms)}"
        if terms.rho > 0
        else _("ρ = 0：社区之间没有差别，一个社区问多少户都一样。"),
        "Hansen, Hurwitz & Madow (1953), vol. I, ch. 6, §16",
    )


def cost_formula(terms: Terms, communities: int, take: int, total: float) -> Formula:
    """What it costs."""
    return Formula(
        _("要花多少钱"),
        _("费用 = 社区数 × (C₁ + C₂ × 每社区户数)"),
        f"{_n(communities)} × ({_n(terms.cost_community)} + {_n(terms.cost_household)} × {take}) = "
        f"{_n(total, 0)}",
        "Cochran (1977), §10.6",
    )


def change_formula(terms: Terms, change: DetectableChange, take: int) -> Formula:
    """The smallest change that shows."""
    return Formula(
        _("两轮之间能看出多大的变化"),
        _("最小变化 = (1.96 + 0.84) × √( 2 × deff × S² ÷ n )（双侧 5%，看出的把握 80%）"),
        f"2.80 × √( 2 × {_n(terms.deff(take), 2)} × {_n(terms.sd, 2)}² ÷ {_n(change.n)} ) = "
        f"{_n(change.smallest, 2)}",
        "Bloom (1995), Evaluation Review 19; Valliant, Dever & Kreuter (2018), §4.3",
    )


def unit_of(kind: str) -> str:
    """What a margin is counted in."""
    return _("个百分点") if kind == SHARE else _("分")


def impossible_sentence(terms: Terms, change: DetectableChange, *, name: str, exists_name: str) -> str:
    """“要分清一个街道 0.1 分的变化，每个街道要问 … 户，全区只有 … 户” or that it can be had.

    `change.exists` is what `exists_name` holds; answers are turned into households by the response rate.
    """
    values = {
        "name": name,
        "wanted": _n(change.wanted, 2),
        "unit": unit_of(terms.kind),
        "households": _n(math.ceil(change.needed / terms.response_rate), 0),
        "exists": _n(change.exists, 0),
        "where": exists_name,
        "smallest": _n(change.smallest),
    }
    if change.can_be_had:
        return _("%(name)s %(wanted)s %(unit)s的变化，分得清。") % values
    if change.needed / terms.response_rate > change.exists:
        return (
            _(
                "做不到：要分清%(name)s %(wanted)s %(unit)s的变化，每轮要问 %(households)s 户，"
                "%(where)s一共只有 %(exists)s 户。按现在的方案，变化在 %(smallest)s %(unit)s以上才看得出来。"
            )
            % values
        )
    return (
        _(
            "现在的方案分不清：要分清%(name)s %(wanted)s %(unit)s的变化，每轮要问 %(households)s 户。"
            "按现在的方案，变化在 %(smallest)s %(unit)s以上才看得出来。"
        )
        % values
    )


def wrong_way_sentence(terms: Terms, change: DetectableChange) -> str:
    """How often a real change of that size would even look like its opposite."""
    return _("就算真的涨了 %(wanted)s %(unit)s，算出来反而往下走的可能有 %(share)s。") % {
        "wanted": _n(change.wanted, 2),
        "unit": unit_of(terms.kind),
        "share": f"{change.wrong_sign:.0%}",
    }


def curve_sentence(margin: float, doubled: float) -> str:
    """What twice the money buys, for the title of the curve: from one margin to the other."""
    return _("多花一倍的钱，误差只小 %(share)s") % {"share": f"{1 - doubled / margin:.0%}"}
