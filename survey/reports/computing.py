"""One run's work on a weighted sample: what each part of the document is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from survey.indicators.models import IndicatorVersion
from survey.reports.domains import (
    ALL,
    DISTRICT,
    REGIONS,
    community_domains,
    make_domains,
    partitions_of,
    sampled_psus,
)
from survey.reports.estimation import Frame, cells_of, counts_in, league_of, level_tests
from survey.reports.masks import INDICATOR
from survey.reports.previous import TESTED, Previous, Sample
from survey.reports.small_areas import small_area_part
from survey.reports.values import case_values, interval_kind
from survey.reports.weighting import BOOTSTRAP
from survey.reports.wording import Wording
from survey.stats.change import Before, Change, Rounds, changes
from survey.stats.claims import Test
from survey.stats.replicates import Replicates, bootstrap
from survey.stats.tables import FigureTable, Tables

COMPOSITE = IndicatorVersion.Kind.COMPOSITE


def make_frame(sample: Sample) -> tuple[Frame, Replicates | None, str]:
    """The classifications with their errors; with why there are no replicates, if there are none."""
    inputs, weighted, spec = sample.inputs, sample.weighted, sample.spec
    bands = spec["poststratification"]["bands"]
    domains = make_domains(sample.round, inputs, sample.sex, sample.band, bands)
    communities, places = community_domains(inputs)
    variance = spec["variance"]
    replicates, why = None, ""
    if variance["method"] == BOOTSTRAP:
        replicates, why = bootstrap(weighted, replicates=variance["replicates"], seed=variance["seed"])
    psus = sampled_psus(inputs, domains)
    partitions = [*partitions_of(domains), places]
    options: dict[str, Any] = {"sampled_psus": psus, "min_psus": variance["min_psus"]}
    tables = Tables(weighted, partitions, replicates=replicates, **options)
    plain = Tables(weighted, partitions, **options) if replicates else tables
    frame = Frame(
        inputs,
        weighted,
        domains,
        communities,
        tables,
        plain,
        psus,
        variance["min_psus"],
        sample.round.small_cell_floor,
    )
    return frame, replicates, why


@dataclass(eq=False)
class Work:
    """What the indicators of a run share; tables are kept for the composites and changes that need them."""

    frame: Frame
    versions: Sequence[IndicatorVersion]
    wordings: Mapping[str, Wording]
    masks: Mapping[str, Mapping[str, str]]
    previous: Previous | None
    rounds: Rounds | None
    earlier_frame: Frame | None
    kept: dict[str, FigureTable] = field(default_factory=dict)

    def values(self, version: IndicatorVersion) -> np.ndarray:
        """The indicator of every case."""
        return case_values(self.frame.inputs, version, self.wordings)

    def table(self, version: IndicatorVersion) -> FigureTable:
        """Its figures in all domains."""
        code = version.indicator.code
        if code not in self.kept:
            self.kept[code] = self.frame.tables.figures(self.values(version), interval_kind(version))
        return self.kept[code]

    def lighten(self, code: str) -> None:
        """Let go of an indicator's linearised totals, one row for each PSU, once its changes are computed.

        Composites take the replicates where there are any.
        """
        table = self.kept.get(code)
        if table is not None and table.deviations is not None:
            self.kept[code] = replace(table, z=table.z[:0].copy())  # a view would keep all of it

    @property
    def leagues(self) -> int:
        """Leagues that the report ranks: districts and streets of each indicator of its own."""
        kinds = [kind for kind in REGIONS if len(self.frame.of_kind(kind)) > 1]
        return max(len(kinds) * sum(v.kind != COMPOSITE for v in self.versions), 1)


def indicator_part(work: Work, version: IndicatorVersion, status: str) -> dict[str, Any]:
    """One indicator: {"estimates", "tests", "leagues", "small_areas", "change", "n"}; tests as plain rows."""
    code, frame = version.indicator.code, work.frame
    table, mask = work.table(version), work.masks[INDICATOR + code]
    kind = interval_kind(version)
    cells = cells_of(frame, table, mask)
    shown = [key for key, cell in cells.items() if "suppressed" not in cell]
    tests = level_tests(frame, code, table, shown, version.target, kind)
    found = changes_of(work, version, table, shown) if status == TESTED else {}
    tests += [Test("change", code, key, c.difference, c.se, c.df) for key, c in found.items()]
    leagues = {}
    for region in REGIONS:
        listed = [key for key in frame.of_kind(region) if key in set(shown)]
        league = league_of(table, listed, work.leagues)
        if league:
            leagues[region] = league
    return {
        "estimates": cells,
        "tests": [_plain(test) for test in tests if np.isfinite(test.p_value)],
        "leagues": leagues,
        "small_areas": small_area_part(frame, table, kind, mask),
        "change": {key: _change_row(c) for key, c in found.items()},
        "n": int(table.n[table.row(ALL)]),
    }


def changes_of(
    work: Work, version: IndicatorVersion, table: FigureTable, shown: Sequence[str]
) -> dict[str, Change]:
    """Change since the last round in every domain that both rounds printed."""
    if work.previous is None:
        return {}
    before = {k: b for k, b in work.previous.published(version.indicator.code).items() if k in set(shown)}
    covariances: dict[str, float] = {}
    if work.rounds is not None and work.earlier_frame is not None:
        earlier = work.earlier_frame
        values = case_values(earlier.inputs, version, work.wordings)
        covariances = work.rounds.covariances(earlier.plain.figures(values, interval_kind(version)), table)
    return changes(before, table, covariances)


def same_mode_part(work: Work, version: IndicatorVersion) -> dict[str, dict[str, Any]]:
    """Change among those who answered in the same mode in both rounds: {mode: {domain: row}}.

    Both rounds are weighted as they were; a mode's answers stand for the people whom that mode reached.
    """
    if work.rounds is None or work.earlier_frame is None:
        return {}
    frame, earlier = work.frame, work.earlier_frame
    now, old = work.values(version), case_values(earlier.inputs, version, work.wordings)
    wanted = _places_by_mode(work, version, (now, old))
    kind = interval_kind(version)
    found: dict[str, dict[str, Any]] = {}
    for mode in sorted(set(frame.inputs.modes) & set(earlier.inputs.modes)):
        second = frame.plain.figures(np.where(frame.inputs.mode == mode, now, np.nan), kind)
        first = earlier.plain.figures(np.where(earlier.inputs.mode == mode, old, np.nan), kind)
        before = {key: _before(first, key) for key in wanted if _n(first, key) and _n(second, key)}
        rows = changes(before, second, work.rounds.covariances(first, second))
        if rows:
            found[mode] = {
                key: _change_row(c) | {"n": _n(second, key), "n_before": _n(first, key)}
                for key, c in rows.items()
            }
    return found


def _places_by_mode(
    work: Work, version: IndicatorVersion, values: tuple[np.ndarray, np.ndarray]
) -> list[str]:
    """The whole, and all districts or none: where every mode's count may be known in both rounds.

    A place's figure minus that of the other modes is that of the last one, and the whole's minus that of the
    other districts the last district's: no cell of this table may be thin, alike or masked.
    """
    assert work.previous is not None and work.earlier_frame is not None
    code = version.indicator.code
    printed = set(work.previous.published(code)) - set(work.masks[INDICATOR + code])
    present: set[str] = set()
    for frame, own in zip((work.frame, work.earlier_frame), values, strict=True):
        for mode in frame.inputs.modes:
            counts, alike = counts_in(frame, np.where(frame.inputs.mode == mode, own, np.nan))
            printed -= {key for key, n in counts.items() if 0 < n < frame.floor} | set(alike)
            present |= {key for key, n in counts.items() if n}
    districts = [key for key in work.frame.of_kind(DISTRICT) if key in present]
    if ALL not in printed:
        return []
    return [ALL, *districts] if printed.issuperset(districts) else [ALL]


def _n(table: FigureTable, key: str) -> int:
    return int(table.n[table.row(key)])


def _before(table: FigureTable, key: str) -> Before:
    row = table.row(key)
    return Before(float(table.estimate[row]), float(table.se[row]), float(table.df[row]))


def _plain(test: Test) -> list[Any]:
    return [test.kind, test.indicator, test.domain, test.difference, test.se, test.df]


def _change_row(change: Change) -> dict[str, Any]:
    return {
        "before": change.before,
        "difference": change.difference,
        "se": change.se,
        "df": change.df,
        "covariance": change.covariance,
    }
