"""Minutes of one interviewer's interviews among the team's, as places on a line of 100 units."""

from statistics import median
from typing import Any

from django.utils.dateparse import parse_datetime

from survey.responses.models import Flag, Response
from survey.studies.models import Round

MOST_DOTS = 400  # of the others; more would be a grey bar
ROWS = 4  # dots lie on so many rows, by turns


def pace_strip(round_: Round, flag: Flag) -> dict[str, Any] | None:
    """{"his", "others": [(x, y) …], "median_x", "median", "longest"} in minutes; None without times."""
    rows = (
        Response.objects.counted()
        .filter(round=round_, mode=Response.Mode.DOOR, interviewer__isnull=False)
        .order_by("pk")
        .values_list("interviewer", "submitted_at", "paradata__started_at")
    )
    his, others = [], []
    for who, ended, told in rows:
        began = parse_datetime(told) if isinstance(told, str) else None
        if began is None or began.tzinfo is None or began >= ended:
            continue
        minutes = (ended - began).total_seconds() / 60
        (his if who == flag.evidence.get("interviewer") else others).append(minutes)
    if not his or not others:
        return None
    # The slowest twentieth would press all others to the left.
    longest = sorted(his + others)[int(0.95 * (len(his) + len(others) - 1))]
    return {
        "his": _dots(his, longest),
        "others": _dots(others[:MOST_DOTS], longest),
        "median": median(his + others),
        "median_x": _x(median(his + others), longest),
        "longest": longest,
    }


def _x(minutes: float, longest: float) -> str:
    return f"{2 + 96 * min(minutes / longest, 1.0):.1f}"


def _dots(minutes: list[float], longest: float) -> list[tuple[str, int]]:
    return [(_x(value, longest), 6 + 5 * (k % ROWS)) for k, value in enumerate(minutes)]
