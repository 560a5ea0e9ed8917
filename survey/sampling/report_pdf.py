"""The sampling report on paper, through Typst. All words go in as data (`typst/sampling_report.typ`)."""

from pathlib import Path
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from survey.common import pdf
from survey.common.errors import Problem
from survey.sampling.models import Draw
from survey.sampling.region_tree import Branch
from survey.sampling.report import SamplingReport, number

TEMPLATE = Path(__file__).with_name("typst") / "sampling_report.typ"


def report_pdf(report: SamplingReport, tree: list[Branch], draw: Draw) -> bytes:
    """PDF of the report with its districts and streets; the same draw gives the same bytes.

    Raises
    ------
    Problem reports.font : a name holds characters that no available font draws.
    """
    language = get_language() or "zh-hans"
    data = _data(report, tree, draw)
    refuse_undrawable(data, language)
    when = (draw.revealed_at or draw.drawn_at or draw.committed_at).replace(microsecond=0)
    return pdf.compile(TEMPLATE, data, language=language, timestamp=when)


def refuse_undrawable(data: Any, language: str) -> None:
    """Problem reports.font when a text of the data cannot be printed."""
    lost = pdf.undrawable(_texts(data), language=language)
    if lost:
        raise Problem("reports.font", characters="".join(dict.fromkeys("".join(lost.values()))))


def _texts(value: Any) -> list[str]:
    """Every string of the data except drawings."""
    if isinstance(value, dict):
        return [text for entry in value.values() for text in _texts(entry)]
    if isinstance(value, list | tuple):
        return [text for entry in value for text in _texts(entry)]
    return [value] if isinstance(value, str) and not value.startswith("<svg") else []


def _data(report: SamplingReport, tree: list[Branch], draw: Draw) -> dict[str, Any]:
    rows = []
    for district in tree:
        rows.append(["district", *_row(district)])
        rows += [["street", *_row(street)] for street in district.children]
    return {
        "lang": "en" if get_language() == "en" else "zh",
        "title": report.title,
        "subtitle": report.subtitle,
        "sponsor": draw.design.round.study.sponsor,
        "simulated": _("模拟数据，不是真实调查结果") if report.simulated else "",
        "figures": report.figures,
        "sections": [{"title": s.title, "rows": s.rows} for s in report.sections],
        "tables": [
            {"title": _("备用样本和放出"), "head": report.replicates_head, "rows": report.replicates},
            {"title": _("各层"), "head": report.strata_head, "rows": report.strata},
        ],
        "regions": {
            "title": _("各区县、街道"),
            "head": [_("区县、街道"), _("社区"), _("家庭户"), _("单位"), _("抽中单位"), _("抽中户")],
            "rows": rows,
        },
        "empty": _("还没有。"),
        "footer": {
            "number": _("抽样报告 %(round)s-%(draw)s") % {"round": draw.design.round_id, "draw": draw.number},
            "fingerprint": _("承诺指纹 %s") % draw.commitment_hash[:16],
            "page": _("第 {page} 页，共 {pages} 页"),
        },
    }


def _row(branch: Branch) -> list[str]:
    counts = (branch.n_communities, branch.n_households, branch.n_psus, branch.n_drawn, branch.n_cases)
    return [branch.name, *(number(n) for n in counts)]
