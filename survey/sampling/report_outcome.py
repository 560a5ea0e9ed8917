"""Sections of the sampling report that the draw fills in: sizes, chances, error, proof, dates, limits."""

import math
from typing import Any

from django.utils.translation import gettext as _

from survey.sampling.models import Draw
from survey.sampling.probability_summary import ProbabilitySummary
from survey.sampling.report_design import Row, at, number
from survey.stats.planning import SHARE, Terms, margin_with


def size_rows(draw: Draw, chances: ProbabilitySummary | None) -> list[Row]:
    """Planned and released sizes, and how they were allocated."""
    spec, plan = draw.design.spec, draw.design.plan
    how = (
        _("各街道的社区数由调查组定（见下表）。")
        if "allocation" in spec
        else _("社区数按各层家庭户数成比例分配，每层至少 %(n)s 个。") % {"n": spec["min_psus_per_stratum"]}
    )
    rows = [
        (
            _("计划"),
            [
                _("%(psus)s 个单位 × 每个 %(take)s 户 = %(n)s 户。")
                % {
                    "psus": number(plan["n_psus"]),
                    "take": number(spec["stages"][1]["take"]),
                    "n": number(plan["n_cases"]),
                }
            ],
        ),
        (_("分配"), [how]),
        (
            _("备用"),
            [
                _("%(n)s 份，每份在每个单位里 %(take)s 户；只能整份、按次序、写明理由放出，不能一户换一户。")
                % {"n": number(spec["reserve_replicates"]), "take": number(spec["reserve_take"])}
                if spec["reserve_replicates"]
                else _("没有备用样本。")
            ],
        ),
    ]
    if chances:
        rows.append((_("放出"), [_("已放出 %(n)s 户。") % {"n": number(chances.n)}]))
    return rows


def chance_rows(plan: dict[str, Any], chances: ProbabilitySummary | None) -> list[Row]:
    """Inclusion probabilities and weights of the released cases."""
    if chances is None:
        return [(_("还没有抽"), [_("抽完以后，这里写每一步机会的最小、中位和最大。")])]

    def line(low: float, middle: float, high: float) -> str:
        return _("最小 %(low)s，中位 %(middle)s，最大 %(high)s") % {
            "low": f"{low:.3%}",
            "middle": f"{middle:.3%}",
            "high": f"{high:.3%}",
        }

    base = _("（%(n)s 户）。") % {"n": number(chances.n)}
    return [
        (_("社区一级"), [line(*chances.stage1) + base]),
        (_("户一级"), [line(*chances.stage2) + base]),
        (_("两步合起来"), [line(*chances.overall) + base]),
        (
            _("权数"),
            [
                _(
                    "每户代表 %(low)s 到 %(high)s 户（中位 %(middle)s）；"
                    "权数加起来 %(sum)s 户，名录里 %(all)s 户。"
                )
                % {
                    "low": f"{1 / chances.overall[2]:,.1f}",
                    "middle": f"{1 / chances.overall[1]:,.1f}",
                    "high": f"{1 / chances.overall[0]:,.1f}",
                    "sum": number(chances.weights_sum),
                    "all": number(plan["n_households"]),
                }
            ],
        ),
    ]


# Assumed, since no round has measured it yet: how alike the answers of one community are.
ASSUMED_RHO = (0.02, 0.05, 0.10)
ASSUMED_RESPONSE = 0.5


def _expected(draw: Draw, chances: ProbabilitySummary | None) -> list[str]:
    """The design effect and the margin of a share of 50 % to expect, for several homogeneities."""
    plan, take = draw.design.plan, draw.design.spec["stages"][1]["take"]
    n = chances.n if chances else plan["n_cases"]
    weights = (chances.deff_weights if chances else None) or 1.0
    lines = []
    for rho in ASSUMED_RHO:
        terms = Terms(
            kind=SHARE,
            sd=50.0,
            rho=rho,
            response_rate=ASSUMED_RESPONSE,
            cost_community=1.0,
            cost_household=1.0,
        )
        words = _(
            "ρ＝%(rho)s：设计效应 %(deff)s，比例 50%% 的误差 ±%(margin)s 个百分点（95%%，约 %(n)s 份答卷）。"
        )
        margin = margin_with(terms, n, plan["n_households"], take) * math.sqrt(weights)
        deff = f"{terms.deff(take) * weights:.2f}"
        answers = number(n * ASSUMED_RESPONSE)
        lines.append(words % {"rho": rho, "deff": deff, "margin": f"{margin:.1f}", "n": answers})
    assumed = _("假定一半的户会答；ρ 是同一社区的人有多像，实际要等收回答卷才知道（Kish 1965，式 5.4.1）。")
    return [assumed, *lines]


def precision_rows(draw: Draw, chances: ProbabilitySummary | None) -> list[Row]:
    """Design effects and how errors are computed."""
    variance = draw.design.plan["variance"]
    rows = [
        (
            _("误差怎么算"),
            [
                _("按层和单位做泰勒线性化，第一步当作有放回（近似，偏保守）。依据：%(source)s。")
                % {"source": variance["source"]}
            ],
        )
    ]
    rows.insert(0, (_("全范围预计的误差"), _expected(draw, chances)))
    if chances and chances.deff_weights is not None:
        rows.insert(
            0,
            (
                _("权数不等带来的设计效应"),
                [
                    _("%(deff)s（Kish 1992：1 + 权数变异系数的平方；%(n)s 户）。")
                    % {"deff": f"{chances.deff_weights:.2f}", "n": number(chances.n)}
                ],
            ),
        )
    return rows


def proof_rows(draw: Draw) -> list[Row]:
    """What was fixed before the draw, and what became of it."""
    rows = [
        (
            _("承诺指纹"),
            [_("%(hash)s，%(at)s 公布。") % {"hash": draw.commitment_hash, "at": at(draw.committed_at)}],
        ),
    ]
    parties = [f"{p.number}. {p.name}" for p in draw.parties.all()]
    if parties:
        rows.append(
            (_("各方的秘密"), [_("%(who)s：抽样前各自交了秘密的指纹。") % {"who": "、".join(parties)}])
        )
    stamps = [
        _("%(who)s，%(at)s（%(kind)s）")
        % {"who": t.authority, "at": at(t.stamped_at), "kind": t.get_kind_display()}
        for t in draw.timestamps.all()
    ]
    rows.append((_("第三方时间戳"), stamps or [_("没有。承诺的时间只有调查组自己的记录。")]))
    if draw.beacon_kind:
        value = draw.beacon or _("还没有开出")
        rows.append(
            (
                _("公开随机数"),
                [
                    _("%(name)s（%(kind)s，%(at)s 以后才知道）：%(value)s。")
                    % {
                        "name": draw.beacon_name,
                        "kind": draw.get_beacon_kind_display(),
                        "at": at(draw.beacon_at),
                        "value": value,
                    }
                ],
            )
        )
    seed = draw.seed if draw.revealed_at else _("收卷结束、公开秘密之后才写在这里。")
    rows.append((_("种子"), [seed]))
    rows.append((_("结果指纹"), [draw.result_hash or _("还没有抽。")]))
    if draw.reason:
        rows.append((_("再抽的理由"), [draw.reason]))
    if draw.state == Draw.State.VOID:
        rows.append((_("作废"), [draw.void_reason or _("没有写理由。")]))
    return rows


def date_rows(draw: Draw) -> list[Row]:
    """When each thing was done."""
    round_ = draw.design.round
    return [
        (_("设计定下"), [at(draw.design.created_at)]),
        (_("公布承诺"), [at(draw.committed_at)]),
        (_("抽取"), [at(draw.drawn_at)]),
        (_("收卷"), [_("%(a)s 到 %(b)s") % {"a": at(round_.opened_at), "b": at(round_.closed_at)}]),
        (_("公开秘密和名单指纹"), [at(draw.revealed_at)]),
    ]


def limit_rows(draw: Draw) -> list[Row]:
    """What the sample cannot show."""
    rows = [
        (
            _("名录漏掉的人"),
            [_("没登记在名录里的住户（新搬来的、群租的、没有门牌的）没有机会。覆盖率见上面和普查的比较。")],
        ),
        (_("不在总体里的人"), [_("住集体户的人不在内，结论不能说到他们。")]),
        (_("生日法"), [_("“生日最近”靠居民自己照做，是准随机，不是严格的随机。")]),
    ]
    if draw.beacon_kind == Draw.BeaconKind.DEMO:
        rows.append((_("演示"), [_("这次用的不是公开随机源，只供演示，不能当证据。")]))
    if not draw.beacon_kind:
        rows.append((_("旧版抽法"), [_("这次抽样没有事先公布承诺，也没有公开随机数，外人不能重算。")]))
    return rows
