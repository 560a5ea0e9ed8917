"""Statements for the few places that every phone runs through: written once, planned once.

The ORM composes its SQL anew each time, and PostgreSQL parses and plans it anew. Where one request in two
does the same thing, that is most of its cost. Here the text stays and PostgreSQL keeps the plan, one for each
connection. Everywhere else the ORM is the better choice.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper
from django.db.models import DEFERRED, Field, Model


def run(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one statement in the current transaction; its rows, if it gives any.

    Parameters
    ----------
    sql : with %s for each value; always the same text, so that its plan is found again.
    values : as the database takes them (see `stored`).
    """
    with _cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def _cursor() -> CursorWrapper:
    cursor = connection.cursor()
    if can_join():
        # Django's own cursor writes the values into the text, which makes every statement a new one.
        cursor.cursor = ServerBindingCursor(connection.connection)
    return cursor


class _Part(NamedTuple):
    sql: str
    values: Sequence[Any]
    name: str


_waiting: ContextVar[list[_Part] | None] = ContextVar("waiting", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Run every `do` and `insert` inside at the end, in their order, as one statement if the database can.

    On PostgreSQL they stand or fall together even without a transaction, and whoever waits for a row that
    they lock waits for nothing else. They see the data as it was before all of them. Elsewhere each runs at
    once, in the caller's transaction.
    """
    if not can_join() or is_together():
        yield
        return
    parts: list[_Part] = []
    token = _waiting.set(parts)
    try:
        yield
    finally:
        _waiting.reset(token)
    if parts:
        sql = _joined(tuple((part.sql, part.name) for part in parts))
        run(sql, [value for part in _as_listed(parts) for value in part.values])


def can_join() -> bool:
    """Whether this database runs several changes as one statement."""
    return connection.vendor == "postgresql"


def is_together() -> bool:
    """Whether what is done now becomes part of one statement."""
    return _waiting.get() is not None


def do(sql: str, values: Sequence[Any], name: str = "") -> None:
    """`run` for a statement whose rows nobody wants, or only the next one in `together`, under this name."""
    parts = _waiting.get()
    if parts is not None:
        parts.append(_Part(sql, values, name))
        return
    with _cursor() as cursor:
        cursor.execute(sql, values)


def _as_listed(parts: Sequence[_Part]) -> list[_Part]:
    """PostgreSQL runs the parts of a WITH from the last to the first, and what reads another one after it."""
    listed: list[_Part] = []
    for before, part in zip([None, *parts], parts, strict=False):
        listed.insert(1 if before is not None and before.name else 0, part)
    return listed


@cache
def _joined(parts: tuple[tuple[str, str], ...]) -> str:
    listed = _as_listed([_Part(sql, (), name) for sql, name in parts])
    named = [f"{part.name or f'part{place}'} AS ({part.sql})" for place, part in enumerate(listed)]
    return f"WITH {', '.join(named)} SELECT 1"


def stored(model: type[Model], name: str, value: object) -> Any:
    """The value as this database keeps it in the model's field (SQLite has no uuid)."""
    return _field(model, name).get_db_prep_save(value, connection)


def read(model: type[Model], names: Sequence[str], values: Sequence[Any]) -> Any:
    """A row of the model that knows these of its columns (the others are fetched when asked for).

    Parameters
    ----------
    names : the fields' `attname`.
    values : as the database gave them.
    """
    known = {name: _field(model, name).to_python(v) for name, v in zip(names, values, strict=True)}
    whole = [known.get(field.attname, DEFERRED) for field in model._meta.concrete_fields]
    return model.from_db(connection.alias, names, whole)


def lock(row: Model) -> None:
    """Hold a row until the transaction ends, without reading it again.

    On SQLite one transaction writes at a time and ours begins as a writer: there is nobody to wait for.
    """
    if can_join():
        run(
            _holding(type(row)),
            [_field(type(row), row._meta.pk.attname).get_db_prep_save(row.pk, connection)],
        )


@cache
def _holding(model: type[Model]) -> str:
    meta = model._meta
    # Names come from our own models; the value is a parameter.
    return f'SELECT 1 FROM "{meta.db_table}" WHERE "{meta.pk.column}" = %s FOR UPDATE'  # noqa: S608


def insert(row: Model) -> None:
    """`row.save(force_insert=True)` for a model without signals and parents."""
    sql, fields, key = _insertion(type(row), connection.vendor)
    values = [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
    if key:
        setattr(row, key, run(sql, values)[0][0])
    else:
        do(sql, values)
    row._state.adding, row._state.db = False, connection.alias


@cache
def _field(model: type[Model], name: str) -> Field:
    return model._meta.get_field(name)  # type: ignore[return-value]


@cache
def _insertion(model: type[Model], vendor: str) -> tuple[str, list[Field], str]:
    """The statement, the fields whose values it takes, and the name of the key that the database makes."""
    made = model._meta.auto_field
    fields = [field for field in model._meta.concrete_fields if field is not made]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    # Names come from our own models; every value is a parameter.
    sql = f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({places})'  # noqa: S608
    return (f'{sql} RETURNING "{made.column}"', fields, made.attname) if made else (sql, fields, "")
