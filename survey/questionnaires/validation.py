"""Validate a whole set of answers against the published document, as the phone does.

Skipped items (not shown) are absent from the clean answers, whatever was sent for them; exports write them as
−3 不适用 by `with_not_applicable`. A required item is satisfied by an answer or by a missing answer that the
document offers (不了解, 跳过这题).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from survey.questionnaires.answers import Reading
from survey.questionnaires.document import (
    ANSWERED_TYPES,
    MODES,
    NOT_APPLICABLE,
    Document,
    Item,
    items_of,
    text_in,
)
from survey.questionnaires.logic import Run, seen_by_expressions

# The twin of this table is in form.js.
MESSAGES: dict[str, dict[str, str]] = {
    "required": {
        "zh-hans": "这题还没答。请答一下；不想答，就选“跳过这题”。",
        "zh-hant": "這題還沒答。請答一下；不想答，就選「跳過這題」。",
        "en": "This question has no answer yet. Please answer it, or choose “Skip this question”.",
    },
    "choice": {
        "zh-hans": "这个选项不在这题里，请重新选一项。",
        "zh-hant": "這個選項不在這題裡，請重新選一項。",
        "en": "That option does not belong to this question. Please choose again.",
    },
    "exclusive": {
        "zh-hans": "有一项不能和别的一起选，请只留一种。",
        "zh-hant": "有一項不能和別的一起選，請只留一種。",
        "en": "One of these options cannot be combined with others. Please keep only one kind.",
    },
    "integer": {
        "zh-hans": "请填一个整数，比如 45。",
        "zh-hant": "請填一個整數，比如 45。",
        "en": "Please enter a whole number, such as 45.",
    },
    "number": {
        "zh-hans": "请填一个数，比如 3.5。",
        "zh-hant": "請填一個數，比如 3.5。",
        "en": "Please enter a number, such as 3.5.",
    },
    "scale": {
        "zh-hans": "请在给出的分数里选一个。",
        "zh-hant": "請在給出的分數裡選一個。",
        "en": "Please choose one of the scores shown.",
    },
    "date": {
        "zh-hans": "请填一个日期，比如 2026-11-22。",
        "zh-hant": "請填一個日期，比如 2026-11-22。",
        "en": "Please enter a date, such as 2026-11-22.",
    },
    "text": {"zh-hans": "请用文字回答。", "zh-hant": "請用文字回答。", "en": "Please answer in words."},
    "long": {
        "zh-hans": "写得太长了，请缩短一些。",
        "zh-hant": "寫得太長了，請縮短一些。",
        "en": "This is too long. Please shorten it.",
    },
    "constraint": {
        "zh-hans": "这个回答不在允许的范围里，请再看一下。",
        "zh-hant": "這個回答不在允許的範圍裡，請再看一下。",
        "en": "This answer is outside the allowed range. Please look again.",
    },
    "unknown": {
        "zh-hans": "问卷里没有这一题。",
        "zh-hant": "問卷裡沒有這一題。",
        "en": "The questionnaire has no such question.",
    },
}


@dataclass(frozen=True)
class AnswerError:
    """What is wrong with one answer: item name, code of `MESSAGES`, sentence in the respondent's language."""

    name: str
    code: str
    message: str


class Validation(NamedTuple):
    """`clean`: canonical answers of shown items, with calculated ones; `path`: names of shown items in order;
    `errors`: empty when the answers can be accepted."""

    clean: dict[str, Any]
    path: list[str]
    errors: list[AnswerError]


def validate_answers(
    document: Document,
    answers: Mapping[str, Any],
    mode: str,
    *,
    now: datetime | None = None,
    language: str | None = None,
    partial: bool = False,
) -> Validation:
    """Check `answers` and keep what counts.

    Parameters
    ----------
    mode : "web" (the person answers) or "door" (an interviewer writes).
    now : when it was answered, for today(); a phone's own statement for answers sent later.
    language : of the messages; the document's default when absent.
    partial : a draft: unanswered required items are not errors.
    """
    run = Run(document, answers, mode, now, language)
    clean: dict[str, Any] = {}
    path: list[str] = []
    errors = [_error(run, str(name), "unknown") for name in answers if name not in run.index]
    for item in items_of(document):
        name = item["name"]
        if not run.shown(name):
            continue
        path.append(name)
        code = item_error(run, item, partial=partial)
        if code:
            errors.append(_error(run, name, code))
            continue
        value = run.stored(name) if item["type"] == "calculate" else run.reading(name).value
        if value is not None and value != "":
            clean[name] = value
    return Validation(clean, path, errors)


def item_error(run: Run, item: Item, *, partial: bool = False) -> str:
    """The code of what is wrong with a shown item's answer; "" when nothing is."""
    if item["type"] not in ANSWERED_TYPES:
        return ""
    reading = run.reading(item["name"])
    if reading.error:
        return reading.error
    if reading.value is None:
        return "required" if is_required(run, item) and not partial else ""
    if not reading.missing and not _constraint_holds(run, item, reading):
        return "constraint"
    return ""


def is_required(run: Run, item: Item) -> bool:
    """Whether the item asks for an answer; an expression decides where the author wrote one."""
    required = item.get("required", False)
    return run.holds(required, False) if isinstance(required, dict) else bool(required)


def _constraint_holds(run: Run, item: Item, reading: Reading) -> bool:
    return run.holds(item.get("constraint"), True, (item["type"], seen_by_expressions(item, reading)))


def _error(run: Run, name: str, code: str) -> AnswerError:
    return AnswerError(name, code, message_for(run, name, code))


def message_for(run: Run, name: str, code: str) -> str:
    """The author's sentence for a constraint or a required item, else ours, in the language of the run."""
    own = ""
    if code in ("constraint", "required") and name in run.index:
        own = text_in(run.index[name][1].get(f"{code}_message"), run.language, run.document)
    return own or MESSAGES[code].get(run.language, MESSAGES[code]["zh-hans"])


def with_not_applicable(
    document: Document, clean: Mapping[str, Any], path: list[str], mode: str
) -> dict[str, Any]:
    """Answers for export: every item of the mode, −3 where it was skipped, None where a shown item was left.

    `clean` and `path` are those of the same `Validation`.
    """
    asked = set(path)
    return {
        item["name"]: clean.get(item["name"]) if item["name"] in asked else NOT_APPLICABLE
        for item in items_of(document)
        if item["type"] != "note" and mode in item.get("modes", MODES)
    }
