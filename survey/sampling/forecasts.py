"""Forecasts a design on the team's own frame and keeps the result, in a page's time or as a job."""

from typing import Any

from django.utils.translation import gettext as _

from survey.audit.services import Actor
from survey.jobs.services import Progress
from survey.regions.models import Region
from survey.sampling.models import FrameVersion
from survey.sampling.precision import forecast_plan
from survey.sampling.services import preview_design, save_forecast
from survey.stats.planning import Terms
from survey.studies.models import Round


def forecast_design(
    *,
    round: Round,
    frame: FrameVersion,
    spec: dict[str, Any],
    terms: Terms,
    mean: float,
    key: str,
    acting_user: Actor,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Simulate a design that is not stored, and keep what to expect in the round's draft under `key`.

    Raises
    ------
    Problem : as `create_design`.
    """
    planned = preview_design(round=round, frame=frame, spec=spec)
    codes = {psu.street for psu in planned.psus}
    codes |= {code[:6].ljust(12, "0") for code in codes}
    names = dict(Region.objects.filter(code__in=codes).values_list("code", "name"))
    total = len({psu.street for psu in planned.psus})

    def say(done: int, code: str) -> None:
        if progress is not None:
            words = _("反复重抽 400 次：%(street)s（第 %(n)s 个，共 %(total)s 个）") % {
                "street": names.get(code, code),
                "n": done + 1,
                "total": total,
            }
            progress.say(done / max(total, 1), words)

    found = forecast_plan(planned, terms, mean=mean, names=names, progress=say)
    found["terms"] = {**vars(terms), "mean": mean, "take": planned.spec["stages"][1]["take"]}
    save_forecast(round=round, key=key, result=found, acting_user=acting_user)
    return found
