"""The audit trail: one hash chain per installation.

An entry keeps the actor's id and name as text, without a foreign key, so that history outlives the
account. Entries are never changed or deleted; `manage.py verify_audit` walks the chain.
"""

from django.db import models


class ChainHead(models.Model):
    """One row: the newest link. Locked while an entry is added, so that the chain never forks."""

    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"{self.sequence} {self.hash[:12]}"


class AuditEntry(models.Model):
    """One deed: who, what, on what, when; chained to the one before."""

    sequence = models.BigIntegerField(unique=True)
    at = models.DateTimeField()
    actor_id = models.CharField(max_length=64, blank=True)
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=100, db_index=True)  # sampling.draw.created
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    region_code = models.CharField(max_length=24, blank=True)
    detail = models.JSONField(default=dict)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["-sequence"]
        indexes = [models.Index(fields=["object_type", "object_id"])]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"
