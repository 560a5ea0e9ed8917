"""The script tags of the page that draws a questionnaire."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from survey.questionnaires.document import Document
from survey.questionnaires.scripts import scripts_for, words_of

register = template.Library()


@register.simple_tag
def form_scripts(document: Document, language: str = "") -> SafeString:
    """A module script tag for each script of the document: kernels without modules leave them alone.

    With `language` only its words come with the page and the others are named for later; without it all come,
    for pages that are used without a signal.
    """
    spoken = document["languages"]
    now = [language if language in spoken else document["default_language"]] if language else spoken
    scripts = ((static(path),) for path in scripts_for(document, now))
    later = ((other, static(words_of(other))) for other in spoken if other not in now)
    return format_html_join("\n", '<script type="module" src="{}"></script>', scripts) + format_html_join(
        "\n", '<template data-words="{}" data-src="{}"></template>', later
    )
