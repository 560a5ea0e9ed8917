"""Draws a committed sample once its beacon is known, and releases its reserves whole and in order."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from django.db import transaction
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.clock import now, today
from survey.common.crypto import DecryptionError, decrypt
from survey.common.errors import Problem
from survey.jobs.services import Progress
from survey.sampling import beacons
from survey.sampling.commitment import derive_seed
from survey.sampling.models import (
    PSU,
    Case,
    DesignStratum,
    Draw,
    DrawnPSU,
    FrameUnit,
    ReserveReplicate,
)
from survey.sampling.rights import check_right
from survey.sampling.selection import exact, result_hash, select
from survey.sampling.services.commits import (
    SECRET_PURPOSE,
    beacon_words,
    former_draw,
    refuse_altered_plan,
)
from survey.sampling.services.frames import stored_frame_hash
from survey.stats.selection import TwoStageSample
from survey.studies.models import Round

BATCH = 1000
LOOKUP = 500


def draw_sample(
    *, draw: Draw, beacon_value: str, acting_user: Actor, progress: Progress | None = None
) -> Draw:
    """Draw a committed sample: seed from secrets and beacon, select, store the cases; all of it or nothing.

    Replicate 0 is released at once. When the round has a draw already, that one becomes void; its rows stay.
    The frame is read before the transaction begins, for a large one takes minutes.

    Raises
    ------
    Problem common.forbidden : no right.
    Problem sampling.beacon_waits, sampling.secret_missing, sampling.overdue : not yet, or no longer.
    Problem sampling.already_drawn, common.locked : it was drawn; it is void; the round is closed, or open
        with another draw.
    Problem sampling.frame_altered : frame, design or plan are not what was committed to.
    Problem common.invalid : the beacon's value is not in the form of its kind.
    """
    check_right(acting_user, "sampling.draw", draw.design.round.study.region)
    draw = Draw.objects.select_related("design__frame", "design__round__study__region").get(pk=draw.pk)
    _refuse_unready(draw)
    beacon = _checked_value(draw, beacon_value)
    _say(progress, 0.05, _("核对名录和设计的指纹"))
    refuse_altered_plan(draw.design)
    if stored_frame_hash(draw.design.frame) != draw.commitment["frame_hash"]:
        raise Problem("sampling.frame_altered", reason=_("名录的指纹不符"))
    _say(progress, 0.5, _("抽社区，再抽住户"))
    seed = derive_seed(secrets=party_secrets(draw), beacon=beacon, commitment_hash=draw.commitment_hash)
    sample = select(draw.design, seed)
    _say(progress, 0.7, _("写入抽中的户"))
    with transaction.atomic():
        round_ = Round.objects.select_for_update().get(pk=draw.design.round_id)
        draw = (
            Draw.objects.select_for_update(of=("self",))
            .select_related("design__frame", "design__round__study__region")
            .get(pk=draw.pk)
        )
        _refuse_unready(draw)
        before = former_draw(round_, draw.reason)
        _store_cases(draw, sample)
        draw.beacon, draw.seed, draw.result_hash = beacon, seed.hex(), result_hash(sample)
        draw.state, draw.drawn_at = Draw.State.DRAWN, now()
        draw.drawn_by_id = acting_user.pk or None
        draw.save()
        if before is not None:
            before.state, before.voided_at = Draw.State.VOID, draw.drawn_at
            before.void_reason = draw.reason
            before.save(update_fields=["state", "voided_at", "void_reason"])
        _record_draw(draw, before, acting_user, sample)
    return draw


def party_secrets(draw: Draw) -> list[bytes]:
    """The secrets in the order of the parties, opened.

    Raises
    ------
    Problem sampling.secret_missing : a party has not given hers.
    DecryptionError : a stored one cannot be opened.
    """
    parties = list(draw.parties.order_by("number"))
    if missing := [party.name for party in parties if party.secret_cipher is None]:
        raise Problem("sampling.secret_missing", names="、".join(missing))
    return [bytes.fromhex(decrypt(party.secret_cipher, SECRET_PURPOSE)) for party in parties]


def _refuse_unready(draw: Draw) -> None:
    """Refuse what is drawn, void, late, early, or lacks a secret."""
    if draw.state == Draw.State.DRAWN:
        raise Problem("sampling.already_drawn")
    if draw.state == Draw.State.VOID:
        raise Problem("common.locked", what=_("这次抽样（已作废）"))
    if draw.design.round.state == Round.State.CLOSED:
        raise Problem("common.locked", what=_("这一轮"))
    if draw.reveal_by < today():
        raise Problem("sampling.overdue", date=draw.reveal_by)
    if now() < draw.beacon_at:
        raise Problem("sampling.beacon_waits", at=f"{localtime(draw.beacon_at):%Y-%m-%d %H:%M:%S}")
    try:
        party_secrets(draw)
    except DecryptionError as error:
        raise Problem("sampling.frame_altered", reason=_("保存的秘密打不开")) from error


def _checked_value(draw: Draw, value: str) -> str:
    try:
        beacon = beacons.normalise_value(draw.beacon_kind, draw.beacon_name, value)
    except beacons.Unreadable as error:
        raise Problem("common.invalid", reason=beacon_words(error)) from error
    if len(beacon) > 300:
        raise Problem("common.invalid", reason=_("公开随机数太长"))
    return beacon


def _say(progress: Progress | None, fraction: float, message: str) -> None:
    if progress is not None:
        progress.say(fraction, message)


def release_replicate(*, draw: Draw, number: int, reason: str, acting_user: Actor) -> ReserveReplicate:
    """Release a reserve replicate: the whole of it, and only the next one.

    A household's probability at stage 2 is that of all households released in its PSU, so that it grows for
    the cases that were released before as well.

    Raises
    ------
    Problem common.forbidden : no right.
    Problem sampling.replicate_order : another replicate is next, or there is none.
    Problem common.invalid : no reason. Problem common.locked : the draw is void or the round is closed.
    """
    check_right(acting_user, "sampling.manage", draw.design.round.study.region)
    if not reason.strip():
        raise Problem("common.invalid", reason=_("放出备用样本要写明理由"))
    with transaction.atomic():
        draw = (
            Draw.objects.select_for_update(of=("self",))
            .select_related("design__round__study__region")
            .get(pk=draw.pk)
        )
        if draw.state != Draw.State.DRAWN or draw.design.round.state == Round.State.CLOSED:
            raise Problem("common.locked", what=_("这次抽样"))
        waiting = draw.replicates.filter(released_at__isnull=True).order_by("number")
        replicate = waiting.first()
        if replicate is None or replicate.number != number:
            following = replicate.number if replicate else _("（没有了）")
            raise Problem("sampling.replicate_order", next=following)
        replicate.released_at, replicate.release_reason = now(), reason.strip()[:300]
        replicate.save()
        _raise_probabilities(draw, replicate)
        record(
            action="sampling.replicate.released",
            acting_user=acting_user,
            target=replicate,
            region_code=draw.design.round.study.region.code,
            detail={"draw": draw.number, "number": number, "cases": replicate.n_cases, "reason": reason},
        )
    return replicate


def _store_cases(draw: Draw, sample: TwoStageSample) -> None:
    psus = _store_psus(draw, sample)
    replicates = _store_replicates(draw, sample)
    units = _units(draw.design.frame_id, [drawn.household for drawn in sample.households])
    cases = []
    for drawn in sample.households:
        psu = psus[drawn.psu]
        unit_id, community_id = units[drawn.household]
        cases.append(
            Case(
                draw=draw,
                round_id=draw.design.round_id,
                number=f"{draw.number}-{drawn.number:05d}",
                frame_unit_id=unit_id,
                drawn_psu=psu,
                replicate=replicates[drawn.replicate],
                community_id=community_id,
                stage1_probability=psu.probability,
                stage1_exact=psu.probability_exact,
                stage2_probability=float(drawn.probability),
                stage2_exact=exact(drawn.probability),
                variance_stratum=psu.stratum.code,
                variance_psu=drawn.household if psu.is_certainty else drawn.psu,
                selection_seed=drawn.person_seed,
            )
        )
    Case.objects.bulk_create(cases, batch_size=BATCH)


def _store_psus(draw: Draw, sample: TwoStageSample) -> dict[str, DrawnPSU]:
    stored = {
        psu.code: psu
        for psu in PSU.objects.filter(
            frame=draw.design.frame, joining_rule=draw.design.plan["rules"]["psu_set"]
        )
    }
    strata = {stratum.code: stratum for stratum in DesignStratum.objects.filter(design=draw.design)}
    rows = DrawnPSU.objects.bulk_create(
        [
            DrawnPSU(
                draw=draw,
                psu=stored[taken.code],
                stratum=strata[taken.stratum],
                is_certainty=taken.certainty,
                probability=float(taken.probability),
                probability_exact=exact(taken.probability),
                order=order,
            )
            for order, taken in enumerate(sample.psus, start=1)
        ],
        batch_size=BATCH,
    )
    return {row.psu.code: row for row in rows}


def _store_replicates(draw: Draw, sample: TwoStageSample) -> dict[int, ReserveReplicate]:
    sizes = Counter(drawn.replicate for drawn in sample.households)
    rows = ReserveReplicate.objects.bulk_create(
        [
            ReserveReplicate(
                draw=draw,
                number=number,
                n_cases=sizes[number],
                released_at=now() if number == 0 else None,
                release_reason=_("抽样时放出") if number == 0 else "",
            )
            for number in sorted(sizes)
        ]
    )
    return {row.number: row for row in rows}


def _units(frame_id: int, households: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Opaque id → (primary key, community) of the drawn households."""
    units: dict[str, tuple[int, int]] = {}
    for start in range(0, len(households), LOOKUP):
        rows = FrameUnit.objects.filter(frame=frame_id, opaque_id__in=households[start : start + LOOKUP])
        units.update(
            (str(opaque_id), (pk, community))
            for opaque_id, pk, community in rows.values_list("opaque_id", "pk", "community_id")
        )
    return units


def _raise_probabilities(draw: Draw, replicate: ReserveReplicate) -> None:
    """Give every case released before the probability of stage 2 that this replicate's cases have."""
    exact_by_psu = dict(replicate.cases.order_by().values_list("drawn_psu", "stage2_exact").distinct())
    for drawn_psu, text in exact_by_psu.items():
        draw.cases.filter(drawn_psu=drawn_psu, replicate__number__lt=replicate.number).update(
            stage2_exact=text, stage2_probability=float(Fraction(text))
        )


def _record_draw(draw: Draw, before: Draw | None, acting_user: Actor, sample: TwoStageSample) -> None:
    region_code = draw.design.round.study.region.code
    if before is not None:
        record(
            action="sampling.draw.voided",
            acting_user=acting_user,
            target=before,
            region_code=region_code,
            detail={"draw": before.number, "replaced_by": draw.number, "reason": draw.reason},
        )
    record(
        action="sampling.draw.created",
        acting_user=acting_user,
        target=draw,
        region_code=region_code,
        detail={
            "draw": draw.number,
            "commitment_hash": draw.commitment_hash,
            "result_hash": draw.result_hash,
            "psus": len(sample.psus),
            "cases": len(sample.households),
            "reason": draw.reason,
        },
    )
