"""A resident's rights: to see, to withdraw, to have destroyed what was answered."""

from django.db import transaction

from survey.audit.services import RESIDENT, Actor, record
from survey.common.clock import now, today
from survey.contacts.services import void_interviews
from survey.responses.deadlines import WORKING_DAYS_FOR_REQUESTS, add_working_days
from survey.responses.models import Consent, DataRequest, Respondent, Response
from survey.responses.services.answering import open_answers
from survey.responses.services.drafts import discard_drafts
from survey.responses.services.quotas import give_back
from survey.responses.services.standing import proves, region_code, standing_for
from survey.responses.services.volunteers import release_volunteer
from survey.sampling.models import Case

# AAPOR "known respondent-level refusal" (contacts.dispositions): the person took the interview back.
WITHDRAWN_BY_PERSON = "2.112"


@transaction.atomic
def withdraw_response(*, response: Response, reason: str, acting_user: Actor) -> None:
    """Destroy what was answered, in every revision. A tombstone stays: opaque id, time, reason.

    The household is closed to further letters; reports already published stand (docs/decisions).
    """
    revisions, older = [response], response
    while (older := Response.objects.filter(superseded_by=older).first()) is not None:
        revisions.append(older)
    at = now()
    release_volunteer(response=response)
    if response.case is None and response.state == Response.State.ACCEPTED:
        give_back(
            round=response.round,
            document=response.questionnaire_version.document,
            answers=open_answers(response),
            mode=response.mode,
            at=response.submitted_at,
        )
    for revision in revisions:
        revision.attachments.all().delete()
        revision.text_reviews.all().delete()
        revision.open_texts.all().delete()
        Response.objects.filter(pk=revision.pk).update(
            state=Response.State.WITHDRAWN,
            withdrawn_at=at,
            withdrawal_reason=reason[:200],
            answers={},
            open_text_cipher=None,
            path=[],
            paradata={},
            language="",
            content_hash="",  # few answers are many enough that a hash would hide them
            selected_person=None,
            person_probability=None,
        )
        Consent.objects.filter(pk=revision.consent_id).update(withdrawn_at=at)
    if response.case is not None:
        case = Case.objects.select_for_update().get(pk=response.case.pk)
        void_interviews(
            case=case,
            mode="door" if response.mode == Response.Mode.DOOR else "web",
            disposition=WITHDRAWN_BY_PERSON,
            detail={"withdrawn": True},
            by_user_id=acting_user.pk or None,
        )
    response.refresh_from_db()
    record(
        action="responses.response.withdrawn",
        acting_user=acting_user,
        target=response,
        region_code=response.region.code,
        detail={"reason": reason[:200], "revisions": len(revisions)},
    )


@transaction.atomic
def request_data(*, respondent: Respondent, kind: str) -> DataRequest:
    """Note a resident's request (access, deletion). What her device proves is done at once, the rest is due.

    A deletion proven by the device or the identity withdraws the response now; otherwise the team has 15
    working days to find out, by phone, who asks.
    """
    received = now()
    request = DataRequest.objects.create(
        round=respondent.round,
        case=respondent.case,
        respondent=respondent,
        kind=kind,
        received_at=received,
        due_on=add_working_days(today(), WORKING_DAYS_FOR_REQUESTS),
    )
    response = standing_for(respondent)
    if kind == DataRequest.Kind.DELETION:
        discard_drafts(respondent=respondent)
    if response is not None and proves(respondent, response):
        if kind == DataRequest.Kind.DELETION:
            withdraw_response(response=response, reason="居民本人撤回", acting_user=RESIDENT)
        request.done_at, request.outcome = received, "proven by the device or the WeChat identity"
        request.save(update_fields=["done_at", "outcome"])
    record(
        action=f"responses.{kind}.requested",
        acting_user=RESIDENT,
        target=request,
        region_code=region_code(respondent.case),
        detail={"done_at_once": request.done_at is not None},
    )
    return request
