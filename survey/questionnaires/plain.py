"""The questionnaire as plain HTML forms, for kernels that cannot run the page's scripts. Pure.

A page is a run of items of one block, cut before an item whose condition looks at an item of the same page,
so that one POST decides what the next page asks. The server keeps the answers in between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from survey.questionnaires.answers import UNSTORABLE
from survey.questionnaires.checking import expressions_of
from survey.questionnaires.document import (
    CHOICE_TYPES,
    MODES,
    Document,
    Item,
    block_items,
    item_index,
    missing_choices,
    own_choices,
    text_in,
)
from survey.questionnaires.expressions import references
from survey.questionnaires.logic import Run
from survey.questionnaires.validation import AnswerError, item_error, message_for

MISSING_SUFFIX = "__missing"


@dataclass(frozen=True)
class PlainOption:
    """One radio button or check box; `apart` marks don't-know and skip, drawn in a block of their own."""

    code: str
    label: str
    checked: bool
    apart: bool


@dataclass(frozen=True)
class PlainField:
    """What a template needs for one item.

    `widget` is radio, checkbox, number, text, textarea, date or note. Options go under `name`, except the
    don't-know options of a written answer, which go under `missing_name`.
    """

    name: str
    widget: str
    label: str
    hint: str
    value: str
    options: list[PlainOption]
    missing_name: str
    max_length: int | None = None
    error: str = ""


@dataclass(frozen=True)
class PlainPage:
    """A page to render; `previous` and `next` are page numbers that have something to ask, None at the ends.

    `number` of `total` counts the pages that this person meets, from 1.
    """

    page: int
    title: str
    fields: list[PlainField]
    previous: int | None
    next: int | None
    number: int
    total: int
    errors: list[AnswerError] = field(default_factory=list)


def plain_pages(document: Document, mode: str) -> list[list[str]]:
    """Names of the items of each page, whatever the answers; page numbers stay the same all along."""
    pages: list[list[str]] = []
    for block in document["blocks"]:
        page: list[str] = []
        for item in block_items(block):
            if item["type"] == "calculate" or mode not in item.get("modes", MODES):
                continue
            if page and _looks_at(document, item, set(page)):
                pages.append(page)
                page = []
            page.append(item["name"])
        if page:
            pages.append(page)
    return pages


def _looks_at(document: Document, item: Item, names: set[str]) -> bool:
    """Whether a condition of `item` depends on `names`, also through calculated items."""
    index = item_index(document)
    waiting = [ref for _field, stored in expressions_of(item) for ref in references(stored["tree"])]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in names:
            return True
        if name in seen or name not in index:
            continue
        seen.add(name)
        other = index[name][1]
        if other["type"] == "calculate":
            waiting += [ref for _field, stored in expressions_of(other) for ref in references(stored["tree"])]
    return False


def plain_form_fields(
    document: Document,
    answers: Mapping[str, Any],
    language: str,
    mode: str,
    page: int | None = None,
    *,
    check: bool = False,
) -> PlainPage | None:
    """One page with the answers filled in; None when nothing is left to ask.

    Parameters
    ----------
    page : a number of `plain_pages`; None means the first page that asks something.
    check : add what is wrong with this page's answers (after a POST).
    """
    run = Run(document, answers, mode, language=language)
    pages = plain_pages(document, mode)
    live = [number for number, names in enumerate(pages) if any(run.shown(name) for name in names)]
    if not live:
        return None
    if page is None or page not in live:
        page = next((number for number in live if page is None or number >= page), None)
    if page is None:
        return None
    names = [name for name in pages[page] if run.shown(name)]
    errors = [
        AnswerError(name, code, message_for(run, name, code))
        for name in names
        if check and (code := item_error(run, run.index[name][1]))
    ]
    wrong = {error.name: error.message for error in errors}
    place = live.index(page)
    block = run.index[names[0]][0]
    return PlainPage(
        page=page,
        title=text_in(block.get("title"), language, document),
        fields=[_field(run, run.index[name][1], wrong.get(name, "")) for name in names],
        previous=live[place - 1] if place else None,
        next=live[place + 1] if place + 1 < len(live) else None,
        number=place + 1,
        total=len(live),
        errors=errors,
    )


def _field(run: Run, item: Item, error: str) -> PlainField:
    widgets = {
        "select_one": "radio",
        "select_multiple": "checkbox",
        "scale": "radio",
        "integer": "number",
        "decimal": "number",
        "date": "date",
        "note": "note",
        "text": "textarea" if item.get("multiline") else "text",
    }
    reading = run.reading(item["name"])
    raw = run.raw.get(item["name"])
    written = "" if reading.missing or raw is None or isinstance(raw, list) else str(raw)
    one_name = item["type"] in (*CHOICE_TYPES, "scale")
    return PlainField(
        name=item["name"],
        widget=widgets.get(item["type"], "text"),
        label=text_in(item.get("label"), run.language, run.document),
        hint=text_in(item.get("hint"), run.language, run.document),
        value=written,
        options=_options(run, item),
        missing_name=item["name"] if one_name else item["name"] + MISSING_SUFFIX,
        max_length=item.get("max_length"),
        error=error,
    )


def _options(run: Run, item: Item) -> list[PlainOption]:
    value = run.reading(item["name"]).value
    chosen = {str(code) for code in (value if isinstance(value, list) else [value])}
    options = []
    if item["type"] == "scale":
        ends = item.get("ends") or {}
        for score in range(item["from"], item["to"] + 1):
            end = (
                ends.get("low")
                if score == item["from"]
                else ends.get("high")
                if score == item["to"]
                else None
            )
            label = f"{score} {text_in(end, run.language, run.document)}".strip()
            options.append(PlainOption(str(score), label, str(score) in chosen, False))
    for choices, apart in (
        (own_choices(run.document, item), False),
        (missing_choices(run.document, item), True),
    ):
        for choice in choices:
            if bool(choice.get("missing")) != apart:
                continue
            code = str(choice["code"])
            label = text_in(choice["label"], run.language, run.document)
            options.append(PlainOption(code, label, code in chosen, apart))
    return options


def read_plain_post(
    document: Document, page: int, mode: str, posted: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Raw answers of a page out of a POST; `posted` maps names to lists (`dict(request.POST.lists())`).

    Every item of the page gets an entry ("" or [] when left), so that updating the kept answers with it also
    clears what the person has taken back.
    """
    index = item_index(document)
    answers: dict[str, Any] = {}
    for name in plain_pages(document, mode)[page]:
        item = index[name][1]
        if item["type"] == "note":
            continue
        values = [UNSTORABLE.sub("", value) for value in posted.get(name, [])]
        skipped = posted.get(name + MISSING_SUFFIX, [])
        text = values[-1] if values else ""
        if item["type"] == "select_multiple":
            answers[name] = values
        elif not text.strip() and skipped and skipped[-1].lstrip("-").isdigit():
            answers[name] = int(skipped[-1])
        else:
            answers[name] = text
    return answers
