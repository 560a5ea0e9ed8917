"""What every page may show."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def installation(request: HttpRequest) -> dict[str, Any]:
    """`is_simulated`: the demo says 模拟数据 on every page."""
    return {"is_simulated": settings.MINYI_ENV == "demo", "public_url": settings.PUBLIC_URL}
