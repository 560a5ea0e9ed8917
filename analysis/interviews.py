"""What is odd about single interviews: pace, patterns, twins, ways and places. Measures, not verdicts."""

from collections.abc import Sequence

import numpy as np

from analysis.errors import AnalysisError

CHUNK = 2048  # rows whose likeness to all others is held at once
EARTH_M = 6_371_008.8  # mean radius, WGS 84


def pace_ratio(duration_s: np.ndarray, n_items: np.ndarray) -> np.ndarray:
    """Seconds per item as a ratio to the team's median, so that a long path is not slow.

    Parameters
    ----------
    duration_s, n_items : shape (n,); a duration of 0 or NaN, and no items, give NaN
    """
    seconds, items = np.asarray(duration_s, dtype=float), np.asarray(n_items, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where((seconds > 0) & (items > 0), seconds / items, np.nan)
    if np.isnan(each).all():
        return each
    return each / np.nanmedian(each)


def flat_blocks(codes: np.ndarray, blocks: Sequence[Sequence[int]], *, least: int = 4) -> np.ndarray:
    """How many blocks of items an interview answers with one and the same code.

    Parameters
    ----------
    codes : shape (n, k), −1 where an item has no substantive answer
    blocks : column numbers of items that share one scale and stand together
    least : a block counts only with so many answers
    """
    found = np.zeros(len(codes), dtype=int)
    for block in blocks:
        part = np.asarray(codes)[:, list(block)]
        answered = part >= 0
        high = np.where(answered, part, -1).max(axis=1)
        low = np.where(answered, part, np.iinfo(part.dtype).max).min(axis=1)
        found += (answered.sum(axis=1) >= least) & (high == low)
    return found


def closest_match(
    codes: np.ndarray, *, group: np.ndarray | None = None, within: bool | None = None, least: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """Each interview's nearest neighbour by the share of equal answers: (share, row of the neighbour).

    Parameters
    ----------
    codes : shape (n, k), small whole numbers; −1 is no answer and never equal
    group : shape (n,), e.g. who asked; within=True looks inside the group only, False outside only
    least : pairs with fewer items answered by both are not compared

    Returns
    -------
    share (n,) in [0, 1], NaN without any comparable pair; neighbour (n,), −1 likewise

    Notes
    -----
    One matrix product per chunk of rows over indicator columns: n²·k·levels multiplications, memory O(n).
    Percent match: Kuriakose & Robbins 2016, Statistical Journal of the IAOS 32, 283–291; a fixed limit is
    not safe (Simmons et al. 2016, Pew Research Center), which is why the callers compare with a reference.
    """
    codes = np.asarray(codes)
    n = len(codes)
    valid = (codes >= 0).astype(np.float32)
    levels = range(int(codes.max(initial=-1)) + 1)
    marks = np.concatenate([(codes == level) for level in levels] or [valid > 1], axis=1).astype(np.float32)
    share, neighbour = np.full(n, np.nan), np.full(n, -1)
    labels = None if group is None else np.unique(group, return_inverse=True)[1]
    for first in range(0, n, CHUNK):
        rows = slice(first, min(first + CHUNK, n))
        both = valid[rows] @ valid.T
        with np.errstate(invalid="ignore", divide="ignore"):
            equal = np.where(both >= least, (marks[rows] @ marks.T) / both, -1.0)
        here = np.arange(rows.start, rows.stop)
        equal[np.arange(len(here)), here] = -1.0
        if within is not None and labels is not None:
            equal[(labels[rows][:, None] == labels[None, :]) != within] = -1.0
        best = equal.argmax(axis=1)
        value = equal[np.arange(len(here)), best]
        share[rows], neighbour[rows] = np.where(value >= 0, value, np.nan), np.where(value >= 0, best, -1)
    return share, neighbour


def closeness(codes: np.ndarray, *, least: int = 10) -> np.ndarray:
    """Mean squared distance of an interview's answers from the items' means, in units of their variance.

    Real people are about 1. Made-up answers lie nearer: who invents thinks of "people here" and forgets how
    different people are (Menold & Kemper 2014, Int. J. of Public Opinion Research 26, 41–65).

    Parameters
    ----------
    codes : shape (n, k) of ordered scales, −1 without an answer
    least : interviews with fewer answers give NaN
    """
    values = np.where(np.asarray(codes) >= 0, codes, np.nan).astype(float)
    answered = np.isfinite(values)
    usable = answered.sum(axis=0) > 1
    values, answered = values[:, usable], answered[:, usable]
    mean, variance = np.nanmean(values, axis=0), np.nanvar(values, axis=0)
    values, answered = values[:, variance > 0], answered[:, variance > 0]
    squares = (values - mean[variance > 0]) ** 2 / variance[variance > 0]
    counts = answered.sum(axis=1)
    sums = np.where(answered, squares, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts >= least, sums / counts, np.nan)


def gaps_and_ways(
    start_s: np.ndarray, end_s: np.ndarray, place_m: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each interview and the one before it by the same person: (gap in seconds, metres between, row before).

    Parameters
    ----------
    start_s, end_s : shape (n,), clock seconds
    place_m : shape (n, 2) metres, NaN where unknown (`to_metres`)
    group : shape (n,), who asked; a negative gap means that two interviews overlap

    Returns
    -------
    three arrays of shape (n,): NaN, NaN and −1 for the first of each person; metres NaN without a place
    """
    start, end = np.asarray(start_s, dtype=float), np.asarray(end_s, dtype=float)
    n = len(start)
    gap, way, before = np.full(n, np.nan), np.full(n, np.nan), np.full(n, -1)
    order = np.lexsort((start, group))
    order = order[np.isfinite(start[order]) & np.isfinite(end[order])]
    if len(order) < 2:
        return gap, way, before
    a, b = order[:-1], order[1:]
    same = np.asarray(group)[a] == np.asarray(group)[b]
    a, b = a[same], b[same]
    gap[b], before[b] = start[b] - end[a], a
    way[b] = np.hypot(*(np.asarray(place_m)[b] - np.asarray(place_m)[a]).T)
    return gap, way, before


def to_metres(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Degrees to metres east and north of the middle point, shape (n, 2); good to 0.1 % within a city."""
    lat, lng = np.radians(np.asarray(latitude, dtype=float)), np.radians(np.asarray(longitude, dtype=float))
    if np.isnan(lat).all():
        return np.full((len(lat), 2), np.nan)
    middle = np.nanmedian(lat)
    return EARTH_M * np.column_stack([(lng - np.nanmedian(lng)) * np.cos(middle), lat - middle])


def distance_from_others(
    place_m: np.ndarray, area: np.ndarray, group: np.ndarray, *, least: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """How far from the middle of an area an interview was recorded, and how far colleagues usually are.

    Parameters
    ----------
    place_m : shape (n, 2) metres, NaN where unknown
    area, group : shape (n,), e.g. community and who asked
    least : places by others that an area needs; with fewer both results are NaN

    Returns
    -------
    distance (n,) from the median place of the *others* in the area; reach (n,): the 95 % quantile of their
    own distances from it

    Notes
    -----
    A household's own place is not known beforehand (lists hold addresses), so colleagues are the yardstick.
    """
    place = np.asarray(place_m, dtype=float)
    known = np.isfinite(place).all(axis=1)
    distance, reach = np.full(len(place), np.nan), np.full(len(place), np.nan)
    areas, groups = np.asarray(area), np.asarray(group)
    for where in np.unique(areas[known]):
        here = np.flatnonzero(known & (areas == where))
        for who in np.unique(groups[here]):
            mine, others = here[groups[here] == who], here[groups[here] != who]
            if len(others) < least:
                continue
            middle = np.median(place[others], axis=0)
            reach[mine] = np.quantile(np.hypot(*(place[others] - middle).T), 0.95)
            distance[mine] = np.hypot(*(place[mine] - middle).T)
    return distance, reach


def alike_pictures(
    fingerprints: np.ndarray, doors: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The picture nearest to each by 64-bit fingerprint: (bits that differ, row); 65 and −1 without any.

    Parameters
    ----------
    fingerprints : shape (n,), whole numbers below 2⁶⁴; 0 stands for no picture
    doors : shape (n,), whole numbers; pictures of one door are not compared with each other. None: each
        picture is of a door of its own
    """
    marks = np.asarray(fingerprints).astype(np.uint64)
    n = len(marks)
    bits, nearest = np.full(n, 65), np.full(n, -1)
    taken = np.flatnonzero(marks != 0)
    for first in range(0, len(taken), CHUNK):
        rows = taken[first : first + CHUNK]
        differ = np.bitwise_count(marks[rows][:, None] ^ marks[taken][None, :]).astype(int)
        differ[np.arange(len(rows)), np.arange(first, first + len(rows))] = 65
        if doors is not None:
            differ[np.asarray(doors)[rows][:, None] == np.asarray(doors)[taken][None, :]] = 65
        best = differ.argmin(axis=1)
        bits[rows] = differ[np.arange(len(rows)), best]
        nearest[rows] = np.where(bits[rows] < 65, taken[best], -1)
    return bits, nearest


def times_seen(values: np.ndarray, *, empty: object = "") -> np.ndarray:
    """How many rows carry each row's value; 0 for rows that carry the `empty` one. Shape (n,)."""
    values = np.asarray(values)
    if not len(values):
        raise AnalysisError("there are no rows")
    _levels, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.where(values == empty, 0, counts[codes])
