"""The hash trees of a frame as its households are in the database now: one community in memory at a time."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from django.db.models import Count

from survey.regions.models import Region
from survey.sampling.lines import COLLECTIVE, FAMILY
from survey.sampling.models import FrameCommunity, FrameUnit, FrameVersion
from survey.sampling.tree import community_record, household_line, leaf_hash, tree_root

LINES_READ = 4000


class CommunityRoot(NamedTuple):
    """One community's record of "minyi-frame-2". `root`: 64 hex characters."""

    community_id: int
    code: str
    name: str
    n_family: int
    n_collective: int
    root: str

    @property
    def leaf(self) -> bytes:
        """Its leaf in the frame's tree."""
        return leaf_hash(
            community_record(
                community_code=self.code,
                n_family=self.n_family,
                n_collective=self.n_collective,
                root=bytes.fromhex(self.root),
            )
        )


class StoredLine(NamedTuple):
    """One household's line in the public form of the frame."""

    opaque_id: str
    kind: str
    commitment: str

    def leaf(self, community_code: str) -> bytes:
        """Its leaf in the community's tree."""
        return leaf_hash(
            household_line(
                opaque_id=self.opaque_id,
                community_code=community_code,
                kind=self.kind,
                commitment=self.commitment,
            )
        )


def community_lines(frame: FrameVersion, community_id: int) -> Iterator[StoredLine]:
    """The lines of one community as they are stored now, in the order of their opaque ids."""
    for _community_id, line in _lines(frame, [community_id]):
        yield line


def _lines(frame: FrameVersion, community_ids: Sequence[int]) -> Iterator[tuple[int, StoredLine]]:
    """(community, line), by community as numbered in the table and then by opaque id.

    Sorted here: asked to sort a single community, SQLite would read the whole frame in the order of its ids.
    """
    rows = FrameUnit.objects.filter(frame=frame, community__in=community_ids).order_by()
    columns = rows.values_list("community_id", "opaque_id", "is_collective", "commitment")
    # Not iterator(): outside a transaction PostgreSQL would write the whole result down first.
    for community_id, opaque_id, is_collective, commitment in sorted(columns, key=itemgetter(0, 1)):
        yield community_id, StoredLine(str(opaque_id), COLLECTIVE if is_collective else FAMILY, commitment)


def community_roots(frame: FrameVersion) -> Iterator[CommunityRoot]:
    """Every community with households, by code, computed from the households stored now.

    Small communities are read together, a large one alone: memory is that of the largest.
    """
    for places in _together(frame):
        names = {place.community_id: place for place in places}
        roots = {}
        for community_id, lines in groupby(_lines(frame, list(names)), key=itemgetter(0)):
            place = names[community_id]
            leaves, n_collective = [], 0
            for _same, line in lines:
                leaves.append(line.leaf(place.code))
                n_collective += line.kind == COLLECTIVE
            root = tree_root(leaves).hex()
            roots[community_id] = CommunityRoot(
                community_id, place.code, place.name, len(leaves) - n_collective, n_collective, root
            )
        yield from (roots[community_id] for community_id in names if community_id in roots)


class _Place(NamedTuple):
    community_id: int
    code: str
    name: str
    n: int


def _together(frame: FrameVersion) -> Iterator[list[_Place]]:
    """Communities with households, by code, in groups of at most LINES_READ households."""
    counts = FrameUnit.objects.filter(frame=frame).order_by().values("community").annotate(n=Count("pk"))
    n_of = dict(counts.values_list("community", "n"))
    regions = Region.objects.filter(pk__in=list(n_of)).order_by("code")
    group: list[_Place] = []
    for community_id, code, name in regions.values_list("pk", "code", "name"):
        place = _Place(community_id, code, name, n_of[community_id])
        if group and sum(other.n for other in group) + place.n > LINES_READ:
            yield group
            group = []
        group.append(place)
    if group:
        yield group


def recorded_roots(frame: FrameVersion) -> list[CommunityRoot]:
    """The communities as they were recorded when the frame was imported, by code."""
    rows = frame.trees.order_by("community__code").values_list(
        "community", "community__code", "community__name", "n_family", "n_collective", "root"
    )
    return [CommunityRoot(*row) for row in rows]


def record_roots(frame: FrameVersion, roots: Sequence[CommunityRoot]) -> None:
    """Store the communities of a frame that is being made, and its hash. Does not save the frame."""
    FrameCommunity.objects.bulk_create(
        [
            FrameCommunity(
                frame=frame,
                community_id=root.community_id,
                n_family=root.n_family,
                n_collective=root.n_collective,
                root=root.root,
            )
            for root in roots
        ],
        batch_size=1000,
    )
    frame.n_communities = len(roots)
    frame.frame_hash = frame_root(roots)


def frame_root(communities: Iterable[CommunityRoot]) -> str:
    """The frame's hash over its communities in the order of their codes; 64 hex characters."""
    return tree_root([community.leaf for community in communities]).hex()
