"""Open answers of a round: read, decided upon, coded. One page for it all, and one for the code frame."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from survey.accounts.access import allowed
from survey.accounts.policies import may
from survey.common.errors import Problem
from survey.console import texts_page as page
from survey.console.page import paged, render_step
from survey.console.rows import one_of, team_round
from survey.responses.models import OpenText, Theme
from survey.responses.open_texts import (
    agreement,
    progress,
    raw_or_quoted,
    standing_codings,
    texts_of,
)
from survey.responses.services import (
    add_theme,
    code_text,
    gather_open_texts,
    rename_theme,
    retire_theme,
    review_text,
)
from survey.responses.theme_words import words_beside, words_of
from survey.studies.models import Round

INVALID = 400  # of what can be mended on the page


@allowed("texts.code")
@require_safe
def texts(request: HttpRequest, pk: int) -> HttpResponse:
    """The queue and the lists: `?item=&list=&q=`. Work goes on with `&after=`, other lists with `&page=`."""
    round_ = team_round(request.user, pk)
    gather_open_texts(round=round_, acting_user=request.user)
    asked = _asked(request, round_)
    if asked is None:
        return render_step(request, "texts/texts.html", round_, "texts", items=[])
    rows = page.listed(request.user, round_, asked["item"], asked["list"])
    rows = page.holding(request.user, rows, asked["q"])
    batch, context = _batch(request, rows, asked["list"])
    frame = page.frame_of(round_, asked["item"])
    telling = page.key_words_of(request.user, round_, asked["item"], frame) if batch else {}
    return render_step(
        request,
        "texts/texts.html",
        round_,
        "texts",
        cards=page.cards_of(request.user, round_, batch, asked["list"], frame, telling),
        frame=frame,
        theme_lists=[(f"theme-{theme.code}", theme.label) for theme in frame],
        progress=progress(request.user, round_, asked["item"]),
        query=request.GET.urlencode(),
        **asked,
        **context,
    )


def _batch(request: HttpRequest, rows: QuerySet[OpenText], name: str) -> tuple[Any, dict[str, Any]]:
    """The texts of this page, and what leads on."""
    if name not in page.WORK:
        batch = paged(request, rows, page.PER_PAGE)
        return batch, {"pages": batch, "n_listed": batch.paginator.count}
    after = request.GET.get("after", "")[:64]
    shown = list(rows.filter(shuffle__gt=after)[: page.PER_PAGE + 1])
    more = len(shown) > page.PER_PAGE
    shown = shown[: page.PER_PAGE]
    return shown, {"last": shown[-1].shuffle if more else "", "after": after, "n_listed": rows.count()}


def _asked(request: HttpRequest, round_: Round) -> dict[str, Any] | None:
    """Which item and which list; None where the questionnaire has nothing to read."""
    items = page.open_items_of(round_)
    if not items:
        return None
    names = [name for name, _label in items]
    with_texts = set(texts_of(request.user, round_).order_by().values_list("item", flat=True).distinct())
    first = next((name for name in names if name in with_texts), names[0])
    item = request.GET.get("item", first)
    item = item if item in names else first
    may_review = may(request.user, "texts.review")
    lists = [(name, words) for name, words in page.LISTS.items() if name != page.UNREAD or may_review]
    chosen = request.GET.get("list", lists[0][0])
    is_theme = chosen.startswith("theme-") and chosen[6:].isdigit()
    if chosen not in dict(lists) and not is_theme:
        chosen = lists[0][0]
    return {
        "items": items,
        "item": item,
        "question": dict(items)[item],
        "lists": lists,
        "list": chosen,
        "is_work": chosen in page.WORK,
        "q": request.GET.get("q", "").strip()[:60],
        "may_review": may_review,
    }


@allowed("texts.review")
@require_POST
def review(request: HttpRequest, pk: int, text_pk: int) -> HttpResponse:
    """Decide upon one answer."""
    round_ = team_round(request.user, pk)
    text = _text(request, round_, text_pk)

    def decide() -> None:
        review_text(
            text=text,
            verdict=request.POST.get("verdict", ""),
            wording=request.POST.get("wording", ""),
            acting_user=request.user,
        )

    return _done(request, round_, text, decide)


@allowed("texts.code")
@require_POST
def code(request: HttpRequest, pk: int, text_pk: int) -> HttpResponse:
    """Store the themes of one answer."""
    round_ = team_round(request.user, pk)
    text = _text(request, round_, text_pk)

    def decide() -> None:
        code_text(
            text=text,
            themes=[int(theme) for theme in request.POST.getlist("theme") if theme.isdigit()],
            purpose=request.POST.get("purpose", ""),
            acting_user=request.user,
        )

    return _done(request, round_, text, decide)


def _or_say_why(request: HttpRequest, decide: Callable[[], None]) -> None:
    """A plain form comes back to its page, with the reason where nothing was stored."""
    try:
        decide()
    except Problem as problem:
        if problem.status != INVALID:
            raise
        messages.warning(request, problem.message)


def _text(request: HttpRequest, round_: Round, pk: int) -> OpenText:
    rows = OpenText.objects.visible_to(request.user).filter(round=round_)
    return one_of(rows.select_related("round__study__region", "response__region"), pk=pk)


def _done(request: HttpRequest, round_: Round, text: OpenText, decide: Callable[[], None]) -> HttpResponse:
    """Do it; then the card anew for the open page, or back to the page, where a refusal is said too."""
    query = request.POST.get("query", "")
    if "application/json" not in request.headers.get("Accept", ""):
        _or_say_why(request, decide)
        return redirect(f"{reverse('console:texts', args=[round_.pk])}?{query}#text-{text.pk}")
    decide()
    name = request.POST.get("list", "")
    frame = page.frame_of(round_, text.item)
    (card,) = page.cards_of(request.user, round_, [text], name, frame, {})
    context = {"card": card, "round": round_, "query": query, "list": name}
    counts = {"progress": progress(request.user, round_, text.item), "may_review": True}
    return JsonResponse(
        {
            "card": render_to_string("console/texts/card.html", context, request),
            "progress": render_to_string("console/texts/progress.html", counts, request),
        }
    )


@allowed("texts.code")
def themes(request: HttpRequest, pk: int) -> HttpResponse:
    """The code frame of an item: its themes, the words to begin with, how far two coders agree."""
    round_ = team_round(request.user, pk)
    gather_open_texts(round=round_, acting_user=request.user)
    asked = _asked(request, round_)
    if asked is None:
        raise Problem("common.not_found")
    item = asked["item"]
    if request.method == "POST":
        _or_say_why(request, lambda: _change_frame(request, round_, request.POST.get("item", "")))
        return redirect(f"{reverse('console:themes', args=[pk])}?item={request.POST.get('item', '')}")
    rows = texts_of(request.user, round_).order_by("shuffle")
    wordings = raw_or_quoted(request.user, rows)
    items = dict(rows.values_list("pk", "item"))
    ours = [words_of(wording) for text, wording in wordings.items() if items[text] == item]
    others = [words_of(wording) for text, wording in wordings.items() if items[text] != item]
    return render_step(
        request,
        "texts/themes.html",
        round_,
        "texts",
        frame=_frame_rows(round_, item),
        agreement=agreement(round_, item),
        telling=words_beside(ours, others),
        n_ours=len(ours),
        n_others=len(others),
        progress=progress(request.user, round_, item),
        may_change=may(request.user, "texts.code", round_.study.region),
        **asked,
    )


def _frame_rows(round_: Round, item: str) -> list[dict[str, Any]]:
    main = standing_codings(round_).filter(purpose=page.MAIN, text__item=item, themes__isnull=False)
    counts = Counter(main.values_list("themes", flat=True))
    return [{"theme": theme, "n": counts[theme.pk]} for theme in page.frame_of(round_, item)]


def _change_frame(request: HttpRequest, round_: Round, item: str) -> None:
    do, _colon, number = request.POST.get("do", "").partition(":")
    if do == "add":
        for label in request.POST.get("labels", "").splitlines():
            if label.strip():
                add_theme(round=round_, item=item, label=label, acting_user=request.user)
        return
    held = Theme.objects.filter(round=round_, item=item, retired_at__isnull=True).select_related(
        "round__study__region"
    )
    theme = one_of(held, code=int(number) if number.isdigit() else 0)
    if do == "rename":
        rename_theme(theme=theme, label=request.POST.get(f"label_{number}", ""), acting_user=request.user)
    elif do == "retire":
        into = request.POST.get(f"into_{number}", "")
        other = one_of(held, code=int(into)) if into.isdigit() else None
        retire_theme(theme=theme, into=other, acting_user=request.user)
