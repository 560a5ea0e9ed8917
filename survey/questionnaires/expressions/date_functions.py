"""The functions of dates and times. A date is a Day, a date with its time a Moment (values.py)."""

import math
from typing import TYPE_CHECKING

from survey.questionnaires.expressions import dates
from survey.questionnaires.expressions.errors import ExpressionError
from survey.questionnaires.expressions.values import (
    DECIMAL,
    Day,
    Moment,
    Value,
    atom,
    to_number,
    to_string,
)
from survey.questionnaires.said import said as _

if TYPE_CHECKING:
    from survey.questionnaires.expressions.evaluator import Environment


def _read_date(value: Value, env: "Environment", what: str) -> Day | Moment | float | str:
    """A date, an instant, a number of days (also NaN), or "" for blank."""
    value = atom(value, env.zone)
    if isinstance(value, bool):
        return to_number(value)
    if isinstance(value, str):
        if value.strip(" \t\r\n") == "":
            return ""
        parsed = dates.parse(value)
        if parsed is None:
            text = value.strip(" \t\r\n")
            if DECIMAL.fullmatch(text):
                return float(text)
            raise ExpressionError(
                _("{name}() 读不出日期“{value}”，要写成 2026-11-22", name=what, value=value)
            )
        return Day(parsed.days) if parsed.ms is None else Moment(dates.instant(parsed, env.zone))
    return value


def date_of(env: "Environment", value: Value) -> Value:
    """date(): the calendar day of a text, a date-time or a number of days; blank stays blank."""
    read = _read_date(value, env, "date")
    if isinstance(read, Moment):
        return Day(math.floor(dates.local_days(read.ms, env.zone)))
    if isinstance(read, float):
        return Day(dates.in_calendar(read)) if math.isfinite(read) else math.nan
    return read


def date_time(env: "Environment", value: Value) -> Value:
    """As date(), but keeps the time of day. A whole number is a day; a fraction an instant, as in
    decimal-date-time()."""
    read = _read_date(value, env, "date-time")
    if isinstance(read, float):
        if not math.isfinite(read):
            return math.nan
        day = dates.in_calendar(read)
        if read.is_integer():
            return Day(day)
        ms = math.floor(read * dates.DAY_MS + 0.5)
        local = ms + dates.zone_offset_ms(ms, env.zone)
        return Day(int(local // dates.DAY_MS)) if local % dates.DAY_MS == 0 else Moment(float(ms))
    return read


def today(env: "Environment") -> Day:
    """The day of `env.now` in the form's zone."""
    return Day(math.floor(dates.local_days(env.now, env.zone)))


def decimal_date_time(env: "Environment", value: Value) -> Value:
    """Days since 1970-01-01T00:00Z with fraction; a bare date is its midnight in the form's zone."""
    read = _read_date(value, env, "decimal-date-time")
    if isinstance(read, str):
        return math.nan
    if isinstance(read, Day):
        return dates.from_local(float(read.days * dates.DAY_MS), env.zone) / dates.DAY_MS
    return read.ms / dates.DAY_MS if isinstance(read, Moment) else read


def decimal_time(env: "Environment", value: Value) -> float:
    """The fraction of the day on the form's clock."""
    value = atom(value, env.zone)
    if isinstance(value, Moment):
        days = dates.local_days(value.ms, env.zone)
        return days - math.floor(days)
    match = dates.TIME.fullmatch(value.strip(" \t\r\n")) if isinstance(value, str) else None
    if match is None:
        parsed = dates.parse(value) if isinstance(value, str) else None
        if parsed is None or parsed.ms is None:
            return math.nan
        days = dates.local_days(dates.instant(parsed, env.zone), env.zone)
        return days - math.floor(days)
    ms = dates.clock_ms(match[1], match[2], match[3], match[4])
    if ms is None:
        return math.nan
    offset = dates.offset_minutes(match[5])
    if offset is not None:
        ms = (ms - offset * 60_000 + dates.zone_offset_ms(env.now, env.zone)) % dates.DAY_MS
    return ms / dates.DAY_MS


def format_date(env: "Environment", value: Value, pattern: Value) -> str:
    """A date by a pattern of % escapes, on the form's clock and in its language; blank stays blank."""
    read = _read_date(value, env, "format-date")
    layout = to_string(pattern, env.zone)
    if isinstance(read, str) or (isinstance(read, float) and not math.isfinite(read)):
        return ""
    if isinstance(read, Day):
        local = float(read.days * dates.DAY_MS)
    elif isinstance(read, Moment):
        local = read.ms + dates.zone_offset_ms(read.ms, env.zone)
    else:
        dates.in_calendar(read)
        local = math.floor(read * dates.DAY_MS + 0.5)
    return dates.format_local(local, layout, env.locale)
