"""The map beside a report's tiles."""

from collections.abc import Sequence

from django import template

from survey.regions.maps import RegionMap
from survey.reports.place_map import place_map
from survey.reports.tiles import Branch

register = template.Library()


@register.simple_tag
def map_of(branches: Sequence[Branch]) -> RegionMap | None:
    """The map of a page's tiles; None where nobody loaded their borders."""
    return place_map(branches)
