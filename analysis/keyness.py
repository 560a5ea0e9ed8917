"""Keyness: which words set one collection of texts apart from another.

Words are counted by the texts that hold them, not by their occurrences: one person who repeats a word ten
times is one person. The statistic ranks words for a reader; it is no test of a claim, because a text's words
are not drawn independently and nothing corrects for their number.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from analysis.errors import AnalysisError

# Rayson, Berridge & Francis (2004), Extending the Cochran rule for the comparison of word frequencies between
# corpora (JADT 2004): above 15.13 (the 99.99 % point of χ² with 1 df) the statistic can be relied on from
# expected counts of 1 upwards.
RELIABLE = 15.13


@dataclass(frozen=True)
class KeyWord:
    """One word that the focus texts hold more often than the others.

    focus, reference : texts that hold it; log_likelihood : G², 1 df; log_ratio : binary logarithm of the
    ratio of the two shares, 1 = twice as often (Hardie 2014); a count of 0 is taken as half a text.
    """

    word: str
    focus: int
    reference: int
    log_likelihood: float
    log_ratio: float


def log_likelihood(a: np.ndarray, b: np.ndarray, n_focus: int, n_reference: int) -> np.ndarray:
    """G² of 2×2 tables: `a` of `n_focus` texts hold the word, `b` of `n_reference`.

    Parameters
    ----------
    a, b : integer arrays of shape (n_words,)

    Returns
    -------
    ndarray of shape (n_words,), 0 where the shares are equal

    Raises
    ------
    AnalysisError : a collection is empty, or a count lies outside it

    Notes
    -----
    2·Σ O·ln(O/E) over the four cells (Dunning 1993, Computational Linguistics 19(1), 61–74). Rayson & Garside
    (2000, Comparing corpora using frequency profiling) sum the two cells of texts *with* the word only, which
    is the same thing for rare words; the full sum is also right for a word that half of the texts hold.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if n_focus < 1 or n_reference < 1:
        raise AnalysisError("keyness needs at least one text on each side")
    if np.any((a < 0) | (a > n_focus)) or np.any((b < 0) | (b > n_reference)):
        raise AnalysisError("a word cannot be in fewer than 0 texts or in more than there are")
    share = (a + b) / (n_focus + n_reference)
    total = np.zeros(np.broadcast(a, b).shape)
    for observed, size, part in (
        (a, n_focus, share),
        (b, n_reference, share),
        (n_focus - a, n_focus, 1 - share),
        (n_reference - b, n_reference, 1 - share),
    ):
        expected = size * part
        total += xlogy(observed, np.divide(observed, expected, out=np.ones_like(total), where=expected > 0))
    return np.maximum(2 * total, 0)


def key_words(
    focus: Iterable[Collection[str]],
    reference: Iterable[Collection[str]],
    *,
    least_texts: int = 3,
    least_likelihood: float = RELIABLE,
) -> list[KeyWord]:
    """Words that texts of `focus` hold more often than those of `reference`, the most telling first.

    Parameters
    ----------
    focus, reference : one collection of words per text; a word counts once a text
    least_texts : focus texts that must hold a word
    least_likelihood : smallest G² shown

    Returns
    -------
    list, by G² downwards, then by word; empty where a side is empty
    """
    ours, others = Counter[str](), Counter[str]()
    n_focus = _count(focus, ours)
    n_reference = _count(reference, others)
    words = sorted(word for word, n in ours.items() if n >= least_texts)
    if not words or not n_reference:
        return []
    a = np.array([ours[word] for word in words])
    b = np.array([others[word] for word in words])
    strength = log_likelihood(a, b, n_focus, n_reference)
    ratio = np.log2((np.maximum(a, 0.5) / n_focus) / (np.maximum(b, 0.5) / n_reference))
    found = [
        KeyWord(word, int(a[i]), int(b[i]), float(strength[i]), float(ratio[i]))
        for i, word in enumerate(words)
        if a[i] * n_reference > b[i] * n_focus and strength[i] >= least_likelihood
    ]
    return sorted(found, key=lambda key: (-key.log_likelihood, key.word))


def _count(texts: Iterable[Collection[str]], counts: Counter[str]) -> int:
    n = 0
    for words in texts:
        n += 1
        counts.update(set(words))
    return n
