"""Studies and rounds: making them, pinning what a round asks, opening and closing the field."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import Actor, record
from survey.common.canonical import sha256_of
from survey.common.clock import now
from survey.common.errors import Problem
from survey.indicators.models import IndicatorVersion
from survey.questionnaires.models import QuestionnaireVersion
from survey.regions.models import Region
from survey.studies.consent import missing_parts
from survey.studies.models import ConsentText, Round, Study

MODES = ("web", "door")


def _check(acting_user: Actor, region: Region) -> None:
    """People need the right in that region; commands act for whoever runs the machine."""
    if isinstance(acting_user, User):
        require(acting_user, "studies.manage", region)


def create_study(
    *,
    title: str,
    region: Region,
    scope: Iterable[Region],
    sponsor: str,
    purpose: str,
    contact_phone: str,
    acting_user: Actor,
    **optional: Any,
) -> Study:
    """Make a study of `region`, or of the parts of it named in `scope` (empty: the whole).

    Raises
    ------
    Problem common.invalid : a part lies outside the region, or a needed text is empty.
    """
    _check(acting_user, region)
    scope = list(scope) or [region]
    for part in scope:
        if not part.path.startswith(region.path):
            raise Problem("common.invalid", reason=_("“%s”不在调查的区域里。") % part)
    for value, name in (
        (title, _("名称")),
        (sponsor, _("谁在问")),
        (purpose, _("为什么问")),
        (contact_phone, _("联系电话")),
    ):
        if not value.strip():
            raise Problem("common.invalid", reason=_("请填“%s”。") % name)
    min_age = optional.get("min_age", 18)
    optional.setdefault("population", _("%(age)s 岁及以上常住居民") % {"age": min_age})
    with transaction.atomic():
        study = Study.objects.create(
            title=title.strip(),
            region=region,
            sponsor=sponsor.strip(),
            purpose=purpose.strip(),
            contact_phone=contact_phone.strip(),
            **optional,
        )
        study.scope.set(scope)
        record(
            action="studies.study.created",
            acting_user=acting_user,
            target=study,
            region_code=region.code,
            detail={"title": study.title, "scope": [part.code for part in scope]},
        )
    return study


def publish_consent_text(
    *, study: Study, texts: dict[str, dict[str, str]], acting_user: Actor
) -> ConsentText:
    """Publish what residents are told. The same texts again give the version that already holds them.

    Parameters
    ----------
    texts : language → part → text; the parts are `consent.PARTS`, and zh-hans is needed.

    Raises
    ------
    Problem common.invalid : a part is empty.
    """
    _check(acting_user, study.region)
    missing = missing_parts(texts)
    if missing:
        raise Problem("common.invalid", reason=_("说明书还缺：%s。") % "、".join(missing))
    digest = sha256_of(texts)
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        newest = study.consent_texts.first()
        if newest is not None and newest.text_hash == digest:
            return newest
        text = ConsentText.objects.create(
            study=study, number=newest.number + 1 if newest else 1, texts=texts, text_hash=digest
        )
        record(
            action="studies.consent_text.published",
            acting_user=acting_user,
            target=text,
            region_code=study.region.code,
            detail={"number": text.number, "hash": digest},
        )
    return text


def create_round(*, study: Study, name: str, acting_user: Actor, **optional: Any) -> Round:
    """Begin the study's next round, as a draft."""
    _check(acting_user, study.region)
    if not name.strip():
        raise Problem("common.invalid", reason=_("请给这一轮起个名字，例如“2026 年下半年”。"))
    opens_on, closes_on = optional.get("opens_on"), optional.get("closes_on")
    if opens_on and closes_on and closes_on < opens_on:
        raise Problem("common.invalid", reason=_("结束的日子早于开始的日子。"))
    optional.setdefault("modes", list(MODES))
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)
        newest = study.rounds.order_by("-number").first()
        round_ = Round.objects.create(
            study=study, number=newest.number + 1 if newest else 1, name=name.strip(), **optional
        )
        record(
            action="studies.round.created",
            acting_user=acting_user,
            target=round_,
            region_code=study.region.code,
            detail={"number": round_.number, "name": round_.name},
        )
    return round_


def pin_round(
    *,
    round: Round,
    questionnaire_version: QuestionnaireVersion,
    indicator_versions: Iterable[IndicatorVersion],
    consent_text: ConsentText,
    modes: Iterable[str],
    acting_user: Actor,
) -> Round:
    """Fix what a draft round asks, computes and tells. May be done again until the round opens.

    Raises
    ------
    Problem common.locked : the round has opened.
    Problem common.invalid : an unpublished questionnaire, a foreign consent text, an unknown mode.
    """
    _check(acting_user, round.study.region)
    modes, indicators = list(modes), list(indicator_versions)
    if questionnaire_version.state != QuestionnaireVersion.State.PUBLISHED:
        raise Problem("common.invalid", reason=_("这一版问卷还是草稿。请先发布，再选它。"))
    # Quotas stop asking a group that is full. Every household that was drawn is to be asked.
    if questionnaire_version.document.get("quotas") and round.designs.exists():
        raise Problem("common.invalid", reason=_("这份问卷设了配额。抽样调查不能用配额，请去掉配额再选它。"))
    if consent_text.study_id != round.study_id:
        raise Problem("common.invalid", reason=_("这份说明书不是这个项目的。"))
    if not modes or set(modes) - set(MODES):
        raise Problem("common.invalid", reason=_("请至少选一种填答方式：网页或上门。"))
    with transaction.atomic():
        locked = Round.objects.select_for_update().get(pk=round.pk)
        _must_be_draft(locked)
        locked.questionnaire_version = questionnaire_version
        locked.consent_text = consent_text
        locked.modes = modes
        locked.save(update_fields=["questionnaire_version", "consent_text", "modes"])
        locked.indicator_versions.set(indicators)
        record(
            action="studies.round.pinned",
            acting_user=acting_user,
            target=locked,
            region_code=round.study.region.code,
            detail={
                "questionnaire": questionnaire_version.document_hash,
                "consent": consent_text.text_hash,
                "indicators": sorted(version.definition_hash for version in indicators),
                "modes": modes,
            },
        )
    round.refresh_from_db()
    return round


def _must_be_draft(round_: Round) -> None:
    if round_.state != Round.State.DRAFT:
        raise Problem("common.locked", what=_("这一轮的问卷和说明书"))


def missing_for_opening(round: Round) -> list[str]:
    """What a draft round still lacks before its field may open, in words; empty when it is ready."""
    missing = []
    version = round.questionnaire_version
    if version is None or version.state != QuestionnaireVersion.State.PUBLISHED:
        missing.append(_("还没有选定已发布的问卷"))
    if round.consent_text_id is None:
        missing.append(_("还没有给居民看的说明书"))
    if not round.indicator_versions.exists():
        missing.append(_("还没有选定指标"))
    if not round.modes:
        missing.append(_("还没有选填答方式"))
    if not round.cases.exists():
        missing.append(_("还没有抽样"))
    return missing


def open_round(*, round: Round, acting_user: Actor) -> Round:
    """Open the field: from now on answers are taken, and nothing pinned changes any more.

    Raises
    ------
    Problem study.not_ready : no drawn sample, published questionnaire, consent text or indicators.
    """
    _check(acting_user, round.study.region)
    with transaction.atomic():
        locked = Round.objects.select_for_update().get(pk=round.pk)
        if locked.state == Round.State.OPEN:
            return locked
        if locked.state == Round.State.CLOSED:
            raise Problem("study.not_ready", reason=_("这一轮已经收完，不能再开；请新建一轮"))
        missing = missing_for_opening(locked)
        if missing:
            raise Problem(
                "study.not_ready", errors=[{"reason": m} for m in missing], reason="；".join(missing)
            )
        locked.state = Round.State.OPEN
        locked.opened_at = now()
        locked.save(update_fields=["state", "opened_at"])
        record(
            action="studies.round.opened",
            acting_user=acting_user,
            target=locked,
            region_code=round.study.region.code,
        )
    round.refresh_from_db()
    return round


def close_round(*, round: Round, acting_user: Actor) -> Round:
    """Close the field: no further answer is taken. It does not open again.

    Raises
    ------
    Problem study.not_ready : it was never open.
    """
    if isinstance(acting_user, User):
        require(acting_user, "fieldwork.close", round.study.region)
    with transaction.atomic():
        locked = Round.objects.select_for_update().get(pk=round.pk)
        if locked.state == Round.State.CLOSED:
            return locked
        if locked.state == Round.State.DRAFT:
            raise Problem("study.not_ready", reason=_("这一轮还没有开始收卷，没有可以结束的"))
        locked.state = Round.State.CLOSED
        locked.closed_at = now()
        locked.save(update_fields=["state", "closed_at"])
        record(
            action="studies.round.closed",
            acting_user=acting_user,
            target=locked,
            region_code=round.study.region.code,
        )
    round.refresh_from_db()
    return round
