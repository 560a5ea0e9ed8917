"""The tiles of a page as a map, where somebody loaded borders: the same tints, the same words."""

from collections.abc import Sequence

from survey.regions.maps import Mark, RegionMap, region_map
from survey.reports.tiles import Branch, Tile


def place_map(branches: Sequence[Branch]) -> RegionMap | None:
    """Streets, else districts, of a page's tiles; None without borders of them, or of one place alone."""
    heads = {branch.head.key: _mark(branch.head) for branch in branches if branch.head}
    streets = {tile.key: _mark(tile) for branch in branches for tile in branch.tiles}
    found = region_map(streets, around=heads) if len(streets) > 1 else None
    if found is None and len(heads) > 1:
        found = region_map(heads)
    return found


def _mark(tile: Tile) -> Mark:
    figure = f"{tile.value} {tile.half}".strip()
    return Mark(tile.label, tile.side, "，".join(filter(None, (figure, tile.words))), tile.url, tile.own)
