"""Times and attempts in the words that interviewers use."""

import re
from datetime import datetime

from django import template
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from survey.common.clock import now
from survey.fieldwork.queries import Door

register = template.Library()

WEEK_DAYS = 6
NUMBER_AND_WORD = re.compile(r"(?<=\d) (?=[\u4e00-\u9fff])")


def part_of_day(moment: datetime) -> str:
    """上午, 下午 or 晚上 (from 18:00, when contact rules count an evening)."""
    hour = localtime(moment).hour
    return _("上午") if hour < 12 else _("下午") if hour < 18 else _("晚上")


@register.filter
def day_words(moment: datetime) -> str:
    """今天, 周四 within the last days, else 11 月 15 日; with the part of the day."""
    local, today = localtime(moment), localtime(now())
    days = (today.date() - local.date()).days
    names = [_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日")]
    if days == 0:
        day = _("今天")
    elif 0 < days <= WEEK_DAYS:
        day = names[local.weekday()]
    else:
        day = date_words(moment)
    return f"{day}{part_of_day(moment)}"


@register.filter
def date_words(moment: datetime) -> str:
    """11 月 15 日."""
    local = localtime(moment)
    return _("%(month)s 月 %(day)s 日") % {"month": local.month, "day": local.day}


@register.filter
def weekday_words(moment: datetime) -> str:
    """11 月 22 日 周日."""
    names = [_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日")]
    return f"{date_words(moment)} {names[localtime(moment).weekday()]}"


@register.filter
def part(moment: datetime) -> str:
    """上午, 下午, 晚上."""
    return part_of_day(moment)


@register.filter
def clock_words(moment: datetime) -> str:
    """18:00."""
    return localtime(moment).strftime("%H:%M")


@register.filter
def appointment_words(moment: datetime) -> str:
    """约 18:00 today, otherwise 约 11 月 24 日 18:00."""
    if localtime(moment).date() == localtime(now()).date():
        return _("约 %(time)s") % {"time": clock_words(moment)}
    return _("约 %(day)s %(time)s") % {"day": date_words(moment), "time": clock_words(moment)}


@register.filter
def together(address: str) -> str:
    """An address in which a number stays with its word when a line breaks: 1 号楼, 101 室."""
    return NUMBER_AND_WORD.sub("\u00a0", address)


@register.filter
def attempts(door: Door) -> list[bool]:
    """One entry for each attempt that the round's rules ask for: True where it was made."""
    made = len(door.visits)
    return [place < made for place in range(max(door.min_attempts, made))]


@register.filter
def last_words(door: Door) -> str:
    """What is known of a door in one line."""
    if not door.visits:
        return _("还没上过门")
    last = door.visits[-1]
    return _("上次 %(when)s，%(what)s") % {"when": day_words(last.at), "what": _(last.label)}
