"""Counts and hashes of every table: what a backup states and a restored database must show again.

A table's hash is the SHA-256 over its rows in the order of the primary key, each written as Python writes the
values that the driver returns. It compares two databases of one kind; PostgreSQL's values are not SQLite's.
"""

import hashlib
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

ROWS_READ = 2000
# What is made anew by itself, or belongs to the minute: throttles' counts.
LEFT_OUT = {"minyi_cache"}


class TableDigest(NamedTuple):
    """Rows of a table and the hash over them."""

    n_rows: int
    sha256: str


def table_names(connection: BaseDatabaseWrapper) -> list[str]:
    """Tables of the database in the order of their names, without what no backup needs."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_list(cursor)
    return sorted(table.name for table in found if table.type == "t" and table.name not in LEFT_OUT)


def table_digests(connection: BaseDatabaseWrapper) -> dict[str, TableDigest]:
    """Table → digest. Run it inside one snapshot when others write."""
    return {name: _digest(connection, name) for name in table_names(connection)}


def _digest(connection: BaseDatabaseWrapper, table: str) -> TableDigest:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        columns = [c.name for c in connection.introspection.get_table_description(cursor, table)]
        keys = connection.introspection.get_primary_key_columns(cursor, table) or columns
    listed = ", ".join(quote(name) for name in columns)
    order = ", ".join(quote(name) for name in keys)
    statement = f"SELECT {listed} FROM {quote(table)} ORDER BY {order}"  # noqa: S608 - names of our own tables
    digest, n_rows = hashlib.sha256(), 0
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(ROWS_READ):
            n_rows += len(rows)
            digest.update("".join(repr(tuple(map(_plain, row))) for row in rows).encode())
    return TableDigest(n_rows, digest.hexdigest())


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def differences(stated: dict[str, TableDigest], found: dict[str, TableDigest]) -> list[str]:
    """Tables that are not as stated, each with what differs; empty when all are."""
    lines = []
    for name in sorted(stated.keys() | found.keys()):
        then, now = stated.get(name), found.get(name)
        if then is None or now is None:
            lines.append(
                f"{name}: {'-' if then is None else then.n_rows} ≠ {'-' if now is None else now.n_rows}"
            )
        elif then.n_rows != now.n_rows:
            lines.append(f"{name}: {then.n_rows} ≠ {now.n_rows}")
        elif then.sha256 != now.sha256:
            lines.append(f"{name}: {then.n_rows} = {now.n_rows}, {then.sha256[:12]} ≠ {now.sha256[:12]}")
    return lines
