"""Whose birthday comes next. Pure; nothing of it is stored."""

from collections.abc import Sequence
from datetime import date

MonthDay = tuple[int, int]
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_day(month: int, day: int) -> bool:
    """Whether the day exists in some year (29 February does)."""
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]


def next_birthdays(birthdays: Sequence[MonthDay], today: date) -> list[int]:
    """Places (from 0) of those whose birthday comes first after today; several when they share the day.

    Counting starts tomorrow: a birthday today is the furthest away. Month and day are compared, without a
    year, so that leap years need no rule.
    """
    now = (today.month, today.day)
    waits = [(birthday <= now, birthday) for birthday in birthdays]
    first = min(waits)
    return [place for place, wait in enumerate(waits) if wait == first]
