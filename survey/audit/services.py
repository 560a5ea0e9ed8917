"""Adds links to the audit chain, in the transaction of the deed itself."""

from typing import Any, Protocol

from django.db import transaction

from survey.audit.models import AuditEntry, ChainHead
from survey.common.canonical import sha256_of
from survey.common.clock import now
from survey.common.statements import insert, run


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
) -> AuditEntry:
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
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("record() must run inside the transaction of the deed")
    sequence, previous_hash = _take_head()
    entry = AuditEntry(
        sequence=sequence,
        at=now(),
        actor_id=str(acting_user.pk or ""),
        actor_name=str(acting_user),
        action=action,
        object_type=target._meta.label_lower if target is not None else "",
        object_id=str(target.pk) if target is not None else "",
        region_code=region_code,
        detail=detail or {},
        previous_hash=previous_hash,
    )
    entry.hash = sha256_of(entry_body(entry))
    insert(entry)
    run(f"UPDATE {ChainHead._meta.db_table} SET hash = %s WHERE id = 1", [entry.hash])  # noqa: S608
    return entry


def _take_head() -> tuple[int, str]:
    """Lock the chain until the transaction ends: the next entry's sequence and the hash of the one before."""
    statement = (
        f"UPDATE {ChainHead._meta.db_table} SET sequence = sequence + 1 WHERE id = 1"  # noqa: S608
        " RETURNING sequence, hash"
    )
    rows = run(statement, [])
    if not rows:  # the first entry of an installation
        ChainHead.objects.get_or_create(pk=1)
        rows = run(statement, [])
    return rows[0]


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
