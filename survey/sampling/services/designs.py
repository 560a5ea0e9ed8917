"""Makes a design: the population's PSUs and strata, and the plan that the draw will follow to the letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.canonical import sha256_of
from survey.common.errors import Problem
from survey.regions.codes import path_at
from survey.regions.models import Region
from survey.sampling.coverage import COLLECTIVE_REASON
from survey.sampling.frame_counts import community_counts
from survey.sampling.models import PSU, Design, DesignStratum, FrameVersion
from survey.sampling.planning import (
    JOIN_PSUS,
    JOIN_STREETS,
    Community,
    Impossible,
    PlannedPSU,
    PlannedStratum,
    StrataPlanner,
    build_psus,
    largest_least,
    nearest_possible,
)
from survey.sampling.rights import check_right
from survey.sampling.spec import complete_spec, takes_of
from survey.stats.selection import Takes
from survey.studies.models import Round

PLAN_FORMAT = "minyi-plan-1"
# Systematic PPS has no unbiased estimator of variance. Taken as drawn with replacement within strata at stage
# 1, the usual estimator is right for that and on the safe side for most without-replacement designs: Wolter
# (2007), Introduction to Variance Estimation, 2nd ed., chapter 8; Särndal, Swensson & Wretman (1992), section
# 4.6. In a certainty stratum households are PSUs drawn by simple random sampling, where it is exact but for
# the finite population correction.
VARIANCE = {
    "method": "with_replacement_at_stage_1",
    "is_approximate": True,
    "source": "Wolter (2007), Introduction to Variance Estimation, 2nd ed., ch. 8; "
    "Särndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, sec. 4.6",
}


@dataclass(frozen=True)
class _Population:
    """The part of a frame that a round can draw from."""

    communities: list[Community]
    excluded: list[dict[str, Any]]
    n_collective: int
    is_whole_frame: bool


@dataclass(frozen=True)
class PlannedDesign:
    """A design before it is stored: its completed specification, PSUs, strata, and the plan's document."""

    spec: dict[str, Any]
    psus: list[PlannedPSU]
    strata: list[PlannedStratum]
    plan: dict[str, Any]


def create_design(*, round: Round, frame: FrameVersion, spec: dict[str, Any], acting_user: Actor) -> Design:
    """Check a specification against the frame and store the design with its strata and plan.

    The population is the frame's family households in the study's scope, less what the specification
    excludes with a reason. Nothing is drawn; the design can be replaced until it is.

    Raises
    ------
    Problem common.invalid : the specification cannot be read, or the round's questionnaire has quotas.
    Problem sampling.impossible : it cannot be met on this frame; says what could be.
    Problem common.forbidden : no right.
    Problem common.locked, common.busy : the round is closed; the frame is still being imported.
    """
    check_right(acting_user, "sampling.manage", round.study.region)
    if round.state == Round.State.CLOSED:
        raise Problem("common.locked", what=_("这一轮"))
    with transaction.atomic():
        _refuse_quotas(Round.objects.select_for_update().get(pk=round.pk))
        ready = preview_design(round=round, frame=frame, spec=spec)
        spec, planned, strata, plan = ready.spec, ready.psus, ready.strata, ready.plan
        psus = _store_psus(frame, planned, plan["rules"]["psu_set"])
        design = Design.objects.create(
            round=round,
            frame=frame,
            spec=spec,
            spec_hash=sha256_of(spec),
            plan=plan,
            created_by_id=acting_user.pk or None,
        )
        _store_strata(design, strata, psus)
        record(
            action="sampling.design.created",
            acting_user=acting_user,
            target=design,
            region_code=round.study.region.code,
            detail={"frame": frame.number, "spec_hash": design.spec_hash, "psus": plan["n_psus"]},
        )
    return design


def _refuse_quotas(round_: Round) -> None:
    """Quotas stop asking a group that is full; every household that was drawn is to be asked."""
    version = round_.questionnaire_version
    if version and version.document.get("quotas"):
        raise Problem(
            "common.invalid", reason=_("这一轮的问卷设了配额。抽样调查不能用配额，请先换一份没有配额的问卷。")
        )


def preview_design(*, round: Round, frame: FrameVersion, spec: dict[str, Any]) -> PlannedDesign:
    """What `create_design` would store, without storing it. Raises as `create_design` does."""
    spec = complete_spec(spec)
    if frame.state != FrameVersion.State.READY:
        raise Problem("common.busy", what=_("名录"))
    takes = takes_of(spec)
    population = _population(round, frame, spec)
    psus, strata = _plan(population, spec, takes)
    return PlannedDesign(spec, psus, strata, _plan_document(population, psus, strata, takes))


def _population(round_: Round, frame: FrameVersion, spec: dict[str, Any]) -> _Population:
    scope = [region.path for region in round_.study.scope.all()] or [round_.study.region.path]
    out = {item["code"]: item for item in spec["exclude"]}
    left_out = dict(Region.objects.filter(code__in=out).values_list("code", "path"))
    if missing := sorted(out.keys() - left_out.keys()):
        raise Problem("common.invalid", reason=_("要排除的区划代码 {code} 不存在").format(code=missing[0]))
    communities, excluded, n_collective = [], dict.fromkeys(out, 0), 0
    n_all = 0
    for row in community_counts(frame):
        n_all += 1
        path = row.path
        if not any(path.startswith(part) for part in scope):
            continue
        item = next((code for code, part in left_out.items() if path.startswith(part)), None)
        if item is not None:
            excluded[item] += row.family
            continue
        n_collective += row.collective
        street = path_at(path, "street").ljust(12, "0")
        communities.append(Community(row.code, row.name, street, row.family))
    listed = [{**out[code], "n_households": n} for code, n in sorted(excluded.items())]
    return _Population(communities, listed, n_collective, len(communities) == n_all)


def _plan(
    population: _Population, spec: dict[str, Any], takes: Takes
) -> tuple[list[PlannedPSU], list[PlannedStratum]]:
    if not any(community.n_households for community in population.communities):
        raise Problem(
            "sampling.impossible",
            reason=_("名录在调查范围内没有家庭户"),
            possible=_("导入这个范围的名录，或改调查范围"),
        )
    least, psus = spec["min_psus_per_stratum"], []
    try:
        psus = build_psus(population.communities, takes.total)
        return psus, StrataPlanner(psus, spec.get("n_psus"), spec.get("allocation"), least).plan()
    except Impossible as impossible:
        raise _explain(impossible, population.communities, psus, least) from impossible


def _explain(
    impossible: Impossible, communities: Sequence[Community], psus: Sequence[PlannedPSU], least: int
) -> Problem:
    """The refusal in words, with what would work instead."""
    values, possible = impossible.values, impossible.possible
    street = Region.objects.filter(code=values.get("street", "")).first()
    name = street.name if street else values.get("street", "")
    if impossible.kind == "too_few_psus":
        n = nearest_possible(psus, values["n"] + 1, least)
        how = (
            _("把社区数增加到 {n} 个").format(n=n)
            if n
            else _("每层最少的个数改小，或排除一部分街道并写明理由：这里一共只有 {n} 个").format(n=len(psus))
        )
        reason = _("{n} 个社区不够让每层至少有 {least} 个").format(n=values["n"], least=least)
    elif impossible.kind == "street_too_small":
        reason = _("{street}只有 {n} 户，少于每个抽样单位要抽的户数").format(
            street=name, n=values["households"]
        )
        how = _("每个抽样单位（连同备用）最多抽 {n} 户，或排除这个街道并写明理由").format(n=possible["least"])
    elif impossible.kind == "too_many_psus":
        reason = _("要抽 {n} 个社区，合并小社区后只有 {there} 个").format(n=values["n"], there=possible["n"])
        how = _("最多抽 {n} 个社区").format(n=possible["n"])
        if take := largest_least(communities, values["n"]):
            how += _("，或每个抽样单位（连同备用）最多抽 {take} 户").format(take=take)
    elif impossible.kind == "allocation_too_many":
        reason = _("{street}要抽 {n} 个社区，合并小社区后只有 {there} 个").format(
            street=name, n=values["n"], there=possible["n"]
        )
        how = _("给{street}最多分配 {n} 个").format(street=name, n=possible["n"])
    elif impossible.kind == "allocation_too_few":
        reason = _("{street}分到 {n} 个社区，不够让所在的层至少有 {least} 个").format(
            street=name, n=values["n"], least=least
        )
        how = _("给{street}所在的层分配 {n} 个以上").format(street=name, n=possible["n"])
    elif impossible.kind == "stratum_without_frame":
        reason = _("{street}分到了社区，可是名录里没有它的家庭户，或不在调查范围内").format(street=name)
        how = _("只给名录里有家庭户的 {n} 个街道分配，或先导入它的名录").format(n=possible["streets"])
    else:
        reason = _("{street}等 {n} 个街道没有分配").format(street=name, n=values["n"])
        how = _("给范围内的 {n} 个街道各写一个数，或排除它们并写明理由").format(n=possible["streets"])
    return Problem("sampling.impossible", reason=reason, possible=how)


def _psu_rule(population: _Population, least: int) -> str:
    """Names the set of PSUs: the rule, its least size, and the communities when they are not all."""
    rule = f"{JOIN_PSUS}>={least}"
    if population.is_whole_frame:
        return rule
    return f"{rule}/{sha256_of(sorted(c.code for c in population.communities))[:8]}"


def _store_psus(frame: FrameVersion, planned: Sequence[PlannedPSU], rule: str) -> dict[str, PSU]:
    """The PSUs of a rule, made once for a frame and shared by its designs."""
    stored = {psu.code: psu for psu in PSU.objects.filter(frame=frame, joining_rule=rule)}
    if stored:
        return stored
    ids = dict(Region.objects.within(frame.region.path).values_list("code", "id"))
    rows = PSU.objects.bulk_create(
        [
            PSU(
                frame=frame,
                code=psu.code,
                name=_shortened("、".join(c.name for c in psu.communities)),
                street_id=ids.get(psu.street) or Region.objects.get(code=psu.street).pk,
                n_households=psu.n_households,
                joining_rule=rule,
            )
            for psu in planned
        ],
        batch_size=1000,
    )
    stored = {psu.code: psu for psu in rows}
    link = PSU.communities.through
    link.objects.bulk_create(
        [
            link(psu_id=stored[psu.code].pk, region_id=ids[community.code])
            for psu in planned
            for community in psu.communities
        ],
        batch_size=2000,
    )
    return stored


def _shortened(text: str) -> str:
    return text if len(text) <= 300 else text[:297] + "……"


def _store_strata(design: Design, strata: Sequence[PlannedStratum], psus: dict[str, PSU]) -> None:
    streets = {
        r.code: r for r in Region.objects.filter(code__in={code for s in strata for code in s.streets})
    }
    rows = DesignStratum.objects.bulk_create(
        [
            DesignStratum(
                design=design,
                code=stratum.code,
                name=_shortened(
                    psus[stratum.code].name
                    if stratum.certainty
                    else "、".join(streets[code].name for code in stratum.streets)
                ),
                kind=DesignStratum.Kind.CERTAINTY if stratum.certainty else DesignStratum.Kind.STREETS,
                n_psus_frame=len(stratum.psus),
                n_psus_take=stratum.n_take,
                n_households_frame=stratum.n_households,
                joining_rule=_joining_rule(stratum),
            )
            for stratum in strata
        ],
        batch_size=1000,
    )
    link = DesignStratum.streets.through
    link.objects.bulk_create(
        [
            link(designstratum_id=row.pk, region_id=streets[code].pk)
            for row, stratum in zip(rows, strata, strict=True)
            for code in stratum.streets
        ]
    )


def _joining_rule(stratum: PlannedStratum) -> str:
    return f"{JOIN_STREETS}: {', '.join(stratum.joined)}" if stratum.joined else ""


def _plan_document(
    population: _Population, psus: Sequence[PlannedPSU], strata: Sequence[PlannedStratum], takes: Takes
) -> dict[str, Any]:
    """The plan as stored, committed to and followed: codes and whole numbers only."""
    n_psus = sum(stratum.n_take for stratum in strata)
    return {
        "format": PLAN_FORMAT,
        "rules": {
            "psus": JOIN_PSUS,
            "psu_least": takes.total,
            "psu_set": _psu_rule(population, takes.total),
            "strata": JOIN_STREETS,
        },
        "n_households": sum(psu.n_households for psu in psus),
        "n_psus_frame": len(psus),
        "n_psus": n_psus,
        "n_cases": n_psus * takes.take,
        "n_cases_with_reserves": n_psus * takes.total,
        "strata": [
            {
                "code": stratum.code,
                "kind": "certainty" if stratum.certainty else "streets",
                "streets": list(stratum.streets),
                "n_take": stratum.n_take,
                "n_households": stratum.n_households,
                "joining_rule": _joining_rule(stratum),
                "psus": [[psu.code, psu.n_households] for psu in stratum.psus],
            }
            for stratum in strata
        ],
        "joined_psus": [[c.code for c in psu.communities] for psu in psus if len(psu.communities) > 1],
        "empty_communities": sorted(c.code for c in population.communities if not c.n_households),
        "excluded": population.excluded,
        "collective_households": {"n": population.n_collective, "reason": COLLECTIVE_REASON},
        "variance": VARIANCE,
    }
