"""The report on paper, through Typst. All words and drawings go in as data (`report.typ`)."""

from pathlib import Path
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from survey.common import pdf
from survey.common.errors import Problem
from survey.reports.charts import Pen
from survey.reports.distribution import in_language, item_charts
from survey.reports.domains import ALL
from survey.reports.method import indicator_rule, method_rows
from survey.reports.models import Report
from survey.reports.notices import all_notices
from survey.reports.reading import League, Reading, Scope, group_rows, hero, indicator_rows, league
from survey.reports.story import page_story
from survey.reports.words import Figure

TEMPLATE = Path(__file__).with_name("report.typ")
# Pixels of a drawing; `report.typ` prints 0.72 pt for each, so that all letters have one size.
WIDE, MIDDLE = Pen(320.0), Pen(360.0)
INDICATOR_HEIGHT, ROW_HEIGHT, BAR_HEIGHT = 21, 24, 27


def _chip(name: str) -> str:
    """A swatch of the legend."""
    return Pen(12.0, 0.0).picture(12, f'<rect class="{name}" width="12" height="12"/>')


def report_pdf(report: Report, code: str, scope: Scope | None = None) -> bytes:
    """PDF of a report with one indicator in front; the same report and scope give the same bytes.

    scope : whose answers in detail are printed; None for the whole and its districts

    Raises
    ------
    Problem reports.font : a name holds characters that no available font draws.
    """
    language = get_language() or "zh-hans"
    data = _data(report, code, scope)
    lost = pdf.undrawable(_texts(data), language=language)
    if lost:
        raise Problem("reports.font", characters="".join(dict.fromkeys("".join(lost.values()))))
    at = (report.published_at or report.created_at).replace(microsecond=0)
    return pdf.compile(TEMPLATE, data, language=language, timestamp=at)


def _texts(value: Any) -> list[str]:
    """Every string of the data except drawings."""
    if isinstance(value, dict):
        return [text for entry in value.values() for text in _texts(entry)]
    if isinstance(value, list | tuple):
        return [text for entry in value for text in _texts(entry)]
    return [value] if isinstance(value, str) and not value.startswith("<svg") else []


def _data(report: Report, code: str, scope: Scope | None) -> dict[str, Any]:
    reading = Reading(report.document)
    top = hero(reading, code, ALL, MIDDLE)
    leagues = []
    if len(reading.of_kind("district")) > 1:
        leagues.append(league(reading, code, "district", pen=WIDE, row_height=ROW_HEIGHT))
    leagues.append(league(reading, code, "street", pen=WIDE, row_height=ROW_HEIGHT))
    leagues.append(group_rows(reading, code, WIDE, ROW_HEIGHT))
    return {
        "lang": "en" if get_language() == "en" else "zh",
        "title": report.title,
        "subtitle": f"{reading.whole} · {reading.indicators[code]['name']}",
        "study": report.document["study"]["title"],
        "sponsor": report.document["study"]["sponsor"],
        "round": report.document["round"]["name"],
        "cover": _cover(report),
        "simulated": report.document["simulated"],
        "collecting": report.document["round"].get("collecting", False),
        "hero": _hero(reading, top),
        "story": [sentence.text for sentence in page_story(reading, code, ALL)],
        "notices": all_notices(report.document),
        "indicators": [
            {
                "name": row["indicator"]["name"],
                "chart": row["chart"],
                "value": _value(row["figure"], with_unit=True),
                "n": row["figure"].n_text if row["figure"].shown else "—",
            }
            for row in indicator_rows(reading, ALL, pen=WIDE, height=INDICATOR_HEIGHT)
        ],
        "leagues": [_league(entry, reading.indicators[code]) for entry in leagues],
        "items": _items(reading, code, scope),
        "tables": [_table(reading, c) for c in reading.indicators],
        "method": [*method_rows(reading), (reading.indicators[code]["name"], indicator_rule(reading, code))],
        "wording": _wording(report.document),
        "words": _words(),
        "footer": {
            "number": _("报告编号 %s") % report.number,
            "fingerprint": _("数据指纹 %s") % report.document_hash[:16],
            "page": _("第 {page} 页，共 {pages} 页"),
        },
    }


def _cover(report: Report) -> list[str]:
    """Who asked, and which edition this is."""
    rows = [report.document["study"]["sponsor"]]
    if report.published_at:
        rows.append(_("发布于 %(at)s") % {"at": f"{localtime(report.published_at):%Y-%m-%d}"})
    return [*rows, _("报告编号 %s") % report.number, _("数据指纹 %s") % report.document_hash[:16]]


def _words() -> dict[str, Any]:
    return {
        "contents": _("目录"),
        "simulated": _("模拟数据，不是真实调查结果"),
        "collecting": _("阶段结果：算的时候还在收卷，以后会变"),
        "story": _("一段话说完"),
        "notices": _("看数以前，要知道这些"),
        "indicators": _("各项指标"),
        "indicator_head": [_("指标"), _("95% 区间（0–100）"), _("估计值"), _("答卷")],
        "tables": _("数字表"),
        "tables_note": _("每个数都给出 95% 区间、答卷数、有效样本量、设计效应、自由度和方差算法。"),
        "method": _("这些数是怎么来的"),
        "whole_rows": 34,
        "wording": _("问卷原话"),
    }


def _value(figure: Figure, *, with_unit: bool = False) -> str:
    if not figure.shown:
        return figure.short
    unit = f" {figure.unit}" if with_unit else ""
    return f"{figure.value_text} ± {figure.half_text}{unit}"


def _hero(reading: Reading, top: dict[str, Any]) -> dict[str, Any]:
    figure = top["figure"]
    if not figure.shown:
        return {"value": "—", "half": "", "chart": "", "axis": "", "words": [figure.reason], "facts": []}
    facts = [[_("答卷"), figure.n_text], [_("有效样本量"), figure.effective_text]]
    rate = reading.document["response"]["rates"]["RR3"]
    if rate is not None:
        facts.append([_("回答率 RR3"), f"{rate * 100:.1f}%"])
    return {
        "value": figure.value_text,
        "half": f"± {figure.half_text} {figure.unit}",
        "chart": top["chart"],
        "axis": top["axis_note"],
        "words": [words for words in (top["sentence"], top["truth"]) if words],
        "facts": facts,
    }


def _league(entry: League, indicator: dict[str, Any]) -> dict[str, Any]:
    within = entry.kind == "street"
    head = [_("街道（镇）") if within else _("区县") if entry.kind == "district" else _("人群")]
    head += [_("区县")] if within else []
    plot = len(head)
    head += ["", _("比例（%）") if indicator["kind"] == "share" else _("得分"), _("答卷")]
    head += [_("模拟真值")] if entry.has_truth else []
    rows = []
    for row in entry.rows:
        cells = [row.label, *([row.within] if within else []), row.chart]
        cells += [_value(row.figure) + ("*" if row.figure.pooled else ""), row.figure.n_text]
        cells += [row.figure.truth_text] if entry.has_truth else []
        rows.append({"cells": cells, "emphasis": row.emphasis})
    legend = _("；").join(words for _name, words in entry.legend)
    if entry.has_truth:
        legend += _("；空心圆：模拟真值")
    if entry.n_pooled:
        legend += _("；*：抽到的社区少于 6 个，方差由各街道合并估计")
    hidden = _("；").join(
        f"{short}：" + _("、").join(row.label for row in rows) for short, rows in entry.hidden_by_reason
    )
    return {
        "title": entry.title,
        "note": entry.note,
        "head": head,
        "plot": plot,
        "axis": entry.axis_chart,
        "rows": rows,
        "hidden": _("不公布的。%s") % hidden if hidden else "",
        "legend": legend,
        "truth": entry.has_truth,
    }


def _items(reading: Reading, code: str, scope: Scope | None) -> list[dict[str, Any]]:
    found = []
    place, allowed = (scope.place, scope.allowed) if scope else (ALL, None)
    for item in item_charts(reading, code, place, WIDE, BAR_HEIGHT, allowed):
        note = _("加权百分比；“不了解”不算在左边的 100% 里，另列。")
        found.append(
            {
                "title": _("大家怎么答：%s") % item.text,
                "note": note + (_("算数的答案：%s。") % item.top_answers if item.top_answers else ""),
                "legend": [[_chip(name), answer] for name, answer in item.legend],
                "head": ["", "", _("不了解"), _("答卷")],
                "bars": [
                    {
                        "label": bar.label,
                        "heading": bar.heading,
                        "reason": bar.reason,
                        "chart": bar.chart,
                        "unsure": bar.unsure_text,
                        "n": bar.n_text,
                    }
                    for bar in item.bars
                ],
            }
        )
    return found


def _table(reading: Reading, code: str) -> dict[str, Any]:
    """All published figures of one indicator."""
    head = [
        _("范围"),
        _("估计值"),
        _("95% 区间"),
        _("答卷"),
        _("有效样本量"),
        _("设计效应"),
        _("自由度"),
        _("方差"),
    ]
    rows = []
    for key, domain in reading.domains.items():
        figure = reading.figure(code, key)
        if not figure.shown:
            rows.append([domain["label"], figure.short, *[""] * (len(head) - 2)])
            continue
        rows.append(
            [
                domain["label"],
                figure.value_text,
                figure.interval_text,
                figure.n_text,
                figure.effective_text,
                "—" if figure.deff is None else f"{figure.deff:.2f}",
                f"{figure.df:.0f}",
                _("合并") if figure.pooled else _("泰勒"),
            ]
        )
    unit = "%" if reading.indicators[code]["kind"] == "share" else _("分")
    return {"title": f"{reading.indicators[code]['name']}（{unit}）", "head": head, "rows": rows}


def _wording(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (name, in_language(item["label"]), " / ".join(in_language(c["label"]) for c in item["choices"]))
        for name, item in document["items"].items()
    ]
