"""The operator's check of a stored frame, with an entry in the audit log."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.errors import Problem
from survey.jobs.services import Progress
from survey.sampling.frame_check import (
    PUBLIC_HEADER,
    AlteredCommunity,
    AlteredHousehold,
    altered_communities,
    altered_households,
    differing_lines,
)
from survey.sampling.frame_trees import CommunityRoot, community_roots, frame_root
from survey.sampling.models import FrameVersion
from survey.sampling.services.frames import stored_frame_hash
from survey.sampling.tree import ALGORITHM

LISTED = 500
COMMUNITIES_TOLD = 100  # progress is said once for so many


@dataclass
class FrameCheck:
    """What a check found. At most 500 communities and households are listed; `n_…` count them all."""

    hash_matches: bool
    communities: list[AlteredCommunity] = field(default_factory=list)
    households: list[AlteredHousehold] = field(default_factory=list)
    n_communities: int = 0
    n_households: int = 0

    @property
    def is_sound(self) -> bool:
        return self.hash_matches and not (self.n_communities or self.n_households)

    @property
    def words(self) -> str:
        """The outcome in a sentence."""
        if self.is_sound:
            return _("没有改动：每一户都和导入时一样。")
        if not (self.n_communities or self.n_households):
            return _("整份名录的指纹和导入时不一样，可是各社区、各户都对得上：请核对各社区的户数。")
        return _("和导入时不一样：{communities} 个社区，{households} 户。").format(
            communities=self.n_communities, households=self.n_households
        )

    def as_json(self) -> dict[str, Any]:
        """For a job's result."""
        return {
            "is_sound": self.is_sound,
            "words": self.words,
            "hash_matches": self.hash_matches,
            "n_communities": self.n_communities,
            "n_households": self.n_households,
            "communities": [item._asdict() for item in self.communities],
            "households": [item._asdict() for item in self.households],
        }


def check_frame(
    *,
    frame: FrameVersion,
    acting_user: Actor,
    public_list: str | Path | None = None,
    progress: Progress | None = None,
) -> FrameCheck:
    """Open every line of a frame again, grow its trees again, and name what differs.

    Parameters
    ----------
    public_list : the frame as it was published (CSV): then also a forged line is named, household by
        household, and not only its community.

    Raises
    ------
    Problem common.busy, common.bad_file : the frame is being imported; the file is not a public frame.
    """
    if frame.state != FrameVersion.State.READY:
        raise Problem("common.busy", what=_("名录"))
    roots = list(_told(community_roots(frame), frame.n_communities, progress))
    found = frame_root(roots) if roots and frame.hash_algorithm == ALGORITHM else stored_frame_hash(frame)
    check = FrameCheck(hash_matches=found == frame.frame_hash)
    communities = altered_communities(frame, roots)
    check.communities = list(islice(communities, LISTED))
    check.n_communities = len(check.communities) + sum(1 for _more in communities)
    households = _all_households(frame, public_list, progress)
    check.households = list(islice(households, LISTED))
    check.n_households = len(check.households) + sum(1 for _more in households)
    if progress:
        progress.say(1.0, check.words)
    with transaction.atomic():
        record(
            action="sampling.frame.checked",
            acting_user=acting_user,
            target=frame,
            region_code=frame.region.code,
            detail={
                "number": frame.number,
                "is_sound": check.is_sound,
                "communities": check.n_communities,
                "households": check.n_households,
            },
        )
    return check


def _told(roots: Iterable[CommunityRoot], n: int, progress: Progress | None) -> Iterator[CommunityRoot]:
    """The same roots, saying how many are done. They take about a third of the work."""
    for done, root in enumerate(roots, start=1):
        yield root
        if progress and done % COMMUNITIES_TOLD == 0:
            message = _("已算 {count} 个社区的指纹").format(count=f"{done:,}")
            progress.say(0.3 * done / max(n, done), message)


def _all_households(
    frame: FrameVersion, public_list: str | Path | None, progress: Progress | None
) -> Iterator[AlteredHousehold]:
    def tell(done: int, n: int) -> None:
        if progress and done % COMMUNITIES_TOLD == 0:
            message = _("已逐户核对 {count} 个社区").format(count=f"{done:,}")
            progress.say(0.3 + 0.6 * done / n, message)

    yield from altered_households(frame, tell)
    if public_list is not None:
        yield from differing_lines(frame, _public_rows(Path(public_list)))


def _public_rows(path: Path) -> Iterator[dict[str, str]]:
    if not path.is_file():
        raise Problem("common.bad_file", reason=_("找不到文件 {name}").format(name=path.name))
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != PUBLIC_HEADER:
            wanted = "、".join(PUBLIC_HEADER)
            raise Problem("common.bad_file", reason=_("表头应是 {wanted}").format(wanted=wanted))
        yield from rows
