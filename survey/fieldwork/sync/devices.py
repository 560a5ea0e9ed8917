"""Phones: registered once, seen at each contact, locked from afar."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from survey.accounts.models import User
from survey.audit.services import record
from survey.common.clock import now
from survey.common.crypto import keyed_hash, same
from survey.common.errors import Problem
from survey.fieldwork.sync_models import Device

PURPOSE = "fieldwork.device"
MIN_SECRET = 32  # characters; the phone makes 32 random bytes in base64


def register_device(
    *, device_id: uuid.UUID, secret: str, name: str, app_version: str, protocol: int, acting_user: User
) -> Device:
    """Make a phone known as this interviewer's; the same phone again is the same device.

    Raises
    ------
    Problem fieldwork.device_taken : the id belongs to somebody else or came with another secret.
    """
    hashed = keyed_hash(secret, PURPOSE)
    with transaction.atomic():
        device, created = Device.objects.get_or_create(
            id=device_id,
            defaults={
                "user": acting_user,
                "secret_hash": hashed,
                "name": name[:120],
                "app_version": app_version[:40],
                "protocol": protocol,
                "registered_at": now(),
                "last_seen_at": now(),
            },
        )
        if device.user_id != acting_user.pk or not same(device.secret_hash, hashed):
            raise Problem("fieldwork.device_taken")
        if created:
            record(
                action="fieldwork.device.registered",
                acting_user=acting_user,
                target=device,
                detail={"name": device.name, "app": device.app_version},
            )
    return device


def device_of(user: User, device_id: uuid.UUID) -> Device:
    """The interviewer's own device.

    Raises
    ------
    Problem fieldwork.device_unknown : none of his has this id; the app registers and tries again.
    """
    device = Device.objects.filter(pk=device_id, user=user).first()
    if device is None:
        raise Problem("fieldwork.device_unknown")
    return device


def has_secret(device: Device, secret: str) -> bool:
    """Whether a sealed item was made by this phone's app."""
    return same(device.secret_hash, keyed_hash(secret, PURPOSE))


def saw_device(device: Device, *, app_version: str, protocol: int, sent_at: datetime | None) -> None:
    """Note a contact, and how far off the phone's clock is."""
    moment = now()
    offset = (moment - sent_at) // timedelta(milliseconds=1) if sent_at else device.offset_ms
    Device.objects.filter(pk=device.pk).update(
        last_seen_at=moment,
        app_version=app_version[:40] or device.app_version,
        protocol=protocol,
        offset_ms=offset,
    )


def lock_device(*, device: Device, acting_user: User) -> None:
    """A lost phone: at its next contact it destroys the key to its drafts; what is sealed stays."""
    _set_lock(device, now(), acting_user, "fieldwork.device.locked")


def unlock_device(*, device: Device, acting_user: User) -> None:
    """The phone was found: it may be set up anew, with a new PIN."""
    _set_lock(device, None, acting_user, "fieldwork.device.unlocked")


def _set_lock(device: Device, moment: datetime | None, acting_user: User, action: str) -> None:
    with transaction.atomic():
        Device.objects.filter(pk=device.pk).update(
            locked_at=moment, locked_by=acting_user if moment else None
        )
        device.locked_at = moment
        record(action=action, acting_user=acting_user, target=device, detail={"user": str(device.user)})
