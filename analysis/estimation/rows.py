"""Rows of a domain for estimators that work one domain at a time: masks, levels, labels."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimation.linearization import Design
from analysis.frames import ColumnSpec, combine_codes


def check_mask(design: Design, where: np.ndarray | None) -> np.ndarray:
    """The domain mask, all True by default; bool of shape (n_rows,)."""
    if where is None:
        return np.ones(design.n_rows, dtype=bool)
    mask = np.asarray(where)
    if mask.dtype != bool or mask.shape != (design.n_rows,):
        raise AnalysisError(f"where is a bool mask of shape ({design.n_rows},)")
    return mask


def each_domain(
    design: Design, by: ColumnSpec | Sequence[str] | None, where: np.ndarray | None
) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """({column: level}, mask) for every combination of levels with rows, the first column fastest."""
    inside = check_mask(design, where)
    if by is None:
        yield {}, inside
        return
    names = [by] if isinstance(by, str) else list(by)
    factors = [design.columns.factor(name) for name in names]
    known = np.logical_and.reduce([f.codes >= 0 for f in factors]) & inside
    if not known.any():
        raise AnalysisError("no row lies in any domain of " + ", ".join(names))
    codes, members = combine_codes([(f.codes[known], f.n_levels) for f in reversed(factors)])
    place = np.flatnonzero(known)
    for k in range(len(members[0])):
        mask = np.zeros(design.n_rows, dtype=bool)
        mask[place[codes == k]] = True
        levels = {n: f.levels[m[k]] for n, f, m in zip(names, factors, members[::-1], strict=True)}
        yield levels, mask
