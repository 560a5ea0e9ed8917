"""A bare Django: one table, one view that writes one row. What any Django page costs on this machine."""

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


urlpatterns = [path("write", write)]
application = get_wsgi_application()

if __name__ == "__main__":
    with connection.schema_editor() as editor:
        editor.create_model(Row)
