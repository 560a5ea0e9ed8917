"""Open answers before anybody else reads them: finding them, reading them, deciding what may be quoted."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import groupby

from django.db import transaction
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import record
from survey.common.clock import now
from survey.common.crypto import decrypt, encrypt, keyed_hasher
from survey.common.errors import Problem
from survey.questionnaires.document import Document, items_of
from survey.questionnaires.queries import published_version
from survey.responses.models import OpenText, OpenTextIntake, OpenTextReview, Response
from survey.responses.personal import places_of
from survey.responses.services.answering import OPEN_TEXT_PURPOSE
from survey.studies.models import Round

QUOTE_PURPOSE = "responses.quote"
MAX_WORDING = 2000
_CHUNK = 500
# An answer's time is taken before it is stored, so one that took long may appear behind the mark.
_OVERLAP = timedelta(minutes=10)


def wordings_in(response: Response) -> Iterator[tuple[str, str, str]]:
    """(item, place, wording) of each open answer of a response, in document order."""
    if not response.open_text_cipher:
        return
    sealed = json.loads(decrypt(response.open_text_cipher, OPEN_TEXT_PURPOSE))
    names = open_items(published_version(response.questionnaire_version_id).document)
    for place, item, wording in places_of(sealed, names):
        if isinstance(wording, str) and wording.strip():
            yield item, place, wording


def open_items(document: Document) -> set[str]:
    """Names of the items that are answered in a resident's own words."""
    return {item["name"] for item in items_of(document) if item["type"] == "text"}


@transaction.atomic
def gather_open_texts(*, round: Round, acting_user: User) -> int:
    """Put the open answers that have come since the last time in the readers' queue; returns how many.

    Safe to repeat and quick when nothing has come. Nothing is read by anybody here.
    """
    require(acting_user, "texts.code")
    started = now()
    OpenTextIntake.objects.get_or_create(round=round)
    intake = OpenTextIntake.objects.select_for_update().get(round=round)
    rows = Response.objects.counted().filter(round=round, open_text_cipher__isnull=False)
    if intake.looked_until is not None:
        rows = rows.filter(received_at__gte=intake.looked_until - _OVERLAP)
    rows = rows.filter(open_texts__isnull=True)  # a response is taken in whole
    hash_one = keyed_hasher("responses.text_order")
    found = [
        OpenText(
            round=round,
            response=response,
            item=item,
            place=place,
            shuffle=hash_one(f"{response.pk} {place}"),
        )
        for response in rows.only("open_text_cipher", "questionnaire_version_id").iterator(chunk_size=_CHUNK)
        for item, place, _wording in wordings_in(response)
    ]
    OpenText.objects.bulk_create(found, batch_size=_CHUNK)
    intake.looked_until = started
    intake.save(update_fields=["looked_until"])
    if found:
        _note("responses.texts.gathered", round, acting_user, {"texts": len(found)})
    return len(found)


@transaction.atomic
def read_texts(*, round: Round, texts: Iterable[OpenText], acting_user: User) -> dict[int, str]:
    """{text's pk: wording as it was answered}; who read how many is in the audit log.

    Raises
    ------
    Problem common.forbidden : the reader may not see raw open answers there.
    """
    found: dict[int, str] = {}
    ordered = sorted(texts, key=lambda text: str(text.response_id))
    for region in {text.response.region for text in ordered}:
        require(acting_user, "texts.review", region)
    for _response, group in groupby(ordered, key=lambda text: text.response_id):
        members = list(group)
        said = {place: wording for _item, place, wording in wordings_in(members[0].response)}
        # After the retention date the wording is gone; what was cleared has its own.
        found |= {text.pk: said[text.place] for text in members if text.place in said}
    if found:
        _note("responses.texts.read", round, acting_user, {"texts": len(found)})
    return found


@transaction.atomic
def review_text(*, text: OpenText, verdict: str, acting_user: User, wording: str = "") -> OpenTextReview:
    """Decide what may be quoted of one open answer. A later decision replaces the earlier one.

    Parameters
    ----------
    verdict : of OpenTextReview.Verdict
    wording : what may be quoted, for "redacted" only

    Raises
    ------
    Problem common.forbidden, common.not_found : no longer there (withdrawn)
    Problem common.invalid : the mended wording is empty, too long, or what was answered unchanged.
    """
    require(acting_user, "texts.review", text.response.region)
    if verdict not in OpenTextReview.Verdict.values:
        raise Problem("common.invalid", reason=_("没有这个决定，请刷新页面再试。"))
    said = {place: each for _item, place, each in wordings_in(text.response)}.get(text.place)
    if said is None:
        raise Problem("common.not_found")
    quoted = {"cleared": said, "redacted": _mended(wording, said, verdict), "withheld": None}[verdict]
    review, created = OpenTextReview.objects.update_or_create(
        response=text.response,
        item=text.place,
        defaults={
            "verdict": verdict,
            "wording_cipher": encrypt(quoted, QUOTE_PURPOSE) if quoted is not None else None,
            "reviewed_by": acting_user,
            "reviewed_at": now(),
        },
    )
    record(
        action="responses.text.reviewed",
        acting_user=acting_user,
        target=text,
        region_code=text.response.region.code,
        detail={"item": text.item, "verdict": verdict, "again": not created},
    )
    return review


def _mended(wording: str, said: str, verdict: str) -> str:
    wording = wording.strip()
    if verdict != OpenTextReview.Verdict.REDACTED:
        return ""
    if not wording:
        raise Problem("common.invalid", reason=_("请写下隐去以后的话。一个字也不能引用的，选“不引用”。"))
    if len(wording) > MAX_WORDING:
        raise Problem("common.invalid", reason=_("隐去以后的话最多 %d 个字。") % MAX_WORDING)
    if wording == said.strip():
        raise Problem("common.invalid", reason=_("您没有隐去什么。原话可以引用的，选“可以引用”。"))
    return wording


def quoted_wording(review: OpenTextReview) -> str | None:
    """What a review lets be quoted; None for nothing."""
    return decrypt(review.wording_cipher, QUOTE_PURPOSE) if review.wording_cipher else None


def _note(action: str, round: Round, acting_user: User, detail: dict[str, int]) -> None:
    record(
        action=action,
        acting_user=acting_user,
        target=round,
        region_code=round.study.region.code,
        detail=detail,
    )
