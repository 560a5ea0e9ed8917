"""Change between two rounds whose samples share PSUs: Δ = θ₂ − θ₁, V(Δ) = V₁ + V₂ − 2 C₁₂.

Rounds that go back to the same communities are not independent. Each round keeps its own variance; the shared
PSUs give the covariance. Leaving it out usually makes the error of a change too large.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation.linear import Items, domain_rows, item_arrays, mean, share_columns, total
from analysis.estimation.linearization import Design, Scores, totals_of_scores
from analysis.estimation.result import Estimate
from analysis.frames import ColumnSpec
from analysis.inference.shared_psus import cross_covariance, psu_ids, shared_units

_STATISTICS = {"mean": mean, "total": total}
_FULL_MATRIX = 200  # rows; beyond that only the variances of the changes are computed


@dataclass(frozen=True, eq=False, repr=False)
class Change:
    """Two rounds and their difference, row by row (a row is an item in a domain).

    first, second : estimates of each round, in the rows of `change` (NaN where a round has no such row)
    change : second − first, an `Estimate` with se, df, n, ci(), vcov
    covariance : between the two rounds' estimates of each row
    shared_psus : PSUs with rows in both rounds
    bounded : the unbiased covariance left the possible range (few shared PSUs), so a smaller one was taken
    """

    first: Estimate
    second: Estimate
    change: Estimate
    covariance: np.ndarray
    shared_psus: int
    bounded: bool = False

    @property
    def correlation(self) -> np.ndarray:
        """Correlation of the two rounds' estimates."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.covariance / (self.first.se * self.second.se)

    def to_frame(self, level: float = 0.95) -> pd.DataFrame:
        """One line per row: both rounds, the change with its interval, df, and the correlation."""
        low, high = self.change.ci(level)
        columns: dict[str, Any] = {"term": list(self.change.terms)}
        columns |= {name: list(values) for name, values in self.change.domains.items()}
        columns |= {"first": self.first.estimate, "second": self.second.estimate}
        columns |= {"change": self.change.estimate, "se": self.change.se, "ci_low": low, "ci_high": high}
        columns |= {"df": self.change.df, "correlation": self.correlation, "reason": list(self.change.reason)}
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        frame = self.to_frame()
        if not any(frame["reason"]):
            frame = frame.drop(columns="reason")
        shown = frame.to_string(index=False, max_rows=60, float_format=lambda v: f"{v:.6g}")
        return f"change (second − first), 95 % interval: t, {self.shared_psus} PSUs in both rounds\n{shown}"


def change(
    first: SurveyDesign,
    second: SurveyDesign,
    items: Items,
    *,
    psu: ColumnSpec | tuple[ColumnSpec, ColumnSpec],
    items_second: Items | None = None,
    by: ColumnSpec | Sequence[str] | None = None,
    where: np.ndarray | None = None,
    where_second: np.ndarray | None = None,
    statistic: str = "mean",
) -> Change:
    """Change of means or totals between two designs, each calibrated or not.

    Parameters
    ----------
    items : columns of both designs; arrays go into `items` and `items_second` under the same names
    psu : column of PSU ids, the same id for the same PSU in both rounds (or a pair, one for each design); an
        id must be unique in the whole round, not only in its stratum
    by, where, where_second : domains, as in `mean`; a domain of one round only has no change
    statistic : 'mean' (shares are means of 0/1) or 'total'

    Returns
    -------
    Change; its df are the smaller of the two rounds' where PSUs are shared, else Satterthwaite's

    Raises
    ------
    DesignError : PSU ids that do not name PSUs; joint probabilities or `domain_lonely` with shared PSUs; an
        fpc with strata that changed between the rounds

    Notes
    -----
    In a stratum with n₁ and n₂ PSUs, m shared, C = (m − n₁n₂/N)·σ₁₂, with σ₁₂ estimated without bias by
    Σ d₁d₂ n₁n₂ / (m (n₁n₂ − n₁ − n₂ + m)) over the shared PSUs, d the deviations from each round's own
    stratum mean (Wood 2008, Journal of Official Statistics 24, 53–78; Knottnerus & van Delden 2012).
    Rounds that avoid each other's PSUs on purpose have C = −n₁n₂/N·σ₁₂, which their data cannot show: leave
    out the fpc of both then; that is on the safe side. Households are taken as drawn afresh within shared
    PSUs; if they are asked again, their positive covariance at later stages is not counted, which overstates
    the error.
    """
    if statistic not in _STATISTICS:
        raise AnalysisError(f"statistic is one of {', '.join(_STATISTICS)}; got {statistic!r}")
    if not (isinstance(first, SurveyDesign) and isinstance(second, SurveyDesign)):
        raise AnalysisError("replicate designs: stack both rounds in one design and use change_in_stacked")
    items_second = items if items_second is None else items_second
    psu_pair = psu if isinstance(psu, tuple) else (psu, psu)
    one = _Round.of(first, items, psu_pair[0], by, where, statistic)
    two = _Round.of(second, items_second, psu_pair[1], by, where_second, statistic)
    keys = list(dict.fromkeys([*one.keys, *two.keys]))
    a, b = one.select(keys), two.select(keys)
    shared = shared_units(one.ids, two.ids)
    diagonal = len(keys) > _FULL_MATRIX
    cross = cross_covariance(first, second, a.z, b.z, shared, diagonal=diagonal)
    own = cross if diagonal else np.diag(cross)
    bounded = bool(np.any(np.abs(own) > a.result.se * b.result.se * (1 + 1e-9)))
    if bounded:
        cross = cross_covariance(first, second, a.z, b.z, shared, diagonal=diagonal, bounded=True)
    both = np.sum(one.present[shared[0]].any(axis=1) & two.present[shared[1]].any(axis=1))
    touched = a.present[shared[0]] & b.present[shared[1]]
    return _result(a.result, b.result, cross, touched.any(axis=0), int(both), bounded)


def change_in_share(
    first: SurveyDesign,
    second: SurveyDesign,
    item: ColumnSpec | tuple[ColumnSpec, ColumnSpec],
    *,
    psu: ColumnSpec | tuple[ColumnSpec, ColumnSpec],
    levels: Sequence[Any] | None = None,
    name: str | None = None,
    exclude: Sequence[Any] = (),
    by: ColumnSpec | Sequence[str] | None = None,
    where: np.ndarray | None = None,
    where_second: np.ndarray | None = None,
) -> Change:
    """Change of shares of categories, or of the share in `levels`; as `proportion` and `change`.

    A category that nobody chose in one round has the share 0 there.
    """
    specs = item if isinstance(item, tuple) else (item, item)
    label = name or (specs[0] if isinstance(specs[0], str) else "item")
    made = [
        share_columns(d, s, levels=levels, name=label if levels is None else name, exclude=exclude)
        for d, s in zip((first, second), specs, strict=True)
    ]
    for mine, other in (made, made[::-1]):
        lost = next(iter(mine.values()))
        mine |= {k: np.where(np.isnan(lost), np.nan, 0.0) for k in other if k not in mine}
    options = {"psu": psu, "by": by, "where": where, "where_second": where_second}
    return change(first, second, made[0], items_second=made[1], **options)


def change_in_stacked(
    design: Design,
    items: Items,
    *,
    over: str,
    first: Any,
    second: Any,
    by: str | Sequence[str] | None = None,
    where: np.ndarray | None = None,
) -> Change:
    """Change of means within one design that holds the rows of both rounds, one below the other.

    over : column of the round; first, second : its values. PSU ids are the same in both rounds.

    The rounds are domains of one design, so the covariance comes from the design itself: any design will do,
    calibrated or with replicate weights. Right where both rounds keep the same PSUs; where PSUs rotate, it
    takes the number of PSUs in each round as random and overstates the error: use `change`.
    """
    by_names = [] if by is None else [by] if isinstance(by, str) else list(by)
    factor = design.columns.factor(over)
    unknown = [v for v in (first, second) if v not in factor.levels]
    if unknown:
        raise AnalysisError(f"column {over!r} has no value {unknown[0]!r}; it has {factor.levels[:20]}")
    codes = [factor.levels.index(v) for v in (first, second)]
    pair = np.isin(factor.codes, codes)
    pair = pair if where is None else pair & np.asarray(where, dtype=bool)
    means = mean(design, items, by=[*by_names, over], where=pair, covariance=True)
    keys = _keys(means)
    place = {(k[0], k[1:-1], k[-1]): i for i, k in enumerate(keys)}
    rows = list(dict.fromkeys((k[0], k[1:-1]) for k in keys))
    chosen = [[place.get((*r, v), -1) for r in rows] for v in (first, second)]
    a, b = (_picked(means, index, [(t, *d) for t, d in rows], by_names) for index in chosen)
    i, j = (np.array(c) for c in chosen)
    absent = (i < 0)[:, None] | (j < 0)[None, :]
    cross = np.where(absent, np.nan, means.vcov[np.ix_(i, j)])
    shared = _psus_in_both(design, pair, factor.codes, codes)
    return _result(a, b, cross, np.full(len(rows), shared > 0), shared, False)


def _psus_in_both(design: Design, pair: np.ndarray, codes: np.ndarray, rounds: list[int]) -> int:
    unit = design.row_psu if isinstance(design, SurveyDesign) else design.row_unit
    seen = [set(unit[pair & (codes == c) & (design.weights != 0)]) for c in rounds]
    return len(seen[0] & seen[1])


def _keys(result: Estimate) -> list[tuple]:
    return list(zip(result.terms, *result.domains.values(), strict=True))


@dataclass(frozen=True, eq=False)
class _Round:
    """A round's estimates, their linearised PSU totals z (n_psus, n_rows), and PSU ids."""

    keys: list[tuple]
    result: Estimate
    z: np.ndarray
    present: np.ndarray
    ids: tuple
    by: list[str]

    @classmethod
    def of(
        cls, design: SurveyDesign, items: Items, psu: ColumnSpec, by: Any, where: Any, statistic: str
    ) -> "_Round":
        result = _STATISTICS[statistic](design, items, by=by, where=where)
        domains = domain_rows(design, by, where, True)
        _, values, _ = item_arrays(design, items)
        code = np.zeros(design.n_rows, dtype=np.int64) if domains.codes is None else domains.codes
        w = design.weights if domains.inside is None else np.where(domains.inside, design.weights, 0.0)
        tables, marks = [], []
        for k, y in enumerate(values):
            rows = slice(k * domains.count, (k + 1) * domains.count)
            used = (w != 0) & ~np.isnan(y)
            centre = np.nan_to_num(result.estimate[rows]) if statistic == "mean" else np.zeros(domains.count)
            size = result.sum_weights[rows] if statistic == "mean" else np.ones(domains.count)
            divisor = np.where(size > 0, size, 1.0)[code]
            score = np.where(used, w * (np.where(used, y, 0.0) - centre[code]) / divisor, 0.0)
            tables.append(totals_of_scores(design, Scores(score, domains.codes, domains.count)))
            marks.append(Scores(used.astype(float), domains.codes, domains.count).unit_totals(design))
        z, present = np.concatenate(tables, axis=1), np.concatenate(marks, axis=1)
        for stage in reversed(design.stages[1:]):
            z = np.add.reduceat(z, stage.parent_starts, axis=0)
            present = np.add.reduceat(present, stage.parent_starts, axis=0)
        return cls(_keys(result), result, z, present > 0, psu_ids(design, psu), list(result.domains))

    def select(self, keys: list[tuple]) -> "_Round":
        """The rows of `keys`; those this round lacks have no estimate and no totals."""
        place = {k: i for i, k in enumerate(self.keys)}
        index = [place.get(k, -1) for k in keys]
        has = np.array(index) >= 0
        return _Round(
            keys,
            _picked(self.result, index, keys, self.by),
            np.where(has, self.z[:, index], 0.0),
            has & self.present[:, index],
            self.ids,
            self.by,
        )


def _picked(result: Estimate, index: list[int], keys: list[tuple], by: list[str]) -> Estimate:
    """The rows `index` of a result under their keys; −1 is a row that it does not have."""
    at = np.array(index)
    has = at >= 0
    both = has[:, None] & has[None, :]
    reason = result.reason or ("",) * len(result)
    return Estimate(
        result.statistic,
        tuple(k[0] for k in keys),
        np.where(has, result.estimate[at], np.nan),
        np.where(has, result.se[at], np.nan),
        np.where(has, result.df[at], np.nan),
        result.design_df,
        np.where(has, result.n[at], 0),
        domains={c: np.array([k[d + 1] for k in keys], dtype=object) for d, c in enumerate(by)},
        reason=tuple(reason[i] if i >= 0 else "no row of this round lies in the domain" for i in index),
        vcov=None if result.vcov is None else np.where(both, result.vcov[np.ix_(at, at)], np.nan),
    )


def _result(
    a: Estimate, b: Estimate, cross: np.ndarray, touched: np.ndarray, shared: int, bounded: bool
) -> Change:
    """touched : rows whose domain has rows in a shared PSU."""
    full = cross.ndim == 2
    own = np.diag(cross).copy() if full else cross
    vcov = a.vcov + b.vcov - cross - cross.T if full else None
    variance = np.maximum(a.variance + b.variance - 2 * own, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = (a.variance + b.variance) ** 2 / (a.variance**2 / a.df + b.variance**2 / b.df)
        df = np.where(touched | ~np.isfinite(apart), np.minimum(a.df, b.df), apart)
    pairs = zip(a.reason, b.reason, strict=True)
    reason = [f"first round: {x}" if x else f"second round: {y}" if y else "" for x, y in pairs]
    made = Estimate(
        "change",
        a.terms,
        b.estimate - a.estimate,
        np.sqrt(variance),
        df,
        min(a.design_df, b.design_df),
        a.n + b.n,
        domains=a.domains,
        reason=tuple(reason),
        vcov=vcov,
    )
    return Change(a, b, made, own, shared, bounded)
