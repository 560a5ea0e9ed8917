"""The protocol's shapes and versions. Pure; docs/field-sync.md is the same in prose.

Rule for versions: a phone says which protocol it speaks in every item. Fields that a version does not know
are ignored and stay in the stored original. An older version is brought up step by step (`UPGRADES`), for
ever. A newer one than the server's is stored and waits for the server's update. So an app that lay in a
drawer for a year still delivers what it holds, and a phone updated before its server loses nothing.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

PROTOCOL = 3
OLDEST = 1
VISIT, INTERVIEW, FILE, REMARK, PHONE = "visit", "interview", "file", "remark", "phone"
KINDS = (VISIT, INTERVIEW, FILE, REMARK, PHONE)
MAX_ITEMS = 100  # in one push
# Ids that begin so come from the training community and are refused everywhere else; phones never make a real
# id like it (chance 2^-32, then they take another).
TRAINING_PREFIX = "00000000-"
LONGEST_OFFSET = timedelta(days=20 * 365)  # phones without a battery clock wake in 1970 or 2000


class ItemError(ValueError):
    """An opened item that does not have the protocol's shape; `str()` says which part."""


class Item(NamedTuple):
    """One opened item, brought up to the present protocol."""

    kind: str
    case: uuid.UUID
    device: uuid.UUID
    secret: str
    device_at: datetime
    offset: timedelta
    pulled_at: datetime | None
    protocol: int
    app: str
    body: dict[str, Any]

    @property
    def happened_at(self) -> datetime:
        """The phone's time, corrected by what its clock was off at the last contact before."""
        return self.device_at + self.offset


def is_training(item_id: uuid.UUID | str) -> bool:
    """Whether an id lies in the training community's space."""
    return str(item_id).startswith(TRAINING_PREFIX)


def read_item(raw: Mapping[str, Any]) -> Item:
    """Check an opened item's shape.

    Raises
    ------
    ItemError
    """
    if not isinstance(raw, Mapping):
        raise ItemError("item")
    protocol = raw.get("protocol")
    if isinstance(protocol, bool) or not isinstance(protocol, int) or protocol < OLDEST:
        raise ItemError("protocol")
    upgraded = dict(raw)
    for version in range(protocol, PROTOCOL):
        upgraded = UPGRADES[version](upgraded)
    kind, body, device = upgraded.get("kind"), upgraded.get("body"), upgraded.get("device")
    if kind not in KINDS:
        raise ItemError("kind")
    if not isinstance(body, dict):
        raise ItemError("body")
    if not isinstance(device, Mapping):
        raise ItemError("device")
    item = Item(
        kind=kind,
        case=_uuid(upgraded, "case"),
        device=_uuid(device, "id"),
        secret=str(device.get("secret", "")),
        device_at=_moment(upgraded, "device_at"),
        offset=_offset(upgraded),
        pulled_at=_moment(upgraded, "pulled_at") if upgraded.get("pulled_at") else None,
        protocol=protocol,
        app=str(upgraded.get("app", ""))[:40],
        body=body,
    )
    try:
        item.happened_at.astimezone(UTC)
    except OverflowError:
        raise ItemError("device_at") from None
    return item


def _one_list_to_lists(raw: dict[str, Any]) -> dict[str, Any]:
    """Protocol 1 had one list of members; 2 has every version of the list, the latest last."""
    body = raw.get("body")
    if isinstance(body, dict) and isinstance(household := body.get("household"), dict):
        listed = {"members": household.get("members"), "locked_at": household.get("locked_at"), "reason": ""}
        kept = {name: value for name, value in household.items() if name not in ("members", "locked_at")}
        raw = {**raw, "body": {**body, "household": {**kept, "rosters": [listed]}}}
    return raw


def _as_it_is(raw: dict[str, Any]) -> dict[str, Any]:
    """Protocol 3 added the kind "phone"; what 2 said it says too."""
    return raw


UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _one_list_to_lists, 2: _as_it_is}


def read_uuid(value: object) -> uuid.UUID:
    """A uuid in its usual form.

    Raises
    ------
    ItemError
    """
    try:
        return uuid.UUID(str(value))
    except ValueError:
        raise ItemError("uuid") from None


def _uuid(raw: Mapping[str, Any], name: str) -> uuid.UUID:
    try:
        return read_uuid(raw.get(name))
    except ItemError:
        raise ItemError(name) from None


def read_moment(value: object) -> datetime:
    """An ISO 8601 time with its zone.

    Raises
    ------
    ItemError
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ItemError("time")
    return moment


def _moment(raw: Mapping[str, Any], name: str) -> datetime:
    try:
        return read_moment(raw.get(name))
    except ItemError:
        raise ItemError(name) from None


def _offset(raw: Mapping[str, Any]) -> timedelta:
    value = raw.get("offset_ms", 0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ItemError("offset_ms")
    if not abs(value) <= LONGEST_OFFSET / timedelta(milliseconds=1):
        raise ItemError("offset_ms")
    return timedelta(milliseconds=round(value))
