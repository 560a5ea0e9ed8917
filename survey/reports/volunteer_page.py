"""The page about volunteers, from a document. No database."""

from typing import Any

from django.utils.translation import gettext as _

from survey.common.errors import Problem
from survey.reports.charts import Axis, axis_row, make_axis, whisker
from survey.reports.notices import all_notices
from survey.reports.reading import Reading
from survey.reports.volunteer_words import (
    ASSUMPTIONS,
    COVARIATES,
    LABEL,
    PROBABILITY,
    VolunteerRow,
    counted_words,
    covariate_names,
    group_label,
    method_sentences,
    part_of,
    refusal_words,
    rows_of,
    signed,
    verdict,
)

UNBALANCED = 0.1  # standard deviations (Austin 2009, Statistics in Medicine 28, 3083–3107)


def volunteers_context(reading: Reading) -> dict[str, Any]:
    """Everything that the page shows.

    Raises
    ------
    Problem common.not_found : the document has no such part
    """
    part = part_of(reading)
    if part is None:
        raise Problem("common.not_found")
    is_modelled = not part["refused"]
    return {
        "label": LABEL,
        "part": part,
        "counted": counted_words(part, reading.document),
        "refusal": refusal_words(reading),
        "indicators": [_indicator(reading, code) for code in part["figures"]],
        "assumptions": ASSUMPTIONS if is_modelled else [],
        "absent": covariate_names(part["absent"]),
        "overlap": _overlap(part) if is_modelled else [],
        "balance": _balance(reading, part) if is_modelled else [],
        "method": method_sentences(part) if is_modelled else [],
        "notices": all_notices(reading.document),
    }


def _indicator(reading: Reading, code: str) -> dict[str, Any]:
    rows = rows_of(reading, code)
    values = [v for row in rows for v in (row.value, row.low, row.high) if v is not None]
    axis = make_axis(values, values)
    return {
        "name": reading.indicators[code]["name"],
        "unit": "%" if reading.indicators[code]["kind"] == "share" else _("分"),
        "rows": [{"row": row, "chart": _chart(axis, row)} for row in rows],
        "axis_chart": axis_row(axis),
        "verdict": verdict(reading, code),
    }


def _chart(axis: Axis, row: VolunteerRow) -> str:
    """Dot and whiskers; the plain mean has no whiskers, for nobody was drawn."""
    low = row.value if row.low is None else row.low
    high = row.value if row.high is None else row.high
    emphasis = "own" if row.method == PROBABILITY else ""
    return whisker(axis, estimate=row.value, low=low, high=high, emphasis=emphasis)


def _overlap(part: dict[str, Any]) -> list[tuple[str, str]]:
    found = part["overlap"]
    return [
        (_("用上的自愿答卷"), f"{found['n_volunteers']:,}"),
        (_("来自几个社区"), f"{part['places']:,}"),
        (_("加权后的有效样本量"), f"{found['n_effective']:,.0f}"),
        (_("最重的一份占"), f"{found['largest_share'] * 100:.1f}%"),
        (_("参加机会，最低到最高"), f"{found['lowest'] * 100:.2g}%–{found['highest'] * 100:.2g}%"),
        (_("没有自愿者的那些人，占居民"), f"{found['uncovered'] * 100:.0f}%"),
    ]


def _balance(reading: Reading, part: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "heading": str(COVARIATES.get(row["covariate"], row["covariate"])),
            "label": group_label(reading, row["levels"]),
            "shares": [f"{row[name] * 100:.1f}" for name in ("reference", "volunteers", "weighted")],
            "before": signed(row["before"], 2),
            "after": signed(row["after"], 2),
            "is_off": abs(row["after"]) > UNBALANCED,
        }
        for row in part["balance"]
    ]
