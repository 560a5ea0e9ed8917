"""The door to `analysis.selection`: plans and draws ask here, and get plain results or a Problem."""

from collections.abc import Callable, Mapping, Sequence

from analysis.errors import DesignError
from analysis.selection.allocation import allocate_proportional
from analysis.selection.multistage import ALGORITHM, Stratum, Takes, TwoStageSample, draw_two_stage
from analysis.selection.pps import ORDERS, inclusion_probabilities
from analysis.selection.stream import ALGORITHM as STREAM_ALGORITHM
from survey.common.errors import Problem

__all__ = [
    "ALGORITHM",
    "ORDERS",
    "STREAM_ALGORITHM",
    "Stratum",
    "Takes",
    "TwoStageSample",
    "certainty_units",
    "proportional_allocation",
    "two_stage_sample",
]


def certainty_units(sizes: Mapping[str, int], n: int) -> list[str]:
    """Units that reach the sampling interval Σsizes/n when n are taken, found repeatedly; by name."""
    return list(inclusion_probabilities(sizes, n).certain)


def proportional_allocation(
    sizes: Mapping[str, int], n: int, *, at_least: int, at_most: Mapping[str, int]
) -> dict[str, int]:
    """n divided over strata in proportion to size, within bounds; the caller has checked that it can be."""
    return allocate_proportional(sizes, n, at_least=at_least, at_most=at_most)


def two_stage_sample(
    seed: bytes, strata: Sequence[Stratum], takes: Takes, households_of: Callable[[str], Sequence[str]]
) -> TwoStageSample:
    """Draw "two-stage-pps-1". A frame that no longer fits its plan is refused (sampling.frame_altered)."""
    try:
        return draw_two_stage(seed, strata, takes, households_of)
    except DesignError as error:
        raise Problem("sampling.frame_altered", reason=str(error)) from error
