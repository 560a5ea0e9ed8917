"""What the commands of sampling share: finding rows by number, reading times, refusing in words."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.core.management.base import CommandError
from django.db.models import Model
from django.utils.dateparse import parse_datetime
from django.utils.timezone import get_current_timezone
from django.utils.translation import gettext as _

from survey.common.errors import Problem
from survey.sampling.models import Design, Draw

T = TypeVar("T")
Row = TypeVar("Row", bound=Model)


def in_words(deed: Callable[[], T]) -> T:
    """Do it; a refusal ends the command with its sentence."""
    try:
        return deed()
    except Problem as problem:
        raise CommandError(problem.message) from problem


def find_design(number: int) -> Design:
    """The design of that number, or the command ends."""
    return _find(Design, number, _("没有编号为 {number} 的设计"))


def find_draw(number: int) -> Draw:
    """The draw of that number (its row, as the lists show it), or the command ends."""
    return _find(Draw, number, _("没有编号为 {number} 的抽样"))


def read_moment(text: str) -> datetime:
    """A time such as "2026-12-01 21:15", in the installation's time zone unless it names another."""
    try:
        moment = parse_datetime(text.strip())
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(_("看不懂时间“{text}”；请写成 2026-12-01 21:15").format(text=text))
    return moment if moment.tzinfo else moment.replace(tzinfo=get_current_timezone())


def _find(model: type[Row], number: int, refusal: str) -> Any:
    row = model.objects.filter(pk=number).first()
    if row is None:
        raise CommandError(refusal.format(number=number))
    return row
