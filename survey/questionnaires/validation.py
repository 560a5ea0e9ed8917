"""Validate a whole set of answers against the published document, as the phone does.

Skipped items (not shown) are absent from the clean answers, whatever was sent for them; exports write them as
−3 不适用 by `with_not_applicable`. A required item is satisfied by an answer or by a missing answer that the
document offers (不了解, 跳过这题).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from survey.questionnaires.document import (
    ANSWERED_TYPES,
    MODES,
    NOT_APPLICABLE,
    Document,
    Item,
    block_items,
    max_instances,
    text_in,
)
from survey.questionnaires.logic import Run

# The twin of this table is in words.js. {0} is the number of options or instances.
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
    "few": {
        "zh-hans": "至少要选 {0} 项。",
        "zh-hant": "至少要選 {0} 項。",
        "en": "Please choose at least {0}.",
    },
    "many": {
        "zh-hans": "最多选 {0} 项，请去掉几项。",
        "zh-hant": "最多選 {0} 項，請去掉幾項。",
        "en": "Please choose at most {0}.",
    },
    "ranking": {
        "zh-hans": "同一项排了两次，请改一下。",
        "zh-hant": "同一項排了兩次，請改一下。",
        "en": "One option is ranked twice. Please change one of them.",
    },
    "time": {
        "zh-hans": "请填一个时刻，比如 18:30。",
        "zh-hant": "請填一個時刻，比如 18:30。",
        "en": "Please enter a time of day, such as 18:30.",
    },
    "datetime": {
        "zh-hans": "请填日期和时刻，比如 2026-11-22 18:30。",
        "zh-hant": "請填日期和時刻，比如 2026-11-22 18:30。",
        "en": "Please enter a date and a time, such as 2026-11-22 18:30.",
    },
    "region": {
        "zh-hans": "请一级一级选到最后一级地区。",
        "zh-hant": "請一級一級選到最後一級地區。",
        "en": "Please choose the area down to the last level.",
    },
    "place": {
        "zh-hans": "没有读到位置，请再定位一次。",
        "zh-hant": "沒有讀到位置，請再定位一次。",
        "en": "No position was read. Please try again.",
    },
    "file": {
        "zh-hans": "文件没有传好，请再传一次。",
        "zh-hant": "檔案沒有傳好，請再傳一次。",
        "en": "The file did not arrive whole. Please send it again.",
    },
    "repeat": {
        "zh-hans": "这一组的回答格式不对，请重新填写。",
        "zh-hant": "這一組的回答格式不對，請重新填寫。",
        "en": "The answers of this group are not in order. Please fill it in again.",
    },
    "repeat_many": {
        "zh-hans": "最多填 {0} 组，请去掉几组。",
        "zh-hant": "最多填 {0} 組，請去掉幾組。",
        "en": "Please fill in at most {0}.",
    },
    "unknown": {
        "zh-hans": "问卷里没有这一题。",
        "zh-hant": "問卷裡沒有這一題。",
        "en": "The questionnaire has no such question.",
    },
}


@dataclass(frozen=True)
class AnswerError:
    """What is wrong with one answer: its place (`age`, in a repeat `member[2].age`), code of `MESSAGES`,
    sentence in the respondent's language."""

    name: str
    code: str
    message: str


class Validation(NamedTuple):
    """`clean`: canonical answers of shown items, with calculated ones, a repeat's as a list of objects;
    `path`: places of shown items in document order; `errors`: empty when the answers can be accepted."""

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
    defaults: bool = True,
) -> Validation:
    """Check `answers` and keep what counts.

    Parameters
    ----------
    mode : "web" (the person answers) or "door" (an interviewer writes).
    now : when it was answered, for today(); a phone's own statement for answers sent later.
    language : of the messages; the document's default when absent.
    partial : a draft: unanswered required items are not errors, defaults that nobody has seen are not kept.
    defaults : False to read accepted answers again (see `Run`).
    """
    run = Run(document, answers, mode, now, language, defaults=defaults)
    clean: dict[str, Any] = {}
    path: list[str] = []
    errors = [*_strangers(run), *_repeat_errors(run)]
    for item, at in run.steps():
        name = item["name"]
        kept = clean
        if at:
            rows = clean.setdefault(run.index[name][0]["name"], [])
            rows += [{} for _new in range(len(rows), at)]
            kept = rows[at - 1]
        if not run.shown(name, at):
            continue
        path.append(run.place(name, at))
        code = item_error(run, item, partial=partial, at=at)
        if code:
            errors.append(answer_error(run, name, code, at))
            continue
        value = _kept_value(run, item, at, partial)
        if value is not None and value != "":
            kept[name] = value
    return Validation(clean, path, errors)


def _kept_value(run: Run, item: Item, at: int, partial: bool) -> Any:
    if item["type"] == "calculate":
        return run.stored(item["name"], at)
    if partial and not run.answered(item["name"], at):
        return None
    return run.reading(item["name"], at).value


def _strangers(run: Run) -> Iterator[AnswerError]:
    """Answers under names that the document does not have."""
    for name in run.raw:
        if name not in run.outer:
            yield _error(run, str(name), "unknown")
    for block in run.repeats:
        known = {item["name"] for item in block_items(run.repeats[block])}
        for at, row in enumerate(run.rows(block), start=1):
            for name in row:
                if name not in known:
                    yield _error(run, f"{block}[{at}].{name}", "unknown")


def _repeat_errors(run: Run) -> Iterator[AnswerError]:
    """Repeats that are no list of objects, or have too many."""
    for name, block in run.repeats.items():
        sent = run.raw.get(name)
        if sent is None or sent == "":
            continue
        most = max_instances(block)
        if not isinstance(sent, list) or not all(isinstance(row, dict) for row in sent):
            yield _error(run, name, "repeat")
        elif "count" not in block["repeat"] and run.instances(name) and len(sent) > most:
            yield _error(run, name, "repeat_many", most)


def item_error(run: Run, item: Item, *, partial: bool = False, at: int = 0) -> str:
    """The code of what is wrong with a shown item's answer; "" when nothing is."""
    if item["type"] not in ANSWERED_TYPES:
        return ""
    reading = run.reading(item["name"], at)
    if reading.error:
        return reading.error
    if reading.value is None:
        return "required" if run.required(item, at) and not partial else ""
    if not reading.missing and not run.constraint_holds(item, at, reading):
        return "constraint"
    return ""


def _error(run: Run, place: str, code: str, *numbers: int) -> AnswerError:
    sentence = MESSAGES[code].get(run.language, MESSAGES[code]["zh-hans"])
    return AnswerError(place, code, sentence.format(*numbers))


def answer_error(run: Run, name: str, code: str, at: int = 0) -> AnswerError:
    """The error of an item with its place and its sentence."""
    return AnswerError(run.place(name, at), code, message_for(run, name, code, at))


def message_for(run: Run, name: str, code: str, at: int = 0) -> str:
    """The author's sentence for a constraint or a required item, else ours, in the language of the run."""
    own = ""
    if code in ("constraint", "required") and name in run.index:
        own = text_in(run.index[name][1].get(f"{code}_message"), run.language, run.document)
    sentence = MESSAGES[code].get(run.language, MESSAGES[code]["zh-hans"])
    if code in ("few", "many"):
        sentence = sentence.format(run.limits(name, at)[code == "many"])
    return own or sentence


def with_not_applicable(
    document: Document, clean: Mapping[str, Any], path: list[str], mode: str
) -> dict[str, Any]:
    """Answers for export: every item of the mode, −3 where it was skipped, None where a shown item was left.
    A repeat gives a list with one such object for each instance.

    `clean` and `path` are those of the same `Validation`.
    """
    asked = set(path)
    out: dict[str, Any] = {}
    for block in document["blocks"]:
        name = block["name"]
        names = [
            item["name"]
            for item in block_items(block)
            if item["type"] != "note" and mode in item.get("modes", MODES)
        ]
        if "repeat" not in block:
            out |= {each: clean.get(each) if each in asked else NOT_APPLICABLE for each in names}
            continue
        out[name] = [
            {each: row.get(each) if f"{name}[{at}].{each}" in asked else NOT_APPLICABLE for each in names}
            for at, row in enumerate(clean.get(name, []), start=1)
        ]
    return out
