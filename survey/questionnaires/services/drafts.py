"""Drafts: begun from nothing or a version, changed step by step, taken back, never overwritten unseen."""

import copy
import json
import zlib
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from survey.accounts.models import User
from survey.audit.services import Actor, record
from survey.common.canonical import canonical_json
from survey.common.errors import Problem
from survey.questionnaires import document as documents
from survey.questionnaires.drafting import blank_document
from survey.questionnaires.editing import Edit, EditError, apply_edit
from survey.questionnaires.models import DraftStep, Questionnaire, QuestionnaireVersion
from survey.questionnaires.services.versions import check_author, slug

KEPT_STEPS = 300  # a draft's history; older steps go, a document of 500 items packs into some 20 kB

# Why a change could not be made (`editing.EditError`).
REASONS: Mapping[str, Any] = {
    "no_block": gettext_lazy("没有“{name}”这一块，可能刚被别人删了"),
    "no_item": gettext_lazy("没有“{name}”这一题，可能刚被别人删了或改了名"),
    "no_text": gettext_lazy("“{name}”这处文字已经不在了"),
    "bad_name": gettext_lazy("题名“{name}”不能用：以字母开头，只用字母、数字、点、横线和下划线"),
    "name_taken": gettext_lazy("题名“{name}”已经有了，请换一个"),
    "no_language": gettext_lazy("至少要留一种语言"),
    "one_household": gettext_lazy("户内选人只能有一块"),
    "household_is_empty": gettext_lazy("户内选人这一块里不放题目"),
    "last_block": gettext_lazy("只剩这一块了，问卷至少要有一块"),
    "in_use": gettext_lazy("{users} 的条件或位置用到它。先改那里，再删"),
    "too_many": gettext_lazy("一份问卷最多 {most} 题"),
    "no_choices": gettext_lazy("选择题至少要有一个选项"),
}


def start_questionnaire(*, title: str, languages: list[str], acting_user: Actor) -> QuestionnaireVersion:
    """A new questionnaire with an empty first draft. The first language is the one that is written in."""
    check_author(acting_user)
    if not title.strip():
        raise Problem("common.invalid", reason=_("给问卷起个名字。"))
    with transaction.atomic():
        code = free_code(slug(title))
        document = blank_document(name=code, title=title.strip(), language=languages[0])
        document["languages"] = [each for each in documents.LANGUAGES if each in languages]
        questionnaire = Questionnaire.objects.create(code=code, title=title.strip()[:200])
        version = new_draft(questionnaire, document, acting_user)
        record(
            action="questionnaires.draft.started",
            acting_user=acting_user,
            target=version,
            detail={"code": code, "number": version.number},
        )
    return version


def free_code(wish: str) -> str:
    """`wish`, or with the next number that no questionnaire has."""
    code, number = wish, 2
    while Questionnaire.objects.filter(code=code).exists():
        code, number = f"{wish[:56]}-{number}", number + 1
    return code


def new_draft(
    questionnaire: Questionnaire,
    document: documents.Document,
    acting_user: Actor,
    based_on: QuestionnaireVersion | None = None,
) -> QuestionnaireVersion:
    """The next version of a questionnaire, as a draft; the caller holds the transaction and records it."""
    newest = questionnaire.versions.order_by("-number").first()
    return QuestionnaireVersion.objects.create(
        questionnaire=questionnaire,
        number=newest.number + 1 if newest else 1,
        document=document,
        document_hash=documents.document_hash(document),
        based_on=based_on,
        created_by_id=acting_user.pk or None,
    )


def copy_version(
    *, version: QuestionnaireVersion, acting_user: Actor, title: str = ""
) -> QuestionnaireVersion:
    """The next draft version of the same questionnaire; with a `title`, a questionnaire of its own."""
    check_author(acting_user)
    with transaction.atomic():
        questionnaire = Questionnaire.objects.select_for_update().get(pk=version.questionnaire_id)
        document = copy.deepcopy(version.document)
        document.pop("reading_seconds", None)  # publishing states it anew
        document["format"] = documents.format_for(document)
        if title.strip():
            document["name"] = free_code(slug(title))
            document["title"][document["default_language"]] = title.strip()
            questionnaire = Questionnaire.objects.create(code=document["name"], title=title.strip()[:200])
        draft = new_draft(questionnaire, document, acting_user, based_on=version)
        record(
            action="questionnaires.draft.started",
            acting_user=acting_user,
            target=draft,
            detail={"code": questionnaire.code, "number": draft.number, "from": version.number},
        )
    return draft


def edit_draft(
    *, version: QuestionnaireVersion, edit: Edit, seen: str, acting_user: Actor
) -> QuestionnaireVersion:
    """Make one change to a draft and keep it as a step that can be undone.

    Parameters
    ----------
    seen : hash of the document that the author looked at. When somebody has saved meanwhile nothing is
        stored: what the author wrote is still on the page and can be saved again upon the new state.

    Raises
    ------
    Problem common.locked : it is published.
    Problem questionnaire.edited_elsewhere : `seen` is not the present state.
    Problem common.invalid : the change cannot be made; the reason is told.
    """
    check_author(acting_user)
    with transaction.atomic():
        draft = _open_draft(version, seen, edit)
        try:
            document = apply_edit(draft.document, edit)
        except EditError as error:
            reason = str(REASONS[error.code]).format(**error.values)
            raise Problem("common.invalid", reason=f"{reason}。") from error
        digest = documents.document_hash(document)
        if digest == draft.document_hash:
            return draft
        _keep_step(draft, document, digest, edit, acting_user)
        _record_step(draft, edit.do, edit.subject, acting_user)
    return draft


def _is_done(draft: QuestionnaireVersion, edit: Edit) -> bool:
    """Whether the change is there already: the answer to a save was lost on its way, and it is sent again."""
    try:
        return documents.document_hash(apply_edit(draft.document, edit)) == draft.document_hash
    except EditError:
        return False


def _open_draft(version: QuestionnaireVersion, seen: str, edit: Edit | None = None) -> QuestionnaireVersion:
    draft = QuestionnaireVersion.objects.select_for_update().get(pk=version.pk)
    if draft.state == QuestionnaireVersion.State.PUBLISHED:
        raise Problem("common.locked", what=_("已发布的问卷"))
    if draft.document_hash != seen and not (edit and _is_done(draft, edit)):
        last = draft.steps.filter(number=draft.step).select_related("created_by").first()
        raise Problem(
            "questionnaire.edited_elsewhere",
            who=str(last.created_by) if last and last.created_by else _("另一个窗口"),
            when=f"{timezone.localtime(last.created_at):%H:%M}" if last else "",
        )
    return draft


def _keep_step(
    draft: QuestionnaireVersion, document: documents.Document, digest: str, edit: Edit, acting_user: Actor
) -> None:
    """Store the document as the step after the present one; steps that were undone are forgotten."""
    if draft.step is None:
        draft.steps.all().delete()
        _step(draft, 0, draft.document, draft.document_hash, Edit(""), acting_user)
        draft.step = 0
    draft.steps.filter(number__gt=draft.step).delete()
    draft.step += 1
    _step(draft, draft.step, document, digest, edit, acting_user)
    draft.steps.filter(number__lte=draft.step - KEPT_STEPS).delete()
    draft.document, draft.document_hash = document, digest
    draft.save(update_fields=["document", "document_hash", "step"])


def _step(
    draft: QuestionnaireVersion,
    number: int,
    document: documents.Document,
    digest: str,
    edit: Edit,
    acting_user: Actor,
) -> None:
    DraftStep.objects.create(
        version=draft,
        number=number,
        packed=zlib.compress(canonical_json(document)),
        document_hash=digest,
        deed=edit.do,
        subject=edit.subject[:64],
        created_by_id=acting_user.pk if isinstance(acting_user, User) else None,
    )


def unpacked(step: DraftStep) -> documents.Document:
    """The document of a step."""
    return json.loads(zlib.decompress(bytes(step.packed)))


def undo_edit(*, version: QuestionnaireVersion, seen: str, acting_user: Actor) -> QuestionnaireVersion:
    """One step back.

    Raises
    ------
    Problem common.invalid : there is no earlier step.
    """
    return _walk(version, -1, seen, acting_user)


def redo_edit(*, version: QuestionnaireVersion, seen: str, acting_user: Actor) -> QuestionnaireVersion:
    """One step forward again.

    Raises
    ------
    Problem common.invalid : nothing was undone.
    """
    return _walk(version, +1, seen, acting_user)


def _walk(version: QuestionnaireVersion, by: int, seen: str, acting_user: Actor) -> QuestionnaireVersion:
    check_author(acting_user)
    with transaction.atomic():
        draft = _open_draft(version, seen)
        step = None if draft.step is None else draft.steps.filter(number=draft.step + by).first()
        if step is None:
            raise Problem(
                "common.invalid", reason=_("前面没有可撤销的了。") if by < 0 else _("没有可重做的了。")
            )
        draft.document = unpacked(step)
        draft.document_hash, draft.step = step.document_hash, step.number
        draft.save(update_fields=["document", "document_hash", "step"])
        _record_step(draft, "undo" if by < 0 else "redo", step.subject, acting_user)
    return draft


def _record_step(draft: QuestionnaireVersion, deed: str, subject: str, acting_user: Actor) -> None:
    record(
        action="questionnaires.draft.edited",
        acting_user=acting_user,
        target=draft,
        detail={"deed": deed, "subject": subject, "step": draft.step, "hash": draft.document_hash},
    )
