"""What the weights cost, as plain numbers for a page."""

from typing import Any

import numpy as np

from analysis.weighting import diagnose
from survey.stats.recipe import CALIBRATION, POSTSTRATIFICATION, TRIMMING, limit_of
from survey.stats.weights import SEXES, Weighted

BINS = 20
QUARTILES = ("minimum", "q1", "median", "q3", "maximum")
AT_THE_MARGINS = (TRIMMING, POSTSTRATIFICATION, CALIBRATION)


def diagnostics_of(weighted: Weighted) -> dict[str, Any]:
    """Summary of the final weights and their histogram.

    {"n", "mean", "median", "minimum", "maximum", "max_over_mean", "kish_effect", "n_effective",
    "extreme_limit", "n_extreme", "n_trimmed", "histogram": {"edges", "counts"}, "steps", "margins"}; extreme:
    above the median plus six interquartile ranges (Potter & Zheng 2015). `steps` and `margins` as below.
    """
    weights = weighted.weights[weighted.weights > 0]
    found = diagnose(weights)
    counts, edges = np.histogram(weights, bins=BINS)
    return {
        "n": int(found.n),
        "mean": float(found.mean),
        "median": float(found.median),
        "minimum": float(found.minimum),
        "maximum": float(found.maximum),
        "max_over_mean": float(found.max_over_mean),
        "kish_effect": float(found.kish_deff),
        "n_effective": float(found.n_effective),
        "extreme_limit": float(found.extreme_limit),
        "n_extreme": int(np.sum(found.extreme)) if found.extreme.dtype == bool else len(found.extreme),
        "n_trimmed": _trimmed(weighted),
        "steps": factor_rows(weighted),
        "margins": margin_rows(weighted),
        "histogram": {"edges": [float(e) for e in edges], "counts": [int(c) for c in counts]},
    }


def factor_rows(weighted: Weighted) -> list[dict[str, Any]]:
    """Each step's factor over the answers: [{"step", "minimum", "q1", "median", "q3", "maximum"}]."""
    rows = weighted.weights > 0
    return [
        {"step": step}
        | dict(zip(QUARTILES, np.quantile(factor[rows], [0, 0.25, 0.5, 0.75, 1]).tolist(), strict=True))
        for step, factor in weighted.factors.items()
    ]


def margin_rows(weighted: Weighted) -> list[dict[str, Any]]:
    """Districts, sexes and age groups, before and after the weights met the population.

    [{"margin": "district", "sex" or "age", "level", "before", "after", "population"}], shares 0–1 of a margin
    among those who told; `level` is a district as given, "male" or "female", or the number of an age group.
    """
    cases, totals = weighted.recipe.cases, weighted.recipe.post.totals
    before = _persons(weighted)
    levels: dict[str, tuple[np.ndarray, list[Any]]] = {
        "district": (cases.district, sorted({key[0] for key in totals})),
        "sex": (cases.sex, list(SEXES)),
        "age": (cases.band, sorted({key[2] for key in totals})),
    }
    found = []
    for place, (margin, (column, names)) in enumerate(levels.items()):
        people = [sum(n for key, n in totals.items() if key[place] == name) for name in names]
        shares = [_shares(w, column, names) for w in (before, weighted.weights)]
        for k, name in enumerate(names):
            found.append(
                {
                    "margin": margin,
                    "level": str(name),
                    "before": shares[0][k],
                    "after": shares[1][k],
                    "population": people[k] / sum(people),
                }
            )
    return found


def _shares(weights: np.ndarray, column: np.ndarray, names: list[Any]) -> list[float]:
    sums = [float(weights[column == name].sum()) for name in names]
    whole = sum(sums)
    return [value / whole if whole > 0 else 0.0 for value in sums]


def _trimmed(weighted: Weighted) -> int:
    """Answers whose weight lay above the limit that the recipe's rule set, and was cut to it."""
    recipe, rule = weighted.recipe, weighted.recipe.options.trimming
    if not rule:
        return 0
    start = _persons(weighted)
    if rule.get("iterate", True):  # the limit is then of weights that meet the margins
        start = recipe.to_margins(start)
    return int((start > limit_of(start, rule) * (1 + 1e-9)).sum())


def _persons(weighted: Weighted) -> np.ndarray:
    """Weights of the answers before margins were looked at, shape (n_cases,)."""
    before = np.prod([f for step, f in weighted.factors.items() if step not in AT_THE_MARGINS], axis=0)
    return np.where(weighted.recipe.cases.responded, before, 0.0)
