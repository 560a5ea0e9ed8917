"""Adds links to the audit chain, in the transaction of the deed itself."""

from functools import cache
from typing import Any, Protocol

from django.db import connection

from survey.audit.models import AuditEntry, ChainHead
from survey.common.canonical import canonical_json, sha256_of
from survey.common.clock import now
from survey.common.statements import can_join, do, insert, is_together, run, stored, together


class Actor(Protocol):
    """Whoever acts: a user, or one of the named parts of the system below."""

    pk: Any

    def __str__(self) -> str: ...


class SystemActor:
    """A part of the program, or a resident, whose deeds are recorded under a plain name."""

    def __init__(self, name: str) -> None:
        self.pk = ""
        self.name = name

    def __str__(self) -> str:
        return self.name


SYSTEM = SystemActor("system")
RESIDENT = SystemActor("resident")
COMMAND = SystemActor("command line")


def entry_body(entry: AuditEntry) -> dict[str, Any]:
    """What an entry's hash covers."""
    return {
        "sequence": entry.sequence,
        "at": entry.at.isoformat(),
        "actor_id": entry.actor_id,
        "actor_name": entry.actor_name,
        "action": entry.action,
        "object_type": entry.object_type,
        "object_id": entry.object_id,
        "region_code": entry.region_code,
        "detail": entry.detail,
        "previous_hash": entry.previous_hash,
    }


def record(
    *,
    action: str,
    acting_user: Actor,
    target: Any = None,
    region_code: str = "",
    detail: dict[str, Any] | None = None,
) -> None:
    """Write one entry. Must run inside the transaction of the deed: both stand or fall together.

    Parameters
    ----------
    action : "app.object.verb-in-the-past", e.g. "sampling.draw.created".
    target : the row that was acted upon, if there is one.
    detail : small facts; never contact data, codes or answers.

    Raises
    ------
    RuntimeError : no transaction is open.
    """
    if not (connection.in_atomic_block or is_together()):
        raise RuntimeError("record() must run inside the transaction of the deed")
    entry = AuditEntry(
        at=now(),
        actor_id=str(acting_user.pk or ""),
        actor_name=str(acting_user),
        action=action,
        object_type=target._meta.label_lower if target is not None else "",
        object_id=str(target.pk) if target is not None else "",
        region_code=region_code,
        detail=detail or {},
    )
    if can_join():
        _add_link_at_once(entry)
    else:
        _add_link(entry)


def _add_link(entry: AuditEntry) -> None:
    """Store the entry behind the head, which nobody else can move until the transaction ends: SQLite lets one
    transaction write at a time, and ours begins as a writer (settings: BEGIN IMMEDIATE)."""
    found = run(_head_statement(), [])
    if not found:  # the first entry of an installation
        ChainHead.objects.get_or_create(pk=1)
        found = run(_head_statement(), [])
    sequence, entry.previous_hash = found[0]
    entry.sequence = sequence + 1
    entry.hash = sha256_of(entry_body(entry))
    insert(entry)
    do(_move_statement(), [entry.sequence, entry.hash])


@cache
def _head_statement() -> str:
    return f"SELECT sequence, hash FROM {ChainHead._meta.db_table} WHERE id = 1"  # noqa: S608


@cache
def _move_statement() -> str:
    return f"UPDATE {ChainHead._meta.db_table} SET sequence = %s, hash = %s WHERE id = 1"  # noqa: S608


def _add_link_at_once(entry: AuditEntry) -> None:
    """`_add_link` in one statement: whoever writes next waits for this one's commit and nothing else.

    PostgreSQL hashes the same text as `entry_body`: its keys are sorted, and only two of them are not known
    before the head is.
    """
    body = entry_body(entry)
    known = {name: value for name, value in body.items() if name < "previous_hash"}
    start = canonical_json(known).decode()[:-1] + ',"previous_hash":"'
    middle = '",' + canonical_json({"region_code": entry.region_code}).decode()[1:-1] + ',"sequence":'
    names = [name for name in _ENTRY_COLUMNS if name not in ("sequence", "previous_hash", "hash")]
    values = [stored(AuditEntry, name, getattr(entry, name)) for name in names]
    head = ChainHead._meta.db_table
    if not is_together() and not run(f"SELECT 1 FROM {head} WHERE id = 1", []):  # noqa: S608
        ChainHead.objects.get_or_create(pk=1)  # the first entry of an installation
    move = f"UPDATE {head} AS h SET sequence = link.sequence, hash = link.hash FROM link WHERE h.id = 1"  # noqa: S608
    with together():
        do(_link_statement(), [start, middle, *values], name="link")
        do(move, [])


_ENTRY_COLUMNS = (
    "sequence",
    "previous_hash",
    "hash",
    "at",
    "actor_id",
    "actor_name",
    "action",
    "object_type",
    "object_id",
    "region_code",
    "detail",
)


@cache
def _link_statement() -> str:
    places = ", ".join(["%s"] * (len(_ENTRY_COLUMNS) - 3))
    # Names come from our own models; the values are parameters. Without a head nothing is lost in silence:
    # the sequence is then null, which the table refuses.
    return """
        INSERT INTO {entries} ({columns})
        SELECT head.sequence, head.previous_hash, encode(sha256(convert_to(
            %s::text || head.previous_hash || %s::text || head.sequence::text || '}}', 'UTF8'
        )), 'hex'), {places}
        FROM (SELECT 1) AS always LEFT JOIN (
            SELECT sequence + 1 AS sequence, hash AS previous_hash FROM {head} WHERE id = 1 FOR UPDATE
        ) AS head ON true
        RETURNING sequence, hash
    """.format(  # noqa: S608
        head=ChainHead._meta.db_table,
        entries=AuditEntry._meta.db_table,
        columns=", ".join(_ENTRY_COLUMNS),
        places=places,
    )


def verify_chain() -> tuple[int, str]:
    """Walk the chain from its start. Returns (entries walked, "" or what is broken and where)."""
    previous, count = "0" * 64, 0
    for entry in AuditEntry.objects.order_by("sequence").iterator():
        count += 1
        if entry.sequence != count:
            return count, f"entry {count} is missing"
        if entry.previous_hash != previous or entry.hash != sha256_of(entry_body(entry)):
            return count, f"entry {entry.sequence} was altered"
        previous = entry.hash
    head = ChainHead.objects.filter(pk=1).first()
    if head and (head.sequence != count or head.hash != previous):
        return count, f"entries after {count} were removed"
    return count, ""
