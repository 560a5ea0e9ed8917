"""Long work of sampling as jobs."""

from pathlib import Path
from typing import Any

from survey.audit.services import SYSTEM
from survey.jobs.services import Progress, job_kind
from survey.regions.models import Region
from survey.sampling.forecasts import forecast_design
from survey.sampling.models import Draw, FrameVersion
from survey.sampling.services import check_frame, draw_sample, import_households, verifying
from survey.stats.planning import Terms
from survey.studies.models import Round


@job_kind("sampling.import_households")
def import_households_job(progress: Progress, params: dict[str, Any]) -> dict[str, Any]:
    """Params: path, name, region_code; is_simulated; delete_file: remove the upload when it is over."""
    path = Path(params["path"])
    try:
        frame = import_households(
            path=path,
            name=params["name"],
            region=Region.objects.get(code=params["region_code"]),
            acting_user=progress.job.created_by or SYSTEM,
            is_simulated=params.get("is_simulated", False),
            progress=progress,
        )
    finally:
        # An uploaded list holds addresses in the clear. A killed process skips this, and the job runs again.
        if params.get("delete_file"):
            path.unlink(missing_ok=True)
    return {"frame": frame.pk, "number": frame.number, "households": frame.n_households}


@job_kind("sampling.check_frame")
def check_frame_job(progress: Progress, params: dict[str, Any]) -> dict[str, Any]:
    """Params: frame (primary key). The result is `FrameCheck.as_json`."""
    frame = FrameVersion.objects.get(pk=params["frame"])
    by = progress.job.created_by or SYSTEM
    return check_frame(frame=frame, acting_user=by, progress=progress).as_json()


@job_kind("sampling.draw")
def draw_job(progress: Progress, params: dict[str, Any]) -> dict[str, Any]:
    """Params: draw (its key), beacon (the value as typed in). Safe to run again."""
    draw = Draw.objects.get(pk=params["draw"])
    if draw.state != Draw.State.DRAWN:
        draw = draw_sample(
            draw=draw,
            beacon_value=params["beacon"],
            acting_user=progress.job.created_by or SYSTEM,
            progress=progress,
        )
    return {"draw": draw.pk, "cases": draw.cases.count(), "result_hash": draw.result_hash}


@job_kind(verifying.KIND)
def verify_job(progress: Progress, params: dict[str, Any]) -> dict[str, Any]:
    """Params: draw, certificate_hash, uploaded, path (of an uploaded certificate, deleted afterwards)."""
    return verifying.work_off(progress, params)


@job_kind("sampling.forecast")
def forecast_job(progress: Progress, params: dict[str, Any]) -> dict[str, Any]:
    """Params: round, frame, spec, terms (fields of `Terms`), mean, key: see `forecast_design`."""
    found = forecast_design(
        round=Round.objects.get(pk=params["round"]),
        frame=FrameVersion.objects.get(pk=params["frame"]),
        spec=params["spec"],
        terms=Terms(**params["terms"]),
        mean=params["mean"],
        key=params["key"],
        acting_user=progress.job.created_by or SYSTEM,
        progress=progress,
    )
    return {"groups": len(found["rows"]), "key": params["key"]}
