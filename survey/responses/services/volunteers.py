"""Volunteers: who scanned a poster instead of getting a letter. One answer per identity and round.

They are a sample of their own: nobody was drawn, so nothing is estimated from them (docs/glossary.md). What
looks arranged is kept, flagged and left out of the counts by `survey.responses.volunteers.RULE`.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from survey.audit.services import RESIDENT, record
from survey.common.canonical import sha256_of
from survey.common.crypto import keyed_hash
from survey.common.errors import Problem
from survey.regions.models import Region
from survey.responses.device import hash_device
from survey.responses.models import Flag, Respondent, Response, VolunteerAnswer
from survey.responses.services.standing import require_open
from survey.responses.volunteers import (
    BURST,
    BURST_ANSWERS,
    BURST_MINUTES,
    SAME_ANSWERS,
    SAME_ANSWERS_ITEMS,
    SAME_DEVICE,
)
from survey.studies.models import Round


@transaction.atomic
def enter_as_volunteer(
    *, round: Round, region: Region, channel: str, identity_hash: str = "", device_secret: str
) -> Respondent:
    """Let a device, or a proven identity on it, in to the round's questionnaire without a letter.

    Parameters
    ----------
    region : the community or grid where the poster hangs.
    identity_hash : keyed hash of the openid, once the channel has proven it; "" before.

    Returns the same respondent when the same device comes again, or comes back from the log-in.

    Raises
    ------
    Problem contacts.closed : the round does not take answers.
    """
    require_open(round)
    device_hash = hash_device(device_secret)
    own = Respondent.objects.select_for_update().filter(
        round=round, case__isnull=True, channel=channel, device_hash=device_hash
    )
    respondent = own.filter(identity_hash=identity_hash).first()
    if respondent is None and identity_hash:
        respondent = own.filter(identity_hash="").first()  # back from the channel's log-in
    if respondent is None:
        respondent = Respondent(round=round, channel=channel, device_hash=device_hash)
    is_new = respondent.pk is None or respondent.identity_hash != identity_hash
    if respondent.region_id is None or not Response.objects.filter(respondent=respondent).exists():
        respondent.region = region
    respondent.identity_hash = identity_hash
    respondent.save()
    if identity_hash:
        own.filter(identity_hash="").exclude(pk=respondent.pk).delete()  # log-ins that were broken off
    if is_new:
        _record_entry(respondent, region)
    return respondent


def _record_entry(respondent: Respondent, region: Region) -> None:
    record(
        action="responses.volunteer.entered",
        acting_user=RESIDENT,
        target=respondent,
        region_code=region.code,
        detail={"channel": respondent.channel, "identified": bool(respondent.identity_hash)},
    )


def claim_volunteer(*, response: Response) -> None:
    """Note whose answer this is, and flag what looks arranged. Inside the transaction that stores it.

    Raises
    ------
    Problem responses.volunteer_answered : this identity has answered the round.
    IntegrityError : it did so at this very moment.
    """
    respondent = response.respondent
    if respondent is None or not respondent.identity_hash:
        return
    identity = {"round_id": response.round_id, "identity_hash": respondent.identity_hash}
    if VolunteerAnswer.objects.filter(**identity).exists():
        raise Problem("responses.volunteer_answered")
    pattern = keyed_hash(sha256_of(response.answers), "responses.volunteer.pattern")
    VolunteerAnswer.objects.create(response=response, pattern_hash=pattern, **identity)
    _flag_same_answers(response, pattern)
    _flag_same_device(response, respondent)
    _flag_burst(response)


def release_volunteer(*, response: Response) -> None:
    """A withdrawn answer no longer stands for its identity."""
    VolunteerAnswer.objects.filter(response=response).delete()


def _flag(responses: list[Response], kind: str, evidence: dict[str, int]) -> None:
    """One open flag of a kind for each response; the evidence of an older one grows."""
    for each in responses:
        Flag.objects.update_or_create(
            round_id=each.round_id, response=each, kind=kind, settled_at=None, defaults={"evidence": evidence}
        )


def _flag_same_answers(response: Response, pattern: str) -> None:
    """Every closed answer alike, in a questionnaire long enough that this does not happen by itself."""
    if len(response.answers) < SAME_ANSWERS_ITEMS:
        return
    alike = list(
        Response.objects.counted().filter(
            volunteer__round=response.round_id, volunteer__pattern_hash=pattern, region=response.region_id
        )
    )
    if len(alike) > 1:
        _flag(alike, SAME_ANSWERS, {"answers": len(alike), "items": len(response.answers)})


def _flag_same_device(response: Response, respondent: Respondent) -> None:
    """One phone, several WeChat identities."""
    same = Q(respondent__device_hash=respondent.device_hash) & ~Q(respondent__device_hash="")
    found = list(Response.objects.counted().filter(same, round=response.round_id, case__isnull=True))
    if len(found) > 1:
        _flag(found, SAME_DEVICE, {"identities": len(found)})


def _flag_burst(response: Response) -> None:
    """Many answers from one place in few minutes: somebody may be passing phones around."""
    since = response.received_at - timedelta(minutes=BURST_MINUTES)
    found = list(
        Response.objects.counted().filter(
            round=response.round_id,
            case__isnull=True,
            region=response.region_id,
            received_at__gte=since,
            received_at__lte=response.received_at,
        )
    )
    if len(found) >= BURST_ANSWERS:
        _flag(found, BURST, {"answers": len(found), "minutes": BURST_MINUTES})
