"""The questionnaire as plain HTML forms, for kernels that cannot run the page's scripts. Pure.

A page is a run of items of one block, cut before an item whose condition looks at an item of the same page,
so that one POST decides what the next page asks. The server keeps the answers in between. A repeat without a
number of its own begins with a page that asks how many; then each instance has its pages. Entries of a page
are places: `age`, `member[2].age`, or `member` for the question how many.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from survey.questionnaires.answers import UNSTORABLE
from survey.questionnaires.checking import expressions_of
from survey.questionnaires.dependencies import names_in
from survey.questionnaires.document import (
    FILE_TYPES,
    MODES,
    Block,
    Document,
    Item,
    block_items,
    item_index,
    max_instances,
    repeats_of,
    text_in,
)
from survey.questionnaires.logic import Run
from survey.questionnaires.ordering import ordered_items
from survey.questionnaires.plain_fields import (
    MISSING_SUFFIX,
    PlainField,
    PlainOption,
    PlainRank,
    Regions,
    how_many,
    make_field,
    say,
)
from survey.questionnaires.validation import AnswerError, answer_error, item_error

__all__ = [
    "PlainField",
    "PlainOption",
    "PlainPage",
    "PlainRank",
    "file_places",
    "plain_form_fields",
    "plain_pages",
    "read_plain_post",
]

PAIR = re.compile(r"\s*[,，、;；]\s*")  # what people write between two numbers
PLACE = re.compile(r"(.+)\[(\d+)\]\.(.+)")


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


def plain_pages(document: Document, mode: str, seed: str = "") -> list[list[str]]:
    """Places asked on each page, whatever the answers; page numbers stay the same all along.

    `seed` is the response's client id where the document has a random order.
    """
    pages: list[list[str]] = []
    for block in document["blocks"]:
        items = ordered_items(document, block, seed) if seed else block_items(block)
        items = [i for i in items if i["type"] != "calculate" and mode in i.get("modes", MODES)]
        groups = _cut(document, items)
        if "repeat" not in block:
            pages += groups
        elif groups:
            name = block["name"]
            if _asks_how_many(block):
                pages.append([name])
            for at in range(1, max_instances(block) + 1):
                pages += [[f"{name}[{at}].{each}" for each in group] for group in groups]
    return pages


def _cut(document: Document, items: Sequence[Item]) -> list[list[str]]:
    pages: list[list[str]] = []
    page: list[str] = []
    for item in items:
        if page and _looks_at(document, item, set(page)):
            pages.append(page)
            page = []
        page.append(item["name"])
    return [*pages, page] if page else pages


def _asks_how_many(block: Block) -> bool:
    return "count" not in block["repeat"] and block["repeat"].get("min", 0) < max_instances(block)


def _looks_at(document: Document, item: Item, names: set[str]) -> bool:
    """Whether a condition of `item` depends on `names`, also through calculated items."""
    index = item_index(document)
    waiting = [ref for _field, stored in expressions_of(item) for ref in names_in(stored["tree"])]
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
            waiting += [ref for _field, stored in expressions_of(other) for ref in names_in(stored["tree"])]
    return False


def _read_place(place: str) -> tuple[str, str, int]:
    """(repeat, item, instance); ("", name, 0) outside repeats and for the question how many."""
    match = PLACE.fullmatch(place)
    return (match[1], match[3], int(match[2])) if match else ("", place, 0)


def _live(run: Run, place: str) -> bool:
    """Whether this person meets a place."""
    if place in run.repeats:
        return run.block_shown(run.repeats[place])
    _repeat, name, at = _read_place(place)
    return run.shown(name, at)


def file_places(document: Document, page: int, mode: str, seed: str = "") -> dict[str, str]:
    """{place: item name} of the photos and signatures on a page."""
    index = item_index(document)
    places = plain_pages(document, mode, seed)[page]
    named = {place: _read_place(place)[1] for place in places}
    return {
        place: name for place, name in named.items() if name in index and index[name][1]["type"] in FILE_TYPES
    }


def plain_form_fields(
    document: Document,
    answers: Mapping[str, Any],
    language: str,
    mode: str,
    page: int | None = None,
    *,
    check: bool = False,
    seed: str = "",
    regions: Regions | None = None,
) -> PlainPage | None:
    """One page with the answers filled in; None when nothing is left to ask.

    Parameters
    ----------
    page : a number of `plain_pages`; None means the first page that asks something.
    check : add what is wrong with this page's answers (after a POST).
    seed : the response's client id, for a random order; the same all along.
    regions : gives (code, name) of the regions that an item of type region offers.
    """
    run = Run(document, answers, mode, language=language)
    pages = plain_pages(document, mode, seed)
    live = [number for number, places in enumerate(pages) if any(_live(run, place) for place in places)]
    number = next((each for each in live if page is None or each >= page), None)
    if number is None:
        return None
    places = [place for place in pages[number] if _live(run, place)]
    errors = [error for place in places if check and (error := _error(run, place))]
    wrong = {error.name: error.message for error in errors}
    at = live.index(number)
    return PlainPage(
        page=number,
        title=_title(run, places[0]),
        fields=[_field(run, place, wrong.get(place, ""), seed, regions) for place in places],
        previous=live[at - 1] if at else None,
        next=live[at + 1] if at + 1 < len(live) else None,
        number=at + 1,
        total=len(live),
        errors=errors,
    )


def _title(run: Run, place: str) -> str:
    """The block's title; in a repeat, the name of the instance with it."""
    repeat, name, at = _read_place(place)
    if not at:
        block = run.repeats.get(name) or run.index[name][0]
        return text_in(block.get("title"), run.language, run.document)
    block = run.repeats[repeat]
    label = text_in(block["repeat"]["label"], run.language, run.document).replace("{0}", str(at))
    title = text_in(block.get("title"), run.language, run.document)
    return f"{title} · {label}" if title else label


def _error(run: Run, place: str) -> AnswerError | None:
    if place in run.repeats:
        if place in run.raw:
            return None
        return AnswerError(place, "required", say("choose_number", run.language))
    _repeat, name, at = _read_place(place)
    code = item_error(run, run.index[name][1], at=at)
    return answer_error(run, name, code, at) if code else None


def _field(run: Run, place: str, error: str, seed: str, regions: Regions | None) -> PlainField:
    if place in run.repeats:
        return how_many(run, run.repeats[place], error)
    _repeat, name, at = _read_place(place)
    return make_field(run, run.index[name][1], at, error, seed=seed, regions=regions)


def read_plain_post(
    document: Document,
    page: int,
    mode: str,
    posted: Mapping[str, Sequence[str]],
    answers: Mapping[str, Any] | None = None,
    seed: str = "",
    files: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Raw answers of a page out of a POST; `posted` maps names to lists (`dict(request.POST.lists())`).

    Every item of the page that can be entered gets an entry ("" or [] when left), so that updating the kept
    answers with it also clears what the person has taken back. `answers` are the kept ones, of which a
    repeat's other instances are carried over. `files` maps places to the answers that name pictures which
    came with the POST; a picture that came before stays until another does, or a don't-know is chosen.
    """
    index, repeats = item_index(document), repeats_of(document)
    found: dict[str, Any] = {}
    rows: dict[str, list[dict[str, Any]]] = {}
    for place in plain_pages(document, mode, seed)[page]:
        if place in repeats:
            _set_instances(repeats[place], posted.get(place, []), answers or {}, found)
            continue
        repeat, name, at = _read_place(place)
        target = found
        if repeat:
            kept = rows.setdefault(repeat, _kept_rows(answers or {}, repeat))
            kept += [{} for _new in range(len(kept), at)]
            target = kept[at - 1]
        _read_item(index[name][1], place, posted, target)
        if files and place in files:
            target[name] = files[place]
    return found | rows


def _kept_rows(answers: Mapping[str, Any], repeat: str) -> list[dict[str, Any]]:
    sent = answers.get(repeat)
    return [dict(row) if isinstance(row, dict) else {} for row in sent] if isinstance(sent, list) else []


def _set_instances(
    block: Block, values: Sequence[str], answers: Mapping[str, Any], found: dict[str, Any]
) -> None:
    """The list of a repeat cut or filled up to the number that the person chose."""
    text = values[-1] if values else ""
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        return
    number = min(int(text), max_instances(block))
    rows = _kept_rows(answers, block["name"])[:number]
    found[block["name"]] = rows + [{} for _new in range(len(rows), number)]


def _read_item(item: Item, place: str, posted: Mapping[str, Sequence[str]], target: dict[str, Any]) -> None:
    """Put the raw answer of one item into `target`; nothing for what a plain form cannot enter."""
    name, kind = item["name"], item["type"]
    if kind == "note" or item.get("readonly"):
        return
    values = [UNSTORABLE.sub("", value) for value in posted.get(place, [])]
    text = values[-1] if values else ""
    skipped = posted.get(place + MISSING_SUFFIX, [])
    missing = int(skipped[-1]) if skipped and re.fullmatch(r"-[0-9]", skipped[-1], re.ASCII) else None
    if kind == "ranking":
        values = [each for each in _ranks(place, posted) if each]
    if kind in FILE_TYPES:
        if missing is not None:
            target[name] = missing
    elif kind == "place":
        target[name] = missing if missing is not None and not text.strip() else PAIR.sub(" ", text)
    elif kind == "select_multiple":
        target[name] = values
    elif kind == "ranking":
        target[name] = values if values or missing is None else [missing]
    else:
        target[name] = missing if missing is not None and not text.strip() else text


def _ranks(place: str, posted: Mapping[str, Sequence[str]]) -> list[str]:
    """The codes chosen for each place of a ranking, in order; gaps are closed."""
    names = [name for name in posted if re.fullmatch(re.escape(place) + r"__[0-9]{1,3}", name, re.ASCII)]
    names.sort(key=lambda name: int(name.rpartition("__")[2]))
    return [UNSTORABLE.sub("", posted[name][-1]) for name in names if posted[name]]
