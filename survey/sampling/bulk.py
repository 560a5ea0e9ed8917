"""Writes and removes the households of a frame in bulk: COPY on PostgreSQL, plain inserts elsewhere.

No model instances are made: a frame has millions of rows and nothing of a model is needed to write them.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Max

from survey.sampling.models import FrameUnit

PIECE = 500  # rows formatted before they are sent
BATCH = 20_000  # rows in one COPY, after which progress is said
INSERTED = 5_000  # rows in one transaction elsewhere, which holds the lock of SQLite
REMOVED = 50_000


class UnitRow(NamedTuple):
    """One household as columns of the table, in the order in which they are written.

    `opaque_id`: with or without dashes. The address hash and the commitment are 64 hex characters.
    """

    frame_id: int
    position: int
    opaque_id: str
    community_id: int
    grid_id: int | None
    household_number: str
    is_collective: bool
    address_cipher: bytes
    address_hash: str
    phone_cipher: bytes | None
    salt: bytes
    commitment: str


_COLUMNS = ", ".join(UnitRow._fields)
COPY_STATEMENT = f"COPY sampling_frameunit ({_COLUMNS}) FROM STDIN"
_MARKS = ", ".join(["%s"] * len(UnitRow._fields))
INSERT_STATEMENT = f"INSERT INTO sampling_frameunit ({_COLUMNS}) VALUES ({_MARKS})"  # noqa: S608 (own names)


def store_units(rows: Iterator[UnitRow]) -> int:
    """Write the next rows (a batch of them) and return how many there were; 0 when there are no more.

    On PostgreSQL the rows are asked for while COPY is under way, so that the server works on one while the
    next is being made: whoever makes them must not use the database connection.
    """
    return _copy(rows) if connection.vendor == "postgresql" else _insert(rows)


def _copy(rows: Iterator[UnitRow]) -> int:
    n, batch = 0, islice(rows, BATCH)
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.cursor.copy(COPY_STATEMENT) as copy,  # psycopg's own cursor: Django's has no COPY
    ):
        while piece := list(islice(batch, PIECE)):
            copy.write(copy_text(piece))
            n += len(piece)
    return n


def copy_text(rows: Iterable[UnitRow]) -> str:
    """Rows in the text format of COPY (PostgreSQL's manual, "COPY", section "Text Format")."""
    return "".join(
        f"{frame}\t{position}\t{opaque_id}\t{community}\t{grid or NULL}\t{_escaped(number)}\t"
        f"{'t' if collective else 'f'}\t\\\\x{address.hex()}\t{address_hash}\t"
        f"{NULL if phone is None else BYTES + phone.hex()}\t\\\\x{salt.hex()}\t{commitment}\n"
        for (
            frame,
            position,
            opaque_id,
            community,
            grid,
            number,
            collective,
            address,
            address_hash,
            phone,
            salt,
            commitment,
        ) in rows
    )


NULL, BYTES = "\\N", "\\\\x"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _escaped(text: str) -> str:
    return text if text.isalnum() or not text else text.translate(_ESCAPES)


def _insert(rows: Iterator[UnitRow]) -> int:
    batch = [row._replace(opaque_id=row.opaque_id.replace("-", "")) for row in islice(rows, INSERTED)]
    if batch:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(INSERT_STATEMENT, batch)
    return len(batch)


def remove_units(frame_id: int) -> None:
    """Delete the households of a frame that no draw uses, in slices: one huge deletion would hold locks."""
    units = FrameUnit.objects.filter(frame=frame_id)
    last = units.aggregate(last=Max("position"))["last"] or 0
    with connection.cursor() as cursor:
        for end in range(REMOVED, last + REMOVED, REMOVED):
            cursor.execute(
                "DELETE FROM sampling_frameunit WHERE frame_id = %s AND position <= %s", [frame_id, end]
            )


def analyse() -> None:
    """Let PostgreSQL count its new rows, so that what follows is planned for millions and not for none."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE sampling_frameunit")
