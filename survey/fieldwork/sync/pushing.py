"""Taking what a phone sends: stored first, all of it, by one statement; then each item by its own rules.

A stored item is safe whatever happens next: a fault of ours, a rule that is missing, a file still on its way.
The phone hears of each item what became of it, now or with a later pull.
"""

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.common.clock import now, today
from survey.common.errors import Problem
from survey.common.statements import run, stored
from survey.fieldwork.sync import sealing
from survey.fieldwork.sync.applying import Outcome, apply_item
from survey.fieldwork.sync.devices import has_secret
from survey.fieldwork.sync.flags import flag_item
from survey.fieldwork.sync.keys import open_item
from survey.fieldwork.sync.protocol import (
    FILE,
    MAX_ITEMS,
    PROTOCOL,
    Item,
    ItemError,
    is_training,
    read_item,
    read_uuid,
)
from survey.fieldwork.sync.pulling import result_of
from survey.fieldwork.sync_models import Device, SealKey, SyncItem
from survey.studies.models import Round

BUDGET_S = 20.0  # of one request; what is left is stored, and settled by a worker or at the next contact
PAYLOAD_KEPT = timedelta(days=30)  # after it was settled
SETTLED = [  # what is learnt of an item when it is opened
    *("state", "code", "detail", "case", "response", "contact_id", "settled_at", "device"),
    *("kind", "protocol", "app_version", "device_at", "happened_at", "offset_ms"),
]
NOT_STORED = "not_stored"  # the phone keeps it; every other state means that the server has it
log = logging.getLogger(__name__)


def push(*, user: User, items: Iterable[Any], budget_s: float | None = None) -> list[dict[str, Any]]:
    """Store and settle a phone's items, whoever's they are; one result for each, in their order.

    Parameters
    ----------
    items : as sent: {"id", "key", "epk", "iv", "ct", "zip"}.
    budget_s : seconds after which the rest is stored only, to be settled later; MINYI_SYNC_BUDGET_S by
        default. 0 stores only: an evening's rush then costs the phones one insert.

    Raises
    ------
    Problem fieldwork.too_many_items
    """
    sent, budget_s = list(items), settings.SYNC_BUDGET_S if budget_s is None else budget_s
    if len(sent) > MAX_ITEMS:
        raise Problem("fieldwork.too_many_items", limit=MAX_ITEMS)
    answers: dict[int, dict[str, Any]] = {}
    fit: list[tuple[int, SyncItem]] = []
    keys = _keys(sent)
    for place, raw in enumerate(sent):
        found = _read(raw, keys, user)
        if isinstance(found, SyncItem):
            fit.append((place, found))
        else:
            answers[place] = found
    return _settle_stored(fit, answers, budget_s)


def _settle_stored(
    fit: list[tuple[int, SyncItem]], answers: dict[int, dict[str, Any]], budget_s: float
) -> list[dict[str, Any]]:
    """Store all, then settle one by one; `answers` holds those that could not be stored, by place."""
    standing = _store([item for _place, item in fit])
    deadline = time.monotonic() + budget_s
    for place, item in fit:
        kept = standing[item.pk]
        if kept.payload_hash != item.payload_hash and not _same_text(kept, item):
            answers[place] = {"id": str(item.pk), "state": NOT_STORED, "code": "other_content"}
            continue
        if kept.state == SyncItem.State.WAITING and time.monotonic() < deadline:
            settle(kept)
        answers[place] = result_of(kept)
    arrived = {kept.device_id for kept in standing.values() if kept.kind == FILE}
    if arrived:  # what waited for a picture
        settle_waiting(budget_s=budget_s, device__in=arrived, code="file_missing")
        standing = {row.pk: row for row in SyncItem.objects.filter(pk__in=standing)}
        answers |= {
            place: result_of(standing[item.pk]) for place, item in fit if _still_waits(answers[place])
        }
    return [answers[place] for place in sorted(answers)]


def _still_waits(answer: Mapping[str, Any]) -> bool:
    return answer["state"] == SyncItem.State.WAITING


def _keys(sent: list[Any]) -> dict[str, SealKey]:
    """The keys that the items name, by id."""
    wanted = set()
    for raw in sent:
        try:
            wanted.add(read_uuid(raw.get("key")))
        except (AttributeError, ItemError):
            continue
    keys = SealKey.objects.filter(pk__in=wanted).select_related("round").only("round__is_training")
    return {str(key.pk): key for key in keys}


def _read(raw: Any, keys: Mapping[str, SealKey], user: User) -> SyncItem | dict[str, Any]:
    """An item to store, or the answer to one that cannot be stored."""
    if not isinstance(raw, Mapping):
        return {"id": "", "state": NOT_STORED, "code": "malformed"}
    try:
        item_id = read_uuid(raw.get("id"))
    except ItemError:
        return {"id": str(raw.get("id", ""))[:40], "state": NOT_STORED, "code": "malformed"}
    refused = {"id": str(item_id), "state": NOT_STORED}
    if is_training(item_id):
        return {**refused, "code": "training"}
    key = keys.get(str(raw.get("key")))
    if key is None:
        return {**refused, "code": "unknown_key"}
    if key.round.is_training:
        return {**refused, "code": "training"}
    if not all(isinstance(raw.get(name), str) for name in ("epk", "iv", "ct")):
        return {**refused, "code": "malformed"}
    payload = sealing.pack({**raw, "zip": int(bool(raw.get("zip")))})
    return SyncItem(
        id=item_id,
        round=key.round,
        seal_key=key,
        uploaded_by=user,
        payload=payload,
        payload_hash=hashlib.sha256(payload).hexdigest(),
        received_at=now(),
    )


def _store(items: list[SyncItem]) -> dict[uuid.UUID, SyncItem]:
    """Keep new items; what is known stays as it is. Returns what stands under each id.

    One statement, which stores all of them or none: in the evening everybody pushes at once.
    """
    if not items:
        return {}
    firsts = {item.pk: item for item in reversed(items)}  # of two with one id, the first
    unique = [firsts[key] for key in sorted(firsts)]  # one order for all: shuffled batches never deadlock
    columns = [field.attname for field in SyncItem._meta.concrete_fields]
    values = [stored(SyncItem, name, getattr(item, name)) for item in unique for name in columns]
    new = {uuid.UUID(str(key)) for (key,) in run(_insertion(len(unique)), values)}
    for item in unique:
        item._state.adding, item._state.db = False, connection.alias
    standing = {item.pk: item for item in unique if item.pk in new}
    known = [item.pk for item in unique if item.pk not in new]
    if known:
        standing |= {item.pk: item for item in _with_key(known)}
    return standing


def _with_key(keys: list[uuid.UUID]) -> Iterable[SyncItem]:
    return SyncItem.objects.filter(pk__in=keys).select_related("seal_key").order_by()


@cache
def _insertion(count: int) -> str:
    # Names come from our own model; every value is a parameter.
    fields = SyncItem._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * count)
    return f"""
        INSERT INTO {SyncItem._meta.db_table} ({columns}) VALUES {places}
        ON CONFLICT (id) DO NOTHING RETURNING id
    """  # noqa: S608


def _same_text(kept: SyncItem, sent: SyncItem) -> bool:
    """A phone may seal the same text twice; the seals differ, what they hold does not."""
    if kept.payload is None:
        return True
    try:
        return _text_of(kept) == _text_of(sent)
    except sealing.SealError:
        return False


def _text_of(item: SyncItem) -> bytes:
    return open_item(item.seal_key, str(item.pk), json.loads(bytes(item.payload)))


def settle(item: SyncItem) -> None:
    """Open one stored item and do what it says, once. A fault of ours leaves it waiting, with its trace."""
    try:
        with transaction.atomic():
            # Two requests with the same item queue here; the second finds it settled.
            waits = SyncItem.objects.filter(state=SyncItem.State.WAITING, payload__isnull=False)
            if list(waits.select_for_update().filter(pk=item.pk).order_by().values_list("pk")):
                _settle(item)
            else:
                item.refresh_from_db()
    except Exception:
        log.exception("sync item %s could not be settled", item.pk)
        item.refresh_from_db()


def _settle(item: SyncItem) -> None:
    try:
        raw = json.loads(_text_of(item))
        if isinstance(raw, dict) and isinstance(raw.get("protocol"), int) and raw["protocol"] > PROTOCOL:
            item.protocol = min(raw["protocol"], 32767)
            item.code = "newer_protocol"  # waits for this server's update
            item.save(update_fields=["protocol", "code"])
            return
        opened = read_item(raw)
    except (sealing.SealError, ItemError, ValueError, RecursionError) as error:
        finish(item, Outcome(SyncItem.State.REFUSED, "unreadable", {"part": str(error)[:60]}))
        return
    item.kind, item.protocol, item.app_version = opened.kind, opened.protocol, opened.app
    item.device_at, item.happened_at = opened.device_at, opened.happened_at
    item.offset_ms = round(opened.offset / timedelta(milliseconds=1))
    device = Device.objects.select_related("user").filter(pk=opened.device).first()
    if device is None or not has_secret(device, opened.secret):
        finish(item, Outcome(SyncItem.State.REFUSED, "unknown_device"), opened)
        return
    item.device = device
    finish(item, apply_item(item, opened, device), opened)


def finish(item: SyncItem, outcome: Outcome, opened: Item | None = None) -> None:
    """Write down what became of an item; a refusal becomes a flag for the supervisor."""
    item.state, item.code, item.detail = outcome.state, outcome.code, outcome.detail
    item.case = item.case or outcome.case
    item.response, item.contact_id = outcome.response, outcome.contact_id
    item.settled_at = None if outcome.state == SyncItem.State.WAITING else now()
    item.save(update_fields=SETTLED)  # what was sent is not written again
    if outcome.state == SyncItem.State.REFUSED:
        flag_item(item, outcome.case)


def settle_waiting(*, limit: int = 500, budget_s: float = BUDGET_S, **wanted: Any) -> int:
    """Take up again what waits: after our update, a file's arrival, a fault. Returns how many settled."""
    deadline = time.monotonic() + budget_s
    waiting = SyncItem.objects.filter(state=SyncItem.State.WAITING, **wanted).filter(
        ~Q(code="newer_protocol") | Q(protocol__lte=PROTOCOL)
    )
    done = 0
    for item in waiting.select_related("seal_key", "round").order_by("received_at")[:limit]:
        if time.monotonic() > deadline:
            break
        settle(item)
        done += item.state != SyncItem.State.WAITING
    return done


def has_unsettled() -> bool:
    """Whether a worker has something to settle: stored, and waiting for nothing but its turn."""
    return SyncItem.objects.filter(state=SyncItem.State.WAITING, code="").order_by().exists()


def discard_payloads() -> int:
    """Drop the originals of what was taken, after `PAYLOAD_KEPT`, and at once of what was withdrawn."""
    taken = SyncItem.objects.filter(
        state__in=[SyncItem.State.ACCEPTED, SyncItem.State.KEPT], payload__isnull=False
    )
    old = taken.filter(Q(settled_at__lt=now() - PAYLOAD_KEPT) | Q(response__state="withdrawn"))
    return old.update(payload=None)


def words_of(code: str) -> str:
    """A result's code in the interviewer's words."""
    return {
        "": _("收到了。"),
        "response_stands": _("这一户已经有完整答卷，您的记录也留着，以先收到的答卷为准。"),
        "superseded": _("收到了；之后您又改过，以改后的为准。"),
        "reassigned": _("收到了。这一户已经改派给别人，督导员会看到。"),
        "not_assigned": _("这一户没有派给您，没有采用。原件留着，督导员会看到。"),
        "tampered_selection": _("抽中的人和这一户的随机数对不上，没有采用。原件留着，督导员会看到。"),
        "file_missing": _("已存好，等签名或照片传到。"),
        "newer_protocol": _("已存好，等服务器升级以后处理。"),
        "unreadable": _("这一条读不出来，没有采用。原件留着，请告诉督导员。"),
        "unknown_device": _("认不出是哪部手机做的，没有采用。原件留着，请告诉督导员。"),
        "training": _("这是练习，不会上传。"),
        "other_content": _("同一个编号已经收过别的内容，没有覆盖。请告诉督导员。"),
        "unknown_key": _("服务器不认识这一轮调查，没有收。请告诉督导员，别退出登录。"),
        "malformed": _("格式不对，没有收。请告诉督导员，别退出登录。"),
    }.get(code, code)


def destroy_originals(*, round: Round) -> int:
    """Drop every sealed original of a round whose retention date has passed, also of what was refused."""
    if round.retention_until is None or round.retention_until >= today():
        raise ValueError("the round's retention date has not passed")
    return SyncItem.objects.filter(round=round, payload__isnull=False).update(payload=None)
