"""A sentence about a questionnaire, kept with what it was made from: a page can say it in its own language.

Pure modules make sentences without knowing who reads them: `from survey.questionnaires.said import said as
_`. The name `_` is what the catalogues of translations are collected by.
"""

from collections.abc import Callable
from typing import Any


class Said(str):
    """The sentence in Chinese; `template` and `values` are what it was made from."""

    template: str
    values: dict[str, Any]


def said(template: str, **values: Any) -> Said:
    """The sentence of a template with its values filled in; a template without values is taken as it is."""
    made = Said(template.format(**values) if values else template)
    made.template, made.values = template, values
    return made


def in_words(sentence: str, translate: Callable[[str], str]) -> str:
    """The sentence through `translate` (Django's gettext), values that are sentences of their own too."""
    if not isinstance(sentence, Said):
        return sentence
    template = translate(sentence.template)
    values = {name: in_words(value, translate) for name, value in sentence.values.items()}
    return template.format(**values) if values else template
