"""Two-stage draw of PSUs by systematic PPS and households by simple random sampling: "two-stage-pps-1".

From a 32-byte seed and the design alone; every number is an integer or an exact fraction:

1. Strata are drawn each from its own stream, child "stage1/<stratum>". A stratum of kind "certainty" is one
   PSU, taken with probability 1. In the others `n_take` PSUs are taken by `pps_systematic` on their sizes.
2. In each taken PSU (child "stage2/<PSU>") the households, sorted by id, are shuffled; the first `take`
   are replicate 0, the next `reserve_take` replicate 1, and so on: each replicate is a random part of the
   draw, and any leading ones together are a simple random sample.
3. All drawn ids, sorted, are shuffled by child "numbers": a case's number says nothing about its place.
4. A household's own seed for the choice of a person is HMAC-SHA256(seed, "person/" ‖ id).
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from analysis.errors import DesignError
from analysis.selection.pps import inclusion_probabilities, pps_systematic
from analysis.selection.srs import sample
from analysis.selection.stream import Stream

ALGORITHM = "two-stage-pps-1"


@dataclass(frozen=True)
class Stratum:
    """One stratum of stage 1. `sizes`: PSU → number of households, whole numbers."""

    code: str
    sizes: dict[str, int]
    n_take: int
    certainty: bool = False


@dataclass(frozen=True)
class Takes:
    """Households in each PSU: `take` at once, `reserve_take` in each of `n_reserves` reserve replicates."""

    take: int
    reserve_take: int = 0
    n_reserves: int = 0
    order: str = "random"  # of PSUs within a stratum, before the systematic sweep

    @property
    def total(self) -> int:
        """Households drawn in each PSU, reserves included."""
        return self.take + self.reserve_take * self.n_reserves

    def through(self, replicate: int) -> int:
        """Households of a PSU in replicates 0 … `replicate`."""
        return self.take + self.reserve_take * replicate


@dataclass(frozen=True)
class TakenPSU:
    """A PSU of stage 1, in the order taken (strata by code)."""

    code: str
    stratum: str
    certainty: bool
    probability: Fraction


@dataclass(frozen=True)
class DrawnHousehold:
    """A household of stage 2. `probability` is that of stage 2 once its replicate is released."""

    household: str
    psu: str
    replicate: int
    probability: Fraction
    number: int
    person_seed: str


@dataclass(frozen=True)
class TwoStageSample:
    """PSUs in the order taken, households by number."""

    psus: tuple[TakenPSU, ...]
    households: tuple[DrawnHousehold, ...]


def draw_two_stage(
    seed: bytes, strata: Sequence[Stratum], takes: Takes, households_of: Callable[[str], Sequence[str]]
) -> TwoStageSample:
    """Draw by the algorithm above.

    Parameters
    ----------
    seed : 32 bytes.
    households_of : PSU → ids of its households, in any order; as many as its size says.

    Raises
    ------
    DesignError : a PSU's list has another length than its size or is shorter than what is taken; a
        stratum that is not of kind certainty has a PSU that reaches the sampling interval.
    """
    root = Stream(seed)
    psus = [psu for stratum in sorted(strata, key=_code) for psu in _stage_one(root, stratum, takes.order)]
    size_of = {psu: size for stratum in strata for psu, size in stratum.sizes.items()}
    lines = [line for psu in psus for line in _stage_two(root, psu.code, size_of, takes, households_of)]
    order = root.child("numbers").shuffled(sorted(line[0] for line in lines))
    number_of = {household: number for number, household in enumerate(order, start=1)}
    if len(number_of) != len(lines):
        raise DesignError("a household belongs to two PSUs")
    households = [
        DrawnHousehold(
            household, psu, replicate, probability, number_of[household], person_seed(seed, household)
        )
        for household, psu, replicate, probability in lines
    ]
    households.sort(key=lambda drawn: drawn.number)
    return TwoStageSample(tuple(psus), tuple(households))


def person_seed(seed: bytes, household: str) -> str:
    """Hex seed of the choice within a household."""
    return hmac.new(seed, b"person/" + household.encode(), hashlib.sha256).hexdigest()


def _code(stratum: Stratum) -> str:
    return stratum.code


def _stage_one(root: Stream, stratum: Stratum, order: str) -> list[TakenPSU]:
    if stratum.certainty:
        if len(stratum.sizes) != 1 or stratum.n_take != 1:
            raise DesignError(f"stratum {stratum.code}: a certainty stratum is one PSU")
        return [TakenPSU(next(iter(stratum.sizes)), stratum.code, True, Fraction(1))]
    inclusion = inclusion_probabilities(stratum.sizes, stratum.n_take)
    if inclusion.certain:
        raise DesignError(f"stratum {stratum.code}: PSU {inclusion.certain[0]} reaches the sampling interval")
    stream = root.child(f"stage1/{stratum.code}")
    taken = pps_systematic(stream, stratum.sizes, stratum.n_take, order=order)
    return [TakenPSU(psu, stratum.code, False, inclusion.probabilities[psu]) for psu in taken]


def _stage_two(
    root: Stream,
    psu: str,
    size_of: dict[str, int],
    takes: Takes,
    households_of: Callable[[str], Sequence[str]],
) -> list[tuple[str, str, int, Fraction]]:
    """(household, PSU, replicate, probability of stage 2) for each drawn household of one PSU."""
    units = households_of(psu)
    if len(units) != size_of[psu]:
        raise DesignError(f"PSU {psu}: {len(units)} households listed, size {size_of[psu]}")
    drawn = sample(root.child(f"stage2/{psu}"), units, takes.total)
    lines = []
    for place, household in enumerate(drawn):
        over = place - takes.take
        replicate = 0 if over < 0 else over // takes.reserve_take + 1
        lines.append((household, psu, replicate, Fraction(takes.through(replicate), len(units))))
    return lines
