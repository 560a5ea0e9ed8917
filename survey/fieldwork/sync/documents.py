"""The questionnaires that an interviewer's rounds ask with."""

from typing import Any

from survey.accounts.models import User
from survey.fieldwork.queries import cases_of
from survey.questionnaires.models import QuestionnaireVersion
from survey.questionnaires.scripts import scripts_for


def document_for(user: User, document_hash: str) -> dict[str, Any] | None:
    """{"document", "scripts"} of a published version that one of his open rounds pins; None otherwise.

    `scripts` are the static paths that draw it, in order: the app loads only those, as the resident's page.
    """
    rounds = cases_of(user).order_by().values("round__questionnaire_version")
    version = QuestionnaireVersion.objects.filter(document_hash=document_hash, pk__in=rounds).first()
    if version is None:
        return None
    spoken = version.document["languages"]
    return {"document": version.document, "scripts": scripts_for(version.document, spoken)}
