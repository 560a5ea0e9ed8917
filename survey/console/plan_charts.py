"""The wizard's drawings: cost against precision, and expected intervals. Pure; colours come from CSS.

Places along x are percentages, so that a drawing fills its box at any width and letters keep their size; a
curve lies in a nested box of its own that stretches.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from survey.stats.planning import CurvePoint

HEIGHT, TOP, BOTTOM = 320, 20, 46  # px; BOTTOM holds the axis
TICKS = (1, 2, 2.5, 5)


@dataclass(frozen=True)
class Label:
    """A point of the curve worth naming."""

    budget: float
    margin: float
    words: str
    is_chosen: bool = False


def round_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 2.5, 5 × 10^k that cuts `span` into at most `most` pieces."""
    if span <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(span / most))
    return next(t * power * k for k in (1, 10) for t in TICKS if span / (t * power * k) <= most)


def cost_curve_svg(
    points: Sequence[CurvePoint],
    domains: int,
    labels: Sequence[Label],
    target: float | None,
    *,
    money: Callable[[float], str],
) -> str:
    """Total cost across, margin upward; the band below `target` is where the wish is met."""
    xs = [point.budget * domains for point in points]
    ys = [point.half_width for point in points]
    x_most = max(xs)
    y_step, y_most = _height_of(ys, [*(label.margin for label in labels), target or 0])

    def x(value: float) -> float:
        return 100 * value / x_most

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(value, y_most) / y_most)

    body = [_band(y, target)] if target else []
    body += [
        _tick_y(y(k * y_step), f"±{k * y_step:g}" if k else "0") for k in range(round(y_most / y_step) + 1)
    ]
    x_step = round_step(x_most, 5)
    body += [
        _text("axis-x", x(k * x_step), HEIGHT - 24, money(k * x_step), _anchor(x(k * x_step)))
        for k in range(int(x_most / x_step) + 1)
    ]
    inside = [(a, b) for a, b in zip(xs, ys, strict=True) if b <= y_most]
    path = "M" + "L".join(f"{10 * x(a):.1f} {y(b):.1f}" for a, b in inside)
    body.append(
        f'<svg viewBox="0 0 1000 {HEIGHT}" width="100%" height="{HEIGHT}" preserveAspectRatio="none">'
        f'<path class="line" d="{path}"/></svg>'
    )
    body += [_point(label, x(label.budget), y(label.margin)) for label in labels]
    return (
        f'<svg class="curve" width="100%" height="{HEIGHT}" aria-hidden="true" focusable="false">'
        f"{''.join(body)}</svg>"
    )


def _height_of(margins: Sequence[float], shown: Sequence[float]) -> tuple[float, float]:
    """(step, top) of the margins' axis: twice what is named, for the steep start tells nobody anything."""
    top = min(max(margins), max(shown) * 2.2)
    step = round_step(top, 5)
    return step, step * math.ceil(top / step)


def _anchor(x: float) -> str:
    return "start" if x < 4 else "end" if x > 96 else "middle"


def _band(y: Callable[[float], float], target: float) -> str:
    top, bottom = y(target), y(0)
    return f'<rect class="band" x="0" y="{top:.1f}" width="100%" height="{bottom - top:.1f}"/>'


def _tick_y(y: float, words: str) -> str:
    return (
        f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class="axis-y" x="-8" y="{y + 4:.1f}" text-anchor="end">{escape(words)}</text>'
    )


def _point(label: Label, x: float, y: float) -> str:
    kind = "chosen" if label.is_chosen else "other"
    # The curve falls: at the left there is room above and to the right of a point, at the right below it.
    right = x > 60
    words = _text(
        f"{kind}-words", x, y + 24 if right else y - 12, label.words, "end" if right else "start", dx=4
    )
    return f'<circle class="{kind}" cx="{x:.2f}%" cy="{y:.1f}" r="{7 if label.is_chosen else 5}"/>{words}'


def _text(kind: str, x: float, y: float, words: str, anchor: str, dx: int = 0) -> str:
    place = f'x="{x:.2f}%" y="{y:.1f}" dx="{dx}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{escape(words)}</text>'
