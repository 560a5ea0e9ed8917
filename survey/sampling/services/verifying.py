"""Does a draw again for anybody who asks, with the single-file verifier; answers are kept for a day.

A large frame takes minutes, so it is a job; the same certificate is not done twice while its answer is
fresh. An uploaded certificate is deleted when its job is over.
"""

import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from survey.audit.services import SystemActor
from survey.common.canonical import sha256_of
from survey.common.clock import now
from survey.common.errors import Problem
from survey.jobs.models import Job
from survey.jobs.services import Progress
from survey.jobs.tasks import start
from survey.sampling.certificate import FORMAT, certificate_of
from survey.sampling.models import Draw
from survey.sampling.public import REVEALED, public_state
from survey.sampling.public_frame import frame_lines
from survey.sampling.verify_draw import Finding, verify

KIND = "sampling.verify"
FRESH = timedelta(days=1)
MOST_BYTES = 48 * 1024 * 1024  # a certificate of 100,000 households has about 12 MB
LISTED = 200
SAY_EVERY = 20_000
PUBLIC = SystemActor("public page")


def start_stored(*, draw: Draw) -> Job:
    """The job that verifies the published certificate: one that is under way or fresh, or a new one."""
    digest = sha256_of(certificate_of(draw))
    params = {"draw": draw.pk, "certificate_hash": digest, "uploaded": False}
    return _fresh(params) or start(kind=KIND, params=params, acting_user=PUBLIC)


def start_uploaded(*, draw: Draw, file: UploadedFile) -> Job:
    """The job that verifies somebody's copy against the public frame of this draw.

    Raises
    ------
    Problem common.bad_file : too large, not JSON, or not a certificate of a draw.
    """
    certificate, digest = _read(file)
    params = {"draw": draw.pk, "certificate_hash": digest, "uploaded": True}
    if found := _fresh(params):
        return found
    folder = Path(settings.MEDIA_ROOT) / "verify"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}.json"
    path.write_text(json.dumps(certificate, ensure_ascii=False), encoding="utf-8")
    return start(kind=KIND, params={**params, "path": str(path)}, acting_user=PUBLIC)


def find_verification(*, draw: Draw, job_pk: uuid.UUID) -> Job:
    """A verification of this draw by its number, or Problem common.not_found."""
    job = Job.objects.filter(pk=job_pk, kind=KIND, params__draw=draw.pk).first()
    if job is None:
        raise Problem("common.not_found")
    return job


def work_off(progress: Progress, params: dict[str, Any]) -> dict[str, Any]:
    """The job's work. Result: ok, complete, findings [{level, where, zh, en}], cut, same_as_published."""
    draw = Draw.objects.select_related("design__frame", "design__round").get(pk=params["draw"])
    published = certificate_of(draw)
    path = Path(params["path"]) if params.get("uploaded") else None
    if path is None:
        certificate = published
    elif path.is_file():
        certificate = json.loads(path.read_text(encoding="utf-8"))
    else:
        raise Problem("common.bad_file", reason=_("上传的文件已经删掉了，请再传一次"))
    try:
        revealed = public_state(draw) == REVEALED
        lines = _told(frame_lines(draw.design.frame), progress, draw) if revealed else None
        # A forger can sign with a key of his own: key and commitment are those that this page published.
        verdict = verify(
            certificate,
            lines,
            public_key=draw.commitment["public_key"],
            commitment_hash=draw.commitment_hash,
        )
    finally:
        if path is not None:
            path.unlink(missing_ok=True)
    return {
        "ok": verdict.ok,
        "complete": verdict.complete,
        "findings": [_plain(finding) for finding in verdict.findings[:LISTED]],
        "cut": max(0, len(verdict.findings) - LISTED),
        "same_as_published": sha256_of(certificate) == sha256_of(published),
    }


def _plain(finding: Finding) -> dict[str, str]:
    return {
        "level": finding.level,
        "where": finding.where,
        "zh": finding.text("zh"),
        "en": finding.text("en"),
    }


def _told(lines: Iterable[str], progress: Progress, draw: Draw) -> Iterator[str]:
    """The same lines, saying now and then how many were read."""
    total = max(draw.design.frame.n_households, 1)
    for n, line in enumerate(lines):
        if n % SAY_EVERY == 0:
            words = _("已核对 %(n)s 户，共 %(total)s 户") % {"n": f"{n:,}", "total": f"{total:,}"}
            progress.say(min(0.95, n / total), words)
        yield line


def _fresh(params: dict[str, Any]) -> Job | None:
    """A job for the same draw and certificate that is under way, or done within the last day."""
    same = Job.objects.filter(
        kind=KIND,
        params__draw=params["draw"],
        params__certificate_hash=params["certificate_hash"],
        params__uploaded=params["uploaded"],
        created_at__gt=now() - FRESH,
    )
    return same.exclude(state__in=[Job.State.FAILED, Job.State.CANCELLED]).order_by("-created_at").first()


def _read(file: UploadedFile) -> tuple[dict[str, Any], str]:
    """The uploaded certificate and the SHA-256 of its canonical JSON."""
    if file.size is None or file.size > MOST_BYTES:
        most = MOST_BYTES // (1024 * 1024)
        raise Problem("common.bad_file", reason=_("文件太大，最多 %(most)s MB") % {"most": most})
    try:
        found = json.loads(file.read().decode("utf-8-sig"))
        digest = sha256_of(found)  # refuses what JSON has no place for: NaN, half characters
    except (ValueError, RecursionError) as error:
        raise Problem("common.bad_file", reason=_("它不是 JSON 文件，或者没有下载完整")) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Problem("common.bad_file", reason=_("它不是抽样证书（certificate-….json）"))
    return found, digest
