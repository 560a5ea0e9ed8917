"""Coming in: entering with a letter, agreeing, refusing, and who answers."""

from datetime import datetime

from django.db import transaction

from survey.audit.services import RESIDENT, record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.contacts.models import SelectedPerson
from survey.contacts.services import record_contact, record_next_birthday
from survey.responses.device import hash_device
from survey.responses.models import Consent, Flag, Respondent
from survey.responses.services.standing import current_consent, region_code, require_open, standing_for
from survey.sampling.models import Case

REFUSAL = "2.11"  # AAPOR Standard Definitions (contacts.dispositions)
MANY_CASES = "one_openid_many_cases"


@transaction.atomic
def enter(*, case: Case, channel: str, identity_hash: str = "", device_secret: str) -> Respondent:
    """Let a device, or a proven identity on it, in to a household's questionnaire.

    Parameters
    ----------
    channel : "browser", "wechat" or "door".
    identity_hash : keyed hash of the openid, once the channel has proven it; "" before, or without one.
    device_secret : the random secret of the device; only its keyed hash is stored.

    Returns the same respondent when the same device or identity comes again. A second household of one
    identity is let in and flagged: a helpful neighbour is possible, and so is a swindle.
    """
    device_hash = hash_device(device_secret)
    own = Respondent.objects.select_for_update().filter(case=case, channel=channel, device_hash=device_hash)
    respondent = own.filter(identity_hash=identity_hash).first()
    if respondent is None and identity_hash:
        respondent = own.filter(identity_hash="").first()  # back from the channel's log-in
    if respondent is None:
        respondent = Respondent(round=case.round, case=case, channel=channel, device_hash=device_hash)
    is_new = respondent.pk is None or respondent.identity_hash != identity_hash
    respondent.identity_hash = identity_hash
    respondent.save()
    if identity_hash:
        own.filter(identity_hash="").delete()  # left over from log-ins that were broken off
        _flag_many_cases(respondent)
    Case.objects.filter(pk=case.pk, status=Case.Status.WAITING).update(status=Case.Status.OPENED)
    if is_new:
        record(
            action="responses.respondent.entered",
            acting_user=RESIDENT,
            target=respondent,
            region_code=case.community.code,
            detail={"channel": channel, "identified": bool(identity_hash)},
        )
    return respondent


def _flag_many_cases(respondent: Respondent) -> None:
    """One openid on several households: each of them gets the flag, none is blocked."""
    cases = list(
        Case.objects.filter(
            respondents__round=respondent.round_id, respondents__identity_hash=respondent.identity_hash
        ).distinct()
    )
    if len(cases) < 2:
        return
    for case in cases:
        Flag.objects.update_or_create(
            round_id=respondent.round_id,
            case=case,
            kind=MANY_CASES,
            settled_at=None,
            defaults={"evidence": {"households": len(cases)}},
        )


@transaction.atomic
def give_consent(
    *, respondent: Respondent, language: str, mode: str, given_at: datetime | None = None
) -> Consent:
    """Store that the respondent agreed to the round's consent text; the same agreement twice is one.

    Agreeing after a refusal from the same letter reopens the household: people may change their minds.

    Raises
    ------
    Problem contacts.closed : the round does not take answers.
    """
    round_ = respondent.round
    require_open(round_)
    held = current_consent(respondent)
    if held is not None:
        return held
    consent = Consent.objects.create(
        round=round_,
        respondent=respondent,
        case=respondent.case,
        text=round_.consent_text,
        language=language,
        mode=mode,
        given_at=given_at or now(),
    )
    Case.objects.filter(pk=respondent.case_id, status=Case.Status.REFUSED).update(status=Case.Status.OPENED)
    record(
        action="responses.consent.given",
        acting_user=RESIDENT,
        target=consent,
        region_code=region_code(respondent.case),
        detail={"text": consent.text.number, "language": language, "mode": mode},
    )
    return consent


@transaction.atomic
def refuse_participation(*, respondent: Respondent) -> None:
    """不想参加，以后别再寄信: the household's own refusal; the case is closed to further letters.

    A volunteer's refusal only takes her consent back: nobody writes to her anyway.
    """
    case = respondent.case
    if standing_for(respondent) is not None:
        raise Problem("responses.already_answered" if case else "responses.volunteer_answered")
    if case is None:
        respondent.consents.filter(withdrawn_at__isnull=True).update(withdrawn_at=now())
        record(action="responses.participation.refused", acting_user=RESIDENT, target=respondent)
        return
    record_contact(
        case=case,
        mode="wechat" if respondent.channel == "wechat" else "web",
        at=now(),
        disposition=REFUSAL,
        acting_user=RESIDENT,
    )
    Case.objects.filter(pk=case.pk).update(status=Case.Status.REFUSED)
    respondent.consents.filter(withdrawn_at__isnull=True).update(withdrawn_at=now())
    record(
        action="responses.participation.refused",
        acting_user=RESIDENT,
        target=case,
        region_code=region_code(case),
    )


@transaction.atomic
def choose_by_birthday(*, respondent: Respondent, n_eligible: int) -> SelectedPerson:
    """The adult whose birthday comes next answers, among `n_eligible`; kept with the device that said so."""
    person = record_next_birthday(case=respondent.case, n_eligible=n_eligible, acting_user=RESIDENT)
    respondent.selected_person = person
    respondent.save(update_fields=["selected_person"])
    return person
