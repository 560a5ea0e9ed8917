"""A resident's own answers in words, for her alone."""

import json
from typing import Any

from survey.common.crypto import decrypt
from survey.questionnaires.document import Document, Item, all_choices, item_index, text_in
from survey.responses.models import Response
from survey.responses.services import OPEN_TEXT_PURPOSE


def readable_answers(response: Response, language: str) -> list[dict[str, str]]:
    """[{"question", "answer"}] of the items shown, in their order. The caller has proven whose they are."""
    document = response.questionnaire_version.document
    answers = dict(response.answers)
    if response.open_text_cipher:
        answers.update(json.loads(decrypt(response.open_text_cipher, OPEN_TEXT_PURPOSE)))
    index = item_index(document)
    rows = []
    for name in response.path:
        item = index[name][1]
        if name in answers and item["type"] != "calculate":
            question = text_in(item.get("label"), language, document)
            rows.append({"question": question, "answer": _in_words(document, item, answers[name], language)})
    return rows


def _in_words(document: Document, item: Item, value: Any, language: str) -> str:
    labels = {
        choice["code"]: text_in(choice["label"], language, document) for choice in all_choices(document, item)
    }
    values = value if isinstance(value, list) else [value]
    return "；".join(str(labels.get(v, v)) for v in values)
