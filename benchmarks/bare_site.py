"""A bare Django: one table, a view that writes one row, one that inserts many. What any page costs here."""

import json
import os
import uuid

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="benchmark",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["BARE_DATABASE"],
            "USER": "minyi",
            "HOST": "127.0.0.1",
            "PORT": os.environ["BARE_PORT"],
            "CONN_MAX_AGE": 600,
        }
    },
    MIDDLEWARE=[],
    INSTALLED_APPS=[],
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402


class Row(models.Model):
    """A uuid and a text."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    body = models.TextField()

    class Meta:
        app_label = "bare"

    def __str__(self) -> str:
        return str(self.pk)


class Item(models.Model):
    """The columns and indexes of `survey.fieldwork.sync_models.SyncItem`, which belong to nothing here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    round = models.BigIntegerField(db_index=True)
    seal_key = models.UUIDField(db_index=True)
    device = models.UUIDField(null=True, db_index=True)
    uploaded_by = models.BigIntegerField(null=True, db_index=True)
    payload = models.BinaryField(null=True)
    payload_hash = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, blank=True)
    case = models.BigIntegerField(null=True, db_index=True)
    protocol = models.PositiveSmallIntegerField(default=0)
    app_version = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=8, default="waiting")
    code = models.CharField(max_length=40, blank=True)
    detail = models.JSONField(default=dict)
    device_at = models.DateTimeField(null=True)
    offset_ms = models.BigIntegerField(default=0)
    happened_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, db_index=True)
    response = models.UUIDField(null=True, db_index=True)
    contact_id = models.UUIDField(null=True)

    class Meta:
        app_label = "bare"
        indexes = [
            models.Index(fields=["device", "settled_at"], name="item_device"),
            models.Index(fields=["state", "received_at"], name="item_state"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


def write(request: HttpRequest) -> JsonResponse:
    """One row."""
    row = Row.objects.create(body=request.body.decode())
    return JsonResponse({"id": str(row.pk)}, status=201)


def write_many(request: HttpRequest) -> JsonResponse:
    """A row for each of the body's items, in one insert."""
    moment = timezone.now()
    rows = [
        Item(
            round=1,
            seal_key=item["key"],
            uploaded_by=1,
            payload=json.dumps({name: item[name] for name in ("epk", "iv", "ct", "zip")}).encode(),
            payload_hash="0" * 64,
            received_at=moment,
        )
        for item in json.loads(request.body)["items"]
    ]
    return JsonResponse({"ids": [str(row.pk) for row in Item.objects.bulk_create(rows)]}, status=201)


urlpatterns = [path("write", write), path("write_many", write_many)]
application = get_wsgi_application()

if __name__ == "__main__":
    with connection.schema_editor() as editor:
        editor.create_model(Row)
        editor.create_model(Item)
