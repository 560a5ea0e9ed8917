"""Imports household lists as immutable, hashed frame versions. Memory stays flat however long the list is.

An import is not one transaction: a list of millions would hold the database for minutes and hide its own
progress. The rows of a frame in state "importing" are written in batches that nobody reads; the last
transaction makes it "ready", and whatever ends otherwise is removed, also after a crash.
"""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.common.refused import RefusedRows
from survey.jobs.models import Job
from survey.jobs.services import Progress
from survey.regions.models import Region
from survey.sampling.bulk import analyse, remove_units, store_units
from survey.sampling.coverage import coverage_checks
from survey.sampling.duplicates import doubled_within, has_doubled_addresses
from survey.sampling.frame_trees import CommunityRoot, community_roots, frame_root, record_roots
from survey.sampling.household_rows import HouseholdRows
from survey.sampling.lines import COLLECTIVE, FAMILY, FrameHash, Line
from survey.sampling.models import FrameVersion
from survey.sampling.rights import check_right
from survey.sampling.tree import ALGORITHM as TREE_ALGORITHM

LINES_READ = 2000
COMMUNITIES_TOLD = 100  # progress is said once for so many
ABANDONED_AFTER = timedelta(days=1)
REFUSED_KEPT = timedelta(days=30)


def import_households(
    *,
    path: str | Path,
    name: str,
    region: Region,
    acting_user: Actor,
    is_simulated: bool = False,
    refused_list: Path | None = None,
    progress: Progress | None = None,
) -> FrameVersion:
    """Import a household list (CSV or Excel) of the region as a new, immutable frame version.

    Run again by the same job, it returns the frame that the first run finished, or clears what it left.

    Parameters
    ----------
    refused_list : where every bad row is listed (CSV), however many there are; for a job it is
        `refused_file` unless given.

    Raises
    ------
    Problem common.forbidden : no right in that region.
    Problem common.rows_refused : every bad row with its reason (500 at most); nothing is left behind.
    Problem common.bad_file : the file cannot be read.
    """
    check_right(acting_user, "sampling.manage", region)
    path, job = Path(path), progress.job if progress else None
    _discard_abandoned(job)
    if job is not None and (done := FrameVersion.objects.filter(job=job).first()):
        return done
    source_hash, n_lines = _fingerprint(path)
    frame = _begin(
        name=name,
        region=region,
        is_simulated=is_simulated,
        job=job,
        source=(path.name, source_hash),
        by=acting_user,
    )
    try:
        with RefusedRows(refused_list or (refused_file(job) if job else None)) as refused:
            n_rows, is_doubled = _store(frame, path, n_lines, refused, progress)
            refused.refuse()
        if n_rows == 0:
            raise Problem("common.bad_file", reason=_("里面没有住户"))
        roots = _grow_trees(frame, progress)
        checks = coverage_checks(frame, roots, is_doubled=is_doubled)
        _finish(frame, n_rows, roots, checks, acting_user)
    except BaseException:
        _remove(frame)
        raise
    return frame


def _store(
    frame: FrameVersion, path: Path, n_lines: int, refused: RefusedRows, progress: Progress | None
) -> tuple[int, bool]:
    """Write the good rows and collect the bad ones.

    Returns the number of rows read, and whether any address occurs twice, also in two communities.
    """
    reader = HouseholdRows(frame, refused)
    rows = reader.read(path)
    more = True
    while more:
        more = store_units(rows) > 0
        reader.explain()
        message = _("已读 {count} 户").format(count=f"{reader.n_rows:,}")
        _tell(progress, 0.7 * min(1.0, reader.n_rows / max(n_lines, 1)), message)
    analyse()
    _tell(progress, 0.72, _("正在查重复的地址"))
    is_doubled = has_doubled_addresses(frame)
    if is_doubled:
        for doubled in doubled_within(frame):
            row, first = reader.row_of(doubled.position), reader.row_of(doubled.first)
            refused.add(row, _("地址和第 {row} 行重复（同一社区）").format(row=first))
    _tell(progress, 0.75, _("正在算各社区的指纹"))
    return reader.n_rows, is_doubled


def _tell(progress: Progress | None, fraction: float, message: str) -> None:
    if progress:
        progress.say(fraction, message)


def refused_file(job: Job) -> Path:
    """Where a job's import lists every row that it refused; kept for 30 days. Names no address."""
    return _refused_folder() / f"{job.pk}.csv"


def _refused_folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "refused"


def discard_frame(*, frame: FrameVersion, acting_user: Actor) -> None:
    """Remove what an unfinished import left. A finished frame is immutable: refused (common.locked)."""
    check_right(acting_user, "sampling.manage", frame.region)
    with transaction.atomic():
        locked = FrameVersion.objects.select_for_update().get(pk=frame.pk)
        if locked.state == FrameVersion.State.READY:
            raise Problem("common.locked", what=_("名录 {name}").format(name=locked))
        record(action="sampling.frame.discarded", acting_user=acting_user, target=locked)
        _remove(locked)


def stored_frame_hash(frame: FrameVersion) -> str:
    """The frame's hash over what is in the database now; equals `frame_hash` unless lines were altered.

    A frame of "minyi-frame-1" is hashed line by line, one of "minyi-frame-2" is the root of its trees.
    """
    if frame.hash_algorithm == TREE_ALGORITHM:
        roots = list(community_roots(frame))
        return frame_root(roots) if roots else ""
    frame_hash = FrameHash()
    rows = frame.units.order_by("position").values_list(
        "position", "opaque_id", "community__code", "is_collective", "commitment"
    )
    for position, opaque_id, code, is_collective, commitment in rows.iterator(chunk_size=LINES_READ):
        kind = COLLECTIVE if is_collective else FAMILY
        frame_hash.add(Line(position, str(opaque_id), code, kind, commitment))
    return frame_hash.hexdigest()


def _fingerprint(path: Path) -> tuple[str, int]:
    """SHA-256 of the file and its number of lines (of packed bytes for Excel: only good for progress)."""
    digest, lines = hashlib.sha256(), 0
    if path.is_file():
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
                lines += chunk.count(b"\n")
    if path.suffix.lower() == ".xlsx":
        lines = path.stat().st_size // 30 if path.is_file() else 0  # about 30 packed bytes a household
    return digest.hexdigest(), lines


def _begin(
    *, name: str, region: Region, is_simulated: bool, job: Job | None, source: tuple[str, str], by: Actor
) -> FrameVersion:
    with transaction.atomic():
        # The audit chain's lock also keeps two imports from taking one number.
        record(
            action="sampling.frame.import_started",
            acting_user=by,
            region_code=region.code,
            detail={"name": name, "source": source[0], "source_hash": source[1]},
        )
        number = (FrameVersion.objects.aggregate(last=Max("number"))["last"] or 0) + 1
        return FrameVersion.objects.create(
            region=region,
            number=number,
            name=name,
            source_name=source[0][:200],
            source_hash=source[1],
            hash_algorithm=TREE_ALGORITHM,
            is_simulated=is_simulated,
            job=job,
            created_by_id=by.pk or None,
        )


def _grow_trees(frame: FrameVersion, progress: Progress | None) -> list[CommunityRoot]:
    """One hash tree per community, from what was stored."""
    roots: list[CommunityRoot] = []
    done = 0
    for root in community_roots(frame):
        roots.append(root)
        done += root.n_family + root.n_collective
        if len(roots) % COMMUNITIES_TOLD == 0:
            message = _("已算 {count} 个社区、{households} 户的指纹").format(
                count=f"{len(roots):,}", households=f"{done:,}"
            )
            _tell(progress, 0.75 + 0.2 * (1 - COMMUNITIES_TOLD / (COMMUNITIES_TOLD + len(roots))), message)
    _tell(progress, 0.96, _("正在核对覆盖情况"))
    return roots


def _finish(
    frame: FrameVersion, n_rows: int, roots: list[CommunityRoot], checks: dict[str, Any], acting_user: Actor
) -> None:
    with transaction.atomic():
        record_roots(frame, roots)
        frame.checks = checks
        frame.n_households = n_rows
        frame.state = FrameVersion.State.READY
        frame.save()
        record(
            action="sampling.frame.imported",
            acting_user=acting_user,
            target=frame,
            region_code=frame.region.code,
            detail={
                "number": frame.number,
                "households": frame.n_households,
                "source_hash": frame.source_hash,
                "frame_hash": frame.frame_hash,
            },
        )


def _remove(frame: FrameVersion) -> None:
    """Delete an unfinished frame."""
    remove_units(frame.pk)
    FrameVersion.objects.filter(pk=frame.pk).delete()


def _discard_abandoned(job: Job | None) -> None:
    """Remove what a killed import left: this job's own first try, dead jobs', and old ones of a command."""
    dead = Q(job__state__in=[Job.State.DONE, Job.State.FAILED, Job.State.CANCELLED])
    old = Q(job__isnull=True, created_at__lt=now() - ABANDONED_AFTER)
    mine = Q(job=job) if job is not None else Q(pk__in=[])
    for frame in FrameVersion.objects.filter(dead | old | mine, state=FrameVersion.State.IMPORTING):
        _remove(frame)
    limit = (now() - REFUSED_KEPT).timestamp()
    for path in _refused_folder().glob("*.csv"):
        if path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)
