"""Sections of the sampling report that the design fixes: who, population, frame, stages, strata."""

from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from survey.sampling.models import DesignStratum, Draw

JOINING = {
    "few-psus": gettext_lazy("这个街道里除了必选的，不足两个抽样单位"),
    "budget": gettext_lazy("要抽的社区数不够每层分两个，户数最少的层先合并"),
    "dominant-psu": gettext_lazy("一个社区占了层里大半的户"),
    "allocation": gettext_lazy("分给这个街道的社区数，除去必选的不足两个"),
}
Row = tuple[str, list[str]]


def number(value: float) -> str:
    """12,480."""
    return f"{round(value):,}"


def at(moment: Any) -> str:
    """A moment in the installation's time zone, to the minute; a dash for none."""
    return date_format(timezone.localtime(moment), "Y-m-d H:i") if moment else "—"


def who_rows(draw: Draw) -> list[Row]:
    """Sponsor, who drew, whom to ask."""
    study = draw.design.round.study
    approval = "、".join(x for x in (study.approving_body, study.approval_number) if x)
    rows = [
        (_("谁出资、谁主办"), [study.sponsor]),
        (_("谁抽的"), [str(draw.drawn_by) if draw.drawn_by else _("没有记录")]),
        (_("居民打哪个电话问"), [study.contact_phone]),
    ]
    if approval:
        rows.append((_("批准"), [approval]))
    return rows


def population_rows(draw: Draw) -> list[Row]:
    """Whom the sample speaks for."""
    study = draw.design.round.study
    scope = "、".join(region.name for region in study.scope.all()) or study.region.name
    return [
        (_("想说的是谁"), [_("%(who)s。范围：%(where)s。") % {"who": study.population, "where": scope}]),
        (_("多大年龄"), [_("%(age)s 岁及以上，住在家庭户里。") % {"age": study.min_age}]),
    ]


def frame_rows(draw: Draw) -> list[Row]:
    """The list, what it leaves out and why, and how it compares with the census."""
    frame, plan = draw.design.frame, draw.design.plan
    checks = frame.checks
    rows = [
        (
            _("名录"),
            [
                _("%(name)s（第 %(number)s 版，%(at)s 导入）：%(communities)s 个社区、%(households)s 户。")
                % {
                    "name": frame.name,
                    "number": frame.number,
                    "at": at(frame.created_at),
                    "communities": number(frame.n_communities),
                    "households": number(frame.n_households),
                },
                _("名录指纹 %(hash)s。") % {"hash": frame.frame_hash},
            ],
        ),
        (
            _("排除在外"),
            [
                _("集体户 %(n)s 户（宿舍、工棚、养老机构等）：总体只算家庭户里的人。")
                % {"n": number(plan["collective_households"]["n"])},
                *(
                    _("%(code)s，%(n)s 户：%(reason)s。")
                    % {"code": e["code"], "n": number(e["n_households"]), "reason": e["reason"].rstrip("。")}
                    for e in plan["excluded"]
                ),
            ],
        ),
        (_("一户也没有的社区"), [_("%(n)s 个。") % {"n": number(len(plan["empty_communities"]))}]),
    ]
    if checks.get("absent_districts"):
        rows.append((_("名录没有的区县"), ["、".join(checks["absent_districts"]) + "。"]))
    if checks.get("same_address_elsewhere"):
        twice = _("%(n)s 个地址同时写在两个社区，可能有两次机会。")
        rows.append((_("可能重复"), [twice % {"n": number(checks["same_address_elsewhere"])}]))
    return [*rows, (_("和普查比"), _census(checks))]


def _census(checks: dict[str, Any]) -> list[str]:
    rows = [d for d in checks.get("by_district", []) if d.get("census_family_households")]
    if not rows:
        return [_("没有导入普查的户数，覆盖率没有算。")]
    return [
        _("%(name)s：名录 %(n)s 户，%(year)s 年普查 %(census)s 户，是普查的 %(ratio)s。")
        % {
            "name": d["name"],
            "n": number(d["family"]),
            "year": d["census_year"],
            "census": number(d["census_family_households"]),
            "ratio": f"{d['ratio']:.1%}",
        }
        for d in rows
    ]


def stage_rows(draw: Draw) -> list[Row]:
    """Selection stage by stage."""
    spec, plan = draw.design.spec, draw.design.plan
    first, second = spec["stages"]
    order = _("单位次序先随机打乱") if first["order"] == "random" else _("单位按区划代码排，隐含按地域分层")
    return [
        (
            _("第一步：社区"),
            [
                _(
                    "每层里按家庭户数成比例的系统抽样（PPS），%(order)s。"
                    "单位是一个社区，或同一街道里相邻的几个小社区合成一个（不足 %(least)s 户的往下合并）；"
                    "合并的单位 %(joined)s 个，共 %(n)s 个单位。"
                )
                % {
                    "order": order,
                    "least": number(plan["rules"]["psu_least"]),
                    "joined": number(len(plan["joined_psus"])),
                    "n": number(plan["n_psus_frame"]),
                }
            ],
        ),
        (
            _("第二步：住户"),
            [_("抽中的单位里简单随机抽 %(n)s 户，每户机会一样，不许换户。") % {"n": number(second["take"])}],
        ),
        (
            _("第三步：户里一人"),
            [
                _(
                    "居民自己填的，请 %(age)s 岁及以上的家人里生日最近的一位（准随机）；"
                    "访员上门的，在锁定的名单上等概率抽一人。各人的机会记在答卷里，加权时用。"
                )
                % {"age": draw.design.round.study.min_age}
            ],
        ),
        (
            _("算法"),
            [_("%(name)s，只用整数和 SHA-256，任何机器上结果一样；源程序公开。") % {"name": draw.algorithm}],
        ),
    ]


def stratum_rows(draw: Draw) -> list[Row]:
    """Strata, certainty units, and which rule joined streets."""
    strata = list(draw.design.strata.all())
    certain = [s for s in strata if s.kind == DesignStratum.Kind.CERTAINTY]
    joined = [s for s in strata if s.joining_rule]
    counted: dict[str, int] = {}
    for stratum in joined:
        for name in reasons(stratum):
            counted[name] = counted.get(name, 0) + 1
    return [
        (_("按什么分"), [_("按街道（镇）分层，共 %(n)s 层。") % {"n": number(len(strata))}]),
        (
            _("必选单位"),
            [
                _("%(n)s 个单位大到达到抽样间隔，一定抽中，自成一层，层里的抽样单位是户。")
                % {"n": number(len(certain))}
            ],
        ),
        (
            _("合并的层"),
            [
                _(
                    "%(n)s 层由相邻街道合并而成（同一区县里按代码的下一个街道），"
                    "为的是每层至少两个单位、算得出误差。"
                )
                % {"n": number(len(joined))},
                *(
                    _("%(why)s：%(n)s 层。") % {"why": JOINING.get(name, name), "n": number(count)}
                    for name, count in sorted(counted.items())
                ),
            ],
        ),
    ]


def reasons(stratum: DesignStratum) -> list[str]:
    """Keys of `JOINING` of one stratum."""
    return [name for name in stratum.joining_rule.partition(": ")[2].split(", ") if name]
