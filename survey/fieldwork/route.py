"""The order in which an interviewer walks to doors. Pure; the same doors always give the same order.

Where the places of at least three doors are known (from earlier visits), these follow the way: nearest
neighbour from the first in address order, then 2-opt until no exchange shortens it. A door without a place
comes after the one before it by address. Addresses are read as people read them: numbers by value, so that
2 号楼 comes before 10 号楼.
"""

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST_FOR_2OPT = 200  # doors; beyond, the nearest neighbour's way stands
_NUMBERS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Stop:
    """A door: any key, its address, and its place in metres if somebody has been there."""

    key: int
    address: str
    place: tuple[float, float] | None = None


def address_order(address: str) -> list[tuple[int, int, str]]:
    """A sorting key that reads runs of digits as numbers."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in _NUMBERS.split(address) if part
    ]


def walking_order(stops: Sequence[Stop]) -> list[int]:
    """Keys of the doors in walking order."""
    by_address = sorted(stops, key=lambda stop: (address_order(stop.address), stop.key))
    placed = [stop for stop in by_address if stop.place is not None]
    if len(placed) < 3:
        return [stop.key for stop in by_address]
    way = _nearest(placed)
    if len(way) <= MOST_FOR_2OPT:
        way = _two_opt(way)
    order = [stop.key for stop in way]
    for before, stop in itertools.pairwise([None, *by_address]):
        if stop.place is None:
            order.insert(order.index(before.key) + 1 if before else 0, stop.key)
    return order


def length_m(stops: Sequence[Stop]) -> float:
    """Metres of the way from the first door to the last; doors without a place are skipped."""
    placed = [stop for stop in stops if stop.place is not None]
    return sum(_apart(a, b) for a, b in itertools.pairwise(placed))


def _apart(a: Stop, b: Stop) -> float:
    return math.dist(a.place, b.place)  # type: ignore[arg-type]


def _nearest(stops: list[Stop]) -> list[Stop]:
    way, left = [stops[0]], list(stops[1:])
    while left:
        # Ties go to the earlier address: the order of `left` is that of the addresses.
        nearest = min(range(len(left)), key=lambda i: (_apart(way[-1], left[i]), i))
        way.append(left.pop(nearest))
    return way


def _two_opt(way: list[Stop]) -> list[Stop]:
    """Reverse stretches while that shortens the open way (Croes 1958, Operations Research 6, 791–812)."""
    better = True
    while better:
        better = False
        for i in range(len(way) - 1):
            for j in range(i + 1, len(way)):
                before = _apart(way[i - 1], way[i]) if i else 0.0
                after = _apart(way[j], way[j + 1]) if j + 1 < len(way) else 0.0
                new_before = _apart(way[i - 1], way[j]) if i else 0.0
                new_after = _apart(way[i], way[j + 1]) if j + 1 < len(way) else 0.0
                if new_before + new_after < before + after - 1e-9:
                    way[i : j + 1] = reversed(way[i : j + 1])
                    better = True
    return way
