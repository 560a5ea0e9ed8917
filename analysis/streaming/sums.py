"""From grouped sums to estimates: the same `finish` as for rows in memory."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError, DesignError
from analysis.estimation.finish import finish
from analysis.estimation.linear import as_proportion, share_groups
from analysis.estimation.result import Estimate
from analysis.estimation.tables import Cells, ItemTotals
from analysis.frames import combine_codes, make_factor
from analysis.streaming.residuals import BlockQueries
from analysis.streaming.sources import Query


class StreamedSums:
    """Sums of one pass; each method turns them into estimates. Made by `StreamedDesign.collect`."""

    def __init__(
        self,
        streamed: Any,
        items: tuple[str, ...],
        ratios: tuple[tuple[str, str], ...],
        categories: tuple[str, ...],
        by: tuple[str, ...],
    ) -> None:
        self._streamed, self.by = streamed, by
        self.items, self.ratios, self.categories = items, ratios, categories
        self._pilots = streamed.source.pilots(items)
        blocks = BlockQueries(streamed, self._scores, by, categories)
        unit = tuple(dict.fromkeys((*streamed.unit_keys, *streamed.fpc, *by)))
        queries = [Query(unit, self._row_sums)]
        queries += [Query(tuple(dict.fromkeys((*unit, c))), self._level_sums) for c in categories]
        found = streamed.source.collect([*queries, *blocks.queries])
        self._table = found[0]
        self._levels = dict(zip(categories, found[1 : len(queries)], strict=True))
        self._build(blocks, found[len(queries) :])

    # Row expressions -----------------------------------------------------------------------------------

    def _scores(self, rows: Any, w: Any) -> dict[str, Any]:
        """w·(y − pilot), w·x and w of the rows that have a value, by the name of their sum."""
        out = {}
        for j, item in enumerate(self.items):
            y, known = rows.number(item)
            out |= {f"sum_i{j}_top": w * known * (y - self._pilot(rows, item)), f"sum_i{j}_w": w * known}
        for j, (top, low) in enumerate(self.ratios):
            (y, has_y), (x, has_x) = rows.number(top), rows.number(low)
            own = w * has_y * has_x
            out |= {f"sum_r{j}_top": own * y, f"sum_r{j}_w": own, f"sum_r{j}_low": own * x}
        return out

    def _pilot(self, rows: Any, item: str) -> float:
        """A rough mean that the first frame tells; taken off before squares are formed."""
        if item not in self._pilots:
            found = rows.rough_mean(item)
            if found is not None:
                self._pilots[item] = found
        return self._pilots.get(item, 0.0)

    def _row_sums(self, rows: Any) -> dict[str, Any]:
        w, where = self._streamed.row_weights(rows)[0][-1], rows.ops.where
        scores = self._scores(rows, w)
        out = {"sum_rows": where(w != 0, 1.0, 0.0)} | scores
        for j, item in enumerate(self.items):
            own, centred = scores[f"sum_i{j}_w"], rows.number(item)[0] - self._pilot(rows, item)
            out |= {f"sum_i{j}_n": where(own != 0, 1.0, 0.0), f"sum_i{j}_w2": own * own}
            out[f"sum_i{j}_yy"] = own * centred * centred
        for j, (top, low) in enumerate(self.ratios):
            own, y, x = scores[f"sum_r{j}_w"], rows.number(top)[0], rows.number(low)[0]
            out |= {f"sum_r{j}_n": where(own != 0, 1.0, 0.0), f"sum_r{j}_w2": own * own}
            out |= {f"sum_r{j}_yy": own * y * y, f"sum_r{j}_xy": own * x * y, f"sum_r{j}_xx": own * x * x}
        return out

    def _level_sums(self, rows: Any) -> dict[str, Any]:
        w = self._streamed.row_weights(rows)[0][-1]
        return {"sum_n": rows.ops.where(w != 0, 1.0, 0.0), "sum_w": w, "sum_w2": w * w}

    # From the sums to a design and its cells --------------------------------------------------------------

    def _build(self, blocks: BlockQueries, found: list[pd.DataFrame]) -> None:
        streamed, table = self._streamed, self._table
        for key in (*streamed.unit_keys, *streamed.fpc):
            lost = table[key].isna()
            if lost.any():
                raise DesignError(f"{key}: {int(lost.sum())} group(s) of rows have no value")
        design = streamed.sample(table, table["sum_rows"].to_numpy())
        known = np.logical_and.reduce(
            [table[b].notna() for b in self.by] or [np.ones(len(table), dtype=bool)]
        )
        self._inside = np.asarray(known)
        codes, self._domains = self._domain_codes()
        count = len(self._domains)
        self._domain_levels = {
            b: np.array([label[k] for label in self._domains], dtype=object) for k, b in enumerate(self.by)
        }
        self._cells = Cells(design, codes if self.by else None, count)
        units = dict(zip(keys_of(table, streamed.unit_keys), design.row_unit.tolist(), strict=True))
        self._blocks = blocks
        if blocks.n_blocks:
            sums = blocks.residual_sums(found, units, design.stages[-1].n_units)
            design = design.with_weights(design.weights, sums)
            place = {label: k for k, label in enumerate(self._domains)}
            blocks.read_moments(found, place)
        self.design: SurveyDesign = design

    def _domain_codes(self) -> tuple[np.ndarray, list[tuple]]:
        """Domain of each row of the table, and the labels of the domains, the first column fastest."""
        if not self.by:
            return np.zeros(len(self._table), dtype=np.int64), [()]
        if not self._inside.any():
            raise AnalysisError("no row lies in any domain of " + ", ".join(self.by))
        factors = [self._factor(self._table[b]) for b in self.by]
        used, members = combine_codes([(c[self._inside], len(lv)) for c, lv in reversed(factors)])
        codes = np.zeros(len(self._table), dtype=np.int64)
        codes[self._inside] = used
        columns = [[lv[k] for k in m] for (_, lv), m in zip(factors, members[::-1], strict=True)]
        return codes, list(zip(*columns, strict=True))

    def _factor(self, column: pd.Series) -> tuple[np.ndarray, tuple]:
        """Codes and levels; a categorical column of the frames keeps its own order."""
        order = self._streamed.source.orders.get(column.name)
        if order is not None:
            return pd.Categorical(column, categories=list(order)).codes.astype(np.int64), order
        factor = make_factor(column.to_numpy())
        return factor.codes, factor.levels

    def _sum(self, name: str) -> np.ndarray:
        """A column of the table by cell; rows outside every domain give nothing."""
        values = np.where(self._inside, self._table[name].to_numpy(dtype=float), 0.0)
        return self._cells.sums(self._cells.row, values)

    # Estimates ---------------------------------------------------------------------------------------------

    def mean(self, *, covariance: bool | None = None) -> Estimate:
        """Means of every item in every domain; as `estimation.mean`."""
        result = self._estimate("mean", self.items, self._item_totals(), covariance)
        truths = self._streamed.source.truths
        return as_proportion(result) if all(truths.get(i, False) for i in self.items) else result

    def total(self, *, covariance: bool | None = None) -> Estimate:
        """Totals; as `estimation.total`."""
        return self._estimate("total", self.items, self._item_totals(), covariance)

    def ratio(self, *, covariance: bool | None = None) -> Estimate:
        """The ratios in the order asked; as `estimation.ratio`."""
        names = [f"{top}/{low}" for top, low in self.ratios]
        totals = (self._totals(f"sum_r{j}", 0.0, ("top", "w", "low")) for j in range(len(self.ratios)))
        return self._estimate("ratio", names, totals, covariance)

    def proportion(
        self,
        item: str,
        *,
        levels: Sequence[Any] | None = None,
        name: str | None = None,
        exclude: Sequence[Any] = (),
        covariance: bool | None = None,
    ) -> Estimate:
        """Shares of the categories of an item; parameters as in `estimation.proportion`."""
        if item not in self._levels:
            raise AnalysisError(f"{item!r} was not collected; name it in categories=")
        table = self._levels[item]
        codes, known = self._factor(table[item])
        kept, groups = share_groups(known, item, levels=levels, name=name, exclude=exclude)
        shares = _Shares(self, table, codes, kept)
        moments = self._blocks.level_moments(item, known)
        totals = (shares.totals(chosen, moments) for chosen in groups.values())
        return as_proportion(self._estimate("mean", list(groups), totals, covariance))

    def _estimate(
        self, statistic: str, names: Sequence[str], totals: Iterator[ItemTotals], covariance: bool | None
    ) -> Estimate:
        if not names:
            raise AnalysisError(f"nothing was collected for a {statistic}")
        rows = self._sum("sum_rows")
        whole = (self._cells.by_domain(rows), rows)
        return finish(
            self.design, self._cells, statistic, names, totals, whole, self._domain_levels, covariance
        )

    def _item_totals(self) -> Iterator[ItemTotals]:
        for j, item in enumerate(self.items):
            yield self._totals(f"sum_i{j}", self._pilots.get(item, 0.0), ("top", "w"))

    def _totals(self, name: str, pilot: float, parts: tuple[str, ...]) -> ItemTotals:
        def cell(part: str) -> np.ndarray:
            return self._sum(f"{name}_{part}")

        def domain(part: str) -> np.ndarray:
            return self._cells.by_domain(cell(part))

        ratio = "low" in parts
        return ItemTotals(
            cell("n"),
            cell("w"),
            cell("top"),
            cell("low") if ratio else None,
            domain("n"),
            domain("w2"),
            domain("yy"),
            domain("xy") if ratio else None,
            domain("xx") if ratio else None,
            pilot,
            self._blocks.moments(name, parts),
        )


class _Shares:
    """Sums of one item's levels by cell: a share is the mean of an indicator."""

    def __init__(self, sums: StreamedSums, table: pd.DataFrame, codes: np.ndarray, kept: np.ndarray) -> None:
        self._cells, self._codes, self._kept = sums._cells, codes, kept
        keys = tuple(dict.fromkeys((*sums._streamed.unit_keys, *sums.by)))
        inside = zip(keys_of(sums._table, keys), sums._cells.row.tolist(), sums._inside, strict=True)
        place = {key: cell for key, cell, is_in in inside if is_in}
        self._cell = np.array([place.get(key, -1) for key in keys_of(table, keys)], dtype=np.int64)
        self._answered = (self._cell >= 0) & (codes >= 0) & np.append(kept, False)[codes]
        self._sums = {k: table[f"sum_{k}"].to_numpy(dtype=float) for k in ("n", "w", "w2")}
        self._count, self._w, self._w2 = (self._by_cell(k, self._answered) for k in ("n", "w", "w2"))

    def _by_cell(self, name: str, used: np.ndarray) -> np.ndarray:
        return self._cells.sums(self._cell[used], self._sums[name][used])

    def totals(self, chosen: np.ndarray, moments: Callable[[np.ndarray], list[np.ndarray]]) -> ItemTotals:
        """Of the share of the chosen levels."""
        by = self._cells.by_domain
        top = self._by_cell("w", self._answered & np.append(chosen, False)[self._codes])
        found = {"top": moments(chosen & self._kept), "w": moments(self._kept)}
        return ItemTotals(
            self._count, self._w, top, None, by(self._count), by(self._w2), by(top), moments=found
        )


def keys_of(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple]:
    """The keys of every row as tuples."""
    return frame[list(columns)].itertuples(index=False, name=None)
