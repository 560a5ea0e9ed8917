"""The script tags of the page that draws a questionnaire."""

from django import template
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from survey.questionnaires.document import Document
from survey.questionnaires.scripts import scripts_for

register = template.Library()


@register.simple_tag
def form_scripts(document: Document) -> SafeString:
    """A module script tag for each script of the document: kernels without modules leave them alone."""
    addresses = ((static(path),) for path in scripts_for(document))
    return format_html_join("\n", '<script type="module" src="{}"></script>', addresses)
