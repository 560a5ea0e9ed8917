"""Reads published questionnaires. They never change, so each process reads one once."""

from functools import lru_cache

from survey.questionnaires.models import QuestionnaireVersion

KEPT = 32  # versions of rounds in the field at the same time


@lru_cache(maxsize=KEPT)
def published_version(pk: int) -> QuestionnaireVersion:
    """A version with its document, shared by the whole process: nobody may write to it.

    Only for versions that a round pins: those are published.
    """
    return QuestionnaireVersion.objects.select_related("questionnaire").get(pk=pk)
