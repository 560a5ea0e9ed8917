"""What the page of open answers shows: its lists, its cards, their proposals."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from survey.accounts.models import User
from survey.accounts.policies import may
from survey.questionnaires.document import item_index, text_in
from survey.responses.identifying import pieces, without
from survey.responses.models import OpenText, OpenTextReview, TextCoding, Theme
from survey.responses.open_texts import (
    CHECK,
    MAIN,
    SETTLED,
    ReadText,
    check_sample,
    raw_or_quoted,
    read,
    standing_codings,
    texts_of,
)
from survey.responses.services import open_items
from survey.responses.theme_words import propose, theme_key_words, words_of
from survey.studies.models import Round

PER_PAGE = 40
LEARN_FROM = 1000  # coded answers, a random sample by their order: more teach no other words and cost a wait
UNREAD, UNCODED, TO_CHECK, DIFFER = "unread", "uncoded", "check", "differ"
# Lists of what is still to be done: they go on after the last card, because the cards behind it leave them.
WORK = (UNREAD, UNCODED, TO_CHECK, DIFFER)
LISTS = {
    UNREAD: _("还没审的"),
    UNCODED: _("还没编主题的"),
    TO_CHECK: _("抽来复核的"),
    DIFFER: _("两人不一致的"),
    "all": _("全部"),
    "cleared": _("可以引用"),
    "redacted": _("隐去后可以引用"),
    "withheld": _("不引用"),
}
HINT_WORDS = {
    "identity_number": _("（身份证号）"),
    "mobile": _("（电话）"),
    "landline": _("（电话）"),
    "email": _("（邮箱）"),
    "account": _("（账号）"),
    "plate": _("（车牌）"),
    "dwelling": _("（楼号门牌）"),
    "person": _("（某人）"),
}
# One key a theme; digits are for the review, j and k for going on and back.
KEYS = "qwertyuiopasdfghlzxcvbnm"


@dataclass
class ThemeChoice:
    """One theme on a card."""

    code: int
    label: str
    key: str
    chosen: bool
    words: tuple[str, ...] = ()  # why it is proposed; empty where it is not


@dataclass
class Card:
    """One open answer with what can be done to it."""

    read: ReadText
    marked: list[tuple[str, str]]
    proposal: str
    purpose: str
    themes: list[ThemeChoice]
    may_review: bool
    may_code: bool
    others: list[tuple[str, list[str]]] = field(default_factory=list)  # (who, themes), where two differ
    coding: TextCoding | None = None


def open_items_of(round_: Round) -> list[tuple[str, str]]:
    """(name, question) of the items answered in words, in the questionnaire's order."""
    if round_.questionnaire_version is None:
        return []
    document = round_.questionnaire_version.document
    names = open_items(document)
    language = document["default_language"]
    return [
        (name, text_in(item.get("label"), language, document))
        for name, (_block, item) in item_index(document).items()
        if name in names
    ]


def listed(user: User, round_: Round, item: str, name: str) -> QuerySet[OpenText]:
    """The texts of one list, in the readers' order."""
    rows = texts_of(user, round_, item).order_by("shuffle")
    if name == UNREAD:
        return rows.filter(verdict__isnull=True)
    if name == UNCODED:
        return rows.filter(is_coded=False)
    if name == TO_CHECK:
        mine = TextCoding.objects.filter(purpose=MAIN, coder=user).values("text")
        checked = TextCoding.objects.filter(purpose=CHECK).values("text")
        sample = rows.filter(pk__in=check_sample(round_, item))
        return sample.exclude(pk__in=mine).exclude(pk__in=checked)
    if name == DIFFER:
        return rows.filter(pk__in=_differing(round_, item))
    if name in OpenTextReview.Verdict.values:
        return rows.filter(verdict=name)
    if name.startswith("theme-") and name[6:].isdigit():
        codings = TextCoding.objects.filter(purpose=MAIN, themes__code=int(name[6:]))
        return rows.filter(pk__in=codings.values("text"))
    return rows


def _differing(round_: Round, item: str) -> list[int]:
    found: dict[int, dict[str, frozenset[int]]] = {}
    for coding in standing_codings(round_).filter(text__item=item).prefetch_related("themes"):
        found.setdefault(coding.text_id, {})[coding.purpose] = frozenset(t.code for t in coding.themes.all())
    return [
        pk
        for pk, kinds in found.items()
        if {MAIN, CHECK} <= set(kinds) and SETTLED not in kinds and kinds[MAIN] != kinds[CHECK]
    ]


def holding(user: User, rows: QuerySet[OpenText], words: str) -> QuerySet[OpenText]:
    """Of these, the ones whose wording holds `words`."""
    if not words:
        return rows
    wanted = words.casefold()
    pks = [pk for pk, wording in raw_or_quoted(user, rows).items() if wanted in wording.casefold()]
    return rows.filter(pk__in=pks)


def frame_of(round_: Round, item: str) -> list[Theme]:
    """The item's themes in use."""
    return list(Theme.objects.filter(round=round_, item=item, retired_at__isnull=True))


def key_words_of(user: User, round_: Round, item: str, frame: list[Theme]) -> dict[int, dict[str, float]]:
    """The words that point to each theme, learnt from what this user may read of the coded answers."""
    if not frame:
        return {}
    codings = standing_codings(round_).filter(purpose=MAIN, text__item=item).order_by("text__shuffle")
    coded = {
        coding.text_id: {theme.code for theme in coding.themes.all()}
        for coding in codings.prefetch_related("themes")[:LEARN_FROM]
    }
    wordings = raw_or_quoted(user, texts_of(user, round_, item).filter(pk__in=coded))
    words = {pk: words_of(wording) for pk, wording in wordings.items()}
    coded = {pk: codes for pk, codes in coded.items() if pk in words}
    return theme_key_words(words, coded, {theme.code: theme.label for theme in frame})


def cards_of(
    user: User, round_: Round, texts: Iterable[OpenText], name: str, frame: list[Theme], telling: Any
) -> list[Card]:
    """The cards of these texts on the list called `name`."""
    purpose = {TO_CHECK: CHECK, DIFFER: SETTLED}.get(name, MAIN)
    return [_card(user, each, purpose, frame, telling) for each in read(user, round_, list(texts))]


def _card(user: User, read_text: ReadText, purpose: str, frame: list[Theme], telling: Any) -> Card:
    wording = read_text.shown or ""
    coding = read_text.codings.get(purpose)
    # Who checks, or has not coded yet, sees proposals; a coding that stands needs none.
    proposals = {} if coding else {p.code: p.words for p in propose(words_of(wording), telling)}
    chosen = {theme.code for theme in coding.themes.all()} if coding else set()
    choices = [
        ThemeChoice(
            theme.code,
            theme.label,
            KEYS[place] if place < len(KEYS) else "",
            theme.code in chosen,
            proposals.get(theme.code, ()),
        )
        for place, theme in enumerate(frame)
    ]
    others = []
    if purpose == SETTLED:
        others = [
            (str(made.coder or "—"), [theme.label for theme in made.themes.all()])
            for made in (read_text.codings.get(MAIN), read_text.codings.get(CHECK))
            if made is not None
        ]
    raw = read_text.said is not None
    words = {kind: str(word) for kind, word in HINT_WORDS.items()}
    return Card(
        read=read_text,
        marked=pieces(wording) if raw else [(wording, "")],
        proposal=read_text.quoted or without(wording, words),
        purpose=purpose,
        themes=choices,
        may_review=raw and may(user, "texts.review", read_text.text.response.region),
        may_code=bool(frame) and read_text.shown is not None,
        others=others,
        coding=coding,
    )
