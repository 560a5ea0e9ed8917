"""When a door may be left as not contacted: how many visits, how many of them outside office hours. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

SATURDAY = 5


@dataclass(frozen=True)
class ContactRules:
    """A round's rules. Times are in the installation's zone.

    min_attempts : at least so many visits on different occasions, min_off_hours of them in an evening, on a
        weekend or on a public holiday (European Social Survey, Specification for Participating Countries:
        four visits, one in an evening, one at a weekend)
    holidays : public holidays; workdays : weekends that are worked instead (调休)
    community_quota : most interviews of one interviewer in one community; None: no limit
    """

    min_attempts: int = 4
    min_off_hours: int = 2
    evening_from: int = 18
    holidays: frozenset[date] = field(default_factory=frozenset)
    workdays: frozenset[date] = field(default_factory=frozenset)
    community_quota: int | None = None
    backcheck_share: float = 0.2
    backcheck_min: int = 6


def is_off_hours(at: datetime, rules: ContactRules) -> bool:
    """Whether a visit was in an evening, on a weekend that is not worked, or on a holiday.

    Parameters
    ----------
    at : local time of the visit.
    """
    day = at.date()
    if day in rules.holidays:
        return True
    if day.weekday() >= SATURDAY and day not in rules.workdays:
        return True
    return at.hour >= rules.evening_from


@dataclass(frozen=True)
class Attempts:
    """What was tried at a door, and what is missing before it may be left."""

    made: int
    off_hours: int
    missing: int
    missing_off_hours: int

    @property
    def may_close(self) -> bool:
        return not self.missing and not self.missing_off_hours


def count_attempts(visits: Sequence[datetime] | Iterable[datetime], rules: ContactRules) -> Attempts:
    """Count visits; two within one hour are one occasion, so that ringing twice is not trying twice.

    `missing` counts visits still needed altogether, those outside office hours included.
    """
    occasions: list[datetime] = []
    for at in sorted(visits):
        if not occasions or (at - occasions[-1]).total_seconds() >= 3600:
            occasions.append(at)
    off = sum(is_off_hours(at, rules) for at in occasions)
    missing_off = max(rules.min_off_hours - off, 0)
    return Attempts(len(occasions), off, max(rules.min_attempts - len(occasions), missing_off), missing_off)
