"""Reveals a draw after its field has closed: secrets, seed, opaque ids, certificate."""

from django.db import transaction
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.sampling.certificate import REVEALED, make_certificate
from survey.sampling.models import Draw
from survey.sampling.rights import check_right
from survey.studies.models import Round


def reveal_draw(*, draw: Draw, acting_user: Actor) -> Draw:
    """Make the whole certificate, sign it and keep it. From now on anybody may have it and the public frame.

    Raises
    ------
    Problem common.forbidden : no right.
    Problem sampling.not_closed : the field is open: whoever knew the doors now could coach them.
    Problem common.locked : not drawn, void, or revealed already.
    Problem sampling.frame_old : a draw of release 1.
    """
    check_right(acting_user, "sampling.reveal", draw.design.round.study.region)
    with transaction.atomic():
        draw = (
            Draw.objects.select_for_update(of=("self",))
            .select_related("design__frame", "design__round__study__region")
            .get(pk=draw.pk)
        )
        if draw.state != Draw.State.DRAWN or draw.revealed_at is not None:
            raise Problem("common.locked", what=_("这次抽样"))
        if draw.design.round.state != Round.State.CLOSED:
            raise Problem("sampling.not_closed")
        draw.revealed_at = now()
        draw.save(update_fields=["revealed_at"])  # first: the list of commits shows this one as revealed
        draw.certificate = make_certificate(draw, REVEALED)
        draw.save(update_fields=["certificate"])
        record(
            action="sampling.draw.revealed",
            acting_user=acting_user,
            target=draw,
            region_code=draw.design.round.study.region.code,
            detail={
                "draw": draw.number,
                "commitment_hash": draw.commitment_hash,
                "signature": draw.certificate["signature"]["value"][:16],
            },
        )
    return draw
