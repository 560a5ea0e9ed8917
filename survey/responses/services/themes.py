"""Themes of open answers: the team's code frame, and who found what in which answer."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.responses.models import OpenText, TextCoding, Theme
from survey.responses.services.texts import open_items
from survey.studies.models import Round

MAIN, CHECK, SETTLED = TextCoding.Purpose.MAIN, TextCoding.Purpose.CHECK, TextCoding.Purpose.SETTLED
MAX_THEMES = 60  # of one item; more than a coder can hold in her head


@transaction.atomic
def add_theme(*, round: Round, item: str, label: str, acting_user: User) -> Theme:
    """A new code of an item's frame; its number was never used in the item before.

    Raises
    ------
    Problem common.forbidden
    Problem common.invalid : no such open item, or the name is empty, too long, taken, or one too many.
    """
    require(acting_user, "texts.code", round.study.region)
    version = round.questionnaire_version
    if version is None or item not in open_items(version.document):
        raise Problem("common.invalid", reason=_("这份问卷里没有这道开放题，请刷新页面再试。"))
    Round.objects.select_for_update().get(pk=round.pk)
    held = Theme.objects.filter(round=round, item=item)
    if held.filter(retired_at__isnull=True).count() >= MAX_THEMES:
        raise Problem("common.invalid", reason=_("一道题最多 %d 个主题。请先并掉几个。") % MAX_THEMES)
    name = _named(round, item, label)
    code = (held.aggregate(last=Max("code"))["last"] or 0) + 1
    theme = Theme.objects.create(round=round, item=item, code=code, label=name)
    _note("added", theme, acting_user)
    return theme


@transaction.atomic
def rename_theme(*, theme: Theme, label: str, acting_user: User) -> Theme:
    """Another name for the same theme; what was coded stays coded.

    Raises
    ------
    Problem common.forbidden, common.invalid
    """
    require(acting_user, "texts.code", theme.round.study.region)
    theme.label = _named(theme.round, theme.item, label, but=theme)
    theme.save(update_fields=["label"])
    _note("renamed", theme, acting_user)
    return theme


@transaction.atomic
def retire_theme(*, theme: Theme, acting_user: User, into: Theme | None = None) -> None:
    """Take a theme out of the frame; `into` gives what was coded with it to another.

    Raises
    ------
    Problem common.forbidden
    Problem common.invalid : answers are coded with it and no other theme takes them.
    """
    require(acting_user, "texts.code", theme.round.study.region)
    codings = list(theme.codings.all())
    if into is not None and (into.pk == theme.pk or not _same_frame(into, theme)):
        raise Problem("common.invalid", reason=_("不能并到这个主题里，请另选一个。"))
    if codings and into is None:
        raise Problem(
            "common.invalid", reason=_("有 %d 条话用了这个主题。请选并到哪个主题里。") % len(codings)
        )
    for coding in codings:
        coding.themes.remove(theme)
        coding.themes.add(into)
    theme.retired_at = now()
    theme.save(update_fields=["retired_at"])
    _note("retired", theme, acting_user, {"codings": len(codings), "into": into.code if into else None})


def _same_frame(one: Theme, other: Theme) -> bool:
    same = (one.round_id, one.item) == (other.round_id, other.item)
    return same and one.retired_at is None


@transaction.atomic
def code_text(*, text: OpenText, themes: Iterable[int], acting_user: User, purpose: str = MAIN) -> TextCoding:
    """Say which themes an open answer has; none at all is an answer. Replaces an earlier coding of the kind.

    Parameters
    ----------
    themes : codes of the item's frame
    purpose : "main"; "check", by somebody else than who made the main one; "settled", once there are both

    Raises
    ------
    Problem common.not_found : the answer is not there, or not cleared for this reader.
    Problem common.invalid : a theme is not in the frame, or the person or the order is wrong.
    """
    if not OpenText.objects.visible_to(acting_user).filter(pk=text.pk).exists():
        raise Problem("common.not_found")
    OpenText.objects.select_for_update().get(pk=text.pk)
    codes = sorted(set(themes))
    frame = Theme.objects.filter(round=text.round, item=text.item, retired_at__isnull=True)
    chosen = list(frame.filter(code__in=codes))
    if len(chosen) != len(codes):
        raise Problem("common.invalid", reason=_("有的主题已经不在了，请刷新页面再试。"))
    _check_coder(text, purpose, acting_user)
    coding, created = TextCoding.objects.update_or_create(
        text=text, purpose=purpose, defaults={"coder": acting_user, "coded_at": now()}
    )
    coding.themes.set(chosen)
    record(
        action="responses.text.coded",
        acting_user=acting_user,
        target=text,
        region_code=text.response.region.code,
        detail={"item": text.item, "purpose": purpose, "themes": codes, "again": not created},
    )
    return coding


def _check_coder(text: OpenText, purpose: str, acting_user: User) -> None:
    """Two codings are a check only if two people made them, each without the other."""
    coders = dict(text.codings.values_list("purpose", "coder_id"))
    other = {MAIN: CHECK, CHECK: MAIN}.get(purpose)
    if purpose not in TextCoding.Purpose.values:
        raise Problem("common.invalid", reason=_("没有这种编码，请刷新页面再试。"))
    if other in coders and coders[other] == acting_user.pk:
        raise Problem("common.invalid", reason=_("这条话您已经编过了。复核要由另一个人来做。"))
    if purpose == SETTLED and not {MAIN, CHECK} <= set(coders):
        raise Problem("common.invalid", reason=_("两个人都编过以后，才商定。"))


def _named(round: Round, item: str, label: str, but: Theme | None = None) -> str:
    label = label.strip()
    if not label or len(label) > 40:
        raise Problem("common.invalid", reason=_("主题要有名字，最多 40 个字。"))
    same = Theme.objects.filter(round=round, item=item, label=label, retired_at__isnull=True)
    if same.exclude(pk=but.pk if but else None).exists():
        raise Problem("common.invalid", reason=_("已经有叫“%s”的主题。") % label)
    return label


def _note(deed: str, theme: Theme, acting_user: User, detail: dict[str, object] | None = None) -> None:
    record(
        action=f"responses.theme.{deed}",
        acting_user=acting_user,
        target=theme,
        region_code=theme.round.study.region.code,
        detail={"item": theme.item, "code": theme.code, "label": theme.label, **(detail or {})},
    )
