"""The hash trees of a frame as its households are in the database now: one community in memory at a time."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from survey.regions.models import Region
from survey.sampling.lines import COLLECTIVE, FAMILY
from survey.sampling.models import FrameCommunity, FrameUnit, FrameVersion
from survey.sampling.tree import community_record, household_line, leaf_hash, tree_root

LINES_READ = 2000


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
    """The lines of one community as they are stored now, in the order of their opaque ids.

    Both databases sort ids as their text: PostgreSQL by the bytes, SQLite keeps the 32 digits themselves.
    """
    rows = FrameUnit.objects.filter(frame=frame, community=community_id).order_by("opaque_id")
    columns = rows.values_list("opaque_id", "is_collective", "commitment")
    for opaque_id, is_collective, commitment in columns.iterator(chunk_size=LINES_READ):
        yield StoredLine(str(opaque_id), COLLECTIVE if is_collective else FAMILY, commitment)


def community_roots(frame: FrameVersion) -> Iterator[CommunityRoot]:
    """Every community with households, by code, computed from the households stored now."""
    present = FrameUnit.objects.filter(frame=frame).order_by().values_list("community", flat=True).distinct()
    places = Region.objects.filter(pk__in=present).values_list("pk", "code", "name")
    for community_id, code, name in sorted(places, key=lambda place: place[1]):
        leaves, n_collective = [], 0
        for line in community_lines(frame, community_id):
            leaves.append(line.leaf(code))
            n_collective += line.kind == COLLECTIVE
        root = tree_root(leaves).hex()
        yield CommunityRoot(community_id, code, name, len(leaves) - n_collective, n_collective, root)


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
