"""Backups: database, files and a manifest in one tar, encrypted to a key that this machine does not hold.

The encryption is age's (https://age-encryption.org/v1) with an X25519 recipient: the machine knows only the
public half, so that whoever breaks into it reads no old backup. Addresses and answers inside are encrypted
once more, by the installation's field keys, which are not part of the backup (see docs/guide-operation.md).
"""

import hashlib
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyrage
from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.crypto import keyed_hash
from survey.common.errors import Problem
from survey.operations.digests import TableDigest, differences, table_digests
from survey.operations.dumps import dump_database, load_database

FORMAT = "minyi-backup-1"
MADE, RESTORED = "operations.backup.made", "operations.backup.restored"
SUFFIX = ".minyi.age"


@dataclass(frozen=True)
class Backup:
    """A finished backup. `n_rows` and `n_files`: what it holds."""

    path: Path
    n_tables: int
    n_rows: int
    n_files: int
    n_bytes: int


@dataclass(frozen=True)
class Restored:
    """What a restore compared. `problems`: tables and files that differ; empty when all is as it was."""

    n_tables: int
    n_rows: int
    n_files: int
    made_at: str
    problems: list[str]
    other_keys: list[str]


def make_backup(*, folder: Path, recipient: str, acting_user: Actor) -> Backup:
    """Write one encrypted backup into `folder`. A run that fails leaves no file behind.

    Raises
    ------
    Problem operations.no_recipient : the public key is missing or is none.
    Problem operations.no_program, operations.program_failed : see `dump_database`.
    """
    try:
        key = pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError:
        raise Problem("operations.no_recipient") from None
    folder.mkdir(parents=True, exist_ok=True)
    with _workshop() as room:
        tables = dump_database(connection, room / "database")
        files = _pack(room, tables)
        target = folder / f"minyi-{now():%Y%m%d-%H%M%S}{SUFFIX}"
        unfinished = target.with_suffix(".part")
        try:
            pyrage.encrypt_file(str(room / "all.tar"), str(unfinished), [key])
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
    n_rows = sum(table.n_rows for table in tables.values())
    with transaction.atomic():
        record(
            action=MADE,
            acting_user=acting_user,
            detail={"file": target.name, "tables": len(tables), "rows": n_rows, "files": len(files)},
        )
    return Backup(target, len(tables), n_rows, len(files), target.stat().st_size)


def restore_backup(*, path: Path, identity: str, acting_user: Actor) -> Restored:
    """Fill an empty installation from a backup, and compare every count and hash with what it states.

    Parameters
    ----------
    identity : the secret key, "AGE-SECRET-KEY-1…".

    Raises
    ------
    Problem operations.wrong_identity : the key does not open it, or the file is damaged.
    Problem operations.not_a_backup : something else is inside, or another version's format.
    Problem operations.not_empty : database or files are not empty; nothing is touched.
    """
    try:
        key = pyrage.x25519.Identity.from_str(identity.strip())
    except pyrage.IdentityError:
        raise Problem("operations.wrong_identity") from None
    media = Path(settings.MEDIA_ROOT)
    if media.exists() and any(p.is_file() for p in media.rglob("*")):
        raise Problem("operations.not_empty", what=_("文件夹 {path} ").format(path=media))
    with _workshop() as room:
        try:
            pyrage.decrypt_file(str(path), str(room / "all.tar"), [key])
        except (pyrage.DecryptError, OSError):
            raise Problem("operations.wrong_identity") from None
        manifest = _unpack(room)
        load_database(connection, room / "database")
        stated = {name: TableDigest(*values) for name, values in manifest["tables"].items()}
        problems = differences(stated, table_digests(connection))
        shutil.copytree(room / "media", media, dirs_exist_ok=True)
        problems += _file_differences(manifest["files"], _file_hashes(media))
    with transaction.atomic():
        record(
            action=RESTORED,
            acting_user=acting_user,
            detail={"file": path.name, "made_at": manifest["made_at"], "problems": problems[:50]},
        )
    return Restored(
        n_tables=len(stated),
        n_rows=sum(table.n_rows for table in stated.values()),
        n_files=len(manifest["files"]),
        made_at=manifest["made_at"],
        problems=problems,
        other_keys=_other_keys(manifest["keys"]),
    )


@contextmanager
def _workshop() -> Iterator[Path]:
    """A folder beside the data, on the same disk, that goes whatever happens."""
    with tempfile.TemporaryDirectory(prefix="backup-", dir=settings.VAR_DIR) as name:
        yield Path(name)


def _manifest(tables: dict[str, TableDigest], files: dict[str, str]) -> dict[str, Any]:
    migrations = MigrationRecorder(connection).applied_migrations()
    return {
        "format": FORMAT,
        "made_at": now().isoformat(),
        "vendor": connection.vendor,
        "migrations": sorted(f"{app}.{name}" for app, name in migrations),
        "keys": _key_marks(),
        "tables": {name: list(digest) for name, digest in tables.items()},
        "files": files,
    }


def _key_marks() -> dict[str, Any]:
    """Which keys are needed to read it, without telling them: ids, and a mark of the hash key."""
    ids = [part.strip().partition(":")[0] for part in settings.FIELD_KEYS.split(",") if part.strip()]
    return {"field_keys": sorted(ids), "hash_key": keyed_hash("mark", "operations.backup")[:16]}


def _other_keys(stated: dict[str, Any]) -> list[str]:
    """Settings that must be as they were for the data to be read; the names of those that are not."""
    mine = _key_marks()
    missing = sorted(set(stated["field_keys"]) - set(mine["field_keys"]))
    names = [f"MINYI_FIELD_KEYS: {', '.join(missing)}"] if missing else []
    return names + (["MINYI_HASH_KEY"] if stated["hash_key"] != mine["hash_key"] else [])


def _file_hashes(folder: Path) -> dict[str, str]:
    """Path below the folder → SHA-256."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()) if folder.exists() else []:
        with path.open("rb") as file:
            found[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _file_differences(stated: dict[str, str], found: dict[str, str]) -> list[str]:
    return [
        f"media/{name}: {stated.get(name, '-')[:12]} ≠ {found.get(name, '-')[:12]}"
        for name in sorted(stated.keys() | found.keys())
        if stated.get(name) != found.get(name)
    ]


def _pack(room: Path, tables: dict[str, TableDigest]) -> dict[str, str]:
    """Write the tar; returns the hashes of the files in it. The manifest comes last, when these are known."""
    files = {}
    media = Path(settings.MEDIA_ROOT)
    with tarfile.open(room / "all.tar", "w") as tar:
        tar.add(room / "database", "database")
        for path in sorted(media.rglob("*")) if media.exists() else []:
            try:
                file = path.open("rb")
            except (IsADirectoryError, FileNotFoundError):  # a folder; or a file whose time was up just now
                continue
            with file:
                name = path.relative_to(media).as_posix()
                files[name] = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                tar.addfile(tar.gettarinfo(arcname=f"media/{name}", fileobj=file), file)
        (room / "manifest.json").write_text(
            json.dumps(_manifest(tables, files), ensure_ascii=False, indent=1), "utf-8"
        )
        tar.add(room / "manifest.json", "manifest.json")
    return files


def _unpack(room: Path) -> dict[str, Any]:
    try:
        with tarfile.open(room / "all.tar") as tar:
            tar.extractall(room, filter="data")
        manifest = json.loads((room / "manifest.json").read_text("utf-8"))
    except (tarfile.TarError, OSError, ValueError):
        raise Problem("operations.not_a_backup", found="?", expected=FORMAT) from None
    if manifest.get("format") != FORMAT or manifest["vendor"] != connection.vendor:
        found = f"{manifest.get('format')} / {manifest.get('vendor')}"
        raise Problem("operations.not_a_backup", found=found, expected=f"{FORMAT} / {connection.vendor}")
    (room / "media").mkdir(exist_ok=True)
    return manifest
