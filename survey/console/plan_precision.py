"""The page about precision: what each wish takes and costs, the curve, and what cannot be had."""

import math
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from survey.console.plan import Plan
from survey.console.plan_charts import Label, cost_curve_svg
from survey.console.plan_words import money
from survey.sampling.precision import CITY, DISTRICT, STREET
from survey.stats.planning import change_between_rounds, cost_curve, cost_of, margin_with
from survey.stats.planning_words import (
    Formula,
    change_formula,
    cost_formula,
    curve_sentence,
    deff_formula,
    impossible_sentence,
    size_formula,
    spread_formula,
    take_formula,
    unit_of,
    wrong_way_sentence,
)

LEVEL_NAMES = {
    CITY: gettext_lazy("全体"),
    DISTRICT: gettext_lazy("每个区县"),
    STREET: gettext_lazy("每个街道"),
}
CURVE_STEPS = 48
MULTIPLES = (0.5, 0.75, 1.0, 1.5, 2.0)


def precision_page(plan: Plan) -> dict[str, Any]:
    """Households needed, their cost, the curve, and what cannot be had."""
    context: dict[str, Any] = {"form": plan.precision_form, "unit": ""}
    terms = plan.terms
    if terms is None or plan.population is None:
        return context
    context |= {"unit": unit_of(terms.kind), "take": plan.take, "refusal": ""}
    if isinstance(plan.suggestion, str):
        return context | {"refusal": plan.suggestion}
    n = sum(plan.suggestion.values())
    issued = min(n * plan.take, plan.population.households)
    cost = cost_of(terms, n, plan.take)
    return context | {
        "needs": _need_rows(plan),
        "impossible": _out_of_reach(plan),
        "n": n,
        "n_there": sum(len(s.communities) for s in plan.population.streets),
        "issued": issued,
        "answers": issued * terms.response_rate,
        "cost": money(cost),
        "limits": _limits(plan, n),
        "formulas": _precision_formulas(plan, n, cost),
        **_curve(plan, n, cost),
    }


def _need_rows(plan: Plan) -> list[dict[str, Any]]:
    """One row a level (the place that needs most), then the places with a wish of their own."""
    rows = []
    own = plan.precision_form.cleaned_data["own"]
    for level in (CITY, DISTRICT, STREET):
        here = [(w, n) for w, n in plan.needs if w.level == level and w.code not in own]
        if not here:
            continue
        issued = [need.issued for _wish, need in here]
        rows.append(
            {
                "name": LEVEL_NAMES[level],
                "places": len(here) if level != CITY else 0,
                "margin": here[0][0].margin,
                "respondents": _range([need.respondents for _wish, need in here]),
                "issued": _range(issued),
                "communities": _range([need.communities for _wish, need in here]),
                "total": sum(issued),
            }
        )
    for wish, need in plan.needs:
        if wish.code in own:
            rows.append(
                {
                    "name": wish.name,
                    "places": 0,
                    "margin": wish.margin,
                    "respondents": f"{need.respondents:,}",
                    "issued": f"{need.issued:,}",
                    "communities": f"{need.communities:,}",
                    "total": need.issued,
                }
            )
    return rows


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"


def _out_of_reach(plan: Plan) -> list[str]:
    """Wishes that cannot be had, and what can: more households, or more communities, than there are."""
    unit = unit_of(plan.terms.kind)
    there = {street.code: len(street.communities) for street in plan.population.streets}
    rows = []
    for wish, need in sorted(plan.needs, key=lambda pair: pair[1].households):
        values = {
            "name": wish.name or _("全体"),
            "margin": f"{wish.margin:g}",
            "unit": unit,
            "issued": f"{need.issued:,}",
            "households": f"{need.households:,}",
        }
        communities = sum(there[code] for code in wish.streets)
        if not need.possible:
            values["best"] = f"{need.best_margin:.1f}"
            rows.append(
                _(
                    "%(name)s ±%(margin)s %(unit)s要抽 %(issued)s 户，一共只有 %(households)s 户；"
                    "全抽也只能到 ±%(best)s %(unit)s。"
                )
                % values
            )
        elif need.communities > communities:
            most = min(communities * plan.take, need.households)
            values |= {
                "needed": f"{need.communities:,}",
                "there": f"{communities:,}",
                "take": plan.take,
                "best": f"{margin_with(plan.terms, most, need.households, plan.take):.1f}",
            }
            rows.append(
                _(
                    "%(name)s ±%(margin)s %(unit)s要 %(needed)s 个社区，只有 %(there)s 个；"
                    "每社区 %(take)s 户，全抽也只能到 ±%(best)s %(unit)s。"
                )
                % values
            )
    return rows


def _finest(plan: Plan) -> tuple[str, int, float | None]:
    """(level, places, wished margin) of the finest level that has a wish."""
    for level in (STREET, DISTRICT, CITY):
        margins = [wish.margin for wish in plan.wishes if wish.level == level]
        if margins:
            places = {STREET: len(plan.population.streets), DISTRICT: len(plan.population.districts)}
            return level, places.get(level, 1), sorted(margins)[len(margins) // 2]
    return CITY, 1, None


def _curve(plan: Plan, n: int, cost: float) -> dict[str, Any]:
    """The drawing, its title and its table: the average place of the finest level that has a wish."""
    terms, (level, places, target) = plan.terms, _finest(plan)
    least = places * (terms.cost_community + terms.cost_household)
    start = max(cost * 0.12, least)
    end = max(cost * 2.6, least * 3)
    budgets = [start * (end / start) ** (k / CURVE_STEPS) for k in range(CURVE_STEPS + 1)]
    table = [_scaled(plan, n, times, places) for times in MULTIPLES]
    unit = unit_of(terms.kind)
    words = {1.0: "", 0.5: _("少花一半："), 2.0: _("多花一倍：")}
    labels = [
        Label(
            row["cost"],
            row["margin"],
            f"{words[row['times']]}{row['total']} → ±{row['margin']:.1f} {unit}",
            row["times"] == 1,
        )
        for row in table
        if row["times"] in words
    ]
    wish = {"margin": f"{target:g}", "unit": unit} if target else None
    return {
        "curve": cost_curve_svg(
            cost_curve(terms, budgets, domains=places),
            places,
            labels,
            target,
            money=money,
        ),
        "curve_wish": _("色带：要求的 ±%(margin)s %(unit)s以内") % wish if wish else "",
        "curve_title": curve_sentence(
            next(row["margin"] for row in table if row["times"] == 1),
            next(row["margin"] for row in table if row["times"] == 2),
        ),
        "curve_of": LEVEL_NAMES[level],
        "curve_table": table,
    }


def _scaled(plan: Plan, n: int, times: float, places: int) -> dict[str, Any]:
    """The plan with so many times its communities, in `places` equal places."""
    communities = max(round(n * times), places)
    cost = cost_of(plan.terms, communities, plan.take)
    issued = communities * plan.take
    return {
        "times": times,
        "communities": communities,
        "issued": issued,
        "cost": cost,
        "total": money(cost),
        "margin": margin_with(plan.terms, issued / places, math.inf, plan.take),
        "is_chosen": times == 1,
    }


def _limits(plan: Plan, n: int) -> dict[str, str]:
    """What the plan can tell between two rounds of an average street (or of the whole, if there is one)."""
    terms, streets = plan.terms, plan.population.streets
    wanted = plan.precision_form.cleaned_data["wanted_change"]
    is_one = len(streets) == 1
    issued = min(n * plan.take, plan.population.households) / len(streets)
    change = change_between_rounds(
        terms, wanted, issued=issued, take=plan.take, households=plan.population.households
    )
    where = plan.population.districts[0].name if len(plan.population.districts) == 1 else _("这次调查的范围")
    sentence = impossible_sentence(
        terms,
        change,
        name=streets[0].name if is_one else _("一个街道"),
        exists_name=streets[0].name if is_one else where,
    )
    return {
        "sentence": sentence,
        "wrong_way": "" if change.can_be_had else wrong_way_sentence(terms, change),
        "base": _("按每个街道平均 %(households)s 户、%(answers)s 份答卷算。")
        % {"households": f"{issued:,.0f}", "answers": f"{issued * terms.response_rate:,.0f}"},
    }


def _precision_formulas(plan: Plan, n: int, cost: float) -> list[Formula]:
    terms, streets = plan.terms, plan.population.streets
    found = [spread_formula(terms)] if terms.kind == "share" else []
    found += [take_formula(terms), deff_formula(terms, plan.take)]
    if plan.needs:
        found.append(size_formula(terms, plan.needs[0][1], plan.take))
    issued = min(n * plan.take, plan.population.households) / len(streets)
    change = change_between_rounds(
        terms, plan.precision_form.cleaned_data["wanted_change"], issued=issued, take=plan.take,
        households=plan.population.households,
    )  # fmt: skip
    return [
        *found,
        Formula(
            _("几个要求同时满足，怎么分最省"),
            _("在每个要求的误差都达到的条件下，让总费用最小（凸优化）"),
            _("%(wishes)s 个要求，%(streets)s 个街道 → 一共 %(n)s 个社区")
            % {"wishes": len(plan.wishes), "streets": len(streets), "n": f"{n:,}"},
            "Bethel (1989), Survey Methodology 15, 47–57",
        ),
        cost_formula(terms, n, plan.take, cost),
        change_formula(terms, change, plan.take),
    ]
