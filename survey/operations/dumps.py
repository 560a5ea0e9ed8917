"""The database as one file, and back: pg_dump and pg_restore, or SQLite's own copy."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.client import DatabaseClient
from django.utils.translation import gettext as _

from survey.common.errors import Problem
from survey.operations.digests import TableDigest, table_digests, table_names


def dump_database(connection: BaseDatabaseWrapper, path: Path) -> dict[str, TableDigest]:
    """Write the database to `path`; the digests are of the very state that was written.

    Raises
    ------
    Problem operations.no_program, operations.program_failed : PostgreSQL's programs are missing or refuse.
    """
    if connection.vendor == "sqlite":
        return _copy_sqlite(connection, path)
    with transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            # pg_dump reads the snapshot of this transaction, so that what is counted is what is written.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot = cursor.fetchone()[0]
        _run(
            connection,
            "pg_dump",
            ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={path}"],
        )
        return table_digests(connection)


def _copy_sqlite(connection: BaseDatabaseWrapper, path: Path) -> dict[str, TableDigest]:
    connection.ensure_connection()
    copy = sqlite3.connect(path)
    try:
        connection.connection.backup(copy)
    finally:
        copy.close()
    other = connection.copy()
    other.settings_dict["NAME"] = str(path)
    try:
        return table_digests(other)
    finally:
        other.close()


def load_database(connection: BaseDatabaseWrapper, path: Path) -> None:
    """Fill an empty database from a file of `dump_database`.

    Raises
    ------
    Problem operations.not_empty : it has tables; nothing is touched.
    Problem operations.no_program, operations.program_failed
    """
    if table_names(connection):
        raise Problem("operations.not_empty", what=_("数据库"))
    if connection.vendor == "sqlite":
        stored = sqlite3.connect(path)
        try:
            stored.backup(connection.connection)
        finally:
            stored.close()
        return
    # One transaction: a failure leaves the database as empty as it was.
    _run(
        connection,
        "pg_restore",
        ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"],
        last=[str(path)],
    )


def _run(
    connection: BaseDatabaseWrapper, program: str, options: Sequence[str], last: Sequence[str] = ()
) -> None:
    found = shutil.which(program)
    if found is None:
        raise Problem("operations.no_program", program=program)
    arguments, environment = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    place = arguments[1:-1]  # without "psql" and the database's name
    command = [found, *place, *options, f"--dbname={arguments[-1]}", *last]
    done = subprocess.run(  # noqa: S603 - our own arguments, no shell
        command, env=os.environ | (environment or {}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = " ".join(done.stderr.split())[-400:]
        raise Problem("operations.program_failed", program=program, reason=reason)
