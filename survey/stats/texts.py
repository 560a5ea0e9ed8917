"""Words that set open answers apart, and how far two coders agree."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from django.utils.translation import gettext as _

from analysis.design import SurveyDesign
from analysis.inference.agreement import cohen_kappa
from analysis.keyness import RELIABLE, key_words
from survey.stats.refusals import refusals


def telling_words(
    focus: Iterable[Collection[str]],
    reference: Iterable[Collection[str]],
    *,
    least_texts: int = 3,
    least_likelihood: float = RELIABLE,
) -> list[dict[str, Any]]:
    """[{"word", "focus", "reference", "log_likelihood", "log_ratio"}], the most telling first.

    `focus` and `reference` hold one collection of words per text; counts are of texts.
    """
    found = key_words(focus, reference, least_texts=least_texts, least_likelihood=least_likelihood)
    return [vars(word) for word in found]


def coder_agreement(first: Sequence[bool], second: Sequence[bool]) -> dict[str, Any]:
    """How far two people agree on whether texts have one theme.

    Returns
    -------
    dict : "n" texts, "agreed" share, "kappa" (Cohen) with its 95 % interval "low", "high" (cut at 1); these
        three are None where both gave the theme to no text, or to all: nothing to agree on beyond chance.
    """
    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    found: dict[str, Any] = {"n": int(a.size), "agreed": None, "kappa": None, "low": None, "high": None}
    if not a.size:
        return found
    found["agreed"] = float(np.mean(a == b))
    either = np.concatenate([a, b])
    if a.size < 2 or either.all() or not either.any():
        return found
    # Both categories are named, for the coder who never used one of them.
    columns = {
        name: pd.Categorical.from_codes(x.astype(int), ["no", "yes"])
        for name, x in (("first", a), ("second", b))
    }
    with refusals(_("两人编码是否一致")):
        design = SurveyDesign(pd.DataFrame(columns), weights=np.ones(a.size))
        result = cohen_kappa(design, "first", "second")
    low, high = (float(end[0]) for end in result.ci(0.95))
    return found | {"kappa": float(result.estimate[0]), "low": low, "high": min(high, 1.0)}
