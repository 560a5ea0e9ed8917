"""How many households a frame holds in each community."""

from typing import NamedTuple

from django.db.models import Count, Q

from survey.sampling.models import FrameVersion


class CommunityCount(NamedTuple):
    """One community of a frame: family households, and those in dormitories and the like."""

    code: str
    name: str
    path: str
    family: int
    collective: int


def community_counts(frame: FrameVersion) -> list[CommunityCount]:
    """The communities of a frame by code. Frames since release 2 keep the counts; an older one is counted."""
    stored = frame.trees.order_by("community__code").values_list(
        "community__code", "community__name", "community__path", "n_family", "n_collective"
    )
    rows = stored or (
        frame.units.order_by()
        .values("community")
        .annotate(
            family=Count("pk", filter=Q(is_collective=False)),
            others=Count("pk", filter=Q(is_collective=True)),
        )
        .order_by("community__code")
        .values_list("community__code", "community__name", "community__path", "family", "others")
    )
    return [CommunityCount(*row) for row in rows]
