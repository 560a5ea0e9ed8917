"""Reads open answers: for the people who review and code them, and what reports may take from them.

A report has two doors: `quotable` and `theme_rows`. Neither holds a word that nobody has cleared.
"""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from survey.accounts.models import User
from survey.accounts.policies import may
from survey.responses.models import OpenText, OpenTextReview, Response, TextCoding, Theme
from survey.responses.services.texts import quoted_wording, read_texts, wordings_in
from survey.stats.texts import coder_agreement
from survey.studies.models import Round

QUOTABLE = (OpenTextReview.Verdict.CLEARED, OpenTextReview.Verdict.REDACTED)
MAIN, CHECK, SETTLED = TextCoding.Purpose.MAIN, TextCoding.Purpose.CHECK, TextCoding.Purpose.SETTLED
# Lombard, Snyder-Duch & Bracken (2002), Content analysis in mass communication, Human Communication Research
# 28(4), 587–604: two people code at least 50 units or 10 % of all, and seldom need more than 300.
CHECK_SHARE, CHECK_LEAST, CHECK_MOST = 0.10, 50, 300


# The big columns of a response, which no reader of its open answers needs.
NOT_READ = ("response__answers", "response__path", "response__paradata")


@dataclass(frozen=True)
class ReadText:
    """One open answer as its reader may see it."""

    text: OpenText
    said: str | None  # as it was answered; None for who may not see that, and after the retention date
    quoted: str | None  # what may be quoted
    verdict: str | None
    reviewed: OpenTextReview | None
    codings: dict[str, TextCoding]

    @property
    def shown(self) -> str | None:
        """What the reader reads: the answer itself, or what was cleared of it."""
        return self.said if self.said is not None else self.quoted


def texts_of(user: User, round: Round, item: str = "") -> QuerySet[OpenText]:
    """A round's open answers that the user may read, in the readers' order, with `verdict` and `is_coded`."""
    main = TextCoding.objects.filter(text=OuterRef("pk"), purpose=MAIN)
    rows = OpenText.objects.visible_to(user).filter(round=round).annotate(is_coded=Exists(main))
    return rows.filter(item=item) if item else rows


def read(user: User, round: Round, texts: list[OpenText]) -> list[ReadText]:
    """The wordings of these texts. That they were read is noted."""
    pks = [text.pk for text in texts]
    rows = OpenText.objects.filter(pk__in=pks).select_related("response__region").defer(*NOT_READ)
    full = {text.pk: text for text in rows}
    raw = [text for text in full.values() if may(user, "texts.review", text.response.region)]
    said = read_texts(round=round, texts=raw, acting_user=user)
    reviews = {
        (review.response_id, review.item): review
        for review in OpenTextReview.objects.filter(
            response__in=[text.response_id for text in full.values()]
        ).select_related("reviewed_by")
    }
    codings: dict[int, dict[str, TextCoding]] = {pk: {} for pk in pks}
    for coding in TextCoding.objects.filter(text__in=pks).select_related("coder").prefetch_related("themes"):
        codings[coding.text_id][coding.purpose] = coding
    found = []
    for pk in pks:
        text = full[pk]
        review = reviews.get((text.response_id, text.place))
        quoted = quoted_wording(review) if review else None
        verdict = review.verdict if review else None
        found.append(ReadText(text, said.get(pk), quoted, verdict, review, codings[pk]))
    return found


def raw_or_quoted(user: User, texts: QuerySet[OpenText]) -> dict[int, str]:
    """{pk: wording} of many texts for counting and searching words, as far as the user may read them."""
    rows = texts.select_related("response__region").defer(*NOT_READ)
    found: dict[int, str] = {}
    seen: dict[Any, dict[str, str]] = {}
    regions: dict[int, bool] = {}
    for text in rows:
        region = text.response.region
        if region.pk not in regions:
            regions[region.pk] = may(user, "texts.review", region)
        if not regions[region.pk]:
            continue
        if text.response_id not in seen:
            seen[text.response_id] = {p: wording for _item, p, wording in wordings_in(text.response)}
        if text.place in seen[text.response_id]:
            found[text.pk] = seen[text.response_id][text.place]
    rest = [text for text in rows if text.pk not in found]
    return found | _quotes(rest)


def _quotes(texts: list[OpenText]) -> dict[int, str]:
    """{pk: cleared wording}."""
    reviews = OpenTextReview.objects.filter(
        response__in={text.response_id for text in texts}, verdict__in=QUOTABLE
    )
    by_place = {(review.response_id, review.item): review for review in reviews}
    found = {}
    for text in texts:
        review = by_place.get((text.response_id, text.place))
        wording = quoted_wording(review) if review else None
        if wording is not None:
            found[text.pk] = wording
    return found


def progress(user: User, round: Round, item: str) -> dict[str, int]:
    """How far the readers are: "texts", "unread", one count per verdict, "reviewed", "coded", "uncoded"."""
    rows = texts_of(user, round, item).order_by().values_list("verdict", "is_coded")
    verdicts: Counter[str | None] = Counter()
    coded = 0
    for verdict, is_coded in rows:
        verdicts[verdict] += 1
        coded += is_coded
    n = verdicts.total()
    named = {verdict: verdicts[verdict] for verdict in OpenTextReview.Verdict.values}
    unread = verdicts[None]
    return {
        "texts": n,
        "unread": unread,
        "reviewed": n - unread,
        "coded": coded,
        "uncoded": n - coded,
        **named,
    }


def standing_codings(round: Round) -> QuerySet[TextCoding]:
    """Codings of answers that count."""
    standing = TextCoding.objects.filter(text__round=round, text__response__state=Response.State.ACCEPTED)
    # Said the other way round: SQLite would begin with the index of what nothing superseded, which is all.
    return standing.exclude(text__response__superseded_by__isnull=False)


def check_sample(round: Round, item: str) -> list[int]:
    """Texts that a second person codes: the first by the keyed hash, at least 50 or a tenth, at most 300."""
    rows = OpenText.objects.standing().filter(round=round, item=item).order_by("shuffle")
    n = rows.count()
    size = min(CHECK_MOST, max(CHECK_LEAST, math.ceil(CHECK_SHARE * n)))
    return list(rows.values_list("pk", flat=True)[:size])


def agreement(round: Round, item: str) -> dict[str, Any]:
    """How far two coders agree on the texts that both have coded.

    Returns
    -------
    dict : "n" texts, "same" those with the very same themes, "sample" texts drawn for it, "settled" of those
        that differ, and "themes": per theme `stats.texts.coder_agreement` with "theme".
    """
    pairs: dict[int, dict[str, frozenset[int]]] = {}
    for coding in standing_codings(round).filter(text__item=item).prefetch_related("themes"):
        pairs.setdefault(coding.text_id, {})[coding.purpose] = frozenset(t.code for t in coding.themes.all())
    both = [pair for pair in pairs.values() if MAIN in pair and CHECK in pair]
    rows = []
    for theme in Theme.objects.filter(round=round, item=item, retired_at__isnull=True):
        first = [theme.code in pair[MAIN] for pair in both]
        second = [theme.code in pair[CHECK] for pair in both]
        rows.append({"theme": theme, **coder_agreement(first, second)})
    return {
        "n": len(both),
        "same": sum(pair[MAIN] == pair[CHECK] for pair in both),
        "settled": sum(pair[MAIN] != pair[CHECK] and SETTLED in pair for pair in both),
        "sample": len(check_sample(round, item)),
        "themes": rows,
    }


def theme_frame(round: Round) -> dict[str, dict[int, str]]:
    """{item: {theme code: its name}} of the round, retired themes left out."""
    frame: dict[str, dict[int, str]] = {}
    for theme in Theme.objects.filter(round=round, retired_at__isnull=True):
        frame.setdefault(theme.item, {})[theme.code] = theme.label
    return frame


def theme_rows(round: Round) -> dict[str, list[Any]]:
    """Coded open answers of responses that count, as columns of equal length: no word of what was said.

    Returns
    -------
    dict : "response_id" (text), "item", "place" ("family[2].job" in a repeat group, else the item) and
        "themes", a sorted list of codes of `theme_frame`, empty where the coder found none. What two people
        settled stands before what one of them coded. Answers that nobody has coded yet are not here: see
        `coding_progress` for how many they are. In the order of response and place.
    """
    codings = standing_codings(round).filter(purpose__in=(MAIN, SETTLED))
    parts = ("pk", "purpose", "text__response_id", "text__place", "text__item")
    # Settled comes after main, so that it stands where there are both.
    held = {
        (str(response), place): (pk, item)
        for pk, _purpose, response, place, item in codings.order_by("purpose").values_list(*parts)
    }
    themes: dict[int, list[int]] = {}
    for pk, code in (
        codings.filter(themes__isnull=False).order_by("themes__code").values_list("pk", "themes__code")
    ):
        themes.setdefault(pk, []).append(code)
    columns: dict[str, list[Any]] = {"response_id": [], "item": [], "place": [], "themes": []}
    for (response, place), (pk, item) in sorted(held.items()):
        for name, value in zip(columns, (response, item, place, themes.get(pk, [])), strict=True):
            columns[name].append(value)
    return columns


def coding_progress(round: Round) -> dict[str, dict[str, int]]:
    """{item: {"texts", "reviewed", "coded"}} of a round's open answers, whoever asks: counts only."""
    main = TextCoding.objects.filter(text=OuterRef("pk"), purpose=MAIN)
    rows = OpenText.objects.standing().filter(round=round).annotate(is_coded=Exists(main)).order_by()
    found: dict[str, dict[str, int]] = {}
    for item, verdict, is_coded in rows.values_list("item", "verdict", "is_coded"):
        counts = found.setdefault(item, {"texts": 0, "reviewed": 0, "coded": 0})
        counts["texts"] += 1
        counts["reviewed"] += verdict is not None
        counts["coded"] += is_coded
    return found


def quotable(round: Round) -> dict[str, list[str]]:
    """What a report may quote: columns "response_id", "item", "place", "wording" of what was cleared."""
    texts = OpenText.objects.standing().filter(round=round, verdict__in=QUOTABLE)
    texts = sorted(texts, key=lambda text: (str(text.response_id), text.place))
    wordings = _quotes(texts)
    columns: dict[str, list[str]] = {"response_id": [], "item": [], "place": [], "wording": []}
    for text in texts:
        if text.pk in wordings:
            row = (str(text.response_id), text.item, text.place, wordings[text.pk])
            for name, value in zip(columns, row, strict=True):
                columns[name].append(value)
    return columns
