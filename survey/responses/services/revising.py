"""A second answer of one household: a correction by whoever took the first, or one that came too late.

Both go through `accept_response`, so that the same rules hold. One answer stands at any moment that others
can see: the row is moved aside and back within one transaction.
"""

from typing import Any

from django.db import transaction

from survey.audit.services import Actor, record
from survey.common.errors import Problem
from survey.responses.models import Attachment, Response
from survey.responses.services.answering import accept_response

State = Response.State


def accept_revision(*, old: Response, acting_user: Actor, **submission: Any) -> Response:
    """Take a corrected answer as the next revision of `old`, which stays and no longer counts.

    Parameters
    ----------
    old : an answer of the same household that stands or was returned; not withdrawn, not corrected already.
    submission : what `accept_response` takes.

    Raises
    ------
    Problem responses.already_answered : another answer than `old` stands; and those of `accept_response`.
    """
    with transaction.atomic():
        old = Response.objects.select_for_update().get(pk=old.pk)
        if old.state == State.WITHDRAWN or old.superseded_by_id is not None:
            raise Problem("responses.other_content")
        Response.objects.filter(pk=old.pk).update(state=State.REJECTED)
        pictures = list(old.attachments.values_list("pk", flat=True))
        # Pictures that the corrected answers still name go with them; the others stay with the first.
        Attachment.objects.filter(pk__in=pictures).update(response=None)
        new, created = accept_response(acting_user=acting_user, **submission)
        Attachment.objects.filter(pk__in=pictures, response__isnull=True).update(response=old)
        if created:
            Response.objects.filter(pk=new.pk).update(revision=old.revision + 1)
            new.revision = old.revision + 1
        Response.objects.filter(pk=old.pk).update(state=old.state, superseded_by=new)
        record(
            action="responses.response.revised",
            acting_user=acting_user,
            target=new,
            region_code=new.region.code,
            detail={"replaces": str(old.pk), "revision": new.revision},
        )
    return new


def accept_beside(*, standing: Response, acting_user: Actor, **submission: Any) -> Response:
    """Keep a whole answer that came after another one of its household: validated, stored, not counted."""
    with transaction.atomic():
        standing = Response.objects.select_for_update().get(pk=standing.pk)
        Response.objects.filter(pk=standing.pk).update(state=State.REJECTED)
        second, created = accept_response(acting_user=acting_user, **submission)
        if created:
            Response.objects.filter(pk=second.pk).update(state=State.REJECTED)
            second.state = State.REJECTED
        Response.objects.filter(pk=standing.pk).update(state=standing.state)
        record(
            action="responses.response.kept_beside",
            acting_user=acting_user,
            target=second,
            region_code=second.region.code,
            detail={"standing": str(standing.pk)},
        )
    return second
