"""Issues a household's codes and finds the case that a code belongs to."""

import ipaddress
from collections.abc import Iterable

from django.db import transaction

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.crypto import keyed_hash
from survey.common.errors import Problem
from survey.common.throttle import count_try, forgive_try
from survey.contacts.codes import new_qr_secret, new_typed_code, read_qr, read_typed
from survey.contacts.models import HouseholdCode, LetterBatch
from survey.sampling.models import Case, Draw
from survey.studies.models import Round

PURPOSE = {HouseholdCode.Kind.QR: "contacts.qr", HouseholdCode.Kind.TYPED: "contacts.typed"}
# Failed tries only. One address: ten in ten minutes, enough for a family with bad glasses. One round: with
# 55 random bits and 10,000 letters one try hits with probability 10^4 / 2^55 = 2.8e-13, so that ten
# thousand tries an hour find a household once in 41,000 years, whatever the number of addresses.
ADDRESS_LIMIT, ADDRESS_WINDOW_S = 10, 600
ROUND_LIMIT, ROUND_WINDOW_S = 10_000, 3600

Issued = tuple[Case, str, str]


def hash_of(kind: str, code: str) -> str:
    """The keyed hash under which a code in canonical form is stored."""
    return keyed_hash(code, PURPOSE[HouseholdCode.Kind(kind)])


def new_codes(cases: Iterable[Case]) -> list[Issued]:
    """Fresh codes for each case. Nothing is stored yet: see `store_codes`."""
    return [(case, new_qr_secret(), new_typed_code()) for case in cases]


def store_codes(*, issued: list[Issued], batch: LetterBatch | None, acting_user: Actor) -> None:
    """Keep the keyed hashes of new codes; the cases' older codes are replaced from this moment on."""
    with transaction.atomic():
        moment = now()
        cases = [case.pk for case, _qr, _typed in issued]
        replaced = HouseholdCode.objects.filter(case__in=cases, replaced_at__isnull=True).update(
            replaced_at=moment
        )
        HouseholdCode.objects.bulk_create(
            [
                HouseholdCode(
                    case=case, kind=kind, code_hash=hash_of(kind, code), batch=batch, issued_at=moment
                )
                for case, qr, typed in issued
                for kind, code in ((HouseholdCode.Kind.QR, qr), (HouseholdCode.Kind.TYPED, typed))
            ],
            batch_size=500,
        )
        record(
            action="contacts.codes.issued",
            acting_user=acting_user,
            target=batch,
            detail={"n_cases": len(cases), "n_replaced": replaced},
        )


def issue_codes(*, cases: Iterable[Case], batch: LetterBatch | None, acting_user: Actor) -> list[Issued]:
    """Give each case a new QR secret and a new typed code.

    Returns
    -------
    list of (case, QR secret, typed code without hyphens). This is the only moment at which the codes exist
    in the clear; the database keeps their keyed hashes, and the cases' older codes answer
    contacts.code_replaced from now on.
    """
    issued = new_codes(cases)
    store_codes(issued=issued, batch=batch, acting_user=acting_user)
    return issued


def find_case_by_qr(secret: str) -> Case:
    """The case whose current letter carries this QR secret. No throttle: 128 bits cannot be guessed.

    Raises
    ------
    Problem contacts.code_unknown, contacts.code_replaced, contacts.not_open, contacts.closed.
    """
    code = read_qr(secret)
    if code is None:
        raise Problem("contacts.code_unknown")
    return _find(HouseholdCode.Kind.QR, code)


def find_case_by_typed(code: str, *, address: str) -> Case:
    """The case whose current letter shows this code, however it was typed. `address` is the client's.

    Failed tries are counted per address and per round; a try that succeeds is not.

    Raises
    ------
    Problem common.too_many, contacts.code_unknown, contacts.code_replaced, contacts.not_open,
        contacts.closed.
    """
    address_key = keyed_hash(_network(address), "contacts.throttle")
    count_try(scope="contacts.typed.address", key=address_key, limit=ADDRESS_LIMIT, window_s=ADDRESS_WINDOW_S)
    canonical = read_typed(code)
    if canonical is None:
        raise Problem("contacts.code_unknown")
    try:
        case = _find(HouseholdCode.Kind.TYPED, canonical)
    except Problem as problem:
        if problem.code == "contacts.code_unknown":
            _count_guess()
        raise
    _refuse_guessed_round(case.round)
    forgive_try(scope="contacts.typed.address", key=address_key)
    return case


def _find(kind: str, code: str) -> Case:
    found = (
        HouseholdCode.objects.select_related("case__round__study", "case__draw", "case__community")
        .filter(code_hash=hash_of(kind, code))
        .first()
    )
    if found is None or found.case.draw.state == Draw.State.VOID:
        raise Problem("contacts.code_unknown")
    if found.case.round.state == Round.State.CLOSED:
        raise Problem("contacts.closed")
    if found.replaced_at is not None:
        raise Problem("contacts.code_replaced")
    if found.case.round.state != Round.State.OPEN:
        raise Problem("contacts.not_open")
    return found.case


def _network(address: str) -> str:
    """What one subscriber holds: an IPv4 address, or the /64 of an IPv6 address (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and not parsed.ipv4_mapped:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _count_guess() -> None:
    """A well-formed code that nobody has: it counts against every open round, for it might have hit any."""
    for pk in Round.objects.filter(state=Round.State.OPEN).values_list("pk", flat=True):
        try:
            count_try(scope="contacts.typed.round", key=str(pk), limit=ROUND_LIMIT, window_s=ROUND_WINDOW_S)
        except Problem:
            continue  # this round is already shut to typed codes; the resident hears of the wrong code


def _refuse_guessed_round(round: Round) -> None:
    count_try(scope="contacts.typed.round", key=str(round.pk), limit=ROUND_LIMIT, window_s=ROUND_WINDOW_S)
    forgive_try(scope="contacts.typed.round", key=str(round.pk))
