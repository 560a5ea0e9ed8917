"""Rows of the pages around the editor: texts to translate, differences, ways through a questionnaire."""

from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from survey.console.editor.words import CHANGES, LANGUAGES, MEANINGS, TEXT_KINDS, TYPES, stored_words
from survey.questionnaires.diff import Change, ItemDiff
from survey.questionnaires.document import Document, all_choices, item_index, text_in
from survey.questionnaires.paths import Coverage, deciding_names
from survey.questionnaires.translating import places, traditional

TEXT_CHANGES = ("label", "hint", "stem", "options", "translation", "codes", "missing", "scale")


def text_rows(
    document: Document, language: str, posted: QueryDict, *, missing: bool, item: str
) -> list[dict[str, Any]]:
    """One row for each text: what was written, what it is in `language`, and a proposal where none is.

    A proposal (Traditional characters only) is shown beside the field and is not stored until it is taken.
    """
    first = document["default_language"]
    index = item_index(document)
    lists = {index[item][1].get(part) for part in ("list", "missing")} if item in index else set()
    rows = []
    for place in places(document):
        source, text = place.texts.get(first, ""), place.texts.get(language, "")
        if not source or (missing and text):
            continue
        if item and place.about != item and not (place.kind == "choice" and place.about in lists):
            continue
        proposes = language == "zh-hant" and first == "zh-hans" and not text
        rows.append(
            {
                "key": place.key,
                "kind": TEXT_KINDS[place.kind],
                "about": place.about,
                "source": source,
                "text": posted.get(f"text-{place.key}", text),
                "proposal": traditional(source) if proposes else "",
                "long": len(source) > 40,
            }
        )
    return rows


def diff_rows(found: list[ItemDiff], document: Document) -> list[dict[str, Any]]:
    """Differences in words, item by item."""
    return [
        {
            "name": each.name,
            "old_name": each.old_name,
            "label": text_in(each.label, document["default_language"], document),
            "meaning": each.meaning,
            "meaning_words": MEANINGS[each.meaning],
            "changes": [_change_row(change) for change in each.changes],
        }
        for each in found
    ]


def _change_row(change: Change) -> dict[str, Any]:
    before, after = change.before, change.after
    if change.kind == "type":
        before, after = str(TYPES[before]), str(TYPES[after])
    if change.kind == "moved":
        before, after = _("第 %s 题") % before, _("第 %s 题") % after
    return {
        "kind": CHANGES[change.kind],
        "language": LANGUAGES.get(change.language, ""),
        "before": before,
        "after": after,
        "segments": change.segments if change.kind in TEXT_CHANGES else [],
    }


def coverage_rows(document: Document, run: Coverage) -> dict[str, Any]:
    """The items that no walk met, with their condition in words; the ways that meet all others."""
    index, language = item_index(document), document["default_language"]
    deciding = deciding_names(document)
    never = []
    for name in run.never:
        block, item = index[name]
        language = document["default_language"]
        said = [
            stored_words(thing["relevant"], document, language)
            for thing in (block, item)
            if "relevant" in thing
        ]
        label = text_in(item.get("label"), language, document)
        never.append({"name": name, "label": label, "why": "；".join(said)})
    ways = []
    for walk in run.cases:
        answers = [
            (
                name,
                text_in(index[name][1].get("label"), language, document),
                _said(document, name, walk.answers[name]),
            )
            for name in deciding
            if name in walk.answers and name in walk.names
        ]
        ways.append({"n": len(walk.names), "minutes": round(walk.seconds / 60, 1), "answers": answers})
    return {"never": never, "ways": ways}


def _said(document: Document, name: str, answer: Any) -> str:
    item = item_index(document)[name][1]
    labels = {
        str(choice["code"]): text_in(choice["label"], document["default_language"], document)
        for choice in all_choices(document, item)
    }
    given = answer if isinstance(answer, list) else [answer]
    return "、".join(labels.get(str(each)) or str(each) for each in given)
