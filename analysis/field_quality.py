"""Doubts about a field: which interviews are odd, and whose share of them is beyond a team's chance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.errors import AnalysisError
from analysis.interviews import (
    alike_pictures,
    closeness,
    closest_match,
    distance_from_others,
    flat_blocks,
    gaps_and_ways,
    pace_ratio,
    times_seen,
)
from analysis.outliers import ShareOutliers, share_outliers

KINDS = (
    "fast", "uneven", "flat", "unsure", "same_answers", "typical", "rushed", "far", "phone", "photo", "alone",
    "first_visit", "misfit", "combined", "backcheck",
)  # fmt: skip
"""What an interview can be doubted for; see `interview_doubts`."""

SHARES = {"backcheck": 0.4, "uneven": 0.2, "rushed": 0.1, "fast": 0.1}
"""Weights of the strongest kinds where their chances are put together; the others share the rest."""

STEADY = frozenset({"uneven", "same_answers", "phone", "photo", "misfit", "backcheck"})
"""Kinds whose rate hardly depends on who an honest interviewer is (`outliers.STEADY_CV`)."""

TRIAGE = 0.25  # the quarter of a team that looks oddest is checked back more; being in it says nothing
ODDEST = 0.95  # quantile of the summed surprise above which an interview is odd on the whole


Put = Callable[[str, np.ndarray, np.ndarray], None]


@dataclass(frozen=True)
class Limits:
    """Where a measure becomes a doubt.

    fast : of the team's median pace (half the median: Greszki, Meyer & Schoen 2015, Public Opinion Quarterly
        79, 471–503); uneven : of the interviewer's own, which takes out that some people talk faster
    flat : blocks with one answer; unsure : share of 不了解
    same_least : least share of equal answers that may be called the same; above it, the 99 % quantile of the
        best matches between *different* interviewers decides
    typical : quantile of the distance from the items' means
    gap_s : least seconds from the end of one interview to the first question of the next, and metres per
        second beyond which nobody walks or rides to a door (15 km/h)
    far_times, far_m : beyond so many times the colleagues' reach, and so many metres more
    photo_bits : pictures that differ in no more bits of 64 are the same; years : age told against the list
    """

    fast: float = 0.5
    uneven: float = 0.55
    flat: int = 2
    unsure: float = 0.3
    same_least: float = 0.8
    typical: float = 0.05
    gap_s: float = 240.0
    speed_m_s: float = 4.2
    far_times: float = 1.2
    far_m: float = 50.0
    photo_bits: int = 4
    years: int = 3


@dataclass(frozen=True, eq=False)
class Interviews:
    """Columns of shape (n,); any that is None is not looked at.

    interviewer : who asked, any labels; area : where; codes : (n, k) answers as whole numbers, −1 for none
    blocks : column numbers of items with one scale; n_unsure, n_items : 不了解 and items shown
    place_m : (n, 2) metres; roster_age, age, roster_sex, sex : by the household's list, and as answered
    phone : "" for none; photo : 64-bit fingerprints, 0 for none; visits : up to and with the interview
    checked, refuted : whether a back-check reached the household, and whether it disagreed
    """

    interviewer: np.ndarray
    area: np.ndarray
    codes: np.ndarray
    blocks: Sequence[Sequence[int]] = ()
    n_unsure: np.ndarray | None = None
    n_items: np.ndarray | None = None
    duration_s: np.ndarray | None = None
    start_s: np.ndarray | None = None
    place_m: np.ndarray | None = None
    phone: np.ndarray | None = None
    photo: np.ndarray | None = None
    n_adults: np.ndarray | None = None
    roster_age: np.ndarray | None = None
    age: np.ndarray | None = None
    roster_sex: np.ndarray | None = None
    sex: np.ndarray | None = None
    visits: np.ndarray | None = None
    checked: np.ndarray | None = None
    refuted: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Doubts:
    """`odd` and `seen` map each kind that could be looked at to arrays of shape (n,): doubtful; measurable.

    `surprise` (n,) adds up −log(how common) of an interview's doubts, back-checks left out; `measures` holds
    the figures behind them, by name, shape (n,): evidence for a person.
    """

    odd: Mapping[str, np.ndarray]
    seen: Mapping[str, np.ndarray]
    surprise: np.ndarray
    measures: Mapping[str, np.ndarray] = field(default_factory=dict)


def interview_doubts(data: Interviews, limits: Limits | None = None) -> Doubts:
    """Measure every interview and say which are odd.

    Parameters
    ----------
    data : the interviews of one round and mode
    limits : where a measure becomes a doubt
    """
    limits = limits or Limits()
    odd: dict[str, np.ndarray] = {}
    seen: dict[str, np.ndarray] = {}
    measures: dict[str, np.ndarray] = {}

    def put(kind: str, doubtful: np.ndarray, measurable: np.ndarray) -> None:
        odd[kind], seen[kind] = doubtful & measurable, measurable

    _answers(data, limits, put, measures)
    _ways(data, limits, put, measures)
    everybody = np.ones(len(data.interviewer), dtype=bool)
    if data.phone is not None and len(data.phone):
        measures["phone_times"] = times_seen(data.phone)
        put("phone", measures["phone_times"] > 1, measures["phone_times"] > 0)
    if data.photo is not None:
        measures["photo_bits"], measures["photo_row"] = alike_pictures(data.photo)
        put("photo", measures["photo_bits"] <= limits.photo_bits, np.asarray(data.photo) != 0)
    if data.n_adults is not None:
        put("alone", data.n_adults == 1, data.n_adults > 0)
    if data.visits is not None:
        put("first_visit", data.visits == 1, data.visits > 0)
    if data.age is not None and data.roster_age is not None:
        off = np.abs(np.asarray(data.age, dtype=float) - data.roster_age)
        measures["years_off"] = off
        other_sex = everybody & False if data.sex is None else data.sex != data.roster_sex
        put("misfit", (off > limits.years) | other_sex, np.isfinite(off))
    surprise = np.zeros(len(data.interviewer))
    for kind in odd:
        common = (odd[kind].sum() + 1) / (seen[kind].sum() + 2)
        surprise += np.where(odd[kind], -np.log(common), 0.0)
    put("combined", surprise > np.quantile(surprise, ODDEST), everybody)
    if data.checked is not None and data.refuted is not None:
        put("backcheck", data.refuted, data.checked)
    return Doubts(odd, seen, surprise, measures)


def _answers(data: Interviews, limits: Limits, put: Put, measures: dict[str, np.ndarray]) -> None:
    """Pace and patterns of the answers."""
    everybody = np.ones(len(data.interviewer), dtype=bool)
    flat = everybody & False
    if data.duration_s is not None and data.n_items is not None:
        pace = pace_ratio(data.duration_s, data.n_items)
        own = pace / _own_median(pace, data.interviewer)
        measures["pace"], measures["pace_own"] = pace, own
        put("fast", pace < limits.fast, np.isfinite(pace))
        put("uneven", own < limits.uneven, np.isfinite(own))
    if len(data.blocks):
        measures["flat_blocks"] = flat_blocks(data.codes, data.blocks)
        flat = measures["flat_blocks"] >= limits.flat
        put("flat", flat, everybody)
    if data.n_unsure is not None and data.n_items is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            measures["unsure_share"] = np.where(data.n_items > 0, data.n_unsure / data.n_items, np.nan)
        put("unsure", measures["unsure_share"] > limits.unsure, data.n_items > 0)
    same, row = closest_match(data.codes, group=data.interviewer, within=True)
    other, _ = closest_match(data.codes, group=data.interviewer, within=False)
    measures["same_share"], measures["same_row"] = same, row
    # Whoever gives one answer throughout matches everybody who does: that is "flat", not "same".
    usual = other[np.isfinite(other) & ~flat]
    limit = max(limits.same_least, float(np.quantile(usual, 0.99)) if len(usual) else 1.0)
    measures["same_limit"] = np.full(len(same), limit)
    put("same_answers", (same > limit) & ~flat, np.isfinite(same))
    near = closeness(data.codes)
    measures["closeness"] = near
    if np.isfinite(near).any():
        put("typical", (near < np.nanquantile(near, limits.typical)) & ~flat, np.isfinite(near))


def _own_median(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    labels = np.unique(group, return_inverse=True)[1]
    result = np.full(len(values), np.nan)
    for k in range(labels.max() + 1):
        mine = labels == k
        if np.isfinite(values[mine]).any():
            result[mine] = np.nanmedian(values[mine])
    return result


def _ways(data: Interviews, limits: Limits, put: Put, measures: dict[str, np.ndarray]) -> None:
    """Times between doors, and places."""
    n = len(data.interviewer)
    place = data.place_m if data.place_m is not None else np.full((n, 2), np.nan)
    if data.start_s is not None and data.duration_s is not None:
        end = data.start_s + data.duration_s
        gap, way, before = gaps_and_ways(data.start_s, end, place, data.interviewer)
        measures["gap_s"], measures["way_m"], measures["row_before"] = gap, way, before
        needed = np.maximum(limits.gap_s, np.nan_to_num(way) / limits.speed_m_s)
        put("rushed", gap < needed, np.isfinite(gap))
    if data.place_m is not None:
        distance, reach = distance_from_others(data.place_m, data.area, data.interviewer)
        measures["distance_m"], measures["reach_m"] = distance, reach
        far = distance > limits.far_times * reach + limits.far_m
        put("far", far, np.isfinite(distance))


@dataclass(frozen=True, eq=False)
class Standouts:
    """Interviewers whose share of a kind is beyond chance.

    people : labels, shape (m,); kinds : names, shape (k,)
    hits, tries, p : shape (m, k); outliers : {kind: ShareOutliers}
    adjusted : shape (m,), all kinds of an interviewer put together, times m, at most 1
    stands_out : shape (m,), adjusted at most alpha: of teams without a cheater a share of at most alpha has
        anybody standing out
    by_kind : shape (m, k), each kind's own p × m / weight: which kinds carry it
    suspect : shape (m,), the oddest quarter by mean surprise, and who stands out: back-checks go there next
    """

    people: np.ndarray
    kinds: tuple[str, ...]
    hits: np.ndarray
    tries: np.ndarray
    p: np.ndarray
    outliers: Mapping[str, ShareOutliers]
    adjusted: np.ndarray
    stands_out: np.ndarray
    by_kind: np.ndarray
    suspect: np.ndarray


def standouts(interviewer: np.ndarray, doubts: Doubts, *, alpha: float = 0.05) -> Standouts:
    """Compare every interviewer's share of each doubt with the others'.

    Parameters
    ----------
    interviewer : shape (n,), the labels that `doubts` was made with
    alpha : accepted chance that a field without any cheater names anybody at all

    Raises
    ------
    AnalysisError : alpha is not between 0 and 1

    Notes
    -----
    Kinds are put together by the Cauchy combination of their p with weights SHARES, which holds in the tail
    whatever their dependence (Liu & Xie 2020, JASA 115, 393–402), interviewers by Bonferroni. A kind that
    cannot be looked at counts as p = 1: it gives no other kind more room.
    """
    if not 0 < alpha < 1:
        raise AnalysisError(f"alpha lies between 0 and 1; got {alpha}")
    people, codes = np.unique(interviewer, return_inverse=True)
    kinds = tuple(kind for kind in KINDS if kind in doubts.odd)
    m = len(people)
    hits = np.zeros((m, len(kinds)))
    tries, p, found = hits.copy(), np.ones((m, len(kinds))), {}
    for k, kind in enumerate(kinds):
        tries[:, k] = np.bincount(codes, doubts.seen[kind], m)
        hits[:, k] = np.bincount(codes, doubts.odd[kind], m)
        if (tries[:, k] > 0).sum() < 3:
            continue
        found[kind] = share_outliers(hits[:, k], tries[:, k], steady=kind in STEADY)
        p[:, k] = found[kind].p
    weight = np.array([SHARES.get(kind, _REST) for kind in kinds])
    adjusted = np.minimum(_put_together(p, weight) * m, 1.0)
    stands_out = adjusted <= alpha
    mean = np.bincount(codes, doubts.surprise, m) / np.bincount(codes, minlength=m)
    suspect = (mean >= np.quantile(mean, 1 - TRIAGE)) | stands_out
    by_kind = p * m / weight
    return Standouts(people, kinds, hits, tries, p, found, adjusted, stands_out, by_kind, suspect)


_REST = (1 - sum(SHARES.values())) / (len(KINDS) - len(SHARES))


def _put_together(p: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Cauchy combination over the columns; p near 1 would outweigh any evidence, so it is cut at 0.99."""
    cut = np.clip(p, 1e-15, 0.99)
    absent = 1 - weight.sum()
    score = np.tan((0.5 - cut) * np.pi) @ weight + absent * np.tan((0.5 - 0.99) * np.pi)
    return 0.5 - np.arctan(score) / np.pi
