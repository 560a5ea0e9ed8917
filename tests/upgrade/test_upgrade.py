"""A database of each former release, with data, comes up to the newest tables and loses nothing."""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
RELEASES = sorted(FOLDER.glob("*.sql.gz"))
# Django's own bookkeeping may grow with a migration; what people entered may not shrink.
OWN = ("regions_", "accounts_", "questionnaires_", "indicators_", "studies_", "sampling_", "contacts_")
OWN += ("responses_", "fieldwork_", "reports_", "wechat_", "audit_", "jobs_")


def rows(database: sqlite3.Connection) -> dict[str, int]:
    names = [n for (n,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        n: database.execute(f'SELECT COUNT(*) FROM "{n}"').fetchone()[0] for n in names if n.startswith(OWN)
    }


def manage(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "MINYI_ENV": "test", "MINYI_VAR_DIR": str(folder)}
    environment.pop("MINYI_DATABASE_URL", None)
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("release", RELEASES, ids=lambda p: p.name.removesuffix(".sql.gz"))
def test_a_former_database_is_upgraded_without_losing_a_row(release, tmp_path):
    path = tmp_path / "minyi.sqlite3"
    with sqlite3.connect(path) as database:
        database.executescript(gzip.decompress(release.read_bytes()).decode())
        before = rows(database)
    assert before["responses_response"] > 0
    assert before["reports_report"] > 0
    manage(tmp_path, "migrate", "--verbosity", "0")
    with sqlite3.connect(path) as database:
        after = rows(database)
        document = json.loads(database.execute("SELECT document FROM reports_report").fetchone()[0])
    assert {n: after.get(n) for n in before} == before
    assert document["estimates"]["score"]["all"]["n"] > 0
    assert "留痕链完整" in manage(tmp_path, "verify_audit")


def test_there_is_a_former_release_to_upgrade():
    assert RELEASES


def test_models_and_migrations_agree(tmp_path):
    manage(tmp_path, "makemigrations", "--check", "--dry-run")
