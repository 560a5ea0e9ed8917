"""Draws a sample, and releases its reserves whole and in order."""

import secrets
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.canonical import sha256_of
from survey.common.clock import now
from survey.common.crypto import encrypt
from survey.common.errors import Problem
from survey.sampling.commitment import (
    SECRET_BYTES,
    derive_seed,
    hash_commitment,
    hash_secret,
    make_commitment,
)
from survey.sampling.models import (
    PSU,
    Case,
    Design,
    DesignStratum,
    Draw,
    DrawnPSU,
    FrameUnit,
    ReserveReplicate,
)
from survey.sampling.selection import exact, result_hash, select, strata_of_plan
from survey.sampling.services.frames import stored_frame_hash
from survey.stats.selection import ALGORITHM, STREAM_ALGORITHM, TwoStageSample
from survey.studies.models import Round

SECRET_PURPOSE = "sampling.draw_secret"  # noqa: S105 - the name of a purpose
BATCH = 1000
LOOKUP = 500


def draw_sample(*, design: Design, acting_user: Actor, reason: str = "") -> Draw:
    """Draw a design's sample: commit, derive the seed, select, store the cases; all of it or nothing.

    Replicate 0 is released at once. A second draw of the round needs a reason and a round that has not
    opened; it makes the first void, whose rows stay.

    Raises
    ------
    Problem sampling.already_drawn : the round has a draw, and no reason is given.
    Problem sampling.frame_altered : frame, design or plan are not what they were when they were made.
    Problem common.locked : the round is closed, or open with a draw.
    """
    with transaction.atomic():
        round_ = Round.objects.select_for_update().get(pk=design.round_id)
        design = (
            Design.objects.select_for_update(of=("self",))
            .select_related("frame", "round__study__region")
            .get(pk=design.pk)
        )
        before = _former_draw(round_, reason)
        _refuse_altered(design)
        secret = secrets.token_bytes(SECRET_BYTES)
        draw = _commit(design, secret, reason, acting_user)
        seed = derive_seed(secret=secret, beacon=draw.beacon, commitment_hash=draw.commitment_hash)
        sample = select(design, seed)
        _store_cases(draw, sample)
        draw.seed, draw.result_hash = seed.hex(), result_hash(sample)
        draw.state, draw.drawn_at = Draw.State.DRAWN, now()
        draw.save()
        design.locked_at = design.locked_at or draw.drawn_at
        design.save(update_fields=["locked_at"])
        if before is not None:
            before.state = Draw.State.VOID
            before.save(update_fields=["state"])
        _record_draw(draw, before, acting_user, sample)
    return draw


def release_replicate(*, draw: Draw, number: int, reason: str, acting_user: Actor) -> ReserveReplicate:
    """Release a reserve replicate: the whole of it, and only the next one.

    A household's probability at stage 2 is that of all households released in its PSU, so that it grows for
    the cases that were released before as well.

    Raises
    ------
    Problem sampling.replicate_order : another replicate is next, or there is none.
    Problem common.invalid : no reason. Problem common.locked : the draw is void or the round is closed.
    """
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


def _former_draw(round_: Round, reason: str) -> Draw | None:
    """The draw that a new one would make void; refuses when there may be none."""
    if round_.state == Round.State.CLOSED:
        raise Problem("common.locked", what=_("这一轮"))
    before = Draw.objects.filter(design__round=round_, state=Draw.State.DRAWN).first()
    if before is None:
        return None
    if not reason.strip():
        raise Problem("sampling.already_drawn")
    if round_.state != Round.State.DRAFT:
        raise Problem("common.locked", what=_("这一轮（已经开始收卷）"))
    return before


def _refuse_altered(design: Design) -> None:
    if sha256_of(design.spec) != design.spec_hash:
        raise Problem("sampling.frame_altered", reason=_("设计被改动过"))
    if strata_of_plan(design.plan) != _stored_strata(design):
        raise Problem("sampling.frame_altered", reason=_("设计的分层和计划不符"))
    if stored_frame_hash(design.frame) != design.frame.frame_hash:
        raise Problem("sampling.frame_altered", reason=_("名录的指纹不符"))


def _stored_strata(design: Design) -> dict[str, tuple[int, int, int]]:
    rows = design.strata.values_list("code", "n_psus_frame", "n_psus_take", "n_households_frame")
    return {code: (n_psus, n_take, n_households) for code, n_psus, n_take, n_households in rows}


def _commit(design: Design, secret: bytes, reason: str, acting_user: Actor) -> Draw:
    last = Draw.objects.filter(design__round=design.round_id).aggregate(last=Max("number"))["last"]
    number = (last or 0) + 1
    commitment = make_commitment(
        algorithms={"draw": ALGORITHM, "stream": STREAM_ALGORITHM, "frame": design.frame.hash_algorithm},
        design_hash=design.spec_hash,
        plan_hash=sha256_of(design.plan),
        frame_hash=design.frame.frame_hash,
        secret=secret,
        draw_number=number,
    )
    return Draw.objects.create(
        design=design,
        number=number,
        reason=reason.strip()[:300],
        algorithm=ALGORITHM,
        commitment=commitment,
        commitment_hash=hash_commitment(commitment),
        secret_cipher=encrypt(secret.hex(), SECRET_PURPOSE),
        secret_hash=hash_secret(secret),
        committed_at=now(),
        drawn_by_id=acting_user.pk or None,
    )


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
