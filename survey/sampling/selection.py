"""Carries out a design's plan with a seed: the same for a draw and for its verification. Writes nothing."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from survey.common.canonical import sha256_of
from survey.sampling.models import PSU, Design
from survey.sampling.spec import takes_of
from survey.stats.selection import Stratum, TwoStageSample, two_stage_sample


def select(design: Design, seed: bytes) -> TwoStageSample:
    """The sample that the seed gives on the design's frame.

    Raises
    ------
    Problem sampling.frame_altered : the frame's households no longer fit the plan.
    """
    strata = [
        Stratum(
            code=stratum["code"],
            sizes=dict(stratum["psus"]),
            n_take=stratum["n_take"],
            certainty=stratum["kind"] == "certainty",
        )
        for stratum in design.plan["strata"]
    ]
    psus = PSU.objects.filter(frame=design.frame_id, joining_rule=design.plan["rules"]["psu_set"])
    communities: dict[str, list[int]] = {}
    for code, community in psus.values_list("code", "communities"):
        communities.setdefault(code, []).append(community)

    def households_of(psu: str) -> list[str]:
        units = design.frame.units.order_by().filter(
            community__in=communities.get(psu, []), is_collective=False
        )
        return [str(opaque_id) for opaque_id in units.values_list("opaque_id", flat=True)]

    return two_stage_sample(seed, strata, takes_of(design.spec), households_of)


def strata_of_plan(plan: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Stratum → (PSUs in the frame, PSUs to take, households)."""
    return {s["code"]: (len(s["psus"]), s["n_take"], s["n_households"]) for s in plan["strata"]}


def exact(fraction: Fraction) -> str:
    """ "2/3", also for whole numbers ("1/1"), in lowest terms."""
    return f"{fraction.numerator}/{fraction.denominator}"


def result_hash(sample: TwoStageSample) -> str:
    """Hex SHA-256 of PSUs in the order taken and households by number, with exact fractions as text."""
    psus: Iterable[list[Any]] = [
        [psu.code, psu.stratum, psu.certainty, exact(psu.probability)] for psu in sample.psus
    ]
    households = [
        [drawn.number, drawn.household, drawn.psu, drawn.replicate, exact(drawn.probability)]
        for drawn in sample.households
    ]
    return sha256_of({"psus": psus, "households": households})
