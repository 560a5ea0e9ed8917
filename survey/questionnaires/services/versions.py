"""Questionnaires: brought in as XLSForm drafts, published once, frozen for ever."""

import re
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.questionnaires import document as documents
from survey.questionnaires.drafting import check_draft
from survey.questionnaires.models import Questionnaire, QuestionnaireVersion
from survey.questionnaires.pasted import read_pasted
from survey.questionnaires.said import in_words
from survey.questionnaires.xlsform import read_xlsform


def check_author(acting_user: Actor) -> None:
    """Raise Problem common.forbidden unless the person may write questionnaires."""
    if isinstance(acting_user, User):
        require(acting_user, "questionnaires.manage")


def slug(text: str) -> str:
    """A code for addresses and files: letters, digits, "-" and "_"."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:60] or "questionnaire"


def as_errors(problems: list[documents.Problem]) -> list[dict[str, str]]:
    """Problems as a page or the API lists them."""
    return [
        {
            "level": p.level,
            "where": in_words(p.cell or p.where, _),
            "item": p.where,
            "reason": in_words(p.message, _),
        }
        for p in problems
    ]


def refuse_errors(problems: list[documents.Problem]) -> None:
    """Raise Problem questionnaire.invalid when any of `problems` is an error."""
    errors = [problem for problem in problems if problem.level == "error"]
    if errors:
        first = errors[0]
        raise Problem(
            "questionnaire.invalid",
            errors=as_errors(problems),
            count=len(errors),
            where=in_words(first.cell or first.where, _) or _("整个文件"),
            reason=in_words(first.message, _),
        )


def read_form(path: str | Path) -> tuple[documents.Document, list[documents.Problem]]:
    """The document of a file, with its warnings and what was lost.

    Parameters
    ----------
    path : an XLSForm (.xlsx, .xls, .csv, .md), or a text of numbered items (.txt), as people paste it.

    Raises
    ------
    Problem questionnaire.invalid : the form has errors; they are listed with their cells.
    """
    document, problems = _read_text(Path(path)) if Path(path).suffix.lower() == ".txt" else read_xlsform(path)
    refuse_errors(problems)
    if document is None:
        raise Problem("common.bad_file", reason=_("没有读出问卷"))
    return document, problems


def _read_text(path: Path) -> tuple[documents.Document | None, list[documents.Problem]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="gb18030", errors="replace")
    pasted = read_pasted(text, name=slug(path.stem))
    return pasted.document, pasted.problems


def import_xlsform(*, path: str | Path, acting_user: Actor, source_name: str = "") -> QuestionnaireVersion:
    """Store an XLSForm as a draft version of the questionnaire that its settings name.

    The same document again gives the version that already holds it.

    Raises
    ------
    Problem questionnaire.invalid : the form has errors.
    """
    check_author(acting_user)
    document, _problems = read_form(path)
    return store_draft(document=document, acting_user=acting_user, source_name=source_name or Path(path).name)


def store_draft(
    *, document: documents.Document, acting_user: Actor, source_name: str = ""
) -> QuestionnaireVersion:
    """Store a checked document as the next draft version of its questionnaire."""
    check_author(acting_user)
    digest = documents.document_hash(document)
    title = documents.text_in(document.get("title"), document["default_language"], document)
    code = slug(str(document.get("name") or document.get("id") or title))
    with transaction.atomic():
        questionnaire, _made = Questionnaire.objects.select_for_update().get_or_create(
            code=code, defaults={"title": title[:200] or code}
        )
        known = [digest, documents.document_hash(with_stated_time(document))]
        same = questionnaire.versions.filter(document_hash__in=known).first()
        if same is not None:
            return same
        newest = questionnaire.versions.first()
        version = QuestionnaireVersion.objects.create(
            questionnaire=questionnaire,
            number=newest.number + 1 if newest else 1,
            document=document,
            document_hash=digest,
            source_name=source_name[:200],
            created_by_id=acting_user.pk or None,
        )
        record(
            action="questionnaires.version.imported",
            acting_user=acting_user,
            target=version,
            detail={"code": code, "number": version.number, "hash": digest, "source": source_name[:200]},
        )
    return version


def with_stated_time(document: documents.Document) -> documents.Document:
    """The document as it is published: one of format /2 states its time; an older one stays as it hashes."""
    if document.get("format") == documents.FORMAT:
        return document
    seconds = {mode: documents.total_seconds(document, mode) for mode in documents.MODES}
    return {**document, "reading_seconds": seconds}


def publish_version(*, version: QuestionnaireVersion, acting_user: Actor) -> QuestionnaireVersion:
    """Publish a draft after the last check; from now on its document never changes. Twice changes nothing.

    Raises
    ------
    Problem questionnaire.invalid : the document has errors.
    Problem common.locked : the stored document is not the one its hash names.
    """
    check_author(acting_user)
    with transaction.atomic():
        locked = QuestionnaireVersion.objects.select_for_update().get(pk=version.pk)
        if locked.state == QuestionnaireVersion.State.PUBLISHED:
            return locked
        refuse_errors(check_draft(locked.document))
        if documents.document_hash(locked.document) != locked.document_hash:
            raise Problem("common.locked", what=_("这一版问卷"))
        locked.document = with_stated_time(locked.document)
        locked.document_hash = documents.document_hash(locked.document)
        locked.state = QuestionnaireVersion.State.PUBLISHED
        locked.published_at = now()
        locked.save(update_fields=["document", "document_hash", "state", "published_at"])
        questionnaire = locked.questionnaire
        title = documents.text_in(
            locked.document.get("title"), locked.document["default_language"], locked.document
        )
        if title and questionnaire.title != title:
            questionnaire.title = title[:200]
            questionnaire.save(update_fields=["title"])
        record(
            action="questionnaires.version.published",
            acting_user=acting_user,
            target=locked,
            detail={"code": questionnaire.code, "number": locked.number, "hash": locked.document_hash},
        )
    return locked


def discard_draft(*, version: QuestionnaireVersion, acting_user: Actor) -> None:
    """Remove a draft that nobody needs. A published version stays.

    Raises
    ------
    Problem common.locked : it is published.
    """
    check_author(acting_user)
    with transaction.atomic():
        locked = QuestionnaireVersion.objects.select_for_update().get(pk=version.pk)
        if locked.state == QuestionnaireVersion.State.PUBLISHED:
            raise Problem("common.locked", what=_("已发布的问卷"))
        record(
            action="questionnaires.version.discarded",
            acting_user=acting_user,
            target=locked,
            detail={"code": locked.questionnaire.code, "number": locked.number},
        )
        locked.delete()


def outline(document: documents.Document, language: str) -> list[dict[str, Any]]:
    """The items as an author's list: name, type, label, number of choices, in document order."""
    rows = []
    for block in document["blocks"]:
        for item in documents.block_items(block):
            rows.append(
                {
                    "name": item["name"],
                    "type": item["type"],
                    "label": documents.text_in(item.get("label"), language, document),
                    "n_choices": len(documents.all_choices(document, item)),
                    "relevant": (item.get("relevant") or {}).get("text", ""),
                }
            )
    return rows
