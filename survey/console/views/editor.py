"""Writing a questionnaire in the browser: the page, its saves, its undo, its preview of one item."""

from typing import Any

from csp.constants import SELF
from csp.decorators import csp_replace
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import json_script
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from survey.accounts.access import allowed
from survey.common.errors import Problem
from survey.console.editor import state as states
from survey.console.editor import words
from survey.console.editor.condition_form import condition_state, posted_condition, row_state
from survey.console.editor.deeds import DEEDS, PRESETS
from survey.console.editor.item_form import ItemState, item_state, posted_state, sharers
from survey.console.editor.rearranging import REARRANGE, rearranged
from survey.console.page import render_step
from survey.console.rows import one_of, team_round
from survey.questionnaires.document import MODES, block_items, item_index, items_of, own_choices
from survey.questionnaires.drafting import only_item
from survey.questionnaires.models import QuestionnaireVersion
from survey.questionnaires.parts import TYPE_GROUPS
from survey.questionnaires.services import edit_draft, redo_edit, save_bank_item, undo_edit
from survey.questionnaires.wording import QUESTION_LENGTH
from survey.responses.views import ReadableJSON
from survey.studies.models import Round

# Items whose answers an answer may be compared with.
ALIKE = {
    "integer": ("integer", "decimal", "calculate"),
    "decimal": ("integer", "decimal", "calculate"),
    "date": ("date",),
}


def version_of(request: HttpRequest, pk: int) -> QuestionnaireVersion:
    """A version that the user may see, or Problem common.not_found."""
    rows = QuestionnaireVersion.objects.visible_to(request.user).select_related("questionnaire")
    return one_of(rows, pk=pk)


@allowed("questionnaires.manage")
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int, version_pk: int) -> HttpResponse:
    """The editor. `?item=`, `?block=` or `?view=settings` says what is open; a POST stores one change."""
    round_ = team_round(request.user, pk)
    version = version_of(request, version_pk)
    if version.state == QuestionnaireVersion.State.PUBLISHED:
        return redirect("console:questionnaire_version", pk=pk, version_pk=version_pk)
    if request.method == "GET":
        return _page(request, round_, version, _asked(request.GET))
    do = request.POST.get("do", "")
    if do.partition(":")[0] in REARRANGE:
        return _page(request, round_, version, _asked(request.POST), posted=rearranged(request.POST, do))
    try:
        changed, goes_to = _store(request, version, do)
    except Problem as problem:
        return _refused(request, round_, version, problem)
    if "application/json" in request.headers.get("Accept", ""):
        return _saved(request, changed, goes_to)
    address = reverse("console:edit_questionnaire", args=[pk, version_pk])
    return redirect(f"{address}{_query(goes_to)}")


def _store(request: HttpRequest, version: QuestionnaireVersion, do: str) -> tuple[QuestionnaireVersion, str]:
    seen, data = request.POST.get("seen", ""), request.POST
    here = (
        f"item:{data['item']}" if data.get("item") else f"block:{data['block']}" if data.get("block") else ""
    )
    if do in ("undo", "redo"):
        walk = undo_edit if do == "undo" else redo_edit
        return walk(version=version, seen=seen, acting_user=request.user), here
    if do == "save_to_bank":
        name, source = data.get("item", ""), data.get("source", "")
        save_bank_item(version=version, name=name, source=source, acting_user=request.user)
        messages.success(request, _("存进题库了，下次可以直接拿来用。"))
        return version, here
    if do not in DEEDS:
        raise Problem("common.invalid", reason=_("没有这个操作，请刷新页面再试。"))
    deed = DEEDS[do](version.document, data)
    return edit_draft(version=version, edit=deed.edit, seen=seen, acting_user=request.user), deed.goes_to


def _query(goes_to: str) -> str:
    kind, _colon, name = goes_to.partition(":")
    query = QueryDict(mutable=True)
    if kind in ("item", "block") and name:
        query[kind] = name
    elif kind == "settings":
        query["view"] = "settings"
    return f"?{query.urlencode()}" if query else ""


def _asked(data: QueryDict) -> dict[str, str]:
    return {part: data.get(part, "") for part in ("item", "block", "view")}


def _saved(request: HttpRequest, version: QuestionnaireVersion, goes_to: str) -> JsonResponse:
    """What the open page renews after a save by script."""
    kind, _colon, name = goes_to.partition(":")
    found = states.checked(version)
    index = item_index(version.document)
    block = index[name][0]["name"] if kind == "item" and name in index else name
    context = {
        "version": version,
        "round_pk": request.resolver_match.kwargs["pk"],
        "outline": states.outline_of(version.document, found, block),
        "item_name": name if kind == "item" else "",
        "block_name": block,
        "item": index[name][1] if kind == "item" and name in index else None,
        "found": found,
        "item_advice": found.advice.get(name, []) if name else [],
        "item_problems": found.problems.get(name, []) if name else [],
        "history": states.history_of(version),
    }
    item = index[name][1] if kind == "item" and name in index else {}
    language = version.document["default_language"]
    said = {"words": words.stored_words(item.get("relevant"), version.document, language)}
    return JsonResponse(
        {
            "codes": [str(choice["code"]) for choice in own_choices(version.document, item)],
            "shared": sharers(version.document, item),
            "seen": version.document_hash,
            "name": name,
            "saved": _("%s 已保存") % f"{timezone.localtime():%H:%M}",
            "outline": render(request, "console/editor/outline.html", context).content.decode(),
            "advice": render(request, "console/editor/advice.html", context).content.decode(),
            "history": render(request, "console/editor/history.html", context).content.decode(),
            "condition": render(request, "console/editor/cond_words.html", said).content.decode(),
        }
    )


def _refused(
    request: HttpRequest, round_: Round, version: QuestionnaireVersion, problem: Problem
) -> HttpResponse:
    """The same page with the reason, and everything that was typed still in it."""
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"reason": problem.message, "code": problem.code}, status=problem.status)
    version = version_of(request, version.pk)
    return _page(request, round_, version, _asked(request.POST), posted=request.POST, problem=problem)


def _page(
    request: HttpRequest,
    round_: Round,
    version: QuestionnaireVersion,
    asked: dict[str, str],
    *,
    posted: QueryDict | None = None,
    problem: Problem | None = None,
) -> HttpResponse:
    document, index = version.document, item_index(version.document)
    found = states.checked(version)
    name = asked["item"] if asked["item"] in index else ""
    blocks = {block["name"]: block for block in document["blocks"]}
    block_name = index[name][0]["name"] if name else asked["block"] if asked["block"] in blocks else ""
    context: dict[str, Any] = {
        "version": version,
        "round_pk": round_.pk,
        "document": document,
        "outline": states.outline_of(document, found, block_name),
        "found": found,
        "minutes": states.minutes_of(document),
        "history": states.history_of(version),
        "problem": problem,
        "posted": posted is not None,
        "item_name": name,
        "block_name": block_name,
        "gone": asked["item"] if asked["item"] and not name else "",
        "view": "item" if name else "block" if block_name else asked["view"] or "whole",
        "n_items": len(index),
        "words": _tables(),
        "blocks": document["blocks"],
    }
    if name:
        context |= _item_context(version, index[name][1], found, posted if _is_form(posted) else None)
    elif block_name:
        context |= _block_context(document, blocks[block_name], posted)
    status = problem.status if problem else 200
    return render_step(request, "editor/page.html", round_, "questionnaire", status=status, **context)


def _is_form(posted: QueryDict | None) -> bool:
    """Whether the whole form of the item was sent, not one of the small buttons beside it."""
    return posted is not None and "label" in posted and "name" in posted


def _item_context(
    version: QuestionnaireVersion, item: dict[str, Any], found: states.Checked, posted: QueryDict | None
) -> dict[str, Any]:
    document, name = version.document, item["name"]
    form: ItemState = posted_state(document, item, posted) if posted else item_state(document, item)
    names = [each["name"] for each in items_of(document)]
    earlier = [each for each in items_of(document) if each["type"] not in ("note",)]
    return {
        "item": item,
        "form": form,
        "item_advice": found.advice.get(name, []),
        "item_problems": found.problems.get(name, []),
        "place": names.index(name) + 1,
        "item_block": item_index(document)[name][0],
        "others": [each for each in earlier if each["name"] != name],
        "hosts": [each for each in earlier[: names.index(name)] if "with" not in each],
        "alike": [
            each
            for each in items_of(document)
            if each["name"] != name and each["type"] in ALIKE.get(item["type"], ())
        ],
        "length": len(form.texts["label"]),
        "most_length": QUESTION_LENGTH,
        "new_rows": ["new1", "new2"],
        "other_languages": [each for each in document["languages"] if each != document["default_language"]],
    }


def _block_context(
    document: dict[str, Any], block: dict[str, Any], posted: QueryDict | None
) -> dict[str, Any]:
    language = document["default_language"]
    if posted is not None and "title" in posted:
        relevant = posted_condition(document, posted, language)
    else:
        relevant = condition_state(document, block.get("relevant"), language)
    return {
        "the_block": block,  # {{ block }} is the template's own word
        "block_count": len(block_items(block)),
        "relevant": relevant,
        "others": list(items_of(document)),
        "block_title": (block.get("title") or {}).get(language, ""),
        "repeat_label": (block.get("repeat", {}).get("label") or {}).get(language, ""),
    }


def _tables() -> dict[str, Any]:
    return {
        "types": [
            (words.TYPE_GROUPS[group], [(kind, words.TYPES[kind]) for kind in kinds])
            for group, kinds in TYPE_GROUPS
        ],
        "presets": [(f"preset:{key}", words.PRESETS[key]) for key in PRESETS],
        "modes": words.MODES.items(),
        "languages": words.LANGUAGES.items(),
        "levels": words.LEVELS.items(),
        "patterns": words.PATTERNS.items(),
        "methods": words.METHODS.items(),
    }


@allowed("questionnaires.manage")
@require_safe
def condition_row(request: HttpRequest, pk: int, version_pk: int) -> HttpResponse:
    """One row of a condition for the item just picked; the script puts it into the page."""
    team_round(request.user, pk)
    document = version_of(request, version_pk).document
    key = request.GET.get("key", "")
    row = row_state(
        document,
        key if key.isalnum() else "0",
        request.GET.get("item", ""),
        request.GET.get("op", ""),
        [],
        document["default_language"],
    )
    context = {"row": row, "others": list(items_of(document)), "document": document}
    return render(request, "console/editor/condition_row.html", context)


@allowed("console.view")
@require_safe
@csp_replace({"frame-ancestors": [SELF]})
def preview_item(request: HttpRequest, pk: int, version_pk: int) -> HttpResponse:
    """One item in the resident's renderer, for the phone beside the form. Conditions are left out."""
    round_ = team_round(request.user, pk)
    version = version_of(request, version_pk)
    first = next((item["name"] for item in items_of(version.document)), "")
    document = only_item(version.document, request.GET.get("item") or first)
    if document is None:
        raise Http404
    mode = request.GET.get("mode", "")
    language = request.GET.get("language", "")
    context = {
        "round": round_,
        "version": version,
        "mode": mode if mode in MODES else MODES[0],
        "form_document": document,
        "document": json_script(document, "minyi-document", encoder=ReadableJSON),
        "language": language if language in document["languages"] else document["default_language"],
        "submit_url": reverse("console:try_questionnaire", args=[pk, version_pk]),
    }
    return render(request, "console/editor/phone.html", context)
