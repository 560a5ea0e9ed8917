"""Computes runs, publishes and withdraws reports."""

import uuid
from collections.abc import Callable
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import Actor, record
from survey.common.canonical import sha256_of
from survey.common.clock import now
from survey.common.errors import Problem
from survey.reports.assembly import build_document
from survey.reports.blend import with_volunteers
from survey.reports.inputs import Inputs, drawn, read_inputs
from survey.reports.masks import masks_of
from survey.reports.models import Report, ResponseWeight, Run, WeightRecipe
from survey.reports.parts import Parts
from survey.reports.previous import Sample, margins_for
from survey.reports.signatures import sign_document
from survey.reports.snapshots import read_snapshot, take_snapshot
from survey.reports.weighting import default_spec, passport, run_weights
from survey.responses.models import Response
from survey.stats.weights import Weighted
from survey.studies.models import Round

MIN_RESPONSES = 2
BATCH = 500
Say = Callable[[float, str], None]


class Progress(Protocol):
    """Anything that can be told how far the work is (jobs.services.Progress)."""

    def say(self, fraction: float, message: str) -> None: ...


def freeze_recipe(*, round: Round, acting_user: Actor, spec: dict[str, Any] | None = None) -> WeightRecipe:
    """The round's recipe with this specification (default: `default_spec`); never a second copy."""
    spec = spec or default_spec(round)
    digest = sha256_of(spec)
    with transaction.atomic():
        same = WeightRecipe.objects.filter(round=round, spec_hash=digest).first()
        if same is not None:
            return same
        last = WeightRecipe.objects.filter(round=round).aggregate(last=Max("number"))["last"] or 0
        recipe = WeightRecipe.objects.create(round=round, number=last + 1, spec=spec, spec_hash=digest)
        record(
            action="reports.recipe.frozen",
            acting_user=acting_user,
            target=recipe,
            region_code=round.study.region.code,
            detail={"number": recipe.number, "hash": digest},
        )
    return recipe


def create_run(
    *,
    round: Round,
    acting_user: Actor,
    progress: Progress | None = None,
    recipe: WeightRecipe | None = None,
    run_id: uuid.UUID | None = None,
    volunteers: bool | None = None,
) -> Run:
    """Compute every figure of a round from the answers that stand now.

    The answers are first stored as a snapshot, from which everything is computed. A run that was cut off or
    cancelled and is asked for again by its id goes on with the same snapshot and the parts that it has.

    Parameters
    ----------
    recipe : the round's newest recipe when none is named; a default one is frozen for a round without any.
    run_id : of a job that may be repeated: a finished run with this id is returned as it is.
    volunteers : whether to add the volunteers' part (`reports.blend`); None: as the newest recipe says

    Raises
    ------
    Problem reports.not_pinned, reports.too_few, reports.no_margins, stats.* : why nothing can be computed.
    """
    if isinstance(acting_user, User):
        require(acting_user, "reports.compute", round.study.region)
    held = Run.objects.filter(pk=run_id).select_related("snapshot", "recipe").first() if run_id else None
    if held is not None and held.state == Run.State.DONE:
        return held
    say: Say = progress.say if progress else lambda fraction, message: None
    _check_pinned(round)
    say(0.02, _("读取答卷"))
    inputs, run = _begin(round, held, recipe, acting_user, run_id, volunteers)
    say(0.1, _("对照人口普查"))
    spec = run.recipe.spec
    totals, margins = margins_for(round, inputs, spec)
    say(0.2, _("加权"))
    weighted, sex, band = run_weights(inputs, spec, totals)
    sample = Sample(round, inputs, spec, weighted, sex, band)
    document = build_document(
        sample=sample,
        margins=margins,
        snapshot=_snapshot_entry(run),
        earlier_masks=_earlier_masks(round),
        parts=Parts(run),
        say=say,
    )
    say(0.92, _("保存结果"))
    return _store(run, inputs, weighted, document, acting_user)


def _begin(
    round: Round,
    held: Run | None,
    recipe: WeightRecipe | None,
    acting_user: Actor,
    run_id: uuid.UUID | None,
    volunteers: bool | None,
) -> tuple[Inputs, Run]:
    """What is computed from, and the run's row: those of a run that was cut off, or new ones."""
    if held is not None and held.snapshot is not None and held.snapshot.file:
        return read_snapshot(held.snapshot), held
    inputs = read_inputs(round)
    if inputs.responded.sum() < MIN_RESPONSES:
        raise Problem("reports.too_few", count=int(inputs.responded.sum()), needed=MIN_RESPONSES)
    recipe = recipe or _recipe(round, acting_user, volunteers)
    snapshot = take_snapshot(round, inputs)
    if held is not None:
        held.parts.all().delete()
        Run.objects.filter(pk=held.pk).update(snapshot=snapshot, recipe=recipe, state=Run.State.RUNNING)
        held.refresh_from_db()
        return inputs, held
    run = Run.objects.create(pk=run_id or uuid.uuid4(), round=round, recipe=recipe, snapshot=snapshot)
    return inputs, run


def _recipe(round: Round, acting_user: Actor, volunteers: bool | None) -> WeightRecipe:
    """The round's newest recipe, with or without the volunteers' part; a default one where there is none."""
    newest = round.weight_recipes.first()
    if volunteers is None and newest is not None:
        return newest
    spec = newest.spec if newest is not None else default_spec(round)
    return freeze_recipe(round=round, acting_user=acting_user, spec=with_volunteers(spec, bool(volunteers)))


def _check_pinned(round: Round) -> None:
    if round.questionnaire_version is None:
        raise Problem("reports.not_pinned", what=_("问卷"))
    if not round.indicator_versions.exists():
        raise Problem("reports.not_pinned", what=_("指标"))
    if drawn(round) is None:
        raise Problem("reports.not_pinned", what=_("样本"))


def _snapshot_entry(run: Run) -> dict[str, Any]:
    """What the document says of its snapshot; nothing that another machine would write differently."""
    snapshot = run.snapshot
    return {
        "content_hash": snapshot.content_hash,
        "cases": snapshot.n_cases,
        "responses": snapshot.n_responses,
        "volunteers": snapshot.n_volunteers,
    }


def _earlier_masks(round: Round) -> dict[str, dict[str, str]]:
    """What the round's published reports have masked: a correction must not lay it open."""
    found: dict[str, dict[str, str]] = {}
    published = Report.objects.filter(round=round).exclude(state=Report.State.DRAFT)
    for document in published.order_by("created_at", "number").values_list("document", flat=True):
        for name, mask in masks_of(document).items():
            found.setdefault(name, {}).update(mask)
    return found


def _store(run: Run, inputs: Inputs, weighted: Weighted, document: dict[str, Any], acting_user: Actor) -> Run:
    """The run, its passports and the audit entry, all or none."""
    round = run.round
    hashes = {
        "snapshot": inputs.hash,
        "questionnaire": round.questionnaire_version.document_hash,
        "indicators": {entry["code"]: entry["hash"] for entry in document["indicators"]},
        "recipe": run.recipe.spec_hash,
        "margins": sha256_of(document["weights"]["margins"]),
        "draw": drawn(round).result_hash,
    }
    with transaction.atomic():
        run.state, run.inputs = Run.State.DONE, hashes
        run.document, run.document_hash = document, sha256_of(document)
        run.signature, run.finished_at = sign_document(document), now()
        run.save()
        run.parts.all().delete()
        run.weights.all().delete()
        # Answers withdrawn while the figures were computed keep no passport.
        standing = {
            str(pk) for pk in Response.objects.counted().filter(round=round).values_list("pk", flat=True)
        }
        ResponseWeight.objects.bulk_create(
            [
                ResponseWeight(
                    run=run,
                    response_id=pk,
                    factors=passport(weighted, row),
                    weight=float(weighted.weights[row]),
                )
                for row, pk in enumerate(inputs.response_ids)
                if pk in standing
            ],
            batch_size=BATCH,
        )
        record(
            action="reports.run.created",
            acting_user=acting_user,
            target=run,
            region_code=round.study.region.code,
            detail={"hash": run.document_hash, "responses": document["response"]["responses"]},
        )
    return run


def publish_report(*, run: Run, title: str, acting_user: Actor) -> Report:
    """Publish the figures of a run. An earlier published report of the round is withdrawn and replaced.

    Raises
    ------
    Problem reports.wrong_state : the run is not finished.
    """
    if isinstance(acting_user, User):
        require(acting_user, "reports.publish", run.round.study.region)
    if run.state != Run.State.DONE:
        raise Problem("reports.wrong_state", state=run.get_state_display(), deed=_("发布"))
    with transaction.atomic():
        round = Round.objects.select_for_update().get(pk=run.round_id)
        number = Report.objects.filter(round=round).count() + 1
        report = Report.objects.create(
            round=round,
            run=run,
            number=f"{round.study_id}-{round.number:02d}-R{number:02d}",
            title=title.strip() or str(round),
            state=Report.State.PUBLISHED,
            document=run.document,
            document_hash=run.document_hash,
            signature=run.signature,
            published_at=now(),
            published_by_id=acting_user.pk or None,
        )
        for earlier in Report.objects.filter(round=round, state=Report.State.PUBLISHED).exclude(pk=report.pk):
            _withdraw(earlier, _("由 %s 取代") % report.number, acting_user, replaced_by=report)
        record(
            action="reports.report.published",
            acting_user=acting_user,
            target=report,
            region_code=round.study.region.code,
            detail={"number": report.number, "run": str(run.pk), "hash": report.document_hash},
        )
    return report


def withdraw_report(*, report: Report, reason: str, acting_user: Actor) -> Report:
    """Take a published report back. Its figures stay on record; officials no longer see them.

    Raises
    ------
    Problem common.invalid : no reason; reports.wrong_state : the report is not published.
    """
    if isinstance(acting_user, User):
        require(acting_user, "reports.publish", report.round.study.region)
    if not reason.strip():
        raise Problem("common.invalid", reason=_("请写明撤回的原因"))
    with transaction.atomic():
        report = Report.objects.select_for_update().get(pk=report.pk)
        if report.state != Report.State.PUBLISHED:
            raise Problem("reports.wrong_state", state=report.get_state_display(), deed=_("撤回"))
        return _withdraw(report, reason.strip(), acting_user)


def _withdraw(report: Report, reason: str, acting_user: Actor, replaced_by: Report | None = None) -> Report:
    report.state = Report.State.WITHDRAWN
    report.withdrawn_at = now()
    report.withdrawal_reason = reason[:300]
    report.replaced_by = replaced_by
    report.save(update_fields=["state", "withdrawn_at", "withdrawal_reason", "replaced_by"])
    record(
        action="reports.report.withdrawn",
        acting_user=acting_user,
        target=report,
        region_code=report.round.study.region.code,
        detail={"number": report.number, "reason": report.withdrawal_reason},
    )
    return report


def record_view(*, report: Report, acting_user: Actor, part: str, region_code: str = "") -> None:
    """Write down who opened what of a report: part is "page", "weights", "pdf", "csv" …"""
    with transaction.atomic():
        record(
            action="reports.report.viewed",
            acting_user=acting_user,
            target=report,
            region_code=region_code if region_code.isdigit() else report.round.study.region.code,
            detail={"number": report.number, "part": part},
        )


def record_run_view(*, run: Run, acting_user: Actor, part: str = "page", response_id: str = "") -> None:
    """Write down who of the team looked at a run: part is "page", "weights", "passport" (of one response)."""
    with transaction.atomic():
        record(
            action="reports.run.viewed",
            acting_user=acting_user,
            target=run,
            region_code=run.round.study.region.code,
            detail={"document_hash": run.document_hash, "part": part}
            | ({"response": response_id} if response_id else {}),
        )
