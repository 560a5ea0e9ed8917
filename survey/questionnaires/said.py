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
    """The sentence of a template with its values filled in; a template without values is taken as it is.

    A list among the values is read out with commas between its members.
    """
    made = Said(_filled(template, values, str))
    made.template, made.values = template, values
    return made


def in_words(sentence: str, translate: Callable[[str], str]) -> str:
    """The sentence through `translate` (Django's gettext), values that are sentences of their own too."""
    if not isinstance(sentence, Said):
        return sentence
    return _filled(translate(sentence.template), sentence.values, translate)


def _filled(template: str, values: dict[str, Any], translate: Callable[[str], str]) -> str:
    if not values:
        return template
    comma = translate("、")  # in the catalogues, by the templates that list things
    told = {
        name: comma.join(str(in_words(each, translate)) for each in value)
        if isinstance(value, list)
        else in_words(value, translate)
        for name, value in values.items()
    }
    return template.format(**told)
