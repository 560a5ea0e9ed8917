"""Where a household and its respondents stand: what every deed asks first."""

from functools import cache

from django.db.models import QuerySet

from survey.common.errors import Problem
from survey.common.statements import read, run
from survey.responses.models import Consent, Respondent, Response
from survey.sampling.models import Case
from survey.studies.models import Round

_OF_CONSENT = ("id", "text_id", "withdrawn_at")


def require_open(round: Round) -> None:
    """Raise Problem contacts.closed unless the round takes answers."""
    if round.state != Round.State.OPEN:
        raise Problem("contacts.closed")


def standing_consents(respondent: Respondent) -> QuerySet[Consent]:
    """The respondent's agreements to the text that the round pins now."""
    return respondent.consents.filter(
        text=respondent.round.consent_text_id, withdrawn_at__isnull=True
    ).order_by()


def current_consent(respondent: Respondent) -> Consent | None:
    """The newest of them, if any stands."""
    rows = run(_newest_consent(), [respondent.pk, respondent.round.consent_text_id])
    return read(Consent, _OF_CONSENT, rows[0]) if rows else None


@cache
def _newest_consent() -> str:
    # Names come from our own models; the values are parameters.
    return """
        SELECT {columns} FROM {consents}
        WHERE respondent_id = %s AND text_id = %s AND withdrawn_at IS NULL
        ORDER BY given_at DESC LIMIT 1
    """.format(columns=", ".join(_OF_CONSENT), consents=Consent._meta.db_table)  # noqa: S608


def standing_response(case: Case | None) -> Response | None:
    """The household's answer that counts, if there is one."""
    return Response.objects.counted().filter(case=case).first() if case is not None else None


def standing_for(respondent: Respondent) -> Response | None:
    """The answer that stands where this respondent would answer: the household's, or the volunteer's own."""
    if respondent.case_id is not None:
        return standing_response(respondent.case)
    if not respondent.identity_hash:
        return None
    return (
        Response.objects.counted()
        .filter(volunteer__round=respondent.round_id, volunteer__identity_hash=respondent.identity_hash)
        .first()
    )


def proves(respondent: Respondent, response: Response) -> bool:
    """Whether the respondent is who gave the response: the same device, or the same identity."""
    author = response.respondent
    if author is None:
        return False
    return author.pk == respondent.pk or any(
        ours and ours == theirs
        for ours, theirs in (
            (respondent.device_hash, author.device_hash),
            (respondent.identity_hash, author.identity_hash),
        )
    )


def region_code(case: Case | None) -> str:
    """The household's community, for the audit trail; "" for a volunteer."""
    return case.community.code if case is not None else ""
