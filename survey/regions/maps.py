"""Maps of regions, drawn only from boundary files that somebody loaded together with their 审图号.

地图管理条例 (State Council decree 664, 2015) wants the number on every map that people are shown: it stands
under each picture, and a picture never joins two files.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import Count

from survey.regions.models import Boundary, BoundaryFile
from survey.regions.outlines import Drawing, Label, draw

MOST_DRAWN = 500  # on one page; a city's communities are thousands


@dataclass(frozen=True)
class Mark:
    """What a map says of one region: `tone` names its tint, `words` say the same, `url` opens it."""

    name: str
    tone: str
    words: str
    url: str = ""
    own: bool = False

    @property
    def short(self) -> str:
        """The name as people say it, for the picture."""
        spoken = self.name
        for suffix in ("街道办事处", "街道", "居委会", "村委会"):
            spoken = spoken.removesuffix(suffix) or spoken
        return spoken


@dataclass(frozen=True)
class Area:
    """One region on a map."""

    code: str
    mark: Mark
    path: str
    label: Label | None


@dataclass(frozen=True)
class RegionMap:
    """A map: viewBox 0 0 `width` `height`; `missing` are the marks without a border in the file."""

    width: int
    height: int
    areas: list[Area]
    frames: list[str]
    missing: list[Mark]
    approval_number: str


def region_map(marks: Mapping[str, Mark], *, around: Collection[str] = ()) -> RegionMap | None:
    """Regions by code, tinted by their marks; None where no loaded file has a border of any of them.

    Of several files the one with most of the regions is taken, of equal ones the newest.

    Parameters
    ----------
    around : codes of larger regions whose outlines are drawn above, where the same file has them.
    """
    file = _file_for(marks)
    if file is None:
        return None
    names = tuple(sorted(_names(marks)))
    frames = tuple(sorted(set(around) - set(marks)))
    drawing = _drawing(file.pk, file.content_hash, names, frames)
    areas = [
        Area(code, mark, drawing.paths[code], drawing.labels.get(code))
        for code, mark in marks.items()
        if code in drawing.paths
    ]
    return RegionMap(
        width=drawing.width,
        height=drawing.height,
        # The reader's own place comes last: its outline lies above its neighbours'.
        areas=sorted(areas, key=lambda area: area.mark.own),
        frames=[drawing.paths[code] for code in frames if code in drawing.paths],
        missing=[mark for code, mark in marks.items() if code not in drawing.paths],
        approval_number=file.approval_number,
    )


def file_map(file: BoundaryFile) -> RegionMap | None:
    """A file's finest level of at most `MOST_DRAWN` places, if it has one, for whoever checks it."""
    rows = list(file.boundaries.values_list("region__level", "region__code", "region__name"))
    for level in ("community", "street", "district", "city", "province"):
        marks = {code: Mark(name, "near", "") for found, code, name in rows if found == level}
        if 0 < len(marks) <= MOST_DRAWN:
            drawing = _drawing(file.pk, file.content_hash, tuple(sorted(_names(marks))), ())
            areas = [Area(c, m, drawing.paths[c], drawing.labels.get(c)) for c, m in marks.items()]
            return RegionMap(drawing.width, drawing.height, areas, [], [], file.approval_number)
    return None


def _names(marks: Mapping[str, Mark]) -> list[tuple[str, str]]:
    return [(code, mark.short) for code, mark in marks.items()]


def _file_for(codes: Collection[str]) -> BoundaryFile | None:
    shown = BoundaryFile.objects.shown().filter(boundaries__region__code__in=list(codes))
    return shown.annotate(n=Count("boundaries")).order_by("-n", "-loaded_at", "-pk").first()


@lru_cache(maxsize=64)
def _drawing(
    pk: int, content_hash: str, names: tuple[tuple[str, str], ...], frames: tuple[str, ...]
) -> Drawing:
    """A file never changes: what was drawn once is kept (the hash tells apart the files of two databases)."""
    codes = [*(code for code, _name in names), *frames]
    rows = Boundary.objects.filter(file=pk, file__content_hash=content_hash, region__code__in=codes)
    shapes: dict[str, Any] = dict(rows.order_by("region__path").values_list("region__code", "rings"))
    return draw(shapes, names=dict(names))
