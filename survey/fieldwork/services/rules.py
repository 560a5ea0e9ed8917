"""A round's contact rules: set before the field, then only what does not move its bar."""

from collections.abc import Iterable
from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.fieldwork.models import FieldRules
from survey.fieldwork.rules import rules_of
from survey.studies.models import Round

BAR = ("min_attempts", "min_off_hours", "evening_from")


def set_field_rules(
    *,
    round: Round,
    acting_user: User,
    min_attempts: int,
    min_off_hours: int,
    evening_from: int,
    holidays: Iterable[date],
    workdays: Iterable[date],
    community_quota: int | None,
    backcheck_share: float,
    backcheck_min: int,
) -> FieldRules:
    """Set a round's rules of contact and of back-checks.

    Raises
    ------
    Problem common.locked : the field is open, and the number or the hours of visits would change.
    Problem common.invalid : a number out of range, or more visits off hours than visits.
    """
    require(acting_user, "fieldwork.manage", round.study.region)
    if min_off_hours > min_attempts:
        raise Problem("common.invalid", reason=_("晚上或周末的次数不能多过总次数"))
    before = rules_of(round)
    values = {
        "min_attempts": min_attempts,
        "min_off_hours": min_off_hours,
        "evening_from": evening_from,
        "holidays": sorted({day.isoformat() for day in holidays}),
        "workdays": sorted({day.isoformat() for day in workdays}),
        "community_quota": community_quota,
        "backcheck_share": backcheck_share,
        "backcheck_min": backcheck_min,
    }
    if round.state != Round.State.DRAFT and any(values[name] != getattr(before, name) for name in BAR):
        raise Problem("common.locked", what=_("上门次数的规则"))
    with transaction.atomic():
        rules, _made = FieldRules.objects.select_for_update().get_or_create(
            round=round, defaults={"set_at": now(), "set_by": acting_user}
        )
        for name, value in values.items():
            setattr(rules, name, value)
        rules.set_at, rules.set_by = now(), acting_user
        try:
            rules.full_clean(validate_unique=False, exclude=("holidays", "workdays", "community_quota"))
        except ValidationError as error:
            raise Problem("common.invalid", reason="；".join(error.messages)) from None
        rules.save()
        record(
            action="fieldwork.rules.set",
            acting_user=acting_user,
            target=rules,
            region_code=round.study.region.code,
            detail=values,
        )
    return rules
