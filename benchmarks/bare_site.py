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


class Row(models.Model):
    """A uuid and a text."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    body = models.TextField()

    class Meta:
        app_label = "bare"

    def __str__(self) -> str:
        return str(self.pk)


def write(request: HttpRequest) -> JsonResponse:
    """One row."""
    row = Row.objects.create(body=request.body.decode())
    return JsonResponse({"id": str(row.pk)}, status=201)


def write_many(request: HttpRequest) -> JsonResponse:
    """A row for each of the body's items, in one insert."""
    rows = [Row(body=json.dumps(item)) for item in json.loads(request.body)["items"]]
    return JsonResponse({"ids": [str(row.pk) for row in Row.objects.bulk_create(rows)]}, status=201)


urlpatterns = [path("write", write), path("write_many", write_many)]
application = get_wsgi_application()

if __name__ == "__main__":
    with connection.schema_editor() as editor:
        editor.create_model(Row)
