"""A backup restored onto an empty installation is the same, table by table and file by file."""

import os
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.errors import Problem
from survey.operations.backups import make_backup, restore_backup
from survey.operations.digests import TableDigest, differences, table_digests
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def keys():
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


@pytest.fixture
def media(settings, tmp_path):
    """Two sealed files, one in a folder of its own with a Chinese name."""
    settings.MEDIA_ROOT = tmp_path / "media"
    (settings.MEDIA_ROOT / "letters" / "甲").mkdir(parents=True)
    (settings.MEDIA_ROOT / "letters" / "甲" / "part-001.pdf.sealed").write_bytes(bytes(range(256)) * 40)
    (settings.MEDIA_ROOT / "empty").write_bytes(b"")
    return settings.MEDIA_ROOT


@pytest.fixture
def filled(media):
    factories.make_drawn_round(factories.make_regions()["370105000000"])


@pytest.fixture
def empty_database(tmp_path):
    """The address of a database without a single table."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / 'fresh' / 'minyi.sqlite3'}"
        return
    name = f"{connection.settings_dict['NAME']}_restored"
    place = connection.settings_dict
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    password = f":{place['PASSWORD']}" if place["PASSWORD"] else ""
    yield f"postgres://{place['USER']}{password}@{place['HOST']}:{place['PORT'] or 5432}/{name}"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def restore(backup, identity, database, folder):
    """Run the command as an operator does on a new machine: another process, another data folder."""
    folder.mkdir(exist_ok=True)
    (folder / "identity.txt").write_text(identity, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "manage.py", "restore", str(backup), "--identity", str(folder / "identity.txt")],
        cwd=settings.BASE_DIR,
        env=os.environ | {"MINYI_ENV": "test", "MINYI_DATABASE_URL": database, "MINYI_VAR_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_comes_back_as_it_was(filled, keys, tmp_path, empty_database):
    identity, recipient = keys
    before = table_digests(connection)
    made = make_backup(folder=tmp_path / "backups", recipient=recipient, acting_user=SYSTEM)
    assert made.n_rows == sum(table.n_rows for table in before.values()) > 300
    assert made.n_files == 2
    fresh = tmp_path / "fresh"
    done = restore(made.path, identity, empty_database, fresh)
    assert done.returncode == 0, done.stderr
    assert "全部核对一致" in done.stdout and f"{made.n_rows:,} 行" in done.stdout
    restored = (fresh / "media" / "letters" / "甲" / "part-001.pdf.sealed").read_bytes()
    assert restored == bytes(range(256)) * 40
    again = restore(made.path, identity, empty_database, fresh)
    assert again.returncode == 1 and "不是空的" in again.stderr


def test_nothing_of_it_can_be_read_without_the_secret_key(filled, keys, tmp_path):
    made = make_backup(folder=tmp_path, recipient=keys[1], acting_user=SYSTEM)
    sealed = made.path.read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1")
    assert b"manifest" not in sealed and b"SQLite" not in sealed and b"PGDMP" not in sealed
    assert not list(Path(settings.VAR_DIR).glob("backup-*"))


def test_it_is_on_record_and_old_ones_go(filled, keys, tmp_path, settings):
    settings.BACKUP_RECIPIENT = keys[1]
    for n in range(3):
        (tmp_path / f"minyi-2020010{n}-030000.minyi.age").write_bytes(b"old")
    call_command("backup", str(tmp_path), keep=2)
    left = sorted(path.name[:14] for path in tmp_path.glob("minyi-*"))
    assert len(left) == 2 and left[0] == "minyi-20200102"
    assert AuditEntry.objects.get(action="operations.backup.made").detail["files"] == 2


@pytest.mark.parametrize("recipient", ["", "age1nonsense", "ssh-ed25519 AAAA"])
def test_a_wrong_public_key_is_refused_before_anything_is_written(db, tmp_path, recipient):
    with pytest.raises(Problem) as refused:
        make_backup(folder=tmp_path / "backups", recipient=recipient, acting_user=SYSTEM)
    assert refused.value.code == "operations.no_recipient"
    assert not (tmp_path / "backups").exists()


def test_another_key_or_a_damaged_file_opens_nothing(filled, keys, tmp_path, settings):
    made = make_backup(folder=tmp_path, recipient=keys[1], acting_user=SYSTEM)
    settings.MEDIA_ROOT = tmp_path / "nothing"
    other = str(pyrage.x25519.Identity.generate())
    damaged = bytearray(made.path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    broken = tmp_path / "broken"
    broken.write_bytes(damaged)
    for path, identity in ((made.path, other), (broken, keys[0]), (made.path, "nonsense")):
        with pytest.raises(Problem) as refused:
            restore_backup(path=path, identity=identity, acting_user=SYSTEM)
        assert refused.value.code == "operations.wrong_identity"


def test_a_full_database_is_left_alone(filled, keys, tmp_path, settings):
    made = make_backup(folder=tmp_path, recipient=keys[1], acting_user=SYSTEM)
    before = table_digests(connection)
    settings.MEDIA_ROOT = tmp_path / "nothing"
    with pytest.raises(Problem) as refused:
        restore_backup(path=made.path, identity=keys[0], acting_user=SYSTEM)
    assert refused.value.code == "operations.not_empty"
    assert differences(before, table_digests(connection)) == []


def test_a_changed_row_and_a_lost_row_are_differences():
    stated = {"a": TableDigest(2, "1" * 64), "b": TableDigest(1, "2" * 64), "c": TableDigest(0, "3" * 64)}
    found = {"a": TableDigest(2, "4" * 64), "b": TableDigest(0, "2" * 64), "c": stated["c"]}
    assert [line.split(":")[0] for line in differences(stated, found)] == ["a", "b"]
    assert [line.split(":")[0] for line in differences(stated, {})] == ["a", "b", "c"]


def test_the_secret_key_is_written_once_and_for_its_owner_only(tmp_path, capsys):
    out = tmp_path / "identity.txt"
    call_command("backup_key", out=out)
    public = capsys.readouterr().out.strip().removeprefix("MINYI_BACKUP_RECIPIENT=")
    identity = pyrage.x25519.Identity.from_str(out.read_text().strip())
    assert str(identity.to_public()) == public
    assert out.stat().st_mode & 0o077 == 0
    with pytest.raises(Exception, match="没有覆盖"):
        call_command("backup_key", out=out)
    assert out.read_text().strip() == str(identity)
