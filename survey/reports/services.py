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
from survey.reports.inputs import Inputs, drawn, read_inputs
from survey.reports.models import Report, ResponseWeight, Run, WeightRecipe
from survey.reports.population import read_margins
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
) -> Run:
    """Compute every figure of a round from the answers that stand now.

    Parameters
    ----------
    recipe : the round's newest recipe when none is named; a default one is frozen for a round without any.
    run_id : of a job that may be repeated: a finished run with this id is returned as it is.

    Raises
    ------
    Problem reports.not_pinned, reports.too_few, reports.no_margins, stats.* : why nothing can be computed.
    """
    if isinstance(acting_user, User):
        require(acting_user, "reports.compute", round.study.region)
    finished = Run.objects.filter(pk=run_id, state=Run.State.DONE).first() if run_id else None
    if finished is not None:
        return finished
    say: Say = progress.say if progress else lambda fraction, message: None
    _check_pinned(round)
    say(0.02, _("读取答卷"))
    inputs = read_inputs(round)
    if inputs.responded.sum() < MIN_RESPONSES:
        raise Problem("reports.too_few", count=int(inputs.responded.sum()), needed=MIN_RESPONSES)
    recipe = recipe or round.weight_recipes.first() or freeze_recipe(round=round, acting_user=acting_user)
    say(0.1, _("对照人口普查"))
    totals, margins = _margins(round, inputs, recipe.spec)
    say(0.2, _("加权"))
    weighted, sex, band = run_weights(inputs, recipe.spec, totals)
    document = build_document(
        round=round,
        inputs=inputs,
        spec=recipe.spec,
        margins=margins,
        weighted=weighted,
        sex=sex,
        band=band,
        say=say,
    )
    say(0.92, _("保存结果"))
    return _store(round, recipe, inputs, weighted, document, acting_user, run_id)


def _check_pinned(round: Round) -> None:
    if round.questionnaire_version is None:
        raise Problem("reports.not_pinned", what=_("问卷"))
    if not round.indicator_versions.exists():
        raise Problem("reports.not_pinned", what=_("指标"))
    if drawn(round) is None:
        raise Problem("reports.not_pinned", what=_("样本"))


def _margins(
    round: Round, inputs: Inputs, spec: dict[str, Any]
) -> tuple[dict[tuple[str, str, int], float], list[dict[str, Any]]]:
    return read_margins(
        sorted(set(inputs.district)),
        frame=drawn(round).design.frame,
        source_year=spec["margins"]["source_year"],
        min_age=spec["margins"]["min_age"],
        bands=[tuple(band) for band in spec["poststratification"]["bands"]],
        scale=spec["margins"]["population_scale"],
    )


def _store(
    round: Round,
    recipe: WeightRecipe,
    inputs: Inputs,
    weighted: Weighted,
    document: dict[str, Any],
    acting_user: Actor,
    run_id: uuid.UUID | None,
) -> Run:
    """The run, its passports and the audit entry, all or none."""
    hashes = {
        "snapshot": inputs.hash,
        "questionnaire": round.questionnaire_version.document_hash,
        "indicators": {entry["code"]: entry["hash"] for entry in document["indicators"]},
        "recipe": recipe.spec_hash,
        "margins": sha256_of(document["weights"]["margins"]),
        "draw": drawn(round).result_hash,
    }
    with transaction.atomic():
        run, _created = Run.objects.update_or_create(
            pk=run_id or uuid.uuid4(),
            defaults={
                "round": round,
                "recipe": recipe,
                "state": Run.State.DONE,
                "inputs": hashes,
                "document": document,
                "document_hash": sha256_of(document),
                "finished_at": now(),
            },
        )
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
    """Write down who opened what of a report: part is "page", "pdf" or "csv"."""
    with transaction.atomic():
        record(
            action="reports.report.viewed",
            acting_user=acting_user,
            target=report,
            region_code=region_code if region_code.isdigit() else report.round.study.region.code,
            detail={"number": report.number, "part": part},
        )
