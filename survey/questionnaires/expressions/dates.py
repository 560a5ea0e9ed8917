"""Dates of the expression language: proleptic Gregorian days and instants, with the form's time zone.

Days are computed with integers rather than `datetime` so that years outside 1–9999 behave as in JavaScript.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from survey.questionnaires.expressions.errors import ExpressionError
from survey.questionnaires.said import said as _

DAY_MS = 86_400_000
FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31
ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?",
    re.ASCII,
)
TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?", re.ASCII)
MONTHS = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "zh": [f"{month}月" for month in range(1, 13)],
}
WEEKDAYS = {
    "en": ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
    "zh": ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
    "zh-hant": ["週日", "週一", "週二", "週三", "週四", "週五", "週六"],
}


@dataclass(frozen=True)
class Parsed:
    """An ISO text: the day as written; `ms` of that day, None for a bare date; `offset` in minutes."""

    days: int
    ms: float | None
    offset: int | None


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01. Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"."""
    year -= month <= 2
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146097 + day_of_era - 719468


def civil_from_days(days: int) -> tuple[int, int, int]:
    """(year, month, day) of a day number; the inverse of `days_from_civil`, same source."""
    days += 719468
    era = days // 146097
    day_of_era = days - era * 146097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def in_calendar(days: float) -> int:
    """The whole day of a day count. Raises ExpressionError outside the years 1 to 9999."""
    whole = math.floor(days)
    if not FIRST_DAY <= whole <= LAST_DAY:
        raise ExpressionError(_("日期不在公元 1 年到 9999 年之间"))
    return whole


def parse(text: str, *, strict: bool = False) -> Parsed | None:
    """An ISO date or date-time, or None. `strict` wants two-digit months and days."""
    match = ISO.fullmatch(text.strip(" \t\r\n"))
    if not match:
        return None
    if strict and (len(match[2]) != 2 or len(match[3]) != 2):
        return None
    year, month, day = int(match[1]), int(match[2]), int(match[3])
    if year < 1 or not 1 <= month <= 12 or day < 1:
        return None
    days = days_from_civil(year, month, day)
    if civil_from_days(days) != (year, month, day):
        return None
    if match[4] is None:
        return Parsed(days, None, None)
    ms = clock_ms(match[4], match[5], match[6], match[7])
    return None if ms is None else Parsed(days, ms, offset_minutes(match[8]))


def clock_ms(hours: str, minutes: str, seconds: str | None, fraction: str | None) -> float | None:
    """Milliseconds of a day, or None when a part is out of range."""
    h, m, s = int(hours), int(minutes), int(seconds or 0)
    if h > 23 or m > 59 or s > 59:
        return None
    milli = int((fraction or "").ljust(3, "0")[:3] or 0)
    return float(((h * 60 + m) * 60 + s) * 1000 + milli)


def offset_minutes(text: str | None) -> int | None:
    """Minutes east of UTC in `Z`, `+08:00`, `+0800` or `+08`."""
    if text is None:
        return None
    if text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[-2:] if len(text) > 3 else 0)
    return -minutes if text[0] == "-" else minutes


@lru_cache(maxsize=32)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def zone_offset_ms(ms: float, zone: str) -> float:
    """The zone's offset from UTC at an instant. Outside 1900–2200 the nearest edge is taken."""
    clamped = min(max(ms, -2_208_988_800_000), 7_258_118_400_000)
    moment = datetime.fromtimestamp(math.floor(clamped / 1000), UTC).astimezone(_zone(zone))
    return moment.utcoffset().total_seconds() * 1000


def instant(parsed: Parsed, zone: str) -> float:
    """The instant of an ISO text; without an offset it is read on the zone's clock."""
    local = parsed.days * DAY_MS + (parsed.ms or 0.0)
    if parsed.offset is not None:
        return local - parsed.offset * 60_000
    return from_local(local, zone)


def from_local(local: float, zone: str) -> float:
    """The instant at which the zone's clock shows `local`; in a skipped hour, the later offset counts."""
    guess = local - zone_offset_ms(local, zone)
    return local - zone_offset_ms(guess, zone)


def local_days(ms: float, zone: str) -> float:
    """Days since 1970-01-01 on the zone's clock, with fraction."""
    return (ms + zone_offset_ms(ms, zone)) / DAY_MS


def day_text(days: int) -> str:
    """`2024-03-15`."""
    year, month, day = civil_from_days(days)
    return f"{year:04d}-{month:02d}-{day:02d}"


def moment_text(ms: float, zone: str) -> str:
    """`2024-03-15T18:30:00.000+08:00` on the zone's clock."""
    offset = zone_offset_ms(ms, zone)
    days, rest = divmod(int(ms + offset), DAY_MS)
    sign, minutes = ("-" if offset < 0 else "+"), int(abs(offset) // 60_000)
    clock = f"{rest // 3_600_000:02d}:{rest // 60_000 % 60:02d}:{rest // 1000 % 60:02d}.{rest % 1000:03d}"
    return f"{day_text(days)}T{clock}{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def format_local(local_ms: float, pattern: str, locale: str) -> str:
    """format-date() of a clock reading. Escapes: %Y %y %m %n %b %d %e %H %h %M %S %3 %a %%."""
    days, rest = divmod(int(local_ms), DAY_MS)
    year, month, day = civil_from_days(days)
    language = locale if locale in WEEKDAYS else locale.split("-")[0]
    months = MONTHS["zh" if language.startswith("zh") else "en"]
    parts = {
        "Y": f"{year:04d}",
        "y": f"{year:04d}"[-2:],
        "m": f"{month:02d}",
        "n": str(month),
        "b": months[month - 1],
        "d": f"{day:02d}",
        "e": str(day),
        "H": f"{rest // 3_600_000:02d}",
        "h": str(rest // 3_600_000),
        "M": f"{rest // 60_000 % 60:02d}",
        "S": f"{rest // 1000 % 60:02d}",
        "3": f"{rest % 1000:03d}",
        "a": WEEKDAYS.get(language, WEEKDAYS["en"])[(days + 4) % 7],
        "%": "%",
    }
    out, position = [], 0
    while position < len(pattern):
        if pattern[position] != "%":
            out.append(pattern[position])
            position += 1
            continue
        escape = pattern[position + 1 : position + 2]
        if escape not in parts or not escape:
            raise ExpressionError(_("日期格式里没有 %{escape} 这种写法", escape=escape))
        out.append(parts[escape])
        position += 2
    return "".join(out)
