"""Charts as SVG text, drawn by the server. Pure: no request, no database, no colour.

Horizontal places are percentages in a page (the drawing stretches with its box while dots and letters keep
their size) and millimetre-free pixels in a standalone picture for print. Colours come from CSS classes; a
standalone picture carries its own style sheet. Every chart stands beside a table, so it is hidden from
screen readers; the words are in the table.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

ROW = 36  # height of a row of the league, px
PRINT_STYLE = (
    "text{font-family:'Noto Sans CJK SC','Minyi Sans SC',sans-serif;font-size:12px;fill:#333}"
    ".grid{stroke:#ddd;stroke-width:1}.axis{stroke:#999;stroke-width:1}"
    ".mean{stroke:#333;stroke-width:1;stroke-dasharray:3 3}"
    ".whisker{stroke:#444;stroke-width:1.6;fill:none}.dot{fill:#444}"
    ".tie .whisker{stroke:#111}.tie .dot{fill:#111}"
    ".own .whisker{stroke:#000;stroke-width:2}.own .dot{fill:#000}"
    ".truth{fill:#fff;stroke:#000;stroke-width:1.3}.band{fill:#d9d9d9}"
    ".c1{fill:#5f5f5f}.c2{fill:#b5b5b5}.c3{fill:#e6e6e6}.c4{fill:#9a9a9a}.c5{fill:#2f2f2f}"
    ".n1{fill:#e6e6e6}.n2{fill:#c9c9c9}.on-n1,.on-n2{fill:#111}"
    ".on-c1,.on-c5{fill:#fff}.on-c2,.on-c3,.on-c4{fill:#111}.hatch{stroke:#888;stroke-width:1.4}"
    ".dk{fill:#fff;stroke:#888}.mid{stroke:#111;stroke-width:1.6}"
)


@dataclass(frozen=True)
class Axis:
    """A piece of a scale: low … high in the figure's unit, with ticks at round values."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """0–1 along the axis; values outside are kept at its ends."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    @property
    def is_cut(self) -> bool:
        """Whether the axis shows less than 0–100."""
        return self.low > 0 or self.high < 100


@dataclass(frozen=True)
class Pen:
    """Where to draw: a page (width None: percentages) or a standalone picture `width` px wide.

    margin : room on both sides of a picture for what stands at the ends of the axis
    """

    width: float | None = None
    margin: float = 14.0

    def x(self, fraction: float) -> str:
        """A horizontal place or length."""
        return f"{fraction * 100:.2f}%" if self.width is None else f"{fraction * self.width:.2f}"

    def picture(self, height: float, body: str, name: str = "") -> str:
        """The svg element around a body."""
        if self.width is None:
            return (
                f'<svg class="chart {name}" width="100%" height="{height:g}" aria-hidden="true" '
                f'focusable="false">{body}</svg>'
            )
        whole = self.width + 2 * self.margin
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart {name}" width="{whole:g}" '
            f'height="{height:g}" viewBox="{-self.margin:g} 0 {whole:g} {height:g}">'
            f"<style>{PRINT_STYLE}</style>{body}</svg>"
        )


PAGE = Pen()


def make_axis(lows: Sequence[float], highs: Sequence[float], *, most_ticks: int = 6) -> Axis:
    """The shortest axis with round ends inside 0–100 that holds all values; 0–100 without any."""
    known = [v for v in (*lows, *highs) if v is not None and math.isfinite(v)]
    if not known:
        return Axis(0.0, 100.0, (0, 25, 50, 75, 100))
    first, last = min(known), max(known)
    for step in (1, 2, 5, 10, 20, 25):
        low = max(math.floor(first / step) * step, 0)
        high = min(math.ceil(last / step) * step, 100)
        if high == low:
            low, high = max(low - step, 0), min(high + step, 100)
        if (high - low) / step <= most_ticks - 1:
            break
    ticks = [low + i * step for i in range(int((high - low) / step) + 1)]
    return Axis(float(low), float(high), tuple(map(float, ticks)))


def whisker(
    axis: Axis,
    *,
    estimate: float,
    low: float,
    high: float,
    mean: float | None = None,
    truth: float | None = None,
    emphasis: str = "",
    pen: Pen = PAGE,
    height: int = ROW,
) -> str:
    """One row of dot and whiskers with gridlines, the dashed mean and, in a simulation, the hollow truth."""
    middle = height / 2
    body = _grid(axis, pen, height) + _mean(axis, mean, pen, 0, height)
    a, b, c = (pen.x(axis.place(v)) for v in (low, high, estimate))
    body += f'<g class="{escape(emphasis)}">'
    body += line("whisker", a, middle, b, middle)
    body += line("whisker", a, middle - 5, a, middle + 5) + line("whisker", b, middle - 5, b, middle + 5)
    body += f'<circle class="dot" cx="{c}" cy="{middle:g}" r="{5.5 if emphasis == "own" else 4.5}"/></g>'
    if truth is not None:
        body += f'<circle class="truth" cx="{pen.x(axis.place(truth))}" cy="{middle:g}" r="3.6"/>'
    return pen.picture(height, body, "chart-row")


def empty_row(axis: Axis, *, mean: float | None = None, pen: Pen = PAGE, height: int = ROW) -> str:
    """The row of a suppressed figure: gridlines and the mean only."""
    body = _grid(axis, pen, height) + _mean(axis, mean, pen, 0, height)
    return pen.picture(height, body, "chart-row")


def axis_row(axis: Axis, *, mean: float | None = None, mean_text: str = "", pen: Pen = PAGE) -> str:
    """The head of a league: tick labels, and the mean's label above its line."""
    body = "".join(
        f'<text x="{pen.x(axis.place(tick))}" y="38" text-anchor="middle">{tick:g}</text>'
        for tick in axis.ticks
    )
    if mean is not None:
        at = axis.place(mean)
        anchor = "start" if at < 0.12 else "end" if at > 0.88 else "middle"
        body += (
            f'<text class="strong" x="{pen.x(at)}" y="16" text-anchor="{anchor}">{escape(mean_text)}</text>'
        )
    return pen.picture(44, body, "chart-axis")


def strip(
    axis: Axis,
    *,
    estimate: float,
    low: float,
    high: float,
    interval_text: str,
    mean: float | None = None,
    mean_text: str = "",
    truth: float | None = None,
    pen: Pen = PAGE,
) -> str:
    """The headline's own scale: band, whiskers, dot, its interval in figures, and the mean beside it."""
    base = 60
    body = line("axis", pen.x(0), base, pen.x(1), base)
    for tick in axis.ticks:
        at = pen.x(axis.place(tick))
        body += line("axis", at, base - 5, at, base + 5)
        body += f'<text x="{at}" y="{base + 28}" text-anchor="middle">{tick:g}</text>'
    a, b = axis.place(low), axis.place(high)
    body += f'<rect class="band" x="{pen.x(a)}" y="{base - 11}" width="{pen.x(b - a)}" height="22"/>'
    body += _mean(axis, mean, pen, 20, base + 15)
    body += '<g class="own">'
    for end in (a, b):
        body += line("whisker", pen.x(end), base - 15, pen.x(end), base + 15)
    body += f'<circle class="dot" cx="{pen.x(axis.place(estimate))}" cy="{base}" r="8"/></g>'
    body += label(pen, (a + b) / 2, 38, interval_text, "strong")
    if mean is not None:
        body += label(pen, axis.place(mean), 14, mean_text, "")
    if truth is not None:
        body += f'<circle class="truth" cx="{pen.x(axis.place(truth))}" cy="{base}" r="4"/>'
    return pen.picture(92, body, "chart-strip")


def diverging_extent(rows: Sequence[Sequence[float]]) -> float:
    """Half the width that diverging bars need: the widest side of any row, from the middle."""
    sides = [side for shares in rows for side in _sides(shares)]
    return max([*sides, 0.05])


def _sides(shares: Sequence[float]) -> tuple[float, float]:
    half = len(shares) // 2
    centre = shares[half] / 2 if len(shares) % 2 else 0.0
    return sum(shares[:half]) + centre, sum(shares[len(shares) - half :]) + centre


def diverging(shares: Sequence[float], *, extent: float, pen: Pen = PAGE, height: int = ROW) -> str:
    """One bar, worst answer left, centred on the middle of the middle answer (between two for an even scale).

    shares : 0–1, summing to 1, worst first; extent : from `diverging_extent` over all rows of the chart
    """
    left, _right = _sides(shares)
    x = 0.5 - left / (2 * extent)
    body = ""
    for share, colour in _merged(shares):
        body += _segment(pen, x, share / (2 * extent), share, colour, height)
        x += share / (2 * extent)
    body += line("mid", pen.x(0.5), 0, pen.x(0.5), 5) + line(
        "mid", pen.x(0.5), height - 5, pen.x(0.5), height
    )
    return pen.picture(height, body, "chart-bars")


def _merged(shares: Sequence[float]) -> list[tuple[float, str]]:
    """Shares with their colours; neighbours of one colour (a scale of many answers) become one segment."""
    segments: list[tuple[float, str]] = []
    for share, colour in zip(shares, colours(len(shares)), strict=True):
        if segments and segments[-1][1] == colour:
            segments[-1] = (segments[-1][0] + share, colour)
        else:
            segments.append((share, colour))
    return segments


def stacked(shares: Sequence[float], in_top: Sequence[bool], *, pen: Pen = PAGE, height: int = ROW) -> str:
    """One bar of 100 % for answers without an order: those that count dark, first; the others light."""
    order = sorted(range(len(shares)), key=lambda i: not in_top[i])
    body, x = "", 0.0
    for place, i in enumerate(order):
        body += _segment(pen, x, shares[i], shares[i], stacked_colour(place, in_top[i]), height)
        x += shares[i]
    return pen.picture(height, body, "chart-bars")


def stacked_colour(place: int, in_top: bool) -> str:
    """Class of the answer at a place of a stacked bar."""
    if in_top:
        return "c5" if place == 0 else "c4"
    return ("n1", "n2")[place % 2]


def dont_know(share: float, *, most: float, pen: Pen = PAGE, height: int = ROW) -> str:
    """不了解 on a scale of its own, hatched: `most` fills the width."""
    width = min(share / most, 1.0) if most > 0 else 0.0
    body = f'<rect class="dk" x="0" y="8" width="{pen.x(width)}" height="{height - 16}"/>'
    n = int(width * 12)
    for i in range(n):
        at = (i + 0.5) / 12
        body += line("hatch", pen.x(at), 10, pen.x(max(at - 0.03, 0)), height - 10)
    return pen.picture(height, body, "chart-dk")


def colours(n: int) -> list[str]:
    """Classes of n ordered answers, worst first: brown to teal, the middle one grey for odd n."""
    known = {
        1: ["c5"],
        2: ["c2", "c5"],
        3: ["c1", "c3", "c5"],
        4: ["c1", "c2", "c4", "c5"],
        5: ["c1", "c2", "c3", "c4", "c5"],
    }
    if n in known:
        return known[n]
    half = n // 2
    low = ["c1" if i < half / 2 else "c2" for i in range(half)]
    high = ["c4" if i < half / 2 else "c5" for i in range(half)]
    return low + (["c3"] if n % 2 else []) + high


def _segment(pen: Pen, x: float, width: float, share: float, colour: str, height: int) -> str:
    if share <= 0:
        return ""
    body = f'<rect class="{colour}" x="{pen.x(x)}" y="6" width="{pen.x(width)}" height="{height - 12}"/>'
    if share >= 0.04:
        narrow = " narrow" if share < 0.09 else ""
        body += (
            f'<text class="on-{colour}{narrow}" x="{pen.x(x + width / 2)}" y="{height / 2 + 4.5:g}" '
            f'text-anchor="middle">{share * 100:.0f}</text>'
        )
    return body


def _grid(axis: Axis, pen: Pen, height: float) -> str:
    return "".join(
        line("grid", pen.x(axis.place(tick)), 0, pen.x(axis.place(tick)), height) for tick in axis.ticks
    )


def _mean(axis: Axis, mean: float | None, pen: Pen, top: float, bottom: float) -> str:
    if mean is None:
        return ""
    at = pen.x(axis.place(mean))
    return line("mean", at, top, at, bottom)


def label(pen: Pen, at: float, y: float, text: str, name: str) -> str:
    """A text at a fraction of the width; near the ends it keeps inside."""
    anchor = "start" if at < 0.15 else "end" if at > 0.85 else "middle"
    return f'<text class="{name}" x="{pen.x(at)}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def line(name: str, x1: str, y1: float, x2: str, y2: float) -> str:
    """A straight line of a class."""
    return f'<line class="{name}" x1="{x1}" y1="{y1:g}" x2="{x2}" y2="{y2:g}"/>'
