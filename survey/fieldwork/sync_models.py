"""What the interviewers' phones and the server agree on: devices, the rounds' keys, and every item sent."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from survey.responses.models import Response
from survey.sampling.models import Case
from survey.studies.models import Round


class DeviceQuerySet(models.QuerySet):
    def visible_to(self, user: Any) -> "DeviceQuerySet":
        """A supervisor sees the phones of the interviewers whose grants lie in his subtree."""
        subtree = user.region_filter(
            "user__grants__region__path", "administrator", "study_lead", "supervisor"
        )
        return self.filter(subtree, user__grants__role="interviewer").distinct()


class Device(models.Model):
    """One interviewer's app on one phone. Two interviewers on one phone are two devices."""

    id = models.UUIDField(primary_key=True)  # made by the phone
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="devices")
    # Proves, inside a sealed item, who made it, whoever's log-in brings it here.
    secret_hash = models.CharField(max_length=64)
    name = models.CharField(max_length=120, blank=True)  # "Chromium 148 · Android", for the supervisor
    app_version = models.CharField(max_length=40, blank=True)
    protocol = models.PositiveSmallIntegerField(default=0)
    offset_ms = models.BigIntegerField(default=0)  # server's clock minus the phone's, at the last contact
    registered_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    locked_at = models.DateTimeField(null=True)
    locked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ["user", "-last_seen_at"]

    def __str__(self) -> str:
        return f"{self.user} {self.name}"


class SealKey(models.Model):
    """A round's key pair: phones seal to the public half; the private half is encrypted here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    round = models.OneToOneField(Round, on_delete=models.PROTECT, related_name="seal_key")
    public_key = models.BinaryField()  # P-256 point, uncompressed, 65 bytes
    private_cipher = models.BinaryField()
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.round_id} {self.id}"


class SyncItem(models.Model):
    """One thing that a phone has sent, sealed as it came, and what became of it. Never overwritten."""

    class State(models.TextChoices):
        ACCEPTED = "accepted", _("已收")
        KEPT = "kept", _("已收，和别的记录并存")
        WAITING = "waiting", _("已存好，等待处理")
        REFUSED = "refused", _("没有采用，原件留存")

    id = models.UUIDField(primary_key=True)  # made by the phone: the same id twice is the same item
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="sync_items")
    seal_key = models.ForeignKey(SealKey, on_delete=models.PROTECT, related_name="+")
    device = models.ForeignKey(Device, null=True, on_delete=models.SET_NULL, related_name="items")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    payload = models.BinaryField(null=True)  # the seal; gone after `pushing.PAYLOAD_KEPT`
    payload_hash = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, blank=True)
    case = models.ForeignKey(Case, null=True, on_delete=models.SET_NULL, related_name="sync_items")
    protocol = models.PositiveSmallIntegerField(default=0)
    app_version = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    code = models.CharField(max_length=40, blank=True)  # why: a code of the errors' catalogue or of docs
    detail = models.JSONField(default=dict)
    # The phone's clock, its correction, and the moment that both give.
    device_at = models.DateTimeField(null=True)
    offset_ms = models.BigIntegerField(default=0)
    happened_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, db_index=True)
    response = models.ForeignKey(Response, null=True, on_delete=models.SET_NULL, related_name="sync_items")
    contact_id = models.UUIDField(null=True)

    class Meta:
        ordering = ["received_at"]
        indexes = [
            models.Index(fields=["device", "settled_at"]),
            models.Index(fields=["state", "received_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
