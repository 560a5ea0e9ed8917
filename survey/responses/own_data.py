"""A resident's own answers in words, for her alone."""

import re
from typing import Any

from django.utils.translation import gettext as _

from survey.questionnaires.document import Document, Item, all_choices, item_index, text_in
from survey.regions.models import Region
from survey.responses.models import Response
from survey.responses.services import open_answers

_INSTANCE = re.compile(r"(?P<block>[^\[\]]+)\[(?P<number>\d+)\]\.(?P<item>.+)")


def readable_answers(response: Response, language: str) -> list[dict[str, str]]:
    """[{"question", "answer"}] of the items shown, in their order. The caller has proven whose they are."""
    document = response.questionnaire_version.document
    answers = open_answers(response)
    index = item_index(document)
    rows = []
    for place in response.path:
        name, number, value = answer_at(answers, place)
        item = index[name][1]
        if value is None or item["type"] == "calculate":
            continue
        question = text_in(item.get("label"), language, document)
        if number:
            question = _("第 %(n)s 位：%(question)s") % {"n": number, "question": question}
        rows.append({"question": question, "answer": in_words(document, item, value, language)})
    return rows


def answer_at(answers: dict[str, Any], place: str) -> tuple[str, int, Any]:
    """(item name, number in its repeat group or 0, answer or None) of a place such as `family[2].job`."""
    found = _INSTANCE.fullmatch(place)
    if found is None:
        return place, 0, answers.get(place)
    number = int(found["number"])
    group = answers.get(found["block"])
    instance = group[number - 1] if isinstance(group, list) and number <= len(group) else {}
    return found["item"], number, instance.get(found["item"])


def in_words(document: Document, item: Item, value: Any, language: str) -> str:
    """One answer as the person who gave it would say it."""
    if item["type"] in ("photo", "signature") and isinstance(value, dict):
        return _("（已附照片）") if item["type"] == "photo" else _("（已签名）")
    if item["type"] == "place" and isinstance(value, dict):
        return f"{value['lat']}, {value['lon']}"
    if item["type"] == "region" and isinstance(value, str):
        return _region_name(value)
    labels = {
        choice["code"]: text_in(choice["label"], language, document) for choice in all_choices(document, item)
    }
    values = value if isinstance(value, list) else [value]
    return "；".join(str(labels.get(v, v)) for v in values)


def _region_name(code: str) -> str:
    names, region = [], Region.objects.filter(code=code).first()
    while region is not None and region.level != Region.Level.PROVINCE:
        names.append(region.name)
        region = region.parent
    return " ".join(reversed(names)) or code
