"""Simple random sampling without replacement, from the stream of `analysis.selection.stream`."""

from collections.abc import Sequence
from itertools import pairwise

from analysis.errors import DesignError
from analysis.selection.stream import Stream


def sample_positions(stream: Stream, n: int, k: int) -> list[int]:
    """k of the positions 0 … n-1 without replacement, in the order drawn.

    Each ordered sample has the chance (n-k)!/n!. The order is itself random: any leading part is a simple
    random sample, which is what makes replicates of one draw.

    Notes
    -----
    The first k steps of the stream's shuffle of 0 … n-1; the array is kept sparsely, so that memory is O(k).

    Raises
    ------
    DesignError : k is negative or above n.
    """
    if not 0 <= k <= n:
        raise DesignError(f"cannot take {k} of {n} units without replacement")
    moved: dict[int, int] = {}
    drawn = []
    for i in range(k):
        # The shuffle of the whole list would not read a number for its last position.
        j = i + (stream.below(n - i) if i < n - 1 else 0)
        drawn.append(moved.get(j, j))
        moved[j] = moved.get(i, i)
    return drawn


def sample(stream: Stream, units: Sequence[str], k: int) -> list[str]:
    """k of the named units, in the order drawn. The order in which the units are given does not matter.

    Raises
    ------
    DesignError : k is above the number of units, or two units have one name.
    """
    ordered = sorted(units)
    if any(a == b for a, b in pairwise(ordered)):
        raise DesignError("two units have the same name")
    return [ordered[i] for i in sample_positions(stream, len(ordered), k)]
