"""Imports household lists as immutable, hashed frame versions. Memory stays flat however long the list is.

An import is not one transaction: a list of millions would hold the database for minutes and hide its own
progress. The rows of a frame in state "importing" are written in batches that nobody reads; the last
transaction makes it "ready", and whatever ends otherwise is removed, also after a crash.
"""

import hashlib
import uuid
from collections.abc import Iterator
from datetime import timedelta
from os import urandom
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Min, Q
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.crypto import encrypt, keyed_hash
from survey.common.errors import Problem
from survey.common.tables import read_table
from survey.jobs.models import Job
from survey.jobs.services import Progress
from survey.regions.models import Region
from survey.regions.services import refuse_rows
from survey.sampling.coverage import coverage_checks
from survey.sampling.frame_trees import CommunityRoot, community_roots, frame_root, record_roots
from survey.sampling.lines import (
    COLLECTIVE,
    FAMILY,
    SALT_BYTES,
    FrameHash,
    Line,
    commit_line,
    normalise_address,
)
from survey.sampling.models import FrameUnit, FrameVersion
from survey.sampling.tree import ALGORITHM as TREE_ALGORITHM

COLUMNS = {
    "community_code": ("社区代码", "社区（村）代码", "居委会代码", "区划代码", "community"),
    "address": ("地址", "住址", "住户地址", "详细地址"),
    "grid": ("网格", "网格代码", "网格号", "grid_code"),
    "household_number": ("户号", "户编号", "household_id", "household"),
    "phone": ("电话", "手机", "联系电话", "手机号", "tel", "mobile"),
    "kind": ("户别", "户类型", "household_type", "type"),
}
REQUIRED = ["community_code", "address"]
KINDS = {
    "": FAMILY,
    "家庭户": FAMILY,
    "家庭": FAMILY,
    "family": FAMILY,
    "集体户": COLLECTIVE,
    "集体": COLLECTIVE,
    "collective": COLLECTIVE,
}
ADDRESS_PURPOSE, PHONE_PURPOSE = "sampling.address", "sampling.phone"
BATCH = 2000
ERRORS_LISTED = 500
COMMUNITIES_TOLD = 100  # progress is said once for so many
ABANDONED_AFTER = timedelta(days=1)


def import_households(
    *,
    path: str | Path,
    name: str,
    region: Region,
    acting_user: Actor,
    is_simulated: bool = False,
    progress: Progress | None = None,
) -> FrameVersion:
    """Import a household list (CSV or Excel) of the region as a new, immutable frame version.

    Run again by the same job, it returns the frame that the first run finished, or clears what it left.

    Raises
    ------
    Problem common.rows_refused : every bad row with its reason (500 at most); nothing is left behind.
    Problem common.bad_file : the file cannot be read.
    """
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
        reader = _Reader(frame)
        for batch in reader.batches(path):
            FrameUnit.objects.bulk_create(batch)
            if progress:
                message = _("已读 {count} 户").format(count=f"{reader.n_rows:,}")
                progress.say(0.9 * min(1.0, reader.n_rows / max(n_lines, 1)), message)
        refuse_rows(*_all_errors(reader, path))
        if reader.n_rows == 0:
            raise Problem("common.bad_file", reason=_("里面没有住户"))
        roots = _grow_trees(frame, progress)
        _finish(frame, reader.n_rows, roots, acting_user)
    except BaseException:
        _remove(frame)
        raise
    return frame


def discard_frame(*, frame: FrameVersion, acting_user: Actor) -> None:
    """Remove what an unfinished import left. A finished frame is immutable: refused (common.locked)."""
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
    for position, opaque_id, code, is_collective, commitment in rows.iterator(chunk_size=BATCH):
        kind = COLLECTIVE if is_collective else FAMILY
        frame_hash.add(Line(position, str(opaque_id), code, kind, commitment))
    return frame_hash.hexdigest()


class _Reader:
    """Turns rows into units, batch by batch, and keeps what is wrong with the others."""

    def __init__(self, frame: FrameVersion) -> None:
        self.frame = frame
        self.places = _places(frame.region)
        self.grids: dict[str, int] = dict(
            Region.objects.within(frame.region.path).current().filter(level="grid").values_list("code", "id")
        )
        self.errors: list[dict[str, Any]] = []
        self.n_errors = 0
        self.n_rows = 0

    def batches(self, path: Path) -> Iterator[list[FrameUnit]]:
        """Good rows as unsaved units. Reading goes on after a bad row, to list them all."""
        batch: list[FrameUnit] = []
        for row, cells in read_table(path, COLUMNS, REQUIRED):
            self.n_rows += 1
            try:
                batch.append(self._unit(cells))
            except ValueError as error:
                self.refuse(row, str(error))
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def refuse(self, row: int, reason: str) -> None:
        """Count a bad row, and keep it while there are few."""
        self.n_errors += 1
        if len(self.errors) < ERRORS_LISTED:
            self.errors.append({"row": row, "reason": reason})

    def _unit(self, cells: dict[str, str]) -> FrameUnit:
        """One row as a unit. Raises ValueError with the reason in words."""
        code = cells["community_code"]
        place = self.places.get(code)
        if place is None:
            raise ValueError(_unknown_place(code, self.frame.region))
        address = cells["address"]
        normalised = normalise_address(address)
        if not normalised:
            raise ValueError(_("没有地址"))
        kind = KINDS.get(cells.get("kind", "").lower())
        if kind is None:
            raise ValueError(_("户别“{kind}”应为家庭户或集体户").format(kind=cells["kind"][:20]))
        for column, limit in (("address", 300), ("household_number", 60), ("phone", 40)):
            if len(cells.get(column, "")) > limit:
                raise ValueError(
                    _("{column}超过 {limit} 个字").format(column=COLUMNS[column][0], limit=limit)
                )
        opaque_id, salt, phone = uuid.uuid4(), urandom(SALT_BYTES), cells.get("phone", "")
        return FrameUnit(
            frame=self.frame,
            position=self.n_rows,
            opaque_id=opaque_id,
            community_id=place,
            grid_id=self._grid(code, cells.get("grid", "")),
            household_number=cells.get("household_number", ""),
            is_collective=kind == COLLECTIVE,
            address_cipher=encrypt(address, ADDRESS_PURPOSE),
            address_hash=keyed_hash(normalised, ADDRESS_PURPOSE),
            phone_cipher=encrypt(phone, PHONE_PURPOSE) if phone else None,
            salt=salt,
            commitment=commit_line(
                salt=salt, opaque_id=str(opaque_id), community_code=code, kind=kind, address=normalised
            ),
        )

    def _grid(self, community_code: str, text: str) -> int | None:
        """A grid by its 15 digits, or by its three digits within the community."""
        if not text:
            return None
        code = text if len(text) == 15 else community_code + text.zfill(3)
        if not code.startswith(community_code) or code not in self.grids:
            raise ValueError(_("网格 {grid} 不在这个社区里，或还没有导入").format(grid=text[:20]))
        return self.grids[code]


def _places(region: Region) -> dict[str, int]:
    """Code → id of the communities that a row may name."""
    communities = Region.objects.within(region.path).current().filter(level="community")
    return dict(communities.values_list("code", "id"))


def _unknown_place(code: str, region: Region) -> str:
    if not code:
        return _("没有社区代码")
    known = Region.objects.filter(code=code).first()
    if known is None:
        return _("社区代码 {code} 不在区划表里").format(code=code[:20])
    if known.level != Region.Level.COMMUNITY:
        return _("{code} 是{level}的代码，要填社区（村）的代码").format(
            code=code, level=known.get_level_display()
        )
    if known.valid_to is not None:
        return _("{name}（{code}）已经停用").format(name=known.name, code=code)
    return _("{name}（{code}）不在{region}").format(name=known.name, code=code, region=region.name)


def _all_errors(reader: _Reader, path: Path) -> tuple[list[dict[str, Any]], int]:
    """The bad rows so far and the doubled addresses, which only the stored rows together can show."""
    doubled = (
        reader.frame.units.order_by()
        .values("community_id", "address_hash")
        .annotate(n=Count("pk"), first=Min("position"))
        .filter(n__gt=1)
    )
    later: dict[int, int] = {}  # position of a doubled address → position of its first
    for group in doubled[:ERRORS_LISTED]:
        same = reader.frame.units.filter(
            community_id=group["community_id"], address_hash=group["address_hash"]
        )
        positions = same.exclude(position=group["first"]).values_list("position", flat=True)
        later.update(dict.fromkeys(positions, group["first"]))
    rows = _row_numbers(path, set(later) | set(later.values()))
    for position, first in sorted(later.items()):
        reader.refuse(rows[position], _("地址和第 {row} 行重复（同一社区）").format(row=rows[first]))
    return reader.errors, reader.n_errors


def _row_numbers(path: Path, positions: set[int]) -> dict[int, int]:
    """Row of the file for each position: the file is read once more rather than kept in memory."""
    if not positions:
        return {}
    rows = enumerate(read_table(path, COLUMNS, REQUIRED), start=1)
    return {position: row for position, (row, _cells) in rows if position in positions}


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
    for root in community_roots(frame):
        roots.append(root)
        if progress and len(roots) % COMMUNITIES_TOLD == 0:
            message = _("已算 {count} 个社区的指纹").format(count=f"{len(roots):,}")
            progress.say(0.9, message)
    return roots


def _finish(frame: FrameVersion, n_rows: int, roots: list[CommunityRoot], acting_user: Actor) -> None:
    with transaction.atomic():
        record_roots(frame, roots)
        frame.checks = coverage_checks(frame)
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
    """Delete an unfinished frame in slices, so that memory stays flat here too."""
    while positions := list(frame.units.order_by("position").values_list("position", flat=True)[:BATCH]):
        frame.units.filter(position__lte=positions[-1]).delete()
    FrameVersion.objects.filter(pk=frame.pk).delete()


def _discard_abandoned(job: Job | None) -> None:
    """Remove what a killed import left: this job's own first try, dead jobs', and old ones of a command."""
    dead = Q(job__state__in=[Job.State.DONE, Job.State.FAILED, Job.State.CANCELLED])
    old = Q(job__isnull=True, created_at__lt=now() - ABANDONED_AFTER)
    mine = Q(job=job) if job is not None else Q(pk__in=[])
    for frame in FrameVersion.objects.filter(dead | old | mine, state=FrameVersion.State.IMPORTING):
        _remove(frame)
