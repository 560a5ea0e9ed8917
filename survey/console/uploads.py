"""Files that people bring: checked for size and kind, kept until their job is over."""

import re
import uuid
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from survey.common.errors import Problem

MB = 1024 * 1024
TABLE_MAX_BYTES = 400 * MB  # about 3.5 million households
FORM_MAX_BYTES = 5 * MB
TABLE_KINDS = (".csv", ".txt", ".tsv", ".xlsx")
FORM_KINDS = (".xlsx", ".xls", ".csv", ".md", ".txt")
ZIP_HEAD, OLE_HEAD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"  # .xlsx is a zip, .xls an OLE file


def keep_upload(file: UploadedFile, *, kinds: tuple[str, ...], max_bytes: int) -> Path:
    """Store an upload and return its path, whose name nobody can guess; the caller removes it.

    Raises
    ------
    Problem common.bad_file : empty, too large, or not one of `kinds`.
    """
    kind = Path(file.name or "").suffix.lower()
    if kind not in kinds:
        raise Problem("common.bad_file", reason=_("只收 %s 文件") % "、".join(kinds))
    if not file.size:
        raise Problem("common.bad_file", reason=_("文件是空的"))
    if file.size > max_bytes:
        raise Problem(
            "common.bad_file",
            reason=_("文件有 %(size)s MB，最多 %(most)s MB")
            % {"size": round(file.size / MB), "most": max_bytes // MB},
        )
    head = file.read(4)
    file.seek(0)
    if kind == ".xlsx" and head != ZIP_HEAD:
        raise Problem("common.bad_file", reason=_("它不是有效的 Excel（.xlsx）文件"))
    if kind == ".xls" and head != OLE_HEAD:
        raise Problem("common.bad_file", reason=_("它不是有效的 Excel（.xls）文件"))
    folder = Path(settings.MEDIA_ROOT) / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    # The frame remembers its file's name: keep what is harmless of it.
    stem = re.sub(r"[^\w-]+", "-", Path(file.name or "").stem).strip("-")[:60]
    path = folder / f"{stem or 'file'}-{uuid.uuid4().hex[:12]}{kind}"
    with path.open("xb") as out:
        for chunk in file.chunks():
            out.write(chunk)
    path.chmod(0o600)
    return path
