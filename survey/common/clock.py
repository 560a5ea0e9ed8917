"""The only place that asks the time, so that tests can hold it still."""

from datetime import date, datetime

from django.utils import timezone


def now() -> datetime:
    """The present moment, time-zone aware."""
    return timezone.now()


def today() -> date:
    """Today in the installation's time zone."""
    return timezone.localdate()
