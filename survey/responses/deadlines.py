"""When a resident's request must be done."""

from datetime import date, timedelta

WORKING_DAYS_FOR_REQUESTS = 15  # GB/T 35273-2020, as cited in docs/privacy.md


def add_working_days(start: date, days: int) -> date:
    """The date `days` working days after `start`.

    Monday to Friday count. Public holidays are not known here, so the date is never later than the law's.
    """
    day = start
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return day
