"""Statements for the few places that every phone runs through: written once, planned once.

The ORM composes its SQL anew each time, and PostgreSQL parses and plans it anew. Where one request in two
does the same thing, that is most of its cost. Here the text stays and PostgreSQL keeps the plan, one for each
connection. Everywhere else the ORM is the better choice.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

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


@contextmanager
def together() -> Iterator[None]:
    """Send every `do` and `insert` inside to PostgreSQL at once, without waiting for each one's answer.

    What is wrong with any of them is raised at the end, so this goes into a transaction. The ORM must stay
    outside: it would not learn how many rows it has changed.
    """
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def do(sql: str, values: Sequence[Any]) -> None:
    """`run` for a statement whose rows nobody wants."""
    with _cursor() as cursor:
        cursor.execute(sql, values)


def _cursor() -> CursorWrapper:
    cursor = connection.cursor()
    if connection.vendor == "postgresql":
        # Django's own cursor writes the values into the text, which makes every statement a new one.
        cursor.cursor = ServerBindingCursor(connection.connection)
    return cursor


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
