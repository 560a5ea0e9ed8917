"""Draws from frames of millions of rows: two-stage PPS and stratified simple random samples, in arrays.

Floating point and numpy's generator: for planning, simulation and studies without a certificate. The draw
that anyone can redo is `analysis.selection.multistage`.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from analysis.errors import DesignError
from analysis.selection.methods import METHODS
from analysis.selection.probabilities import Numbers, pps_probabilities


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows of a frame by group (community, street), found once and used for many draws.

    sizes : rows of each group, shape (n_groups,)
    first : place in `order` of each group's first row, shape (n_groups,)
    order : rows sorted by group; None when they were so already
    """

    sizes: np.ndarray
    first: np.ndarray
    order: np.ndarray | None

    def rows(self, places: np.ndarray) -> np.ndarray:
        """Row numbers at places of the sorted frame."""
        return places if self.order is None else self.order[places]


def group_rows(codes: np.ndarray, n_groups: int) -> Groups:
    """Index the rows of a frame by their group codes 0 … n_groups-1, shape (n_rows,).

    Raises DesignError when a code is out of range.
    """
    codes = np.asarray(codes)
    if len(codes) and not (codes.min() >= 0 and codes.max() < n_groups):
        raise DesignError(f"group codes must lie in 0 … {n_groups - 1}")
    if np.all(codes[1:] >= codes[:-1]):
        sizes = np.bincount(codes, minlength=n_groups)
        return Groups(sizes, np.cumsum(sizes) - sizes, None)
    # Turning rows of one entry each into columns is a counting sort, and faster than numpy's sorts.
    width = np.int32 if max(len(codes), n_groups) < 2**31 else np.int64
    rows, codes = np.arange(len(codes) + 1, dtype=width), codes.astype(width)
    entries = sparse.csr_array(
        (np.ones(len(codes), dtype=np.int8), codes, rows), shape=(len(codes), n_groups)
    )
    columns = entries.tocsc()
    return Groups(
        np.diff(columns.indptr).astype(np.int64), columns.indptr[:-1].astype(np.int64), columns.indices
    )


@dataclass(frozen=True, eq=False)
class TwoStageDraw:
    """PSUs and rows drawn.

    psus : PSU numbers, ascending, shape (n_psus,); `psu_pi` their probabilities
    rows : row numbers of the frame, shape (n_rows,), PSU by PSU
    row_psu : the PSU of each row
    row_pi : probability of each row given its PSU
    """

    psus: np.ndarray
    psu_pi: np.ndarray
    rows: np.ndarray
    row_psu: np.ndarray
    row_pi: np.ndarray

    @property
    def pi(self) -> np.ndarray:
        """Inclusion probability of each row over both stages."""
        return (
            np.repeat(self.psu_pi, np.diff(np.searchsorted(self.row_psu, [*self.psus, np.inf]))) * self.row_pi
        )


def draw_two_stage_pps(
    groups: Groups,
    strata: np.ndarray,
    n_psus: Numbers,
    take: int,
    random: np.random.Generator,
    *,
    method: str = "systematic",
) -> TwoStageDraw:
    """In each stratum PSUs with probability proportional to their rows, in each of these `take` rows by SRS.

    Parameters
    ----------
    groups : the frame's rows by PSU.
    strata : stratum 0, 1, … of each PSU, shape (n_groups,).
    n_psus : PSUs to take in each stratum, shape (n_strata,).
    method : a name of `analysis.selection.methods.METHODS` that has a fixed size.

    Raises
    ------
    DesignError : more PSUs asked than a stratum has; a PSU drawn with fewer rows than `take`.
    """
    by_stratum = group_rows(strata, len(n_psus))
    psus, probabilities = [], []
    for stratum, n in enumerate(n_psus):
        start = by_stratum.first[stratum]
        members = by_stratum.rows(np.arange(start, start + by_stratum.sizes[stratum]))
        try:
            pi = pps_probabilities(groups.sizes[members], int(n)).pi
        except DesignError as error:
            raise DesignError(f"stratum {stratum}: {error}") from error
        taken = METHODS[method].draw(pi, random)
        psus.append(members[taken])
        probabilities.append(pi[taken])
    chosen, pi = np.concatenate(psus), np.concatenate(probabilities)
    order = np.argsort(chosen)
    chosen, pi = chosen[order], pi[order]
    sizes = groups.sizes[chosen]
    if len(sizes) and sizes.min() < take:
        small = int(chosen[np.argmin(sizes)])
        raise DesignError(
            f"PSU {small} has {sizes.min()} rows, fewer than the {take} to take: join it to a neighbour, or "
            f"take at most {groups.sizes[groups.sizes > 0].min()}"
        )
    places = groups.first[chosen][:, None] + srs_in_groups(sizes, take, random)
    return TwoStageDraw(
        chosen, pi, groups.rows(places.ravel()), np.repeat(chosen, take), np.repeat(take / sizes, take)
    )


def srs_in_groups(sizes: np.ndarray, take: int, random: np.random.Generator) -> np.ndarray:
    """`take` different positions 0 … size-1 in each group: shape (n_groups, take), all groups at once.

    Floyd's algorithm (Bentley & Floyd 1987, Comm. ACM 30, 754-757): for j = size-take … size-1 draw t from
    0 … j and take t, or j when t is taken already. Every set has the same chance.
    """
    chosen = np.empty((len(sizes), take), dtype=np.int64)
    uniform = random.random((take, len(sizes)))
    for i in range(take):
        j = sizes - take + i
        t = (uniform[i] * (j + 1)).astype(np.int64)
        chosen[:, i] = np.where((chosen[:, :i] == t[:, None]).any(axis=1), j, t)
    return chosen


def draw_stratified_srs(groups: Groups, takes: Numbers, random: np.random.Generator) -> np.ndarray:
    """Row numbers of a simple random sample of `takes[h]` rows in each group h, group by group.

    Raises DesignError when a group has fewer rows than its take.
    """
    takes = np.asarray(takes, dtype=np.int64)
    short = np.flatnonzero((takes > groups.sizes) | (takes < 0))
    if len(short):
        h = int(short[0])
        raise DesignError(f"stratum {h} has {groups.sizes[h]} rows; {takes[h]} cannot be taken")
    places = [
        first + random.choice(size, take, replace=False, shuffle=False)
        for first, size, take in zip(groups.first, groups.sizes, takes, strict=True)
    ]
    return groups.rows(np.concatenate(places)) if places else np.empty(0, dtype=np.int64)
