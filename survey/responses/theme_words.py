"""Words of open answers, and the themes they point to: proposals that a coder takes or leaves. No Django."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import rjieba

from survey.stats.texts import telling_words

# Parts of speech that carry a subject (ICTCLAS tags, as jieba gives them): nouns, verbs, adjectives, idioms,
# set phrases, abbreviations, foreign words. Names of persons (nr) are none.
_CARRY = ("n", "v", "a", "i", "l", "j", "eng")
_NEVER = ("nr", "nrt", "nrfg")
_EMPTY = frozenset((
    "没有", "可以", "希望", "觉得", "建议", "感觉", "问题", "现在", "需要", "能够", "应该", "比较", "还有",
    "进行", "不能", "不要", "就是", "加强",
))  # fmt: skip
WORDS_SHOWN = 3


def words_of(text: str) -> frozenset[str]:
    """The words of a text that may tell its subject, Latin ones in lower case."""
    return frozenset(
        word.casefold()
        for word, tag in rjieba.tag(text)
        if len(word.strip()) > 1 and tag.startswith(_CARRY) and tag not in _NEVER and word not in _EMPTY
    )


@dataclass(frozen=True)
class Proposal:
    """A theme that a text's words point to."""

    code: int
    words: tuple[str, ...]


def theme_key_words(
    words: Mapping[int, Collection[str]], coded: Mapping[int, Collection[int]], labels: Mapping[int, str]
) -> dict[int, dict[str, float]]:
    """Theme code → {word: how telling it is}.

    Parameters
    ----------
    words : text → its words
    coded : text → themes that a person gave it; texts that nobody coded are absent
    labels : theme → its name. Its own words point to it from the first text on.
    """
    found = {}
    for code, label in labels.items():
        focus = [words[text] for text, codes in coded.items() if code in codes]
        others = [words[text] for text, codes in coded.items() if code not in codes]
        telling = {row["word"]: row["log_likelihood"] for row in telling_words(focus, others)}
        found[code] = dict.fromkeys(words_of(label), 0.0) | telling
    return found


def propose(words: Collection[str], key_words: Mapping[int, Mapping[str, float]]) -> list[Proposal]:
    """Themes that the words of one text point to, the surest first."""
    scored = []
    for code, telling in key_words.items():
        hits = sorted((word for word in words if word in telling), key=lambda word: (-telling[word], word))
        if hits:
            scored.append((-sum(telling[word] for word in hits), code, tuple(hits[:WORDS_SHOWN])))
    return [Proposal(code, hits) for _score, code, hits in sorted(scored)]


def words_beside(
    focus: Iterable[Collection[str]], others: Iterable[Collection[str]], most: int = 30
) -> list[dict[str, object]]:
    """What one item's answers speak of more than the other items' do; `stats.texts.telling_words`."""
    return telling_words(focus, others)[:most]
