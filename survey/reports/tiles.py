"""Regions as a tree of tiles: districts, and in each its streets, always in the same order. No database.

A tile is tinted only where the test against the whole is claimed; the word on it says the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from survey.reports.reading import Link, Reading, is_tested

RowAddress = Callable[[str], str]
OPEN, CLOSED = "open", "closed"
MOST_OPEN = 40  # tiles of a page before districts are folded


@dataclass(frozen=True)
class Tile:
    """One region. `side`: above, below, near or hidden; `own`: the page's place."""

    key: str
    label: str
    side: str
    value: str
    half: str
    n: str
    words: str
    title: str
    own: bool
    url: str
    opens: bool


@dataclass(frozen=True)
class Branch:
    """A district with its streets; `head` is None where the league has no districts.

    `fold`: "open" or "closed" where there are too many tiles to show them all at once, else "".
    """

    head: Tile | None
    tiles: list[Tile]
    fold: str


def tile_tree(reading: Reading, code: str, key: str, link: Link, row_address: RowAddress) -> list[Branch]:
    """The district of a place, or all of them, each with its streets in the order of their codes.

    row_address : where the row of a place stands, for places that the reader may not open
    """
    kind = reading.domains[key]["kind"]
    districts = reading.of_kind("district")
    if kind == "district":
        districts = [d for d in districts if d["key"] == key]
    elif kind == "street":
        districts = [d for d in districts if d["key"] == reading.domains[key]["parent"]]
    many = kind != "street" and len(reading.of_kind("district")) > 1
    branches = [
        Branch(
            head=_tile(reading, code, d["key"], key, link, row_address) if many else None,
            tiles=[
                _tile(reading, code, street["key"], key, link, row_address)
                for street in sorted(reading.of_kind("street", d["key"]), key=lambda s: s["key"])
            ],
            fold="",
        )
        for d in sorted(districts, key=lambda d: d["key"])
    ]
    if not many or sum(len(branch.tiles) for branch in branches) <= MOST_OPEN:
        return branches
    mine = [any(tile.opens for tile in branch.tiles) for branch in branches]
    opened = mine if not all(mine) else [False] * len(mine)
    return [
        replace(branch, fold=OPEN if is_open else CLOSED)
        for branch, is_open in zip(branches, opened, strict=True)
    ]


def _tile(reading: Reading, code: str, place: str, own: str, link: Link, row_address: RowAddress) -> Tile:
    domain = reading.domains[place]
    figure = reading.figure(code, place)
    comparison = reading.comparison(code, domain["kind"])
    against = comparison["against_all"].get(place)
    side = "hidden" if not figure.shown else "near"
    if figure.shown and against and against["differs"]:
        side = "above" if against["difference"] > 0 else "below"
    near = _("分不出高低") if is_tested(comparison) else ""
    words = {"above": _("高于平均"), "below": _("低于平均"), "near": near, "hidden": ""}[side]
    values = {
        "place": domain["label"],
        "value": figure.value_text,
        "unit": figure.unit,
        "interval": figure.interval_text,
        "n": figure.n_text,
    }
    title = (
        _("%(place)s：%(value)s %(unit)s，95%% 区间 %(interval)s，%(n)s 份答卷") % values
        if figure.shown
        else _("%(place)s：%(why)s") % {"place": domain["label"], "why": figure.reason}
    )
    url = link(place)
    return Tile(
        key=place,
        label=domain["label"],
        side=side,
        value=figure.value_text if figure.shown else figure.short,
        half=f"± {figure.half_text}" if figure.shown else "",
        n=figure.n_text if figure.shown else "",
        words=words,
        title=title,
        own=place == own,
        url=url or row_address(place),
        opens=url is not None,
    )
