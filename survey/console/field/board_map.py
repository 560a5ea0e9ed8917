"""The board's streets as a map, where somebody loaded borders: the tiles' tints and counts."""

from typing import Any

from django.utils.translation import gettext as _

from survey.fieldwork.board import Tile
from survey.regions.maps import Mark, RegionMap, region_map


def board_map(districts: list[dict[str, Any]]) -> RegionMap | None:
    """`districts` as the board lists them; None without borders of any of their streets."""
    tiles = [row["tile"] for district in districts for row in district["streets"]]
    marks = {tile.community.code: _mark(tile) for tile in tiles}
    return region_map(marks, around=[district["region"].code for district in districts]) if marks else None


def _mark(tile: Tile) -> Mark:
    words = _("收回 {done} / {cases} 户").format(done=tile.n_done, cases=tile.n_cases)
    if tile.n_flags:
        words += _("，{n} 处疑点").format(n=tile.n_flags)
    return Mark(tile.short_name, str(tile.band), words, f"#street-{tile.community.pk}")
