"""Reads for pages and for estimation.

What names communities or cases takes a user and is cut to what that user may see.
"""

from fractions import Fraction
from typing import Any

from django.db.models import Count, Max, Min, Q

from survey.accounts.models import User
from survey.regions.codes import path_at
from survey.regions.models import Region
from survey.sampling.models import Case, Design, Draw, FrameVersion
from survey.studies.models import Round


def frames_for(user: User) -> list[FrameVersion]:
    """Finished frames that the user may see, newest first."""
    return list(FrameVersion.objects.visible_to(user).ready().select_related("region"))


def current_draw(round: Round) -> Draw | None:
    """The draw that holds; None before the first. For services; pages use `draw_for`."""
    return (
        Draw.objects.filter(design__round=round, state=Draw.State.DRAWN)
        .select_related("design__frame", "design__round__study__region")
        .first()
    )


def draw_for(user: User, round: Round) -> Draw | None:
    """The draw that holds, if the user may see designs and draws of that round."""
    return Draw.objects.visible_to(user).filter(design__round=round, state=Draw.State.DRAWN).first()


def strata_table(user: User, design: Design) -> list[dict[str, Any]]:
    """One row a stratum: code, name, kind, kind_name, joining_rule, n_psus_frame, n_psus_take,
    n_households_frame, n_cases, and weight: the households that each of its cases stands for, as planned
    (without reserves). A certainty stratum is named after its community.
    """
    if not Design.objects.visible_to(user).filter(pk=design.pk).exists():
        return []
    take = design.spec["stages"][1]["take"]
    return [
        {
            "code": stratum.code,
            "name": stratum.name,
            "kind": stratum.kind,
            "kind_name": stratum.get_kind_display(),
            "joining_rule": stratum.joining_rule,
            "n_psus_frame": stratum.n_psus_frame,
            "n_psus_take": stratum.n_psus_take,
            "n_households_frame": stratum.n_households_frame,
            "n_cases": stratum.n_psus_take * take,
            "weight": stratum.n_households_frame / (stratum.n_psus_take * take),
        }
        for stratum in design.strata.all()
    ]


def psu_list(user: User, draw: Draw) -> list[dict[str, Any]]:
    """The drawn PSUs in the order taken: code, name, street, stratum, households, is_certainty, probability,
    probability_exact, n_cases (released).
    """
    if not Draw.objects.visible_to(user).filter(pk=draw.pk).exists():
        return []
    released = Count("cases", filter=Q(cases__replicate__released_at__isnull=False))
    rows = draw.psus.select_related("psu__street", "stratum").annotate(n_released=released).order_by("order")
    return [
        {
            "order": row.order,
            "code": row.psu.code,
            "name": row.psu.name,
            "street": row.psu.street.name,
            "stratum": row.stratum.name,
            "n_households": row.psu.n_households,
            "is_certainty": row.is_certainty,
            "probability": row.probability,
            "probability_exact": row.probability_exact,
            "n_cases": row.n_released,
        }
        for row in rows
    ]


def counts_by_street(user: User, draw: Draw) -> list[dict[str, Any]]:
    """Streets with their drawn PSUs and released cases, as far as the user may see the cases: code, name,
    n_psus, n_cases, n_households (estimated from the weights: their sum).
    """
    counts: dict[str, dict[str, Any]] = {}
    cases = Case.objects.visible_to(user).released().filter(draw=draw)
    rows = cases.values_list("community__path", "drawn_psu", "stage1_probability", "stage2_probability")
    for path, psu, p1, p2 in rows.order_by("community__path"):
        street = path_at(path, "street")
        row = counts.setdefault(street, {"psus": set(), "n_cases": 0, "n_households": 0.0})
        row["psus"].add(psu)
        row["n_cases"] += 1
        row["n_households"] += 1 / (p1 * p2)
    names = dict(Region.objects.filter(path__in=counts).values_list("path", "name"))
    return [
        {
            "code": path.ljust(12, "0"),
            "name": names[path],
            "n_psus": len(row["psus"]),
            "n_cases": row["n_cases"],
            "n_households": row["n_households"],
        }
        for path, row in counts.items()
    ]


def sampling_report(draw: Draw) -> dict[str, Any]:
    """How the sample was drawn, for a page: population, frame, stages, strata, probabilities, hashes.

    Names no community and no household; strata are streets. Sources of the items: AAPOR Transparency
    Initiative, disclosure elements (population, frame, design, sample size, weighting).
    """
    design, frame = draw.design, draw.design.frame
    plan, spec = design.plan, design.spec
    strata = list(design.strata.all())
    released = Case.objects.released().filter(draw=draw)
    return {
        "population": design.round.study.population,
        "frame": {
            "name": frame.name,
            "number": frame.number,
            "hash": frame.frame_hash,
            "is_simulated": frame.is_simulated,
            "n_households": plan["n_households"],
            "n_collective": plan["collective_households"]["n"],
            "collective_reason": plan["collective_households"]["reason"],
            "n_empty_communities": len(plan["empty_communities"]),
            "excluded": plan["excluded"],
            "checks": frame.checks,
        },
        "method": {
            "algorithm": draw.algorithm,
            "stages": spec["stages"],
            "rules": plan["rules"],
            "variance": plan["variance"],
        },
        "strata": {
            "n": len(strata),
            "n_certainty": sum(s.kind == "certainty" for s in strata),
            "n_joined": sum(bool(s.joining_rule) for s in strata),
            "joined": [{"name": s.name, "rule": s.joining_rule} for s in strata if s.joining_rule],
        },
        "size": {
            "n_psus_frame": plan["n_psus_frame"],
            "n_psus": plan["n_psus"],
            "n_cases": released.count(),
            "n_reserve": draw.cases.count() - released.count(),
            "replicates": list(
                draw.replicates.values("number", "n_cases", "released_at", "release_reason").order_by(
                    "number"
                )
            ),
        },
        "probabilities": _probability_summary(released, plan["n_households"]),
        "draw": {
            "number": draw.number,
            "state": draw.state,
            "drawn_at": draw.drawn_at,
            "commitment_hash": draw.commitment_hash,
            "secret_hash": draw.secret_hash,
            "result_hash": draw.result_hash,
            "reason": draw.reason,
        },
    }


def _probability_summary(released: Any, n_households: int) -> dict[str, Any]:
    """Range of the probabilities and of base weights; `weights_sum` equals the frame's households exactly,
    since PPS by the frame's own sizes with equal takes is self-weighting within strata.
    """
    limits = released.aggregate(
        stage1_low=Min("stage1_probability"),
        stage1_high=Max("stage1_probability"),
        stage2_low=Min("stage2_probability"),
        stage2_high=Max("stage2_probability"),
    )
    groups = released.order_by().values_list("stage1_exact", "stage2_exact").annotate(n=Count("pk"))
    weights = [(1 / (Fraction(p1) * Fraction(p2)), n) for p1, p2, n in groups]
    total = sum(weight * n for weight, n in weights)
    n_cases = sum(n for _weight, n in weights)
    squares = sum(weight * weight * n for weight, n in weights)
    return {
        **limits,
        "weight_low": float(min((w for w, _n in weights), default=Fraction(0))),
        "weight_high": float(max((w for w, _n in weights), default=Fraction(0))),
        "weights_sum": float(total),
        "n_households": n_households,
        # Kish (1965): loss of precision from unequal weights, n Σw²/(Σw)².
        "deff_weights": float(n_cases * squares / (total * total)) if total else None,
    }


def variance_design(round: Round) -> dict[str, list[Any]]:
    """Columns for estimation, a row for each released case of the draw that holds, by case id.

    case_id, opaque_id (str), base_weight, stage1_probability, stage2_probability, variance_stratum,
    variance_psu, psu_code, is_certainty, n_psus_frame and n_psus_take (of the stratum), psu_households,
    community_code, street_code, district_code. Empty lists before a draw.
    """
    columns = {
        "case_id": "pk",
        "opaque_id": "opaque_id",
        "stage1_probability": "stage1_probability",
        "stage2_probability": "stage2_probability",
        "variance_stratum": "variance_stratum",
        "variance_psu": "variance_psu",
        "psu_code": "drawn_psu__psu__code",
        "is_certainty": "drawn_psu__is_certainty",
        "n_psus_frame": "drawn_psu__stratum__n_psus_frame",
        "n_psus_take": "drawn_psu__stratum__n_psus_take",
        "psu_households": "drawn_psu__psu__n_households",
        "community_code": "community__code",
    }
    rows = list(round.cases.released().order_by("pk").values_list(*columns.values()))
    result = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    result["opaque_id"] = [str(value) for value in result["opaque_id"]]
    result["base_weight"] = [
        1 / (p1 * p2)
        for p1, p2 in zip(result["stage1_probability"], result["stage2_probability"], strict=True)
    ]
    for name, level in (("street_code", "street"), ("district_code", "district")):
        result[name] = [path_at(code, level).ljust(12, "0") for code in result["community_code"]]
    return result
