"""What the rules of every kind of item share: what they are given, what they say, how they read a body."""

import math
import uuid
from datetime import datetime
from typing import Any, NamedTuple

from survey.accounts.models import User
from survey.contacts.models import Contact
from survey.fieldwork.places import store_place
from survey.fieldwork.services import presence
from survey.fieldwork.sync.protocol import Item, ItemError
from survey.fieldwork.sync_models import SyncItem
from survey.responses.models import Response
from survey.responses.pages import LANGUAGE_CODES
from survey.sampling.models import Case


class Outcome(NamedTuple):
    """What became of an item. `detail` goes back to the phone and into the flag; never answers or names."""

    state: str
    code: str = ""
    detail: dict[str, Any] = {}
    case: Case | None = None
    response: Response | None = None
    contact_id: uuid.UUID | None = None


class Work(NamedTuple):
    """An item with everything its rule needs."""

    row: SyncItem
    item: Item
    user: User
    case: Case
    at: datetime  # never later than now


def door_detail(work: Work) -> dict[str, Any]:
    """What every contact at the door keeps in the clear: who was there, and both clocks."""
    return {
        "present": presence(list_in(work.item.body, "present")),
        "item": str(work.row.pk),
        "device_at": work.item.device_at.isoformat(),
        "offset_ms": work.row.offset_ms,
    }


def keep_place(work: Work, contact: Contact) -> None:
    """Store where the phone was, if it knew."""
    place = work.item.body.get("place")
    if not isinstance(place, dict):
        return
    lat, lng, accuracy = (_degrees(place.get(name)) for name in ("lat", "lng", "accuracy_m"))
    if lat is not None and lng is not None and abs(lat) <= 90 and abs(lng) <= 180:
        store_place(contact_id=contact.pk, lat=lat, lng=lng, accuracy_m=accuracy)


def _degrees(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def consent_of(body: dict[str, Any]) -> dict[str, Any]:
    """The agreement that an interview carries."""
    consent = body.get("consent")
    if not isinstance(consent, dict):
        raise ItemError("consent")
    return consent


def uuids(texts: set[str]) -> list[uuid.UUID]:
    """Ids of other items that a body names."""
    try:
        return [uuid.UUID(text) for text in texts]
    except ValueError:
        raise ItemError("files") from None


def word(body: dict[str, Any], name: str, longest: int) -> str:
    """A text of the body, "" when it is missing; ItemError when it is none."""
    value = body.get(name) or ""
    if not isinstance(value, str):
        raise ItemError(name)
    return value.strip()[:longest]


def list_in(body: dict[str, Any], name: str) -> list[Any]:
    """A list of the body, empty when it is missing; ItemError when it is none."""
    value = body.get(name) or []
    if not isinstance(value, list):
        raise ItemError(name)
    return value


def dict_in(body: dict[str, Any], name: str) -> dict[str, Any]:
    """An object of the body, empty when it is missing; ItemError when it is none."""
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise ItemError(name)
    return value


def language_of(body: dict[str, Any]) -> str:
    """The language that was spoken; Simplified Chinese where the phone names none of ours."""
    language = body.get("language")
    return language if language in LANGUAGE_CODES else LANGUAGE_CODES[0]
