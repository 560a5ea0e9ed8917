"""Stages of selection: units numbered within their strata, with their sampling fractions, checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import DesignError
from analysis.frames import Columns, ColumnSpec, Factor, combine_codes

# 1 − f below this is a certainty stratum: no sampling, no variance. R survey uses the same bound.
CERTAINTY_GAP = 1e-7


@dataclass(frozen=True)
class Stage:
    """One stage of selection. Units are numbered so that those of a stratum are neighbours.

    parent : unit of the stage before (all 0 at stage 1), shape (n_units,)
    stratum : stratum of each unit, shape (n_units,); strata are numbered within parents
    starts : first unit of each stratum, shape (n_strata,)
    size : number of sampled units in each stratum, shape (n_strata,)
    fraction : sampling fraction of each unit; 0 means with replacement or an infinite population
    """

    parent: np.ndarray
    stratum: np.ndarray
    starts: np.ndarray
    size: np.ndarray
    fraction: np.ndarray
    labels: tuple[str, ...]

    @property
    def n_units(self) -> int:
        return len(self.stratum)

    @property
    def parent_starts(self) -> np.ndarray:
        """First unit of every parent; units are ordered by parent."""
        return np.flatnonzero(np.r_[True, np.diff(self.parent) != 0])

    @property
    def n_strata(self) -> int:
        return len(self.size)


def _as_list(spec: Any) -> list:
    """One column or a list of columns, as a list of columns."""
    if spec is None:
        return []
    if isinstance(spec, str):
        return [spec]
    if isinstance(spec, (list, tuple)) and spec and (isinstance(spec[0], str) or np.ndim(spec[0]) == 1):
        return list(spec)
    return [spec]


def build_stages(
    columns: Columns, raw: dict[str, Any], *, nest: bool, unequal: Any
) -> tuple[tuple[Stage, ...], np.ndarray]:
    """The stages whose variance is computed, and each row's unit of the last of them.

    raw : {'clusters', 'strata', 'fpc'} as given to `SurveyDesign`; unequal : inclusion probabilities differ
    """
    n = columns.n_rows
    ids = _as_list(raw["clusters"])
    strata = _as_list(raw["strata"])
    fpcs = _as_list(raw["fpc"])
    n_stages = max(len(ids), 1)
    if len(strata) > n_stages or len(fpcs) > n_stages:
        raise DesignError(
            f"{n_stages} stage(s) of clusters, but {len(strata)} of strata and {len(fpcs)} of fpc"
        )
    # Without any fpc the later stages do not enter the variance; a missing later fpc ends the recursion too.
    computed = max(len(fpcs), 1)
    parent_row = np.zeros(n, dtype=np.int64)
    names: Sequence[str] = ("",)
    stages: list[Stage] = []
    for s in range(computed):
        h = _complete(columns, strata[s], f"strata, stage {s + 1}") if s < len(strata) else None
        unit = _complete(columns, ids[s], f"clusters, stage {s + 1}") if ids else None
        check = s == 0 and not nest
        stage, parent_row, names = _one_stage(parent_row, names, h, unit, check_nested=check)
        if s < len(fpcs):
            fraction = _fractions(
                columns.numeric(fpcs[s], "fpc"), stage, parent_row, s + 1, vary=unequal is not None
            )
            stage = Stage(stage.parent, stage.stratum, stage.starts, stage.size, fraction, stage.labels)
        stages.append(stage)
    if isinstance(unequal, str) and unequal == "brewer" and not fpcs:
        raise DesignError("unequal='brewer' needs the inclusion probabilities in fpc")
    return tuple(stages), parent_row


def _complete(columns: Columns, spec: ColumnSpec, what: str) -> Factor:
    factor = columns.factor(spec)
    missing = np.zeros(0) if factor.complete else np.flatnonzero(factor.codes < 0)
    if len(missing):
        raise DesignError(f"{what}: {len(missing)} row(s) have no value, the first is row {missing[0]}")
    return factor


def _check_nested(unit: Factor, strata: Factor, members: list[np.ndarray]) -> None:
    """`members` are the strata and clusters of the units found: a cluster found twice lies in two strata."""
    wrong = np.flatnonzero(np.bincount(members[1], minlength=unit.n_levels) > 1)
    if len(wrong):
        u = wrong[0]
        first, second = members[0][members[1] == u][:2]
        raise DesignError(
            f"{len(wrong)} cluster id(s) occur in two strata, e.g. {unit.levels[u]!r} in "
            f"{strata.levels[first]!r} and {strata.levels[second]!r}. If ids start again in every stratum, "
            "say nest=True."
        )


class _Names(Sequence):
    """Names of units, made when a message asks for them."""

    def __init__(self, levels: tuple, codes: np.ndarray) -> None:
        self._levels, self._codes = levels, codes

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, index: int) -> str:
        return str(self._levels[self._codes[index]])


def _one_stage(
    parent_row: np.ndarray,
    parents: Sequence[str],
    strata: Factor | None,
    unit: Factor | None,
    *,
    check_nested: bool,
) -> tuple[Stage, np.ndarray, Sequence[str]]:
    """Number the units of a stage within their strata: the stage, each row's unit, and the units' names.

    parents : names of the units of the stage before; one empty name at stage 1
    """
    n_parents = len(parents)
    n = len(parent_row)
    if n_parents == 1 and strata is not None:
        if strata.all_used:
            row_stratum, own = strata.codes, np.arange(strata.n_levels)
        else:
            row_stratum, (own,) = combine_codes([(strata.codes, strata.n_levels)])
        members = [np.zeros_like(own), own]
    else:
        parts = [(parent_row, n_parents)]
        if strata is not None:
            parts.append((strata.codes, strata.n_levels))
        row_stratum, members = combine_codes(parts)
    n_strata = len(members[0])
    if unit is None:
        order = np.argsort(row_stratum, kind="stable")
        row_unit = np.empty(n, dtype=np.int64)
        row_unit[order] = np.arange(n)
        stratum = row_stratum[order]
        names: Sequence[str] = range(n)
    else:
        row_unit, units = combine_codes([(row_stratum, n_strata), (unit.codes, unit.n_levels)])
        stratum = units[0]
        names = _Names(unit.levels, units[1])
        if check_nested and strata is not None:
            _check_nested(unit, strata, [members[1][stratum], units[1]])
    size = np.bincount(stratum, minlength=n_strata)
    starts = np.concatenate([[0], np.cumsum(size)[:-1]])
    if strata is None:
        labels = tuple(str(parents[p]) for p in members[0]) if n_parents > 1 else ("the whole sample",)
    else:
        labels = tuple(str(strata.levels[c]) for c in members[1])
    stage = Stage(members[0][stratum], stratum, starts, size, np.zeros(len(stratum)), labels)
    return stage, row_unit, names


def _fractions(
    values: np.ndarray, stage: Stage, row_unit: np.ndarray, number: int, *, vary: bool
) -> np.ndarray:
    """Sampling fraction of each unit from counts or fractions; constant in a stratum unless `vary`."""
    if np.isnan(values).any():
        raise DesignError(f"fpc, stage {number}: row {int(np.flatnonzero(np.isnan(values))[0])} has no value")
    if (values <= 0).any():
        raise DesignError(f"fpc, stage {number}: row {int(np.flatnonzero(values <= 0)[0])} is not positive")
    per_unit = np.empty(stage.n_units)
    per_unit[row_unit] = values
    reference = per_unit if vary else per_unit[stage.starts][stage.stratum]
    differ = np.flatnonzero(~np.isclose(values, reference[row_unit], rtol=1e-9, atol=0))
    if len(differ):
        h = stage.stratum[row_unit[differ[0]]]
        raise DesignError(
            f"fpc, stage {number}: row {int(differ[0])} says {values[differ[0]]:g}, another row of the same "
            f"{'unit' if vary else 'stratum'} ({stage.labels[h]}) says {reference[row_unit[differ[0]]]:g}"
        )
    if (values <= 1).all():
        return per_unit
    if vary:
        raise DesignError(
            f"fpc, stage {number}: inclusion probabilities are at most 1; the largest is {values.max():g}"
        )
    size = stage.size[stage.stratum]
    small = np.flatnonzero(per_unit < size * (1 - 1e-9))
    if len(small):
        h = stage.stratum[small[0]]
        raise DesignError(
            f"fpc, stage {number}: stratum {stage.labels[h]} has {stage.size[h]} sampled units but a "
            f"population of {per_unit[small[0]]:g}"
        )
    return np.where(np.isinf(per_unit), 0.0, size / per_unit)
