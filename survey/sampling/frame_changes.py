"""How a frame's communities differ in size from those of the frame before it, of the same region."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q

from survey.regions.models import Region
from survey.sampling.frame_trees import CommunityRoot
from survey.sampling.models import FrameVersion

LISTED = 50
# A community that grew or shrank by a fifth, and by twenty households, is worth a question to its office.
LARGE_SHARE, LARGE_NUMBER = 0.2, 20


def changes_since_last(frame: FrameVersion, roots: Sequence[CommunityRoot]) -> dict[str, Any] | None:
    """Family households by community, now and in the region's last finished frame; None for the first one.

    Keys: since ({number, name, date}), family_then, family_now, n_changed, n_large (by a fifth and by twenty
    households or more), n_appeared and n_gone (communities that had or have none), largest ([{code, name,
    then, now, change}], at most 50, the largest change first).
    """
    earlier = (
        FrameVersion.objects.ready().filter(region=frame.region, number__lt=frame.number).first()
    )  # ordered by number, the newest first
    if earlier is None:
        return None
    then, now = family_sizes(earlier), {root.community_id: root.n_family for root in roots}
    changed = {
        place: now.get(place, 0) - then.get(place, 0)
        for place in then.keys() | now.keys()
        if now.get(place, 0) != then.get(place, 0)
    }
    names = {pk: (code, name) for pk, code, name in _named(changed)}
    order = sorted(changed, key=lambda place: (-abs(changed[place]), names[place][0]))
    return {
        "since": {"number": earlier.number, "name": earlier.name, "date": f"{earlier.created_at:%Y-%m-%d}"},
        "family_then": sum(then.values()),
        "family_now": sum(now.values()),
        "n_changed": len(changed),
        "n_large": sum(_is_large(then.get(place, 0), change) for place, change in changed.items()),
        "n_appeared": sum(not then.get(place) for place in changed),
        "n_gone": sum(not now.get(place) for place in changed),
        "largest": [
            {
                "code": names[place][0],
                "name": names[place][1],
                "then": then.get(place, 0),
                "now": now.get(place, 0),
                "change": changed[place],
            }
            for place in order[:LISTED]
        ],
    }


def _named(places: dict[int, int]) -> list[tuple[int, str, str]]:
    return list(Region.objects.filter(pk__in=list(places)).values_list("pk", "code", "name"))


def _is_large(then: int, change: int) -> bool:
    return abs(change) >= LARGE_NUMBER and abs(change) >= LARGE_SHARE * then


def family_sizes(frame: FrameVersion) -> dict[int, int]:
    """Community → family households; communities with none may be missing."""
    recorded = dict(frame.trees.order_by().values_list("community", "n_family"))
    if recorded:
        return recorded
    family = Count("pk", filter=Q(is_collective=False))
    return dict(frame.units.order_by().values("community").annotate(n=family).values_list("community", "n"))
