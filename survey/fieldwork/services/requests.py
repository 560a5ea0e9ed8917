"""A resident's request that her device did not prove: the team finds out who asks, then does it."""

from django.db import transaction
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.responses.models import DataRequest
from survey.responses.services import standing_response, withdraw_response


def answer_request(*, request: DataRequest, granted: bool, note: str, acting_user: User) -> DataRequest:
    """Settle a request to see or to delete. A deletion that is granted destroys the answers now.

    Parameters
    ----------
    granted : whether the person was found to be who she says.
    note : how that was found, or why not; no name, no number.

    Raises
    ------
    Problem common.invalid : no note.
    Problem common.locked : it has been settled.
    """
    require(acting_user, "fieldwork.manage", request.case.community if request.case else None)
    if not note.strip():
        raise Problem("common.invalid", reason=_("请写明怎么核实的，或为什么没有办"))
    with transaction.atomic():
        locked = DataRequest.objects.select_for_update().get(pk=request.pk)
        if locked.done_at is not None:
            raise Problem("common.locked", what=_("这件请求"))
        response = standing_response(locked.case)
        if granted and locked.kind == DataRequest.Kind.DELETION and response is not None:
            withdraw_response(response=response, reason="居民要求删除", acting_user=acting_user)
        locked.done_at, locked.outcome = now(), note.strip()[:200]
        locked.save(update_fields=["done_at", "outcome"])
        record(
            action=f"fieldwork.request.{'granted' if granted else 'declined'}",
            acting_user=acting_user,
            target=locked,
            region_code=locked.case.community.code if locked.case else "",
            detail={"kind": locked.kind},
        )
    return locked
