"""Reads a round's contact rules and what they say about doors."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import QuerySet
from django.utils.timezone import localtime

from survey.contacts.models import Contact
from survey.fieldwork.contact_rules import Attempts, ContactRules, count_attempts
from survey.fieldwork.models import FieldRules
from survey.sampling.models import Case
from survey.studies.models import Round


def rules_of(round: Round) -> ContactRules:
    """The round's rules; the defaults where nobody has set any."""
    row = FieldRules.objects.filter(round=round).first()
    if row is None:
        return ContactRules()
    return ContactRules(
        min_attempts=row.min_attempts,
        min_off_hours=row.min_off_hours,
        evening_from=row.evening_from,
        holidays=frozenset(date.fromisoformat(day) for day in row.holidays),
        workdays=frozenset(date.fromisoformat(day) for day in row.workdays),
        community_quota=row.community_quota,
        backcheck_share=row.backcheck_share,
        backcheck_min=row.backcheck_min,
    )


def least_attempts(rounds: Iterable[int]) -> dict[int, int]:
    """{round's primary key: visits that its rules ask for before a door may be left}."""
    keys = set(rounds)
    rows = dict(FieldRules.objects.filter(round__in=keys).values_list("round", "min_attempts"))
    return {key: rows.get(key, ContactRules().min_attempts) for key in keys}


def attempts_of(cases: Iterable[Case], rules: ContactRules) -> dict[int, Attempts]:
    """{case's primary key: its attempts at the door}; cases without a visit have none made."""
    times: dict[int, list[datetime]] = defaultdict(list)
    keys = [case.pk for case in cases]
    # A whole round's cases are more than a statement takes as parameters.
    among = cases.values("pk") if isinstance(cases, QuerySet) else keys
    rows = Contact.objects.filter(case__in=among, mode=Contact.Mode.DOOR).exclude(disposition="")
    for case, at in rows.order_by().values_list("case", "at"):
        times[case].append(localtime(at))
    return {key: count_attempts(times[key], rules) for key in keys}
