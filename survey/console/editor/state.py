"""What the editor's page shows of a draft: the outline, the checks beside each item, the history."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from survey.console.editor.words import LANGUAGES, PARTS, TYPES, advice_words, block_title, deed_words
from survey.questionnaires import translating
from survey.questionnaires.document import (
    Block,
    Document,
    Problem,
    block_items,
    item_index,
    text_in,
    total_seconds,
)
from survey.questionnaires.drafting import check_draft
from survey.questionnaires.models import QuestionnaireVersion
from survey.questionnaires.said import in_words
from survey.questionnaires.services import unpacked
from survey.questionnaires.wording import advise

OPEN_UP_TO = 60  # items: a longer questionnaire opens only the block that is worked on


@dataclass
class OutlineItem:
    """One line of the outline."""

    number: int
    name: str
    label: str
    type: str
    conditional: bool
    errors: int
    advice: int
    matrix: str = ""


@dataclass
class OutlineBlock:
    """A block of the outline; `items` is empty while it is closed."""

    block: Block
    title: str
    count: int
    is_open: bool
    first: int
    errors: int = 0
    advice: int = 0
    items: list[OutlineItem] = field(default_factory=list)


@dataclass
class Checked:
    """Problems and advice of a draft, by item ("" for the whole)."""

    problems: dict[str, list[dict[str, Any]]]
    advice: dict[str, list[dict[str, Any]]]
    n_errors: int
    n_advice: int


def checked(version: QuestionnaireVersion) -> Checked:
    """Run the checks and sort what they say by item."""
    document = version.document
    problems: dict[str, list[dict[str, Any]]] = defaultdict(list)
    untranslated: dict[str, list[str]] = defaultdict(list)
    found = check_draft(document)
    for problem in found:
        for owner in _owners(document, problem):
            if problem.code == "time" and problem.level == "warning":
                continue  # the advice says it with its reason
            if problem.code == "translation" and len(document["languages"]) > 1:
                untranslated[owner].append(_part(problem))
            else:
                problems[owner].append({"level": problem.level, "text": _told(problem)})
    for owner, where in untranslated.items():
        listed = "、".join(dict.fromkeys(where))
        text = _("还缺 %(n)s 处文字：%(where)s。") % {"n": len(where), "where": listed}
        problems[owner].append({"level": "error", "text": text, "translate": True})
    for about, languages in translating.stale(first_document(version), document).items():
        for owner in _owners(document, Problem("warning", "stale", "", f"{about}/")):
            comma = pgettext("between answers", "、")
            listed = comma.join(str(LANGUAGES[language]) for language in languages)
            text = _("文字改过了，%s 还是原来的译文，请核对。") % listed
            problems[owner].append({"level": "warning", "text": text, "translate": True})
    advice: dict[str, list[dict[str, Any]]] = defaultdict(list)
    told = advise(document)
    for each in told:
        advice[each.item].append(advice_words(each))
    errors = sum(1 for problem in found if problem.level == "error")
    warnings = sum(1 for listed in problems.values() for each in listed if each["level"] != "error")
    return Checked(dict(problems), dict(advice), errors, len(told) + warnings)


def _part(problem: Problem) -> str:
    """Which part of the item or list a problem is about, in words."""
    _list, slash, rest = problem.where.partition("/")
    if slash:
        return _("选项 %s") % rest.partition(".")[0]
    return str(PARTS.get(problem.where.rpartition(".")[2], ""))


def _told(problem: Problem) -> str:
    part = _part(problem)
    told = in_words(problem.message, _)
    return _("%(part)s：%(told)s") % {"part": part, "told": told} if part else told


def _owners(document: Document, problem: Problem) -> list[str]:
    """The items or the block that a problem is about; a choice list's problem is shown at its first item."""
    names = set(item_index(document)) | {block["name"] for block in document["blocks"]}
    where = problem.where
    for candidate in (where, where.rpartition(".")[0], where.rstrip("/")):
        if candidate in names:
            return [candidate]
    list_name = where.partition("/")[0]
    users = [
        name
        for name, (_block, item) in item_index(document).items()
        if list_name in (item.get("list"), item.get("missing"))
    ]
    return users[:1] or [""]


def outline_of(document: Document, found: Checked, opened: str) -> list[OutlineBlock]:
    """Blocks with their items; in a long questionnaire only the block `opened` shows its items."""
    total = sum(len(block_items(block)) for block in document["blocks"])
    number, lines = 0, []
    for block in document["blocks"]:
        items = block_items(block)
        line = OutlineBlock(
            block=block,
            title=block_title(document, block),
            count=len(items),
            is_open=total <= OPEN_UP_TO or block["name"] == opened,
            first=number + 1,
        )
        names = [item["name"] for item in items] + [block["name"]]
        line.errors = sum(_errors(found, name) for name in names)
        line.advice = sum(len(found.advice.get(name, [])) for name in names)
        for item in items:
            number += 1
            if line.is_open:
                line.items.append(_line(document, item, number, found))
        lines.append(line)
    return lines


def _errors(found: Checked, name: str) -> int:
    return sum(1 for problem in found.problems.get(name, []) if problem["level"] == "error")


def _line(document: Document, item: dict[str, Any], number: int, found: Checked) -> OutlineItem:
    name, errors = item["name"], _errors(found, item["name"])
    return OutlineItem(
        number=number,
        name=name,
        label=text_in(item.get("label"), document["default_language"], document),
        type=str(TYPES[item["type"]]),
        conditional="relevant" in item,
        errors=errors,
        advice=len(found.advice.get(name, [])) + len(found.problems.get(name, [])) - errors,
        matrix=item.get("matrix", ""),
    )


def history_of(version: QuestionnaireVersion) -> dict[str, Any]:
    """Whether there is something to undo or redo, and what was done last."""
    if version.step is None:
        return {"can_undo": False, "can_redo": False, "last": None}
    numbers = set(version.steps.values_list("number", flat=True))
    last = version.steps.select_related("created_by").filter(number=version.step).first()
    return {
        "can_undo": version.step - 1 in numbers,
        "can_redo": version.step + 1 in numbers,
        "last": last,
        "last_words": deed_words(last.deed, last.subject) if last and last.deed else "",
    }


def first_document(version: QuestionnaireVersion) -> Document:
    """What the draft began from: the version it was copied from, else its oldest step, else itself."""
    if version.based_on is not None:
        return version.based_on.document
    oldest = version.steps.first()
    return unpacked(oldest) if oldest is not None else version.document


def minutes_of(document: Document) -> dict[str, float]:
    """Stated minutes of each mode when everything is asked."""
    return {mode: round(total_seconds(document, mode) / 60, 1) for mode in ("web", "door")}
