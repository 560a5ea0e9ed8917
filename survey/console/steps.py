"""The seven steps of a round, from frame to report: which is done, which is on, and what comes next."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from survey.contacts.models import LetterBatch
from survey.reports.models import Report, Run
from survey.responses.models import Response
from survey.sampling.models import Case, Design, Draw, FrameVersion
from survey.studies.models import Round

DONE, NOW, TODO = "done", "now", "todo"


@dataclass
class Step:
    """One step as the column and the track show it."""

    key: str
    number: int
    name: str
    state: str
    words: str  # two words
    url: str
    lines: list[str] = field(default_factory=list)  # for the track on the overview


@dataclass(frozen=True)
class Standing:
    """What a round has so far: read once, used by steps, next step and overview."""

    round: Round
    design: Design | None
    frame: FrameVersion | None
    draw: Draw | None
    pending: Draw | None  # a commitment that waits for its beacon
    n_cases: int
    n_batches: int
    n_responses: int
    run: Run | None
    report: Report | None


def frames_for(round_: Round) -> Any:
    """Ready frames that can serve the round: of its study's region, of a part of it, or around it."""
    path = round_.study.region.path
    around = [path[:n] for n in range(2, len(path) + 1)]
    return FrameVersion.objects.filter(
        Q(region__path__startswith=path) | Q(region__path__in=around), state=FrameVersion.State.READY
    )


def standing(round_: Round) -> Standing:
    """Read what the round has so far."""
    design = round_.designs.select_related("frame").order_by("-locked_at", "-created_at").first()
    drawn = Draw.objects.filter(design__round=round_, state=Draw.State.DRAWN)
    draw = drawn.select_related("design__frame").order_by("-drawn_at").first()
    if draw is not None:
        design = draw.design
    return Standing(
        round=round_,
        design=design,
        frame=design.frame if design else frames_for(round_).first(),
        draw=draw,
        pending=Draw.objects.filter(design__round=round_, state=Draw.State.COMMITTED)
        .order_by("-number")
        .first(),
        n_cases=Case.objects.filter(draw=draw).released().count() if draw else 0,
        n_batches=LetterBatch.objects.filter(round=round_).filter(n_letters__gt=0).count(),
        n_responses=Response.objects.filter(round=round_, sample_kind=Response.SampleKind.PROBABILITY)
        .counted()
        .count(),
        run=Run.objects.filter(round=round_).first(),
        report=Report.objects.filter(round=round_).exclude(state=Report.State.WITHDRAWN).first(),
    )


def round_steps(round_: Round, now: Standing | None = None) -> list[Step]:
    """The steps of a round in order."""
    has = now or standing(round_)
    makers = (
        ("frame", _("总体"), _frame),
        ("questionnaire", _("问卷"), _questionnaire),
        ("sampling", _("抽样"), _sampling),
        ("letters", _("寄信"), _letters),
        ("fieldwork", _("入户"), _fieldwork),
        ("weighting", _("加权"), _weighting),
        ("reports", _("报告"), _reports),
    )
    steps = []
    for number, (key, name, make) in enumerate(makers, start=1):
        state, words, lines = make(has)
        steps.append(
            Step(key, number, name, state, words, reverse(f"console:{key}", args=[round_.pk]), lines)
        )
    return steps


Drawn = tuple[str, str, list[str]]


def _frame(has: Standing) -> Drawn:
    if has.frame is None:
        return NOW, "", [_("还没有住户名录")]
    size = _("%(communities)s 个社区") % {"communities": f"{has.frame.n_communities:,}"}
    lines = [_("%(n)s 户") % {"n": f"{has.frame.n_households:,}"}, size]
    return DONE, _("已锁定") if has.design else _("已导入"), lines


def is_set_up(round_: Round) -> bool:
    """Whether questionnaire, consent text and indicators are pinned."""
    return bool(
        round_.questionnaire_version_id and round_.consent_text_id and round_.indicator_versions.exists()
    )


def _questionnaire(has: Standing) -> Drawn:
    version = has.round.questionnaire_version
    if version is None:
        return NOW, "", [_("还没有选定问卷")]
    words = _("第 %(n)s 版") % {"n": version.number}
    lines = [version.questionnaire.title, words]
    return (DONE, words, lines) if is_set_up(has.round) else (NOW, _("差说明书"), lines)


def _sampling(has: Standing) -> Drawn:
    if has.draw is not None:
        return DONE, _("已抽取"), [_("抽中 %(n)s 户") % {"n": f"{has.n_cases:,}"}, _("每户机会已存档")]
    if has.pending is not None:
        return NOW, _("等开奖"), [_("已承诺"), has.pending.beacon_name]
    if has.design is not None:
        return NOW, _("待承诺"), [_("设计已定"), _("等着承诺")]
    return (NOW if has.frame else TODO), "", [_("等总体") if has.frame is None else _("还没有设计")]


def _letters(has: Standing) -> Drawn:
    if has.n_batches:
        words = _("第 %(n)s 批") % {"n": has.n_batches}
        return (
            (DONE if has.round.state == Round.State.CLOSED else NOW),
            words,
            [_("已备 %(n)s 批") % {"n": has.n_batches}],
        )
    return (NOW if has.draw else TODO), "", [_("还没有印信") if has.draw else _("等抽样")]


def _fieldwork(has: Standing) -> Drawn:
    count = _("%(n)s 份") % {"n": f"{has.n_responses:,}"}
    if has.round.state == Round.State.CLOSED:
        return DONE, count, [_("收回 %(n)s 份") % {"n": f"{has.n_responses:,}"}, _("已收完")]
    if has.round.state == Round.State.OPEN:
        lines = [f"{has.n_responses:,} / {has.n_cases:,}"]
        if has.n_cases:
            lines.append(_("已完成 %(share)s") % {"share": f"{has.n_responses / has.n_cases:.0%}"})
        return NOW, count, lines
    return TODO, "", [_("还没有开始收卷")]


def _weighting(has: Standing) -> Drawn:
    if has.run is None:
        ready = has.round.state == Round.State.CLOSED
        return (NOW if ready else TODO), "", [_("可以计算") if ready else _("等收卷结束")]
    if has.run.state == Run.State.DONE:
        return DONE, _("已算好"), [_("权数和误差已算好")]
    return NOW, has.run.get_state_display(), [str(has.run.get_state_display())]


def _reports(has: Standing) -> Drawn:
    if has.report is not None and has.report.state == Report.State.PUBLISHED:
        return DONE, _("已发布"), [_("报告 %(number)s") % {"number": has.report.number}]
    ready = has.run is not None and has.run.state == Run.State.DONE
    return (NOW if ready else TODO), "", [_("可以发布") if ready else _("等加权")]
