"""Drawings of the page about weights, in the manner of `charts`. Pure."""

from collections.abc import Sequence

from survey.reports.charts import PAGE, ROW, Axis, line

HISTOGRAM_HEIGHT, FOOT = 150, 24  # px


def spread(axis: Axis, quartiles: Sequence[float]) -> str:
    """One step: whiskers from the smallest to the largest factor, a band over the middle half, the median.

    quartiles : smallest, lower quartile, median, upper quartile, largest
    """
    low, q1, median, q3, high = (axis.place(value) for value in quartiles)
    middle = ROW / 2
    body = _grid(axis) + f'<rect class="band" x="{PAGE.x(q1)}" y="{middle - 8:g}" '
    body += f'width="{PAGE.x(max(q3 - q1, 0.002))}" height="16"/>'
    body += '<g class="tie">' + line("whisker", PAGE.x(low), middle, PAGE.x(high), middle)
    for end in (low, high):
        body += line("whisker", PAGE.x(end), middle - 5, PAGE.x(end), middle + 5)
    body += f'<circle class="dot" cx="{PAGE.x(median)}" cy="{middle:g}" r="4.5"/></g>'
    return PAGE.picture(ROW, body, "chart-row")


def moved(axis: Axis, before: float | None, after: float) -> str:
    """One category: hollow where the answers stood (None: not told), filled where the weights put them."""
    b, middle = PAGE.x(axis.place(after)), ROW / 2
    body = _grid(axis) + '<g class="tie">'
    if before is not None:
        a = PAGE.x(axis.place(before))
        body += line("whisker", a, middle, b, middle)
        body += f'<circle class="hollow" cx="{a}" cy="{middle:g}" r="4.5"/>'
    body += f'<circle class="dot" cx="{b}" cy="{middle:g}" r="5.5"/></g>'
    return PAGE.picture(ROW, body, "chart-row")


def histogram(edges: Sequence[float], counts: Sequence[int], mean: float) -> str:
    """Final weights: a bar for each stretch, and their mean dashed."""
    bottom, most = HISTOGRAM_HEIGHT - FOOT, max([*counts, 1])
    low, high = edges[0], edges[-1]
    width = 1 / len(counts)
    body = ""
    for place, count in enumerate(counts):
        height = (bottom - 8) * count / most
        body += f'<rect class="rank-in" x="{PAGE.x(place * width + 0.002)}" y="{bottom - height:.1f}" '
        body += f'width="{PAGE.x(width - 0.004)}" height="{height:.1f}"/>'
    body += line("axis", "0%", bottom, "100%", bottom)
    if high > low:
        at = PAGE.x(min(max((mean - low) / (high - low), 0.0), 1.0))
        body += line("mean", at, 4, at, bottom)
    ends = ((low, "0%", "start"), ((low + high) / 2, "50%", "middle"), (high, "100%", "end"))
    for value, x, anchor in ends:
        body += f'<text x="{x}" y="{HISTOGRAM_HEIGHT - 4}" text-anchor="{anchor}">{value:,.0f}</text>'
    return PAGE.picture(HISTOGRAM_HEIGHT, body, "chart-histogram")


def _grid(axis: Axis) -> str:
    return "".join(
        line("grid", PAGE.x(axis.place(tick)), 0, PAGE.x(axis.place(tick)), ROW) for tick in axis.ticks
    )
