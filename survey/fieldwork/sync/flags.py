"""Doubts that come in with a phone's items. 疑点不是结论: the supervisor sees the evidence and decides."""

from typing import Any

from survey.fieldwork.sync_models import SyncItem
from survey.responses.models import Flag, Response
from survey.sampling.models import Case

REFUSED = "sync_refused"
TWO_COMPLETES = "two_completes"
REASSIGNED = "reassigned_meanwhile"
CLOCK = "clock_far_off"
LISTED_TWICE = "roster_listed_twice"


def raise_flag(case: Case, kind: str, evidence: dict[str, Any], response: Response | None = None) -> Flag:
    """One open flag of a kind for a case and a response; the same doubt again adds none."""
    found, _created = Flag.objects.get_or_create(
        round=case.round,
        case=case,
        response=response,
        kind=kind,
        settled_at=None,
        defaults={"evidence": evidence},
    )
    return found


def flag_item(item: SyncItem, case: Case | None) -> None:
    """An item was refused: its original stays under this id."""
    Flag.objects.get_or_create(
        round=item.round,
        case=case,
        kind=REFUSED,
        evidence__item=str(item.pk),
        defaults={
            "evidence": {
                "item": str(item.pk),
                "code": item.code,
                "kind": item.kind,
                "device": str(item.device or ""),
                **item.detail,
            }
        },
    )
