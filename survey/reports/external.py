"""Scores that no resident gave, e.g. of a field inspection, for composite indicators."""

from django.db import transaction
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import Actor, record
from survey.common.errors import Problem
from survey.regions.models import Region
from survey.reports.domains import ALL
from survey.reports.models import ExternalScore
from survey.studies.models import Round


def set_external_score(
    *,
    round: Round,
    code: str,
    domain: str,
    value: float,
    source: str,
    acting_user: Actor,
    se: float | None = None,
) -> ExternalScore:
    """Enter or replace one score (0–100) of a place; runs that are done keep the one they had.

    Parameters
    ----------
    domain : "all" or the twelve-digit code of a district or street
    se : its own standard error; without one its part of a composite counts as known, and reports say so

    Raises
    ------
    Problem common.invalid : no such place, a value outside 0–100, a negative error, or no source.
    """
    if isinstance(acting_user, User):
        require(acting_user, "reports.compute", round.study.region)
    if domain != ALL and not Region.objects.filter(code=domain).exists():
        raise Problem("common.invalid", reason=_("没有代码为 %s 的地区") % domain)
    if not 0 <= value <= 100:
        raise Problem("common.invalid", reason=_("分数要在 0 到 100 之间"))
    if se is not None and se < 0:
        raise Problem("common.invalid", reason=_("标准误不能是负数"))
    if not source.strip():
        raise Problem("common.invalid", reason=_("请写明分数从哪里来"))
    with transaction.atomic():
        score, _new = ExternalScore.objects.update_or_create(
            round=round,
            code=code,
            domain=domain,
            defaults={"value": value, "se": se, "source": source.strip()[:200]},
        )
        record(
            action="reports.external_score.set",
            acting_user=acting_user,
            target=score,
            region_code=round.study.region.code,
            detail={"code": code, "domain": domain, "value": value, "se": se},
        )
    return score
