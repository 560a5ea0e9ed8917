"""Publishes indicators. A rule never changes: another rule is another version."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import Actor, record
from survey.common.canonical import sha256_of
from survey.common.errors import Problem
from survey.indicators.models import Indicator, IndicatorVersion

DEFAULT_INDICATORS = Path(settings.BASE_DIR) / "survey" / "questionnaires" / "data" / "indicators.json"


def _refuse(code: str, reason: str) -> Problem:
    return Problem(
        "common.invalid", reason=_("指标 %(code)s：%(reason)s。") % {"code": code, "reason": reason}
    )


def _is_points(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100


def check_definition(code: str, kind: str, definition: dict[str, Any]) -> None:
    """Refuse a rule that cannot be computed.

    `definition`: {"items": [{"name", "points": {choice code: 0–100}} …], "top_codes", "excluded_codes",
    "min_valid"}. A mean score needs points for each item; a share needs the codes that count.

    Raises
    ------
    Problem common.invalid : what is wrong, with the indicator's code.
    """
    if kind not in IndicatorVersion.Kind.values:
        raise _refuse(code, _("种类只能是得分或比例"))
    items = definition.get("items")
    if not isinstance(items, list) or not items:
        raise _refuse(code, _("没有写用哪几道题"))
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
        raise _refuse(code, _("题名缺失或重复"))
    for item in items:
        points = item.get("points") or {}
        if kind == IndicatorVersion.Kind.MEAN_SCORE and not points:
            raise _refuse(code, _("题目 %s 没有写每个选项折算几分") % item["name"])
        if not all(_is_points(p) for p in points.values()):
            raise _refuse(code, _("题目 %s 的分数不在 0 到 100 之间") % item["name"])
    if kind == IndicatorVersion.Kind.SHARE and not definition.get("top_codes"):
        raise _refuse(code, _("没有写哪些选项算数"))
    overlap = set(map(str, definition.get("top_codes", []))) & set(
        map(str, definition.get("excluded_codes", []))
    )
    if overlap:
        raise _refuse(code, _("选项 %s 又算数又剔除") % "、".join(sorted(overlap)))
    min_valid = definition.get("min_valid", 1)
    if not isinstance(min_valid, int) or not 1 <= min_valid <= len(items):
        raise _refuse(code, _("最少有效题数要在 1 和题数之间"))


def publish_indicator(
    *,
    code: str,
    name: str,
    kind: str,
    definition: dict[str, Any],
    acting_user: Actor,
    target: float | None = None,
    position: int = 0,
) -> IndicatorVersion:
    """Publish a rule. The same kind, definition and target again give the version that has them.

    Raises
    ------
    Problem common.invalid : the rule cannot be computed.
    """
    if isinstance(acting_user, User):
        require(acting_user, "indicators.manage")
    check_definition(code, kind, definition)
    digest = sha256_of({"kind": kind, "definition": definition, "target": target})
    with transaction.atomic():
        indicator, is_new = Indicator.objects.select_for_update().get_or_create(
            code=code, defaults={"name": name, "position": position}
        )
        if not is_new and (indicator.name, indicator.position) != (name, position):
            indicator.name, indicator.position = name, position
            indicator.save(update_fields=["name", "position"])
        same = indicator.versions.filter(definition_hash=digest).first()
        if same is not None:
            return same
        newest = indicator.versions.first()
        version = IndicatorVersion.objects.create(
            indicator=indicator,
            number=newest.number + 1 if newest else 1,
            kind=kind,
            definition=definition,
            definition_hash=digest,
            target=target,
        )
        record(
            action="indicators.version.published",
            acting_user=acting_user,
            target=version,
            detail={"code": code, "number": version.number, "hash": digest},
        )
    return version


def load_default_indicators(*, acting_user: Actor, path: Path | None = None) -> list[IndicatorVersion]:
    """Publish the shipped catalogue (`DEFAULT_INDICATORS`). Doing it again changes nothing."""
    entries = json.loads((path or DEFAULT_INDICATORS).read_text(encoding="utf-8"))
    entries = entries["indicators"] if isinstance(entries, dict) else entries
    with transaction.atomic():
        return [
            publish_indicator(
                code=entry["code"],
                name=entry["name"],
                kind=entry["kind"],
                definition=entry["definition"],
                target=entry.get("target"),
                position=entry.get("position", position),
                acting_user=acting_user,
            )
            for position, entry in enumerate(entries)
        ]
