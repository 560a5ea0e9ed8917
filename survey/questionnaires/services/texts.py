"""A questionnaire from a pasted text."""

from django.db import transaction
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.errors import Problem
from survey.questionnaires.models import Questionnaire, QuestionnaireVersion
from survey.questionnaires.pasted import read_pasted
from survey.questionnaires.services.drafts import free_code, new_draft
from survey.questionnaires.services.versions import check_author, refuse_errors, slug


def import_text(*, text: str, title: str, acting_user: Actor) -> QuestionnaireVersion:
    """A new questionnaire whose first draft is what the text says. Without a title the text's own counts.

    Raises
    ------
    Problem questionnaire.invalid : the text has errors; they are listed with their lines.
    """
    check_author(acting_user)
    pasted = read_pasted(text, title=title)
    refuse_errors(pasted.problems)
    if pasted.document is None:
        raise Problem("common.bad_file", reason=_("没有读出问卷"))
    named = pasted.document["title"][pasted.document["default_language"]]
    with transaction.atomic():
        code = free_code(slug(named))
        questionnaire = Questionnaire.objects.create(code=code, title=named[:200])
        version = new_draft(questionnaire, {**pasted.document, "name": _document_name(code)}, acting_user)
        record(
            action="questionnaires.draft.pasted",
            acting_user=acting_user,
            target=version,
            detail={"code": code, "number": version.number},
        )
    return version


def _document_name(code: str) -> str:
    """A document's name begins with a letter."""
    return code if code[0].isalpha() or code[0] == "_" else f"q_{code}"
