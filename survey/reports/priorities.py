"""What to fix first: importance against performance, with the doubt in both. No database."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from survey.reports import charts, plots
from survey.reports.changing import place_of
from survey.reports.plots import Matter
from survey.reports.reading import Reading
from survey.reports.story import FIX_FIRST, driver_name

CORNERS = (FIX_FIRST, "keep_up", "low_priority", "possible_excess")


@dataclass(frozen=True)
class Priority:
    """One matter in figures."""

    number: int
    name: str
    performance: str
    performance_interval: str
    importance: str
    importance_interval: str
    n: str
    quarter: str
    is_first: bool


@dataclass(frozen=True)
class Priorities:
    """The quadrants of a place. `place`: where they were worked out, which may be a level above."""

    title: str
    place: str
    is_own: bool
    chart: str
    axis_note: str
    rows: list[Priority]
    first: list[Priority]
    explained: str


def priorities_of(reading: Reading, key: str) -> Priorities | None:
    """What to fix first in a place, or in what it belongs to; None where the report has no drivers."""
    section = reading.document.get("drivers")
    if not section:
        return None
    usable = {place: found for place, found in section["domains"].items() if "refused" not in found}
    place = place_of(reading, key, usable)
    if place is None:
        return None
    found = usable[place]
    ordered = sorted(found["drivers"], key=lambda d: (not _first(d), -d["importance"]))
    rows = [_priority(reading, number, driver) for number, driver in enumerate(ordered, start=1)]
    first = [row for row in rows if row.is_first]
    outcome = driver_name(reading, {"name": section["outcome"]})
    chart, note = _chart(found, ordered)
    return Priorities(
        title=_title(first),
        place=reading.domains[place]["label"],
        is_own=place == key,
        chart=chart,
        axis_note=note,
        rows=rows,
        first=first,
        explained=_("这些事合起来，能解释“%(outcome)s”高低的 %(share).0f%%（%(n)s 份答卷）。")
        % {"outcome": outcome, "share": found["r2"] * 100, "n": f"{found['n']:,}"},
    )


def _first(driver: dict[str, Any]) -> bool:
    return driver["sure"] and driver["quadrant"] == FIX_FIRST


def _title(first: list[Priority]) -> str:
    if not first:
        return _("先办哪件：这一轮还分不清")
    return _("先办：%s") % _("、").join(row.name for row in first[:3])


def quarter_words(quadrant: str) -> str:
    """The name of a quarter."""
    return {
        FIX_FIRST: _("先办"),
        "keep_up": _("保持住"),
        "low_priority": _("排在后面"),
        "possible_excess": _("够好了"),
    }[quadrant]


def _priority(reading: Reading, number: int, driver: dict[str, Any]) -> Priority:
    shares = [driver[f"importance{end}"] * 100 for end in ("", "_low", "_high")]
    points = [driver[f"performance{end}"] for end in ("", "_low", "_high")]
    return Priority(
        number=number,
        name=driver_name(reading, driver),
        performance=f"{points[0]:.1f} ± {max(points[2] - points[0], points[0] - points[1]):.1f}",
        performance_interval=f"{points[1]:.1f}–{points[2]:.1f}",
        importance=f"{shares[0]:.0f}%",
        importance_interval=f"{shares[1]:.0f}–{shares[2]:.0f}%",
        n=f"{driver['n']:,}",
        quarter=quarter_words(driver["quadrant"]) if driver["sure"] else _("还说不准"),
        is_first=_first(driver),
    )


def _chart(found: dict[str, Any], ordered: list[dict[str, Any]]) -> tuple[str, str]:
    across = charts.make_axis(
        [*(d["performance_low"] for d in ordered), found["performance_line"]],
        [*(d["performance_high"] for d in ordered), found["performance_line"]],
    )
    up = charts.make_axis(
        [0.0], [*(d["importance_high"] * 100 for d in ordered), found["importance_line"] * 100]
    )
    matters = [
        Matter(
            number=number,
            performance=tuple(d[f"performance{end}"] for end in ("", "_low", "_high")),
            importance=tuple(d[f"importance{end}"] * 100 for end in ("", "_low", "_high")),
            sure=d["sure"],
            first=d["quadrant"] == FIX_FIRST,
        )
        for number, d in enumerate(ordered, start=1)
    ]
    lines = (found["performance_line"], found["importance_line"] * 100)
    corners = tuple(quarter_words(name) for name in CORNERS)
    note = _("横轴：得分 %(low)g 到 %(high)g。纵轴：影响 0%% 到 %(top)g%%。") % {
        "low": across.low,
        "high": across.high,
        "top": up.high,
    }
    return plots.quadrants(matters, across, up, lines, corners), note
