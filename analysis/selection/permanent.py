"""Permanent random numbers: co-ordination of samples over rounds, and rotating panels.

Every unit keeps one number for life. A sample is read off the numbers from a starting point on the circle
[0, 1): the same start in two rounds gives the largest overlap (positive co-ordination, panels), a start
beyond the units asked lately the smallest (negative co-ordination, sparing households). Births get numbers
of their own; deaths just fall out.

References
----------
Ohlsson, E. (1995). Coordination of samples using permanent random numbers. In Cox et al. (eds), Business
Survey Methods, chapter 9 (sequential SRS, Poisson, sequential Poisson, moving the start).
Brewer, K. R. W., Early, L. J. & Joyce, S. F. (1972). Selecting several samples from a single population.
Australian J. Statist. 14, 231-239 (Poisson sampling with permanent numbers).
Rosén, B. (1997). On sampling with probability proportional to size. J. Statist. Plann. Inference 62,
159-191 (Pareto πps).
"""

import hashlib
import hmac
from collections.abc import Sequence

import numpy as np

from analysis.errors import DesignError
from analysis.selection.probabilities import Numbers, checked, split, with_certain


def permanent_numbers(ids: Sequence[str], key: bytes) -> np.ndarray:
    """A number in (0, 1) for each id, shape (n_units,): the first 52 bits of HMAC-SHA256(key, id), plus half
    a step. It depends on the id and the key alone: nothing is stored, and the order of rows is irrelevant.

    Raises
    ------
    DesignError : an id comes twice, or the key is shorter than 16 bytes.
    """
    if len(key) < 16:
        raise DesignError("the key of the permanent numbers needs at least 16 bytes")
    if len(set(ids)) != len(ids):
        raise DesignError("a unit's id comes twice")
    heads = b"".join(hmac.digest(key, unit.encode(), hashlib.sha256)[:8] for unit in ids)
    bits = np.frombuffer(heads, dtype=">u8").astype(np.uint64) >> np.uint64(12)
    return (bits.astype(float) + 0.5) / 2.0**52  # 52 bits and a half are exact in a double


def from_start(numbers: Numbers, start: float) -> np.ndarray:
    """Distance of each number from `start` round the circle, in [0, 1)."""
    distance = np.mod(np.asarray(numbers, dtype=float) - start, 1.0)
    return np.where(distance >= 1.0, 0.0, distance)


def sequential_srs(numbers: Numbers, n: int, *, start: float = 0.0) -> np.ndarray:
    """Positions of the n units met first from `start`, ascending: a simple random sample, π = n/N.

    Raises
    ------
    DesignError : n is out of range, or two units share the number at which the sample ends.
    """
    return np.sort(_order(numbers, start, n)[:n])


def next_start(numbers: Numbers, n: int, *, start: float = 0.0) -> float:
    """Where the sample of n from `start` ends: the number of the first unit beyond it.

    Starting the next round there spares everyone of this one (negative co-ordination), as long as the
    rounds together take no more units than there are.
    """
    order = _order(numbers, start, n)
    return start if n == 0 else float(np.asarray(numbers, dtype=float)[order[n % len(order)]])


def rotated_start(numbers: Numbers, n: int, n_leaving: int, *, start: float = 0.0) -> float:
    """Start of a panel's next round: the `n_leaving` units that entered first leave, n - n_leaving stay.

    With an unchanged frame exactly `n_leaving` new ones enter; each unit stays n/n_leaving rounds.

    Raises DesignError when `n_leaving` is above n.
    """
    if not 0 <= n_leaving <= n:
        raise DesignError(f"{n_leaving} of {n} units cannot leave a panel")
    return next_start(numbers, n_leaving, start=start)


def _order(numbers: Numbers, start: float, n: int) -> np.ndarray:
    distance = from_start(numbers, start)
    if not 0 <= n <= len(distance):
        raise DesignError(f"cannot take {n} of {len(distance)} units without replacement")
    order = np.argsort(distance, kind="stable")
    if 0 < n < len(order) and distance[order[n - 1]] == distance[order[n]]:
        raise DesignError("two units share the permanent number at which the sample ends")
    return order


def poisson_permanent(pi: Numbers, numbers: Numbers, *, start: float = 0.0) -> np.ndarray:
    """Positions of the units whose number lies within π_k after `start`: Poisson sampling, exact π.

    Two rounds overlap in the common part of the two arcs: see `overlap_probability`.
    """
    p = checked(pi)
    return np.flatnonzero((from_start(numbers, start) < p) | (p >= 1))


def overlap_probability(pi_first: Numbers, pi_second: Numbers, shift: float) -> np.ndarray:
    """Chance that a unit is in both Poisson samples, starts `shift` apart: shape (n_units,).

    The length common to the arcs [0, π1) and [shift, shift + π2) of the circle: min(π1, π2) for shift 0,
    max(0, π1 + π2 - 1) at best.
    """
    first, second, s = checked(pi_first), checked(pi_second), shift % 1.0
    straight = np.clip(np.minimum(first, s + second) - s, 0.0, None)
    round_the_corner = np.clip(np.minimum(first, s + second - 1.0), 0.0, None)
    return straight + round_the_corner


def pareto_permanent(pi: Numbers, numbers: Numbers, *, start: float = 0.0) -> np.ndarray:
    """Pareto πps with permanent numbers: fixed size n = Σπ, positions ascending.

    The n units with the least u(1-π)/((1-u)π), u the number's distance from `start`. The inclusion
    probabilities are π only nearly (Rosén 1997, section 4): an approximation, named as such.
    """
    p = checked(pi)
    parts = split(p)
    u, q = from_start(numbers, start)[parts.free], p[parts.free]
    rank = u * (1 - q) / ((1 - u) * q)
    return with_certain(parts, np.argsort(rank, kind="stable")[: parts.n_free])


def rotation_plan(n_rounds: int, rounds_in: int, *, pause: int = 0, rounds_back: int = 0) -> np.ndarray:
    """Which panel is asked in which round: bool of shape (n_rounds, n_panels), one new panel a round.

    A panel is asked `rounds_in` rounds running, pauses, and is asked `rounds_back` rounds more: 4, 8, 4 is
    the plan of the US Current Population Survey (CPS Technical Paper 77, 2019). Panels that entered before
    the first round are columns too, so that every round has all its panels.

    Raises DesignError when there is no round in.
    """
    if n_rounds < 1 or rounds_in < 1 or min(pause, rounds_back) < 0:
        raise DesignError("a rotation plan needs at least one round, and one round in")
    span = rounds_in + (pause + rounds_back if rounds_back else 0)
    age = np.arange(n_rounds)[:, None] - (np.arange(n_rounds + span - 1) - (span - 1))[None, :]
    back = (age >= rounds_in + pause) & (age < span) if rounds_back else False
    return ((age >= 0) & (age < rounds_in)) | back


def planned_overlap(plan: np.ndarray, lag: int = 1) -> float:
    """Share of a round's panels that were also asked `lag` rounds before, the mean over the plan's rounds."""
    if not 0 < lag < len(plan):
        raise DesignError(f"a plan of {len(plan)} rounds has no pair of rounds {lag} apart")
    return float((plan[lag:] & plan[:-lag]).sum() / plan[lag:].sum())
