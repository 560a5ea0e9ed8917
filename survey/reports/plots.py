"""Charts of change, order and priority as SVG text, in the manner of `charts`. Pure.

Horizontal places are percentages. A band needs a polygon, which takes no percentages: it lies in a nested
drawing that is stretched, and its lines keep their width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from survey.reports.charts import PAGE, Axis, Pen, label, line

TREND_HEIGHT, TREND_TOP, TREND_FOOT = 220, 26, 30  # px
EDGE = 0.07  # room at both sides of a trend, so that its ends keep their labels
MOST_LABELS = 3  # names of rounds side by side on a phone
MOST_BOXES = 40  # places of a league as single boxes; more are drawn as one bar
QUADRANT_HEIGHT = 340


@dataclass(frozen=True)
class Point:
    """One round of a trend. `joined`: a line may lead here from the round before."""

    name: str
    value: float
    low: float
    high: float
    joined: bool
    broken: str = ""  # why the line is broken before it


def trend(points: Sequence[Point], axis: Axis) -> str:
    """Estimates over rounds: 95 % band and line where rounds compare, whiskers alone where they do not."""
    bottom = TREND_HEIGHT - TREND_FOOT
    xs = _spread(len(points))

    def y(value: float) -> float:
        return bottom - axis.place(value) * (bottom - TREND_TOP)

    body = "".join(
        line("grid", "0%", y(tick), "100%", y(tick)) + f'<text x="0" y="{y(tick) - 4:.1f}">{tick:g}</text>'
        for tick in axis.ticks
    )
    body += _bands(points, xs, y)
    for place, (point, x) in enumerate(zip(points, xs, strict=True)):
        last = place == len(points) - 1
        if point.broken:
            middle = PAGE.x((x + xs[place - 1]) / 2)
            body += line("break", middle, TREND_TOP, middle, bottom)
            body += label(PAGE, (x + xs[place - 1]) / 2, TREND_TOP - 8, point.broken, "")
        alone = not point.joined and (last or not points[place + 1].joined)
        body += _point(point, PAGE.x(x), y, alone=alone, last=last)
        if len(points) <= MOST_LABELS or place in (0, len(points) - 1):
            anchor = "start" if place == 0 else "end" if last else "middle"
            at = 0.0 if place == 0 else 1.0 if last else x
            body += (
                f'<text x="{PAGE.x(at)}" y="{TREND_HEIGHT - 6}" text-anchor="{anchor}">'
                f"{escape(point.name)}</text>"
            )
    return PAGE.picture(TREND_HEIGHT, body, "chart-trend")


def _spread(n: int) -> list[float]:
    if n == 1:
        return [0.5]
    return [EDGE + (1 - 2 * EDGE) * i / (n - 1) for i in range(n)]


def _bands(points: Sequence[Point], xs: Sequence[float], y: Callable[[float], float]) -> str:
    """Band and line of every stretch of rounds that compare."""
    stretches: list[list[int]] = []
    for place, point in enumerate(points):
        if point.joined and stretches:
            stretches[-1].append(place)
        else:
            stretches.append([place])
    shapes = ""
    for places in (s for s in stretches if len(s) > 1):
        upper = [f"{xs[p] * 100:.2f},{y(points[p].high):.2f}" for p in places]
        lower = [f"{xs[p] * 100:.2f},{y(points[p].low):.2f}" for p in reversed(places)]
        middle = [f"{xs[p] * 100:.2f},{y(points[p].value):.2f}" for p in places]
        shapes += f'<polygon class="band" points="{" ".join(upper + lower)}"/>'
        shapes += (
            f'<polyline class="trend-line" vector-effect="non-scaling-stroke" points="{" ".join(middle)}"/>'
        )
    if not shapes:
        return ""
    return (
        f'<svg x="0" y="0" width="100%" height="{TREND_HEIGHT}" viewBox="0 0 100 {TREND_HEIGHT}" '
        f'preserveAspectRatio="none">{shapes}</svg>'
    )


def _point(point: Point, x: str, y: Callable[[float], float], *, alone: bool, last: bool) -> str:
    body = ""
    if alone:
        body += line("whisker", x, y(point.low), x, y(point.high))
    name = "dot" if last else "hollow"
    body += f'<circle class="{name}" cx="{x}" cy="{y(point.value):.1f}" r="{6.5 if last else 5}"/>'
    if last:
        above = y(point.high) - 8
        body += f'<text class="strong" x="{x}" y="{above:.1f}" text-anchor="middle">{point.value:.1f}</text>'
    return f'<g class="{"own" if last else "tie"}">{body}</g>'


def rank_strip(best: int, worst: int, total: int) -> str:
    """The places that a unit may hold, among all of its league."""
    body = ""
    if total <= MOST_BOXES:
        for place in range(1, total + 1):
            name = "rank-in" if best <= place <= worst else "rank-out"
            x, width = PAGE.x((place - 1) / total), PAGE.x(max(1 / total - 0.006, 0.5 / total))
            body += f'<rect class="{name}" x="{x}" y="2" width="{width}" height="26" rx="3"/>'
    else:
        body += '<rect class="rank-out" x="0" y="10" width="100%" height="10" rx="3"/>'
        body += _rank_rect(best, worst, total, 2, 26)
    middle = (best - 1 + worst) / 2 / total
    text = str(best) if best == worst else f"{best}–{worst}"
    body += label(PAGE, middle, 48, text, "strong")
    if worst < total * 0.85:
        body += f'<text x="100%" y="48" text-anchor="end">{total}</text>'
    return PAGE.picture(54, body, "chart-ranks")


def rank_bar(best: int, worst: int, total: int, height: int) -> str:
    """The same as one bar in a row of a league."""
    middle = height / 2
    body = line("axis", "0%", middle, "100%", middle) + _rank_rect(best, worst, total, middle - 4, 8)
    return PAGE.picture(height, body, "chart-rank")


def _rank_rect(best: int, worst: int, total: int, y: float, height: float) -> str:
    x, width = PAGE.x((best - 1) / total), PAGE.x((worst - best + 1) / total)
    return f'<rect class="rank-in" x="{x}" y="{y:g}" width="{width}" height="{height:g}" rx="2"/>'


@dataclass(frozen=True)
class Matter:
    """One matter of the quadrants: performance across, importance up, both with their interval."""

    number: int
    performance: tuple[float, float, float]  # value, low, high
    importance: tuple[float, float, float]
    sure: bool
    first: bool


def quadrants(
    matters: Sequence[Matter],
    across: Axis,
    up: Axis,
    lines: tuple[float, float],
    corners: tuple[str, str, str, str],
) -> str:
    """What to fix first: numbered dots with whiskers, hollow where the quarter is not sure.

    lines : (performance, importance) where the quarters part
    corners : names of the quarters upper left, upper right, lower left, lower right
    """
    top, bottom = 1.0, QUADRANT_HEIGHT - 1.0

    def y(value: float) -> float:
        return bottom - up.place(value) * (bottom - top)

    at, level = across.place(lines[0]), y(lines[1])
    body = f'<rect class="frame" x="0" y="{top}" width="100%" height="{bottom - top}"/>'
    body += f'<rect class="quarter" x="0" y="{top}" width="{PAGE.x(at)}" height="{level - top:.1f}"/>'
    body += line("mean", PAGE.x(at), top, PAGE.x(at), bottom) + line("mean", "0%", level, "100%", level)
    for text, x, place, anchor, name in (
        (corners[0], "1.5%", top + 20, "start", "strong"),
        (corners[1], "98.5%", top + 20, "end", ""),
        (corners[2], "1.5%", bottom - 10, "start", ""),
        (corners[3], "98.5%", bottom - 10, "end", ""),
    ):
        body += f'<text class="{name}" x="{x}" y="{place:g}" text-anchor="{anchor}">{escape(text)}</text>'
    for matter in sorted(matters, key=lambda m: (m.sure, m.first)):
        body += _matter(matter, across, y, PAGE)
    return PAGE.picture(QUADRANT_HEIGHT, body, "chart-quadrants")


def _matter(matter: Matter, across: Axis, y: Callable[[float], float], pen: Pen) -> str:
    value, low, high = (pen.x(across.place(v)) for v in matter.performance)
    height, under, over = (y(v) for v in matter.importance)
    name = "own" if matter.first and matter.sure else ""
    body = line("whisker", low, height, high, height) + line("whisker", value, under, value, over)
    kind = "dot" if matter.sure else "hollow"
    body += f'<circle class="{kind}" cx="{value}" cy="{height:.1f}" r="11"/>'
    body += (
        f'<text class="on-{kind}" x="{value}" y="{height + 4.5:.1f}" text-anchor="middle">'
        f"{matter.number}</text>"
    )
    return f'<g class="{name}">{body}</g>'
