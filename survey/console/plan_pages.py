"""What the pages on population, design and simulation show: rows, drawings, formulas."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from survey.console.page import paged
from survey.console.plan import Plan
from survey.console.plan_words import money
from survey.reports.charts import make_axis, whisker
from survey.sampling.planning import PlannedStratum
from survey.sampling.services import PlannedDesign
from survey.stats.planning import (
    Terms,
    best_take,
    cost_of,
    margin_with,
)
from survey.stats.planning_words import (
    Formula,
    cost_formula,
    deff_formula,
    take_formula,
    unit_of,
)

JOINING = {
    "few-psus": gettext_lazy("社区太少"),
    "budget": gettext_lazy("要抽的社区不够分"),
    "dominant-psu": gettext_lazy("一个社区占了大半"),
    "allocation": gettext_lazy("分到的社区不够"),
}
TOO_FEW = 30  # answers below which a figure is not published (reports' rule)
RATIO_LOW, RATIO_HIGH = 0.8, 1.25  # of listed to census households; outside, somebody should look


def population_page(plan: Plan) -> dict[str, Any]:
    """Sizes by district, who is out and why, and what the coverage checks found."""
    found = plan.population
    form = plan.population_form
    reasons = dict(plan.left_out)
    return {
        "form": form,
        "n_streets": form.fields["streets"].queryset.count(),
        "population": found,
        "districts": [
            {
                "name": district.name,
                "households": district.households,
                "communities": len(district.communities),
                "streets": [s for s in found.streets if s.district == district.code],
            }
            for district in (found.districts if found else [])
        ],
        "left_out": [
            {"name": place.name, "households": place.households, "reason": reasons.get(place.code, "")}
            for place in (found.left_out if found else [])
        ],
        "findings": findings(plan.frame.checks, found.absent) if plan.frame and found else [],
    }


def findings(checks: Mapping[str, Any], absent: Sequence[str]) -> list[dict[str, str]]:
    """Coverage checks in words: what was found, and what it means for the sample."""
    rows = []
    if absent:
        rows.append(
            {
                "claim": _("%(n)s 个街道在名录里一户也没有") % {"n": len(absent)},
                "advice": _("%(names)s。那里的居民抽不到；不该漏的，请补上再导入一版。")
                % {"names": "、".join(absent[:12]) + ("……" if len(absent) > 12 else "")},
            }
        )
    if checks.get("n_empty_communities"):
        rows.append(
            {
                "claim": _("%(n)s 个社区没有住户") % {"n": f"{checks['n_empty_communities']:,}"},
                "advice": _("确实没有人住就不用管；漏了，请补上再导入一版。"),
            }
        )
    if checks.get("same_address_elsewhere"):
        rows.append(
            {
                "claim": _("%(n)s 个地址在两个社区都有") % {"n": f"{checks['same_address_elsewhere']:,}"},
                "advice": _("这些户有两次机会，别的户只有一次。请核对台账。"),
            }
        )
    return rows + _far_from_census(checks)


def _far_from_census(checks: Mapping[str, Any]) -> list[dict[str, str]]:
    """Districts whose list is much shorter or longer than the census, in one entry."""
    far = [
        _("%(name)s %(share)s") % {"name": district["name"], "share": f"{district['ratio']:.0%}"}
        for district in checks.get("by_district", [])
        if district.get("ratio") is not None and not RATIO_LOW <= district["ratio"] <= RATIO_HIGH
    ]
    if not far:
        return []
    advice = _("占普查的：%(list)s。多半是漏了一片，或登记了空户。名录外的人抽不到，加权也补不回来。")
    return [
        {
            "claim": _("%(n)s 个区县的名录户数和普查差得多") % {"n": len(far)},
            "advice": advice % {"list": "、".join(far)},
        }
    ]


def design_page(plan: Plan) -> dict[str, Any]:
    """The suggestion, and the strata that the typed design would have."""
    terms = plan.terms
    context = {
        "form": plan.design_form,
        "n_suggested": plan.n_suggested,
        "take_suggested": best_take(terms),
        "refusal": plan.refusal,
        "formulas": [take_formula(terms)],
        "unit": unit_of(terms.kind),
    }
    planned = plan.planned
    if planned is None:
        return context
    take, n = planned.spec["stages"][1]["take"], planned.plan["n_psus"]
    cost = cost_of(terms, n, take)
    rows = plan_rows(planned, plan.names)
    return context | {
        "planned": planned.plan,
        "take": take,
        "cost": money(cost),
        "answers": planned.plan["n_cases"] * terms.response_rate,
        "whole_margin": margin_with(terms, planned.plan["n_cases"], planned.plan["n_households"], take),
        "strata": [row for row in rows if not row["is_certainty"]],
        "certain": [row for row in rows if row["is_certainty"]],
        "n_joined": sum(bool(row["joined"]) for row in rows),
        "formulas": [
            take_formula(terms),
            deff_formula(terms, take),
            *_allocation_formula(plan),
            cost_formula(terms, n, take, cost),
        ],
    }


def _allocation_formula(plan: Plan) -> list[Formula]:
    texts = {
        "proportional": ("n_h = n × N_h ÷ ΣN", _("街道的社区数和住户数成比例"), "Cochran (1977), §5.5"),
        "equal": ("n_h = n ÷ H", _("每个街道一样多；社区不够的全抽"), "Valliant et al. (2018), §3.1"),
        "power": (
            "n_h = n × C_h√N_h ÷ Σ C√N",
            _("C 是离散程度和平均数的比"),
            "Bankier (1988), Amer. Statist. 42, 174–177 (q = ½)",
        ),
        "neyman": (
            "n_h = n × N_hS_h ÷ ΣNS",
            _("S 是离散程度；到处一样时就是按住户数"),
            "Cochran (1977), §5.5",
        ),
        "cost": ("n_h ∝ N_hS_h ÷ √c_h", _("c 是一个社区连同它的户的花费"), "Cochran (1977), §5.5, eq. 5.20"),
        "targets": (
            _("最小化 Σc·n，使每个要求的误差都达到"),
            _("要求见第 2 步"),
            "Bethel (1989), Survey Methodology 15",
        ),
    }
    formula, meaning, source = texts[plan.choices.method]
    return [Formula(_("社区怎么分到各街道"), formula, meaning, source)]


def plan_rows(planned: PlannedDesign, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Strata of a plan as a page lists them, streets before certainty communities."""
    take = planned.spec["stages"][1]["take"]
    rows = [_plan_row(stratum, take, names) for stratum in planned.strata]
    return sorted(rows, key=lambda row: (row["is_certainty"], row["code"]))


def _plan_row(stratum: PlannedStratum, take: int, names: Mapping[str, str]) -> dict[str, Any]:
    chance = min(1.0, stratum.n_take * take / stratum.n_households)
    communities = "、".join(c.name for c in stratum.psus[0].communities)
    return {
        "code": stratum.code,
        "name": communities
        if stratum.certainty
        else "、".join(names.get(code, code) for code in stratum.streets),
        "is_certainty": stratum.certainty,
        "joined": joining_words(stratum.joined),
        "n_households_frame": stratum.n_households,
        "n_psus_frame": len(stratum.psus),
        "n_psus_take": stratum.n_take,
        "n_cases": stratum.n_take * take,
        "weight": 1 / chance,
    }


def joining_words(rules: Sequence[str]) -> str:
    """Why streets were joined."""
    return "、".join(str(JOINING.get(name, name)) for name in rules if name)


SORTS = {
    "name": lambda row: row["streets"],
    "half": lambda row: -(row["half_width"] or 0),
    "households": lambda row: -row["households"],
    "interviews": lambda row: row["interviews"],
}


def simulation_page(plan: Plan, request: HttpRequest) -> dict[str, Any]:
    """The forecast of this very plan, sorted; nothing when there is none yet."""
    found = plan.forecast
    context: dict[str, Any] = {
        "unit": unit_of(plan.terms.kind),
        "forecast": found,
        "n_streets": len(plan.population.streets),
        "is_stale": bool(plan.draft and plan.draft.forecast and not found),
        "planned": plan.planned.plan,
        "sort": "name",
    }
    if found is None:
        return context
    sort = request.GET.get("sort", "name")
    sort = sort if sort in SORTS else "name"
    rows = sorted(found["rows"], key=SORTS[sort])
    half = [row["half_width"] or 0 for row in rows]
    counted = [row["coverage"] for row in rows if row["coverage"] is not None]
    axis = make_axis([plan.mean - max(half)], [plan.mean + max(half)])
    return context | {
        "sort": sort,
        "axis": axis,
        "rows": paged(request, [_forecast_row(row, plan, axis) for row in rows]),
        "finding": _finding(rows, plan.terms),
        "whole": found["whole"],
        "districts": found["districts"],
        "terms": plan.terms,
        "mean": plan.mean,
        "take": found["terms"]["take"],
        "n_runs": max((row["n_runs"] for row in rows), default=0),
        "coverage": sum(counted) / len(counted) if counted else None,
        "n_pooled": sum(row["method"] == "pooled" for row in rows),
        "answers": sum(row["interviews"] for row in rows),
    }


def _forecast_row(row: Mapping[str, Any], plan: Plan, axis: Any) -> dict[str, Any]:
    half = row["half_width"]
    few = row["interviews"] < TOO_FEW
    return {
        **row,
        "few": few,
        "is_joined": len(row["streets"]) > 1,
        # Two regions alike with independent samples: √2 times the margin of one.
        "apart": half * 2**0.5 if half is not None else None,
        "svg": ""
        if half is None
        else whisker(
            axis,
            estimate=plan.mean,
            low=plan.mean - half,
            high=plan.mean + half,
            emphasis="thin" if few else "planned",
        ),
    }


def _finding(rows: Sequence[Mapping[str, Any]], terms: Terms) -> str:
    """The title of the table: the spread of margins, in one sentence."""
    halves = sorted(row["half_width"] for row in rows if row["half_width"] is not None)
    if not halves:
        return _("没有一个街道算得出误差")
    unit = unit_of(terms.kind)
    if len(halves) == 1 or halves[-1] - halves[0] < 0.05:
        return _("每个街道的误差约 ±%(high)s %(unit)s") % {"high": f"{halves[-1]:.1f}", "unit": unit}
    return _("各街道的误差在 ±%(low)s 到 ±%(high)s %(unit)s之间") % {
        "low": f"{halves[0]:.1f}",
        "high": f"{halves[-1]:.1f}",
        "unit": unit,
    }
