"""The public form of a frame: community, opaque id, kind and commitment of each household, and no address.

Header `community_code,opaque_id,kind,commitment`; lines by community code, then by opaque id. Read from the
database a community at a time, so that memory stays flat however large the frame is.
"""

import zlib
from collections.abc import Iterable, Iterator

from survey.sampling.frame_trees import community_lines
from survey.sampling.models import FrameVersion

HEADER = "community_code,opaque_id,kind,commitment\n"
GZIP = 31  # zlib's window bits for a gzip stream with the largest window
CHUNK = 1 << 16


def frame_lines(frame: FrameVersion, community_code: str | None = None) -> Iterator[str]:
    """The header and a line for each household of the frame, or of one of its communities."""
    yield HEADER
    places = frame.trees.order_by("community__code").values_list("community_id", "community__code")
    if community_code is not None:
        places = places.filter(community__code=community_code)
    for community_id, code in places:
        for line in community_lines(frame, community_id):
            yield f"{code},{line.opaque_id},{line.kind},{line.commitment}\n"


def in_chunks(lines: Iterable[str]) -> Iterator[bytes]:
    """The lines in pieces of about 64 kB, as a network likes them."""
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= CHUNK:
            yield "".join(held).encode()
            held, size = [], 0
    yield "".join(held).encode()


def gzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same as a gzip stream; without a time in it, so that the same frame gives the same bytes."""
    packer = zlib.compressobj(6, zlib.DEFLATED, GZIP)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
