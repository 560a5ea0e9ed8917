"""One page for each street, all at once: its figure, what may be said of it, its indicators."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from survey.common import pdf
from survey.common.errors import Problem
from survey.reports.charts import Pen
from survey.reports.models import Report
from survey.reports.notices import all_notices
from survey.reports.reading import Reading, hero, indicator_rows
from survey.reports.story import place_story

TEMPLATE = Path(__file__).with_name("brief.typ")
WIDE, MIDDLE = Pen(320.0), Pen(360.0)
ROW_HEIGHT = 19
MOST_ROWS, MOST_NOTES = 22, 3  # what one page holds


def briefs_pdf(report: Report, code: str, keys: Sequence[str]) -> bytes:
    """A page for each of these domains, in the report's order, with one indicator in front.

    Raises
    ------
    Problem common.not_found : none of them is in the report.
    Problem reports.font : a name holds characters that no available font draws.
    """
    reading = Reading(report.document)
    wanted = [key for key in reading.domains if key in set(keys)]
    if not wanted:
        raise Problem("common.not_found")
    language = get_language() or "zh-hans"
    data = _data(report, reading, code) | {"places": [_place(reading, code, key) for key in wanted]}
    names = [place["label"] + place["within"] for place in data["places"]] + [data["study"], data["round"]]
    lost = pdf.undrawable(names, language=language)
    if lost:
        raise Problem("reports.font", characters="".join(dict.fromkeys("".join(lost.values()))))
    at = (report.published_at or report.created_at).replace(microsecond=0)
    return pdf.compile(TEMPLATE, data, language=language, timestamp=at)


def _data(report: Report, reading: Reading, code: str) -> dict[str, Any]:
    document = report.document
    notes = [
        _(
            "横线是 95% 区间。分不出高低的，不写名次；"
            "差别都经过检验，一份报告里的说法合起来，错的机会不超过 5%。"
        ),
        *all_notices(document)[:MOST_NOTES],
    ]
    return {
        "lang": "en" if get_language() == "en" else "zh",
        "title": report.title,
        "study": document["study"]["title"],
        "sponsor": document["study"]["sponsor"],
        "round": document["round"]["name"],
        "simulated": document["simulated"],
        "collecting": document["round"].get("collecting", False),
        "indicator": reading.indicators[code]["name"],
        "notes": notes,
        "words": {
            "simulated": _("模拟数据，不是真实调查结果"),
            "collecting": _("阶段结果：算的时候还在收卷，以后会变"),
            "indicators_note": _("各项指标（横轴 0–100）"),
            "head": [_("指标"), _("95% 区间"), _("估计值"), _("答卷")],
            "left_out": _("另有 {n} 项见报告。"),
        },
        "footer": {
            "number": _("报告编号 %s") % report.number,
            "fingerprint": _("数据指纹 %s") % report.document_hash[:16],
        },
    }


def _place(reading: Reading, code: str, key: str) -> dict[str, Any]:
    domain = reading.domains[key]
    parent = reading.domains.get(domain["parent"] or "")
    top = hero(reading, code, key, MIDDLE)
    figure = top["figure"]
    rows = indicator_rows(reading, key, pen=WIDE, height=ROW_HEIGHT)
    return {
        "label": domain["label"],
        "within": parent["label"] if parent and parent["kind"] == "district" else "",
        "value": figure.value_text if figure.shown else "—",
        "half": f"± {figure.half_text} {figure.unit}" if figure.shown else "",
        "chart": top["chart"],
        "axis": top["axis_note"],
        "story": [sentence.text for sentence in place_story(reading, code, key)],
        "rows": [
            {
                "name": row["indicator"]["name"],
                "chart": row["chart"],
                "value": _value(row["figure"]),
                "n": row["figure"].n_text if row["figure"].shown else "—",
            }
            for row in rows[:MOST_ROWS]
        ],
        "left_out": max(len(rows) - MOST_ROWS, 0),
    }


def _value(figure: Any) -> str:
    return f"{figure.value_text} ± {figure.half_text} {figure.unit}" if figure.shown else figure.short
