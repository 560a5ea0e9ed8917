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
    "min_valid"}. A mean score needs points for each item; a share needs the codes that count. A composite:
    {"components": [{"indicator": code, "weight"}, {"external": code of an ExternalScore, "weight",
    "name": what readers call it} …]}.

    Raises
    ------
    Problem common.invalid : what is wrong, with the indicator's code.
    """
    if kind not in IndicatorVersion.Kind.values:
        raise _refuse(code, _("种类只能是得分、比例或合成"))
    if kind == IndicatorVersion.Kind.COMPOSITE:
        _check_components(code, definition)
        return
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


def _check_components(code: str, definition: dict[str, Any]) -> None:
    """A composite: at least one indicator of the survey, none of them composite, and positive weights."""
    parts = definition.get("components")
    if not isinstance(parts, list) or len(parts) < 2 or not all(isinstance(part, dict) for part in parts):
        raise _refuse(code, _("合成指标至少要有两个组成部分"))
    for part in parts:
        weight = part.get("weight")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or weight <= 0:
            raise _refuse(code, _("每个组成部分都要有大于 0 的权重"))
        if ("indicator" in part) == ("external" in part):
            raise _refuse(code, _("每个组成部分要么是一个指标，要么是一项别处来的分数"))
    names = [part["indicator"] for part in parts if "indicator" in part]
    if not names:
        raise _refuse(code, _("没有一个组成部分来自问卷"))
    known = dict(
        IndicatorVersion.objects.filter(indicator__code__in=names)
        .order_by("number")
        .values_list("indicator__code", "kind")
    )
    unknown = [name for name in names if name not in known]
    if unknown:
        raise _refuse(code, _("没有叫 %s 的指标") % "、".join(unknown))
    if IndicatorVersion.Kind.COMPOSITE in known.values():
        raise _refuse(code, _("合成指标不能再由合成指标组成"))


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
    if kind == IndicatorVersion.Kind.COMPOSITE:
        definition = {"items": [], **definition}  # readers of documents look for items in every definition
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
