"""Small look-ups for the editor's templates."""

from collections.abc import Mapping
from typing import Any

from django import template

from survey.console.editor.words import block_title
from survey.questionnaires.document import Block, Document, text_in

register = template.Library()


@register.filter
def text_of(texts: Any, document: Document) -> str:
    """A text in the language that the questionnaire is written in."""
    return text_in(texts, document["default_language"], document) if isinstance(texts, Mapping) else ""


@register.filter
def name_of(block: Block, document: Document) -> str:
    """What a block is called on the page."""
    return block_title(document, block)


@register.filter
def get(mapping: Mapping[str, Any], key: str) -> Any:
    """The entry of a dictionary, None where there is none."""
    return mapping.get(key)
