"""The plan of contacts: which step a household is due for, on which day, by which modes. Pure.

Default: letter, a reminder after 7 days, an interviewer after 14. The first reminder about a week after the
letter is the practice of the Health Survey for England 2020/21 ("reminder 1 at about 1 week, to all") and of
the ESS self-completion test (reminder after 1 week, the next after 2 weeks); the move to another mode in the
second or third week is that of Active Lives 2023-24 (paper forms with the third letter) and Pew NPORS 2024
(web first, then paper). A door in place of paper is this programme's own choice.
Sources: digital.nhs.uk feasibility study, fieldwork procedures; idn.org.rs (ESS test); sportengland.org
AL-adult-2023-24 letters-reminder-regime; pewresearch.org 2024-11-13 methodology.

A step is data:

    {"step": "reminder", "day": 7, "modes": ["wechat", "letter"],
     "wechat": {"channels": ["custom", "subscribe"], "text": "…{link}", "template_id": "…",
                "fields": {"thing1": "…"}, "is_service_notice": false}}

`day` counts from the household's own first letter. `modes` are tried in order: the first that may reach the
household is used. A household gets each step once at most.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

MODES = ("letter", "wechat", "door")
CHANNELS = ("custom", "subscribe", "template", "mass")
DEFAULT_STEPS: list[dict[str, Any]] = [
    {"step": "letter", "day": 0, "modes": ["letter"]},
    {"step": "reminder", "day": 7, "modes": ["wechat", "letter"]},
    {"step": "door", "day": 14, "modes": ["door"]},
]
# Own choice: nobody's phone rings between nine in the evening and half past eight.
QUIET_FROM, QUIET_TO = time(21, 0), time(8, 30)
MAX_DAY, MAX_STEPS = 120, 12
MAX_TEXT = 600
LINK = "{link}"
# Template messages since 2023-05-04: up to 20 characters a field, no line breaks (protocol file, section 10).
MAX_FIELD = 20
_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")


class PlanError(ValueError):
    """A plan that cannot stand. `step` counts from 1 (0: the plan as a whole); `reason` is a word for it."""

    def __init__(self, step: int, reason: str) -> None:
        super().__init__(f"step {step}: {reason}")
        self.step = step
        self.reason = reason


@dataclass(frozen=True)
class Message:
    """What a WeChat step says, and how it may be sent."""

    channels: tuple[str, ...] = CHANNELS[:1]
    text: str = ""
    template_id: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    # Template messages are for service notices only; a lead states that this one is one.
    is_service_notice: bool = False


@dataclass(frozen=True)
class Step:
    """One step of a plan."""

    name: str
    day: int
    modes: tuple[str, ...]
    message: Message | None = None

    def falls_due(self, first_letter: date) -> date:
        """The day on which a household whose first letter is of that day is due."""
        return first_letter + timedelta(days=self.day)


def read_steps(given: Any) -> list[Step]:
    """Check a plan's steps.

    A step without `modes` is read as older rounds wrote it: its name says the mode ("letter", "door"), and
    anything else is a letter.

    Raises
    ------
    PlanError : says which step and why (empty, many, name, twice, day, order, first, mode, and for WeChat
        channel, text, link, template, fields, notice).
    """
    if not isinstance(given, list) or not given:
        raise PlanError(0, "empty")
    if len(given) > MAX_STEPS:
        raise PlanError(0, "many")
    steps = [_step(number, entry) for number, entry in enumerate(given, start=1)]
    for number, step in enumerate(steps, start=1):
        if step.name in [earlier.name for earlier in steps[: number - 1]]:
            raise PlanError(number, "twice")
        if number > 1 and step.day < steps[number - 2].day:
            raise PlanError(number, "order")
    if steps[0].modes != ("letter",) or steps[0].day != 0:
        raise PlanError(1, "first")  # the chance to answer must reach everybody in the same way
    return steps


def _step(number: int, given: Any) -> Step:
    if not isinstance(given, dict):
        raise PlanError(number, "name")
    name, day = given.get("step"), given.get("day")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PlanError(number, "name")
    if not isinstance(day, int) or isinstance(day, bool) or not 0 <= day <= MAX_DAY:
        raise PlanError(number, "day")
    modes = given.get("modes", [name] if name in MODES else ["letter"])
    if not isinstance(modes, list) or not modes or len(set(map(str, modes))) < len(modes):
        raise PlanError(number, "mode")
    if any(mode not in MODES for mode in modes):
        raise PlanError(number, "mode")
    message = _message(number, given.get("wechat")) if "wechat" in modes else None
    return Step(name, day, tuple(modes), message)


def _message(number: int, given: Any) -> Message:
    if given is None:
        return Message()
    if not isinstance(given, dict):
        raise PlanError(number, "channel")
    channels = given.get("channels", list(CHANNELS[:1]))
    if not isinstance(channels, list) or not channels or any(name not in CHANNELS for name in channels):
        raise PlanError(number, "channel")
    text, template, fields = given.get("text", ""), given.get("template_id", ""), given.get("fields", {})
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise PlanError(number, "text")
    if text and LINK not in text:
        raise PlanError(number, "link")
    needs_template = {"subscribe", "template"} & set(channels)
    if not isinstance(template, str) or len(template) > 64 or (needs_template and not template):
        raise PlanError(number, "template")
    if not isinstance(fields, dict) or (needs_template and not fields):
        raise PlanError(number, "fields")
    if not all(_field_stands(name, value) for name, value in fields.items()):
        raise PlanError(number, "fields")
    if "template" in channels and given.get("is_service_notice") is not True:
        raise PlanError(number, "notice")
    return Message(tuple(channels), text, template, dict(fields), given.get("is_service_notice") is True)


def _field_stands(name: Any, value: Any) -> bool:
    if not isinstance(name, str) or not _FIELD_NAME.fullmatch(name):
        return False
    return isinstance(value, str) and 0 < len(value) <= MAX_FIELD and "\n" not in value


def due_step(steps: Sequence[Step], *, first_letter: date, today: date, done: frozenset[str]) -> Step | None:
    """The latest step that is due and not done; None when all that are due are done.

    Earlier steps that were missed are not made up for: two reminders on one day help nobody.
    """
    due = [step for step in steps if step.falls_due(first_letter) <= today]
    return due[-1] if due and due[-1].name not in done else None


def next_allowed(moment: datetime, quiet_from: time, quiet_to: time) -> datetime:
    """`moment` itself, or the end of the quiet hours that it falls into. `moment` is in local time.

    Hours that begin and end at the same time are none.
    """
    if quiet_from == quiet_to:
        return moment
    clock = moment.time()
    over_midnight = quiet_from > quiet_to
    quiet = (clock >= quiet_from or clock < quiet_to) if over_midnight else (quiet_from <= clock < quiet_to)
    if not quiet:
        return moment
    day = moment.date() + timedelta(days=1 if over_midnight and clock >= quiet_from else 0)
    return datetime.combine(day, quiet_to, tzinfo=moment.tzinfo)
