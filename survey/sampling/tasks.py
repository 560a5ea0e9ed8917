"""Long work of sampling as jobs."""

from pathlib import Path
from typing import Any

from survey.audit.services import SYSTEM
from survey.jobs.services import Progress, job_kind
from survey.regions.models import Region
from survey.sampling.models import FrameVersion
from survey.sampling.services import check_frame, import_households


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
