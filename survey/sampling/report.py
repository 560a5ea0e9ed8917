"""The sampling report: how the sample was drawn, in words, item by item, each figure with its base.

The items are those of AAPOR's Transparency Initiative (disclosure elements, 2021 revision; AAPOR Code of
Professional Ethics and Practices, section III) that concern the sample: sponsor and conductor, population,
frame and its coverage, selection stage by stage, sample size and precision, dates, weighting of selection,
limitations. How people were asked and what was weighted afterwards belongs to the survey's own report.
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from survey.sampling.models import Case, Draw
from survey.sampling.probability_summary import ProbabilitySummary, summarise
from survey.sampling.report_design import (
    JOINING,
    Row,
    at,
    frame_rows,
    number,
    population_rows,
    reasons,
    stage_rows,
    stratum_rows,
    who_rows,
)
from survey.sampling.report_outcome import (
    chance_rows,
    date_rows,
    limit_rows,
    precision_rows,
    proof_rows,
    size_rows,
)


@dataclass(frozen=True)
class Section:
    """One item of the report: a title and its rows of term and paragraphs."""

    title: str
    rows: list[Row]


@dataclass(frozen=True)
class SamplingReport:
    """All of it. `figures`: value, what it is, its base. `strata` and `replicates` are tables of text."""

    title: str
    subtitle: str
    simulated: bool
    figures: list[tuple[str, str, str]]
    sections: list[Section]
    strata_head: list[str]
    strata: list[list[str]]
    replicates_head: list[str]
    replicates: list[list[str]]


def build_report(draw: Draw) -> SamplingReport:
    """The report of one draw, from what was stored when it was designed, committed and drawn.

    A draw that is only committed says so: its sizes are the plan's. No drawn community is named.
    """
    design = draw.design
    round_, plan = design.round, design.plan
    released = Case.objects.filter(draw=draw, replicate__released_at__isnull=False)
    chances = summarise(released)
    sections = [
        Section(_("谁做的"), who_rows(draw)),
        Section(_("总体"), population_rows(draw)),
        Section(_("名录和覆盖"), frame_rows(draw)),
        Section(_("怎么抽"), stage_rows(draw)),
        Section(_("分层"), stratum_rows(draw)),
        Section(_("样本量和分配"), size_rows(draw, chances)),
        Section(_("抽中的机会"), chance_rows(plan, chances)),
        Section(_("误差"), precision_rows(draw, chances)),
        Section(_("承诺、公开随机数和证书"), proof_rows(draw)),
        Section(_("日期"), date_rows(draw)),
        Section(_("局限"), limit_rows(draw)),
    ]
    return SamplingReport(
        title=_("抽样报告"),
        subtitle=f"{round_.study.title} · {round_.name} · " + _("第 %(n)s 次抽样") % {"n": draw.number},
        simulated=round_.is_simulated or design.frame.is_simulated,
        figures=_figures(draw, chances),
        sections=sections,
        strata_head=[
            _("层"),
            _("层的种类"),
            _("单位"),
            _("抽单位"),
            _("家庭户"),
            _("每单位抽户"),
            _("合并的规则"),
        ],
        strata=_strata_table(draw),
        replicates_head=[_("备用"), _("户"), _("放出时间"), _("理由")],
        replicates=_replicates(draw),
    )


def _figures(draw: Draw, chances: ProbabilitySummary | None) -> list[tuple[str, str, str]]:
    plan = draw.design.plan
    cases = chances.n if chances else plan["n_cases"]
    return [
        (number(plan["n_households"]), _("家庭户"), _("总体，名录里调查范围内的全部")),
        (
            number(plan["n_psus"]),
            _("抽中的社区（单位）") if chances else _("要抽的社区（单位）"),
            _("共 %(n)s 个单位") % {"n": number(plan["n_psus_frame"])},
        ),
        (
            number(cases),
            _("抽中的户（已放出）") if chances else _("要抽的户"),
            _("从名录的 %(n)s 户里抽，另有备用 %(reserve)s 户")
            % {
                "n": number(plan["n_households"]),
                "reserve": number(plan["n_cases_with_reserves"] - plan["n_cases"]),
            },
        ),
        (
            number(len(plan["strata"])),
            _("层"),
            _("其中必选单位自成一层的 %(n)s 个")
            % {"n": number(sum(s["kind"] == "certainty" for s in plan["strata"]))},
        ),
    ]


def _strata_table(draw: Draw) -> list[list[str]]:
    take = draw.design.spec["stages"][1]["take"]
    return [
        [
            stratum.name,
            str(stratum.get_kind_display()),
            number(stratum.n_psus_frame),
            number(stratum.n_psus_take),
            number(stratum.n_households_frame),
            number(take),
            "；".join(str(JOINING.get(name, name)) for name in reasons(stratum)) or "—",
        ]
        for stratum in draw.design.strata.order_by("kind", "code")
    ]


def _replicates(draw: Draw) -> list[list[str]]:
    return [
        [
            _("主样本") if r.number == 0 else _("第 %(n)s 份") % {"n": r.number},
            number(r.n_cases),
            at(r.released_at) if r.released_at else _("没有放出"),
            r.release_reason or "—",
        ]
        for r in draw.replicates.order_by("number")
    ]
