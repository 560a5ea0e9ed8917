"""Scores and rates of this field: a rule turns answer codes into 0–100, and the rule is kept with the figure.

满意率 is a share (who chose the top categories), 满意度 a mean of scores: the same answers give figures from
42.5 to 84.1 depending on the rule, so no score travels without it. 不了解, 拒答 and skips never become 一般.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.frames import make_factor

# Five-level values in use in Chinese assessments; the 2002 national safety survey's published answers give
# 57.5, 66.0 and 64.06 under these three.
LINEAR_5 = (100.0, 75.0, 50.0, 25.0, 0.0)
DECIMAL_5 = (100.0, 80.0, 60.0, 40.0, 20.0)
STEPPED_5 = (100.0, 80.0, 60.0, 30.0, 0.0)


@dataclass(frozen=True)
class ScoringRule:
    """What each answer is worth, and which answers are no opinion.

    points : {answer code: points, usually 0–100}, the best answer first
    no_answer : codes that are answers without an opinion or no answer at all (don't know, refused, skipped);
        their share can be shown, but they never enter a mean
    """

    name: str
    points: Mapping[Any, float]
    no_answer: tuple = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", dict(self.points))
        object.__setattr__(self, "no_answer", tuple(self.no_answer))
        both = [code for code in self.no_answer if code in self.points]
        if both:
            raise AnalysisError(f"rule {self.name}: {both} have points and are also listed as no answer")
        if len(self.points) < 2:
            raise AnalysisError(f"rule {self.name}: a scale has at least two answers")
        bad = [code for code, value in self.points.items() if not np.isfinite(value)]
        if bad:
            raise AnalysisError(f"rule {self.name}: {bad} have no finite points")

    def describe(self) -> str:
        """One line for the note under a table."""
        shown = ", ".join(f"{code}→{value:g}" for code, value in self.points.items())
        left = f"; not scored: {', '.join(map(str, self.no_answer))}" if self.no_answer else ""
        return f"{self.name}: {shown}{left}"

    def reversed(self) -> "ScoringRule":
        """The rule for an item where agreeing is bad (“非常担心”): points in the opposite order."""
        values = list(self.points.values())[::-1]
        turned = dict(zip(self.points, values, strict=True))
        return ScoringRule(f"{self.name} (reversed)", turned, self.no_answer)

    def top(self, k: int) -> tuple:
        """The k answers with the most points (top-two box: k = 2)."""
        if not 0 < k < len(self.points):
            raise AnalysisError(
                f"rule {self.name} has {len(self.points)} answers; top {k} is no share of them"
            )
        ordered = sorted(self.points, key=lambda code: -self.points[code])
        if self.points[ordered[k - 1]] == self.points[ordered[k]]:
            raise AnalysisError(
                f"rule {self.name}: answers {k} and {k + 1} are worth the same, the top {k} is unclear"
            )
        return tuple(ordered[:k])

    def score(self, answers: np.ndarray) -> np.ndarray:
        """Points of each answer, float64 of shape (n,); NaN for no opinion and missing.

        Raises AnalysisError naming codes the rule does not know: a forgotten code must not vanish silently.
        """
        return self._lookup(answers, lambda code: float(self.points[code]) if code in self.points else np.nan)

    def top_share(self, answers: np.ndarray, k: int) -> np.ndarray:
        """1 in the top k answers, 0 in the others, NaN for no opinion and missing."""
        best = set(self.top(k))
        return self._lookup(answers, lambda code: float(code in best) if code in self.points else np.nan)

    def no_opinion(self, answers: np.ndarray) -> np.ndarray:
        """1 where the answer is one of `no_answer`, 0 for a scored answer, NaN where nothing was recorded."""
        return self._lookup(answers, lambda code: float(code in self.no_answer))

    def _lookup(self, answers: np.ndarray, value: Any) -> np.ndarray:
        factor = make_factor(np.asarray(answers))
        unknown = [v for v in factor.levels if v not in self.points and v not in self.no_answer]
        if unknown:
            raise AnalysisError(f"rule {self.name} does not know the answers {unknown[:10]}")
        table = np.array([value(level) for level in factor.levels] + [np.nan])
        return table[factor.codes]


def linear_rule(
    codes: Sequence[Any], *, best_first: bool = True, no_answer: Sequence[Any] = (), name: str = ""
) -> ScoringRule:
    """Equal steps from 100 to 0 over any number of answers (5: 100/75/50/25/0; 4: 100/66.7/33.3/0).

    codes : the answers in order, the best one first unless `best_first` is False
    no_answer : codes that are no opinion; they get no points
    """
    if len(codes) < 2:
        raise AnalysisError("a scale has at least two answers")
    values = np.linspace(100, 0, len(codes))
    ordered = list(codes) if best_first else list(codes)[::-1]
    points = dict(zip(ordered, (float(v) for v in values), strict=True))
    return ScoringRule(name or f"linear, {len(codes)} levels", points, tuple(no_answer))


def points_rule(
    codes: Sequence[Any], points: Sequence[float], *, no_answer: Sequence[Any] = (), name: str = ""
) -> ScoringRule:
    """Declared points, e.g. `points_rule(['安全', …], DECIMAL_5)`; codes and points in the same order."""
    if len(codes) != len(points):
        raise AnalysisError(f"{len(codes)} answers but {len(points)} values")
    label = name or "/".join(f"{p:g}" for p in points)
    return ScoringRule(label, dict(zip(codes, points, strict=True)), tuple(no_answer))


def numeric_rule(
    low: int, high: int, *, no_answer: Sequence[Any] = (), name: str = "", higher_is_better: bool = True
) -> ScoringRule:
    """A numeric scale low … high onto 0–100 (0–10: times 10; 1–10: (x − 1)·100/9)."""
    if high <= low:
        raise AnalysisError(f"a numeric scale needs low < high; got {low} … {high}")
    order = range(high, low - 1, -1) if higher_is_better else range(low, high + 1)
    span = high - low
    points = {v: 100.0 * ((v - low) if higher_is_better else (high - v)) / span for v in order}
    return ScoringRule(name or f"{low}–{high} linear", points, tuple(no_answer))


@dataclass(frozen=True)
class CompositeIndex:
    """A weighted mean of item scores per person, for those with enough valid items.

    items : {item: weight}; min_valid : valid items needed; None means at least half of them
    The index is a variable of each person, so its design-based error accounts for all components at once.
    """

    name: str
    items: Mapping[str, float]
    min_valid: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", dict(self.items))
        if not self.items or any(not np.isfinite(w) or w <= 0 for w in self.items.values()):
            raise AnalysisError(f"index {self.name}: needs items with positive weights")
        if not 1 <= self.needed <= len(self.items):
            raise AnalysisError(f"index {self.name}: min_valid lies between 1 and {len(self.items)}")

    @property
    def needed(self) -> int:
        return -(-len(self.items) // 2) if self.min_valid is None else self.min_valid

    def describe(self) -> str:
        weights = ", ".join(f"{item}×{w:g}" for item, w in self.items.items())
        return f"{self.name}: {weights}; needs {self.needed} of {len(self.items)} items"

    def compute(self, scores: Mapping[str, np.ndarray]) -> np.ndarray:
        """Index of each person, shape (n,): weighted mean over the valid items; NaN below the minimum."""
        absent = [item for item in self.items if item not in scores]
        if absent:
            raise AnalysisError(f"index {self.name}: no scores for {', '.join(absent)}")
        matrix = np.column_stack([np.asarray(scores[item], dtype=float) for item in self.items])
        weights = np.array(list(self.items.values()))
        valid = ~np.isnan(matrix)
        with np.errstate(invalid="ignore"):
            value = np.where(valid, matrix, 0.0) @ weights / (valid @ weights)
        return np.where(valid.sum(axis=1) >= self.needed, value, np.nan)
