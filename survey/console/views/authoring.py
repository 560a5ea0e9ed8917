"""Beginning a questionnaire and what surrounds its editor: item bank, translation, comparison, test runs."""

import math

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from survey.accounts.access import allowed
from survey.accounts.policies import may
from survey.common.errors import Problem
from survey.console.authoring_rows import coverage_rows, diff_rows, text_rows
from survey.console.editor import words
from survey.console.page import paged, render_step
from survey.console.rows import one_of, team_round
from survey.console.views.editor import version_of
from survey.console.views.sheets import pasted_context
from survey.questionnaires import bank, diff, translating
from survey.questionnaires.document import LANGUAGES, MODES, block_items
from survey.questionnaires.drafting import check_draft
from survey.questionnaires.editing import Edit
from survey.questionnaires.models import BankItem, QuestionnaireVersion
from survey.questionnaires.paths import cover
from survey.questionnaires.services import (
    add_bank_items,
    copy_version,
    discard_draft,
    edit_draft,
    import_text,
    own_bank_items,
    remove_bank_item,
    start_questionnaire,
)

TEXTS_PER_PAGE = 60


@allowed("questionnaires.manage")
@require_http_methods(["GET", "POST"])
def new_questionnaire(request: HttpRequest, pk: int) -> HttpResponse:
    """The ways to begin: from nothing, from the bank, from a file, from a text, from an earlier version."""
    round_ = team_round(request.user, pk)
    problem, pasted = None, {}
    if request.method == "POST":
        if request.POST.get("do") == "paste":
            text, title = request.POST.get("text", ""), request.POST.get("title", "")
            pasted = {"pasted_text": text, "pasted_title": title, **pasted_context(text, title)}
        try:
            version = _begin(request)
            goes_to = "item_bank" if request.POST.get("do") == "bank" else "edit_questionnaire"
            if goes_to == "item_bank":
                return redirect(f"{reverse('console:item_bank', args=[pk])}?into={version.pk}")
            return redirect("console:edit_questionnaire", pk=pk, version_pk=version.pk)
        except Problem as found:
            problem = found
    published = QuestionnaireVersion.State.PUBLISHED
    versions = QuestionnaireVersion.objects.visible_to(request.user).select_related("questionnaire")
    return render_step(
        request,
        "editor/new.html",
        round_,
        "questionnaire",
        status=problem.status if problem else 200,
        problem=problem,
        published=versions.filter(state=published).order_by("-published_at")[:30],
        languages=words.LANGUAGES.items(),
        n_bank=len(bank.entries()),
        **pasted,
    )


def _begin(request: HttpRequest) -> QuestionnaireVersion:
    data = request.POST
    if data.get("do") == "copy":
        number = data.get("version", "")
        version = version_of(request, int(number) if number.isdecimal() else 0)
        return copy_version(version=version, acting_user=request.user, title=data.get("title", ""))
    if data.get("do") == "paste":
        return import_text(text=data.get("text", ""), title=data.get("title", ""), acting_user=request.user)
    languages = [each for each in LANGUAGES if each in data.getlist("languages")] or ["zh-hans"]
    return start_questionnaire(title=data.get("title", ""), languages=languages, acting_user=request.user)


@allowed("questionnaires.manage")
@require_POST
def copy(request: HttpRequest, pk: int, version_pk: int) -> HttpResponse:
    """A new draft of the same questionnaire."""
    round_ = team_round(request.user, pk)
    draft = copy_version(version=version_of(request, version_pk), acting_user=request.user)
    messages.success(request, _("新的一版草稿好了。原来那一版不受影响。"))
    return redirect("console:edit_questionnaire", pk=round_.pk, version_pk=draft.pk)


@allowed("questionnaires.manage")
@require_POST
def discard(request: HttpRequest, pk: int, version_pk: int) -> HttpResponse:
    """A draft that nobody needs goes."""
    round_ = team_round(request.user, pk)
    discard_draft(version=version_of(request, version_pk), acting_user=request.user)
    messages.success(request, _("草稿删掉了。"))
    return redirect("console:questionnaire", pk=round_.pk)


# ---- item bank -----------------------------------------------------------------------------------------


@allowed("console.view")
@require_http_methods(["GET", "POST"])
def item_bank(request: HttpRequest, pk: int) -> HttpResponse:
    """Search the shipped items and the team's own; with `?into=` put the ticked ones into a draft."""
    round_ = team_round(request.user, pk)
    into = request.POST.get("into") or request.GET.get("into", "")
    draft = version_of(request, int(into)) if into.isdecimal() else None
    if draft is not None and draft.state != QuestionnaireVersion.State.DRAFT:
        draft = None
    problem = None
    if request.method == "POST":
        try:
            return _bank_deed(request, pk, draft)
        except Problem as found:
            problem = found
    sought, topic = request.GET.get("q", "").strip()[:100], request.GET.get("topic", "")[:60]
    own = own_bank_items(words=sought, topic=topic)
    blocks = [block for block in draft.document["blocks"] if "kind" not in block] if draft else []
    return render_step(
        request,
        "editor/bank.html",
        round_,
        "item_bank",
        status=problem.status if problem else 200,
        problem=problem,
        draft=draft,
        blocks=blocks,
        into_block=request.POST.get("block") or request.GET.get("block", ""),
        document=draft.document if draft else {"default_language": "zh-hans"},
        entries=bank.search(sought, topic),
        own=own[:200],
        q=sought,
        topic=topic,
        topics=list(dict.fromkeys([*bank.topics(), *_own_topics()])),
        ticked=request.POST.getlist("keys"),
        may_manage=may(request.user, "questionnaires.manage"),
    )


def _own_topics() -> list[str]:
    return list(
        BankItem.objects.exclude(topic="").order_by("topic").values_list("topic", flat=True).distinct()
    )


def _bank_deed(request: HttpRequest, pk: int, draft: QuestionnaireVersion | None) -> HttpResponse:
    data = request.POST
    if data.get("remove", "").isdecimal():
        row = one_of(BankItem.objects.all(), pk=int(data["remove"]))
        remove_bank_item(item=row, acting_user=request.user)
        messages.success(request, _("从题库里去掉了。用过它的问卷不受影响。"))
        return redirect(request.get_full_path())
    if draft is None:
        raise Problem("common.invalid", reason=_("先打开一份草稿，再从题库拿题。"))
    names = [block["name"] for block in draft.document["blocks"] if "kind" not in block]
    block = data.get("block", "") if data.get("block") in names else names[-1] if names else ""
    keys = data.getlist("keys")
    add_bank_items(version=draft, keys=keys, block=block, seen=data.get("seen", ""), acting_user=request.user)
    messages.success(request, _("放进去了 %d 题。") % len(keys))
    return redirect("console:edit_questionnaire", pk=pk, version_pk=draft.pk)


# ---- translation ---------------------------------------------------------------------------------------


def _keep_texts(request: HttpRequest, version: QuestionnaireVersion, language: str) -> None:
    texts = {
        name.removeprefix("text-"): {language: value}
        for name, value in request.POST.items()
        if name.startswith("text-")
    }
    edit = Edit("set_texts", language, {"texts": texts})
    edit_draft(version=version, edit=edit, seen=request.POST.get("seen", ""), acting_user=request.user)
    messages.success(request, _("译文存好了。"))


@allowed("questionnaires.manage")
@require_http_methods(["GET", "POST"])
def translate(request: HttpRequest, pk: int, version_pk: int) -> HttpResponse:
    """The texts of a draft side by side: what was written, and one other language."""
    round_ = team_round(request.user, pk)
    version = version_of(request, version_pk)
    if version.state == QuestionnaireVersion.State.PUBLISHED:
        return redirect("console:questionnaire_version", pk=pk, version_pk=version_pk)
    document = version.document
    first = document["default_language"]
    others = [language for language in document["languages"] if language != first]
    asked = request.POST.get("language") or request.GET.get("language", "")
    language = asked if asked in others else others[0] if others else ""
    problem = None
    if request.method == "POST" and language:
        try:
            _keep_texts(request, version, language)
            return redirect(request.get_full_path())
        except Problem as found:
            problem = found
    missing = request.GET.get("show") == "missing"
    rows = text_rows(document, language, request.POST, missing=missing, item=request.GET.get("item", ""))
    return render_step(
        request,
        "editor/translate.html",
        round_,
        "questionnaire",
        status=problem.status if problem else 200,
        problem=problem,
        version=version,
        language=language,
        language_name=words.LANGUAGES.get(language, ""),
        first_name=words.LANGUAGES[first],
        progress=[
            (code, words.LANGUAGES[code], done, total)
            for code, (done, total) in translating.progress(document).items()
            if code != first
        ],
        page=paged(request, rows, TEXTS_PER_PAGE),
        missing=missing,
        has_proposals=language == "zh-hant" and first == "zh-hans",
    )


# ---- comparison and test runs --------------------------------------------------------------------------


@allowed("console.view")
@require_safe
def compare(request: HttpRequest, pk: int, version_pk: int) -> HttpResponse:
    """Two versions side by side, and what the differences mean for a trend."""
    round_ = team_round(request.user, pk)
    version = version_of(request, version_pk)
    siblings = (
        QuestionnaireVersion.objects.visible_to(request.user)
        .filter(questionnaire=version.questionnaire_id)
        .exclude(pk=version.pk)
        .order_by("-number")
    )
    asked = request.GET.get("with", "")
    other = siblings.filter(pk=int(asked)).first() if asked.isdecimal() else None
    other = (
        other
        or siblings.filter(pk=version.based_on_id).first()
        or siblings.filter(number__lt=version.number).first()
        or siblings.first()
    )
    found = diff.compare(other.document, version.document) if other else []
    return render_step(
        request,
        "editor/compare.html",
        round_,
        "questionnaire",
        version=version,
        other=other,
        siblings=siblings,
        rows=diff_rows(found, version.document),
        counts={meaning: sum(1 for each in found if each.meaning == meaning) for meaning in words.MEANINGS},
        blocks_changed=bool(other) and diff.blocks_changed(other.document, version.document),
    )


@allowed("console.view")
@require_safe
def paths(request: HttpRequest, pk: int, version_pk: int) -> HttpResponse:
    """Test runs of both modes: what is never asked, which answers lead everywhere, how long it takes."""
    round_ = team_round(request.user, pk)
    version = version_of(request, version_pk)
    document = version.document
    blocked = [problem for problem in check_draft(document) if problem.level == "error"]
    filled = {**document, "blocks": [b for b in document["blocks"] if "kind" in b or block_items(b)]}
    structural = any(problem.code in ("shape", "cycle", "unknown_name", "empty") for problem in blocked)
    runs = [] if structural else [cover(filled, mode) for mode in MODES]
    return render_step(
        request,
        "editor/paths.html",
        round_,
        "questionnaire",
        version=version,
        structural=structural,
        blocked=blocked,
        runs=[
            {
                "mode": words.MODES[run.mode],
                "run": run,
                "reached": run.n_items - len(run.never),
                "rows": coverage_rows(document, run),
                "minutes": [
                    math.ceil(seconds / 6) / 10 for seconds in (run.fastest, run.median, run.slowest)
                ],
            }
            for run in runs
            if run.n_items
        ],
    )
