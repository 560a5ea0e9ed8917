"""How people answered each item: diverging bars with 不了解 apart. No database."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from survey.reports import charts
from survey.reports.charts import PAGE, Pen
from survey.reports.domains import ALL
from survey.reports.reading import Reading
from survey.reports.words import in_language, suppressed_short, suppressed_words

LONGEST_LEGEND = 7  # a scale of more answers is described by its ends


@dataclass(frozen=True)
class Bar:
    """One place's answers to one item."""

    label: str
    heading: str  # starts a group: 按年龄
    reason: str
    chart: str
    unsure_chart: str
    unsure_text: str
    shares_text: list[str]
    top_text: str
    n_text: str


@dataclass(frozen=True)
class ItemChart:
    """One item: wording, legend, bars."""

    name: str
    text: str
    ordinal: bool
    legend: list[tuple[str, str]]  # (colour class, answer)
    answers: list[str]
    top_answers: str
    bars: list[Bar]


def item_charts(
    reading: Reading,
    code: str,
    key: str,
    pen: Pen = PAGE,
    height: int = charts.ROW,
    allowed: Collection[str] | None = None,
) -> list[ItemChart]:
    """A chart for each item of an indicator: this place, the whole, its parts, sexes and ages.

    allowed : regions whose answers in detail the reader may see as parts; None for all
    """
    found = []
    for item in reading.indicators[code]["definition"].get("items", []):  # a composite has none
        data = reading.document["distributions"].get(item["name"])
        if data:
            places = [
                (heading, place)
                for heading, place in _places(reading, key, allowed)
                if place == key or place in data["domains"]  # a file's document is cut to its reader
            ]
            found.append(_item_chart(reading, item["name"], data, places, pen, height))
    return found


def _item_chart(
    reading: Reading, name: str, data: dict[str, Any], picked: list[tuple[str, str]], pen: Pen, height: int
) -> ItemChart:
    wording = reading.document["items"][name]
    labels = {choice["code"]: in_language(choice["label"]) for choice in wording["choices"]}
    answers = [labels[code] for code in data["levels"]]
    cells = [data["domains"].get(place, {"suppressed": "masked"}) for _heading, place in picked]
    shown = [cell for cell in cells if "suppressed" not in cell]
    extent = charts.diverging_extent([cell["shares"] for cell in shown]) if shown else 1.0
    most = max([cell["dont_know"]["estimate"] or 0 for cell in shown] + [0.05])
    in_top = [code in data["top"] for code in data["levels"]]

    def draw(shares: list[float]) -> str:
        if data["ordinal"]:
            return charts.diverging(shares, extent=extent, pen=pen, height=height)
        return charts.stacked(shares, in_top, pen=pen, height=height)

    bars = [
        _bar(reading, place, heading, cell, draw, most, pen)
        for (heading, place), cell in zip(picked, cells, strict=True)
    ]
    return ItemChart(
        name=name,
        text=in_language(wording["label"]),
        ordinal=data["ordinal"],
        legend=_legend(answers, data["ordinal"], in_top),
        answers=answers,
        top_answers=_("、").join(labels[code] for code in data["top"] if code in labels),
        bars=bars,
    )


def _places(reading: Reading, key: str, allowed: Collection[str] | None) -> list[tuple[str, str]]:
    """(group heading, domain key) of the bars."""
    return [
        (heading, place)
        for heading, place in _all_places(reading, key)
        if allowed is None or not heading or not place.isdigit() or place in allowed
    ]


def _all_places(reading: Reading, key: str) -> list[tuple[str, str]]:
    kind = reading.domains[key]["kind"]
    if kind == "street":
        return [("", key), ("", reading.domains[key]["parent"]), ("", ALL)]
    if kind == "district":
        streets = [d["key"] for d in reading.of_kind("street", key)]
        return [("", key), ("", ALL), *[(_("各街道（镇）"), k) for k in streets]]
    districts = [d["key"] for d in reading.of_kind("district")]
    places = [("", ALL)]
    if len(districts) > 1:
        places += [(_("各区县"), k) for k in districts]
    places += [(_("按性别"), d["key"]) for d in reading.of_kind("sex")]
    return places + [(_("按年龄"), d["key"]) for d in reading.of_kind("age")]


def _bar(
    reading: Reading,
    place: str,
    heading: str,
    cell: dict[str, Any],
    draw: Callable[[list[float]], str],
    most: float,
    pen: Pen,
) -> Bar:
    label = reading.domains[place]["label"]
    if "suppressed" in cell:
        reason = suppressed_words(cell["suppressed"], reading.floor)
        short = suppressed_short(cell["suppressed"], reading.floor)
        return Bar(label, heading, reason, "", "", "—", [], "—", short)
    shares = cell["shares"]
    unsure = cell["dont_know"]["estimate"] or 0.0
    top = cell["top"]
    return Bar(
        label=label,
        heading=heading,
        reason="",
        chart=draw(shares),
        unsure_chart=charts.dont_know(unsure, most=most, pen=pen),
        unsure_text=f"{unsure * 100:.0f}%",
        shares_text=[f"{share * 100:.1f}%" for share in shares],
        top_text=_interval(top) if top else "",
        n_text=f"{cell['n']:,}",
    )


def _interval(share: dict[str, float | None]) -> str:
    """69.1%（66.4–71.7）"""
    if share["estimate"] is None:
        return "—"
    if share["low"] is None:
        return f"{share['estimate'] * 100:.1f}%"
    return f"{share['estimate'] * 100:.1f}%（{share['low'] * 100:.1f}–{share['high'] * 100:.1f}）"


def _legend(answers: list[str], ordinal: bool, in_top: list[bool]) -> list[tuple[str, str]]:
    if not ordinal:
        order = sorted(range(len(answers)), key=lambda i: not in_top[i])
        return [(charts.stacked_colour(place, in_top[i]), answers[i]) for place, i in enumerate(order)]
    palette = charts.colours(len(answers))
    if len(answers) <= LONGEST_LEGEND:
        return list(zip(palette, answers, strict=True))
    groups: dict[str, list[str]] = {}
    for colour, answer in zip(palette, answers, strict=True):
        groups.setdefault(colour, []).append(answer)
    return [(colour, "–".join(dict.fromkeys((found[0], found[-1])))) for colour, found in groups.items()]
