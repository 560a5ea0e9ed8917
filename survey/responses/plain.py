"""`/r/<key>/plain`: the questionnaire as plain HTML forms, for kernels that cannot run form.js.

One block at a time. What was answered so far travels in the form itself, so nothing is kept on the server
before the last button, exactly as with form.js; then the same acceptance follows.
"""

import hashlib
import json
import uuid
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from survey.common.canonical import canonical_json
from survey.common.clock import now
from survey.common.errors import Problem
from survey.questionnaires.document import Document, Item, items_of
from survey.questionnaires.ordering import orders_of
from survey.questionnaires.plain import (
    PlainPage,
    file_places,
    plain_form_fields,
    plain_pages,
    read_plain_post,
)
from survey.questionnaires.validation import AnswerError
from survey.regions.models import Region
from survey.responses import services
from survey.responses.models import Respondent
from survey.responses.pages import resident_page, show
from survey.responses.services.attachments import MAX_CAMERA_BYTES
from survey.responses.submission import MAX_BODY_BYTES, hand_in
from survey.responses.views import next_step

MODE = "web"
PICTURE_PROBLEMS = tuple(f"responses.attachment_{why}" for why in ("large", "no_picture", "many"))


@require_http_methods(["GET", "POST"])
@resident_page
def plain(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    """One page of the questionnaire; its POST leads to the next, and the last one hands everything in."""
    version = respondent.round.questionnaire_version
    if request.method == "GET":
        step = next_step(respondent)
        if step != "form":
            return redirect(f"responses:{step}", key=respondent.public_id)
        services.require_open(respondent.round)
        form = {"id": str(uuid.uuid4()), "document": version.document_hash, "answers": {}}
        return _draw(request, respondent, form, _fields(version.document, form))
    form = _kept(request)
    if form["document"] != version.document_hash:
        raise Problem("responses.old_version")
    page = _page_number(request, version.document)
    posted = dict(request.POST.lists())
    files, refused = _pictures(request, respondent, form, page)
    read = read_plain_post(version.document, page, MODE, posted, form["answers"], form["id"], files)
    form["answers"].update(read)
    return _turn(request, respondent, form, page, refused)


def _pictures(
    request: HttpRequest, respondent: Respondent, form: dict[str, Any], page: int
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """({place: the answer that names its picture}, {place: why a picture was not taken})."""
    taken: dict[str, dict[str, Any]] = {}
    refused: dict[str, str] = {}
    document = respondent.round.questionnaire_version.document
    for place, item in file_places(document, page, MODE, form["id"]).items():
        upload = request.FILES.get(place)
        if upload is None:
            continue
        content = upload.read(MAX_CAMERA_BYTES + 1)
        digest = hashlib.sha256(content).hexdigest()
        # The same picture sent again, by a form that was posted twice, is the same attachment.
        attachment_id = uuid.uuid5(uuid.UUID(form["id"]), f"{place} {digest}")
        try:
            services.store_attachment(
                respondent=respondent,
                attachment_id=attachment_id,
                item=item,
                content=content,
                claimed_hash=digest,
                most_bytes=MAX_CAMERA_BYTES,
            )
        except Problem as problem:
            if problem.code not in PICTURE_PROBLEMS:
                raise
            refused[place] = problem.message
        else:
            taken[place] = {"id": str(attachment_id), "sha256": digest, "bytes": len(content)}
    return taken, refused


def _turn(
    request: HttpRequest, respondent: Respondent, form: dict[str, Any], page: int, refused: dict[str, str]
) -> HttpResponse:
    """Back, again, on, or in."""
    document = respondent.round.questionnaire_version.document
    here = _told(_fields(document, form, page, check=True), refused)
    if "back" in request.POST:
        return _draw(request, respondent, form, _fields(document, form, here.previous if here else None))
    if here is not None and here.page == page and here.errors:
        return _draw(request, respondent, form, here, status=422)
    if here is not None and here.page != page:  # an answer further up took this page away
        return _draw(request, respondent, form, replace(here, errors=[]))
    if here is not None and here.next is not None:
        return _draw(request, respondent, form, _fields(document, form, here.next))
    return _hand_in(request, respondent, form)


def _told(page: PlainPage | None, refused: dict[str, str]) -> PlainPage | None:
    """The page with the reasons why pictures were not taken, beside their items."""
    if page is None or not refused:
        return page
    others = [error for error in page.errors if error.name not in refused]
    return replace(
        page,
        fields=[replace(field, error=refused.get(field.name, field.error)) for field in page.fields],
        errors=[*others, *(AnswerError(place, "file", words) for place, words in refused.items())],
    )


def _fields(
    document: Document, form: dict[str, Any], page: int | None = None, *, check: bool = False
) -> PlainPage | None:
    return plain_form_fields(
        document,
        form["answers"],
        get_language(),
        MODE,
        page,
        check=check,
        seed=form["id"],
        regions=_regions,
    )


def _regions(item: Item) -> list[tuple[str, str]]:
    """(code, name) of the regions that an item offers; a name is said with what it lies in."""
    above = Region.objects.filter(code=item["root"]).first()
    if above is None:
        return []
    below = Region.objects.within(above.path).current().filter(level=item["levels"][-1])
    several = len(item["levels"]) > 1
    rows = below.select_related("parent").order_by("code")
    return [(r.code, f"{r.parent.name} {r.name}" if several and r.parent else r.name) for r in rows]


def _hand_in(request: HttpRequest, respondent: Respondent, form: dict[str, Any]) -> HttpResponse:
    document = respondent.round.questionnaire_version.document
    try:
        hand_in(
            respondent,
            client_id=uuid.UUID(form["id"]),
            answers=_without_blanks(document, form["answers"]),
            language=get_language(),
            document_hash=form["document"],
            paradata={"plain": True, **_orders(document, form)},
            submitted_at=now(),
        )
    except Problem as problem:
        page = _page_of_first(document, problem, form["id"])
        if page is None:
            raise
        return _draw(request, respondent, form, _fields(document, form, page, check=True), status=422)
    return redirect("responses:thanks", key=respondent.public_id)


def _without_blanks(document: Document, answers: dict[str, Any]) -> dict[str, Any]:
    """Answers as they are handed in: a blank counts as no entry, unless it took back a default."""
    defaults = {item["name"] for item in items_of(document) if "default" in item}
    return {name: value for name, value in answers.items() if value not in ("", []) or name in defaults}


def _orders(document: Document, form: dict[str, Any]) -> dict[str, Any]:
    """The random orders in which options and items were shown, for the record."""
    orders = orders_of(document, form["id"])
    return {"orders": orders} if orders else {}


def _page_of_first(document: Document, problem: Problem, seed: str) -> int | None:
    """The page that holds the first answer found wanting at the end."""
    if problem.code != "responses.invalid":
        return None
    item = problem.errors[0]["item"]
    return next((n for n, names in enumerate(plain_pages(document, MODE, seed)) if item in names), None)


def _kept(request: HttpRequest) -> dict[str, Any]:
    """What the form carried: its id, its document and the answers of earlier pages."""
    text = request.POST.get("kept", "")
    try:
        kept = json.loads(text) if len(text) <= MAX_BODY_BYTES else None
        uuid.UUID(kept["id"])
        canonical_json(kept)  # refuses NaN and half characters
        valid = isinstance(kept["answers"], dict) and isinstance(kept["document"], str)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        valid = False
    if not valid:
        raise Problem("common.invalid", reason=_("内容读不了，请回到第一页重新答"))
    return kept


def _page_number(request: HttpRequest, document: Document) -> int:
    text = request.POST.get("page", "")
    if not (text.isascii() and text.isdigit()) or int(text) >= len(plain_pages(document, MODE)):
        raise Problem("common.invalid", reason=_("内容读不了，请回到第一页重新答"))
    return int(text)


def _draw(
    request: HttpRequest,
    respondent: Respondent,
    form: dict[str, Any],
    page: PlainPage | None,
    status: int = 200,
) -> HttpResponse:
    if page is None:
        raise Problem("common.invalid", reason=_("这份问卷没有要您回答的题目，请拨信上的电话"))
    kept = json.dumps(form, ensure_ascii=False)
    return show(request, "plain.html", respondent, status=status, page=page, kept=kept)
