"""Outlines as SVG paths at the scale of a city. Pure: no Django, no database.

Longitudes are shortened by the cosine of the middle latitude (equirectangular projection): over a city of
one and a half degrees of latitude widths are off by about one per cent at its ends. Points are moved to a
common grid, as in TopoJSON, and those that then say nothing are dropped: neighbours keep one border, since a
point of both moves to the same place.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

GRID = 800  # units of the longer side of the whole picture
# Height of a name in these units, the first size that fits: 13 px where the picture is 358 px wide (a phone);
# where it is wider (static/regions/map.css says from when), smaller ones are as easy to read.
ON_PHONES, ON_SCREENS = 30, 19

Point = tuple[int, int]
Label = tuple[int, int, bool]  # where its middle is; whether it fits on phones too
Ring = Sequence[Sequence[float]]


class Drawing(NamedTuple):
    """A picture of `width` × `height` units: code → path, and code → where its name fits, if it does."""

    width: int
    height: int
    paths: dict[str, str]
    labels: dict[str, Label]


def draw(
    shapes: Mapping[str, Sequence[Ring]], *, names: Mapping[str, str] | None = None, grid: int = GRID
) -> Drawing:
    """Draw shapes ({code: rings of (longitude, latitude)}) on one picture, north up.

    Parameters
    ----------
    names : what is to be written into which shape; written only where it fits.
    """
    xs = [point[0] for rings in shapes.values() for ring in rings for point in ring]
    ys = [point[1] for rings in shapes.values() for ring in rings for point in ring]
    west, east, south, north = min(xs), max(xs), min(ys), max(ys)
    narrow = math.cos(math.radians((south + north) / 2))
    unit = max((east - west) * narrow, north - south) / grid or 1.0

    def place(point: Sequence[float]) -> Point:
        return round((point[0] - west) * narrow / unit), round((north - point[1]) / unit)

    paths, labels = {}, {}
    for code, rings in shapes.items():
        drawn = [_thin([place(point) for point in ring]) for ring in rings]
        paths[code] = "".join(_path(ring) for ring in drawn if len(ring) > 2) or _dot(drawn[0][0])
        name = (names or {}).get(code, "")
        at = _label(max(drawn, key=lambda ring: abs(_area(ring))), name) if name else None
        if at:
            labels[code] = at
    return Drawing(place((east, north))[0], place((west, south))[1], paths, labels)


def _thin(ring: Sequence[Point]) -> list[Point]:
    """Without repeated points and those in the middle of a straight line; open (the end is not repeated)."""
    points = [point for place, point in enumerate(ring) if place == 0 or point != ring[place - 1]]
    if len(points) > 1 and points[0] == points[-1]:
        points.pop()
    kept: list[Point] = []
    for place, point in enumerate(points):
        before, after = kept[-1] if kept else points[-1], points[(place + 1) % len(points)]
        if len(points) > 2 and _is_between(before, point, after):
            continue
        kept.append(point)
    return kept


def _is_between(a: Point, b: Point, c: Point) -> bool:
    cross = (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
    onward = (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1])
    return cross == 0 and onward > 0


def _path(ring: Sequence[Point]) -> str:
    steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(ring)]
    return f"M{ring[0][0]} {ring[0][1]}l{' '.join(f'{dx} {dy}' for dx, dy in steps)}z"


def _dot(point: Point) -> str:
    """A place too small for the scale is still there to be seen."""
    return f"M{point[0] - 1} {point[1] - 1}h2v2h-2z"


def _area(ring: Sequence[Point]) -> float:
    """Signed, by the shoelace formula."""
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs) / 2


def _label(ring: Sequence[Point], name: str) -> Label | None:
    """The ring's centroid, if a name of square characters fits the ring there."""
    area = _area(ring)
    if not area:
        return None
    pairs = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    cross = [a[0] * b[1] - b[0] * a[1] for a, b in pairs]
    x = sum((a[0] + b[0]) * c for (a, b), c in zip(pairs, cross, strict=True)) / (6 * area)
    y = sum((a[1] + b[1]) * c for (a, b), c in zip(pairs, cross, strict=True)) / (6 * area)
    for height in (ON_PHONES, ON_SCREENS):
        half = height * len(name) / 2
        corners = [(x + dx, y + dy) for dx in (-half, 0, half) for dy in (-height / 2, height / 2)]
        if all(_holds(ring, corner) for corner in corners):
            return round(x), round(y), height == ON_PHONES
    return None


def _holds(ring: Sequence[Point], at: tuple[float, float]) -> bool:
    """Whether a point lies inside, by the number of sides that a ray to the east meets."""
    x, y = at
    inside = False
    for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (a[1] > y) != (b[1] > y) and x < a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1]):
            inside = not inside
    return inside
