"""Model terms and their columns: numbers, categories against their first level, products."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimation.linearization import Design
from analysis.frames import Columns, Factor

INTERCEPT = "(intercept)"


@dataclass(frozen=True)
class Numeric:
    """A numeric term; `column` is a name or an array."""

    name: str
    column: Any = None


@dataclass(frozen=True)
class Categorical:
    """A categorical term, coded by indicators against its first level in use."""

    name: str
    column: Any = None


@dataclass(frozen=True)
class Interaction:
    """All products of the coded columns of its parts."""

    parts: tuple["Term", ...]

    @property
    def name(self) -> str:
        return ":".join(p.name for p in self.parts)


Term = Numeric | Categorical | Interaction


@dataclass(frozen=True)
class ModelColumns:
    """Design matrix with intercept: x (n_rows, p) with NaN where a term is missing, names, and which term
    each column belongs to (−1: intercept). `levels` keeps each category's levels in use for predictions.
    """

    x: np.ndarray
    names: tuple[str, ...]
    owner: np.ndarray
    terms: tuple[Term, ...]
    levels: Mapping[str, tuple]


def as_terms(terms: Sequence[str | Term], columns: Columns) -> tuple[Term, ...]:
    """Names become numeric terms if the column is numeric, else categorical."""
    out: list[Term] = []
    for term in terms:
        if not isinstance(term, str):
            out.append(term)
            continue
        kind = columns.array(term).dtype.kind
        out.append(Numeric(term) if kind in "fiub" else Categorical(term))
    return tuple(out)


def model_columns(design: Design, terms: Sequence[str | Term], mask: np.ndarray) -> ModelColumns:
    """Code the terms; levels without rows in `mask` are dropped, the first one left is the reference."""
    coded = as_terms(terms, design.columns)
    levels = _levels_in_use(design, coded, mask)
    # One array, filled term by term: at a million rows a second copy of it would be the peak of memory.
    x = np.empty((design.n_rows, 1 + sum(_width(term, levels) for term in coded)))
    x[:, 0] = 1.0
    names, owner = [INTERCEPT], [-1]
    for number, term in enumerate(coded):
        labels, block = _code(term, design.columns, levels)
        x[:, len(names) : len(names) + len(labels)] = block
        names += labels
        owner += [number] * len(labels)
    return ModelColumns(x, tuple(names), np.array(owner), coded, levels)


def _width(term: Term, levels: Mapping[str, tuple]) -> int:
    """Columns of a term."""
    parts = term.parts if isinstance(term, Interaction) else (term,)
    return math.prod(len(levels[p.name]) - 1 if isinstance(p, Categorical) else 1 for p in parts)


def new_columns(model: ModelColumns, data: Mapping[str, Sequence[Any]]) -> np.ndarray:
    """Design matrix of new data, coded as the model was."""
    columns = Columns({k: np.asarray(v) for k, v in data.items()})
    blocks = [np.ones((columns.n_rows, 1))]
    blocks += [_code(term, columns, model.levels)[1] for term in model.terms]
    return np.column_stack(blocks)


def _levels_in_use(design: Design, terms: Sequence[Term], mask: np.ndarray) -> dict[str, tuple]:
    out: dict[str, tuple] = {}
    usable = mask.copy()
    simple = [p for t in terms for p in (t.parts if isinstance(t, Interaction) else (t,))]
    for term in simple:
        values = design.columns.array(term.column if term.column is not None else term.name)
        if isinstance(term, Numeric) and values.dtype.kind == "f":
            usable &= ~np.isnan(values)
        elif isinstance(term, Categorical):
            usable &= _factor(term, design.columns).codes >= 0
    for term in simple:
        if isinstance(term, Categorical) and term.name not in out:
            factor = _factor(term, design.columns)
            used = np.unique(factor.codes[usable])
            if len(used) < 2:
                raise AnalysisError(f"category {term.name!r} has fewer than two levels in use")
            out[term.name] = tuple(factor.levels[k] for k in used)
    return out


def _factor(term: Categorical, columns: Columns) -> Factor:
    return columns.factor(term.column if term.column is not None else term.name)


def _code(term: Term, columns: Columns, levels: Mapping[str, tuple]) -> tuple[list[str], np.ndarray]:
    if isinstance(term, Numeric):
        values = columns.numeric(term.column if term.column is not None else term.name, f"term {term.name}")
        return [term.name], values[:, None]
    if isinstance(term, Categorical):
        factor = _factor(term, columns)
        place = {str(level): k for k, level in enumerate(levels[term.name])}
        lookup = np.array([place.get(str(level), -1) for level in factor.levels] + [-1])
        codes = lookup[factor.codes]
        kept = range(1, len(levels[term.name]))
        block = np.column_stack([np.where(codes < 0, np.nan, codes == k) for k in kept])
        return [f"{term.name}={levels[term.name][k]}" for k in kept], block
    labels, block = _code(term.parts[0], columns, levels)
    for part in term.parts[1:]:
        more, right = _code(part, columns, levels)
        # The first part's columns run fastest.
        block = (block[:, None, :] * right[:, :, None]).reshape(len(block), -1)
        labels = [f"{a}:{b}" for b in more for a in labels]
    return labels, block
